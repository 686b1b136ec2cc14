"""Samplesheets: the same as a manifest says, as a table with a line for each pair of files."""

import csv
import io
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from seqdrop.domain.errors import InvalidManifest

_NEEDED = ("sample", "r1", "r2")
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_OF_THE_PERSON = {"sex", "control"}
"""Columns that say the same of a sample under each assay."""
_PATIENT_DATA = {"sex"}
"""Columns whose values stand in no message."""
_GIVE_ONE = "give one on all lines of the sample, or on one of them"
_SECTION = re.compile(r"\[[A-Za-z0-9_]+\]")
"""A line that begins a part of Illumina's sheet: ``[Header]``, ``[BCLConvert_Data]``."""
_Way = tuple[str, str]
"""Assay and pipeline: a sample that has two of them is analysed twice."""

ILLUMINA_SHEET = (
    "this is Illumina's sample sheet, which is for BCL conversion and names no files: FASTQ files "
    "go by their names, or by a samplesheet with the columns sample, r1 and r2"
)


@dataclass(frozen=True)
class SheetSample:
    """A sample under one assay, and the lines that say so."""

    document: dict[str, object]
    """As a JSON manifest would have it."""
    pair_lines: list[int]
    """The line of each pair of its files."""
    column_lines: dict[str, int]
    """The first line that has a value in a column of the sample's."""


def samples_of_sheet(data: bytes, file_columns: frozenset[str]) -> list[SheetSample]:
    """The samples in the order of their first lines.

    ``file_columns`` belong to a pair of files, all others to the sample under an assay. A value may
    stand on any of its lines, or on several. Raises InvalidManifest where two of them differ.
    """
    lines = list(_lines(data))
    ways: dict[str, dict[_Way, None]] = {}
    for number, given in lines:
        if any(column not in given for column in _NEEDED):
            raise InvalidManifest(f"line {number} of the samplesheet lacks sample, r1 or r2")
        if any(way := _way(given)):
            ways.setdefault(given["sample"], {})[way] = None
    samples: dict[tuple[str, _Way], _Sample] = {}
    persons: dict[str, _Sample] = {}
    for number, given in lines:
        name = given["sample"]
        way = _one_way(name, _way(given), list(ways.get(name, ())), number)
        person = persons.setdefault(name, _Sample(name))
        sample = samples.setdefault((name, way), _Sample(name))
        sample.files.append({name: text for name, text in given.items() if name in file_columns})
        sample.file_lines.append(number)
        for column, text in given.items():
            if column not in file_columns:
                (person if column in _OF_THE_PERSON else sample).note(column, text, number)
    return [
        SheetSample(
            {"files": sample.files, **sample.given, **persons[name].given},
            sample.file_lines,
            sample.lines | persons[name].lines,
        )
        for (name, _), sample in samples.items()
    ]


def _way(given: dict[str, str]) -> _Way:
    return given.get("assay", ""), given.get("pipeline", "")


def _one_way(sample: str, way: _Way, ways: list[_Way], number: int) -> _Way:
    """The way that a line means: the sample's only one, where it names none itself."""
    if any(way) or not ways:
        return way
    if len(ways) > 1:
        named = ", ".join(sorted(repr(assay or pipeline) for assay, pipeline in ways))
        raise InvalidManifest(
            f"line {number} of the samplesheet names no assay, and other lines of sample {sample} "
            f"name several ({named}): name one of them"
        )
    return ways[0]


class _Sample:
    """What the lines of one sample say."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.files: list[dict[str, str]] = []
        self.file_lines: list[int] = []
        self._given: dict[str, tuple[object, int]] = {}

    def note(self, column: str, text: str, number: int) -> None:
        """A line's value in a column of the sample's."""
        value: object = text
        if column == "control":
            if text.lower() not in _TRUTH:
                raise InvalidManifest(
                    f"line {number} of the samplesheet: control is true or false, or empty"
                )
            value = _TRUTH[text.lower()]
        first, line = self._given.setdefault(column, (value, number))
        if first == value:
            return
        said = f"two different values on lines {line} and {number}"
        if column not in _PATIENT_DATA:
            said = f"{_shown(first)} on line {line}, {_shown(value)} on line {number}"
        raise InvalidManifest(f"sample {self._name}, column {column}: {said}: {_GIVE_ONE}")

    @property
    def given(self) -> dict[str, object]:
        """The values by column."""
        return {column: value for column, (value, _) in self._given.items()}

    @property
    def lines(self) -> dict[str, int]:
        """The first lines with them, by column."""
        return {column: line for column, (_, line) in self._given.items()}


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _lines(data: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """Each line's number, and what it says by column; what is empty is left out."""
    rows = _rows(data)
    columns = _columns(*next(rows, (1, [])))
    for number, row in rows:
        if any(row[len(columns) :]):
            raise InvalidManifest(
                f"line {number} of the samplesheet has {len(row)} values for {len(columns)} columns"
            )
        given = {column: text for column, text in zip(columns, row, strict=False) if text}
        if "" in given:
            raise InvalidManifest(
                f"line {number} of the samplesheet has a value in a column without a name"
            )
        yield number, given


def _columns(number: int, header: list[str]) -> list[str]:
    if header and _SECTION.fullmatch(header[0]):
        raise InvalidManifest(ILLUMINA_SHEET)
    columns = [name.lower() for name in header]
    if lacking := [name for name in _NEEDED if header and name not in columns]:
        there = ", ".join(filter(None, header))
        raise InvalidManifest(
            f"line {number} of the samplesheet lacks the column{'s' * (len(lacking) > 1)} "
            f"{', '.join(lacking)} (it has {there[:200]}): name a line for each pair of files, "
            "with the columns sample, r1 and r2, separated by commas"
        )
    for column, count in Counter(columns).items():
        if column and count > 1:
            raise InvalidManifest(
                f"line {number} of the samplesheet has the column {column} more than once: "
                "keep one of them"
            )
    return columns


def _rows(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """Lines that say something, by their numbers in the file."""
    try:
        reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidManifest(f"the samplesheet is not CSV in UTF-8: {error}") from error
    return ((number, cells) for number, cells in rows if any(cells))


def illumina_samples(data: bytes) -> frozenset[str] | None:
    """The samples of Illumina's sample sheet, as BCL conversion names their files; None for others.

    Data begin below ``[Data]`` (bcl2fastq, v1) or ``[BCLConvert_Data]`` (v2). A file has the
    ``Sample_Name`` where there is one, else the ``Sample_ID``, with dashes for what names can't
    have.
    """
    encoding = "utf-16" if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig"
    text = data.decode(encoding, "replace").replace("\r\n", "\n").replace("\r", "\n")
    rows = [[cell.strip(' "') for cell in line.split(",")] for line in text.split("\n")]
    said = [row for row in rows if any(row)]
    if not said or not _SECTION.fullmatch(said[0][0]):
        return None
    found: set[str] = set()
    columns: list[str] | None = None
    within = False
    for row in said:
        if _SECTION.fullmatch(row[0]):
            within, columns = row[0].lower() in {"[data]", "[bclconvert_data]"}, None
        elif within and columns is None:
            columns = [name.lower() for name in row]
        elif within and columns is not None:
            given = dict(zip(columns, row, strict=False))
            found.add(given.get("sample_name") or given.get("sample_id", ""))
    return frozenset(re.sub(r"[^A-Za-z0-9-]", "-", name) for name in found - {""})
