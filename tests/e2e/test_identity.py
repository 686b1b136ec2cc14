"""A sample's fingerprint from its reads, or as a lab supplies it, to its verdict; and a control.

By the project's own pipeline germline-cpu.
"""

import gzip
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Command
from tests.e2e.ingest import document, wait_until_quiet
from tests.fingerprints import People, two_people
from tests.lab import Lab, make_project, open_lab, own_pipelines
from tests.tools_support import random_bases

ASSAYS = """
default: wgs
assays:
  wgs: {pipeline: germline-cpu, reference: GRCh38, complete: {rule: manifest}}
  again: {pipeline: germline-cpu, reference: GRCh38, complete: {rule: manifest}}
  swapped: {pipeline: germline-cpu, reference: GRCh38, complete: {rule: manifest}}
"""
SITES = 120


def foreign_reads(mate: int) -> bytes:
    """What maps nowhere."""
    chance = random.Random(mate)
    lines = [
        f"@M01:7:FC:1:1101:{n}:1 {mate}:N:0:A\n{random_bases(chance, 100)}\n+\n{'F' * 100}\n"
        for n in range(20)
    ]
    return gzip.compress("".join(lines).encode(), mtime=0)


def array(people: People, folder: Path) -> Path:
    """Both people's genotypes as an array's export: without ALT where one of them has none."""
    lines = ["##fileformat=VCFv4.2"]
    lines.append("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tfirst\tsecond")
    for (position, ref, alt), *alleles in zip(people.snps, *people.genotypes, strict=True):
        told = [("0/0", "1|0", "1/1")[count] for count in alleles]
        shown = [f"chr1\t{position}", "rs1", ref, alt if any(alleles) else "."]
        lines.append("\t".join([*shown, ".", "PASS", ".", "GT:GS", *(f"{gt}:0.9" for gt in told)]))
    lines.append("chr1\t40\t.\tA\tAT\t.\tPASS\t.\tGT\t0/1\t0/1")
    path = folder / "array.vcf.gz"
    path.write_bytes(gzip.compress("\n".join([*lines, ""]).encode()))
    return path


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One person under two assays, another one under the third, and a clean control.

    The first person's genotypes are supplied after the first assay.
    """
    folder = tmp_path_factory.mktemp("identity")
    (folder / "project").mkdir()
    names = ("germline-cpu.yaml", "references.yaml")
    own = own_pipelines(*names)
    project = make_project(folder / "project", own | {"assays.yaml": ASSAYS})
    people = two_people(SITES)
    with open_lab(folder / "runtime", project=project) as lab:
        fasta = people.genome.fasta().encode()
        lab.add_reference("GRCh38", fasta, fingerprint=people.sites().encode())
        for number, (assay, who) in enumerate({"wgs": 0, "again": 0, "swapped": 1}.items()):
            files = folder / f"{assay}_1.fastq.gz", folder / f"{assay}_2.fastq.gz"
            people.write_lane(who, files, 1, depth=25, seed=number)
            drop(lab, "NA1", assay, *(file.read_bytes() for file in files))
            wait_until_quiet(lab, 300)
            if assay == "wgs":
                command = Command(folder, lab.runtime.url)
                vcf = array(people, folder)
                command.good("fingerprint", "NA1", str(vcf), "--column", "first")
        drop(lab, "NTC", "wgs", foreign_reads(1), foreign_reads(2), control=True)
        wait_until_quiet(lab, 300)
        yield lab


def drop(lab: Lab, sample: str, assay: str, r1: bytes, r2: bytes, **given: Any) -> None:
    """A sample with its manifest."""
    names = [f"{sample}.{assay}.{mate}.fastq.gz" for mate in (1, 2)]
    entry = {
        "sample": sample,
        "assay": assay,
        "files": [dict(zip(("r1", "r2"), names, strict=True))],
    }
    lab.drop_manifest(f"{sample}.{assay}.manifest.json", entry | given)
    for name, body in zip(names, (r1, r2), strict=True):
        lab.drop(name, body)


def run_of(lab: Lab, sample: str, assay: str) -> dict[str, Any]:
    """The one run of an analysis."""
    found: dict[str, Any] = document(lab, sample, assay)["runs"][0]
    return found


def test_a_pure_sample_passes_and_has_a_fingerprint(lab: Lab) -> None:
    run = run_of(lab, "NA1", "wgs")
    assert run["qc"] == "PASS", json.dumps(run["qc_reasons"])
    assert run["metrics"]["fingerprint_sites"] > 0.9 * SITES
    assert run["metrics"]["contamination"] < 0.01
    assert "identity_sites" not in run["metrics"]


def test_the_same_person_under_another_assay_is_the_same(lab: Lab) -> None:
    run = run_of(lab, "NA1", "again")
    assert run["qc"] == "PASS", json.dumps(run["qc_reasons"])
    assert run["metrics"]["identity_concordance"] > 0.97
    [note] = run["qc_reasons"]
    assert note.startswith("NOTE: identity_concordance is ")
    assert "shared with the genotypes supplied 20" in note


def test_another_person_under_the_samples_name_fails(lab: Lab) -> None:
    run = run_of(lab, "NA1", "swapped")
    assert run["qc"] == "FAIL"
    assert sum("another person" in reason for reason in run["qc_reasons"]) == 3
    assert sum("the genotypes supplied" in reason for reason in run["qc_reasons"]) == 1
    assert run["metrics"]["identity_concordance"] < 0.7


def test_a_clean_control_passes(lab: Lab) -> None:
    run = run_of(lab, "NTC", "wgs")
    assert run["qc"] == "PASS", json.dumps(run["qc_reasons"])
    assert run["metrics"]["mapped_reads"] == 0
    assert run["metrics"]["fingerprint_sites"] == 0


def test_no_genotype_is_in_the_catalog_a_plan_or_a_log(lab: Lab) -> None:
    logs = lab.client("logs")
    said = [
        event["message"]
        for group in logs.describe_log_groups()["logGroups"]
        for event in logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
    ]
    said += map(str, [*lab.catalog.analyses.partition("NA1"), *lab.catalog.analyses.events("NA1")])
    s3 = lab.client("s3")
    for key in (o["Key"] for o in s3.list_objects_v2(Bucket=lab.results)["Contents"]):
        if key.endswith(("plan.json", "run.json")):
            said.append(s3.get_object(Bucket=lab.results, Key=key)["Body"].read().decode())
    assert len(said) > 20
    sites = [f"chr1:{position}" for position in range(250, 250 * SITES, 250)]
    heterozygous = re.compile(r"(?<![0-9a-f])0/1\b")  # not of a key that ends in 0
    assert [t for t in said if heterozygous.search(t) or any(site in t for site in sites)] == []


@pytest.fixture
def command(lab: Lab, tmp_path: Path) -> Command:
    return Command(tmp_path, lab.runtime.url)


def test_what_was_supplied_is_counted_and_never_printed(command: Command, tmp_path: Path) -> None:
    vcf = array(two_people(SITES), tmp_path)
    given = command.ask("fingerprint", "NA9", vcf.name, "--column", "second")
    assert given["sites"] == SITES
    assert given["left_out"] == {"no_snp": 1}
    assert given["sample_known"] is False
    shown = command.ask("fingerprint", "NA9", "--show")
    assert set(given) == {*shown, "left_out", "sample_known"}
    assert shown == {name: given[name] for name in ("sample", "sites", "supplied", "by")}
    said = command.good("fingerprint", "NA9", vcf.name, "--column", "first")
    assert said == (
        "runs of NA9 are held against 120 SNPs from now on, but there is no sample NA9 yet; "
        "records left out: 1 (no SNP with two alleles)\n"
    )
    assert command.good("fingerprint", "NA9", "--show").startswith("120 SNPs, supplied 20")


def test_what_was_supplied_can_be_removed_for_good(
    lab: Lab, command: Command, tmp_path: Path
) -> None:
    vcf = array(two_people(SITES), tmp_path)
    for column in ("first", "second"):
        command.good("fingerprint", "NA8", vcf.name, "--column", column)
    assert command.ask("fingerprint", "NA8", "--remove") == {"sample": "NA8", "removed": True}
    kept = lab.client("s3").list_object_versions(Bucket=lab.results, Prefix="NA8/")
    assert kept.keys().isdisjoint({"Versions", "DeleteMarkers"})
    assert command.ask("fingerprint", "NA8", "--remove")["removed"] is False
    assert command.ask("fingerprint", "NA8", "--show")["sites"] is None
    assert command.good("fingerprint", "NA8", "--show") == "no genotypes were supplied for NA8\n"


def test_a_file_that_can_not_be_used_replaces_nothing(
    lab: Lab, command: Command, tmp_path: Path
) -> None:
    vcf = array(two_people(SITES), tmp_path)
    assert "say with --column which one it is" in command.bad("fingerprint", "NA7", vcf.name)
    (tmp_path / "cut.vcf.gz").write_bytes(vcf.read_bytes()[:-9])
    cut = command.bad("fingerprint", "NA7", "cut.vcf.gz", "--column", "first")
    assert "cut.vcf.gz is cut or damaged" in cut
    for usage in (["--column", "first"], ["--show", "--remove"], [], [vcf.name, "--show"]):
        command.bad("fingerprint", "NA7", *usage, code=2)
    command.bad("fingerprint", "NA 7", "--show", code=2)
    assert "Contents" not in lab.client("s3").list_objects_v2(Bucket=lab.results, Prefix="NA7")
