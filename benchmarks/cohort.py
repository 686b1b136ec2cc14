"""A cohort of 500 samples made anew on the embedded runtime, against 500 that are dropped."""

import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.measure import Measure
from benchmarks.quick import ONE_STAGE, open_quick_lab
from cli.stack import Outputs
from seqdrop.composition import Composition
from seqdrop.domain.reanalysis.record import Limits, Reanalysis
from seqdrop.domain.reanalysis.scope import Scope
from seqdrop.domain.records import AnalysisStatus
from tests.lab import Lab, fasta, make_genome, pair

SAMPLES = int(os.environ.get("SEQDROP_COHORT", "500"))
AIM = 1.0
SECONDS_AT_MOST = 1800
_AT_ONCE, _IN_FLIGHT = 16, 100
_NAME = "cohort"


def measure() -> Iterator[Measure]:
    """Raises RuntimeError where a sample was lost, failed, or was made anew more than once."""
    with (
        tempfile.TemporaryDirectory(prefix="seqdrop-bench-") as folder,
        open_quick_lab(Path(folder)) as lab,
    ):
        begun = time.monotonic()
        samples = _drop_all(lab)
        lab.wait_until(lambda: _analysed(lab) == SAMPLES, SECONDS_AT_MOST)
        dropped = time.monotonic() - begun
        lab.add_reference("tiny", fasta(make_genome(5_000, seed=2)), version="2")
        begun = time.monotonic()
        done = _made_anew(lab)
        seconds = time.monotonic() - begun
        _check(lab, samples, done)
    notes = (
        f"{SAMPLES} dropped and analysed in {dropped:.0f} s; planned, tried on a canary and made "
        f"anew in {seconds:.0f} s, {_IN_FLIGHT} at once",
    )
    yield Measure(
        f"a sample of a cohort of {SAMPLES}", seconds / SAMPLES, "s", dropped / SAMPLES,
        "one of as many that are dropped", aim=AIM, notes=notes,
    )  # fmt: skip


def _drop_all(lab: Lab) -> list[str]:
    """Each with reads of its own: the same ones under many names would be asked about."""
    samples = [f"cohort{number}" for number in range(SAMPLES)]

    def drop(numbered: tuple[int, str]) -> None:
        number, sample = numbered
        for mate, body in enumerate(pair(50, seed=number, flowcell=f"H{number}"), 1):
            lab.drop(f"{sample}_R{mate}.fastq.gz", body)

    lab.client("s3")  # clients may be used by several threads, but not made by them
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(drop, enumerate(samples)))
    return samples


def _analysed(lab: Lab) -> int:
    time.sleep(1)
    return len(lab.catalog.analyses.newest(AnalysisStatus.ANALYSED, SAMPLES))


def _made_anew(lab: Lab) -> Reanalysis:
    """Ordered, approved as soon as its canary is there, and done."""
    flows = Composition(Outputs("seqdrop", lab.runtime.outputs, {}), lab.client)
    limits = Limits(canaries=1, in_flight=_IN_FLIGHT)
    flows.reanalysis_orders.start(_NAME, Scope("tiny", "2"), limits, "benchmark", plan_only=False)

    def has(*statuses: str) -> bool:
        time.sleep(1)
        found = lab.catalog.reanalyses.get(_NAME)
        return found is not None and found.status in statuses

    lab.wait_until(lambda: has("AWAITING_APPROVAL", "FAILED"), SECONDS_AT_MOST)
    flows.reanalysis_orders.approve(_NAME, "benchmark")
    lab.wait_until(lambda: has("DONE", "STOPPED", "FAILED"), SECONDS_AT_MOST)
    found = lab.catalog.reanalyses.get(_NAME)
    if found is None:
        raise RuntimeError("the reanalysis is gone")
    return found


def _check(lab: Lab, samples: list[str], done: Reanalysis) -> None:
    runs = Counter(len(lab.runs(sample, ONE_STAGE)) for sample in samples)
    if (done.status, done.made) != ("DONE", SAMPLES) or runs != {2: SAMPLES}:
        raise RuntimeError(f"{done.status} {done.why}: {done.made} made, runs a sample {runs}")
