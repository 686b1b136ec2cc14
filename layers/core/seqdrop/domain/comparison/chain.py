"""Places of one sequence in another, by a UCSC chain file, and records brought there."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import NamedTuple

from seqdrop.domain.comparison.alleles import (
    Bases,
    is_symbolic,
    kind_of,
    parse_genotype,
    trimmed,
)
from seqdrop.domain.comparison.report import Change, Kind, Row
from seqdrop.domain.errors import InvalidInput

LIFTED = "lifted:"
"""Begins the ID of a lifted record; after it come the record's own contig, POS, REF and ALT."""
_HEADER_FIELDS = 12
_COMPLEMENT = str.maketrans("ACGTNRYMKBVDHacgtn", "TGCANYRKMVBHDtgcan")
_CONTIG, _POS, _ID, _REF, _ALT, _FILTER, _INFO = 0, 1, 2, 3, 4, 6, 7
_END = re.compile(r"(?<![^;])END=\d+")


class Block(NamedTuple):
    """Bases that lie in both sequences without a gap: 0-based, half-open, both on the + strand."""

    start: int
    end: int
    contig: str
    """Of the other sequence."""
    other_start: int
    is_reverse: bool
    score: int


class Lifted(NamedTuple):
    """A stretch's place in the other sequence."""

    contig: str
    start: int
    is_reverse: bool


class Reach(Enum):
    """What is known of a stretch of the other sequence."""

    SAME = "same"
    """It lies in a block: the first sequence has it, too."""
    OTHER_BASES = "other_bases"
    """The first sequence has as many bases in its place, and others."""
    NONE = "none"


class Chains:
    """The aligned blocks of two sequences.

    Between two blocks of a chain may be as many bases in one sequence as in the other: bases that
    were changed. What lies over them has its place, too.
    """

    def __init__(
        self, blocks: Mapping[str, list[Block]], joined: Mapping[str, list[Block]]
    ) -> None:
        """Blocks by contig of the first sequence; and the same, joined over changed bases."""
        self._blocks = {name: sorted(each) for name, each in joined.items()}
        self._longest = {
            name: max(block.end - block.start for block in each) for name, each in joined.items()
        }
        self._reached, self._changed = _reached(blocks), _reached(joined)

    def lift(self, contig: str, start: int, end: int) -> Lifted | None:
        """Where a stretch lies; None unless it lies wholly in one. The best chain counts."""
        blocks = self._blocks.get(contig, [])
        at = bisect_right(blocks, start, key=lambda block: block.start) - 1
        best: Block | None = None
        while at >= 0 and blocks[at].start >= start - self._longest[contig]:
            block = blocks[at]
            if block.end >= end > block.start and (best is None or block.score > best.score):
                best = block
            at -= 1
        if best is None:
            return None
        shift = best.end - end if best.is_reverse else start - best.start
        return Lifted(best.contig, best.other_start + shift, best.is_reverse)

    def reach(self, contig: str, start: int, end: int) -> Reach:
        """Whether a stretch of the other sequence can be reached from the first."""
        if _lies_in(self._reached.get(contig, []), start, end):
            return Reach.SAME
        is_changed = _lies_in(self._changed.get(contig, []), start, end)
        return Reach.OTHER_BASES if is_changed else Reach.NONE


def _lies_in(stretches: list[tuple[int, float]], start: int, end: int) -> bool:
    at = bisect_right(stretches, (start, float("inf"))) - 1
    return at >= 0 and stretches[at][1] >= end


def _reached(blocks: Mapping[str, list[Block]]) -> dict[str, list[tuple[int, float]]]:
    """Stretches of the other sequence that lie in blocks, joined."""
    found: dict[str, list[tuple[int, float]]] = {}
    every = (block for each in blocks.values() for block in each)
    for block in sorted(every, key=lambda b: (b.contig, b.other_start)):
        end = block.other_start + block.end - block.start
        known = found.setdefault(block.contig, [])
        if known and known[-1][1] >= block.other_start:
            known[-1] = (known[-1][0], max(known[-1][1], end))
        else:
            known.append((block.other_start, end))
    return found


def parse_chains(lines: Iterable[str], file: str = "the chain file") -> Chains:
    """Reads a chain file from A's sequence (the target, named first) to B's (the query).

    Raises InvalidInput, which names the line.
    """
    blocks: dict[str, list[Block]] = {}
    joined: dict[str, list[Block]] = {}
    head: _Head | None = None
    for number, line in enumerate(lines, 1):
        fields = line.split()
        if not fields or line.startswith("#"):
            continue
        try:
            if fields[0] == "chain":
                head = _Head.read(fields)
                continue
            if head is None:
                raise ValueError
            goes_on = head.goes_on
            block = head.take([int(field) for field in fields])
        except ValueError:
            raise InvalidInput(
                f"{file}, line {number} is not of a chain file",
                "give a file as UCSC's liftOver takes it, from A's sequence to B's",
            ) from None
        blocks.setdefault(head.contig, []).append(block)
        known = joined.setdefault(head.contig, [])
        known.append(_joined(known.pop(), block) if goes_on else block)
    if not blocks:
        raise InvalidInput(f"{file} has no chain", "give one from A's sequence to B's")
    return Chains(blocks, joined)


