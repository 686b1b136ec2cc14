"""Which files of a reference each stage of the project's own pipelines finds below {ref}."""

from typing import Literal

import pytest

from seqdrop.domain.blueprint import make_blueprint
from seqdrop.domain.errors import ReferenceNotReady
from seqdrop.domain.identity import AnalysisId
from seqdrop.domain.pipeline import Assay, Stage
from seqdrop.flow.references import _wanted_parts
from seqdrop.library import Library
from tests.domain_support import IMAGES, lane_pair, part, reference
from tests.lab import PROJECT

LIBRARY = Library(str(PROJECT / "pipelines"))
PARTS = {
    "sequence": part("genome.fa", "s1"),
    "alt": part("genome.fa.alt", "a1"),
    "iupac": part("iupac.bed", "c1"),
    "targets:exome": part("targets.bed", "t1"),
    "targets:panel": part("targets.bed", "t2"),
    "annotation": part("annotation.gff3.gz", "g1"),
    "fingerprint": part("fingerprint.vcf", "f1"),
}
INDEXES = {
    "sequence": (part("genome.fa.fai", "i1"), part("callable.bed", "i2")),
    "bwa": (part("genome.fa.bwt", "i3"),),
}


def files_of(stage: str, alignment: Literal["bam", "cram"] = "bam", **given: object) -> set[str]:
    """What a stage of germline-cpu is given."""
    assay = Assay("germline-cpu", "tiny", targets="exome", alignment=alignment)
    made = make_blueprint(
        analysis=AnalysisId("NA1", "exome"), assay=assay,
        pipeline=LIBRARY.pipeline("germline-cpu"), images=IMAGES, files=lane_pair(),
        reference=reference(**{"parts": PARTS, "indexes": INDEXES, **given}),
    )  # fmt: skip
    return {file.path for file in made.files[stage]}


def test_bwa_finds_the_names_of_alt_contigs_beside_its_index() -> None:
    found = files_of("align")
    assert {"genome.fa", "genome.fa.alt", "genome.fa.bwt", "genome.fa.fai"} <= found
    without = {name: file for name, file in PARTS.items() if name != "alt"}
    assert "genome.fa.alt" not in files_of("align", parts=without)


def test_calling_finds_the_index_of_the_sequence_and_one_kits_targets() -> None:
    assert {"genome.fa", "genome.fa.fai", "callable.bed", "targets.bed"} <= files_of("call")


def test_the_sites_of_the_fingerprint_are_for_qc_alone() -> None:
    assert "fingerprint.vcf" in files_of("qc")
    assert "genome.fa" not in files_of("qc")
    assert "fingerprint.vcf" not in files_of("align") | files_of("call")


def test_what_reads_a_cram_has_the_sequence_beside_it() -> None:
    assert files_of("qc", "cram") == files_of("qc") | {"genome.fa"}
    for stage in ("align", "call", "report"):
        assert files_of(stage, "cram") == files_of(stage)


@pytest.mark.parametrize(
    ("pipeline", "name"),
    [("germline-cpu", "qc"), ("germline-fpga", "coverage"), ("exome-fpga", "coverage")],
)
def test_depth_is_told_of_the_targets_that_the_sequence_lacks(pipeline: str, name: str) -> None:
    left_out = {"left_out:exome": part("targets.left_out.bed", "o1")}
    dragen = {"dragen": (part("dragen/x", "d1"),)}
    for parts, wanted in ((PARTS | left_out, True), (PARTS, False)):
        made = make_blueprint(
            analysis=AnalysisId("NA1", "exome"), assay=Assay(pipeline, "tiny", targets="exome"),
            pipeline=LIBRARY.pipeline(pipeline), images=IMAGES, files=lane_pair(),
            reference=reference(parts=parts, indexes=INDEXES | dragen),
        )  # fmt: skip
        assert made.variables["left_out"] is wanted
        assert ("targets.left_out.bed" in {f.path for f in made.files[name]}) is wanted
        [depth] = [c for s in made.stages[name].steps for c in s.pipe if c[1:2] == ("depth",)]
        given = [a.args for a in depth if not isinstance(a, str) and a.when == "left_out"]
        assert given == [("--left-out", "{ref}/targets.left_out.bed")]


def test_a_version_from_before_there_was_a_sequence_index_holds_and_says_what_to_do() -> None:
    with pytest.raises(ReferenceNotReady, match="has no sequence index: add a version of it"):
        files_of("align", indexes={"bwa": INDEXES["bwa"]})


def paths(stage: Stage) -> set[tuple[str, str]]:
    """Paths and checksums of what a stage over a reference is given."""
    return {(file.path, file.object.sha256) for file in _wanted_parts(stage, PARTS)}


def test_the_look_at_a_reference_has_all_parts_and_every_kits_targets() -> None:
    stages = LIBRARY.reference_indexes().stages
    assert paths(stages["sequence"]) == {
        ("genome.fa", "s1"), ("genome.fa.alt", "a1"), ("annotation.gff3.gz", "g1"),
        ("fingerprint.vcf", "f1"), ("targets/exome.bed", "t1"), ("targets/panel.bed", "t2"),
    }  # fmt: skip
    assert paths(stages["bwa"]) == paths(stages["dragen"]) == {("genome.fa", "s1")}
