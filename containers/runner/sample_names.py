"""Whose results the tools made: the sample's name in the headers of alignments and calls.

A name that a script brought along, or that a caller takes from a file's path, would go out with the
results of every patient.
"""

import gzip
import re
import zlib
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import IO

from runner.faults import StageFault
from seqdrop.domain.failure import FailureClass

_FIXED_COLUMNS = 9
"""Of a VCF; the samples' follow."""
_SAM_SAMPLE = re.compile(r"^@RG\t(?:.*\t)?SM:([^\t\n]*)", re.MULTILINE)
_GZIP = b"\x1f\x8b"
_LONGEST_HEADER = 1 << 28
_CRAM_START = 26
"""Bytes of a CRAM's file definition (CRAM 3.0, 6)."""
_RAW, _PACKED = 0, 1
"""A CRAM block as it is, or as gzip; no program writes the header otherwise."""


def check_names(files: Mapping[str, Path], sample: str) -> None:
    """A TOOL fault for an output whose header names another sample, or several.

    The id counts as named where it stands as a word, as in sarek's ``<patient>_<sample>``. An
    output without a name is nobody's, and let pass.
    """
    is_named = re.compile(rf"(?<![A-Za-z0-9]){re.escape(sample)}(?![A-Za-z0-9])")
    for name, path in files.items():
        others = sorted({one for one in names_in(path) if not is_named.search(one)})
        if others:
            raise StageFault(
                FailureClass.TOOL_FAILED,
                f"{name} is of {', '.join(map(repr, others[:3]))} by its header, and not of "
                f"{sample}: give the aligner {{pair.read_group}} (bwa mem -R), from which callers "
                "have the name",
            )


def names_in(path: Path) -> list[str]:
    """The samples that a VCF, BAM or CRAM names; none of any other file, or of a damaged one."""
    try:
        with path.open("rb") as file:
            return _names(file)
    except (OSError, EOFError, zlib.error, ValueError, IndexError):
        return []  # what is wrong with a file is for its tools to say


def _names(file: IO[bytes]) -> list[str]:
    start = file.read(4)
    file.seek(0)
    if start == b"CRAM":
        return _SAM_SAMPLE.findall(_cram_header(file))
    if start[:2] != _GZIP:
        return _names_in_text(file)
    with gzip.open(file) as unpacked:
        return _names_in_text(unpacked)


def _names_in_text(source: IO[bytes] | gzip.GzipFile) -> list[str]:
    """Those of a BAM, or of a VCF, unpacked."""
    magic = source.read(4)
    if magic == b"BAM\x01":
        length = int.from_bytes(source.read(4), "little")
        return _SAM_SAMPLE.findall(source.read(min(length, _LONGEST_HEADER)).decode())
    if magic != b"##fi":  # ##fileformat=VCF
        return []
    source.readline()
    for line in source:
        if line.startswith(b"#CHROM"):
            return line.decode().rstrip("\r\n").split("\t")[_FIXED_COLUMNS:]
        if not line.startswith(b"#"):
            break
    return []


def _cram_header(file: IO[bytes]) -> str:
    """The SAM header of a CRAM: the first block of its first container (CRAM 3.0, 7 and 8)."""
    start = file.read(_CRAM_START)
    is_3 = start[4] >= 3
    length = int.from_bytes(file.read(4), "little")
    for _ in range(4):  # reference, start, span, records
        _itf8(file)
    _ltf8(file)  # counter
    _ltf8(file)  # bases
    _itf8(file)  # blocks
    for _ in range(_itf8(file)):  # landmarks
        _itf8(file)
    if is_3:
        file.read(4)  # CRC
    block = BytesIO(file.read(min(length, _LONGEST_HEADER)))
    method = block.read(2)[0]  # and the content's type
    _itf8(block)  # the content's id
    packed, _ = _itf8(block), _itf8(block)
    data = block.read(packed)
    if method not in (_RAW, _PACKED):
        return ""
    text = gzip.decompress(data) if method == _PACKED else data
    return text[4 : 4 + int.from_bytes(text[:4], "little")].decode()


def _itf8(file: IO[bytes]) -> int:
    """A number of up to 32 bits: the ones that its first byte begins with say how long it is."""
    first = file.read(1)[0]
    more = next(n for n in range(5) if n == 4 or not first & (0x80 >> n))
    if more < 4:
        return int.from_bytes(bytes([first & (0xFF >> (more + 1))]) + file.read(more), "big")
    rest = file.read(4)
    return (first & 0x0F) << 28 | int.from_bytes(rest[:3], "big") << 4 | rest[3] & 0x0F


def _ltf8(file: IO[bytes]) -> int:
    """The same of up to 64 bits."""
    first = file.read(1)[0]
    more = next(n for n in range(9) if n == 8 or not first & (0x80 >> n))
    return int.from_bytes(bytes([first & (0xFF >> min(more + 1, 8))]) + file.read(more), "big")
