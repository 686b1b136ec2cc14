"""A bucket, a plan and small tools for the tests of the runner."""

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import msgspec
from moto.server import ThreadedMotoServer

from runner.host_files import FOLDER
from runner.main import main
from seqdrop.domain.failure import StageFailure
from seqdrop.domain.pipeline import Output, Step
from seqdrop.domain.plan import (
    LocalFile,
    ReadPair,
    RunPlan,
    StagePlan,
    StageResult,
    StoredObject,
    decode_result,
    encode,
)
from tests.forks import Ended, run_forked

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ROOT = Path(__file__).parents[1]
BUCKET, UPLOADS, REFERENCES = "results", "uploads", "references"
REFERENCE = "g/1"

FLAGSTAT = """\
#!/bin/sh
[ "$1" = --version ] && echo "flagstat 3.1" && exit
lines=$(cat "$@" | wc -l)
records=$((lines / 4))
counts() { echo "{\\"primary\\": $1, \\"primary mapped\\": $1, \\"primary duplicates\\": 0,
\\"properly paired\\": $1, \\"mapped %\\": null}"; }
echo "{\\"QC-passed reads\\": $(counts $records), \\"QC-failed reads\\": $(counts 0)}"
"""
ALIGN = """\
#!/bin/sh
[ "$1" = --version ] && echo "align 1.0" && exit
cat "$1" "$2"
"""


