"""Whether two lists of edits give the same chromosomes, and if not, the most of them that do.

Each edit is left out or applied to the chromosomes that its genotype allows. So each side gives
pairs of sequences, and for each pair the most edits that make it. A pair that both sides reach
says which edits mean the same, however they are written.
"""

from collections.abc import Sequence
from typing import NamedTuple

from seqdrop.domain.comparison.alleles import Edit, Group

MOST_COMBINATIONS = 20_000
"""Ways to take some edits of a side that are tried."""
MOST_PHASINGS = 2**14
"""Ways to lay all edits of a side on chromosomes that are tried where there are more."""
_DIPLOID = 2
_WHOLE = 1_000
"""An edit's weight; one that both sides have as it is written weighs one more."""

_WHY = "too much is called within a few bases to try all that it could mean"
Pair = tuple[str, str]


class Replay(NamedTuple):
    """The edits of each side, by number, that give the same chromosomes."""

    a: frozenset[int]
    b: frozenset[int]


class _Way(NamedTuple):
    weight: int
    edits: tuple[int, ...]


class TooMany(Exception):
    """There are more combinations than are tried."""


def replay(a: Sequence[Edit], b: Sequence[Edit], reference: str, start: int) -> Replay:
    """The largest part of both sides that gives the same sequences.

    ``reference`` is the bases from ``start`` on; all edits lie in it. All edits have one ploidy of
    1 or 2. Raises TooMany where that could not be found out.
    """
    both = {edit.text for edit in a} & {edit.text for edit in b}
    try:
        ways = [_Tried(edits, reference, start, both, MOST_COMBINATIONS).ways() for edits in (a, b)]
    except TooMany:
        return _whole(a, b, reference, start)
    shared = ways[0].keys() & ways[1].keys()
    best = max(shared, key=lambda pair: (ways[0][pair].weight + ways[1][pair].weight, pair))
    return Replay(*(frozenset(side[best].edits) for side in ways))


def _whole(a: Sequence[Edit], b: Sequence[Edit], reference: str, start: int) -> Replay:
    """All edits of both, where they agree. Raises TooMany."""
    pairs = [
        _Tried(edits, reference, start, set(), MOST_PHASINGS, all_of_them=True).ways().keys()
        for edits in (a, b)
    ]
    if not pairs[0] & pairs[1]:
        raise TooMany(_WHY)
    return Replay(frozenset(range(len(a))), frozenset(range(len(b))))


def orientation(
    a: Sequence[Edit], b: Sequence[Edit], reference: str, start: int
) -> tuple[Group, Group, bool] | None:
    """The phase sets of both sides, and whether their chromosomes are numbered the other way.

    Unphased edits that both sides have are left out. None where the other heterozygous ones of a
    side are not in one phase set, or where the chromosomes are alike.
    """
    loose = [{edit.text for edit in edits if _is_loose(edit)} for edits in (a, b)]
    if loose[0] != loose[1]:
        return None
    bound = [[edit for edit in edits if not _is_loose(edit)] for edits in (a, b)]
    groups = [{edit.group for edit in edits if edit.is_het} for edits in bound]
    if any(len(group) != 1 for group in groups):
        return None
    (one,), (two,) = groups
    pairs = [_as_written(edits, reference, start) for edits in bound]
    if pairs[0][0] == pairs[0][1] or set(pairs[0]) != set(pairs[1]):
        return None
    return one, two, pairs[0] != pairs[1]


def _is_loose(edit: Edit) -> bool:
    """Whether it may lie on either chromosome."""
    return edit.is_het and edit.group[0] == "line"


def _as_written(edits: Sequence[Edit], reference: str, start: int) -> Pair:
    chosen = sorted(edits, key=lambda edit: (edit.start, edit.end))
    one, two = ([e for e in chosen if place in e.places] for place in (0, 1))
    return _sequence(one, reference, start), _sequence(two, reference, start)


def _sequence(edits: Sequence[Edit], reference: str, start: int) -> str:
    parts: list[str] = []
    at = start
    for edit in edits:
        parts += (reference[at - start : edit.start - start], edit.alt)
        at = edit.end
    return "".join((*parts, reference[at - start :]))


def fits(before: Edit | None, edit: Edit) -> bool:
    """Whether an edit can follow another on one chromosome.

    They share no base, and two insertions are not at one place: their order would be unknown.
    """
    if before is None or before.end < edit.start:
        return True
    both_insert = not before.ref and not edit.ref
    return before.end == edit.start and not both_insert


class _Tried:
    """Tries the ways to lay a side's edits on its chromosomes, from left to right."""

    def __init__(
        self,
        edits: Sequence[Edit],
        reference: str,
        start: int,
        both: set[tuple[int, str, str, int, int, bool]],
        most: int,
        *,
        all_of_them: bool = False,
    ) -> None:
        self._order = sorted(range(len(edits)), key=lambda n: (edits[n].start, edits[n].end))
        self._edits, self._reference, self._start = edits, reference, start
        self._weights = [_WHOLE + (edit.text in both) for edit in edits]
        self._most, self._all = most, all_of_them
        self._tried = 0
        self._ways: dict[Pair, _Way] = {}
        self._turned: dict[Group, bool] = {}
        self._chosen: list[int] = []
        self._on: tuple[list[Edit], list[Edit]] = ([], [])

    def ways(self) -> dict[Pair, _Way]:
        """For each pair of sequences, in alphabetical order, the most edits that make it."""
        self._go(0)
        return self._ways

    def _go(self, at: int) -> None:
        if at == len(self._order):
            self._end()
            return
        number = self._order[at]
        edit = self._edits[number]
        if not self._all:
            self._go(at + 1)
        for turned in self._turns(edit):
            new = edit.is_het and edit.group not in self._turned
            if new:
                self._turned[edit.group] = turned
            self._put(at, number, edit, turned)
            if new:
                del self._turned[edit.group]

    def _turns(self, edit: Edit) -> tuple[bool, ...]:
        """Which way round its group may lie; the first of all groups lies in one way only."""
        if not edit.is_het:
            return (False,)
        if edit.group in self._turned:
            return (self._turned[edit.group],)
        return (False, True) if self._turned else (False,)

    def _put(self, at: int, number: int, edit: Edit, turned: bool) -> None:
        places = [self._on[place ^ turned] for place in edit.places]
        if not all(fits(on[-1] if on else None, edit) for on in places):
            return
        for on in places:
            on.append(edit)
        self._chosen.append(number)
        self._go(at + 1)
        self._chosen.pop()
        for on in places:
            on.pop()

    def _end(self) -> None:
        self._tried += 1
        if self._tried > self._most:
            raise TooMany(_WHY)
        one, two = (_sequence(on, self._reference, self._start) for on in self._on)
        pair = (one, two) if one <= two else (two, one)
        weight = sum(self._weights[number] for number in self._chosen)
        if pair not in self._ways or self._ways[pair].weight < weight:
            self._ways[pair] = _Way(weight, tuple(self._chosen))
