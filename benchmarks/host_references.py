"""A job on a host that has its reference already, against the first one there."""

import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from msgspec import structs

from benchmarks.measure import Measure
from seqdrop.domain.pipeline import Output
from seqdrop.domain.plan import LocalFile, StagePlan
from tests.runner_support import RunnerLab, a_stage, outcomes, pipe, s3_server

AIM, ROUNDS = 0.5, 3
_FILES, _MEBIBYTES = 3, 100
"""Of the reference: some of its files are of several parts."""


class Job(NamedTuple):
    """What one job took to stage its files, and how many of them its host had."""

    seconds: float
    from_host: int


def measure() -> Iterator[Measure]:
    """Seconds that two jobs take until their tools can start, one after the other on one host."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="seqdrop-bench-") as name, s3_server() as store:
        lab = RunnerLab(Path(name), *store)
        files = tuple(
            lab.reference(f"{number}.bin", os.urandom(_MEBIBYTES << 20)) for number in range(_FILES)
        )
        rounds = []
        for number in range(ROUNDS):
            lab.scratch = Path(name) / f"host{number}"  # a host of its own
            lab.scratch.mkdir()
            lab.environment["SEQDROP_SCRATCH"] = str(lab.scratch)
            rounds.append([_job(lab, f"k{number}{n}", files) for n in range(2)])
    if any((before.from_host, later.from_host) != (0, _FILES) for before, later in rounds):
        raise RuntimeError(f"the second job fetched its reference again: {rounds}")
    first, second = (min(job.seconds for job in jobs) for jobs in zip(*rounds, strict=True))
    megabytes = (_FILES * _MEBIBYTES << 20) / 1e6
    notes = (
        f"{_FILES} files, {megabytes:.0f} MB: the first fetches {megabytes / first:.0f} MB a "
        f"second, the second checks {megabytes / second:.0f}, and asks the store for none",
        "the store is this machine's own too: it is no measure of S3, nor of a network",
    )
    against = f"the first job on that host, best of {ROUNDS}"
    yield Measure("staging of a second job", second, "s", first, against, AIM, notes)


def _job(lab: RunnerLab, key: str, files: tuple[LocalFile, ...]) -> Job:
    ended = lab.run(lab.plan(_stage(key, files)))
    if ended.returncode:
        raise RuntimeError(ended.stderr)
    said = {line["outcome"]: line for line in outcomes(ended.stdout)}
    seconds = said["published"]["timings"]["fetch"]
    return Job(seconds, said["references_staged"]["from_host"])


def _stage(key: str, files: tuple[LocalFile, ...]) -> StagePlan:
    stage = a_stage(
        steps=(pipe(["echo", "done"], stdout="{out}/said"),),
        outputs=(Output("said"),),
        reads="",
        measures={},
        reference_files=files,
    )
    return structs.replace(stage, key=key, prefix=f"S1/wgs/align/{key}/1/")
