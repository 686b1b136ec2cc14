"""The rows of a samplesheet's text, as spreadsheets save it: encodings, separators, empty rows."""

import csv
import io
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Collection, Iterator
from typing import NamedTuple

from seqdrop.domain.errors import InvalidManifest

SEPARATORS = ",;\t"
"""Where the decimal mark is a comma, Excel's CSV has semicolons."""
_SAVE_ANEW = "save it as CSV UTF-8"
_WORKBOOK = b"PK\x03\x04"
"""How a zip file begins, and so each .xlsx and .ods."""


class Row(NamedTuple):
    """A row that says something; its line is the last of those that it takes in the file."""

    line: int
    cells: list[str]


def rows_of(data: bytes, known: Collection[str]) -> Iterator[Row]:
    """The header and all rows below it that have a value, without blanks around values.

    Separated by what makes most ``known`` columns (in small letters) of the header. Raises
    InvalidManifest for what is no text in UTF-8, and for an open quote.
    """
    text = _text(data)
    separator = _separator(text, known)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    is_first = True
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped) and not (is_first and _names_separator(stripped)):
                yield Row(reader.line_num, stripped)
            is_first = is_first and not any(stripped)
    except csv.Error as error:
        raise InvalidManifest(
            f"the samplesheet is not CSV in UTF-8: line {reader.line_num}: {error}", _SAVE_ANEW
        ) from error


def _text(data: bytes) -> str:
    said = ""
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) or b"\0" in data[:100]:
        said = "it is UTF-16, which spreadsheets call Unicode text, or no text at all"
    elif data.startswith(_WORKBOOK):
        said = "it is a spreadsheet's workbook (.xlsx, .ods)"
    try:
        if not said:
            return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        said = f"line {line} has the byte 0x{data[error.start]:02x}, which is of another encoding"
    raise InvalidManifest(f"the samplesheet is not CSV in UTF-8: {said}", _SAVE_ANEW)


def _separator(text: str, known: Collection[str]) -> str:
    """The first of the separators under which the header has most columns that are known."""
    lines = (line for line in io.StringIO(text, newline=None) if line.strip(f" \n{SEPARATORS}"))
    header = next(lines, "")
    if _names_separator([header.strip()]):
        header = next(lines, "")

    def fits(separator: str) -> tuple[int, int]:
        columns = [column.strip(' "\n').lower() for column in header.split(separator)]
        return sum(column in known for column in columns), len(columns)

    return max(SEPARATORS, key=fits)


def _names_separator(cells: list[str]) -> bool:
    """Excel's own first line, ``sep=;``, whatever it is split by."""
    return cells[0].lower() in {"sep=", *(f"sep={mark}" for mark in SEPARATORS)}
