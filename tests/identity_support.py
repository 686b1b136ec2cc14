"""Runs at the bench that leave a fingerprint, and people to leave them."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from seqdrop.domain.fingerprint import Fingerprint
from seqdrop.domain.identity import AnalysisId
from seqdrop.domain.naming import supplied_key
from seqdrop.domain.plan import ResultFile, StageResult, encode
from seqdrop.domain.records import RunOptions
from tests.cloud_support import QUICK, RESULTS, Cloud, open_cloud
from tests.domain_support import part, reference
from tests.lab import reads
from tests.run_support import Bench

MEASURED = QUICK.replace(
    "outputs: [{name: a}]\n    reads: files",
    "outputs: [{name: a}, {name: fingerprint.json, when: fingerprint}]\n"
    "    measures: {fingerprint.json: fingerprint}\n    reads: files",
).replace("reference: [sequence]", "reference: [sequence, fingerprint]")
ASSAYS = """
default: wgs
assays:
  wgs: {pipeline: quick, reference: tiny}
  wes: {pipeline: quick, reference: tiny}
  quiet: {pipeline: quick, reference: tiny, identity: none}
  strict: {pipeline: quick, reference: tiny, qc: {identity_concordance: {warn_below: 0.99}}}
"""
SITES = 60


def person(seed: int, sites: int = SITES, contig: str = "chr1") -> dict[str, str]:
    """Somebody's genotypes."""
    kinds = random.Random(seed).choices(("0/0", "0/1", "1/1"), (1, 2, 1), k=sites)
    return {f"{contig}:{number}:A:G": kind for number, kind in enumerate(kinds, 1)}


def changed(genotypes: dict[str, str], count: int) -> dict[str, str]:
    """Some of the genotypes are other ones."""
    other = {"0/0": "0/1", "0/1": "1/1", "1/1": "0/1"}
    first = list(genotypes)[:count]
    return genotypes | {site: other[genotypes[site]] for site in first}


@contextmanager
def open_typing_cloud(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """A cloud whose pipeline types the SNPs of its reference."""
    with open_cloud(folder, monkeypatch) as opened:
        (folder / "quick.yaml").write_text(MEASURED)
        (folder / "assays.yaml").write_text(ASSAYS)
        parts = {"sequence": part("genome.fa", "s1"), "fingerprint": part("fingerprint.vcf", "f")}
        typed = reference(version="2", parts=parts, created="2026-03-02")
        opened.catalog.references.add(typed, "test", opened.clock())
        yield opened


FRESH = RunOptions(fresh=True)


def start(
    cloud: Cloud, assay: str = "wgs", sample: str = "NA1", *, options: RunOptions = FRESH
) -> Bench:
    """A new run of the same files, planned."""
    before = set(cloud.executions.started)
    analysis = cloud.catalog.analyses.get(AnalysisId(sample, assay))
    if analysis is None:
        for mate in (1, 2):
            cloud.upload(f"{assay}/{sample}_{mate}.fastq.gz", reads(5, mate=mate))
    else:
        cloud.catalog.analyses.release(analysis, "test", options, cloud.clock())
        cloud.flows.claiming.advance(AnalysisId(sample, assay))
    (name,) = set(cloud.executions.started) - before
    bench = Bench(cloud, cloud.executions.started[name])
    bench.state("plan_run")
    return bench


def publish(bench: Bench, genotypes: dict[str, str]) -> None:
    """What the stages leave."""
    figures: dict[str, float] = {"fingerprint_sites": len(genotypes), "contamination": 0.0}
    body = encode(Fingerprint(genotypes, figures))
    prefix = bench.plan.stage("align").prefix
    files = tuple(
        ResultFile(name, len(content), "ab" * 32)
        for name, content in {"a": b"abc", "fingerprint.json": body}.items()
    )
    bench.put(f"{prefix}a", b"abc")
    bench.put(f"{prefix}fingerprint.json", body)
    result = StageResult("align", "key", files, {"tool": "1"}, {}, figures)
    bench.put(f"{prefix}align.json", encode(result))
    bench.publish("call")


def analyse(cloud: Cloud, genotypes: dict[str, str], assay: str = "wgs") -> Bench:
    """A run from its claim to its end."""
    bench = start(cloud, assay)
    publish(bench, genotypes)
    bench.state("finish_run")
    return bench


def supply(cloud: Cloud, genotypes: dict[str, str], sample: str = "NA1") -> None:
    """What `seqdrop fingerprint` leaves."""
    what = {"supplied": "2026-03-02T14:05:11Z", "by": "a person", "genotypes": genotypes}
    cloud.objects.put(RESULTS, supplied_key(sample), msgspec.json.encode(what))
