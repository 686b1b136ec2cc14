"""Reads without mates: an assay says so, and then no lane waits for R2."""

from datetime import UTC, datetime

import msgspec
import pytest
from msgspec import structs

from seqdrop.domain.assay_check import mistakes_of_assay
from seqdrop.domain.blueprint import Blueprint, make_blueprint, pair_files
from seqdrop.domain.errors import InvalidManifest, MismatchedMates
from seqdrop.domain.identity import AnalysisId
from seqdrop.domain.lifecycle import assess, unpaired
from seqdrop.domain.manifest import expected_files, parse_manifest
from seqdrop.domain.metrics import measurable, metrics_of
from seqdrop.domain.pipeline import Assay, Completeness
from seqdrop.domain.plan import ReadPair, StageResult
from seqdrop.domain.qc import judge
from seqdrop.domain.records import AnalysisStatus
from seqdrop.library import Library
from tests.domain_support import IMAGES, analysis, fastq, lane_pair, part, reference, stored
from tests.lab import PROJECT

LIBRARY = Library(str(PROJECT / "pipelines"))
SINGLE = Assay("germline-cpu", "tiny", reads="single")
PAIRS = structs.replace(SINGLE, reads="pairs")
LANES = [fastq("R1", "1"), fastq("R1", "2")]
NOW = datetime(2026, 11, 30, tzinfo=UTC)


def claimed(assay: Assay, *files: object) -> Blueprint:
    indexes = {name: (part(f"{name}/x", name),) for name in ("sequence", "bwa")}
    return make_blueprint(
        analysis=AnalysisId("NA1", "wgs"), assay=assay, files=msgspec.convert(files, list),
        pipeline=LIBRARY.pipeline(assay.pipeline), reference=reference(indexes=indexes),
        images=dict.fromkeys([*IMAGES, "report", "isaac", "strelka2"], "x@sha256:1"),
    )  # fmt: skip


def test_each_lane_is_one_file() -> None:
    pairs = pair_files("NA1", LANES, "single")
    assert [(pair.id, pair.r2) for pair in pairs] == [("HXY.1", None), ("HXY.2", None)]
    assert [pair.mates for pair in pairs] == [(("R1", file.object),) for file in LANES]


def test_a_mate_holds_the_sample_and_is_not_left_out_without_a_word() -> None:
    with pytest.raises(MismatchedMates, match=r"NA1_L001_R2.*is R2 of lane 1.*takes single reads"):
        pair_files("NA1", [*LANES, fastq("R2", "1")], "single")
    with pytest.raises(MismatchedMates, match="takes single reads"):
        pair_files("NA1", [fastq("R2", "1")], "single")


def test_interleaved_reads_are_one_file_that_is_read_twice() -> None:
    (pair,) = pair_files("NA1", LANES[:1], "interleaved")
    assert (pair.r2, pair.interleaved, pair.reads) == (None, True, ("R1", "R2"))
    assert pair.files == (LANES[0].object,)
    with pytest.raises(MismatchedMates, match="takes interleaved reads"):
        pair_files("NA1", [*LANES, fastq("R2", "1")], "interleaved")
    both = structs.replace(SINGLE, reads="interleaved")
    made = claimed(both, *LANES)
    assert (made.variables["paired_reads"], made.input_bytes) == (True, 200)
    assert "properly_paired_fraction" in made.qc
    assert made.stage_keys["align"] != claimed(SINGLE, *LANES).stage_keys["align"]
    again = made.for_files(AnalysisId("NA2", "wgs"), LANES, control=False)
    assert all(pair.interleaved for pair in again.pairs)
    assert mistakes_of_assay("wgs", both, LIBRARY.pipeline("germline-cpu")) == []


@pytest.mark.parametrize("pipeline", ["germline-fpga", "germline-isaac-strelka", "sarek"])
def test_a_pipeline_that_wants_files_can_t_part_mates(pipeline: str) -> None:
    assay = structs.replace(SINGLE, pipeline=pipeline, reads="interleaved")
    said = [one.says for one in mistakes_of_assay("wgs", assay, LIBRARY.pipeline(pipeline))]
    assert any("wants R1 and R2 as files" in one for one in said)


def test_a_run_of_single_reads_is_another_one_and_its_files_are_known() -> None:
    single = claimed(SINGLE, *LANES)
    assert single.variables["paired_reads"] is False
    assert single.input_bytes == 200
    assert single.files_not_among(LANES) == []
    assert single.files_not_among(LANES[:1]) == [LANES[1].object.key]
    pairs = claimed(PAIRS, *lane_pair("1"), *lane_pair("2"))
    assert pairs.variables["paired_reads"] is True
    assert pairs.stage_keys["align"] != single.stage_keys["align"]
    again = single.for_files(AnalysisId("NA2", "wgs"), LANES, control=False)
    assert [pair.r2 for pair in again.pairs] == [None, None]


