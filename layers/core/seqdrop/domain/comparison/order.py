"""In which order the contigs of two files are gone through."""

from collections.abc import Iterator

from seqdrop.domain.comparison.alleles import Bases
from seqdrop.domain.comparison.callfile import CallFile
from seqdrop.domain.comparison.contigs import ContigMatch
from seqdrop.domain.errors import InvalidInput

Pair = tuple[str | None, str | None]
"""A contig of A, and its like of B; None where a file has no call of it."""


def contig_pairs(a: CallFile, b: CallFile, match: ContigMatch) -> Iterator[Pair]:
    """All contigs that have calls, in A's order; each has to be read before the next is asked for.

    Files whose headers have the contigs in one order are read side by side. Otherwise B is read by
    its index. Raises InvalidInput where it has none.
    """
    pairs = _SideBySide(a, b, match).pairs()
    if not match.is_in_order and b.is_indexed:
        pairs = _by_index(a, b, match)
    for one, two in pairs:
        if one is not None:
            a.begin(one)
        if two is not None:
            b.begin(two)
        yield one, two


def _by_index(a: CallFile, b: CallFile, match: ContigMatch) -> Iterator[Pair]:
    """Goes to each contig of B. What follows it must be in the index too: so none is left out."""
    b.check_index()
    while (one := a.next_contig()) is not None:
        two = match.in_b(one)
        if two is None or not b.go_to(two):
            yield one, None
            continue
        yield one, two
        b.check_index()
    for two in b.unread():
        b.go_to(two)
        yield None, two
        b.check_index()


class _SideBySide:
    """Reads on in that file whose contig comes first."""

    def __init__(self, a: CallFile, b: CallFile, match: ContigMatch) -> None:
        self._a, self._b, self._match = a, b, match

    def pairs(self) -> Iterator[Pair]:
        while True:
            one, two = self._a.next_contig(), self._b.next_contig()
            if one is None and two is None:
                return
            pair = self._next(one, two)
            self._look_at_repeats(*pair)
            yield pair

    def _next(self, one: str | None, two: str | None) -> Pair:
        if one is not None and two is not None and self._match.in_b(one) == two:
            return one, two
        if two is None or (one is not None and self._comes_first(one, two)):
            return one, None
        return None, two

    def _comes_first(self, one: str, two: str) -> bool:
        """Whether A's contig is dealt with before B's. Raises InvalidInput."""
        partner = self._match.in_a(two)
        if partner is None:
            return False
        if self._match.in_b(one) is None:
            return True
        ranks = {name: rank for rank, name in enumerate(self._match.a)}
        if self._a.has_seen(partner) or not {one, partner} <= ranks.keys():
            raise self._other_order(f"A has {one} where B has {two}")
        return ranks[one] < ranks[partner]

    def _look_at_repeats(self, one: str | None, two: str | None) -> None:
        """Raises InvalidInput where the other file had its part of the contig before.

        A contig that comes twice in one file is told by ``begin``.
        """
        if (one and self._a.has_seen(one)) or (two and self._b.has_seen(two)):
            return
        partner_b = self._match.in_b(one) if one is not None and two is None else None
        partner_a = self._match.in_a(two) if two is not None and one is None else None
        for file, partner in ((self._b, partner_b), (self._a, partner_a)):
            if partner is not None and file.has_seen(partner):
                raise self._other_order(f"{partner} came before in {file.file}")

    def _other_order(self, where: str) -> InvalidInput:
        return InvalidInput(
            f"{self._a.file} and {self._b.file} do not have their contigs in one order ({where})",
            "give B an index (`bcftools index -t`) and both headers their contigs in the order of "
            "their records, or sort one like the other",
        )


def bases_of_both(
    a: Bases | None, b: Bases | None, name_a: str | None, name_b: str | None
) -> tuple[Bases | None, Bases | None]:
    """The bases of a contig for each side; where one has no sequence, the other's serves."""
    one, two = _named(a, name_a), _named(b, name_b)
    if name_a is None or name_b is None:
        return one, two
    return one or two, two or one


def _named(bases: Bases | None, name: str | None) -> Bases | None:
    """The bases of one contig, by whatever name it is asked for."""
    if bases is None or name is None:
        return None
    return lambda _, start, end: bases(name, start, end)
