"""A plain pair whose tools take no time: from drop to ANALYSED."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from benchmarks.measure import Measure
from benchmarks.quick import ONE_STAGE, TWO_STAGES, open_quick_lab
from seqdrop.domain.records import Job
from tests.lab import Lab, pair

AIM_SECONDS = 1.5
ROUNDS = 15
_READS = 300


def measure() -> Iterator[Measure]:
    """Medians, the runtime being warm: a first sample goes through before."""
    with (
        tempfile.TemporaryDirectory(prefix="seqdrop-bench-") as folder,
        open_quick_lab(Path(folder), shortest_poll_seconds=60) as lab,
    ):
        for assay in (ONE_STAGE, TWO_STAGES):
            _drop(lab, f"warm-{assay}", assay)
            seconds = [_drop(lab, f"{assay}-{number}", assay) for number in range(ROUNDS)]
            parts = [_parts(lab, f"{assay}-{number}", assay) for number in range(ROUNDS)]
            notes = [
                f"{name}: {statistics.median(part[name] for part in parts):.2f} s"
                for name in parts[0]
            ]
            median = statistics.median(seconds)
            name = f"plain pair, {assay.replace('-', ' ')}"
            yield Measure(name, median, "s", AIM_SECONDS, "the aim", notes=("; ".join(notes),))


def _drop(lab: Lab, sample: str, assay: str) -> float:
    r1, r2 = pair(_READS)
    begun = time.monotonic()
    lab.drop(f"{assay}/{sample}_R1.fastq.gz", r1)
    lab.drop(f"{assay}/{sample}_R2.fastq.gz", r2)
    lab.wait_for(sample, assay, "ANALYSED")
    return time.monotonic() - begun


def _parts(lab: Lab, sample: str, assay: str) -> dict[str, float]:
    """Where the time between the last file and the end went, by the catalog's own times."""
    analysis, run = lab.analysis(sample, assay), lab.runs(sample, assay)[0]
    jobs = sorted(lab.jobs(sample, assay), key=lambda job: job.submitting)
    if analysis is None:
        raise RuntimeError(f"{sample} is not in the catalog")
    parts = {
        "last file to claim": _between(analysis.last_file, run.claimed),
        "claim to first submission": _between(run.claimed, jobs[0].submitting),
        "submission to start of jobs": sum(_between(j.submitting, j.started) for j in jobs),
        "jobs": sum(_between(job.started, job.ended) for job in jobs),
    }
    if len(jobs) > 1:
        parts["end of a job to the next submission"] = _gaps(jobs)
    return {**parts, "last job to the end": _between(jobs[-1].ended, run.ended)}


def _gaps(jobs: list[Job]) -> float:
    return sum(_between(one.ended, following.submitting) for one, following in pairwise(jobs))


def _between(begin: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()
