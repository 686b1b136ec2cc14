"""Reanalysis with the real tools, as a bioinformatician does it: sequence, genes, then targets."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seqdrop.domain.comparison.report import Report
from tests.e2e.command import Command
from tests.lab import Lab, fasta, make_genome, make_project, open_lab, own_pipelines, pair

ASSAYS = """
default: panel
assays:
  panel:
    pipeline: germline-cpu
    reference: tiny
    targets: panel
    reanalysis: auto
    complete: {rule: pairs, quiet_seconds: 1}
    calling: {min_depth: 2, min_gq: 5}
    qc:
      mean_depth: {warn_below: 1}
      breadth_1x: {warn_below: 0.1}
      callability: {warn_below: 0.1}
    validation:
      limits: {snv: {recall: 0.99, precision: 0.99}}
      minimum_count: 2
  strict:
    pipeline: germline-cpu
    reference: tiny
    validation: {required: true, controls: ["HG*"], limits: {snv: {recall: 0.99}}}
"""
SAMPLES = [f"P{number}" for number in range(10)]
LENGTH = 5_000
CODONS = ("GCT", "GGA", "CTC", "AAC", "GAC", "TTC", "CAG", "ACG", "CCA", "GTC")
GENE = "ATG" + "".join(random.Random(3).choices(CODONS, k=98)) + "TAA"
GENOME = make_genome(1_100) + GENE + make_genome(LENGTH, seed=8)[1_400:]
ERROR = 2_499
"""0-based: a base that is wrong in the first version of the sequence."""
MENDED = GENOME[:ERROR] + "ACGT"[("ACGT".index(GENOME[ERROR]) + 1) % 4] + GENOME[ERROR + 1 :]
CHAIN = (
    f"chain 1 chr1 {LENGTH} + 0 {LENGTH} chr1 {LENGTH} + 0 {LENGTH} 1\n"
    f"{ERROR} 1 1\n{LENGTH - ERROR - 1}\n\n"
).encode()
BED, WIDER_BED = b"chr1\t1000\t4000\n", b"chr1\t500\t4500\n"
GENES = """##gff-version 3
chr1\tt\tgene\t1101\t1400\t.\t+\t.\tID=gene:G1;Name=G1;biotype=protein_coding
chr1\tt\tmRNA\t1101\t1400\t.\t+\t.\tID=transcript:T1;Parent=gene:G1;biotype=protein_coding
chr1\tt\texon\t1101\t1400\t.\t+\t.\tID=exon:E1;Parent=transcript:T1
chr1\tt\tCDS\t1101\t1400\t.\t+\t0\tID=CDS:C1;Parent=transcript:T1
"""


def person(number: int) -> str:
    """A genome that has the right base, and variants of its own."""
    chance = random.Random(number)
    bases = list(MENDED)
    for place in sorted(chance.sample(range(700, 4_300), 6)):
        if abs(place - ERROR) > 20:
            bases[place] = "ACGT"[("ACGT".index(bases[place]) + 2) % 4]
    return "".join(bases)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("reanalysis")
    (folder / "project").mkdir()
    project = make_project(folder / "project", {**own_pipelines(), "assays.yaml": ASSAYS})
    with open_lab(folder / "runtime", project=project, cpu_slots=4) as lab:
        targets: dict[str, Any] = {"targets:panel": BED}
        lab.add_reference("tiny", fasta(GENOME), **targets)
        for number, sample in enumerate(SAMPLES):
            r1, r2 = pair(500, genome=person(number), flowcell=f"HP{number}", seed=number)
            lab.drop(f"{sample}_R1.fastq.gz", r1)
            lab.drop(f"{sample}_R2.fastq.gz", r2)
        for sample in SAMPLES:
            lab.wait_for(sample, "panel", "ANALYSED")
        yield lab


@pytest.fixture
def command(lab: Lab, tmp_path: Path) -> Command:
    return Command(tmp_path, lab.runtime.url)


def approved(lab: Lab, command: Command, version: str) -> dict[str, Any]:
    """What came of the reanalysis that a version has begun by itself, once it is approved."""
    name = f"tiny-{version}-auto"

    def has(*statuses: str) -> bool:
        found = lab.catalog.reanalyses.get(name)
        assert found is None or found.status not in {"FAILED", "STOPPED"}, found.why
        return found is not None and found.status in statuses

    def describe() -> str:
        return "\n".join([str(lab.catalog.reanalyses.get(name)), *lab.complaints()])

    lab.wait_until(lambda: has("AWAITING_APPROVAL"), 240, describe)
    before = current(lab)
    assert "canary" in command.good("reanalysis", "show", name)
    assert current(lab) == before, "canaries move nothing"
    command.good("approve", name)
    lab.wait_until(lambda: has("DONE"), 400, describe)
    found: dict[str, Any] = command.ask("reanalysis", "show", name)
    return found


def current(lab: Lab) -> dict[str, str]:
    """The current run of each sample."""
    found = {}
    for sample in SAMPLES:
        analysis = lab.analysis(sample, "panel")
        assert analysis is not None
        assert analysis.current_run is not None
        found[sample] = analysis.current_run.short
    return found


def stages_run(lab: Lab, sample: str) -> list[str]:
    """The stages that the newest run has not taken over."""
    return [stage.stage for stage in lab.runs(sample, "panel")[-1].stages if not stage.reused]


def report_of(lab: Lab, member: dict[str, Any]) -> Report:
    """The comparison of a member's two runs."""
    key = f"{member['compared']['folder']}comparison.json"
    body = lab.client("s3").get_object(Bucket=lab.results, Key=key)["Body"].read()
    return msgspec.json.decode(body, type=Report)


