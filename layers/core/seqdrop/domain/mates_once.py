"""Bases that both mates of a fragment show count once.

freebayes takes them for two observations: an error made in copying the fragment would be seen
twice, and a depth of five may be three fragments. A base counts where its quality is not 0.

Up to the middle of what they share it is the forward mate that counts, behind it the reverse one:
the ends of both, where reads are worst, are left out. What counts has the better quality of
the two; where they show different bases, only the better one counts.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_OPERATION = re.compile(r"(\d+)([MIDNSHP=X])")
_PAIRED, _UNMAPPED, _MATE_UNMAPPED, _REVERSE, _FIRST = 0x1, 0x4, 0x8, 0x10, 0x40
_SECONDARY, _SUPPLEMENTARY = 0x100, 0x800
_NEITHER = _UNMAPPED | _MATE_UNMAPPED | _SECONDARY | _SUPPLEMENTARY
_NAME, _FLAG, _CONTIG, _POS, _MAPQ, _CIGAR, _MATE_CONTIG, _MATE_POS = 0, 1, 2, 3, 4, 5, 6, 7
_SEQ, _QUAL, _TAGS = 9, 10, 11
NO_QUALITY = "!"
NEAR_INDEL = 10
"""freebayes weighs an indel by the bases behind it too: they are left to the same mate."""
_Place = tuple[int, int]
"""A base of the reference, and 0; the n-th base that is inserted behind it has n."""
_Key = tuple[str, str, str, bool]


@dataclass
class _Read:
    """A line of SAM that waits for its mate, or for those before it."""

    fields: list[str]
    start: int
    waits: bool = False

    @property
    def contig(self) -> str:
        return self.fields[_CONTIG]

    @property
    def is_forward(self) -> bool:
        return not int(self.fields[_FLAG]) & _REVERSE

    @property
    def mate_start(self) -> int:
        return int(self.fields[_MATE_POS])

    @property
    def end(self) -> int:
        """The place behind its last base."""
        found = _OPERATION.findall(self.fields[_CIGAR])
        return self.start + sum(int(n) for n, what in found if what in "MDN=X")

    def key(self, *, of_mate: bool = False) -> _Key:
        places = self.fields[_POS], self.fields[_MATE_POS]
        one, two = reversed(places) if of_mate else places
        is_first = bool(int(self.fields[_FLAG]) & _FIRST)
        return self.fields[_NAME], one, two, is_first != of_mate

    def places(self) -> Iterator[tuple[int, _Place]]:
        """Each aligned or inserted base's index with its place; not the clipped ones."""
        place, index = self.start, 0
        for number, what in _OPERATION.findall(self.fields[_CIGAR]):
            length = int(number)
            if what in "M=X":
                yield from ((index + n, (place + n, 0)) for n in range(length))
            elif what == "I":
                yield from ((index + n, (place - 1, n + 1)) for n in range(length))
            place += length if what in "MDN=X" else 0
            index += length if what in "MIS=X" else 0

    def indels(self) -> Iterator[tuple[int, int]]:
        """Where its insertions and deletions begin, and what is too near to each."""
        place = self.start
        for number, what in _OPERATION.findall(self.fields[_CIGAR]):
            length = int(number)
            if what in "ID":
                yield place - length - NEAR_INDEL, place + 2 * length + NEAR_INDEL
            place += length if what in "MDN=X" else 0


def once(lines: Iterable[str], min_mapq: int) -> Iterator[str]:
    """Lines of SAM in the order of their places, each base of a fragment with a quality once.

    Of a pair of which one mate is not there, or below ``min_mapq``, the other stays as it is. The
    earlier one is held back until the later must have come, so as many lines are in memory as
    begin within a read's length.
    """
    held: deque[_Read] = deque()
    waiting: dict[_Key, _Read] = {}
    for line in lines:
        read = _Read(line.split("\t", _TAGS), 0)
        read.start = int(read.fields[_POS])
        yield from _passed(held, waiting, read)
        held.append(read)
        if not _may_share(read, min_mapq):
            continue
        mate = waiting.pop(read.key(of_mate=True), None)
        if mate:
            mate.waits = False
            _share(mate, read)
        elif read.start <= read.mate_start < read.end:
            read.waits = True
            waiting[read.key()] = read
    yield from ("\t".join(read.fields) for read in held)


def _passed(held: deque[_Read], waiting: dict[_Key, _Read], now: _Read) -> Iterator[str]:
    """The lines that need not wait any more, now that this one has come."""
    while held:
        first = held[0]
        if first.waits:
            if first.contig == now.contig and now.start <= first.mate_start:
                return
            waiting.pop(first.key(), None)
        yield "\t".join(held.popleft().fields)


def _may_share(read: _Read, min_mapq: int) -> bool:
    flag = int(read.fields[_FLAG])
    return (
        bool(flag & _PAIRED)
        and not flag & _NEITHER
        and read.fields[_MATE_CONTIG] in {"=", read.contig}
        and int(read.fields[_MAPQ]) >= min_mapq
        and read.fields[_QUAL] != "*"
    )


def _share(earlier: _Read, later: _Read) -> None:
    """Takes the quality of what both show from one of them, base by base."""
    low, high = max(earlier.start, later.start), min(earlier.end, later.end)
    if low >= high:
        return
    is_turned = later.is_forward and not earlier.is_forward
    left, right = (later, earlier) if is_turned else (earlier, later)
    turn = (_turn(left, right, low, high), 0)
    bases, others = left.fields[_SEQ], right.fields[_SEQ]
    ours, theirs = list(left.fields[_QUAL]), list(right.fields[_QUAL])
    shown = {place: at for at, place in right.places() if (low, 0) <= place <= (high - 1, 0)}
    for at, place in left.places():
        if not (low, 0) <= place <= (high - 1, 0):
            continue
        other = shown.pop(place, None)
        if other is None:
            is_ours, best = place < turn, ours[at]
        elif bases[at] == others[other]:
            is_ours, best = place < turn, max(ours[at], theirs[other])
        else:
            best = max(ours[at], theirs[other])
            is_ours = ours[at] > theirs[other] or (ours[at] == best and left is earlier)
        ours[at] = best if is_ours else NO_QUALITY
        if other is not None:
            theirs[other] = NO_QUALITY if is_ours else best
    for place, other in shown.items():
        if place < turn:
            theirs[other] = NO_QUALITY
    left.fields[_QUAL], right.fields[_QUAL] = "".join(ours), "".join(theirs)


def _turn(left: _Read, right: _Read, low: int, high: int) -> int:
    """The place from which on the right mate counts: about the middle, and near no indel."""
    near_left, near_right = list(left.indels()), list(right.indels())
    near = near_left + near_right
    middle = (low + high) // 2
    for place in sorted(range(low, high + 1), key=lambda at: abs(at - middle)) if near else ():
        if not any(first < place < last for first, last in near):
            return place
    if not near:
        return middle
    return low if near_right and not near_left else high
