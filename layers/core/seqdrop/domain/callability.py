"""Where calling has said nothing."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter

from seqdrop.domain.bed import Region, merged


def not_called(scope: Iterable[Region], called: Iterable[Region]) -> Iterator[Region]:
    """The parts of the scope that no called region covers, sorted within contigs.

    Called regions come contig by contig, each by its start; all of them are read.
    """
    left = {
        contig: list(regions)
        for contig, regions in groupby(merged(list(scope)), attrgetter("contig"))
    }
    for contig, regions in groupby(called, attrgetter("contig")):
        yield from _gaps(left.pop(contig, []), regions)
    for rest in left.values():
        yield from rest


def _gaps(scope: Iterable[Region], called: Iterator[Region]) -> Iterator[Region]:
    current = next(called, None)
    for region in scope:
        at = region.start
        while at < region.end:
            while current and current.end <= at:
                current = next(called, None)
            if current is None or current.start >= region.end:
                yield Region(region.contig, at, region.end)
                break
            if current.start > at:
                yield Region(region.contig, at, current.start)
            at = current.end