def test_a_new_sequence_then_new_genes_then_new_targets(lab: Lab, command: Command) -> None:
    first = current(lab)
    mended: dict[str, Any] = {"targets:panel": BED, "chain:1": CHAIN}
    lab.add_reference("tiny", fasta(MENDED), version="2", **mended)
    done = approved(lab, command, "2")
    assert (done["made"], done["failed"], done["left_out"]) == (10, 0, 0)
    (group,) = done["plan"]["groups"]
    assert group["stale"] == {
        "stages": ["align", "call", "qc"], "causes": ["sequence"]
    }  # fmt: skip
    second = current(lab)
    for sample in SAMPLES:
        assert second[sample] != first[sample]
        old, new = lab.runs(sample, "panel")
        assert (old.reference, new.reference) == ("tiny/1", "tiny/2")
        assert old.id.short == first[sample]
        listed = command.ask("results", sample, "--run", old.run_key)["files"]
        assert {file["name"] for file in listed} >= {"variants.vcf.gz", "alignment.bam"}
    for member in done["members"]:
        report = report_of(lab, member)
        places = {row.position for row in report.rows}
        assert places == {ERROR + 1}, "the base that was mended is all that differs"
        assert {row.change.value for row in report.rows} == {"reference"}
        assert report.reportable_total == 0
    annotated = {**mended, "annotation": GENES.encode()}
    lab.add_reference("tiny", fasta(MENDED), version="3", **annotated)
    done = approved(lab, command, "3")
    assert done["plan"]["groups"][0]["stale"] == {"stages": ["annotate"], "causes": ["annotation"]}
    assert done["made"] == 10
    for sample in SAMPLES:
        assert stages_run(lab, sample) == ["annotate", "compare"]
        assert lab.runs(sample, "panel")[-1].reference == "tiny/3"
    assert {member["compared"]["verdict"] for member in done["members"]} <= {
        "identical", "equivalent",
    }  # fmt: skip
    widened = {**annotated, "targets:panel": WIDER_BED}
    lab.add_reference("tiny", fasta(MENDED), version="4", **widened)
    done = approved(lab, command, "4")
    assert done["made"] == 10
    for sample in SAMPLES:
        assert "align" not in stages_run(lab, sample)
        assert {"call", "qc"} <= set(stages_run(lab, sample))
    for member in done["members"]:
        report = report_of(lab, member)
        assert all(
            row.change.value == "only_b" and not 1_000 < row.position <= 4_000
            for row in report.rows
        )


def test_the_same_reads_again_are_identical(lab: Lab, command: Command) -> None:
    sample = SAMPLES[0]
    command.good("rerun", sample, "--fresh")
    lab.wait_until(lambda: len(lab.runs(sample, "panel")) > 1 and is_idle(lab, sample))
    old, new = lab.runs(sample, "panel")[-2:]
    assert old.run_key == new.run_key
    report = command.ask("compare", sample, f"{old.id.short}", f"{new.id.short}")
    assert report["verdict"] == "identical", json.dumps(report)[:2_000]


def test_a_plan_by_pipeline_finds_nothing_to_do(lab: Lab, command: Command) -> None:
    planned = command.ask("reanalyse", "--pipeline", "germline-cpu", "--dry-run")
    assert (planned["status"], planned["plan"]["groups"]) == ("PLANNED", [])
    assert planned["plan"]["up_to_date"] == len(SAMPLES)


def known(sequence: str, *more: str) -> str:
    """What is known of the first sample: a VCF of its bases, and records that are not true."""
    header = f"##fileformat=VCFv4.2\n##contig=<ID=chr1,length={LENGTH}>\n"
    columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tP0\n"
    records = [
        f"chr1\t{at + 1}\t.\t{base}\t{new}\t.\tPASS\t.\tGT\t1/1\n"
        for at, (base, new) in enumerate(zip(sequence, person(0), strict=True))
        if base != new and at != ERROR  # the versions of the sequence differ there
    ]
    return (
        header
        + '##FORMAT=<ID=GT,Number=1,Type=String,Description="GT">\n'
        + columns
        + "".join(sorted([*records, *more], key=lambda record: int(record.split("\t")[1])))
    )


