"""Depth over regions that are unions of measured pieces, and what is below a depth in them."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from seqdrop.domain.bed import Region


@dataclass(frozen=True)
class Measured:
    """A region, its sum of depths over all bases, and how many bases reach each depth."""

    region: Region
    bases: float
    reached: dict[int, int]
    is_contig: bool = False
    """A contig's measured bases together: its region is as long as they are."""


class Depths:
    """Pieces that share no base; any region that begins and ends at their borders has a depth."""

    def __init__(self, pieces: Sequence[Measured]) -> None:
        """In the order of mosdepth's file: sorted within each contig."""
        self.pieces = pieces
        self._of: dict[str, list[Measured]] = {}
        for piece in pieces:
            self._of.setdefault(piece.region.contig, []).append(piece)
        self._starts = {
            contig: [piece.region.start for piece in found] for contig, found in self._of.items()
        }

    @property
    def whole(self) -> Measured:
        """All pieces; the region is as long as they are together."""
        return _together(self.pieces)

    def over(self, target: Region) -> Measured:
        """The pieces of one target. Raises ValueError where they are not just its bases."""
        starts = self._starts.get(target.contig, [])
        first, last = bisect_left(starts, target.start), bisect_left(starts, target.end)
        found = _together(self._of.get(target.contig, [])[first:last])
        if found.region.end != target.end - target.start:
            raise ValueError(f"{target} is not made of the regions that were measured")
        return Measured(target, found.bases, found.reached)


def by_contig(pieces: Iterable[Measured]) -> Iterator[Measured]:
    """What was measured of each contig."""
    contigs: dict[str, list[Measured]] = {}
    for piece in pieces:
        contigs.setdefault(piece.region.contig, []).append(piece)
    for contig, found in contigs.items():
        together = _together(found)
        region = together.region._replace(contig=contig)
        yield Measured(region, together.bases, together.reached, is_contig=True)


def _together(pieces: Iterable[Measured]) -> Measured:
    length, bases = 0, 0.0
    reached: dict[int, int] = {}
    for piece in pieces:
        length += piece.region.end - piece.region.start
        bases += piece.bases
        for depth, count in piece.reached.items():
            reached[depth] = reached.get(depth, 0) + count
    return Measured(Region("", 0, length), bases, reached)


def below_regions(
    targets: Iterable[Region], stretches: Iterable[str], deep: str
) -> Iterator[Region]:
    """Parts of each target that lie in none of the stretches with the label ``deep``.

    Stretches are lines of contig, start, end and label, sorted within their contig. Each target
    is looked at by itself, so that a base of two targets is listed under both names.
    """
    covered: dict[str, tuple[list[int], list[int]]] = {}
    for line in stretches:
        contig, start, end, label = line.rstrip("\n").split("\t")
        if label == deep:
            starts, ends = covered.setdefault(contig, ([], []))
            starts.append(int(start))
            ends.append(int(end))
    for target in targets:
        starts, ends = covered.get(target.contig, ([], []))
        reached = target.start
        for number in range(max(0, bisect_left(starts, target.start) - 1), len(starts)):
            if starts[number] >= target.end:
                break
            if starts[number] > reached:
                yield target._replace(start=reached, end=starts[number])
            reached = max(reached, ends[number])
        if reached < target.end:
            yield target._replace(start=reached)
