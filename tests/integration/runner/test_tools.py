"""The pipeline of the project itself, run by the runner with the real tools."""

import gzip
import random
import sys

import pytest

from seqdrop.domain.plan import LocalFile, StagePlan
from tests.runner_support import (
    BUCKET,
    RunnerLab,
    a_stage,
    installed,
    prefix_of,
)
from tests.stage_support import DEFAULTS, stage_of

pytestmark = pytest.mark.skipif(
    not installed("bwa", "samtools", "bcftools"), reason="the real tools are not on PATH"
)
COMPLEMENT = str.maketrans("ACGT", "TGCA")


def planned(pipeline: str, stage: str, **parts: object) -> StagePlan:
    """A stage of one of the project's pipelines, as a run's plan holds it."""
    found = stage_of(pipeline, stage)
    return a_stage(
        stage,
        steps=found.steps,
        outputs=found.outputs,
        needs=found.needs,
        reads=found.reads,
        measures=found.measures,
        **parts,
    )


def reads_of(genome: str, pairs: int, chance: random.Random) -> tuple[bytes, bytes]:
    """Paired reads without errors, gzipped."""
    mates: tuple[list[str], list[str]] = ([], [])
    for number in range(pairs):
        start = chance.randrange(len(genome) - 300)
        fragment = genome[start : start + 300]
        for mate, bases in enumerate((fragment[:100], fragment[-100:].translate(COMPLEMENT)[::-1])):
            mates[mate].append(f"@M:1:FC:1:1:{number}:1 {mate + 1}\n{bases}\n+\n{'I' * 100}\n")
    return gzip.compress("".join(mates[0]).encode()), gzip.compress("".join(mates[1]).encode())


def results_as_reference(lab: RunnerLab, stage: str) -> tuple[LocalFile, ...]:
    """What a stage published, as reference files of another."""
    result = lab.result(stage)
    assert result is not None
    return tuple(
        lab.reference(file.name, content)
        for file in result.files
        if (content := lab.read(prefix_of(stage) + file.name)) is not None
    )


def test_a_planted_variant_is_found_from_streamed_reads(lab: RunnerLab) -> None:
    chance = random.Random(7)
    genome = "".join(chance.choices("ACGT", k=6000))
    planted = genome[:3000] + {"A": "C", "C": "G", "G": "T", "T": "A"}[genome[3000]] + genome[3001:]
    sequence = lab.reference("genome.fa", f">c\n{genome}\n".encode())
    indexes = ("sequence", "bwa")
    lab.tool("seqdrop-tool", f'#!/bin/sh\nexec "{sys.executable}" -m runner.tools.main "$@"\n')
    plan = lab.plan(*(planned("references", i, reference_files=(sequence,)) for i in indexes))
    for index in indexes:
        assert lab.run(plan, index).returncode == 0
    reference = (sequence, *(f for index in indexes for f in results_as_reference(lab, index)))
    align = planned("germline-cpu", "align", reference_files=reference)
    call = planned("germline-cpu", "call", reference_files=reference)
    pairs = tuple(
        lab.pair(*reads_of(planted, 600, chance), lane=lane, md5=True) for lane in ("FC.1", "FC.2")
    )
    plan = lab.plan(align, call, pairs=pairs, variables={"mark_duplicates": True} | DEFAULTS)
    for stage in ("align", "call"):
        ended = lab.run(plan, stage)
        assert ended.returncode == 0, ended.stderr
    result = lab.result()
    assert result is not None
    assert result.counts["reads_in"] == result.metrics["primary_out"] == 2400
    assert result.counts["bases_in"] == 240_000
    assert result.metrics["mapped"] == 2400
    assert result.tools["bwa"][0].isdigit()
    assert result.tools["samtools"].startswith("samtools ")
    answer = lab.client.get_object(Bucket=BUCKET, Key=prefix_of("call") + "variants.vcf.gz")
    lines = gzip.decompress(answer["Body"].read()).decode().splitlines()
    assert [line.split("\t")[1] for line in lines if not line.startswith("#")] == ["3001"]


def test_a_shorter_mate_is_found_although_bwa_is_content(lab: RunnerLab) -> None:
    chance = random.Random(8)
    genome = "".join(chance.choices("ACGT", k=3000))
    sequence = lab.reference("genome.fa", f">c\n{genome}\n".encode())
    index = planned("references", "bwa", reference_files=(sequence,))
    assert lab.run(lab.plan(index), "bwa").returncode == 0
    r1, r2 = reads_of(genome, 9000, chance)
    short = b"".join(gzip.decompress(r2).splitlines(keepends=True)[: 4 * 8500])
    plan = lab.plan(
        planned(
            "germline-cpu",
            "align",
            reference_files=(sequence, *results_as_reference(lab, "bwa")),
        ),
        pairs=(lab.pair(r1, gzip.compress(short)),),
        variables={"mark_duplicates": True} | DEFAULTS,
    )
    assert lab.run(plan).returncode == 10
    assert lab.failure(plan).message.endswith("has 8,500 reads, R1 has 9,000")
    assert lab.result() is None
