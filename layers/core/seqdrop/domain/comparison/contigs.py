"""Which contigs of two files are the same sequence."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from seqdrop.domain.bed import listed
from seqdrop.domain.comparison.headers import Contig
from seqdrop.domain.errors import InvalidInput

BY_NAME_ALONE = "contigs were matched by name and length alone"
"""How a warning begins: of sequences that nobody has compared."""


@dataclass(frozen=True)
class ContigMatch:
    """The contigs of A by those of B; names that neither file declares match by name."""

    a: Mapping[str, Contig]
    b: Mapping[str, Contig]
    to_b: Mapping[str, str]
    to_a: Mapping[str, str]
    changed: Mapping[str, str] = field(default_factory=dict)
    """Names that both have for different sequences, with the reason."""
    warnings: tuple[str, ...] = ()

    def in_b(self, name: str) -> str | None:
        """The contig of B that is A's contig; None if B has no such sequence."""
        undeclared = name not in self.a or not self.b
        return self.to_b.get(name, name if undeclared and name not in self.to_a else None)

    def in_a(self, name: str) -> str | None:
        """The contig of A that is B's contig; None if A has no such sequence."""
        undeclared = name not in self.b or not self.a
        return self.to_a.get(name, name if undeclared and name not in self.to_b else None)

    @property
    def is_in_order(self) -> bool:
        """Whether both files declare the contigs that they share in one order."""
        ranks = {name: rank for rank, name in enumerate(self.b)}
        shared = [ranks[two] for name in self.a if (two := self.to_b.get(name)) in ranks]
        return shared == sorted(shared)


def known_contigs(
    given: Mapping[str, Contig], declared: Mapping[str, Contig], file: str
) -> dict[str, Contig]:
    """What is known of a file's contigs: of its sequence, and by its header.

    Raises InvalidInput where they can't be of one sequence.
    """
    for name, contig in declared.items():
        other = given.get(name)
        if other and contig.length and other.length and contig.length != other.length:
            raise InvalidInput(
                f"{file} says that {name} has {contig.length} bases, its sequence has "
                f"{other.length}",
                "give the sequence that the calls were made with",
            )
    merged = dict(given or declared)
    for name, contig in merged.items():
        said = declared.get(name, Contig())
        merged[name] = Contig(contig.length or said.length, contig.md5 or said.md5)
    return merged


def match_contigs(a: Mapping[str, Contig], b: Mapping[str, Contig]) -> ContigMatch:
    """Matches contigs by checksum, and those that have none by name and length."""
    to_b: dict[str, str] = {}
    changed: dict[str, str] = {}
    unchecked = []
    for name in a.keys() & b.keys():
        one, two = a[name], b[name]
        if one.md5 and two.md5:
            if one.md5 == two.md5:
                to_b[name] = name
            else:
                changed[name] = "its bases are not the same in both sequences"
        elif one.length and two.length and one.length != two.length:
            changed[name] = f"it has {one.length} bases in A and {two.length} in B"
        else:
            to_b[name] = name
            unchecked.append(name)
    to_b |= _renamed(a, b, to_b)
    changed = {name: why for name, why in changed.items() if name not in to_b}
    warnings = []
    if unchecked:
        names = [name for name in a if name in set(unchecked)]
        warnings.append(f"{BY_NAME_ALONE}, their bases were not compared: {listed(names)}")
    to_a = {two: one for one, two in to_b.items()}
    return ContigMatch(a, b, to_b, to_a, changed, tuple(warnings))


def _renamed(
    a: Mapping[str, Contig], b: Mapping[str, Contig], known: Mapping[str, str]
) -> dict[str, str]:
    """Contigs with the same checksum under another name; none that is there twice."""
    taken = set(known.values())
    names: dict[str, list[str]] = {}
    for name, contig in b.items():
        if contig.md5 and name not in taken:
            names.setdefault(contig.md5, []).append(name)
    mine: dict[str, list[str]] = {}
    for name, contig in a.items():
        if contig.md5 and name not in known:
            mine.setdefault(contig.md5, []).append(name)
    return {
        ones[0]: names[md5][0]
        for md5, ones in mine.items()
        if len(ones) == 1 and len(names.get(md5, ())) == 1
    }
