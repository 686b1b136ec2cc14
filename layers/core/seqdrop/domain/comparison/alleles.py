"""Genotypes as edits of the sequence: split by allele, trimmed, and moved to the left."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

from seqdrop.domain.comparison.report import Kind

Bases = Callable[[str, int, int], str]
"""Bases of a contig from start to end (0-based, half-open), in capitals."""
MAX_SHIFT = 10_000
"""How far an insertion or deletion is followed to the left through a repeat, in bases."""
_FIRST_STEP = 64
Group = tuple[str, str | int]
"""``set`` and a phase set's name, or ``line`` and the number of an unphased record."""
_SEPARATOR = re.compile(r"[/|]")
NO_EDIT = frozenset({"*", "<*>", "<NON_REF>", "<X>", "."})
"""What stands in ALT for no allele of the record's own."""
_OLD_ALTS = re.compile(r"(?<![^;])OLD_REC=[^;]*\|([^|;]*)\|\d+(?=;|$)")
_EXTENT = re.compile(r"(?<![^;])(END|SVLEN|END2|CHR2)=([^;]*)")


class Record(NamedTuple):
    """A line of a VCF, with one sample's genotype."""

    number: int
    """Of the line in its file."""
    contig: str
    position: int
    """1-based."""
    name: str
    """The column ID."""
    ref: str
    alts: tuple[str, ...]
    filters: str
    passed: bool
    info: str
    genotype: str
    phase_set: str


class Edit(NamedTuple):
    """One allele of a genotype: bases that are replaced in some of the sample's copies."""

    record: Record
    start: int
    """0-based; as the record has it, without the bases that REF and ALT share."""
    ref: str
    alt: str
    left: int
    """Where it starts at its leftmost place; ``ref`` and ``alt`` there are in ``key``."""
    key: tuple[int, str, str]
    copies: int
    ploidy: int
    is_open: bool
    """Whether another copy of the genotype is unknown."""
    group: Group
    """Edits of one group have known places on chromosomes relative to each other."""
    places: tuple[int, ...]
    """The copies that have it, numbered within the group."""
    kind: Kind
    is_bound: bool = True
    """False where the leftmost place is not known: the repeat is longer than ``MAX_SHIFT``."""

    @property
    def end(self) -> int:
        """Where it ends: 0-based, the base after it."""
        return self.start + len(self.ref)

    @property
    def is_het(self) -> bool:
        """Whether some copies have it, and others do not."""
        return self.copies < self.ploidy

    @property
    def genotype(self) -> str:
        """Of this allele alone, without phase."""
        if self.is_open:
            return "/".join(["."] * (self.ploidy - self.copies) + ["1"] * self.copies)
        return "/".join(["0"] * (self.ploidy - self.copies) + ["1"] * self.copies)

    @property
    def text(self) -> tuple[int, str, str, int, int, bool]:
        """What makes two edits the very same one."""
        return self.start, self.ref, self.alt, self.copies, self.ploidy, self.is_open


class Genotype(NamedTuple):
    """A genotype's alleles, in their order; None where one is missing."""

    alleles: tuple[int | None, ...]
    is_phased: bool

    @property
    def is_missing(self) -> bool:
        """Whether nothing is called."""
        return all(allele is None for allele in self.alleles)

    @property
    def highest(self) -> int:
        """The highest number of an allele."""
        return max((allele for allele in self.alleles if allele is not None), default=0)


@cache
def parse_genotype(text: str) -> Genotype:
    """Reads GT. Raises ValueError."""
    parts = _SEPARATOR.split(text)
    alleles = tuple(None if part == "." else int(part) for part in parts)
    return Genotype(alleles, "|" in text and "/" not in text)


def trimmed(start: int, ref: str, alt: str) -> tuple[int, str, str]:
    """An allele without the bases that REF and ALT share, first at the start, then at the end.

    So the base that VCF writes before an insertion or deletion stays before it.
    """
    front = _shared(ref, alt)
    ref, alt = ref[front:], alt[front:]
    back = _shared(ref[::-1], alt[::-1])
    return start + front, ref[: len(ref) - back], alt[: len(alt) - back]


