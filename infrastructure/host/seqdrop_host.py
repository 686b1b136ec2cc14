"""What a Batch host does beside its jobs: as root, from its first start to its end.

- It says in FOLDER/host.json what host this is; jobs have FOLDER mounted, read-only.
- When EC2 gives notice that it takes the host back (Spot), it says so there, has ECS send no more
  tasks here, and ends the jobs, which have half a minute to leave nothing behind.
- When a job leaves a file REQUESTS/drain, it has ECS send no more tasks here, waits for the end of
  those that run, and shuts the host down.

It remembers nothing: started anew, it does the same again, which changes nothing. It runs on Python
3.6, with nothing else, and is kept short: it travels in the user data of hosts (16 KiB).
"""

import argparse
import hashlib
import hmac
import json
import subprocess
import sys
import time
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

FAULTS = (
    OSError, HTTPException, LookupError, TypeError, ValueError, subprocess.SubprocessError
)  # fmt: skip
IDENTITY = "dynamic/instance-identity/document"
ROLE = "meta-data/iam/security-credentials/"
PS = ["docker", "ps", "--quiet", "--no-trunc", "--filter", "label=com.amazonaws.ecs.task-arn"]
STOP = ["docker", "stop", "-t", "30"]  # seconds: as many as Batch gives a job that it ends


def say(line: str) -> None:
    """Writes a line for the journal."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def ask(url: str, headers: "dict[str, str]", method: str = "GET", data: bytes = b"") -> str:
    """The text of an answer; nothing that is asked here lies behind a proxy."""
    request = Request(url, data or None, headers, method=method)  # noqa: S310  # all are http(s)
    with build_opener(ProxyHandler({})).open(request, timeout=5) as answer:
        return str(answer.read().decode())


class Metadata:
    """The instance's metadata, by the second version of their service."""

    def __init__(self, url: str) -> None:
        self._url = url + "/latest/"
        self._token = ""

    def find(self, path: str, again: bool = True) -> str:
        """The text of a path; "" where there is no such thing."""
        if not self._token:
            lasts = {"X-aws-ec2-metadata-token-ttl-seconds": "21600"}
            self._token = ask(self._url + "api/token", lasts, "PUT")
        try:
            return ask(self._url + path, {"X-aws-ec2-metadata-token": self._token})
        except HTTPError as error:
            if error.code == 404:
                return ""
            if error.code != 401 or not again:
                raise
        self._token = ""  # its time is over
        return self.find(path, again=False)


def facts_of(metadata: Metadata) -> "dict[str, str]":
    """What jobs are told of the host."""
    told = json.loads(metadata.find(IDENTITY))
    return {
        "instance_id": told["instanceId"],
        "instance_type": told["instanceType"],
        "zone": told["availabilityZone"],
        "market": metadata.find("meta-data/instance-life-cycle"),
        "ami": told["imageId"],
    }


def notice_of(metadata: Metadata) -> str:
    """When EC2 takes the host back; "" while it has not said so."""
    text = metadata.find("meta-data/spot/instance-action")
    if not text:
        return ""
    told = json.loads(text)
    if told["action"] not in ("terminate", "stop", "hibernate"):
        raise ValueError("no notice that is known: " + text)
    return str(told["time"]) or "any time"


def drain(metadata: Metadata, agent: str, ecs: str) -> None:
    """Has ECS send no more tasks here. Batch's tasks that run go on: they are of no service."""
    here = json.loads(ask(agent + "/v1/metadata", {}))
    region = json.loads(metadata.find(IDENTITY))["region"]
    keys = json.loads(metadata.find(ROLE + metadata.find(ROLE).split()[0]))
    domain = metadata.find("meta-data/services/domain")
    asked = {
        "cluster": here["Cluster"],
        "containerInstances": [here["ContainerInstanceArn"]],
        "status": "DRAINING",
    }
    url, body = ecs or f"https://ecs.{region}.{domain}/", json.dumps(asked).encode()
    answer = json.loads(ask(url, signed(url, body, keys, region, time.gmtime()), "POST", body))
    if answer["failures"]:
        raise ValueError(answer["failures"])
    say("ECS sends no more tasks here")


