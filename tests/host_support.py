"""A host for the program that looks after it: its metadata and its ECS agent are a small server,
and `docker` and `shutdown` are scripts, since neither EC2 nor ECS can be had here. Containers are
files; what was asked of whom is noted in one file, in its order."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.tools_support import ROOT

PROGRAM = ROOT / "infrastructure/host/seqdrop_host.py"
ROLE = "meta-data/iam/security-credentials/"
NOTICE = "meta-data/spot/instance-action"
TIME = "2026-11-30T08:22:00Z"
SPOT = {
    "dynamic/instance-identity/document": json.dumps(
        {
            "instanceId": "i-0123456789abcdef0", "instanceType": "m7i.4xlarge",
            "availabilityZone": "us-east-1a", "imageId": "ami-1", "region": "us-east-1",
        }
    ),
    "meta-data/instance-life-cycle": "spot",
    "meta-data/services/domain": "amazonaws.com",
    ROLE: "HostRole",
    f"{ROLE}HostRole": json.dumps({"AccessKeyId": "AK", "SecretAccessKey": "SK", "Token": "TK"}),
}  # fmt: skip
FACTS = {
    "instance_id": "i-0123456789abcdef0", "instance_type": "m7i.4xlarge", "zone": "us-east-1a",
    "market": "spot", "ami": "ami-1",
}  # fmt: skip

_DOCKER = """#!{python} -S
import json, os, pathlib, signal, sys, time
folder = pathlib.Path({folder!r})
def told(line):
    with open({told!r}, "a") as file:
        file.write(line + "\\n")
def alive(path):
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None
def ps(arguments):
    wanted = [v for n, v in zip(arguments, arguments[1:]) if n == "--filter"]
    for path in sorted(folder.glob("*")):
        one = alive(path)
        mounts = ["volume=" + mount for mount in one["mounts"]] if one else []
        if one and set(wanted) <= {{"label=com.amazonaws.ecs.task-arn", *mounts}}:
            print(path.name)
