"""Whether every read of a lane has a UMI: what `seqdrop-tool umis` takes, and what it refuses."""

import io
import re
import sys
from typing import Any

import pytest
from msgspec import structs

from runner.processes import BAD_DATA_EXIT_CODE
from runner.tools import umis
from seqdrop.domain.assay_check import mistakes_of_assay
from seqdrop.domain.blueprint import make_blueprint
from seqdrop.domain.errors import ReadsWithoutUmi
from seqdrop.domain.identity import AnalysisId
from seqdrop.domain.pipeline import Assay
from seqdrop.domain.qc import UMIS_ARE_EXACT, judge
from seqdrop.library import Library
from tests.domain_support import IMAGES, lane_pair, part, reference
from tests.lab import PROJECT

LIBRARY = Library(str(PROJECT / "pipelines"))
ASSAY = Assay("germline-cpu", duplicates="umi")
INDEXES = {name: (part(f"{name}/x", name),) for name in ("sequence", "bwa")}
PREFIX = "A00217:76:HFLT3DSXX:1:1101:1108:1000"


def look(*names: str, assay: Assay = ASSAY) -> str:
    lines = [f"{name}\t99\tchr1\t1\n".encode() for name in names]
    return umis.look_at(lines, "FC.1", assay.umi_pattern)


@pytest.mark.parametrize("umi", ["ACGT", "ACGTN", "ACGT+TTGA", "ACGT+rTTGA", "ACGT-TTGA"])
def test_umis_as_illuminas_software_writes_them_are_taken(umi: str) -> None:
    assert look(f"{PREFIX}:{umi}", f"{PREFIX}:{umi}A") == "lane FC.1: 2 UMIs in 2 reads"
    assert re.search(ASSAY.umi_pattern, f"{PREFIX}:{umi}")[1] == umi  # type: ignore[index]  # found above


@pytest.mark.parametrize(
    "name", [PREFIX, f"{PREFIX}:NNNN", f"{PREFIX}:acgt", f"{PREFIX}_ACGT", "r7"]
)
def test_one_read_without_a_umi_holds_the_lane_and_is_named(name: str) -> None:
    with pytest.raises(umis.NoUmis) as held:
        look(f"{PREFIX}:ACGT", name, f"{PREFIX}:ACGA")
    said = str(held.value)
    assert said.startswith("lane FC.1: 1 of 3 reads have no UMI at the end of their name, as ")
    assert repr(name) in said
    assert "duplicates: mark" in said


def test_another_separator_is_the_assays_choice() -> None:
    assay = structs.replace(ASSAY, umi_separator="_")
    assert look(f"{PREFIX}_ACGT", assay=assay) == "lane FC.1: 1 UMIs in 1 reads"
    with pytest.raises(umis.NoUmis):
        look(f"{PREFIX}_", assay=assay)
    with pytest.raises(umis.NoUmis):
        look(f"{PREFIX}_ACGT")


@pytest.mark.parametrize("name", ["_ACGT_TTGA", ":ACGT_TTGA", "_ACGT+TTGA"])
def test_of_two_umis_that_are_joined_none_is_left_out(name: str) -> None:
    """The second alone would take molecules for copies that the first tells apart."""
    pattern = structs.replace(ASSAY, umi_separator="_").umi_pattern
    found = re.search(pattern, f"{PREFIX}{name}")
    assert found is not None
    assert found[1] == name[1:]


def test_an_index_in_the_place_of_the_umi_is_refused() -> None:
    with pytest.raises(umis.NoUmis, match=r"all 1,000 reads have the same UMI \(ACGT\)"):
        look(*[f"{PREFIX}:ACGT"] * umis.LEAST_READS)
    assert look(*[f"{PREFIX}:ACGT"] * (umis.LEAST_READS - 1), f"{PREFIX}:ACGA")


@pytest.mark.parametrize(("name", "code"), [(f"{PREFIX}:ACGT", 0), (PREFIX, BAD_DATA_EXIT_CODE)])
def test_the_exit_code_says_that_the_input_is_to_blame(
    name: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = io.TextIOWrapper(io.BytesIO(f"{name}\t99\n".encode()))
    monkeypatch.setattr(sys, "stdin", given)
    assert umis.main(["FC.1", ASSAY.umi_pattern]) == code
    assert capsys.readouterr().err.startswith("lane FC.1: 1 ")


def says(assay: Assay) -> list[str]:
    return [one.says for one in mistakes_of_assay("a", assay, LIBRARY.pipeline(assay.pipeline))]


@pytest.mark.parametrize("pipeline", ["germline-fpga", "exome-fpga", "germline-isaac-strelka"])
def test_a_pipeline_that_knows_no_umis_is_refused(pipeline: str) -> None:
    wanted = f"pipeline {pipeline} does not tell duplicates by UMIs"
    assert says(structs.replace(ASSAY, pipeline=pipeline)) == [wanted]
    assert says(ASSAY) == []


def test_a_separator_without_umis_is_a_mistake() -> None:
    assay = Assay("germline-cpu", umi_separator="_")
    assert says(assay) == ["umi_separator is of use with duplicates: umi alone"]


@pytest.mark.parametrize(("name", "fits"), [(f"{PREFIX}:ACGT", True), (PREFIX, False), ("", True)])
def test_a_file_whose_first_read_has_no_umi_is_held_before_a_host_starts(
    name: str, fits: bool
) -> None:
    """A file without a read is another rule's."""
    files = [structs.replace(file, first_read=name) for file in lane_pair()]
    given: dict[str, Any] = {
        "analysis": AnalysisId("NA1", "a"), "pipeline": LIBRARY.pipeline("germline-cpu"),
        "reference": reference(indexes=INDEXES), "files": files,
        "images": dict.fromkeys([*IMAGES, "report"], "x@sha256:1"),
    }  # fmt: skip
    if fits:
        assert make_blueprint(assay=structs.replace(ASSAY, reference="tiny"), **given)
    else:
        with pytest.raises(ReadsWithoutUmi, match=r"has no UMI at the end of its name \(A00217:76"):
            make_blueprint(assay=structs.replace(ASSAY, reference="tiny"), **given)
    assert make_blueprint(assay=Assay("germline-cpu", "tiny"), **given)


def test_a_run_says_that_no_consensus_was_made() -> None:
    found = judge({"mapped_fraction": 0.99}, {}, notes=[UMIS_ARE_EXACT])
    assert found.verdict.name == "PASS"
    assert found.lines == [f"NOTE: {UMIS_ARE_EXACT}"]
