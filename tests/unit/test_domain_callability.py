"""Which bases have a genotype: by brute force, and record by record."""

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.bed import Region
from seqdrop.domain.callability import not_called
from seqdrop.domain.calls import called_region


def record(alt: str, filters: str, info: str, sample: str, ref: str = "A") -> str:
    return f"c\t10\t.\t{ref}\t{alt}\t50\t{filters}\t{info}\tGT:DP\t{sample}\n"


@pytest.mark.parametrize(
    ("line", "region"),
    [
        (record(".", ".", "END=20;MIN_DP=9", "0/0:9"), Region("c", 9, 20)),
        (record(".", ".", "MinDP=9", "0/0:9"), Region("c", 9, 10)),
        (record(".", ".", "DP=9;BLEND=99", "0/0:9"), Region("c", 9, 10)),
        (record(".", ".", "END=20;MIN_DP=2", "./.:2"), None),
        (record("C", "PASS", "DP=9", "0/1:9"), Region("c", 9, 10)),
        (record("A", "PASS", "DP=9", "1/1:9", ref="ACGT"), Region("c", 9, 13)),
        (record("C", "LowQual", "DP=9", "0/1:9"), None),
        (record("C", "RefCode", "DP=9", "0/1:9"), None),
        (record("C", ".", "DP=9", "0/1:9"), None),
        (record("C", "PASS", "DP=9", "./1:9"), None),
    ],
)
def test_a_record_calls_its_bases_or_none(line: str, region: Region | None) -> None:
    assert called_region(line) == region


REGIONS = st.lists(
    st.builds(
        lambda contig, start, length: Region(contig, start, start + length),
        st.sampled_from("abc"),
        st.integers(0, 40),
        st.integers(1, 15),
    ),
    max_size=12,
)


def bases(regions: list[Region]) -> set[tuple[str, int]]:
    return {(r.contig, position) for r in regions for position in range(r.start, r.end)}


@given(REGIONS, REGIONS, st.permutations("abc"))
def test_what_is_left_of_the_scope_is_what_nothing_covers(
    scope: list[Region], called: list[Region], order: list[str]
) -> None:
    called = sorted(called, key=lambda region: (order.index(region.contig), region.start))
    rest = iter(called)
    found = list(not_called(scope, rest))
    assert bases(found) == bases(scope) - bases(called)
    assert sum(region.end - region.start for region in found) == len(bases(found))
    assert next(rest, None) is None, "all records have gone by"
    for _, regions in groupby(found, lambda region: region.contig):
        starts = [region.start for region in regions]
        assert starts == sorted(starts)