def fastq(reads: int, mate: int = 1, length: int = 20) -> bytes:
    """So many reads, all alike but for their names."""
    bases, qualities = "ACGT" * (length // 4), "I" * (length // 4 * 4)
    return "".join(f"@r{n}/{mate}\n{bases}\n+\n{qualities}\n" for n in range(reads)).encode()


def pipe(*commands: list[Any], stdout: str = "", each: bool = False, when: str = "") -> Step:
    """A step, shorter."""
    return Step(
        pipe=tuple(tuple(command) for command in commands),
        stdout=stdout,
        for_each="read_pair" if each else "",
        when=when,
    )


ALIGN_STEPS = (
    pipe(["align", "{pair.r1}", "{pair.r2}"], each=True, stdout="{tmp}/{pair.id}.sam"),
    pipe(["cat", "{tmp}/L.1.sam"], stdout="{out}/alignment.bam"),
    pipe(["flagstat", "{out}/alignment.bam"], stdout="{out}/flagstat.json"),
)
ALIGN_OUTPUTS = (Output("alignment.bam"), Output("flagstat.json"))


class RunnerLab:
    """Where one test runs the runner."""

    def __init__(self, folder: Path, client: "S3Client", environment: dict[str, str]) -> None:
        """Tools go to a folder of their own, first on PATH."""
        self.client, self.scratch, self.bin = client, folder / "scratch", folder / "bin"
        self.scratch.mkdir()
        self.bin.mkdir()
        self.environment = {
            **os.environ,
            **environment,
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "PYTHONPATH": f"{ROOT}/containers:{ROOT}/layers/core",
            "SEQDROP_SCRATCH": str(self.scratch),
            "PYTHONFAULTHANDLER": "1",
        }
        self.tool("align", ALIGN)
        self.tool("flagstat", FLAGSTAT)

    def tool(self, name: str, script: str) -> None:
        """Put a program on PATH."""
        path = self.bin / name
        path.write_text(script)
        path.chmod(0o755)

    def put(self, key: str, content: bytes, bucket: str = UPLOADS, **known: str) -> StoredObject:
        """An object, and what a plan says of it."""
        answer = self.client.put_object(Bucket=bucket, Key=key, Body=content)
        return StoredObject(bucket, key, len(content), version_id=answer["VersionId"], **known)

    def reference(self, path: str, content: bytes, sha256: str | None = None) -> LocalFile:
        """A file of the plan's reference, with its checksum unless told otherwise."""
        known = hashlib.sha256(content).hexdigest() if sha256 is None else sha256
        key = f"{REFERENCE}/{path or 'part'}"
        return LocalFile(path, self.put(key, content, REFERENCES, sha256=known))

    def pair(
        self,
        r1: bytes | None = None,
        r2: bytes | None = None,
        *,
        lane: str = "L.1",
        folder: str = "in/",
        md5: bool = False,
    ) -> ReadPair:
        """Both mates of a lane as objects: 50 reads each, unless told otherwise."""
        files = [gzip.compress(fastq(50, 1)) if r1 is None else r1]
        files.append(gzip.compress(fastq(50, 2)) if r2 is None else r2)
        stored = []
        for number, content in enumerate(files, 1):
            digest = hashlib.md5(content, usedforsecurity=False).hexdigest() if md5 else ""
            stored.append(self.put(f"{folder}{lane}_R{number}.fastq.gz", content, md5=digest))
        group = f"@RG\\tID:{lane}\\tPU:{lane}\\tLB:lib\\tSM:S1"
        return ReadPair(lane, group, stored[0], stored[1])

    def plan(self, *stages: StagePlan, pairs: tuple[ReadPair, ...] = (), **more: Any) -> RunPlan:
        """A plan, put where the runner finds it."""
        named: dict[str, Any] = {
            "sample": "S1",
            "assay": "wgs",
            "run_key": "abc",
            "attempt": 1,
            "folder": "S1/wgs/runs/abc/1/",
            "pipeline": "p",
            "reference": REFERENCE,
        }
        plan = RunPlan(stages=stages, pairs=pairs, **{**named, **more})
        self.client.put_object(Bucket=BUCKET, Key=f"{plan.folder}plan.json", Body=encode(plan))
        return plan

    def start(self, plan: RunPlan, stage: str = "align") -> "subprocess.Popen[str]":
        """The runner as a process."""
        return subprocess.Popen(
            [sys.executable, "-m", "runner.main", f"s3://{BUCKET}/{plan.folder}plan.json", stage],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, plan: RunPlan, stage: str = "align") -> Ended:
        """Run it to its end; it must leave no folder of its own, whatever happened."""
        arguments = [f"s3://{BUCKET}/{plan.folder}plan.json", stage]
        ended = run_forked(main, arguments, self.environment, ROOT, seconds=60)
        assert not self.left_behind(), "the scratch folder is not empty"
        assert "Traceback" not in ended.stderr, ended.stderr
        return ended

    def left_behind(self) -> list[Path]:
        """What is on the scratch beside the host's references."""
        return [path for path in self.scratch.iterdir() if path.name != FOLDER]

    def result(self, stage: str = "align") -> StageResult | None:
        """What was published."""
        content = self.read(f"{prefix_of(stage)}{stage}.json")
        return None if content is None else decode_result(content)

    def failure(self, plan: RunPlan, stage: str = "align") -> StageFailure:
        """What the runner left beside the plan."""
        content = self.read(f"{plan.folder}{stage}.failure.json")
        assert content is not None, "no failure was recorded"
        return msgspec.json.decode(content, type=StageFailure)

    def read(self, key: str) -> bytes | None:
        """An object's content, if it is there."""
        try:
            return self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        except self.client.exceptions.NoSuchKey:
            return None


def prefix_of(stage: str) -> str:
    """Where a stage's results go."""
    return f"S1/wgs/{stage}/k/1/"


def a_stage(stage: str = "align", **parts: Any) -> StagePlan:
    """A stage's plan: the small aligner over streamed reads, unless told otherwise."""
    defaults: dict[str, Any] = {
        "steps": ALIGN_STEPS,
        "outputs": ALIGN_OUTPUTS,
        "reads": "stream",
        "measures": {"flagstat.json": "flagstat"},
        "needs": (),
    }
    return StagePlan(
        stage=stage,
        key="k",
        reused=False,
        bucket=BUCKET,
        prefix=prefix_of(stage),
        queue="cpu",
        image="img",
        vcpus=2,
        memory_mib=1000,
        expected_seconds=1,
        timeout_seconds=60,
        poll_seconds=60,
        **{**defaults, **parts},
    )


def outcomes(out: str) -> list[dict[str, Any]]:
    """The runner's log lines."""
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


@contextmanager
def s3_server() -> Iterator[tuple["S3Client", dict[str, str]]]:
    """A store of objects on a free port, with a versioned bucket, and how to reach it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }
    client = boto3.client(
        "s3",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
        region_name="eu-west-1",
    )
    for bucket in (BUCKET, UPLOADS, REFERENCES):
        client.create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    try:
        yield client, environment
    finally:
        empty(client)
        for bucket in (BUCKET, UPLOADS, REFERENCES):
            client.delete_bucket(Bucket=bucket)
        server.stop()


def empty(client: "S3Client") -> None:
    """Take every version of every object out of the buckets."""
    for bucket in (BUCKET, UPLOADS, REFERENCES):
        listed = client.list_object_versions(Bucket=bucket)
        for version in listed.get("Versions", []) + listed.get("DeleteMarkers", []):
            client.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])


def installed(*tools: str) -> bool:
    """Whether all of the tools are on PATH."""
    return all(shutil.which(tool) for tool in tools)
