"""The header of a VCF: what it declares, and in what two of them differ."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from seqdrop.domain.bed import listed
from seqdrop.domain.errors import InvalidInput

FIXED = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT")
PASSED = "PASS"
MISSING = "."
_KEY_VALUE = re.compile(r'([A-Za-z0-9_]+)=("(?:[^"\\]|\\.)*"|[^,<>]*)')
_OF_ITS_MAKING = re.compile(
    r"##(?:fileDate|source|reference|cmdline|commandline|bcftools_\w+|\w*CommandLine\w*)\b",
    re.IGNORECASE,
)
"""Lines that say when, where and by which command a file was made."""
_RUN_IDS = re.compile(r'(?<=[<,])(?:run|stage)="(?:[^"\\]|\\.)*",?')


class Contig(NamedTuple):
    """What is known of a contig; 0 and "" where it is not told."""

    length: int = 0
    md5: str = ""


class Header(NamedTuple):
    """A VCF's header."""

    lines: tuple[str, ...]
    """All but the names of the columns."""
    samples: tuple[str, ...]
    contigs: Mapping[str, Contig]
    filters: frozenset[str]
    infos: Mapping[str, str]
    """Each INFO that is declared, with its line."""
    formats: frozenset[str]

    @property
    def facts(self) -> dict[str, str]:
        """What the header tells of the file's origin: the lines ``##source=…`` and others."""
        wanted = ("##fileformat", "##fileDate", "##source", "##reference", "##seqdrop")
        pairs = (line.partition("=")[::2] for line in self.lines)
        return {name: text for name, text in pairs if name in wanted}

    def passes(self, filters: str) -> bool:
        """Whether a FILTER says that a call is good.

        "." (not filtered) passes only in a file that declares no filter but PASS: in a file that
        has filters it means that they could not be judged.
        """
        return filters == PASSED or (filters == MISSING and not self.filters - {PASSED})


def parse_header(lines: Sequence[str], file: str) -> Header:
    """Reads the lines of a header, up to that of the columns. Raises InvalidInput."""
    _look_at_first_line(lines[0] if lines else "", file)
    if not lines[-1].startswith("#CHROM"):
        raise InvalidInput(
            f"{file}, line {len(lines)}: the header has no line #CHROM",
            "the file is no VCF, or was cut off: make it again",
        )
    columns = tuple(lines[-1].split("\t"))
    if columns[: len(FIXED)] != FIXED or len(columns) == len(FIXED):
        raise InvalidInput(
            f"{file}, line {len(lines)}: the columns are not {' '.join(FIXED)} and a sample, "
            "divided by tabs",
            "give a VCF with genotypes, not a list of sites",
        )
    samples = columns[len(FIXED) :]
    if len(set(samples)) != len(samples):
        raise InvalidInput(
            f"{file}, line {len(lines)}: two columns have the same sample's name",
            "rename them with `bcftools reheader -s`",
        )
    declared = {name: _declared(lines, name) for name in ("contig", "FILTER", "INFO", "FORMAT")}
    return Header(
        tuple(lines[:-1]),
        samples,
        {name: _contig(line) for name, line in declared["contig"].items()},
        frozenset(declared["FILTER"]),
        declared["INFO"],
        frozenset(declared["FORMAT"]),
    )


def _look_at_first_line(line: str, file: str) -> None:
    if line.startswith("##fileformat=VCF"):
        return
    if line.startswith("BCF"):
        raise InvalidInput(f"{file} is BCF", "make a VCF of it: `bcftools view -Oz`")
    raise InvalidInput(
        f"{file}, line 1 is not '##fileformat=VCF…', with which every VCF begins",
        "give a VCF, plain or compressed by bgzip, in UTF-8",
    )


def _declared(lines: Sequence[str], kind: str) -> dict[str, str]:
    """Lines ``##KIND=<ID=…>`` by their ID."""
    start = f"##{kind}=<"
    found = {}
    for line in lines:
        if line.startswith(start) and (name := _values(line).get("ID")):
            found[name] = line
    return found


def _values(line: str) -> dict[str, str]:
    return {key: text.strip('"') for key, text in _KEY_VALUE.findall(line.partition("<")[2])}


def _contig(line: str) -> Contig:
    values = {key.lower(): text for key, text in _values(line).items()}
    length = values.get("length", "")
    return Contig(int(length) if length.isdecimal() else 0, values.get("md5", values.get("m5", "")))


def chosen_sample(header: Header, wanted: str, file: str) -> str:
    """The sample whose genotypes are compared. Raises InvalidInput where it is not clear."""
    names = listed(header.samples)
    if not wanted and len(header.samples) > 1:
        raise InvalidInput(f"{file} has {len(header.samples)} samples ({names})", "choose one")
    if wanted and wanted not in header.samples:
        raise InvalidInput(f"{file} has no sample {wanted!r}", f"choose one that it has: {names}")
    return wanted or header.samples[0]


def header_differences(a: Header, b: Header) -> list[str]:
    """Lines that only one header has, with ``A:`` or ``B:`` before them.

    The order of lines, and what says only when and by which command a file was made, is left out;
    so is the samples' name.
    """
    one, two = Counter(map(_compared, _of_content(a))), Counter(map(_compared, _of_content(b)))
    found = [f"A: {line}" for line in (one - two).elements()]
    found += [f"B: {line}" for line in (two - one).elements()]
    if len(a.samples) != len(b.samples):
        found.append(f"A has {len(a.samples)} samples, B has {len(b.samples)}")
    return found


def _of_content(header: Header) -> list[str]:
    return [line for line in header.lines if not _OF_ITS_MAKING.match(line)]


def _compared(line: str) -> str:
    return _RUN_IDS.sub("", line).replace(",>", ">") if line.startswith("##seqdrop=") else line
