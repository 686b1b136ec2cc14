"""The records of one contig that are held at a time, and how two files' records pair up."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache
from itertools import count
from typing import NamedTuple

from seqdrop.domain.comparison.alleles import Record
from seqdrop.domain.comparison.blocks import Span
from seqdrop.domain.comparison.callfile import CallFile, Chunk, Key

_LONG = 64
"""A REF and ALT of more letters is remembered by itself, so that places are found by POS."""
_RUN = 256


class Buffer:
    """Some records of a contig, those that are not dealt with yet."""

    def __init__(self, file: CallFile, contig: str | None) -> None:
        """Without a contig there are none."""
        self.file, self.contig = file, contig or ""
        self.lines: list[bytes] = []
        self.keys: list[Key] = []
        self.positions: list[int] = []
        self.has_ended = contig is None
        self._first = 0
        """The number of the first line that is held."""
        self._long: list[tuple[Span, int]] = []
        """Long records: their stretch, and the number of their line."""

    def grow(self) -> None:
        """Reads more."""
        chunk = self.file.more(self.contig)
        if chunk is None:
            self.has_ended = True
            return
        if not self.lines:
            self._first = chunk.first
        elif chunk.positions[0] < self.positions[-1]:
            self.file.unsorted(chunk.first, self.contig)
        if max(map(len, {key[1] for key in chunk.keys})) > _LONG:
            self._note_long(chunk)
        self.lines += chunk.lines
        self.keys += chunk.keys
        self.positions += chunk.positions

    def _note_long(self, chunk: Chunk) -> None:
        records = zip(count(chunk.first), chunk.positions, chunk.keys, strict=False)
        self._long += [
            (Span(position - 1, position - 1 + key[1].index(b"\t")), number)
            for number, position, key in records
            if len(key[1]) > _LONG
        ]

    @property
    def known(self) -> float:
        """All records below this position were read."""
        if self.has_ended:
            return float("inf")
        return self.positions[-1] if self.positions else -1

    def below(self, position: float) -> int:
        """How many records lie below a position."""
        return bisect_left(self.positions, position)

    def drop(self, number: int) -> None:
        """Forgets the first records."""
        del self.lines[:number], self.keys[:number], self.positions[:number]
        self._first += number
        self._long = [pair for pair in self._long if pair[1] >= self._first]

    def record(self, at: int) -> Record:
        """A record, taken apart."""
        return self.file.record(self.contig, self._first + at, self.lines[at])

    def phase_set(self, at: int) -> str:
        """The phase set of a record; "" where it has none."""
        line = self.lines[at]
        return self.record(at).phase_set if b":PS" in line else ""

    def touching(self, span: Span) -> Iterator[int]:
        """Records whose REF touches a stretch, or that insert bases beside it."""
        first = self.below(span.low - _LONG)
        yield from (
            number - self._first
            for long, number in self._long
            if long.touches(span) and number - self._first < first
        )
        for at in range(first, self.below(span.high + 2)):
            start = self.positions[at] - 1
            if Span(start, start + self.keys[at][1].index(b"\t")).touches(span):
                yield at

    def crossing(self, cut: float) -> float:
        """The cut, moved to the left until it divides no record's REF."""
        spans = [long for long, _ in self._long]
        for at in range(self.below(cut - _LONG), self.below(cut + 1)):
            start = self.positions[at] - 1
            spans.append(Span(start, start + self.keys[at][1].index(b"\t")))
        spans.sort(key=lambda span: -span.high)
        for span in spans:
            if span.low < cut < span.high:
                cut = span.low
        return cut


class Paired(NamedTuple):
    """Records of two files: those that have the same key, and those that do not."""

    partners: list[int]
    """For each record of A that of B with the same key; -1 where there is none."""
    left_a: list[int]
    left_b: list[int]


def pair_up(a: Buffer, b: Buffer, count_a: int, count_b: int) -> Paired:
    """Pairs the first records of both."""
    one, two = a.keys, b.keys
    partners: list[int] = []
    left_a: list[int] = []
    left_b: list[int] = []
    at = to = 0
    while at < count_a and to < count_b:
        run = min(_RUN, count_a - at, count_b - to)
        if one[at : at + run] == two[to : to + run]:
            partners += range(to, to + run)
            at, to = at + run, to + run
            continue
        for _ in range(run):
            if at >= count_a or to >= count_b:
                break
            if one[at] == two[to] or _are_alike(one[at], two[to]):
                partners.append(to)
                at, to = at + 1, to + 1
                continue
            at, to = _step(a, b, (at, to), (count_a, count_b), (partners, left_a, left_b))
    left_a += range(at, count_a)
    partners += [-1] * (count_a - at)
    left_b += range(to, count_b)
    return Paired(partners, left_a, left_b)


def _are_alike(one: Key, two: Key) -> bool:
    """Whether two keys differ in nothing but a phase that one of them has alone."""
    if one[:3] != two[:3] or (b"|" in one[3] and b"|" in two[3]):
        return False
    return _without_phase(one[3]) == _without_phase(two[3])


@lru_cache(maxsize=4096)
def _without_phase(genotype: bytes) -> bytes:
    """A genotype's alleles, sorted; as it is if it has two alternative ones."""
    alleles = re.split(rb"[/|]", genotype)
    others = set(alleles) - {b"0", b"."}
    return b"/".join(sorted(alleles)) if len(others) < 2 else genotype


def _step(
    a: Buffer,
    b: Buffer,
    at: tuple[int, int],
    ends: tuple[int, int],
    found: tuple[list[int], list[int], list[int]],
) -> tuple[int, int]:
    """Goes past a place where the keys differ."""
    partners, left_a, left_b = found
    one, two = a.positions[at[0]], b.positions[at[1]]
    if one < two:
        partners.append(-1)
        left_a.append(at[0])
        return at[0] + 1, at[1]
    if two < one:
        left_b.append(at[1])
        return at[0], at[1] + 1
    stop_a, stop_b = at
    while stop_a < ends[0] and a.positions[stop_a] == one:
        stop_a += 1
    free: dict[Key, list[int]] = {}
    while stop_b < ends[1] and b.positions[stop_b] == one:
        free.setdefault(b.keys[stop_b], []).append(stop_b)
        stop_b += 1
    for number in range(at[0], stop_a):
        same = free.get(a.keys[number])
        partners.append(same.pop(0) if same else -1)
        if partners[-1] < 0:
            left_a.append(number)
    left_b += sorted(number for numbers in free.values() for number in numbers)
    return stop_a, stop_b
