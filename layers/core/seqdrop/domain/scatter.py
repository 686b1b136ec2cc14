"""A genome cut into regions of even work, so that calling takes as many cores as there are."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from seqdrop.domain.bed import Region

PADDING_BASES = 1_000
"""What a caller sees on either side of what it keeps: longer than a read and its realignment.

Cut without padding, 128 sites of a trial differed from those called in one piece; with it, none.
"""
REGION_BASES = 4_000_000
"""About a minute of a core at 30×; some 800 regions of a human genome, so that none waits long."""


class Stretch(NamedTuple):
    """One line of a region's BED: what a caller sees, and the part whose records it keeps."""

    contig: str
    start: int
    end: int
    kept_start: int
    kept_end: int


def scattered(
    scope: Sequence[Region], lengths: Mapping[str, int], size: int = REGION_BASES
) -> Iterator[list[Stretch]]:
    """Regions with ``size`` bases of the scope each; together they keep all of its contigs.

    The scope is what is to be called, merged and in the order of its contigs. A contig is cut only
    within the scope, and each part between two cuts is kept by one region.
    """
    region: list[Stretch] = []
    room = size
    for contig, cuts, bases in _cuts(scope, lengths, size):
        for (start, end), work in zip(pairwise(cuts), bases, strict=True):
            if region and work > room:
                yield region
                region, room = [], size
            region.append(_stretch(contig, start, end, lengths[contig]))
            room -= work
    if region:
        yield region


def _cuts(
    scope: Sequence[Region], lengths: Mapping[str, int], size: int
) -> Iterator[tuple[str, list[int], list[int]]]:
    """Each contig, where its parts begin and end, and how many bases of the scope each has."""
    by_contig: dict[str, list[Region]] = {}
    for region in scope:
        by_contig.setdefault(region.contig, []).append(region)
    for contig, regions in by_contig.items():
        cuts, bases, work = [0], list[int](), 0
        for _, start, end, _ in regions:
            at = start
            while work + end - at > size:
                at += size - work
                cuts.append(at)
                bases.append(size)
                work = 0
            work += end - at
        yield contig, [*cuts, lengths[contig]], [*bases, work]


def _stretch(contig: str, start: int, end: int, length: int) -> Stretch:
    seen = max(0, start - PADDING_BASES), min(length, end + PADDING_BASES)
    return Stretch(contig, *seen, start, end)
