"""A made genome and a person's variants in it: all known beforehand, the same for a seed."""

import random
from dataclasses import dataclass, field

_BASES = bytes.maketrans(bytes(range(256)), (b"A" * 75 + b"T" * 75 + b"C" * 53 + b"G" * 53))
"""Any byte to a base: 41 % GC, as in a human genome."""
_OTHER_BASES = {"A": "CGT", "C": "AGT", "G": "ACT", "T": "ACG"}
_REPEAT_EACH = 40_000
"""One repeat (three copies of 600 bases) for so many bases."""
_REPEAT_BASES = 600
_KEEP_OFF = 300
"""How far variants stay from repeats and ends: half an insert, so that a mate is outside."""
_LONGEST_INDEL = 8
_LONGEST_SHIFT = 3
"""Indels that may lie in more places than this are not planted: callers differ in them."""


@dataclass(frozen=True, order=True)
class Variant:
    """One alternative allele, left-normalised; the position counts from 1, as in a VCF."""

    contig: str
    position: int
    ref: str
    alt: str
    genotype: str
    """``het`` or ``hom``."""

    @property
    def allele(self) -> tuple[str, int, str, str]:
        """What the variant is, without who has it."""
        return self.contig, self.position, self.ref, self.alt

    @property
    def kind(self) -> str:
        """``SNP`` or ``indel``."""
        return "SNP" if len(self.ref) == len(self.alt) else "indel"


@dataclass(frozen=True)
class Genome:
    """Contigs by name, and where their repeats are (from, to; counted from 0)."""

    contigs: dict[str, str]
    repeats: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    @property
    def bases(self) -> int:
        """The length of all contigs."""
        return sum(map(len, self.contigs.values()))

    def fasta(self) -> str:
        """The genome as FASTA, 60 bases a line."""
        lines = []
        for name, bases in self.contigs.items():
            lines.append(f">{name}")
            lines += [bases[start : start + 60] for start in range(0, len(bases), 60)]
        return "\n".join(lines) + "\n"


def seeded(*seed: object) -> random.Random:
    """A source of chance that gives the same for the same seed, on every Python."""
    return random.Random("/".join(map(str, seed)))  # noqa: S311  # simulation, no secret


def make_genome(seed: int, lengths: dict[str, int]) -> Genome:
    """Random bases with a few repeats, contigs by name and length."""
    contigs, repeats = {}, {}
    for name, length in lengths.items():
        chance = seeded(seed, "genome", name)
        bases = bytearray(chance.randbytes(length).translate(_BASES))
        repeats[name] = _copy_repeats(bases, chance)
        contigs[name] = bases.decode()
    return Genome(contigs, repeats)


def _copy_repeats(bases: bytearray, chance: random.Random) -> list[tuple[int, int]]:
    """Copies some stretches twice over, and returns where all the copies are."""
    spans = []
    for _ in range(len(bases) // _REPEAT_EACH):
        starts = [chance.randrange(len(bases) - _REPEAT_BASES) for _ in range(3)]
        pattern = bytes(bases[starts[0] : starts[0] + _REPEAT_BASES])
        for start in starts:
            bases[start : start + _REPEAT_BASES] = pattern
            spans.append((start, start + _REPEAT_BASES))
    return sorted(spans)


def plant_variants(
    genome: Genome, seed: int, *, every: int = 500, indel_share: float = 0.15
) -> list[Variant]:
    """Variants about ``every`` so many bases, in order; a third of them on both chromosomes."""
    chance = seeded(seed, "variants")
    planted = []
    for contig, bases in genome.contigs.items():
        keep_off = genome.repeats.get(contig, [])
        position = _KEEP_OFF
        while (position := position + chance.randint(every // 2, every * 3 // 2)) < (
            len(bases) - _KEEP_OFF
        ):
            if any(a - _KEEP_OFF < position < b + _KEEP_OFF for a, b in keep_off):
                continue
            change = _indel if chance.random() < indel_share else _snp
            ref, alt = change(bases, position, chance)
            genotype = "hom" if chance.random() < 1 / 3 else "het"
            if ref:
                planted.append(Variant(contig, position + 1, ref, alt, genotype))
    return planted


def _snp(bases: str, at: int, chance: random.Random) -> tuple[str, str]:
    return bases[at], chance.choice(_OTHER_BASES[bases[at]])


def _indel(bases: str, at: int, chance: random.Random) -> tuple[str, str]:
    """An insertion or deletion after base ``at``, or "" where it would not be left-normalised."""
    length = chance.randint(1, _LONGEST_INDEL)
    anchor = bases[at]
    if chance.random() < 0.5:
        changed = bases[at + 1 : at + 1 + length]
        after, ref, alt = at + 1 + length, anchor + changed, anchor
    else:
        changed = "".join(chance.choices("ACGT", k=length))
        after, ref, alt = at + 1, anchor, anchor + changed
    if changed[-1] == anchor or _shift(changed, bases, after) > _LONGEST_SHIFT:
        return "", ""
    return ref, alt


def _shift(changed: str, bases: str, after: int) -> int:
    """How far an indel could be moved to the right without a change of the sequence."""
    shift = 0
    while bases[after + shift] == changed[shift % len(changed)]:
        shift += 1
    return shift


def haplotypes(genome: Genome, variants: list[Variant], seed: int) -> list[dict[str, str]]:
    """Both chromosome sets of a person; each het variant is on one of them, by chance."""
    chance = seeded(seed, "phase")
    sets: list[dict[str, str]] = [{}, {}]
    carriers = [{0, 1} if v.genotype == "hom" else {chance.randrange(2)} for v in variants]
    for number, chromosomes in enumerate(sets):
        carried = [v for v, who in zip(variants, carriers, strict=True) if number in who]
        for contig, bases in genome.contigs.items():
            chromosomes[contig] = _apply(bases, [v for v in carried if v.contig == contig])
    return sets


def _apply(bases: str, variants: list[Variant]) -> str:
    pieces, end = [], 0
    for variant in variants:
        start = variant.position - 1
        pieces += [bases[end:start], variant.alt]
        end = start + len(variant.ref)
    return "".join([*pieces, bases[end:]])
