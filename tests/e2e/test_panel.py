"""A panel of amplicons with primers and UMIs, as a lab brings it: the whole way in the runtime."""

import gzip
import random
from collections.abc import Iterator
from typing import Any

import pytest

from seqdrop.domain.qc import UMIS_ARE_EXACT
from tests.lab import Lab, fasta, make_genome, open_cpu_lab, reverse

ASSAYS = """
default: amplicon
assays:
  amplicon:
    pipeline: germline-cpu
    reference: tiny
    targets: panel
    duplicates: umi
    calling: {insert_size: "300,200,1000,1"}
    complete: {rule: pairs, quiet_seconds: 1}
  marked: {pipeline: germline-cpu, reference: tiny, targets: panel}
"""
GENOME = make_genome(6_000)
START, END = 2_000, 2_300
OLIGO, PATIENT = START + 10, START + 150
"""Where the left primer differs from the genome, and where the patient does."""
TARGETS = f"chr1\t{START + 24}\t{END - 24}\n".encode()
PRIMERS = f"chr1\t{START}\t{START + 24}\tf\t0\t+\nchr1\t{END - 24}\t{END}\tr\t0\t-\n".encode()
FOREIGN = 4
"""Pairs from elsewhere, which have no primer."""


def changed(genome: str, *places: int) -> str:
    bases = list(genome)
    for at in places:
        bases[at] = {"A": "C", "C": "G", "G": "T", "T": "A"}[bases[at]]
    return "".join(bases)


def sample(umis: str, lane: int) -> tuple[bytes, bytes]:
    """R1 and R2 of 120 copies of 40 molecules of the amplicon, and of what is foreign.

    Of the reads ``all``, the ``first`` alone or ``none`` has a UMI.
    """
    chance = random.Random(lane)
    amplicon = changed(GENOME, OLIGO, PATIENT)[START:END]
    molecules = [(amplicon, "".join(chance.choices("ACGT", k=9))) for _ in range(40)] * 3
    molecules += [(GENOME[n * 900 : n * 900 + 280], "ACGTACGTA") for n in (0, 1, 4, 5)]
    mates: tuple[list[str], list[str]] = ([], [])
    for number, (bases, umi) in enumerate(molecules):
        has_umi = umis == "all" or (umis == "first" and not number)
        name = f"@M01:7:HPANEL:{lane}:1101:{number}:9" + (f":{umi}" if has_umi else "")
        for lines, read, mate in zip(mates, (bases, reverse(bases)), (1, 2), strict=True):
            lines.append(f"{name} {mate}:N:0:ACGT\n{read[:150]}\n+\n{'F' * 150}\n")
    one, two = (gzip.compress("".join(lines).encode(), mtime=0) for lines in mates)
    return one, two


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    parts: dict[str, Any] = {"targets:panel": TARGETS, "primers:panel": PRIMERS}
    folder = tmp_path_factory.mktemp("panel")
    with open_cpu_lab(folder, ASSAYS, "tiny", fasta(GENOME), **parts) as lab:
        yield lab


def drop(lab: Lab, name: str, assay: str, umis: str, lane: int) -> None:
    for mate, body in enumerate(sample(umis, lane), 1):
        lab.drop(f"{assay}/{name}_R{mate}.fastq.gz", body)


def test_primers_are_clipped_copies_are_told_by_umi_and_the_run_says_so(lab: Lab) -> None:
    drop(lab, "P1", "amplicon", "all", 1)
    lab.wait_for("P1", "amplicon", "ANALYSED")
    (run,) = lab.runs("P1", "amplicon")
    pairs = 120 + FOREIGN
    assert run.metrics["reads"] == 2 * pairs
    assert run.metrics["reads_without_primer"] == 2 * FOREIGN
    assert run.metrics["primer_fraction"] == round(120 / pairs, 4)
    # Two copies of each of 40 molecules: by place alone all but one would be copies.
    assert run.metrics["duplicate_fraction"] == round(80 / pairs, 4)
    assert f"NOTE: {UMIS_ARE_EXACT}" in run.qc_reasons
    (call,) = [one for one in run.stages if one.stage == "call"]
    key = f"{call.prefix}variants.vcf.gz"
    body = lab.client("s3").get_object(Bucket=lab.results, Key=key)["Body"].read()
    rows = [line.split("\t") for line in gzip.decompress(body).decode().splitlines()]
    assert [(int(r[1]), r[6]) for r in rows if not r[0].startswith("#")] == [(PATIENT + 1, "PASS")]
    key = f"{run.id.folder}run.json"
    record = lab.client("s3").get_object(Bucket=lab.results, Key=key)["Body"].read()
    assert b"markdup --no-PG -S --barcode-rgx" in record, "the command is part of the provenance"


def test_reads_without_umis_hold_the_sample_and_nothing_is_marked_by_place(lab: Lab) -> None:
    drop(lab, "P2", "amplicon", "first", 2)
    held = lab.wait_for("P2", "amplicon", "HELD")
    (said,) = held.holds.values()
    assert "lane HPANEL.2: 246 of 248 reads have no UMI at the end of their name" in said
    assert "'M01:7:HPANEL:2:1101:" in said


def test_files_that_begin_without_umis_are_held_before_a_host_starts(lab: Lab) -> None:
    drop(lab, "P4", "amplicon", "none", 4)
    held = lab.wait_for("P4", "amplicon", "HELD")
    (said,) = held.holds.values()
    assert "has no UMI at the end of its name (M01:7:HPANEL:4:1101:0:9)" in said
    assert lab.runs("P4", "amplicon") == []


def test_an_assay_that_marks_by_place_is_held_before_it_costs_anything(lab: Lab) -> None:
    drop(lab, "P3", "marked", "all", 3)
    held = lab.wait_for("P3", "marked", "HELD")
    (said,) = held.holds.values()
    assert "has primers of 'panel', and the assay marked marks duplicates by position" in said
    assert lab.runs("P3", "marked") == []