def _joined(one: Block, two: Block) -> Block:
    """Two blocks of a chain and what lies between them."""
    return one._replace(end=two.end, other_start=min(one.other_start, two.other_start))


class _Head:
    """A chain: where its next block begins in both sequences."""

    def __init__(self, score: int, contig: str, start: int, other: tuple[str, int, bool, int]):
        self._score, self.contig, self._start = score, contig, start
        self._other, self._size, self._is_reverse, self._other_start = other
        self.goes_on = False
        """Whether as many bases lie between the block before and the next one, in both."""

    @classmethod
    def read(cls, fields: list[str]) -> "_Head":
        """Reads ``chain score name size strand start end name size strand start end id``."""
        if len(fields) < _HEADER_FIELDS or fields[4] != "+" or fields[9] not in {"+", "-"}:
            raise ValueError
        other = fields[7], int(fields[8]), fields[9] == "-", int(fields[10])
        return cls(int(float(fields[1])), fields[2], int(fields[5]), other)

    def take(self, numbers: list[int]) -> Block:
        """The block of a line ``size [gap gap]``; afterwards the next one's beginning is known."""
        size, gap, other_gap = (*numbers, 0, 0)[:3]
        if size < 0 or gap < 0 or other_gap < 0 or len(numbers) not in {1, 3}:
            raise ValueError
        place = self._other_start
        if self._is_reverse:
            place = self._size - place - size
        block = Block(
            self._start, self._start + size, self._other, place, self._is_reverse, self._score
        )
        self.goes_on = len(numbers) == 3 and gap == other_gap
        self._start += size + gap
        self._other_start += size + other_gap
        return block


def reverse_complement(bases: str) -> str:
    """The other strand; letters for several bases too."""
    return bases.translate(_COMPLEMENT)[::-1]


def lifted_line(line: str, chains: Chains, bases: Bases, column: int) -> str | list[Row]:
    """A record of A at its place in B's sequence; where it has none, rows that say so.

    ``bases`` is B's sequence, and ``column`` that of the sample's genotype. The record's ID has its
    place in A's sequence.
    """
    fields = line.rstrip("\r\n").split("\t")
    contig, ref = fields[_CONTIG], fields[_REF].upper()
    start = int(fields[_POS]) - 1
    alts = fields[_ALT].split(",")
    if any(is_symbolic(alt) and alt not in {"*", "."} for alt in alts) or _END.search(
        fields[_INFO]
    ):
        why = "symbols and blocks can't be brought to another sequence"
        return _rows(fields, column, Change.NOT_COMPARABLE, why)
    place = chains.lift(contig, start, start + len(ref))
    if place is None:
        why = "the chain file has no place for it in B's sequence"
        return _rows(fields, column, Change.NOT_COMPARABLE, why)
    turned = reverse_complement if place.is_reverse else str
    there = bases(place.contig, place.start, place.start + len(ref))
    if there != turned(ref):
        why = (
            f"A's sequence has {ref[:20]}, B's has {turned(there)[:20]} "
            f"({place.contig}:{place.start + 1})"
        )
        return _rows(fields, column, Change.REFERENCE, why)
    fields[_ID] = LIFTED + ":".join((contig, fields[_POS], ref, fields[_ALT]))
    fields[_CONTIG], fields[_POS] = place.contig, str(place.start + 1)
    fields[_REF] = turned(ref)
    fields[_ALT] = ",".join(alt if alt in {"*", "."} else turned(alt.upper()) for alt in alts)
    return "\t".join(fields) + "\n"


def _rows(fields: list[str], column: int, change: Change, why: str) -> list[Row]:
    """A row for each allele that the sample has."""
    genotype = fields[column].split(":")[0]
    alts = fields[_ALT].split(",")
    called = dict.fromkeys(number for number in parse_genotype(genotype).alleles if number)
    start, ref = int(fields[_POS]) - 1, fields[_REF].upper()
    return [
        Row(
            contig=fields[_CONTIG],
            position=start + 1,
            ref=ref,
            alt=alts[number - 1],
            kind=_kind(start, ref, alts[number - 1]),
            change=change,
            genotype_a=genotype,
            filter_a=fields[_FILTER],
            why=why,
        )
        for number in called
        if alts[number - 1] not in {"*", "<*>", "<NON_REF>"}
    ]


def _kind(start: int, ref: str, alt: str) -> Kind:
    return Kind.SYMBOLIC if is_symbolic(alt) else kind_of(*trimmed(start, ref, alt.upper())[1:])
