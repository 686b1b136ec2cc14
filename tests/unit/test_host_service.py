"""What looks after a host, in whatever order things happen; and how it signs what it asks of ECS.

Docker, ECS and the metadata are played in this process, so that many orders take little time: the
program itself runs in ``tests/integration/test_host_service.py``.
"""

import argparse
import json
import subprocess
import time
from datetime import datetime
from email.message import Message
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch
from urllib.error import HTTPError

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from infrastructure.host import seqdrop_host as program
from tests.host_support import FACTS, NOTICE, SPOT, TIME


@given(
    st.integers(0, 2**32), st.sampled_from(["us-east-1", "eu-west-2", "cn-north-1"]),
    st.text(st.characters(codec="ascii"), min_size=1, max_size=9), st.binary(max_size=99),
)  # fmt: skip
def test_a_request_is_signed_as_botocore_does(
    seconds: int, region: str, secret: str, body: bytes
) -> None:
    now = time.gmtime(seconds)
    url = f"https://ecs.{region}.amazonaws.com/"
    keys = {"AccessKeyId": "AKID", "SecretAccessKey": secret, "Token": "T=/+"}
    headers = program.signed(url, body, keys, region, now)
    own = {name: headers[name] for name in ("content-type", "x-amz-target")}
    request = AWSRequest("POST", url, own, body)
    clock = "botocore.auth.get_current_datetime"
    with patch(clock, return_value=datetime(*now[:6])):  # without a zone, as botocore has it
        SigV4Auth(Credentials("AKID", secret, "T=/+"), "ecs", region).add_auth(request)
    assert headers["authorization"] == request.headers["Authorization"]
    assert headers["x-amz-date"] == request.headers["X-Amz-Date"]


class World:
    """A host's surroundings, each of which may fail for a while."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.requests = folder / "host", folder / "requests"
        self.folder.mkdir()
        self.requests.mkdir()
        self.metadata = dict(SPOT)
        self.broken: set[str] = set()
        self.mounted: set[str] = set()
        self.others: set[str] = set()
        self.asked: list[str] = []
        self.started = 0
        self.host = self.new_host()

    def new_host(self) -> program.Host:
        return program.Host(
            argparse.Namespace(
                folder=self.folder, requests=self.requests, metadata="http://m",
                agent="http://a", ecs="http://e/", idle_seconds=0,
            )
        )  # fmt: skip

    def read(self) -> dict[str, str]:
        file = self.folder / "host.json"
        return json.loads(file.read_text()) if file.exists() else {}

    def ask(self, url: str, _: dict[str, str], method: str = "GET", data: bytes = b"") -> str:
        if url.startswith("http://m"):
            return self._metadata(url, method)
        self._fail_if("ecs", ConnectionRefusedError())
        if url.startswith("http://a"):
            return '{"Cluster": "c", "ContainerInstanceArn": "arn"}'
        assert json.loads(data)["status"] == "DRAINING"
        self.asked.append("drain")
        return '{"failures": []}'

    def _metadata(self, url: str, method: str) -> str:
        self._fail_if("tokens", HTTPError(url, 403, "", Message(), None), method == "PUT")
        self._fail_if("metadata", HTTPError(url, 503, "", Message(), None), method != "PUT")
        path = url.removeprefix("http://m/latest/")
        if method == "PUT":
            return "token"
        if path not in self.metadata:
            raise HTTPError(url, 404, "", Message(), None)
        return self.metadata[path]

    def _fail_if(self, what: str, error: Exception, is_asked: bool = True) -> None:
        if is_asked and what in self.broken:
            raise error

    def run(self, command: list[str], **_: Any) -> "subprocess.CompletedProcess[bytes]":
        if command[0] == "shutdown":
            self.asked.append("shutdown")
            assert not self.mounted | self.others, "jobs run"
            return subprocess.CompletedProcess(command, 0)
        self._fail_if("docker", subprocess.TimeoutExpired(command, 30))
        filters = [value for value in command if value.startswith("volume=")]
        assert filters in ([], [f"volume={self.folder}"])
        found = self.mounted if filters else self.mounted | self.others
        return subprocess.CompletedProcess(command, 0, "\n".join(found).encode())

    def stop(self, command: list[str], **_: Any) -> "Stop":
        assert command[:4] == ["docker", "stop", "-t", "30"]
        assert self.read().get("reclaimed") == TIME, "jobs end, and can't know why"
        assert NOTICE in self.metadata
        if "stop" not in self.broken:
            self.mounted -= set(command[4:])
        return Stop()

    def do(self, step: str) -> None:
        """One thing that happens."""
        what, _, of = step.partition(" ")
        match what:
            case "break":
                self.broken.add(of)
            case "mend":
                self.broken.discard(of)
            case "start":
                self.started += 1
                (self.mounted if of == "job" else self.others).add(f"c{self.started}")
            case "end":
                (self.mounted or self.others or {""}).pop()
            case "notice":
                self.metadata[NOTICE] = json.dumps({"action": "terminate", "time": TIME})
            case "request":
                (self.requests / "drain").touch()
            case "restart":
                self.host = self.new_host()
            case "look":
                self.host.look()
        assert self.read() in ({}, FACTS, {**FACTS, "reclaimed": TIME}, {"reclaimed": TIME})


class Stop:
    """A `docker stop` that has come to its end."""

    @staticmethod
    def poll() -> int:
        return 0


STEPS = [
    "look", "look", "look", "start job", "start job", "start other", "end", "notice", "request",
    "restart", *(f"{do} {what}" for do in ("break", "mend")
                 for what in ("tokens", "metadata", "ecs", "docker", "stop")),
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(STEPS), max_size=40))
def test_in_any_order_jobs_end_only_when_they_should_and_then_all_do(steps: list[str]) -> None:
    """Once all that had failed is mended."""
    with TemporaryDirectory() as folder:
        world = World(Path(folder))
        with (
            patch.object(program, "ask", world.ask),
            patch("subprocess.run", world.run),
            patch("subprocess.Popen", world.stop),
            patch.object(program, "say"),
        ):
            for step in steps:
                world.do(step)
            if "notice" not in steps:
                assert len(world.mounted) + len(world.others) == _left(steps)
            world.broken.clear()
            before = world.mounted | world.others
            for _ in range(3):
                world.do("look")
        if "notice" in steps:
            assert world.mounted == set()
            assert world.others <= before
            assert world.read() == {**FACTS, "reclaimed": TIME}
        else:
            assert world.mounted | world.others == before
            assert world.read() == FACTS
        gives_up = "request" in steps
        assert ("drain" in world.asked) is ("notice" in steps or gives_up)
        if gives_up and not before and "notice" not in steps:
            assert "shutdown" in world.asked
        if not gives_up:
            assert "shutdown" not in world.asked


def _left(steps: list[str]) -> int:
    """How many containers run where only they themselves end."""
    left = 0
    for step in steps:
        left = left + 1 if step.startswith("start") else max(0, left - (step == "end"))
    return left
