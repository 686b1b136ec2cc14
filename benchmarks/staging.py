"""A gigabyte on its way to a job's disk, checked, against the AWS CLI's plain copy of it."""

import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec import structs

from benchmarks.measure import Measure
from seqdrop.domain.pipeline import Output
from seqdrop.domain.plan import LocalFile
from tests.runner_support import REFERENCES, RunnerLab, a_stage, outcomes, pipe, s3_server

AIM, ROUNDS = 1.0, 2
_BYTES = 10**9


def measure() -> Iterator[Measure]:
    """Seconds of the job's own fetch, SHA-256 and all, and of ``aws s3 cp``, in turn."""
    if not shutil.which("aws"):
        sys.stderr.write("staging is left out: there is no AWS CLI on this machine\n")
        return
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="seqdrop-bench-") as name, s3_server() as store:
        lab = RunnerLab(Path(name), *store)
        file = lab.reference("large.bin", os.urandom(_BYTES))
        hosts = [Path(name) / f"host{number}" for number in range(ROUNDS)]
        rounds = [(_copy(lab, file), _stage(lab, file, host)) for host in hosts]
    copied, staged = (min(seconds) for seconds in zip(*rounds, strict=True))
    notes = (
        f"{_BYTES / 1e6 / staged:.0f} MB a second, with its checksum; aws s3 cp "
        f"{_BYTES / 1e6 / copied:.0f} MB, with none",
        "the store is this machine's own, and takes most of both: it is no measure of S3",
    )
    against = f"aws s3 cp of the same object, best of {ROUNDS}"
    yield Measure("staging of 1 GB", staged, "s", copied, against, AIM, notes)


def _copy(lab: RunnerLab, file: LocalFile) -> float:
    place = lab.scratch.parent / "copy"
    url = lab.environment["AWS_ENDPOINT_URL"]
    begun = time.monotonic()
    subprocess.run(
        ["aws", "--endpoint-url", url, "s3", "cp", "--only-show-errors",
         f"s3://{REFERENCES}/{file.object.key}", str(place)],
        env={**os.environ, **lab.environment}, check=True,
    )  # fmt: skip
    seconds = time.monotonic() - begun
    place.unlink()
    return seconds


def _stage(lab: RunnerLab, file: LocalFile, host: Path) -> float:
    """The time that its record says, on a host that has nothing yet."""
    lab.scratch = host
    host.mkdir()
    lab.environment["SEQDROP_SCRATCH"] = str(host)
    stage = a_stage(
        steps=(pipe(["echo", "done"], stdout="{out}/said"),), outputs=(Output("said"),),
        reads="", measures={}, reference_files=(file,),
    )  # fmt: skip
    key = host.name
    ended = lab.run(lab.plan(structs.replace(stage, key=key, prefix=f"S1/wgs/align/{key}/1/")))
    shutil.rmtree(host)
    if ended.returncode:
        raise RuntimeError(ended.stderr)
    said = {line["outcome"]: line for line in outcomes(ended.stdout)}
    return float(said["published"]["timings"]["fetch"])
