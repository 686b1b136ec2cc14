"""What kind of sequence it is: ALT contigs, decoys, HLA, and whether Y's share with X is masked."""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from seqdrop.domain.alt import is_alternate
from seqdrop.domain.bed import Region

_DECOY = re.compile(r".*_decoy|hs37d5|(chr)?EBV|NC_007605(\.\d+)?")
"""What takes reads that fit nowhere else: bwakit's decoys, those of 1000 Genomes for GRCh37 in one
contig, and the Epstein-Barr virus, which the makers of both put beside them."""
_Y = re.compile(r"(chr)?Y|(CM000686|NC_000024|CP086569|NC_060948)\.\d+")
"""Y as UCSC and Ensembl name it, and by its accessions in GRCh37, GRCh38 and CHM13v2.0."""
PAR_OF_Y: Mapping[int, tuple[tuple[int, int], tuple[int, int]]] = {
    57_227_415: ((10_000, 2_781_479), (56_887_902, 57_217_415)),  # GRCh38
    59_373_566: ((10_000, 2_649_520), (59_034_049, 59_363_566)),  # GRCh37
    62_460_029: ((0, 2_458_320), (62_122_809, 62_460_029)),  # CHM13v2.0
}
PAR_OF_X: Mapping[int, tuple[tuple[int, int], tuple[int, int]]] = {
    156_040_895: ((10_000, 2_781_479), (155_701_382, 156_030_895)),  # GRCh38
    155_270_560: ((60_000, 2_699_520), (154_931_043, 155_260_560)),  # GRCh37
}
"""PAR1 and PAR2 of Y and of X by its length, from 0, as the Genome Reference Consortium and the T2T
consortium (``chm13v2.0_PAR.bed``) give them. No two assemblies have a Y, or an X, of one length."""


SIGNS = ("alt", "decoy", "hla", "par_mask")
"""By which sequences of one species differ."""


class ParMask(StrEnum):
    """Whether the pseudo-autosomal regions of Y, which are X's too, are N.

    Where they are not, reads fit both alike and have mapping quality 0.
    """

    MASKED = "masked"
    UNMASKED = "unmasked"
    PARTLY = "partly"
    """One of the two, or on one of several Y."""
    UNKNOWN = "unknown"
    """There is a Y, of a length that no assembly known here has."""
    NO_Y = "no_y"


class Flavour(msgspec.Struct, frozen=True):
    """What kind of contigs a sequence has."""

    contigs: int
    bases: int
    alt: int
    decoy: int
    hla: int
    uncertain: int | None
    """N; None of a version that was added before they were counted."""
    par_mask: ParMask | None = None
    """None of a version that was added before anybody looked."""


def flavour(
    lengths: Mapping[str, int],
    alternates: Iterable[str],
    uncertain: int | None,
    par_mask: ParMask | None = None,
) -> Flavour:
    """Contigs by their names; ``alternates`` are those known as ALT contigs by other signs."""
    named = set(alternates)
    hla = {name for name in lengths if name.startswith("HLA-")}
    decoy = {name for name in lengths if _DECOY.fullmatch(name)}
    alt = {name for name in lengths if is_alternate(name) or name in named} - hla - decoy
    bases = sum(lengths.values())
    return Flavour(len(lengths), bases, len(alt), len(decoy), len(hla), uncertain, par_mask)


def par_mask(lengths: Mapping[str, int], known: Iterable[Region]) -> ParMask:
    """Whether Y's regions are masked; ``known`` are the stretches without N."""
    of_y = {name: length for name, length in lengths.items() if _Y.fullmatch(name)}
    if not of_y:
        return ParMask.NO_Y
    if not PAR_OF_Y.keys() >= set(of_y.values()):
        return ParMask.UNKNOWN
    there = [region for region in known if region.contig in of_y]
    are_masked = {
        not any(one.contig == name and one.start < end and start < one.end for one in there)
        for name, length in of_y.items()
        for start, end in PAR_OF_Y[length]
    }
    if len(are_masked) > 1:
        return ParMask.PARTLY
    return ParMask.MASKED if are_masked.pop() else ParMask.UNMASKED


class OtherFlavour(msgspec.Struct, frozen=True):
    """A sign that is another one in a later version."""

    before: int | str
    after: int | str


def other_flavour(before: Flavour | None, after: Flavour | None) -> dict[str, OtherFlavour]:
    """The signs that differ, of those that are known of both."""
    found = {}
    for sign in SIGNS:
        one, other = getattr(before, sign, None), getattr(after, sign, None)
        if one is not None and other is not None and one != other:
            found[sign] = OtherFlavour(one, other)
    return found
