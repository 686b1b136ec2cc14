"""What a FASTQ record is: the one definition, for the look at registration and the whole check.

Four lines: ``@`` and a name, bases, ``+``, qualities. Lines end with LF or CRLF, the last one
may lack its end. Reads of no bases are fine, as trimmers leave them. Blank lines may stand at
the end of a file, nowhere else.
"""

BASES = b"ACGTNRYSWKMBDHVUacgtnryswkmbdhvu"
"""The codes of the IUPAC, either case. SOLiD's colours (0, 1, 2, 3, .) are none."""
FIRST_QUALITY, LAST_QUALITY = 0x21, 0x7E
"""What SAM takes as a base's quality, Phred + 33."""
Q30 = 0x21 + 30
MAX_NAME_LENGTH = 254
"""What the SAM specification allows for a read's name."""
BLANKS = b" \t"
"""They end the name; what follows in the line is a comment."""

BLANK_LINE_FAULT = "begins with a blank line: only the end of a file may have some"

CARRIAGE_RETURNS_FAULT = (
    "has CR alone as its line ends, as old Macs wrote them: make them LF, as in "
    "`zcat FILE | tr '\\r' '\\n' | gzip`, and upload it again"
)
"""To follow a file's name; see ``has_carriage_returns_alone``."""

PADDING = b" \t\0\x1a\r\n"
"""What programs leave at a file's end, 0x1A (Ctrl-Z) those of DOS. Only line ends may be there."""

GZIP_PADDING = b"\0\r\n"
"""What may follow a file's gzip: zeros of tapes and disks, a line end of a text tool."""

_QUALITIES = bytes(range(FIRST_QUALITY, LAST_QUALITY + 1))
_NAME_BYTES = bytes(range(0x21, 0x7F))
_MATE_ENDS = (b"/1", b"/2")
_SHOWN = 8
_OTHER_BEGINNINGS = {
    b">": (
        "but with >, as FASTA does, which has no qualities: upload the FASTQ files that it was "
        "made from"
    ),
    b"BAM\x01": (
        "but as BAM does, which is no FASTQ: make some with `samtools collate` and `samtools "
        "fastq`, and upload these"
    ),
    b"\xef\xbb\xbf": (
        "but with a byte order mark (EF BB BF), as text editors write it: remove these three "
        "bytes, as in `zcat FILE | tail -c +4 | gzip`, and upload it again"
    ),
}


def record_fault(header: bytes, bases: bytes, plus: bytes, qualities: bytes) -> str:
    """What is wrong with a record, to follow "record 7"; "" where it is right.

    The lines come without their ends.
    """
    if fault := _header_fault(header):
        return fault
    if not plus.startswith(b"+"):
        return _plus_fault(bases, plus)
    if len(bases) != len(qualities):
        return f"has {len(bases):,} bases and {len(qualities):,} qualities"
    if others := bases.translate(None, BASES):
        return f"has characters that are not bases: {shown_bytes(others)}"
    if others := qualities.translate(None, _QUALITIES):
        return f"has characters that are not qualities (! to ~): {shown_bytes(others)}"
    return ""


def full_name(header: bytes) -> bytes:
    """What stands between ``@`` and the first blank."""
    name, _, _ = header[1:].replace(b"\t", b" ").partition(b" ")
    return name


def pair_name(header: bytes) -> bytes:
    """The name that both mates of a pair have: without ``/1`` and ``/2``."""
    name = full_name(header)
    return name[:-2] if name.endswith(_MATE_ENDS) else name


def has_carriage_returns_alone(text: bytes) -> bool:
    """Whether lines end with CR in a text where none ends with LF; a CR at its end says nothing."""
    return b"\n" not in text and b"\r" in text[:-1]


def other_beginning(header: bytes) -> str:
    """Of what else a first line may be, to follow "record 7"; "" where that can't be told."""
    for beginning, what in _OTHER_BEGINNINGS.items():
        if header.startswith(beginning):
            return f"does not begin with @ {what}"
    return ""


def _plus_fault(bases: bytes, plus: bytes) -> str:
    is_wrapped = bases and plus and not (bases + plus).translate(None, BASES)
    if not is_wrapped:
        return "has no + line"
    return (
        "has no + line after its bases, but more bases: its lines seem to be wrapped; write "
        "bases and qualities in one line each, as in `seqtk seq -l0 FILE | gzip`, and upload it "
        "again"
    )


def _header_fault(header: bytes) -> str:
    if not header:
        return BLANK_LINE_FAULT
    if not header.startswith(b"@"):
        return other_beginning(header) or "does not begin with @"
    return _name_fault(full_name(header))


def _name_fault(name: bytes) -> str:
    if not name:
        return "has no name"
    if len(name) > MAX_NAME_LENGTH:
        return f"has a name of {len(name):,} characters: SAM allows {MAX_NAME_LENGTH}"
    if name.startswith(b"@"):
        return "has a name that begins with @, as a line of SAM's header does"
    if others := name.translate(None, _NAME_BYTES):
        return f"has characters in its name that SAM does not take: {shown_bytes(others)}"
    return ""


def shown_bytes(others: bytes) -> str:
    """The first of the characters, each once: as they are, or their numbers."""
    each = sorted(set(others))
    texts = [chr(byte) if 0x21 <= byte < 0x7F else f"0x{byte:02X}" for byte in each]
    return " ".join(texts[:_SHOWN]) + (" …" if len(texts) > _SHOWN else "")
