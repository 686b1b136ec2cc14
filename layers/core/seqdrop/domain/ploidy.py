"""Of what there is one copy: X and Y of a person who has both, outside their shared regions.

A reference says in ``par.bed`` where X and Y share sequence (the pseudo-autosomal regions): there,
everybody has two copies. Whether somebody has one copy of the rest is measured, from depth. Calls
are made for two copies, as everywhere, and settled here: a caller that is told of one copy takes
the reference even where most reads show another base (see the decision of 2026-11-30).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from seqdrop.domain.bed import Region, listed, merged, parse_bed, without
from seqdrop.domain.blocks_between import END, ReferenceBase, piece
from seqdrop.domain.errors import InvalidReference
from seqdrop.domain.flavour import PAR_OF_X, PAR_OF_Y

PART = "par"
FILE = "par.bed"
X, Y = ("X", "chrX"), ("Y", "chrY")
"""Their names, of which a sequence has one each."""
MIXED = "MixedAlleles"
MIXED_HEADER = (
    f"##FILTER=<ID={MIXED},Description="
    '"Two alleles where there is one copy: the genotype is as of two">'
)
_BY_GENOTYPE = {"PL", "GL"}
"""Values of FORMAT with one for each genotype."""
_SEPARATOR = re.compile(r"[/|]")
_POS, _REF, _ALT, _FILTER, _INFO, _FORMAT, _SAMPLE = 1, 3, 4, 6, 7, 8, 9


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
            f"{file} has regions that are not of this sequence's X and Y, or reach past their "
            f"ends: {listed([*sorted(strange), *bed.left_out])}: take the file that was made for "
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
    known = (PAR_OF_X if contig in X else PAR_OF_Y).get(length)
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


class Copies:
    """Calls for two copies, as they are where there may be one."""

    def __init__(self, haploid: Iterable[Region], base: ReferenceBase) -> None:
        """``haploid`` is what has one copy; ``base`` gives the sequence's bases."""
        self._base = base
        self._of: dict[str, list[Region]] = {}
        for region in merged(haploid):
            self._of.setdefault(region.contig, []).append(region)

    def split(self, lines: Iterable[str]) -> Iterator[str]:
        """Records whose blocks end where the number of copies changes, with as many alleles."""
        for line in lines:
            fields = line.rstrip("\n").split("\t")
            if fields[_ALT] != "." or fields[0] not in self._of:
                yield line
                continue
            start = int(fields[_POS]) - 1
            found = END.search(fields[_INFO])
            for first, last in self._parts(fields[0], start, int(found[1]) if found else start + 1):
                part = piece(fields, start, first, last, self._base)
                genotype, colon, rest = part[_SAMPLE].partition(":")
                allele = genotype[0]  # of a block, all are the same
                alleles = [allele] if self._is_one(fields[0], first) else [allele, allele]
                part[_SAMPLE] = "/".join(alleles) + colon + rest
                yield "\t".join(part) + "\n"

    def settle(self, line: str) -> str:
        """A record that was judged. Of one copy, one of two equal alleles stays; two others can't
        be: the call is left as it is, and is not PASS."""
        fields = line.rstrip("\n").split("\t")
        contig, ref, alts = fields[0], fields[_REF], fields[_ALT].split(",")
        is_anchored = all(alt[0] == ref[0] for alt in alts) and {len(ref), *map(len, alts)} != {1}
        changed = int(fields[_POS]) - 1 + is_anchored
        if fields[_ALT] == "." or not self._is_one(contig, changed):
            return line
        values = dict(zip(fields[_FORMAT].split(":"), fields[_SAMPLE].split(":"), strict=False))
        alleles = _SEPARATOR.split(values["GT"])
        if len(set(alleles)) > 1:
            before = [name for name in fields[_FILTER].split(";") if name not in {"PASS", "."}]
            fields[_FILTER] = ";".join([*before, MIXED])
            return "\t".join(fields) + "\n"
        values["GT"] = alleles[0]
        for name in _BY_GENOTYPE & values.keys():
            values[name] = _of_equal_alleles(values[name], len(alts) + 1)
        fields[_SAMPLE] = ":".join(values.values())
        fields[_INFO] = _with_one_copy(fields[_INFO], alleles[0], len(alts))
        return "\t".join(fields) + "\n"

    def _is_one(self, contig: str, place: int) -> bool:
        return any(r.start <= place < r.end for r in self._of.get(contig, ()))

    def _parts(self, contig: str, start: int, end: int) -> Iterator[tuple[int, int]]:
        """A stretch, cut where the number changes."""
        borders = (place for r in self._of[contig] for place in (r.start, r.end))
        yield from pairwise([start, *(place for place in borders if start < place < end), end])


def _of_equal_alleles(values: str, alleles: int) -> str:
    """Of a value for each genotype of two copies, those of two equal alleles, in their order.

    Genotype j/k has the place k(k+1)/2+j (VCF 4.3, 1.6.2).
    """
    given = values.split(",")
    if len(given) != alleles * (alleles + 1) // 2:
        return values  # missing
    return ",".join(given[k * (k + 3) // 2] for k in range(alleles))


def _with_one_copy(info: str, allele: str, alts: int) -> str:
    counts = ",".join("1" if str(number) == allele else "0" for number in range(1, alts + 1))
    now = {"AC": counts, "AN": "0" if allele == "." else "1"}
    parts = (text.partition("=") for text in info.split(";"))
    return ";".join(f"{name}{mark}{now.get(name, value)}" for name, mark, value in parts)
