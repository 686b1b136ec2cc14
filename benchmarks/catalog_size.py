"""A catalog of 100,000 samples: one sample's Query, and a page of the index by status."""

import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.measure import Measure
from local.deploy import ACCOUNT, REGION
from local.dynamodb import bulk_load
from seqdrop.aws.catalog.layout import (
    STATUS_INDEX,
    STATUS_SHARDS,
    analysis_attributes,
    analysis_key,
    file_key,
    job_key,
    run_item_key,
    status_attributes,
    status_shard,
    timestamp,
)
from seqdrop.aws.catalog.table import Item, wire
from seqdrop.domain.identity import AnalysisId, FileIdentity, RunId, StageOf
from seqdrop.domain.records import Analysis, AnalysisStatus
from tests.lab import Lab, open_lab

SAMPLES = 100_000
PAGE = 50
TRIES = 50
AIM_MS = 50.0
ASSAY, RUN_KEY = "wgs-cpu", "0123456789abcdef01234567"
_FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def measure() -> Iterator[Measure]:
    """Medians over HTTP, as every client asks; the samples are those of a lab's good years."""
    with (
        tempfile.TemporaryDirectory(prefix="seqdrop-bench-") as folder,
        open_lab(Path(folder) / "runtime") as lab,
    ):
        wired = ({n: wire(v) for n, v in item.items() if v is not None} for item in _items())
        count = bulk_load(ACCOUNT, REGION, lab.runtime.outputs["CatalogTable"], wired)
        chance = random.Random(1)
        yield _answer(f"Query of one sample ({count:,} items)", lambda: _sample(lab, chance))
        yield _answer(f"page of {PAGE} of the index by status", lambda: _page(lab, chance))


def _sample(lab: Lab, chance: random.Random) -> list[Item]:
    return lab.catalog.analyses.partition(_name(chance.randrange(SAMPLES)))


def _page(lab: Lab, chance: random.Random) -> list[Item]:
    """One Query; `seqdrop samples` asks one a shard, and merges the answers."""
    pk = status_shard(AnalysisStatus.ANALYSED, chance.randrange(STATUS_SHARDS))
    answer = lab.client("dynamodb").query(
        TableName=lab.runtime.outputs["CatalogTable"],
        IndexName=STATUS_INDEX,
        KeyConditionExpression="by_status_pk = :pk",
        ExpressionAttributeValues={":pk": wire(pk)},
        ScanIndexForward=False,
        Limit=PAGE,
    )
    return list(answer["Items"])


def _answer(name: str, ask: Callable[[], list[Any]]) -> Measure:
    times = []
    for _ in range(TRIES):
        begun = time.perf_counter()
        if not ask():
            raise RuntimeError(f"{name}: nothing was found")
        times.append(1000 * (time.perf_counter() - begun))
    worst = f"slowest of {TRIES}: {max(times):.1f} ms"
    return Measure(name, statistics.median(times), "ms", AIM_MS, "the aim", notes=(worst,))


def _name(number: int) -> str:
    return f"S{number:06}"


def _items() -> Iterator[Item]:
    """What one analysed sample leaves in its partition: an analysis, two files, a run, two jobs."""
    for number in range(SAMPLES):
        analysis, now = AnalysisId(_name(number), ASSAY), _FIRST + timedelta(minutes=number)
        run = RunId(analysis.sample, ASSAY, RUN_KEY, 1)
        mates = (FileIdentity("-", "FLOWCELL", "1", f"R{mate}", "001") for mate in (1, 2))
        keys = [file_key(analysis, mate) for mate in mates]
        keys += [run_item_key(run)]
        keys += [job_key(StageOf(run, stage)) for stage in ("align", "call")]
        status = status_attributes(analysis, AnalysisStatus.ANALYSED, now)
        pk, sk = analysis_key(analysis)
        attributes = analysis_attributes(Analysis(analysis.sample, ASSAY, generation=2))
        yield {"pk": pk, "sk": sk, **attributes, **status}
        details = {"sample": analysis.sample, "assay": ASSAY, "registered": timestamp(now)}
        for pk, sk in keys:
            yield {"pk": pk, "sk": sk, **details, "text": "x" * 200}
