"""A VCF of a sample's genotypes, as a lab supplies them: of a SNP array, or of another pipeline.

Only SNPs with two alleles and a whole genotype tell who somebody is. The rest is left out and
counted, since such files have much of it. What can't be right is refused with its line. Messages
name places, never a genotype.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from seqdrop.domain.bed import listed
from seqdrop.domain.errors import InvalidGenotypes
from seqdrop.domain.fingerprint import LEAST_SHARED_SITES
from seqdrop.domain.fingerprint_sites import BASES, OTHER_COPIES, POSITION
from seqdrop.domain.problems import Problems
from seqdrop.domain.supplied import NO_ALT, Genotype
from seqdrop.domain.text import not_a_line, unprintable

MOST_SITES = 1_000_000
"""Sites that are kept of one file. A function of 512 MiB reads them all at the end of each run:
so many are 28 MB of JSON, and took 180 MB of memory and 0.6 s of a core."""

_SEPARATOR = re.compile(r"[/|]")
_FIXED = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT"]
_PLOIDY = 2
_GENOTYPES: dict[tuple[str, ...], Genotype] = {
    ("0", "0"): "0/0",
    ("0", "1"): "0/1",
    ("1", "1"): "1/1",
}


class LeftOut(StrEnum):
    """Why a record says nothing of who the sample is."""

    NO_SNP = "no_snp"
    """Indels, several alleles in ALT, symbols, letters that are no base."""
    OTHER_COPIES = "other_copies"
    """On X, Y or the mitochondria, which references leave out too."""
    FILTERED = "filtered"
    """With something else than PASS in FILTER."""
    NOT_CALLED = "not_called"
    """No genotype, or half of one."""
    NOT_DIPLOID = "not_diploid"


class Genotypes(NamedTuple):
    """What a VCF says of one sample."""

    sites: dict[str, Genotype]
    """``contig:position:REF:ALT`` to the genotype; without phase."""
    left_out: dict[LeftOut, int]
    """Records that were left out, by why."""


def parse_genotypes(lines: Iterable[str], column: str = "", file: str = "the VCF") -> Genotypes:
    """Reads one sample's column of a VCF; ``column`` names it where there are several.

    Line ends may be there or not. Raises InvalidGenotypes, which names the file's wrong lines.
    """
    reader = _Reader(column, file)
    for number, line in enumerate(lines, 1):
        reader.read(number, line.rstrip("\r\n"))
    return reader.finish()


class _Reader:
    """Takes line after line; what is wrong is collected, so that one message names it all."""

    def __init__(self, column: str, file: str) -> None:
        self._column, self._file = column, file
        self._problems = Problems(file, stop=True, error=InvalidGenotypes)
        self._columns = 0
        self._at = 0
        self._sites: dict[str, Genotype] = {}
        self._lines: dict[str, int] = {}
        self._left_out: Counter[LeftOut] = Counter()

    def read(self, number: int, text: str) -> None:
        if number == 1 and not text.startswith("##fileformat=VCF"):
            raise InvalidGenotypes(
                f"{self._file}, line 1 is not '##fileformat=VCF…', with which every VCF begins: "
                "supply the genotypes as VCF (of BCF: `bcftools view`), in UTF-8 without a byte "
                "order mark"
            )
        if text.startswith("#CHROM"):
            self._read_header(number, text.split("\t"))
        elif not text.startswith("#") and (problem := self._read_record(number, text)):
            self._problems.add(number, problem)

    def _read_header(self, number: int, names: list[str]) -> None:
        """Finds the sample's column."""
        where = f"{self._file}, line {number}"
        if self._columns:
            raise InvalidGenotypes(
                f"{where} is a second header: several files were pasted together; join them with "
                "`bcftools concat` or `bcftools merge`"
            )
        samples = names[len(_FIXED) :]
        if names[: len(_FIXED)] != _FIXED or not samples:
            raise InvalidGenotypes(
                f"{where}: the header is not {' '.join(_FIXED)} and a sample, divided by tabs: "
                "supply a VCF with genotypes, not a list of sites"
            )
        if not self._column and len(samples) > 1:
            raise InvalidGenotypes(
                f"{where}: the file has {len(samples)} samples ({listed(samples)}): say with "
                "--column which one it is"
            )
        column = self._column or samples[0]
        if samples.count(column) != 1:
            raise InvalidGenotypes(
                f"{where}: {samples.count(column)} columns are named {column!r} (the file has "
                f"{listed(samples)}): name one of the file's"
            )
        self._columns = len(names)
        self._at = len(_FIXED) + samples.index(column)

    def _read_record(self, number: int, text: str) -> str:
        """Keeps a record's genotype, or says what is wrong with the line."""
        if not self._columns:
            raise InvalidGenotypes(
                f"{self._file}, line {number} comes before the header (#CHROM), which says whose "
                "genotypes these are: supply the whole VCF"
            )
        if not text or not text.replace("\t", " ").isprintable():
            return not_a_line(text, number) or unprintable(text)
        fields = text.split("\t")
        if len(fields) != self._columns:
            return (
                f"has {len(fields)} columns, the header has {self._columns}: make the file anew "
                "from its source"
            )
        contig, position, ref, alt = fields[0], fields[1], fields[3].upper(), fields[4].upper()
        if not contig or not POSITION.fullmatch(position):
            return "has no contig, or for its position no whole number from 1 on"
        alleles = _alleles(fields[8], fields[self._at])
        if reason := _why_left_out(contig, ref, alt, fields[6], alleles):
            self._left_out[reason] += 1
            return ""
        genotype = _GENOTYPES.get(tuple(sorted(alleles)))
        if genotype is None or (alt == NO_ALT and genotype != "0/0"):
            return (
                "has a genotype (GT) with an allele that is neither its REF (0) nor its ALT (1): "
                "make the file anew from its source"
            )
        return self._keep(number, f"{contig}:{position}:{ref}:{alt}", genotype)

    def _keep(self, number: int, site: str, genotype: Genotype) -> str:
        """Keeps a site, or says which line contradicts this one."""
        before = self._lines.setdefault(site, number)
        if self._sites.setdefault(site, genotype) != genotype:
            return _contradicts(site, before)
        if len(self._sites) > MOST_SITES:
            raise InvalidGenotypes(
                f"{self._file} has more than {MOST_SITES:,} SNPs with a genotype: keep those by "
                "which the reference tells people apart, as by "
                "`bcftools view -T snps.fingerprint.vcf`"
            )
        return ""

    def finish(self) -> Genotypes:
        self._find_contradictions()
        self._problems.raise_any()
        if not self._columns:
            raise InvalidGenotypes(f"{self._file} has no header (#CHROM): supply the whole VCF")
        left_out = {reason: self._left_out[reason] for reason in LeftOut if self._left_out[reason]}
        if len(self._sites) < LEAST_SHARED_SITES:
            raise InvalidGenotypes(
                f"{self._file} has {len(self._sites)} SNPs with a genotype that can be compared: "
                f"it takes {LEAST_SHARED_SITES}, of those by which the reference tells people "
                f"apart{counts(left_out)}"
            )
        return Genotypes(self._sites, left_out)

    def _find_contradictions(self) -> None:
        """Lines that see an ALT where another one, without ALT, sees none."""
        without = {site[:-1]: self._lines[site] for site in self._sites if site.endswith(NO_ALT)}
        if not without:
            return
        for site, genotype in self._sites.items():
            before = without.get(site.rpartition(":")[0] + ":")
            if before and genotype != "0/0":
                self._problems.add(self._lines[site], _contradicts(site, before))


