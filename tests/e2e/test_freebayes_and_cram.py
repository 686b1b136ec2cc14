"""An assay that calls by freebayes and keeps its reads as CRAM, from files to results."""

import json
from collections.abc import Iterator
from pathlib import Path

import pysam
import pytest

from tests.e2e.command import Command
from tests.lab import Lab, fasta, make_genome, make_project, open_lab, own_pipelines, pair
from tests.tools_support import native

pytestmark = pytest.mark.skipif(not native("freebayes"), reason="freebayes is not installed")
ASSAYS = """
default: usual
assays:
  usual: {pipeline: germline-cpu, reference: tiny, complete: {rule: pairs, quiet_seconds: 1}}
  chosen:
    pipeline: germline-cpu
    reference: tiny
    caller: freebayes
    alignment: cram
    calling: {min_mapq: 20}
    complete: {rule: pairs, quiet_seconds: 1}
"""
GENOME = make_genome(5_000)
PLACES = (1_000, 2_200, 2_202, 3_500)
"""Where the sample differs; two of them are 2 bp apart."""


def sample_genome() -> str:
    bases = list(GENOME)
    for place in PLACES:
        bases[place] = "ACGT"[("ACGT".index(bases[place]) + 2) % 4]
    return "".join(bases)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab with a sample that was analysed under both assays."""
    folder = tmp_path_factory.mktemp("chosen")
    (folder / "project").mkdir()
    project = make_project(folder / "project", {**own_pipelines(), "assays.yaml": ASSAYS})
    with open_lab(folder / "runtime", project=project) as lab:
        lab.add_reference("tiny", fasta(GENOME))
        r1, r2 = pair(900, genome=sample_genome())
        for assay in ("usual", "chosen"):
            lab.drop(f"{assay}/NA1_R1.fastq.gz", r1)
            lab.drop(f"{assay}/NA1_R2.fastq.gz", r2)
        for assay in ("usual", "chosen"):
            lab.wait_for("NA1", assay, "ANALYSED")
        yield lab


@pytest.fixture(scope="module")
def found(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Path]]:
    """The downloaded files of each assay, by their names."""
    folder = tmp_path_factory.mktemp("desk")
    command = Command(folder, lab.runtime.url)
    files = {}
    for assay in ("usual", "chosen"):
        wanted = ("results", "NA1", "--assay", assay, "--download", str(folder / assay))
        files[assay] = {one["name"]: Path(one["path"]) for one in command.ask(*wanted)["files"]}
    return files


def calls(path: Path) -> list[tuple[int, str, tuple[str, ...] | None, object, list[str]]]:
    with pysam.VariantFile(str(path)) as vcf:
        return [(r.pos, r.ref, r.alts, r.samples[0]["GT"], list(r.filter)) for r in vcf]


def test_both_call_the_same_variants(found: dict[str, dict[str, Path]]) -> None:
    usual, chosen = (calls(found[assay]["variants.vcf.gz"]) for assay in ("usual", "chosen"))
    assert [call[0] for call in usual] == [place + 1 for place in PLACES]
    assert chosen == usual


def test_reads_are_kept_as_the_assay_says(found: dict[str, dict[str, Path]]) -> None:
    kept = {
        assay: {name for name in files if name.startswith("alignment")}
        for assay, files in found.items()
    }
    assert kept == {
        "usual": {"alignment.bam", "alignment.bam.bai"},
        "chosen": {"alignment.cram", "alignment.cram.crai"},
    }
    assert found["chosen"]["alignment.cram"].read_bytes()[:5] == b"CRAM\x03"


def test_figures_of_both_are_the_same_but_what_calling_leaves_out(lab: Lab) -> None:
    usual, chosen = (lab.runs("NA1", assay)[-1] for assay in ("usual", "chosen"))
    assert chosen.qc == usual.qc
    assert chosen.metrics["callability"] > 0.9
    assert chosen.metrics.keys() == usual.metrics.keys()
    for name in ("mapped_fraction", "mean_depth", "breadth_10x", "calls_passed", "het_hom"):
        assert chosen.metrics.get(name) == usual.metrics.get(name)


def test_the_record_says_who_called(lab: Lab, tmp_path: Path) -> None:
    command = Command(tmp_path, lab.runtime.url)
    command.good("results", "NA1", "--assay", "chosen", "--download", str(tmp_path))
    (path,) = tmp_path.glob("*.run.json")
    record = json.loads(path.read_text())
    assert record["settings"]["call_freebayes"] is True
    assert record["settings"]["alignment"] == "cram"
    call = record["results"]["call"]
    assert call["tools"]["freebayes"].startswith("v1.")
    assert any("freebayes --stdin" in line for line in call["commands"])
    assert lab.runs("NA1", "chosen")[-1].run_key != lab.runs("NA1", "usual")[-1].run_key
