"""bwa's rule for proper pairs."""

import pytest

from local.tools.bwa_pairs import (
    InsertSizes,
    is_near_mean,
    is_preferred,
    parse_insert_sizes,
    sizes_by_position,
    sizes_by_read,
)

REPORT = """\
[M::mem_pestat] # candidate unique pairs for (FF, FR, RF, RR): (12, 1306, 11, 0)
[M::mem_pestat] analyzing insert size distribution for orientation FF...
[M::mem_pestat] (25, 50, 75) percentile: (20, 30, 40)
[M::mem_pestat] low and high boundaries for computing mean and std.dev: (1, 80)
[M::mem_pestat] mean and std.dev: (30.50, 9.25)
[M::mem_pestat] low and high boundaries for proper pairs: (1, 100)
[M::mem_pestat] analyzing insert size distribution for orientation FR...
[M::mem_pestat] (25, 50, 75) percentile: (320, 373, 428)
[M::mem_pestat] low and high boundaries for computing mean and std.dev: (104, 644)
[M::mem_pestat] mean and std.dev: (377.58, 79.93)
[M::mem_pestat] low and high boundaries for proper pairs: (1, 752)
[M::mem_pestat] skip orientation RF as there are not enough pairs
[M::mem_pestat] skip orientation RR as there are not enough pairs
[M::mem_pestat] skip orientation FF
"""
FORWARD_REVERSE = InsertSizes(1, 752, 377.58, 79.93)


def test_insert_sizes_are_read_from_bwa_s_report() -> None:
    assert parse_insert_sizes(REPORT) == (None, FORWARD_REVERSE, None, None)
    assert parse_insert_sizes("") == (None, None, None, None)


def test_only_facing_mates_inside_the_bounds_are_proper() -> None:
    sizes = parse_insert_sizes(REPORT)
    for rule in (sizes_by_read, sizes_by_position):
        assert rule(sizes, False, True, 753) == FORWARD_REVERSE
        assert rule(sizes, False, True, 754) is None
        assert rule(sizes, False, True, -300) is None  # facing away
        assert rule(sizes, True, False, -300) == FORWARD_REVERSE
        assert rule(sizes, True, False, 300) is None
        assert rule(sizes, False, False, 300) is None


def test_mates_on_one_strand_are_seen_from_read_1_or_from_the_genome() -> None:
    one_strand = InsertSizes(1, 500, 300.0, 50.0)
    forward, backward = (one_strand, None, None, None), (None, None, None, one_strand)
    assert sizes_by_position(forward, False, False, -300) == one_strand
    assert sizes_by_read(forward, False, False, -300) is None
    assert sizes_by_read(backward, False, False, -300) == one_strand
    assert sizes_by_position(backward, True, True, -300) == one_strand
    assert sizes_by_read(forward, True, True, -300) == one_strand


def test_a_pair_far_from_the_mean_must_beat_its_reads_alone() -> None:
    narrow = InsertSizes(1, 1000, 300.0, 10.0)
    assert is_near_mean(narrow, 350)
    assert not is_near_mean(narrow, 400)
    assert is_preferred(narrow, 350, 200)
    assert is_preferred(narrow, 400, 200) is False
    assert is_preferred(narrow, 400, 10) is None
    assert is_preferred(narrow, 900, 200) is None


@pytest.mark.parametrize("tlen", [301, 900])
def test_a_distribution_without_width_scores_nothing(tlen: int) -> None:
    without_width = InsertSizes(1, 1000, 300.0, 0.0)
    assert not is_near_mean(without_width, tlen)
    assert is_preferred(without_width, tlen, 200) is None
