"""Isaac and Strelka2, each played by a stand-in that says so: the pipeline around them is real."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pysam
import pytest

from tests.e2e.command import Command
from tests.e2e.test_reanalysis import BED, GENES, GENOME, person
from tests.lab import Lab, fasta, make_project, open_lab, own_pipelines, pair

ASSAYS = """
default: genome
assays:
  genome: {pipeline: germline-isaac-strelka, reference: tiny, complete: {rule: manifest}}
  exome:
    pipeline: germline-isaac-strelka
    reference: tiny
    targets: panel
    complete: {rule: pairs, quiet_seconds: 1}
"""
LANES = (("L001", "lib1"), ("L002", "lib2"))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A genome of two lanes, which are of two libraries, and an exome."""
    folder = tmp_path_factory.mktemp("isaac")
    (folder / "project").mkdir()
    project = make_project(folder / "project", {**own_pipelines(), "assays.yaml": ASSAYS})
    with open_lab(folder / "runtime", project=project) as lab:
        targets: dict[str, Any] = {"targets:panel": BED}
        lab.add_reference("tiny", fasta(GENOME), annotation=GENES.encode(), **targets)
        files = []
        for number, (lane, library) in enumerate(LANES, 1):
            names = [f"{lane}_R{read}.fastq.gz" for read in (1, 2)]
            # The same fragments in both: of two libraries they are no duplicates of each other.
            bodies = pair(600, genome=person(1), flowcell="HI1", lane=number, seed=5)
            for name, body in zip(names, bodies, strict=True):
                lab.drop(f"g/{name}", body)
            files.append({"lane": lane, "library": library, "r1": names[0], "r2": names[1]})
        lab.drop_manifest("g/a.manifest.json", {"sample": "G1", "assay": "genome", "files": files})
        r1, r2 = pair(900, genome=person(2), flowcell="HI2")
        lab.drop("exome/E1_R1.fastq.gz", r1)
        lab.drop("exome/E1_R2.fastq.gz", r2)
        lab.wait_for("G1", "genome", "ANALYSED")
        lab.wait_for("E1", "exome", "ANALYSED")
        yield lab


def results(lab: Lab, sample: str, folder: Path) -> dict[str, Path]:
    """What a user downloads, by its plain name."""
    command = Command(folder, lab.runtime.url)
    said = command.ask("results", sample, "--download", str(folder / sample))
    return {one["name"]: Path(one["path"]) for one in said["files"]}


def result_of(lab: Lab, sample: str, assay: str, stage: str) -> dict[str, Any]:
    """What a stage's record says."""
    run = lab.runs(sample, assay)[-1]
    (found,) = [one for one in run.stages if one.stage == stage]
    key = f"{found.prefix}{stage}.json"
    body = lab.client("s3").get_object(Bucket=lab.results, Key=key)["Body"].read()
    document: dict[str, Any] = json.loads(body)
    return document


def test_what_a_stand_in_made_says_so_down_to_the_last_stage(lab: Lab) -> None:
    (run,) = lab.runs("G1", "genome")
    assert {stage.stage for stage in run.stages} == {
        "align", "strelka", "call", "qc", "annotate",
    }  # fmt: skip
    for stage, tool in (("align", "isaac-align"), ("strelka", "strelka2-germline")):
        found = result_of(lab, "G1", "genome", stage)
        assert found["simulated"]
        assert "this is not" in found["tools"][tool]
    assert result_of(lab, "G1", "genome", "annotate")["simulated"]


def test_lanes_have_their_own_read_groups_and_duplicates_are_marked_by_library(
    lab: Lab, tmp_path: Path
) -> None:
    files = results(lab, "G1", tmp_path)
    with pysam.AlignmentFile(str(files["alignment.bam"])) as alignment:
        groups = {group["ID"]: group["LB"] for group in alignment.header.to_dict()["RG"]}
        counted = dict.fromkeys(groups, 0)
        for read in alignment:
            counted[str(read.get_tag("RG"))] += 1
            assert not read.is_duplicate
        assert "PG" not in alignment.header.to_dict()
    assert groups == {"HI1.1.lib1": "lib1", "HI1.2.lib2": "lib2"}
    assert set(counted.values()) == {1_200}


def test_calls_are_named_as_all_pipelines_name_them_without_dates_and_scratch_folders(
    lab: Lab, tmp_path: Path
) -> None:
    files = results(lab, "E1", tmp_path)
    assert {"variants.vcf.gz", "variants.g.vcf.gz", "annotated.vcf.gz"} <= files.keys()
    for name in ("variants.vcf.gz", "variants.g.vcf.gz"):
        with gzip.open(files[name], "rt") as text:
            header = [line for line in text if line.startswith("##")]
        assert any(line.startswith("##source=strelka stand-in") for line in header)
        assert not [line for line in header if "cmdline" in line or "startTime" in line]
        assert not [line for line in header if "tmp/" in line]
    with pysam.VariantFile(str(files["variants.vcf.gz"])) as vcf:
        positions = [record.pos for record in vcf]
        assert list(vcf.header.samples) == ["E1"]
    assert positions
    assert all(1_000 < position <= 4_000 for position in positions), "outside of the targets"
    commands = " ".join(result_of(lab, "E1", "exome", "strelka")["commands"])
    assert "--exome --callRegions tmp/calling.bed.gz" in commands


def test_the_same_reads_give_the_same_bytes_again(lab: Lab, tmp_path: Path) -> None:
    command = Command(tmp_path, lab.runtime.url)
    before = command.ask("results", "E1")
    command.good("rerun", "E1", "--fresh")
    command.good("wait", "E1", "--timeout", "110")
    after = command.ask("results", "E1")
    assert before["run"] != after["run"]
    first, second = (
        {
            one["name"]: one["sha256"]
            for one in said["files"]
            # As the vendor's own: with a date.
            if one["name"] not in {"report.html", "strelka.vcf.gz", "strelka.g.vcf.gz"}
            and not one["name"].endswith(".tbi")
        }
        for said in (before, after)
    )
    assert first == second
