"""300 samples dropped at once: all analysed, each once, and in how much memory."""

import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.measure import Measure
from benchmarks.memory import Memory
from benchmarks.quick import ONE_STAGE, open_quick_lab
from seqdrop.domain.records import AnalysisStatus
from tests.lab import Lab, pair

SAMPLES = 300
AIM_MIB = 1000.0
SECONDS_AT_MOST = 1800
_AT_ONCE = 16


def measure() -> Iterator[Measure]:
    """Raises RuntimeError where a sample was lost, failed, or was analysed more than once."""
    with (
        tempfile.TemporaryDirectory(prefix="seqdrop-bench-") as folder,
        open_quick_lab(Path(folder)) as lab,
    ):
        with Memory(lab.runtime) as memory:
            begun = time.monotonic()
            samples = _drop_all(lab)
            dropped = time.monotonic() - begun
            _wait(lab)
            seconds = time.monotonic() - begun
        _check(lab, samples)
    notes = (
        f"all {SAMPLES} dropped in {dropped:.0f} s, analysed once in {seconds:.0f} s: "
        f"{SAMPLES / seconds:.1f} a second",
        f"{memory.workers} function workers; the runtime itself {memory.runtime_mib:.0f} MiB",
        f"resident memory added up, the shared pages once for each: {memory.resident_mib:.0f} MiB",
    )
    name = f"memory with {SAMPLES} samples at once"
    yield Measure(name, memory.peak_mib, "MiB", AIM_MIB, "the aim", notes=notes)


def _drop_all(lab: Lab) -> list[str]:
    r1, r2 = pair(50)
    samples = [f"crowd{number}" for number in range(SAMPLES)]

    def drop(sample: str) -> None:
        lab.drop(f"{sample}_R1.fastq.gz", r1)
        lab.drop(f"{sample}_R2.fastq.gz", r2)

    lab.client("s3")  # clients may be used by several threads, but not made by them
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(drop, samples))
    return samples


def _wait(lab: Lab) -> None:
    """By the index: to ask for each sample would be work for the runtime."""
    ends = (AnalysisStatus.ANALYSED, AnalysisStatus.FAILED, AnalysisStatus.HELD)

    def all_ended() -> bool:
        time.sleep(1)
        return sum(len(lab.catalog.analyses.newest(end, SAMPLES)) for end in ends) == SAMPLES

    lab.wait_until(all_ended, SECONDS_AT_MOST)


def _check(lab: Lab, samples: list[str]) -> None:
    statuses = Counter(str(a.status) for s in samples if (a := lab.analysis(s, ONE_STAGE)))
    runs = Counter(len(lab.runs(sample, ONE_STAGE)) for sample in samples)
    jobs = [job for sample in samples for job in lab.jobs(sample, ONE_STAGE)]
    attempts = Counter(len(job.attempts) for job in jobs)
    if statuses != {"ANALYSED": SAMPLES} or runs != {1: SAMPLES} or attempts != {1: SAMPLES}:
        raise RuntimeError(f"statuses {statuses}, runs a sample {runs}, attempts a job {attempts}")
