"""What the first bytes of a FASTQ file tell: its form, flowcell and lane."""

import re
import zlib

import msgspec

from seqdrop.domain.errors import MismatchedMates, UnreadableFastq
from seqdrop.domain.fastq_record import (
    CARRIAGE_RETURNS_FAULT,
    has_carriage_returns_alone,
    other_beginning,
    record_fault,
)

HEAD_BYTES = 65_536
"""How much of a file is looked at when it is registered."""

_NOTHING_REMEDY = (
    "upload the right file in its place; where there are no reads of the lane, drop a manifest of "
    "the sample that leaves it out"
)
_GZIP_MAGIC = b"\x1f\x8b"
_MGI_NAME = re.compile(r"(?P<flowcell>[A-Z]+\d+)L(?P<lane>\d)C\d{3}R\d{3}")
_SRA_READ_NAME = re.compile(r"(?P<spot>.+\.\d+)\.(?P<read>[12])")
"""``fastq-dump -I`` adds the read's number to accession and spot: ``SRR1.7.1``, ``SRR1.7.2``."""
_WITHOUT_READ_NUMBERS = """zcat FILE | awk 'NR % 4 == 1 {sub(/\\.[12]$/, "", $1)} 1' | gzip"""
_SAFE = re.compile(r"[^A-Za-z0-9._-]")


class FastqHead(msgspec.Struct, frozen=True):
    """The first record of a file. Flowcell and lane are "" where the name does not tell them."""

    read_name: str
    flowcell: str = ""
    lane: str = ""
    read: str = ""


def read_head(data: bytes, size: int) -> FastqHead:
    """The first record, from a file's first bytes; ``size`` is the whole file's, in bytes.

    Raises UnreadableFastq where it is empty, not gzip, or not FASTQ.
    """
    if size == 0:
        raise UnreadableFastq(f"the file is empty: {_NOTHING_REMEDY}")
    if data[:2] != _GZIP_MAGIC[:size]:
        begins = data[:8].hex(" ") or "nothing at all"
        raise UnreadableFastq(
            f"the file is not gzip (it begins with {begins}): compress it with gzip, and upload it "
            "again"
        )
    text = _first_text(data, is_whole=size <= len(data))
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
    return _parse_name(name[1:].decode("ascii", "replace"))


def _check_text(text: bytes) -> None:
    """Raises UnreadableFastq for a text that has no first line to look at."""
    if not text:
        raise UnreadableFastq(f"there is nothing in the gzip file: {_NOTHING_REMEDY}")
    if text.startswith(_GZIP_MAGIC):
        raise UnreadableFastq("the file is compressed twice: unpack it once, and upload it again")
    if not text.strip(b"\r\n"):
        raise UnreadableFastq("there are only blank lines where its first read should be")
    if has_carriage_returns_alone(text):
        raise UnreadableFastq(f"the file {CARRIAGE_RETURNS_FAULT}")


def _first_text(data: bytes, *, is_whole: bool) -> bytes:
    """At least four lines, or all that there is."""
    inflater = zlib.decompressobj(wbits=31)
    text = b""
    try:
        while data and text.count(b"\n") < 4:
            text += inflater.decompress(data, 1 << 20)
            data = inflater.unconsumed_tail or inflater.unused_data
            if inflater.eof and data:  # bgzip and concatenated files have many members
                inflater = zlib.decompressobj(wbits=31)
    except zlib.error as error:
        raise UnreadableFastq(f"the gzip stream is broken at its start ({error})") from error
    if is_whole and not inflater.eof and text.count(b"\n") < 4:
        raise UnreadableFastq(
            "the file is cut off, it ends within its first record: upload it again"
        )
    return text


def _parse_name(header: str) -> FastqHead:
    """Illumina (Casava 1.8 and later, and before it) and MGI names; others give only the name."""
    name, _, comment = header.replace("\t", " ").partition(" ")
    read = ""
    if name.endswith(("/1", "/2")):
        name, read = name[:-2], "R" + name[-1]
    elif comment[:2] in {"1:", "2:"}:
        read = "R" + comment[0]
    parts = name.split("#")[0].split(":")
    flowcell, lane = "", ""
    if len(parts) >= 7:
        flowcell, lane = parts[2], parts[3]
    elif len(parts) == 5:
        lane = parts[1]
    elif match := _MGI_NAME.match(name):
        flowcell, lane = match["flowcell"], match["lane"]
    lane = str(int(lane)) if lane.isdecimal() and len(lane) <= 3 else ""
    return FastqHead(name, _SAFE.sub("-", flowcell)[:32], lane, read)


def check_read_number(head: FastqHead, read: str) -> None:
    """Raises MismatchedMates where the reads say that they are the other mate."""
    if head.read and head.read != read:
        raise MismatchedMates(
            f"the file should hold {read}, but its first read says that it is {head.read}: "
            "the mates seem to be swapped"
        )


def check_mates(r1_name: str, r2_name: str, lane: str) -> None:
    """Raises MismatchedMates where the two files of a lane begin with different reads."""
    if r1_name == r2_name:
        return
    names = f"({r1_name!r}, {r2_name!r})"
    if _have_sra_read_numbers(r1_name, r2_name):
        raise MismatchedMates(
            f"the read names in R1 and R2 of {lane} differ by .1 and .2 {names}, as `fastq-dump "
            "-I` writes them, which aligners do not take for mates: remove the ends from both "
            f"files, as in `{_WITHOUT_READ_NUMBERS}`, or get them again without -I, and upload both"
        )
    raise MismatchedMates(
        f"R1 and R2 of {lane} begin with different reads {names}: they are not each other's mates"
    )


def _have_sra_read_numbers(r1_name: str, r2_name: str) -> bool:
    """Not for ``SRR1.1`` and ``SRR1.2``, which are two spots."""
    first, second = map(_SRA_READ_NAME.fullmatch, (r1_name, r2_name))
    return (
        first is not None
        and second is not None
        and first["spot"] == second["spot"]
        and (first["read"], second["read"]) == ("1", "2")
    )
