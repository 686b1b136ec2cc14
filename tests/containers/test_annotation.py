"""Real snpEff in its image: its index of the genes made, calls annotated, and held against csq."""

from collections.abc import Iterator
from pathlib import Path

import pysam
import pytest

from tests.e2e.command import Command
from tests.e2e.test_reanalysis import GENES, GENOME, person
from tests.lab import Lab, fasta, make_project, open_lab, own_pipelines, pair

ASSAYS = """
default: csq
assays:
  csq: {pipeline: germline-cpu, reference: tiny, complete: {rule: pairs, quiet_seconds: 1}}
  snpeff:
    pipeline: germline-cpu
    reference: tiny
    annotator: snpeff
    complete: {rule: pairs, quiet_seconds: 1}
"""
MISSENSE = {"missense", "missense_variant"}


@pytest.fixture(scope="module")
def lab(images: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab with a sample that was analysed under both assays."""
    folder = tmp_path_factory.mktemp("annotation")
    (folder / "project").mkdir()
    project = make_project(folder / "project", {**own_pipelines(), "assays.yaml": ASSAYS})
    with open_lab(folder / "runtime", project=project, images=images) as lab:
        lab.add_reference("tiny", fasta(GENOME), annotation=GENES.encode())
        r1, r2 = pair(900, genome=with_a_variant_in_the_gene(), flowcell="HP1")
        for assay in ("csq", "snpeff"):
            lab.drop(f"{assay}/NA1_R1.fastq.gz", r1)
            lab.drop(f"{assay}/NA1_R2.fastq.gz", r2)
        for assay in ("csq", "snpeff"):
            lab.wait_for("NA1", assay, "ANALYSED")
        yield lab


def with_a_variant_in_the_gene() -> str:
    """A person's genome in which the gene's third codon has another first base."""
    genome = person(1)
    return genome[:1_106] + "ACGT"[("ACGT".index(genome[1_106]) + 1) % 4] + genome[1_107:]


def consequences(path: Path, tag: str, kind: int) -> dict[int, str]:
    """What is told of each call first, by its position."""
    with pysam.VariantFile(str(path)) as vcf:
        return {
            record.pos: str(record.info[tag][0]).split("|")[kind]
            for record in vcf
            if tag in record.info
        }


def test_both_annotators_tell_the_same_of_the_gene(lab: Lab, tmp_path: Path) -> None:
    found = {}
    for assay, tag, kind in (("csq", "BCSQ", 0), ("snpeff", "ANN", 1)):
        command = Command(tmp_path, lab.runtime.url)
        said = command.ask("results", "NA1", "--assay", assay, "--download", str(tmp_path / assay))
        paths = {one["name"]: Path(one["path"]) for one in said["files"]}
        assert "annotated.vcf.gz.tbi" in paths
        found[assay] = consequences(paths["annotated.vcf.gz"], tag, kind)
        stages = [stage.stage for stage in lab.runs("NA1", assay)[-1].stages]
        assert ("snpeff" in stages, "annotate" in stages) == (assay == "snpeff", assay == "csq")
    gene = [position for position in found["csq"] if 1_101 <= position <= 1_400]
    assert 1_107 in gene
    for position in gene:
        assert {found["csq"][position], found["snpeff"][position]} <= MISSENSE | {
            "synonymous", "synonymous_variant", "stop_gained",
        }  # fmt: skip
    assert found["snpeff"].keys() >= found["csq"].keys()


def test_snpeff_says_of_what_version_it_is(lab: Lab) -> None:
    run = lab.runs("NA1", "snpeff")[-1]
    (stage,) = [one for one in run.stages if one.stage == "snpeff"]
    key = f"{stage.prefix}snpeff.json"
    body = lab.client("s3").get_object(Bucket=lab.results, Key=key)["Body"].read()
    assert b"5.1d" in body
