"""The sweep over a catalog of 100,000 samples: when few of them are due, and when all are."""

import json
import re
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.measure import Measure
from local.deploy import ACCOUNT, REGION
from local.dynamodb import bulk_load
from seqdrop.aws.catalog.layout import (
    analysis_attributes,
    analysis_key,
    due_attributes,
    status_attributes,
)
from seqdrop.aws.catalog.table import Item, wire
from seqdrop.domain.identity import AnalysisId
from seqdrop.domain.records import Analysis, AnalysisStatus
from tests.lab import Lab, open_lab

SAMPLES = 100_000
ONE_DUE_IN = 50
AIM_SECONDS, AIM_MIB = 60.0, 200.0
FUNCTION = "seqdrop-sweep-catalog"
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


def measure() -> Iterator[Measure]:
    """The deployed function: seconds, and its worker's memory at the most."""
    for one_in in (ONE_DUE_IN, 1):
        with (
            tempfile.TemporaryDirectory(prefix="seqdrop-bench-") as folder,
            open_lab(Path(folder) / "runtime") as lab,
        ):
            yield from _sweep(lab, one_in)


def _sweep(lab: Lab, one_in: int) -> Iterator[Measure]:
    wired = ({n: wire(v) for n, v in item.items() if v is not None} for item in _items(one_in))
    bulk_load(ACCOUNT, REGION, lab.runtime.outputs["CatalogTable"], wired)
    due = SAMPLES // one_in
    begun = time.perf_counter()
    found = 0
    while found < due:  # a sweep ends before its function's time is over
        swept = json.loads(lab.runtime.host.invoke(FUNCTION, b"{}").payload)
        if swept["failures"] or not swept["analyses"]:
            raise RuntimeError(f"of {due} that were due {found} were looked at: {swept}")
        found += swept["analyses"]
    seconds = time.perf_counter() - begun
    name = f"sweep of {SAMPLES:,} samples, {due:,} of them due"
    yield Measure(name, seconds, "s", AIM_SECONDS, "the aim")
    yield Measure(f"{name}: memory", _peak_mib(lab), "MiB", AIM_MIB, "the aim")


def _peak_mib(lab: Lab) -> float:
    pids = lab.runtime.host.pids(FUNCTION)
    peaks = (_PEAK.search(Path(f"/proc/{pid}/status").read_text("ascii")) for pid in pids)
    return max((int(peak[1]) / 1024 for peak in peaks if peak), default=0.0)


def _items(one_in: int) -> Iterator[Item]:
    """One that is due was held for a day, for a reason that no sweep can mend."""
    now = datetime.now(UTC)
    for number in range(SAMPLES):
        analysis = AnalysisId(f"S{number:06}", "wgs-cpu")
        is_due = number % one_in == 0
        status = AnalysisStatus.HELD if is_due else AnalysisStatus.ANALYSED
        key = analysis_key(analysis)
        yield {
            "pk": key[0],
            "sk": key[1],
            **analysis_attributes(Analysis(analysis.sample, analysis.assay, generation=2)),
            **status_attributes(analysis, status, now - timedelta(days=1)),
            **due_attributes(key, now - timedelta(minutes=1) if is_due else None),
        }