def signed(
    url: str, body: bytes, keys: "dict[str, str]", region: str, now: time.struct_time
) -> "dict[str, str]":
    """The headers of a request to ECS, signed by AWS' Signature Version 4."""
    at = time.strftime("%Y%m%dT%H%M%SZ", now)
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "host": urlsplit(url).netloc,
        "x-amz-date": at,
        "x-amz-security-token": keys["Token"],
        "x-amz-target": "AmazonEC2ContainerServiceV20141113.UpdateContainerInstancesState",
    }
    names, scope = ";".join(headers), f"{at[:8]}/{region}/ecs/aws4_request"
    lines = [f"{name}:{value}" for name, value in headers.items()]
    asked = "\n".join(["POST", "/", "", *lines, "", names, hashlib.sha256(body).hexdigest()])
    key = ("AWS4" + keys["SecretAccessKey"]).encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    digest = hashlib.sha256(asked.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{digest}"
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={keys['AccessKeyId']}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}"
    )
    return headers


def running(*only: str) -> "set[str]":
    """Ids of the containers of ECS's tasks that run, under further filters."""
    told = subprocess.run([*PS, *only], stdout=subprocess.PIPE, timeout=30, check=True)
    return set(told.stdout.decode().split())


class Host:
    """The host, which is looked at again and again."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._metadata = Metadata(options.metadata)
        self._facts: dict[str, str] = {}
        self._reclaimed = self._written = ""
        self._is_drained = False
        self._idle_since: float | None = None
        self._stops: list[tuple[set[str], subprocess.Popen[bytes]]] = []

    def look(self) -> None:
        """Looks at all there is to look at, and does what it asks for."""
        if not self._facts:
            self._try("asking what host this is", self._learn)
        if not self._reclaimed and self._facts.get("market") != "on-demand":
            self._try("asking for a notice", self._look_for_notice)
        self._try("writing host.json", self._publish)
        if self._reclaimed:
            self._try("draining", self._drain)  # first, or the jobs' next attempts come here
            self._try("ending jobs", self._end_jobs)
        elif (self._options.requests / "drain").exists():  # whatever it says
            self._try("draining", self._drain)
            self._try("shutting down", self._shut_down_when_idle)

    def _learn(self) -> None:
        self._facts = facts_of(self._metadata)
        say(f"this is {self._facts}")

    def _look_for_notice(self) -> None:
        self._reclaimed = notice_of(self._metadata)
        if self._reclaimed:
            say(f"EC2 takes this host back at {self._reclaimed}")

    def _publish(self) -> None:
        """Writes the file whole or not at all, where it would change: jobs read it at any time."""
        facts = dict(self._facts, reclaimed=self._reclaimed) if self._reclaimed else self._facts
        text = json.dumps(facts)
        if facts and text != self._written:
            new = self._options.folder / ".host.json.new"
            new.write_text(text)
            new.replace(self._options.folder / "host.json")
            self._written = text

    def _drain(self) -> None:
        if not self._is_drained:
            drain(self._metadata, self._options.agent, self._options.ecs)
            self._is_drained = True

    def _end_jobs(self) -> None:
        """Ends the jobs that can read why; all else here has its own ways, and goes with the host.

        Those that are being ended are left to that. Where it failed, it is tried again.
        """
        self._stops = [(ids, stop) for ids, stop in self._stops if stop.poll() is None]
        jobs = running("--filter", f"volume={self._options.folder}")
        new = sorted(jobs.difference(*(ids for ids, _ in self._stops)))
        if new:
            say(f"ends {new}")
            stop = subprocess.Popen([*STOP, *new], stdout=subprocess.DEVNULL)
            self._stops.append((set(new), stop))

    def _shut_down_when_idle(self) -> None:
        """Only a while after the last job: the ECS agent has to tell how that has ended."""
        now = time.monotonic()
        if running():
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = now
        elif now - self._idle_since >= self._options.idle_seconds:
            say("shuts the host down, as a job has asked")
            subprocess.run(["shutdown", "-h", "now"], timeout=30, check=True)

    def _try(self, what: str, do: "Callable[[], None]") -> None:
        """Does it. What fails is tried again by the next look."""
        try:
            do()
        except FAULTS as error:
            say(f"{what} failed: {error!r}")


def main() -> None:
    """Looks at the host until somebody ends this program."""
    parser = argparse.ArgumentParser(prog="seqdrop-host", description=__doc__)
    add = parser.add_argument
    add("--folder", type=Path, default="/run/seqdrop-host")
    add("--requests", type=Path, default="/run/seqdrop-requests")
    add("--metadata", default="http://169.254.169.254")
    add("--agent", default="http://127.0.0.1:51678")
    add("--ecs", default="", help="empty for that of the region")
    add("--seconds", type=float, default=5, help="between two looks")
    add("--idle-seconds", type=float, default=60, help="before a shutdown")
    options = parser.parse_args()
    for folder in (options.folder, options.requests):
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    host = Host(options)
    while True:
        host.look()
        time.sleep(options.seconds)


if __name__ == "__main__":
    main()