def test_a_plan_without_a_mate_is_read_as_it_was_written() -> None:
    pair = ReadPair("L.1", "@RG", stored("a", "x"))
    assert msgspec.json.decode(msgspec.json.encode(pair), type=ReadPair) == pair
    assert b"r2" not in msgspec.json.encode(pair)


def test_no_lane_waits_for_a_mate() -> None:
    alone = analysis(*LANES)
    assert [mate.read for mate in unpaired(alone)] == ["R2", "R2"]
    assert assess(alone, Completeness(), NOW).status is AnalysisStatus.RECEIVING
    assert unpaired(structs.replace(alone, single=True)) == []
    ready = assess(structs.replace(alone, single=True), Completeness(), NOW)
    assert ready.status is AnalysisStatus.READY


def test_more_lanes_may_come_all_the_same() -> None:
    waits = analysis(*LANES, single=True, lane_split=True, last_file=NOW.isoformat())
    found = assess(waits, Completeness(), NOW)
    assert (found.status, found.check_again_seconds) == (AnalysisStatus.RECEIVING, 900)
    assert found.why.startswith("no file is missing; more lanes may come")


def test_a_manifest_of_single_reads_under_an_assay_of_pairs_is_told_what_to_do() -> None:
    file = LANES[0]
    waits = analysis(file, expected=frozenset({file.seen.object}), manifest="m.manifest.json")
    why = assess(waits, Completeness(), NOW).why
    assert why.startswith("waiting for R2 of lane 1 on flowcell HXY, which m.manifest.json does")
    assert "an assay with `reads: single`" in why


def test_a_manifest_names_single_files() -> None:
    text = b'{"samples": [{"sample": "NA1", "files": [{"r1": "a"}, {"r1": "b", "r2": ""}]}]}'
    (entry,) = parse_manifest(text, "m.manifest.json").samples
    found = expected_files(entry, "wgs", "uploads", "m.manifest.json")
    assert [(file.key, file.read) for file in found] == [("a", "R1"), ("b", "R1")]
    sheet = b"sample,fastq_1,fastq_2\nNA1,a,\nNA1,b,\n"
    assert parse_manifest(sheet, "s.csv").samples[0].files == entry.files


def test_one_lane_without_a_mate_is_a_mistake() -> None:
    text = b'{"samples": [{"sample": "NA1", "files": [{"r1": "a"}, {"r1": "b", "r2": "c"}]}]}'
    with pytest.raises(InvalidManifest, match="sample NA1 has no r2 beside 'a', and has one"):
        parse_manifest(text, "m.manifest.json")


def test_nothing_is_judged_that_only_pairs_have() -> None:
    of_pairs = {
        "properly_paired_fraction", "same_strand_fraction", "identical_mates_fraction",
        "insert_size_median",
    }  # fmt: skip
    pipeline = LIBRARY.pipeline("germline-cpu")
    assert of_pairs <= measurable(pipeline)
    assert not of_pairs & measurable(pipeline, in_pairs=False)
    assert "properly_paired_fraction" not in claimed(SINGLE, *LANES).qc
    limited = structs.replace(SINGLE, qc={"insert_size_median": pipeline.qc["mean_depth"]})
    assert [one.place for one in mistakes_of_assay("wgs", limited, pipeline)] == [
        ("qc", "insert_size_median")
    ]


def test_single_reads_can_pass() -> None:
    counted = {"reads_in": 1_000, "bases_in": 150_000, "q30_bases": 140_000}
    counted |= {"quality_min": 35, "quality_max": 74, "without_end_block": 0, "merged_files": 0}
    measured = {"primary_out": 1_000.0, "mapped": 990.0, "both_mapped": 0.0, "properly_paired": 0.0}
    result = StageResult("align", "k", (), {}, counts=counted, metrics=measured)
    metrics = metrics_of([result], duplicates_marked=False)
    assert metrics["reads"] == 1_000
    assert "identical_mates_fraction" not in metrics
    assert "properly_paired_fraction" not in metrics
    assert judge(metrics, {}).verdict.name == "PASS"


@pytest.mark.parametrize("pipeline", ["germline-fpga", "germline-isaac-strelka", "sarek"])
def test_a_pipeline_of_pairs_is_refused(pipeline: str) -> None:
    assay = structs.replace(SINGLE, pipeline=pipeline)
    said = [one.says for one in mistakes_of_assay("wgs", assay, LIBRARY.pipeline(pipeline))]
    assert f"pipeline {pipeline} takes reads in pairs" in said
    assert mistakes_of_assay("wgs", SINGLE, LIBRARY.pipeline("germline-cpu")) == []
