"""Lanes are judged one by one: what is wrong in one is not hidden by the others."""

import pytest

from seqdrop.domain.lanes import LEAST_PAIRS, named_lanes, worst_lanes
from seqdrop.domain.metrics import metrics_of
from seqdrop.domain.plan import StageResult
from seqdrop.domain.qc import Verdict, judge

GOOD = {
    "reads_in": 2_000_000, "bases_in": 300_000_000, "identical_mates": 0, "without_end_block": 0,
    "r1_quality_min": ord("#"), "r1_quality_max": ord("J"),
    "r2_quality_min": ord("#"), "r2_quality_max": ord("J"),
}  # fmt: skip
SAME = {**GOOD, "reads_in": 400, "identical_mates": 200}
OLD = {"quality_min": ord("B"), "quality_max": ord("h")}


def result(*lanes: dict[str, int]) -> StageResult:
    """Of lanes L.1, L.2 and so on; their sums are the counts."""
    named = {f"L.{number}": lane for number, lane in enumerate(lanes, 1)}
    summed = ("reads_in", "identical_mates", "without_end_block")
    counts = {name: sum(lane[name] for lane in lanes) for name in summed}
    counts["quality_min"] = min(lane[f"{mate}_quality_min"] for lane in lanes for mate in MATES)
    counts["quality_max"] = max(lane[f"{mate}_quality_max"] for lane in lanes for mate in MATES)
    mapped = {"primary_out": 100.0, "mapped": 99.0}  # so that the alignment is judged too
    return StageResult("align", "k", (), {}, counts, mapped, lanes=named)


MATES = ("r1", "r2")


def judged(found: StageResult) -> tuple[Verdict, list[str]]:
    metrics = metrics_of([found], duplicates_marked=True)
    return judge(metrics, {}, worst_in=named_lanes([found]))


@pytest.mark.parametrize("place", [0, 1, 5])
def test_one_bad_lane_of_six_fails_and_is_named(place: int) -> None:
    lanes = [GOOD] * 6
    lanes[place] = SAME
    verdict, (line,) = judged(result(*lanes))
    assert verdict is Verdict.FAIL
    assert (
        f"identical_mates_fraction is 1, above 0.01 (floor) (worst in lane L.{place + 1})" in line
    )


def test_good_lanes_pass() -> None:
    one_pair_of_n = {**GOOD, "reads_in": 2_002, "identical_mates": 1}
    assert judged(result(GOOD, one_pair_of_n)) == (Verdict.PASS, [])


def test_a_part_of_a_lane_that_was_merged_wrongly_is_seen() -> None:
    verdict, _ = judged(result({**GOOD, "identical_mates": 20_000}))
    assert verdict is Verdict.FAIL


def test_a_few_pairs_are_judged_with_the_others_only() -> None:
    few = {**GOOD, "reads_in": 2 * LEAST_PAIRS - 2, "identical_mates": LEAST_PAIRS - 1}
    assert judged(result(GOOD, few)) == (Verdict.PASS, [])
    assert judged(result(few))[0] is Verdict.FAIL


@pytest.mark.parametrize("mate", MATES)
def test_the_old_offset_of_one_mate_is_seen(mate: str) -> None:
    old = {**GOOD, **{f"{mate}_{name}": quality for name, quality in OLD.items()}}
    verdict, (line,) = judged(result(GOOD, old, old))
    assert verdict is Verdict.FAIL
    assert "phred64 is 1, above 0.5 (floor) (worst in lanes L.2, L.3)" in line


def test_a_lane_without_bases_has_no_offset() -> None:
    empty = {"reads_in": 400, "bases_in": 0, "identical_mates": 200, "without_end_block": 0}
    found = StageResult("align", "k", (), {}, {}, lanes={"L.1": empty})
    assert worst_lanes([found]) == {"identical_mates_fraction": (1.0, ["L.1"])}


def test_files_without_their_end_are_all_counted_and_the_lane_is_named() -> None:
    cut = {**GOOD, "without_end_block": 1}
    verdict, (line,) = judged(result(GOOD, cut, cut))
    assert verdict is Verdict.WARN
    assert "files_without_end is 2, above 0 (floor) (worst in lanes L.2, L.3)" in line


def test_a_limit_names_the_lane_too_and_results_without_lanes_are_judged_by_their_sums() -> None:
    counts = {"reads_in": 400, "identical_mates": 200}
    older = StageResult("align", "k", (), {}, counts)
    assert judged(older)[0] is Verdict.FAIL
    assert named_lanes([older]) == {}
