"""When an analysis may start, and what a person is told that it waits for."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.lifecycle import assess, unpaired
from seqdrop.domain.pipeline import Completeness
from seqdrop.domain.records import AnalysisStatus, FastqFile
from tests.domain_support import analysis, fastq, lane_pair

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PAIRS = Completeness("pairs", 900)
BY_MANIFEST = Completeness("manifest")
FILES = [file for lane in "1234" for file in lane_pair(lane)]
R1, R2 = lane_pair("1")
EXPECTED = frozenset(file.object.name for file in (R1, R2))


def at(seconds: float) -> str:
    """A time before now, as the catalog writes it."""
    return (NOW - timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def test_a_pair_starts_at_once() -> None:
    assert assess(analysis(R1, R2), PAIRS, NOW).status is AnalysisStatus.READY


@pytest.mark.parametrize(
    ("files", "waits_for"),
    [
        ([], "waiting for files"),
        ([R1], "waiting for R2 of lane 1 on flowcell HXY"),
        ([R2], "waiting for R1 of lane 1 on flowcell HXY"),
        ([R1, R2, fastq("R1", "2")], "waiting for R2 of lane 2 on flowcell HXY"),
        ([R1, fastq("R2", "2")], "R2 of lane 1 on flowcell HXY, R1 of lane 2 on"),
        ([fastq("R1", flowcell="unknown")], "waiting for R2 of lane 1"),
        ([fastq("R1", library="lib", segment="002")],
         "waiting for R2 of lane 1 on flowcell HXY, library lib, segment 002"),
        ([fastq("R1", str(n)) for n in range(8)], " and 3 more"),
    ],
)  # fmt: skip
def test_what_an_analysis_waits_for_is_named(files: list[FastqFile], waits_for: str) -> None:
    found = assess(analysis(*files), PAIRS, NOW)
    assert found.status is AnalysisStatus.RECEIVING
    assert found.check_again_seconds is None
    assert waits_for in found.why


def test_files_that_a_manifest_names_are_waited_for_by_name() -> None:
    waiting = analysis(R1, expected=EXPECTED, manifest="x.manifest.json")
    assert assess(waiting, PAIRS, NOW).why == (
        "waiting for 1 of 2 files that x.manifest.json names: NA1_L001_R2_001.fastq.gz"
    )
    whole = analysis(R1, R2, expected=EXPECTED, manifest="x.manifest.json")
    assert assess(whole, PAIRS, NOW).status is AnalysisStatus.READY


def test_an_assay_may_start_only_with_a_manifest() -> None:
    assert "starts only with one" in assess(analysis(R1, R2), BY_MANIFEST, NOW).why
    named = analysis(R1, R2, expected=EXPECTED)
    assert assess(named, BY_MANIFEST, NOW).status is AnalysisStatus.READY


@pytest.mark.parametrize(("waited", "remaining"), [(0, 900), (0.4, 900), (899.5, 1), (300, 600)])
def test_lane_split_pairs_wait_until_no_file_has_come_for_a_while(
    waited: float, remaining: int
) -> None:
    found = assess(analysis(R1, R2, lane_split=True, last_file=at(waited)), PAIRS, NOW)
    assert found.status is AnalysisStatus.RECEIVING
    assert found.check_again_seconds == remaining
    assert "more lanes may come" in found.why


def test_lane_split_pairs_start_after_the_quiet_period() -> None:
    quiet = analysis(R1, R2, lane_split=True, last_file=at(900))
    assert assess(quiet, PAIRS, NOW).status is AnalysisStatus.READY


def test_a_manifest_needs_no_quiet_period() -> None:
    named = analysis(R1, R2, expected=EXPECTED, lane_split=True, last_file=at(0))
    assert assess(named, PAIRS, NOW).status is AnalysisStatus.READY


def test_holds_come_before_all_else_and_say_all_their_reasons() -> None:
    held = assess(analysis(R1, R2, holds={"a": "first", "b": "second"}), PAIRS, NOW)
    assert (held.status, held.why) == (AnalysisStatus.HELD, "first; second")


def test_what_is_tried_again_is_told_before_what_is_missing_and_nothing_starts() -> None:
    trouble = "'a' is being processed, next try about 12:03 UTC"
    for files in ([R1], [R1, R2]):
        waits = assess(analysis(*files, troubles={"object-1": trouble}), PAIRS, NOW)
        assert (waits.status, waits.why) == (AnalysisStatus.RECEIVING, trouble)


def test_reads_beside_a_pair_hold_it_only_as_long_as_something_is_missing() -> None:
    beside = {"object-1": "'NA1.fastq.gz': neither R1 nor R2"}
    alone = assess(analysis(companions=beside), PAIRS, NOW)
    assert alone.status is AnalysisStatus.HELD
    assert alone.why == "waiting for files; 'NA1.fastq.gz': neither R1 nor R2"
    whole = analysis(R1, R2, companions=beside)
    assert assess(whole, PAIRS, NOW).status is AnalysisStatus.READY


@pytest.mark.parametrize(
    ("is_control", "without_reads", "expected"),
    [
        (True, {R1, R2}, AnalysisStatus.NO_READS),
        (True, {R1}, AnalysisStatus.READY),
        (True, set(), AnalysisStatus.READY),
        (False, {R1, R2}, AnalysisStatus.READY),
    ],
)
def test_a_control_ends_without_a_run_where_no_file_holds_a_read(
    is_control: bool, without_reads: set[FastqFile], expected: AnalysisStatus
) -> None:
    objects = frozenset(file.object.name for file in without_reads)
    found = analysis(R1, R2, expected=EXPECTED, control=is_control, without_reads=objects)
    assert assess(found, PAIRS, NOW).status is expected


def test_a_control_waits_for_all_its_files() -> None:
    half = frozenset({R1.object.name})
    found = analysis(R1, expected=EXPECTED, control=True, without_reads=half)
    assert assess(found, PAIRS, NOW).status is AnalysisStatus.RECEIVING


def test_a_person_may_end_the_quiet_period() -> None:
    found = analysis(R1, R2, lane_split=True, last_file=at(0), starts_now=True)
    assert assess(found, PAIRS, NOW).status is AnalysisStatus.READY


TWO_ORDERS = st.lists(st.sampled_from(FILES), max_size=10).flatmap(
    lambda files: st.tuples(st.just(files), st.permutations(files))
)


@given(TWO_ORDERS, st.booleans())
def test_the_order_in_which_files_arrive_decides_nothing(
    orders: tuple[list[FastqFile], list[FastqFile]], lane_split: bool
) -> None:
    first, second = (
        assess(analysis(*order, lane_split=lane_split, last_file=at(60)), PAIRS, NOW)
        for order in orders
    )
    assert first == second


@given(st.sets(st.sampled_from(FILES)))
def test_exactly_the_absent_mates_are_missing(files: set[FastqFile]) -> None:
    there = {file.identity for file in files}
    lanes = {identity.lane for identity in there}
    whole = {file.identity for file in FILES if file.identity.lane in lanes}
    assert unpaired(analysis(*files)) == sorted(whole - there)
