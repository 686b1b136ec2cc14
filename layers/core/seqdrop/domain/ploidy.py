"""Of what there is one copy: X and Y of a person who has both, outside their shared regions.

A reference says in ``par.bed`` where X and Y share sequence (the pseudo-autosomal regions): there,
everybody has two copies. Whether somebody has one copy of the rest is measured, from depth.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from seqdrop.domain.bed import Region, listed, merged, parse_bed, without
from seqdrop.domain.blocks_between import END, ReferenceBase, piece
from seqdrop.domain.errors import InvalidReference
from seqdrop.domain.flavour import PAR_OF_Y

PART = "par"
FILE = "par.bed"
X, Y = ("X", "chrX"), ("Y", "chrY")
"""Their names, of which a sequence has one each."""
_PAR_OF_X: Mapping[int, tuple[tuple[int, int], tuple[int, int]]] = {
    156_040_895: ((10_000, 2_781_479), (155_701_382, 156_030_895)),  # GRCh38
    155_270_560: ((60_000, 2_699_520), (154_931_043, 155_260_560)),  # GRCh37
}
"""PAR1 and PAR2 of X by its length, from 0, as the Genome Reference Consortium gives them."""
_POS, _REF, _ALT, _INFO, _SAMPLE = 1, 3, 4, 7, 9


def parse_par(lines: Iterable[str], lengths: Mapping[str, int], file: str) -> list[str]:
    """The regions' lines, divided by tabs, without line ends, for contigs of these lengths.

    Raises InvalidReference for what no BED may hold, for regions of other contigs than X and Y, or
    of one of them alone, for a contig that is covered whole, and for others than those that are
    known of GRCh37, GRCh38 and, of Y, CHM13.
    """
    bed = parse_bed(lines, lengths, file)
    strange = {region.contig for region in bed.regions} - {*X, *Y}
    if bed.left_out or strange:
        raise InvalidReference(
            f"{file} has regions that are not of X and Y in this sequence: "
            f"{listed(sorted(strange)) or listed(bed.left_out)}: take the file that was made for "
            "it, with contigs called X and Y or chrX and chrY"
        )
    there = {region.contig: region for region in bed.regions}
    if len(there) != len((X, Y)) or there.keys() <= set(X) or there.keys() <= set(Y):
        raise InvalidReference(
            f"{file} has regions of {listed(sorted(there)) or 'no contig'}: give those of both, X "
            "and Y, each as the contig has them"
        )
    for contig in there:
        _check_known(contig, [r for r in bed.regions if r.contig == contig], lengths[contig], file)
    if {region.contig for region in one_copy(bed.regions, lengths)} != there.keys():
        raise InvalidReference(
            f"{file} covers a whole contig: give the regions that X and Y share, not the contigs"
        )
    return bed.lines


def _check_known(contig: str, given: list[Region], length: int, file: str) -> None:
    """Where they end to the telomeres is nobody's matter: there, the sequence is N."""
    known = (_PAR_OF_X if contig in X else PAR_OF_Y).get(length)
    if known is None:
        return
    (first, inner), (other, last) = known
    regions = merged(given)
    fits = (
        len(regions) == len(known)
        and regions[0].start <= first
        and (regions[0].end, regions[1].start) == (inner, other)
        and regions[1].end >= last
    )
    if not fits:
        raise InvalidReference(
            f"{file} has other regions of {contig} than its assembly: those of a contig of "
            f"{length:,} bases are {contig}:{first}-{inner} and {contig}:{other}-{last}"
        )


def one_copy(par: Iterable[Region], lengths: Mapping[str, int]) -> list[Region]:
    """X and Y without their shared regions, in the order in which ``par`` has the contigs."""
    shared = merged(par)
    contigs = dict.fromkeys(region.contig for region in shared)
    return without((Region(name, 0, lengths[name]) for name in contigs), shared)


def with_ploidy(
    lines: Iterable[str], haploid: Sequence[Region], base: ReferenceBase
) -> Iterator[str]:
    """Records as they are where there are so many copies: blocks end where these change.

    bcftools gives a block the ploidy of its first base, however far it goes. Raises ValueError
    where a variant was called with another number of copies than was asked for.
    """
    copies = _Copies(haploid)
    for line in lines:
        fields = line.rstrip("\n").split("\t")
        contig, start = fields[0], int(fields[_POS]) - 1
        if fields[_ALT] != ".":
            copies.check(contig, start, start + len(fields[_REF]) + 1, fields[_SAMPLE])
            yield line
            continue
        found = END.search(fields[_INFO])
        end = int(found[1]) if found else start + 1
        for first, last in copies.parts(contig, start, end):
            part = piece(fields, start, first, last, base)
            genotype, colon, rest = part[_SAMPLE].partition(":")
            allele = genotype[0]  # of a block, all are the same
            part[_SAMPLE] = "/".join([allele] * copies.at(contig, first)) + colon + rest
            yield "\t".join(part) + "\n"


class _Copies:
    """How many copies there are, by place."""

    def __init__(self, haploid: Iterable[Region]) -> None:
        self._of: dict[str, list[Region]] = {}
        for region in merged(haploid):
            self._of.setdefault(region.contig, []).append(region)

    def at(self, contig: str, place: int) -> int:
        return 1 if any(r.start <= place < r.end for r in self._of.get(contig, ())) else 2

    def parts(self, contig: str, start: int, end: int) -> Iterator[tuple[int, int]]:
        """A stretch, cut where the number changes."""
        borders = (place for r in self._of.get(contig, ()) for place in (r.start, r.end))
        cuts = [start, *(place for place in borders if start < place < end), end]
        yield from pairwise(cuts)

    def check(self, contig: str, start: int, end: int, sample: str) -> None:
        """Where the number changes within a record or behind it, either will do: of an indel one
        caller goes by the base before it, another by the first that changes."""
        genotype = sample.partition(":")[0]
        asked = {self.at(contig, first) for first, _ in self.parts(contig, start, end)}
        called = genotype.count("/") + genotype.count("|") + 1
        if called not in asked and genotype != ".":
            raise ValueError(
                f"{contig}:{start + 1} was called with {called} alleles, and there should be "
                + " or ".join(map(str, sorted(asked)))
            )
