"""Samplesheets: the same as a manifest says, as a table with a line for each pair of files.

Besides its own columns it takes those of nf-core's sheets, sarek's among them.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from seqdrop.domain.errors import InvalidManifest
from seqdrop.domain.illumina_sheet import NAMES_NO_FILES, SECTION
from seqdrop.domain.sheet_rows import Row, rows_of

_COLUMNS = ("sample", "r1", "r2")
_NEEDED = ("sample", "r1")
"""What each line must have: single reads have no r2."""
_ALIASES = {"fastq_1": "r1", "fastq_2": "r2"}
"""nf-core's names of our columns."""
_NF_CORES = {ours: theirs for theirs, ours in _ALIASES.items()}
_TAKEN_AND_DROPPED = {"patient", "status", "strandedness"}
"""Columns of nf-core's sheets that say nothing of how a sample is analysed here."""
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_SEXES = {"XX": "female", "XY": "male", "NA": ""}
"""As sarek has them: "sex chromosomes of the patient", by default NA (its docs/usage.md)."""
_NORMAL, _TUMOUR = "0", "1"
"""sarek's status."""
_OF_THE_PERSON = {"patient", "sex", "control"}
"""Columns that say the same of a sample under each assay."""
_PATIENT_DATA = {"patient", "sex"}
"""Columns whose values stand in no message."""
_GIVE_ONE = "give one on all lines of the sample, or on one of them"
_Way = tuple[str, str]
"""Assay and pipeline: a sample that has two of them is analysed twice."""


@dataclass(frozen=True)
class SheetSample:
    """A sample under one assay, and the lines that say so."""

    document: dict[str, object]
    """As a JSON manifest would have it."""
    files: list[dict[str, str]]
    """The same as in the document."""
    pair_lines: list[int]
    """The line of each pair of its files."""
    column_lines: dict[str, int]
    """The first line that has a value in a column of the sample's."""


@dataclass(frozen=True)
class _Header:
    """The columns by their places, as the manifest calls them, and as the sheet does."""

    line: int
    columns: list[str]
    written: dict[str, str]

    def name(self, column: str) -> str:
        """What the sheet calls a column."""
        return self.written.get(column, column)


def samples_of_sheet(
    data: bytes, file_columns: frozenset[str], sample_columns: frozenset[str]
) -> list[SheetSample]:
    """The samples in the order of their first lines.

    ``file_columns`` belong to a pair of files, ``sample_columns`` to the sample under an assay. A
    sample's value may stand on any of its lines, or on several. Raises InvalidManifest where two of
    them differ, and for what can't be read, with the line and the column.
    """
    known = file_columns | sample_columns | _ALIASES.keys() | _TAKEN_AND_DROPPED
    lines = list(_lines(data, known))
    ways: dict[str, dict[_Way, None]] = {}
    for _, given in lines:
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
            sample.files,
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
        value = _value(column, text, number)
        if value == "":
            return
        first, line = self._given.setdefault(column, (value, number))
        if first == value:
            return
        said = f"two different values on lines {line} and {number}"
        if column not in _PATIENT_DATA:
            said = f"{_shown(first)} on line {line}, {_shown(value)} on line {number}"
        what = _GIVE_ONE
        if column == "patient":
            what = "two people's samples need ids of their own"
        raise InvalidManifest(f"sample {self._name}, column {column}: {said}: {what}")

    @property
    def given(self) -> dict[str, object]:
        """The values by column, but for those that are dropped."""
        return {c: value for c, (value, _) in self._given.items() if c not in _TAKEN_AND_DROPPED}

    @property
    def lines(self) -> dict[str, int]:
        """The first lines with them, by column."""
        return {column: line for column, (_, line) in self._given.items()}


