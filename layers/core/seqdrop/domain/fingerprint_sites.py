"""The sites of a fingerprint: common SNPs at which samples are told apart, as a VCF.

Tools take almost anything for a list of positions, and one of another assembly would give every
sample a fingerprint of errors. So the file is read by these rules once, when it is added, and
stored as plain lines, sorted as the sequence is.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

from seqdrop.domain.bases import Bases
from seqdrop.domain.bed import listed, renamed
from seqdrop.domain.errors import InvalidReference
from seqdrop.domain.problems import Problems
from seqdrop.domain.text import not_a_line, unprintable

PART = "fingerprint"
"""The part of a reference."""
FILE = "fingerprint.vcf"
"""Its path for the tools."""
FEWEST_SITES = 20
"""Two dozen good SNPs tell all people apart (Pengelly et al. 2013, doi:10.1186/gm492)."""
MOST_SITES = 100_000
"""Far more than identity or contamination can use; each site is one look into the alignment."""
_RAREST, _MOST_COMMON = 0.05, 0.95
"""Outside of these ALT's frequency says that nearly all people have the same genotype: at 0.05,
nine of ten are 0/0 by Hardy and Weinberg, and one site in six tells two people apart."""
_NEIGHBOURS = 10_000
"""Bases within which alleles are inherited together: blocks have 9,000 on average in people of
African, 18,000 of European and Asian descent (Gabriel et al. 2002, doi:10.1126/science.1069424)."""
HEADER = (
    "##fileformat=VCFv4.2",
    '##INFO=<ID=AF,Number=A,Type=Float,Description="Frequency of ALT">',
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO",
)

BASES = frozenset("ACGT")
POSITION = re.compile(r"[1-9][0-9]{0,17}")
OTHER_COPIES = re.compile(r"(chr)?(X|Y|M|MT)")
"""Contigs that cells have in other numbers than the autosomes."""

_COLUMNS = 8


class Site(NamedTuple):
    """A SNP with two alleles."""

    contig: str
    position: int
    """1-based."""
    ref: str
    alt: str
    frequency: float | None = None
    """Of ALT in the population, where the file says it (INFO/AF)."""
    name: str = "."
    line: int = 0

    @property
    def id(self) -> str:
        """How a fingerprint names the site, whatever the reference is called."""
        return f"{self.contig}:{self.position}:{self.ref}:{self.alt}"


class SitesContent(NamedTuple):
    """What a VCF of sites says, for a given sequence."""

    sites: list[Site]
    """In the order of the sequence."""
    lines: list[str]
    """The file as it is stored, header and all; without line ends."""
    warnings: list[str]


def parse_sites(
    lines: Iterable[str], lengths: Mapping[str, int] | None = None, file: str = FILE
) -> SitesContent:
    """Reads a VCF of sites for a sequence with contigs of these lengths; ``None``: of any.

    ``None`` is for a part of a version, which was judged when it was added: how good its sites
    are is not asked again. Line ends may be there or not. Raises InvalidReference, which names
    the file's wrong lines.
    """
    reader = _Reader(lengths, file)
    for number, line in enumerate(lines, 1):
        reader.read(number, line.rstrip("\r\n"))
    return reader.finish()


def check_bases(sites: Iterable[Site], bases: Bases, file: str = FILE) -> None:
    """Raises InvalidReference where the sequence does not have a site's REF."""
    problems = Problems(file)
    for site in sorted(sites, key=lambda site: site.line):
        base = bases.read(site.contig, site.position - 1, site.position).decode("ascii", "replace")
        if base != site.ref:
            problems.add(
                site.line,
                f"has {site.ref} for its REF, but the sequence has {base} at "
                f"{site.contig}:{site.position}: give the sites of this very assembly",
            )
    problems.raise_any()


