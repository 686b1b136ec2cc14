"""What the tests of equivalence share: records of runs, and their pairs."""

from typing import Any

from seqdrop.domain.comparison.report import Kind, Metric
from seqdrop.domain.equivalence.report import (
    Concordance,
    Difference,
    Effort,
    Of,
    RunSide,
    SamplePair,
    Verdict,
)
from seqdrop.domain.plan import ReadPair, StageResult, StoredObject
from seqdrop.domain.provenance import Part, RunRecord

GROUP = "@RG\\tID:HXY.1\\tPU:HXY.1\\tLB:NA1\\tSM:NA1\\tPL:ILLUMINA"


def stored(key: str, checksum: str, size: int = 100) -> StoredObject:
    """An uploaded object."""
    return StoredObject("uploads", key, size, "v1", checksum)


def lane(number: int = 1, r1: str = "crc32:one", r2: str = "crc32:two") -> ReadPair:
    """A lane's pair, by its checksums."""
    return ReadPair(f"HXY.{number}", GROUP, stored("r1.gz", r1), stored("r2.gz", r2))


def result(stage: str, *commands: str, **tools: str) -> StageResult:
    """A stage's results, by what it ran."""
    return StageResult(stage, f"key of {stage}", (), tools, commands=commands)


def record(**given: Any) -> RunRecord:
    """A run's record, of one lane and two stages."""
    values: dict[str, Any] = {
        "sample": "NA1",
        "assay": "wgs",
        "run_key": "0a1b",
        "attempt": 1,
        "pipeline": "germline-cpu",
        "reference": "GRCh38/1",
        "parts": {"sequence": "s1", "targets:wes": "t1"},
        "qc": "PASS",
        "qc_reasons": (),
        "metrics": {},
        "cost_usd": 1.0,
        "simulated": False,
        "results": {
            "align": result("align", "bwa mem -t 4 ref/genome.fa in/r1", bwa="0.7.17"),
            "call": result("call", "bcftools call -m"),
        },
        "prefixes": {},
        "inputs": (lane(),),
        "files": {"align": (Part("s3://refs/GRCh38/1/indexes/genome.fa.bwt", 5, "i1"),)},
        "images": {"cpu": "lab/cpu@sha256:aa11", "fpga-genome": "lab/f@sha256:bb22|ami-0f2|host"},
        "claimed": "2026-11-28T10:00:00.000Z",
        "version": "0.1.0",
    }
    return RunRecord(**values | given)


def side(**given: Any) -> RunSide:
    """A side of a sample."""
    values: dict[str, Any] = {
        "run": "0a1b2c3d#1",
        "assay": "wgs",
        "pipeline": "germline-fpga",
        "reference": "GRCh38/1",
        "claimed": "2026-11-28T10:00:00.000Z",
        "qc": "PASS",
        "simulated": False,
        "images": {"cpu": "lab/cpu@sha256:aa11"},
        "amis": {"fpga-genome": "ami-0f1"},
        "tools": {"dragen": "dragen Version 07.021.609.4.3.6", "bcftools": "bcftools 1.16"},
        "version": "0.1.0",
        "wall_seconds": 4_000.0,
    }
    return RunSide(**values | given)


def pair(sample: str = "NA1", **given: Any) -> SamplePair:
    """A sample whose two runs are equivalent; B takes half the time, and costs more."""
    values: dict[str, Any] = {
        "sample": sample,
        "assay": "wgs",
        "verdict": Verdict.EQUIVALENT,
        "why": "Nothing differs among 4,000,000 variants.",
        "a": side(),
        "b": side(
            run="9f8e7d6c#1",
            amis={"fpga-genome": "ami-0f2"},
            tools={"dragen": "dragen Version 07.031.732.4.4.4", "bcftools": "bcftools 1.16"},
            wall_seconds=2_500.0,
        ),
        "concordance": (
            Concordance(Kind.SNV, 3_500_000, 3_500_000),
            Concordance(Kind.DELETION, 500_000, 500_000),
        ),
        "metrics": (
            Metric("mean_depth", 34.2, 34.2),
            Metric("ts_tv", 2.1, 2.1001),
            Metric("duplicate_fraction", 0.08, 0.086, within=False),
        ),
        "efforts": (
            Effort("dragen", 3_000.0, 1_500.0, 1.65, 1.85),
            Effort("variants", 300.0, 280.0, 0.05, 0.05),
        ),
        "comparison": f"{sample}.wgs",
    }
    return SamplePair(**values | given)


COMMANDS = Difference(
    Of.COMMAND,
    "call, line 2",
    "seqdrop-tool calls region.bed --min-qual 20 --min-depth 2 --min-gq 5",
    "seqdrop-tool calls region.bed --min-qual 40 --min-depth 2 --min-gq 5",
)
