"""What the first bytes of a FASTQ file tell: its form, and whose its first read is."""

import re
import zlib
from typing import NamedTuple

from seqdrop.domain.errors import MismatchedMates, UnreadableFastq
from seqdrop.domain.fastq_record import (
    CARRIAGE_RETURNS_FAULT,
    GZIP_PADDING,
    has_carriage_returns_alone,
    other_beginning,
    record_fault,
)
from seqdrop.domain.no_reads import NoReads, why_without_reads
from seqdrop.domain.read_name import FastqHead, parse_read_name

HEAD_BYTES = 65_536
"""How much of a file is looked at when it is registered."""

_NOTHING_REMEDY = (
    "upload the right file in its place; where there are no reads of the lane, drop a manifest of "
    "the sample that leaves it out"
)
_GZIP_MAGIC = b"\x1f\x8b"
_SRA_READ_NAME = re.compile(r"(?P<fragment>.+\.\d+)\.(?P<read>[12])")
"""``fastq-dump -I`` adds the read's number to accession and spot: ``SRR1.7.1``, ``SRR1.7.2``."""
_WITHOUT_READ_NUMBERS = """zcat FILE | awk 'NR % 4 == 1 {sub(/\\.[12]$/, "", $1)} 1' | gzip"""
_JOINED_NAME = re.compile(r"(?P<fragment>.+)[_:](?P<read>[12]):[YN]:\d+(?::\S*)?")
_WITHOUT_COMMENTS = (
    """zcat FILE | awk 'NR % 4 == 1 {sub(/[_:][12]:[YN]:[0-9]+(:.*)?$/, "", $1)} 1' | gzip"""
)
_NUMBERED_NAME = re.compile(r"(?P<fragment>.+)[._:/-]R?(?P<read>[12])")
_ARCHIVES_SPOT = re.compile(r"[SED]RR\d+\.\d+")
_OTHER_PACKERS = {
    b"BZh": ("bzip2", "`bzcat FILE | gzip`"),
    b"\x28\xb5\x2f\xfd": ("Zstandard", "`zstdcat FILE | gzip`"),
    b"\xfd7zXZ\0": ("xz", "`xzcat FILE | gzip`"),
    b"PK\x03\x04": ("zip", "`unzip -p FILE | gzip`"),
}


class _Text(NamedTuple):
    text: bytes
    is_all: bool
    """Whether the file ends here, in gzip that is whole."""


def read_head(data: bytes, size: int) -> FastqHead | NoReads:
    """The first record, from a file's first bytes; ``size`` is the whole file's, in bytes.

    Raises UnreadableFastq where it is empty, not gzip, or not FASTQ.
    """
    if size == 0:
        raise UnreadableFastq(f"the file is empty: {_NOTHING_REMEDY}")
    if data[:2] != _GZIP_MAGIC[:size]:
        raise UnreadableFastq(_not_gzip(data))
    text, is_all = _first_text(data, is_whole=size <= len(data))
    if is_all and not text.strip(b"\r\n"):
        return NoReads()
    _check_text(text)
    lines = [line.removesuffix(b"\r") for line in text.split(b"\n")]
    if size > len(data) and text.count(b"\n") < 4:  # a long read: the rest of it was not looked at
        name, sequence, plus = [*lines, b"", b""][:3]
        plus, quality = plus or b"+", b"!" * len(sequence)
    elif len(lines) < 4:
        if other := other_beginning(lines[0]):
            raise UnreadableFastq(f"the first FASTQ record {other}")
        raise UnreadableFastq("the file ends within its first FASTQ record")
    else:
        name, sequence, plus, quality = lines[:4]
    if fault := record_fault(name, sequence, plus, quality):
        raise UnreadableFastq(f"the first FASTQ record {fault}")
    return parse_read_name(name[1:].decode("ascii", "replace"))


def require_reads(head: FastqHead | NoReads) -> FastqHead:
    """Raises UnreadableFastq, with what to do, for a file that is whole and holds no read."""
    if isinstance(head, NoReads):
        raise UnreadableFastq(why_without_reads())
    return head


