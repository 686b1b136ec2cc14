"""Lanes are judged one by one: what is wrong in one is not hidden by the others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.lanes import (
    LEAST_PAIRED_READS,
    LEAST_PAIRS,
    as_in_worst_lanes,
    worst_lanes,
)
from seqdrop.domain.metrics import metrics_of
from seqdrop.domain.pipeline import Limit
from seqdrop.domain.plan import StageResult
from seqdrop.domain.qc import Verdict, judge

GOOD = {
    "reads_in": 2_000_000, "bases_in": 300_000_000,
    "identical_mates": 0, "without_end_block": 0,
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
    return judge(metrics, {}, lanes=worst_lanes([found]))


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


def test_a_lane_whose_qualities_were_lost_is_not_hidden_by_a_good_one() -> None:
    lost = {**GOOD, "r1_quality_max": ord("#"), "r2_quality_max": ord("#")}
    verdict, (line,) = judged(result(GOOD, GOOD, lost))
    assert verdict is Verdict.FAIL
    assert "highest_quality is 2, below 12 (floor) (worst in lane L.3): no base has" in line


def test_what_maps_badly_in_a_lane_of_a_few_reads_fails_no_genome() -> None:
    tiny = mapped(10, both=200, reads=230)
    assert judged(aligned(*[mapped(9_900_000, 10_000_000, 10_200_000)] * 2, tiny)) == (
        Verdict.PASS, [],
    )  # fmt: skip
    assert judged(aligned(*[mapped(9_900)] * 2, tiny))[0] is Verdict.FAIL


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
    assert worst_lanes([older]) == {}


def mapped(proper: int, both: int = 10_000, reads: int = 10_200) -> dict[str, int]:
    """What the tools count in the alignment of a lane."""
    return {"primary_out": reads, "mapped": both, "both_mapped": both, "properly_paired": proper}


def aligned(*lanes: dict[str, int]) -> StageResult:
    """As ``result``, of alignments; their sums are the metrics."""
    named = {f"L.{number}": lane for number, lane in enumerate(lanes, 1)}
    summed = {name: float(sum(lane[name] for lane in lanes)) for name in mapped(0)}
    return StageResult("align", "k", (), {}, {}, summed, lanes=named)


@pytest.mark.parametrize("place", [0, 4, 7])
def test_one_lane_of_eight_without_proper_pairs_fails_and_is_named(place: int) -> None:
    lanes = [mapped(9_900)] * 8
    lanes[place] = mapped(50)
    found = aligned(*lanes)
    pooled = found.metrics["properly_paired"] / found.metrics["both_mapped"]
    assert pooled > 0.86
    verdict, (line,) = judged(found)
    assert verdict is Verdict.FAIL
    assert (
        f"properly_paired_fraction is 0.005, below 0.1 (floor) (worst in lane L.{place + 1})"
        in (line)
    )


def test_the_lane_of_fewest_proper_pairs_decides_over_a_limit_too() -> None:
    found = aligned(mapped(9_900), mapped(7_500), mapped(9_800))
    metrics = metrics_of([found], duplicates_marked=True)
    limits = {"properly_paired_fraction": Limit(warn_below=0.8)}
    verdict, lines = judge(metrics, limits, lanes=worst_lanes([found]))
    assert verdict is Verdict.WARN
    assert lines == ["WARN: properly_paired_fraction is 0.75, below 0.8 (worst in lane L.2)"]


def test_a_lane_whose_r2_is_of_something_else_is_seen_in_what_maps() -> None:
    """No mate maps, so no pair can be improper; nineteen good lanes leave 0.96 of the reads."""
    strange = mapped(0, both=0) | {"mapped": 5_000}
    found = aligned(*[mapped(9_900)] * 19, strange)
    metrics = metrics_of([found], duplicates_marked=True)
    assert metrics["mapped_fraction"] == round(found.metrics["mapped"] / (20 * 10_200), 4) > 0.95
    assert metrics["properly_paired_fraction"] == 0.99
    assert worst_lanes([found])["mapped_fraction"].value == round(5_000 / 10_200, 4)
    assert worst_lanes([found])["mapped_fraction"].place == "lane L.20"


def test_too_few_pairs_of_a_lane_say_nothing() -> None:
    few = mapped(0, both=LEAST_PAIRED_READS - 2, reads=LEAST_PAIRED_READS - 2)
    enough = mapped(0, both=LEAST_PAIRED_READS, reads=LEAST_PAIRED_READS)
    assert judged(aligned(mapped(10_000), few)) == (Verdict.PASS, [])
    assert judged(aligned(mapped(10_000), enough))[0] is Verdict.FAIL
    assert judged(aligned(few, few))[0] is Verdict.FAIL  # together they are enough


def test_a_good_lane_is_not_named_for_what_small_ones_do() -> None:
    few = mapped(0, both=LEAST_PAIRED_READS - 2, reads=LEAST_PAIRED_READS - 2)
    verdict, (line,) = judged(aligned(mapped(200, both=200, reads=200), *[few] * 20))
    assert verdict is Verdict.FAIL
    assert line.startswith("FAIL: properly_paired_fraction is 0.0481, below 0.1 (floor): almost")


def test_what_was_not_counted_in_a_lane_is_not_judged() -> None:
    """As DRAGEN's NA, and lanes in which only the runner or only a tool counted."""
    found = aligned(mapped(9_900), mapped(9_900))
    del found.lanes["L.2"]["properly_paired"], found.lanes["L.2"]["mapped"]
    assert judged(found) == (Verdict.PASS, [])
    assert judged(result(GOOD, GOOD)) == (Verdict.PASS, [])


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=9))
def test_no_judged_lane_is_better_than_the_figure_of_the_run(pairs: list[tuple[int, int]]) -> None:
    lanes = [mapped(2 * min(pair), both=2 * max(pair), reads=2_000) for pair in pairs]
    result = aligned(*lanes)
    found, _ = as_in_worst_lanes(
        metrics_of([result], duplicates_marked=True), worst_lanes([result])
    )
    judged_lanes = [
        lane["properly_paired"] / lane["both_mapped"]
        for lane in lanes
        if lane["both_mapped"] >= LEAST_PAIRED_READS
    ]
    value = found.get("properly_paired_fraction")
    assert value is not None or not judged_lanes
    assert not judged_lanes or (value or 0.0) <= round(min(judged_lanes), 4)
    assert found["mapped_fraction"] == round(min(lane["mapped"] for lane in lanes) / 2_000, 4)