def _trimmed_left(start: int, ref: str, alt: str) -> tuple[int, str, str]:
    """The same, as far to the left as the record itself shows."""
    back = _shared(ref[::-1], alt[::-1])
    ref, alt = ref[: len(ref) - back], alt[: len(alt) - back]
    front = _shared(ref, alt)
    return start + front, ref[front:], alt[front:]


def _shared(one: str, two: str) -> int:
    """With how many equal letters both begin."""
    shared = 0
    for x, y in zip(one, two, strict=False):
        if x != y:
            break
        shared += 1
    return shared


def moved_left(
    contig: str, start: int, ref: str, alt: str, bases: Bases
) -> tuple[int, str, str] | None:
    """A trimmed insertion or deletion at its leftmost place; None if that is too far away."""
    if ref and alt:
        return start, ref, alt
    moved = ref or alt
    shift = _shift(contig, start, moved, bases)
    if shift is None:
        return None
    turn = shift % len(moved)
    turned = moved[-turn:] + moved[:-turn] if turn else moved
    return (start - shift, turned, "") if ref else (start - shift, "", turned)


def _shift(contig: str, start: int, moved: str, bases: Bases) -> int | None:
    """How many bases it can go to the left."""
    length, shift, step = len(moved), 0, _FIRST_STEP
    while shift < min(start, MAX_SHIFT):
        step = min(step, MAX_SHIFT - shift)
        before = bases(contig, max(0, start - shift - step), start - shift)
        if not before:
            return None
        for base in reversed(before):
            if base != moved[(-1 - shift) % length]:
                return shift
            shift += 1
        step *= 4
    return shift if shift == start else None


def kind_of(ref: str, alt: str) -> Kind:
    """The class of an allele that is trimmed."""
    if not ref:
        return Kind.INSERTION
    if not alt:
        return Kind.DELETION
    return Kind.SNV if len(ref) == len(alt) == 1 else Kind.COMPLEX


def is_symbolic(alt: str) -> bool:
    """Whether an ALT is no bases: ``<DEL>``, a breakend, or a single one."""
    return alt[0] in "<[].*" or alt[-1] in "[]." or "[" in alt or "]" in alt


def edits_of(record: Record, bases: Bases | None) -> Iterator[Edit]:
    """The edits that a record's genotype makes; without ``bases`` they stay where they are."""
    genotype = parse_genotype(record.genotype)
    called = [allele for allele in genotype.alleles if allele is not None]
    is_open = len(called) < len(genotype.alleles) and not _was_split(record.info)
    group: Group = ("line", record.number)
    if genotype.is_phased:
        group = ("set", record.phase_set)
    for number in dict.fromkeys(called):
        alt = record.alts[number - 1] if number else "."
        if alt in NO_EDIT or alt == record.ref:
            continue
        places = tuple(at for at, allele in enumerate(genotype.alleles) if allele == number)
        copies, ploidy = len(places), len(genotype.alleles)
        start = record.position - 1
        if is_symbolic(alt):
            text = f"{alt} {' '.join('='.join(pair) for pair in _EXTENT.findall(record.info))}"
            key = (start, record.ref, text.strip())
            yield Edit(
                record, *key, start, key, copies, ploidy, is_open, group, places, Kind.SYMBOLIC
            )
            continue
        key = trimmed(start, record.ref, alt)
        shifted: tuple[int, str, str] | None = _trimmed_left(start, record.ref, alt)
        if bases:
            shifted = moved_left(record.contig, *key, bases)
        left = shifted[0] if shifted else max(0, start - MAX_SHIFT)
        yield Edit(
            record, *key, left, shifted or key, copies, ploidy, is_open, group, places,
            kind_of(*key[1:]), shifted is not None,
        )  # fmt: skip


def _was_split(info: str) -> bool:
    """Whether `bcftools norm` made several records of one: the other copy is in another."""
    old = _OLD_ALTS.search(info)
    return bool(old and "," in old[1])