def _not_gzip(data: bytes) -> str:
    begins = data[:8].hex(" ") or "nothing at all"
    for magic, (packer, remedy) in _OTHER_PACKERS.items():
        if data.startswith(magic):
            return (
                f"the file is not gzip but {packer} (it begins with {begins}): pack it anew, as in "
                f"{remedy}, and upload it again"
            )
    return (
        f"the file is not gzip (it begins with {begins}): compress it with gzip, and upload it "
        "again"
    )


def _check_text(text: bytes) -> None:
    """Raises UnreadableFastq for a text that has no first line to look at."""
    if not text:
        raise UnreadableFastq(
            f"there is nothing in the first {HEAD_BYTES >> 10} KiB of the gzip file: pack it anew"
        )
    if text.startswith(_GZIP_MAGIC):
        raise UnreadableFastq("the file is compressed twice: unpack it once, and upload it again")
    if not text.strip(b"\r\n"):
        raise UnreadableFastq("there are only blank lines where its first read should be")
    if has_carriage_returns_alone(text):
        raise UnreadableFastq(f"the file {CARRIAGE_RETURNS_FAULT}")


def _first_text(data: bytes, *, is_whole: bool) -> _Text:
    """At least four lines, or all that there is."""
    inflater = zlib.decompressobj(wbits=31)
    text = b""
    try:
        while data and text.count(b"\n") < 4:
            text += inflater.decompress(data, 1 << 20)
            data = inflater.unconsumed_tail or inflater.unused_data
            if inflater.eof and is_whole and not data.strip(GZIP_PADDING):
                return _Text(text, is_all=True)
            if inflater.eof and data:  # bgzip and concatenated files have many members
                data = data.lstrip(b"\0")
                inflater = zlib.decompressobj(wbits=31)
    except zlib.error as error:
        raise UnreadableFastq(f"the gzip stream is broken at its start ({error})") from error
    if is_whole and not inflater.eof and text.count(b"\n") < 4:
        raise UnreadableFastq(
            "the file is cut off, it ends within its first record: upload it again"
        )
    return _Text(text, is_all=False)


def check_read_number(head: FastqHead, read: str) -> None:
    """Raises MismatchedMates where the reads say that they are the other mate."""
    if head.read and head.read != read:
        raise MismatchedMates(
            f"the file should hold {read}, but its first read says that it is {head.read}: "
            "the mates seem to be swapped, or one of them was sent as both"
        )


def check_mates(r1_name: str, r2_name: str, lane: str) -> None:
    """Raises MismatchedMates where the two files of a lane begin with different reads."""
    if r1_name == r2_name:
        return
    names = f"({r1_name!r}, {r2_name!r})"
    if _are_numbered(_SRA_READ_NAME, r1_name, r2_name):
        raise MismatchedMates(
            f"the read names in R1 and R2 of {lane} differ by .1 and .2 {names}, as `fastq-dump "
            "-I` writes them, which aligners do not take for mates: remove the ends from both "
            f"files, as in `{_WITHOUT_READ_NUMBERS}`, or get them again without -I, and upload both"
        )
    if _are_numbered(_JOINED_NAME, r1_name, r2_name):
        raise MismatchedMates(
            f"the read names in R1 and R2 of {lane} have the mate's number in them {names}, since "
            "the blank before it was replaced, so aligners do not take them for mates: remove it "
            f"from both files, as in `{_WITHOUT_COMMENTS}`, and upload both"
        )
    said = f"R1 and R2 of {lane} begin with different reads {names}"
    if _are_numbered(_NUMBERED_NAME, r1_name, r2_name) and not _ARCHIVES_SPOT.fullmatch(r1_name):
        raise MismatchedMates(
            f"{said}, unless their last numbers are the mates': aligners take mates by equal "
            "names, so remove them from both files then, and upload both"
        )
    raise MismatchedMates(f"{said}: they are not each other's mates")


def _are_numbered(style: re.Pattern[str], r1_name: str, r2_name: str) -> bool:
    """Whether both are of one fragment, but for the number of the mate.

    ``SRR1.1`` and ``SRR1.2`` are none: they are two spots.
    """
    first, second = style.fullmatch(r1_name), style.fullmatch(r2_name)
    return (
        first is not None
        and second is not None
        and first["fragment"] == second["fragment"]
        and (first["read"], second["read"]) == ("1", "2")
    )