def _alleles(format_: str, value: str) -> list[str]:
    """The alleles in a sample's GT, without phase; none where it has no GT."""
    found = dict(zip(format_.split(":"), value.split(":"), strict=False)).get("GT", "")
    return _SEPARATOR.split(found.lstrip("/|")) if found else []


def _why_left_out(
    contig: str, ref: str, alt: str, filters: str, alleles: Sequence[str]
) -> LeftOut | None:
    if ref not in BASES or alt not in {*BASES, NO_ALT} - {ref}:
        return LeftOut.NO_SNP
    if OTHER_COPIES.fullmatch(contig):
        return LeftOut.OTHER_COPIES
    if filters not in {"PASS", "."}:
        return LeftOut.FILTERED
    if not alleles or "." in alleles:
        return LeftOut.NOT_CALLED
    return None if len(alleles) == _PLOIDY else LeftOut.NOT_DIPLOID


def _contradicts(site: str, line: int) -> str:
    contig, position = site.rsplit(":", 3)[:2]
    return (
        f"has another genotype of {contig}:{position} than line {line} has: keep the one that is "
        "right, or neither"
    )


_WORDS = {
    LeftOut.NO_SNP: "no SNP with two alleles",
    LeftOut.OTHER_COPIES: "on X, Y or the mitochondria",
    LeftOut.FILTERED: "did not pass their filters",
    LeftOut.NOT_CALLED: "no whole genotype",
    LeftOut.NOT_DIPLOID: "not diploid",
}


def counts(left_out: Mapping[LeftOut, int]) -> str:
    """How many records were left out and why, as the end of a message; "" where none was."""
    said = ", ".join(f"{count:,} ({_WORDS[reason]})" for reason, count in left_out.items())
    return f"; records left out: {said}" if said else ""
