"""The files that a refused manifest seems to name, so that none runs under its own name meanwhile.

Nothing is judged here: what a person meant to say of a file is unknown until the manifest is
mended, but that it was meant is known.
"""

import csv
import io
import json
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator

from seqdrop.domain.errors import InvalidManifest
from seqdrop.domain.identity import ObjectName
from seqdrop.domain.manifest import locate
from seqdrop.domain.sheet_rows import SEPARATORS

_READS = re.compile(r"\.(fastq|fq)\b", re.IGNORECASE)
_FILE_COLUMNS = {"r1", "r2", "fastq_1", "fastq_2"}


def files_named_in(data: bytes, manifest: ObjectName) -> frozenset[ObjectName]:
    """All objects that a manifest or samplesheet seems to name, however it is broken.

    What stands in a column or under a key of files, and all else that ends like a FASTQ file's
    name. Raises nothing.
    """
    text = _text(data)
    is_sheet = manifest.key.lower().endswith(".csv")
    names = {*(_in_sheet(text) if is_sheet else _in_json(text))}
    found = set()
    for name in names:
        try:
            found.add(ObjectName(*locate(name, manifest.bucket, manifest.key)))
        except (InvalidManifest, UnicodeEncodeError):
            continue  # no key of this bucket, so no object here has it
    return frozenset(found)


def _text(data: bytes) -> str:
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    if b"\0" in data[:100]:
        is_little = data[1:2] == b"\0"
        return data.decode("utf-16-le" if is_little else "utf-16-be", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _in_sheet(text: str) -> Iterator[str]:
    lines = [line for line in re.split(r"[\r\n]+", text) if line.strip(f" {SEPARATORS}")]
    if not lines:
        return
    found = {separator: _file_columns(lines[0], separator) for separator in SEPARATORS}
    # Without such a column it is unknown what separates: each is tried.
    for separator in [mark for mark, columns in found.items() if columns] or SEPARATORS:
        for line in lines:
            cells = _cells(line, separator)
            named = {cells[n] for n in found[separator] if n < len(cells)} - _FILE_COLUMNS
            yield from (cell for cell in cells if cell and (cell in named or _READS.search(cell)))


def _file_columns(header: str, separator: str) -> list[int]:
    cells = _cells(header, separator)
    return [n for n, cell in enumerate(cells) if cell.lower() in _FILE_COLUMNS]


def _cells(line: str, separator: str) -> list[str]:
    try:
        cells = next(csv.reader(io.StringIO(line), delimiter=separator), [])
    except csv.Error:
        cells = line.split(separator)
    return [cell.strip(' "') for cell in cells]


def _in_json(text: str) -> Iterator[str]:
    """What stands between two quotes, be they the right ones or not."""
    pieces = text.split('"')
    for key, colon, piece in zip(pieces, pieces[1:], pieces[2:], strict=False):
        is_file = colon.strip() == ":" and key.lower() in _FILE_COLUMNS
        if not is_file and not _READS.search(piece):
            continue
        try:
            yield json.loads(f'"{piece}"', strict=False)
        except ValueError:
            continue  # an escape that JSON has not
