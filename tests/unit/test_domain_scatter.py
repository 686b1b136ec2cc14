"""A genome cut into regions: all of it is kept once, in pieces of even work."""

from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.bed import Region, merged
from seqdrop.domain.scatter import PADDING_BASES, scattered

LENGTHS = {"a": 9_000, "b": 120, "c": 4_000, "d": 1}


@st.composite
def scopes(draw: st.DrawFn) -> list[Region]:
    contigs = draw(st.lists(st.sampled_from(list(LENGTHS)), min_size=1, max_size=20))
    regions = []
    for contig in contigs:
        start = draw(st.integers(0, LENGTHS[contig] - 1))
        regions.append(Region(contig, start, draw(st.integers(start + 1, LENGTHS[contig]))))
    return merged(regions, list(LENGTHS))


def work(scope: list[Region], contig: str, start: int, end: int) -> int:
    """Bases of the scope within a stretch."""
    return sum(max(0, min(r.end, end) - max(r.start, start)) for r in scope if r.contig == contig)


@given(scopes(), st.integers(1, 5_000))
def test_regions_keep_each_base_of_their_contigs_once(scope: list[Region], size: int) -> None:
    at = dict.fromkeys((region.contig for region in scope), 0)
    for region in scattered(scope, LENGTHS, size):
        for contig, start, end, kept_start, kept_end in region:
            assert kept_start == at[contig]
            assert kept_start < kept_end
            assert start == max(0, kept_start - PADDING_BASES)
            assert end == min(LENGTHS[contig], kept_end + PADDING_BASES)
            at[contig] = kept_end
    assert at == {contig: LENGTHS[contig] for contig in at}


@given(scopes(), st.integers(1, 5_000))
def test_no_region_has_more_work_than_its_size(scope: list[Region], size: int) -> None:
    regions = list(scattered(scope, LENGTHS, size))
    works = [sum(work(scope, s[0], s[3], s[4]) for s in region) for region in regions]
    assert max(works) <= size
    assert sum(works) == sum(region.end - region.start for region in scope)
    assert len(regions) <= 2 * sum(works) // size + len(LENGTHS) + 1


def test_a_region_has_each_contig_once() -> None:
    (region,) = scattered([Region("a", 0, 10), Region("a", 90, 99), Region("b", 1, 9)], LENGTHS)
    assert [stretch.contig for stretch in region] == ["a", "b"]