def test_a_control_is_validated_and_its_record_is_kept(lab: Lab, command: Command) -> None:
    sample, folder = SAMPLES[0], command.folder
    (folder / "truth.vcf").write_text(known(GENOME))
    (folder / "sure.bed").write_text(f"chr1\t1000\t{ERROR - 20}\nchr1\t{ERROR + 20}\t4000\n")
    (folder / "gene.bed").write_text("chr1\t1100\t1400\n")
    there = [at for at in range(1_000, 4_000) if GENOME[at] != person(0)[at]]
    there = [at for at in there if abs(at - ERROR) > 20]
    files = ("--truth", "truth.vcf", "--regions", "sure.bed", "--region", "gene=gene.bed")
    found = command.ask("validate", "panel", sample, *files, "--out", "page")
    assert (found["outcome"], found["reasons"], found["sample"]) == ("PASS", [], sample)
    assert found["flowcells"] == ["HP0"]
    assert f"germline-cpu {found['version'][:8]} on tiny/" in command.good("show", sample)
    whole = found["accuracy"]["classes"][0]
    assert (whole["truth_total"], whole["true_positives"], whole["false_positives"]) == (
        len(there), len(there), 0,
    )  # fmt: skip
    in_gene = next(c for c in found["accuracy"]["classes"] if c["region"] == "gene")
    assert in_gene["truth_total"] == sum(1_100 <= at < 1_400 for at in there)
    assert "Passed" in (folder / "page/validation.html").read_text()
    again = command.ask("validate", "panel", sample, *files)
    assert (again["id"], again["recorded"]) == (found["id"], found["recorded"])

    base = GENOME[1_199]
    untrue = f"chr1\t1200\t.\t{base}\t{'AC'[base == 'A']}\t.\tPASS\t.\tGT\t0/1\n"
    (folder / "truth.vcf").write_text(known(GENOME, untrue))
    said = command.run("validate", "panel", sample, *files)
    assert said.returncode == 1
    assert "snv: recall is" in said.stderr
    assert "FAIL: run" in said.stdout
    assert f"which has passed by record {found['id']}: where that is wrong" in said.stderr
    listed = command.ask("validate", "panel")
    assert [one["outcome"] for one in listed["records"]] == ["PASS", "FAIL"]
    assert [one["record"] for one in listed["passed"]] == [found["id"]]
    said = command.run("validate", "panel", "--withdraw", found["id"], "--why", "other kit")
    assert said.returncode == 0
    assert f"version {found['version'][:8]} of panel has passed no more" in said.stderr
    assert command.ask("validate", "panel")["passed"] == []
    assert "was withdrawn before: other kit" in command.bad(
        "validate", "panel", "--withdraw", found["id"], "--why", "x"
    )
    (folder / "truth.vcf").write_text(known(GENOME))
    said = command.run("validate", "panel", sample, *files[:4])
    assert (said.returncode, said.stdout[:4]) == (0, "PASS")
    assert f"record {found['id']} of this run, by truth.vcf in sure.bed, was" in said.stderr
    assert f"this run fails by record {listed['records'][1]['id']}, by truth.vcf" in said.stderr


def test_a_control_that_cannot_be_judged_is_told(lab: Lab, command: Command) -> None:
    folder = command.folder
    (folder / "truth.vcf").write_text(known(GENOME))
    (folder / "far.bed").write_text("chr1\t4800\t4900\n")
    (folder / "other.bed").write_text("1\t900\t2000\n")
    (folder / "shifted.vcf").write_text(known(GENOME).replace("chr1\t", "chr1\t1"))
    for truth, bed, says in (
        ("truth.vcf", "far.bed", "no confident region of far.bed lies in the targets"),
        ("truth.vcf", "other.bed", "no confident region of other.bed lies in the targets"),
        ("shifted.vcf", "far.bed", "shifted.vcf"),
    ):
        told = command.bad("validate", "panel", SAMPLES[0], "--truth", truth, "--regions", bed)
        assert says in told
    assert "no assay 'panal'" in command.bad(
        "validate", "panal", SAMPLES[0], "--truth", "truth.vcf", "--regions", "far.bed"
    )
    assert command.run("validate", "panel", SAMPLES[0]).returncode == 2
    assert f"{SAMPLES[0]} is none of the controls of strict (HG*)" in command.bad(
        "validate", "strict", SAMPLES[0], "--truth", "truth.vcf", "--regions", "far.bed"
    )


def is_idle(lab: Lab, sample: str) -> bool:
    """Whether nothing of a sample goes on."""
    analysis = lab.analysis(sample, "panel")
    return analysis is not None and analysis.status == "ANALYSED" and not analysis.active_run