def stop(arguments):
    assert arguments[:2] == ["-t", "30"], arguments
    for name in arguments[2:]:
        told("stop " + name + " " + pathlib.Path({host_file!r}).read_text())
        if pathlib.Path({broken!r}).exists():
            sys.exit("Cannot connect to the Docker daemon")
        one = alive(folder / name)
        if one and one["pid"]:
            os.kill(one["pid"], signal.SIGTERM)
        else:
            (folder / name).unlink(missing_ok=True)
{{"ps": ps, "stop": stop}}[sys.argv[1]](sys.argv[2:])
"""


@dataclass
class Machine:
    """A host, and what was asked of it."""

    folder: Path
    ecs: str = ""
    """Where ECS is; empty for a stand-in that answers as ECS does."""
    metadata: dict[str, str] = field(default_factory=lambda: dict(SPOT))
    agent: dict[str, Any] = field(
        default_factory=lambda: {"Cluster": "c", "ContainerInstanceArn": "arn:c/1"}
    )
    no_tokens: bool = False
    """Whether the metadata's service refuses to give any."""
    tokens: set[str] = field(default_factory=set)
    refuses: bool = False
    """Whether ECS does not let the host drain."""
    url: str = ""

    def __post_init__(self) -> None:
        """Its folders, and the programs on its PATH."""
        for name in ("bin", "containers", "host", "requests"):
            (self.folder / name).mkdir(parents=True)
        self.told_file.touch()
        script = _DOCKER.format(
            python=sys.executable, folder=str(self.folder / "containers"),
            told=str(self.told_file), host_file=str(self.host_file), broken=str(self.broken_docker),
        )  # fmt: skip
        self._program("docker", script)
        self._program("shutdown", f'#!/bin/sh\necho "shutdown $*" >>{self.told_file}\n')

    def _program(self, name: str, script: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(script)
        path.chmod(0o755)

    @property
    def told_file(self) -> Path:
        return self.folder / "told"

    @property
    def host_file(self) -> Path:
        return self.folder / "host/host.json"

    @property
    def request(self) -> Path:
        return self.folder / "requests/drain"

    @property
    def broken_docker(self) -> Path:
        return self.folder / "docker-is-broken"

    @property
    def told(self) -> list[str]:
        """What was asked of ECS, of Docker and of the machine, in its order."""
        return self.told_file.read_text().splitlines()

    def tell(self, line: str) -> None:
        with self.told_file.open("a") as file:
            file.write(f"{line}\n")

    def reads(self) -> dict[str, str]:
        """What a job reads of its host."""
        return dict(json.loads(self.host_file.read_text()))

    def start_container(self, name: str, *, reads: bool = True, pid: int = 0) -> None:
        """A task's container, which can read host.json or not; that of a process, or of none."""
        path = self.folder / f"{name}.new"
        mounts = [str(self.folder / "host")] if reads else []
        path.write_text(json.dumps({"mounts": mounts, "pid": pid}))
        path.replace(self.folder / "containers" / name)

    def end_container(self, name: str) -> None:
        (self.folder / "containers" / name).unlink()

    @property
    def containers(self) -> set[str]:
        return {path.name for path in (self.folder / "containers").iterdir()}

    def take_back(self) -> None:
        """EC2 gives notice."""
        self.metadata[NOTICE] = json.dumps({"action": "terminate", "time": TIME})

    @contextmanager
    def program(self) -> Iterator[subprocess.Popen[bytes]]:
        """The program itself, which looks 50 times a second."""
        command = [
            sys.executable, "-I", str(PROGRAM), "--seconds", "0.02", "--idle-seconds", "0.2",
            "--folder", str(self.folder / "host"), "--requests", str(self.folder / "requests"),
            "--metadata", self.url, "--agent", self.url, "--ecs", self.ecs or f"{self.url}/",
        ]  # fmt: skip
        path = os.pathsep.join([str(self.folder / "bin"), os.defpath])
        with (self.folder / "journal").open("ab") as journal:
            process = subprocess.Popen(command, env={"PATH": path}, stdout=journal, stderr=journal)
        try:
            yield process
            assert process.poll() is None, self.journal
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()

    @property
    def journal(self) -> str:
        return (self.folder / "journal").read_text()

    def until(self, holds: Callable[[], bool]) -> None:
        """Waits until something holds."""
        deadline = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < deadline, f"{self.told}\n{self.journal}"
            time.sleep(0.01)

    def look_again(self, times: int = 3) -> None:
        """Waits until the program has looked so many times more."""
        for _ in range(times):
            before = self.looks
            self.until(lambda seen=before: self.looks > seen)  # type: ignore[misc]  # mypy: lambda

    looks: int = 0
    """How often it asked for a notice, or for its containers."""


class _Handler(BaseHTTPRequestHandler):
    """The metadata as their second version is: no token, no answer (401); no thing, 404."""

    machine: Machine

    def do_PUT(self) -> None:
        seconds = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds")
        if self.path != "/latest/api/token" or not seconds:
            self._answer(400, "")
        elif self.machine.no_tokens:
            self._answer(403, "")
        else:
            token = f"token-{len(self.machine.tokens)}"
            self.machine.tokens = {*self.machine.tokens, token}
            self._answer(200, token)

    def do_GET(self) -> None:
        if self.path == "/v1/metadata":
            self._answer(200, json.dumps(self.machine.agent))
            return
        path = self.path.removeprefix("/latest/")
        if path == NOTICE:
            self.machine.looks += 1
        if self.headers.get("X-aws-ec2-metadata-token") not in self.machine.tokens:
            self._answer(401, "")
        elif path in self.machine.metadata:
            self._answer(200, self.machine.metadata[path])
        else:
            self._answer(404, "<html>not found</html>")

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        action = self.headers["X-Amz-Target"].rpartition(".")[2]
        self.machine.tell(f"{action} {asked['containerInstances'][0]} {asked['status']}")
        if self.machine.refuses:
            self._answer(400, '{"__type": "AccessDeniedException"}')
        else:
            self._answer(200, '{"containerInstances": [{}], "failures": []}')

    def _answer(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@contextmanager
def machine(folder: Path, ecs: str = "") -> Iterator[Machine]:
    """A host whose metadata, agent and ECS answer."""
    one = Machine(folder, ecs)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"machine": one}))
    one.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield one
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
