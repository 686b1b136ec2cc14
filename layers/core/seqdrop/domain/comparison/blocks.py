"""Edits that the simple match leaves over, block by block: what is the same after all."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Generic, NamedTuple, TypeVar

from seqdrop.domain.comparison.alleles import Bases, Edit, Record
from seqdrop.domain.comparison.phases import Phased
from seqdrop.domain.comparison.replay import Replay, TooMany, orientation, replay
from seqdrop.domain.comparison.report import Kind

WINDOW = 50
"""Edits with no more bases between them are looked at together."""
LONGEST_BLOCK = 100_000
"""Bases of a block that are replayed."""
_PLOIDIES: tuple[set[int], ...] = ({1}, {2})
Both = tuple[Edit, Edit]
T = TypeVar("T")


class Span(NamedTuple):
    """A stretch of a contig, 0-based; the end belongs to it, since insertions have no length."""

    low: int
    high: int

    def touches(self, other: "Span", gap: int = 0) -> bool:
        """Whether no more than so many bases lie between them."""
        return self.low <= other.high + gap and other.low <= self.high + gap

    def joined(self, other: "Span") -> "Span":
        """The stretch from the first's beginning to the last's end."""
        return Span(min(self.low, other.low), max(self.high, other.high))


def span_of(edit: Edit) -> Span:
    """From an edit's leftmost place to its end as it is written."""
    return Span(min(edit.left, edit.start), edit.end)


def span_of_record(record: Record) -> Span:
    """The bases of a record's REF."""
    return Span(record.position - 1, record.position - 1 + len(record.ref))


def span_between(edits: Iterable[Edit]) -> Span:
    """The stretch over which some edits are written."""
    given = list(edits)
    return Span(min(edit.start for edit in given), max(edit.end for edit in given))


class Spans(Generic[T]):
    """Things by their stretches, asked for by stretch."""

    def __init__(self, things: Iterable[T], span: Callable[[T], Span]) -> None:
        named = [(span(thing), thing) for thing in things]
        named.sort(key=lambda pair: pair[0])
        self._named = named
        self._reach = list(accumulate((pair[0].high for pair in named), max))

    def touching(self, span: Span) -> Iterator[T]:
        """The things whose stretch touches this one."""
        at = bisect_right(self._named, span.high, key=lambda pair: pair[0].low) - 1
        while at >= 0 and self._reach[at] >= span.low:
            if self._named[at][0].touches(span):
                yield self._named[at][1]
            at -= 1


class Resolved(NamedTuple):
    """What became of a block's edits."""

    same: list[Both]
    rewritten: tuple[list[Edit], list[Edit]]
    """Edits of A, and edits of B, that together give the same chromosomes."""
    left: tuple[list[Edit], list[Edit]]
    unresolved: str = ""
    """Why nothing is known of what is left."""
    phased: Phased | None = None


def resolve(
    a: Sequence[Edit], b: Sequence[Edit], around: Sequence[Both], bases: Bases | None
) -> Resolved:
    """Looks for the same chromosomes in a block.

    ``a`` and ``b`` are left over by the simple match; ``around`` are edits between them that both
    have as they are. One side may have none: an insertion and a deletion may undo each other.
    """
    kept, left = list(around), (list(a), list(b))
    if _is_told_by_text(a, b, around):
        return Resolved(kept, ([], []), left)
    if why := _unknowable(a, b, bases):
        return Resolved(kept, ([], []), left, why)
    if len(a) + len(b) == 1 or bases is None:
        return Resolved(kept, ([], []), left)
    symbols = [both for both in around if both[0].kind is Kind.SYMBOLIC]
    around = [both for both in around if both[0].kind is not Kind.SYMBOLIC]
    ones, twos = [*a, *(one for one, _ in around)], [*b, *(two for _, two in around)]
    if _have_other_ploidies(ones, twos):
        return Resolved(kept, ([], []), left)
    try:
        resolved = _replayed(ones, twos, bases)
    except TooMany as error:
        return Resolved(kept, ([], []), left, str(error))
    return resolved._replace(same=[*symbols, *resolved.same])


def _unknowable(a: Sequence[Edit], b: Sequence[Edit], bases: Bases | None) -> str:
    """Why nothing can be known of a block before it is replayed; "" if it can."""
    if bases is None:
        return "no reference sequence was given"
    if not all(edit.is_bound for edit in (*a, *b)):
        return "an insertion or deletion is in too long a repeat"
    return ""


def _have_other_ploidies(a: Sequence[Edit], b: Sequence[Edit]) -> bool:
    """Whether A has one copy throughout and B two, or the other way round: nothing can match."""
    ploidies = [{edit.ploidy for edit in edits} for edits in (a, b)]
    return ploidies in ([{1}, {2}], [{2}, {1}])


def _replayed(a: Sequence[Edit], b: Sequence[Edit], bases: Bases) -> Resolved:
    """What a replay of all edits tells. Raises TooMany, which says why it tells nothing."""
    if {edit.ploidy for edit in (*a, *b)} not in _PLOIDIES:
        raise TooMany("the number of copies is not one, or two, in all calls here")
    low = min(edit.start for edit in (*a, *b))
    high = max(edit.end for edit in (*a, *b))
    if high - low > LONGEST_BLOCK:
        raise TooMany(f"the calls here reach over {high - low} bases")
    reference = bases((a or b)[0].record.contig, low, high)
    return _sorted_out(a, b, replay(a, b, reference, low), reference, low)


def _is_told_by_text(a: Sequence[Edit], b: Sequence[Edit], around: Sequence[Both]) -> bool:
    """Whether the alleles as they are written tell all: of symbols there is nothing else."""
    if any(edit.kind is Kind.SYMBOLIC for edit in (*a, *b)):
        return True
    return _is_genotype_alone(a, b, around) or _are_snvs(a, b, around)


def _is_genotype_alone(a: Sequence[Edit], b: Sequence[Edit], around: Sequence[Both]) -> bool:
    """Whether the block is one allele in other numbers of copies, and nothing else."""
    return len(a) == len(b) == 1 and not around and a[0].key == b[0].key


def _are_snvs(a: Sequence[Edit], b: Sequence[Edit], around: Sequence[Both]) -> bool:
    """Whether all edits are of single bases, so that each base stands for itself.

    Not where several are at one base, or where phase says more than the alleles.
    """
    edits = (*a, *b, *(edit for both in around for edit in both))
    if any(edit.kind is not Kind.SNV for edit in edits) or any(
        edit.is_het and edit.group[0] == "set" for edit in edits
    ):
        return False
    return all(len({e.key for e in side}) == len(side) for side in (a, b))


def _sorted_out(
    a: Sequence[Edit], b: Sequence[Edit], found: Replay, reference: str, start: int
) -> Resolved:
    """Divides a replay's edits into those that are the same anyway, and those written otherwise."""
    twins = {b[number].text: number for number in found.b}
    same = [(n, twins[a[n].text]) for n in found.a if a[n].text in twins]
    ones, twos = {one for one, _ in same}, {two for _, two in same}
    phased = None
    if found == (frozenset(range(len(a))), frozenset(range(len(b)))) and (
        way := orientation(a, b, reference, start)
    ):
        phased = Phased(max(edit.start for edit in (*a, *b)), way[:2], way[2])
    return Resolved(
        [(a[one], b[two]) for one, two in same],
        (
            [a[n] for n in sorted(found.a - ones)],
            [b[n] for n in sorted(found.b - twos)],
        ),
        (
            [edit for n, edit in enumerate(a) if n not in found.a],
            [edit for n, edit in enumerate(b) if n not in found.b],
        ),
        phased=phased,
    )