class _Reader:
    """Takes line after line; what is wrong is collected, so that one message names it all."""

    def __init__(self, lengths: Mapping[str, int] | None, file: str) -> None:
        self._lengths, self._file = lengths, file
        self._sites: list[Site] = []
        self._problems = Problems(file)
        self._seen: dict[tuple[str, int], int] = {}
        self._left_out: dict[str, int] = {}

    def read(self, number: int, text: str) -> None:
        if number == 1 and not text.startswith("##fileformat=VCF"):
            raise InvalidReference(
                f"{self._file}, line 1 is not '##fileformat=VCF…', with which every VCF begins: "
                "give the sites as VCF, in UTF-8 without a byte order mark"
            )
        if text.startswith("#"):
            return
        problem = not_a_line(text, number) or unprintable(text)
        if problem := problem or self._read_site(number, text.split("\t")):
            self._problems.add(number, problem)

    def _read_site(self, number: int, fields: list[str]) -> str:
        """Keeps a line's site, or says what is wrong with the line."""
        if len(fields) < _COLUMNS:
            return (
                f"has {len(fields)} columns: give CHROM, POS, ID, REF, ALT, QUAL, FILTER and INFO, "
                "divided by tabs"
            )
        contig, position, name, ref, alt = fields[0], fields[1], fields[2], fields[3], fields[4]
        problem = self._wrong_place(contig, position) or _wrong_alleles(ref.upper(), alt.upper())
        if problem:
            return problem
        place = contig, int(position)
        before = self._seen.setdefault(place, number)
        if before != number:
            return f"is at {contig}:{position} as line {before} is: keep one"
        frequency, problem = _frequency(fields[7])
        if problem:
            return problem
        if OTHER_COPIES.fullmatch(contig):
            self._left_out[contig] = self._left_out.get(contig, 0) + 1
        else:
            self._sites.append(Site(*place, ref.upper(), alt.upper(), frequency, name, number))
        return ""

    def _wrong_place(self, contig: str, position: str) -> str:
        if not POSITION.fullmatch(position):
            return f"has {position!r} for its position, which is no whole number from 1 on"
        if self._lengths is None:
            return ""
        length = self._lengths.get(contig)
        if length is None:
            said = renamed([contig], self._lengths)
            return f"is on {contig!r}, which the sequence does not have{said}: delete the line"
        if int(position) > length:
            return f"is at {contig}:{position}, past the contig's end ({length})"
        return ""

    def finish(self) -> SitesContent:
        self._problems.raise_any()
        if not FEWEST_SITES <= len(self._sites) <= MOST_SITES:
            raise InvalidReference(
                f"{self._file} has {len(self._sites)} sites outside of X, Y and the mitochondria: "
                f"give {FEWEST_SITES} to {MOST_SITES:,}"
            )
        if self._lengths is not None:
            self._look_at_frequencies()
        order = {contig: number for number, contig in enumerate(self._lengths or self._contigs())}
        sites = sorted(self._sites, key=lambda site: (order[site.contig], site.position))
        warnings = [*self._warnings(), *_neighbours(sites, self._file)]
        return SitesContent(sites, [*HEADER, *map(_line, sites)], warnings)

    def _look_at_frequencies(self) -> None:
        """Refuses sites at which nearly all people are alike."""
        common = len(self._sites) - self._rare()
        if common < FEWEST_SITES:
            raise InvalidReference(
                f"{self._file} has {_count(self._rare(), 'site')} whose AF is below {_RAREST} or "
                f"above {_MOST_COMMON}, where nearly all people are alike, and {common} others: "
                f"different people would agree; give at least {FEWEST_SITES} common SNPs, best "
                "with an AF of 0.2 to 0.8"
            )

    def _rare(self) -> int:
        return sum(not is_common(site.frequency) for site in self._sites)

    def _contigs(self) -> dict[str, None]:
        return dict.fromkeys(site.contig for site in self._sites)

    def _warnings(self) -> Iterator[str]:
        if self._left_out:
            count = sum(self._left_out.values())
            contigs = listed([*self._left_out])
            yield (
                f"{self._file} has {_count(count, 'site')} on {contigs}, which cells "
                "have in other numbers than the autosomes: left out"
            )
        if rare := self._rare():
            yield (
                f"{self._file} has {_count(rare, 'site')} whose AF is below {_RAREST} or above "
                f"{_MOST_COMMON}: nearly all people are alike there, so they tell nobody apart"
            )
        unknown = sum(site.frequency is None for site in self._sites)
        if unknown:
            yield (
                f"{self._file} has {_count(unknown, 'site')} without AF (the frequency "
                "of ALT) in INFO: the contamination of samples will be a lower bound"
            )


def is_common(frequency: float | None) -> bool:
    """Whether both alleles are, by that of ALT; a SNP without AF is taken for one."""
    return frequency is None or _RAREST <= frequency <= _MOST_COMMON


def _neighbours(sites: Iterable[Site], file: str) -> Iterator[str]:
    """The warning about sites that lie near the one before; they come in order."""
    count = sum(
        one.contig == other.contig and other.position - one.position <= _NEIGHBOURS
        for one, other in pairwise(sites)
    )
    if count:
        yield (
            f"{file} has {_count(count, 'site')} within {_NEIGHBOURS:,} bases of the one before: "
            "neighbours are inherited together, so they count as fewer"
        )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _line(site: Site) -> str:
    info = "." if site.frequency is None else f"AF={site.frequency:g}"
    return f"{site.contig}\t{site.position}\t{site.name}\t{site.ref}\t{site.alt}\t.\t.\t{info}"


def _wrong_alleles(ref: str, alt: str) -> str:
    if {ref, alt} <= BASES and ref != alt:
        return ""
    return (
        f"is no SNP with two alleles (REF {ref[:20]!r}, ALT {alt[:20]!r}): keep sites with one "
        "base in REF and another one in ALT"
    )


def _frequency(info: str) -> tuple[float | None, str]:
    """INFO/AF, and what is wrong with it."""
    text = next((field[3:] for field in info.split(";") if field.startswith("AF=")), ".")
    if text == ".":
        return None, ""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < 1:
        return None, f"has AF={text[:20]}: give the frequency of ALT, between 0 and 1, or none"
    return value, ""
