"""Single reads the whole way: dropped by name, named by a manifest, uploaded; and what is held."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from seqdrop.domain.naming import unplaced_sample
from tests.e2e.command import Command
from tests.lab import Lab, fasta, make_genome, open_cpu_lab, pair

ASSAYS = """
default: wgs
assays:
  wgs: {pipeline: germline-cpu, reference: tiny, complete: {rule: pairs, quiet_seconds: 1}}
  single:
    pipeline: germline-cpu
    reference: tiny
    reads: single
    complete: {rule: pairs, quiet_seconds: 1}
  both: {pipeline: germline-cpu, reference: tiny, reads: interleaved}
"""
GENOME = make_genome(5_000)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("single")
    with open_cpu_lab(folder, ASSAYS, "tiny", fasta(GENOME)) as lab:
        yield lab


def reads(flowcell: str, lane: int = 1) -> tuple[bytes, bytes]:
    return pair(600, genome=GENOME, flowcell=flowcell, lane=lane, seed=lane)


def assert_single(lab: Lab, sample: str, count: int) -> None:
    lab.wait_for(sample, "single", "ANALYSED")
    (run,) = lab.runs(sample, "single")
    assert run.metrics["reads"] == count
    assert run.metrics["mapped_fraction"] > 0.95
    assert "properly_paired_fraction" not in run.metrics
    assert not any("pair" in reason for reason in run.qc_reasons)


def test_files_called_r1_wait_for_no_mate(lab: Lab, tmp_path: Path) -> None:
    for lane in (1, 2):
        lab.drop(f"single/S1_S1_L00{lane}_R1_001.fastq.gz", reads("HS1", lane)[0])
    assert_single(lab, "S1", 1_200)
    shown = Command(tmp_path, lab.runtime.url).ask("show", "S1")
    assert "R2" not in str(shown["analyses"][0].get("missing", []))


def test_a_manifest_names_them_whatever_they_are_called(lab: Lab) -> None:
    lab.drop("run/odd.fastq.gz", reads("HS2")[0])
    entry = {"sample": "S2", "assay": "single", "files": [{"r1": "odd.fastq.gz"}]}
    lab.drop_manifest("run/a.manifest.json", entry)
    assert_single(lab, "S2", 600)


def test_they_are_uploaded_by_options(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "SRR1.fastq.gz").write_bytes(reads("HS3")[0])
    command = Command(tmp_path, lab.runtime.url)
    command.good("upload", str(tmp_path / "SRR1.fastq.gz"), "--assay", "single", "--sample", "S3")
    assert_single(lab, "S3", 600)


def test_mates_in_one_file_are_pairs(lab: Lab) -> None:
    lines = [gzip.decompress(body).splitlines(keepends=True) for body in reads("HS8")]
    both = b"".join(b"".join(m[n : n + 4]) for n in range(0, len(lines[0]), 4) for m in lines)
    lab.drop("both/S8_R1.fastq.gz", gzip.compress(both))
    for mate, body in enumerate(reads("HS8"), 1):
        lab.drop(f"wgs/S9_R{mate}.fastq.gz", body)
    found = []
    for sample, assay in (("S8", "both"), ("S9", "wgs")):
        lab.wait_for(sample, assay, "ANALYSED")
        (run,) = lab.runs(sample, assay)
        found.append(run.metrics)
    assert found[0] == found[1]
    assert (found[0]["reads"], found[0]["properly_paired_fraction"] > 0.9) == (1_200, True)


def test_a_mate_holds_the_sample(lab: Lab, tmp_path: Path) -> None:
    for mate, body in enumerate(reads("HS4"), 1):
        lab.drop(f"single/S4_R{mate}.fastq.gz", body)
        (tmp_path / f"S5_R{mate}.fastq.gz").write_bytes(body)
    held = lab.wait_for("S4", "single", "HELD")
    (said,) = held.holds.values()
    assert "single/S4_R2.fastq.gz is R2 of lane 1" in said
    assert "the assay takes single reads" in said
    files = [str(tmp_path / f"S5_R{mate}.fastq.gz") for mate in (1, 2)]
    refused = Command(tmp_path, lab.runtime.url).bad("upload", *files, "--assay", "single")
    assert "S5_R2.fastq.gz" in refused
    assert "takes one file a lane" in refused


def test_single_reads_for_an_assay_of_pairs_are_refused_and_told(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "S6_R1.fastq.gz").write_bytes(reads("HS6")[0])
    command = Command(tmp_path, lab.runtime.url)
    refused = command.bad("upload", str(tmp_path / "S6_R1.fastq.gz"), "--assay", "wgs")
    assert "has no mate, R2 is missing" in refused
    lab.drop_manifest("run/b.manifest.json", {"sample": "S7", "files": [{"r1": "S7.fastq.gz"}]})
    held = lab.wait_for(unplaced_sample(lab.uploads, "run/b.manifest.json"), "wgs", "HELD")
    (said,) = held.holds.values()
    assert "sample S7 has no r2 beside 'S7.fastq.gz', and wgs takes pairs" in said
    assert lab.analysis("S7", "wgs") is None
