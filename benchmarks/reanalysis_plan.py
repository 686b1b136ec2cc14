"""The plan of a reanalysis of 100,000 samples: seconds, and memory at the most."""

import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import boto3

from benchmarks.measure import Measure
from local.deploy import ACCOUNT, REGION
from local.dynamodb import bulk_load
from seqdrop.aws.catalog.layout import (
    analysis_attributes,
    analysis_key,
    run_item,
    status_attributes,
    uses_item,
)
from seqdrop.aws.catalog.table import Item, wire
from seqdrop.composition import Composition
from seqdrop.domain.identity import RunId
from seqdrop.domain.reanalysis.scope import Scope
from seqdrop.domain.records import Analysis, AnalysisStatus, Run, RunStatus
from seqdrop.domain.reference import ReferenceVersion
from tests.domain_support import IMAGES, part, reference
from tests.lab import Lab, open_lab
from tests.tools_support import ROOT

SAMPLES = 100_000
AIM_SECONDS, AIM_MIB = 60.0, 60.0


def measure() -> Iterator[Measure]:
    """Every sample uses the version before."""
    with (
        tempfile.TemporaryDirectory(prefix="seqdrop-bench-") as folder,
        open_lab(Path(folder) / "runtime") as lab,
    ):
        yield from _plan(lab)


def _plan(lab: Lab) -> Iterator[Measure]:
    wired = ({n: wire(v) for n, v in item.items() if v is not None} for item in _items())
    bulk_load(ACCOUNT, REGION, lab.runtime.outputs["CatalogTable"], wired)
    for version in _versions():
        lab.catalog.references.add(version, "benchmark", datetime.now(UTC))
    settings = {
        "catalog_table": lab.runtime.outputs["CatalogTable"], "results_bucket": lab.results,
        "pipelines_dir": str(ROOT / "pipelines"), "images": IMAGES, "scratch_gib": 1_000,
    }  # fmt: skip
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
        made = alone.submit(_plan_alone, lab.runtime.url, settings).result()
    if not made.members == made.planned == SAMPLES:
        raise RuntimeError(f"{made.members} of {SAMPLES} were found, {made.planned} planned")
    name = f"plan of a reanalysis over {SAMPLES:,} samples"
    yield Measure(name, made.seconds, "s", AIM_SECONDS, "the aim")
    yield Measure(f"{name}: memory that it adds", made.mib, "MiB", AIM_MIB, "the aim")


class _Made(NamedTuple):
    seconds: float
    mib: float
    members: int
    planned: int


def _plan_alone(endpoint: str, settings: dict[str, Any]) -> _Made:
    """In a process of its own, as the function is beside the runtime."""

    def client(service: str) -> Any:
        session = boto3.Session("local", "local", region_name=REGION)
        return session.client(service, endpoint_url=endpoint)  # type: ignore[call-overload]  # by name

    planner = Composition(SimpleNamespace(**settings), client).reanalysis_planning.planner
    before = _most_kib()
    begun = time.perf_counter()
    members = 0

    def count(_: object) -> None:
        nonlocal members
        members += 1

    plan = planner.plan(Scope(reference="GRCh38", version="2"), count).plan
    seconds = time.perf_counter() - begun
    return _Made(seconds, (_most_kib() - before) / 1024, members, plan.analyses)


def _most_kib() -> int:
    """The most memory that this process has held; getrusage counts its parent's, too."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def _versions() -> list[ReferenceVersion]:
    indexes = {"sequence": (part("genome.fa.fai", "i"),), "bwa": (part("genome.fa.bwt", "i"),)}
    return [
        reference(
            name="GRCh38", version=version, indexes=indexes, created=version,
            parts={"sequence": part("genome.fa", f"s{version}")},
        )
        for version in ("1", "2")
    ]  # fmt: skip


def _items() -> Iterator[Item]:
    """Of each sample an analysis, its current run, and what that uses."""
    now = datetime.now(UTC)
    recipes = dict.fromkeys(("align", "call", "qc", "report"), "0" * 24)
    for number in range(SAMPLES):
        run = RunId(f"S{number:06}", "wgs-cpu", "0123456789abcdef01234567", 1)
        analysis = Analysis(run.sample, run.assay, generation=2, current_run=run)
        pk, sk = analysis_key(run.analysis)
        status = status_attributes(run.analysis, AnalysisStatus.ANALYSED, now - timedelta(days=1))
        yield {"pk": pk, "sk": sk, **analysis_attributes(analysis), **status}
        parts = {"sequence": "s1"}
        whole = Run(
            run.sample, run.assay, run.run_key, run.attempt, 1, RunStatus.SUCCEEDED,
            "germline-cpu", "GRCh38/1", parts, recipes, "made",
        )  # fmt: skip
        yield run_item(whole)
        yield uses_item(whole, "sequence")