def _value(column: str, text: str, number: int) -> object:
    """A text as the manifest has it. Raises InvalidManifest."""
    where = f"line {number} of the samplesheet"
    if column == "control":
        if text.lower() not in _TRUTH:
            raise InvalidManifest(f"{where}: control is true or false, or empty, not {text[:60]!r}")
        return _TRUTH[text.lower()]
    if column == "sex":
        return _SEXES.get(text, text)
    if column == "strandedness":
        return ""
    if column == "status" and text != _NORMAL:
        if text != _TUMOUR:
            raise InvalidManifest(f"{where}: status is 0 (normal) or empty, not {text[:60]!r}")
        raise InvalidManifest(
            f"{where}: status 1 is a tumour's, and a sample is analysed here as a normal one, by "
            "itself: delete the line; or, if that is meant, the column"
        )
    return text


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _lines(data: bytes, known: frozenset[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Each line's number, and what it says by column; what is empty is left out."""
    rows = rows_of(data, known)
    header = _header(next(rows, Row(1, [])))
    columns = header.columns
    unknown = {*columns} - known
    for number, row in rows:
        if any(row[len(columns) :]):
            raise InvalidManifest(
                f"line {number} of the samplesheet has {len(row)} values for {len(columns)} columns"
                f"; the first without a column is {next(filter(None, row[len(columns) :]))[:60]!r}"
            )
        given = {column: text for column, text in zip(columns, row, strict=False) if text}
        if unknown and (unknown & given.keys()):
            raise InvalidManifest(_with_unknown(header, unknown & given.keys(), known, number))
        if not all(map(given.get, _NEEDED)):
            raise InvalidManifest(_lacking(header, given, number))
        yield number, given


def _lacking(header: _Header, given: dict[str, str], number: int) -> str:
    lacks = " and ".join(header.name(column) for column in _NEEDED if column not in given)
    there = [f"{header.name(c)} {given[c][:60]!r}" for c in _COLUMNS if c in given]
    said = f"line {number} of the samplesheet lacks {lacks}"
    if there:
        said += f" (it has {', '.join(there)})"
    if "sample" in given:
        return f"{said}: give the file or delete the line"
    return f"{said}: give it, or delete the line"


def _with_unknown(header: _Header, found: set[str], known: frozenset[str], number: int) -> str:
    if "" in found:
        return f"line {number} of the samplesheet has a value in a column without a name"
    named = ", ".join(repr(header.name(column)) for column in sorted(found))
    if len(found) == 1:
        said, it = f"a column {named}, which is", "it"
    else:
        said, it = f"columns {named}, which are", "them"
    ours = ", ".join(sorted(known - _ALIASES.keys() - _TAKEN_AND_DROPPED))
    return (
        f"the samplesheet has {said} none of {ours} (line {header.line}; line "
        f"{number} has a value there): delete {it}, or rename {it} to what is meant"
    )


def _header(row: Row) -> _Header:
    number, cells = row
    if cells and SECTION.fullmatch(cells[0]):
        raise InvalidManifest(NAMES_NO_FILES)
    columns = [_ALIASES.get(name.lower(), name.lower()) for name in cells]
    header = _Header(number, columns, dict(zip(columns, cells, strict=True)))
    if lacking := [name for name in _COLUMNS if cells and name not in columns]:
        if any(name.lower() in _ALIASES for name in cells):
            lacking = [_NF_CORES.get(name, name) for name in lacking]
        there = ", ".join(filter(None, cells))
        raise InvalidManifest(
            f"line {number} of the samplesheet lacks the column{'s' * (len(lacking) > 1)} "
            f"{', '.join(lacking)} (it has {there[:200]}): name a line for each pair of files, "
            "with the columns sample, r1 and r2 (or fastq_1 and fastq_2), separated by commas"
        )
    for column, count in Counter(columns).items():
        if column and count > 1:
            same = ", ".join(c for c, n in zip(cells, columns, strict=True) if n == column)
            raise InvalidManifest(
                f"line {number} of the samplesheet has the column {column} more than once "
                f"({same}): keep one of them"
            )
    return header
