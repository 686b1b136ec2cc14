"""Illumina's sample sheets: for BCL conversion, so they name samples and no files."""

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE

SECTION = re.compile(r"\[[A-Za-z0-9_]+\]")
"""A line that begins a part of the sheet: ``[Header]``, ``[BCLConvert_Data]``."""
NAMES_NO_FILES = (
    "this is Illumina's sample sheet, which is for BCL conversion and names no files: FASTQ files "
    "go by their names, or by a samplesheet with the columns sample, r1 and r2"
)


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
    if not said or not SECTION.fullmatch(said[0][0]):
        return None
    found: set[str] = set()
    columns: list[str] | None = None
    within = False
    for row in said:
        if SECTION.fullmatch(row[0]):
            within, columns = row[0].lower() in {"[data]", "[bclconvert_data]"}, None
        elif within and columns is None:
            columns = [name.lower() for name in row]
        elif within and columns is not None:
            given = dict(zip(columns, row, strict=False))
            found.add(given.get("sample_name") or given.get("sample_id", ""))
    return frozenset(re.sub(r"[^A-Za-z0-9-]", "-", name) for name in found - {""})
