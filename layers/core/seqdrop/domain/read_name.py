"""What the first line of a read tells: flowcell, lane, barcode, and which mate it is.

Illumina's names since Casava 1.8 (``M01:7:000000000-A1B2C:1:1101:15589:1334 1:N:0:ACGT``), which
Element and others took over, and before it (``HWUSI-EAS100R:6:73:941:1973#ACGT/1``); those of BGI
(``FCC0U42ACXX:3:1101:1239:2191#CGATGT/1``) and MGI (``V300019058L3C001R0010000000/1``). SRA and ENA
put an accession before them (``SRR1.7 A00217:76:HFLT3DSXX:1:1101:1108:1000/1``), or keep nothing
(``SRR1.7 7 length=150``). Other names tell nothing, which is no fault.
"""

import re
from typing import NamedTuple

import msgspec

_COMMENT = re.compile(r"(?P<read>[12]):[YN]:\d+(?::(?P<barcode>\S*))?(?:\s|$)")
_JOINED = re.compile(r"(?P<core>.+)[_:](?P<comment>[12]:[YN]:\d+(?::\S*)?)")
"""Where a program put ``_`` for the blank: ``M01:7:…:1334_1:N:0:ACGT``."""
_ARCHIVES = re.compile(r"(?P<spot>[SED]RR\d+\.\d+)(?:\.(?P<read>[12]))?")
"""``fastq-dump -I`` adds the read's number to accession and spot: ``SRR1.7.1``, ``SRR1.7.2``."""
_MGI = re.compile(r"(?P<flowcell>[A-Z]+\d+)L0?(?P<lane>\d)C\d{3}R\d{3}")
_BGI_FLOWCELL = re.compile(r"FC([A-Z0-9]{7,10})")
_BARCODE = re.compile(r"[ACGTN]{4,}(?:[+-][ACGTN]{4,})?")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_SAFE = re.compile(r"[^A-Za-z0-9._-]")
_LONGEST_LANE = 3


class FastqHead(msgspec.Struct, frozen=True):
    """The first record of a file. What its name does not tell is ""."""

    read_name: str
    """What aligners compare: up to the first blank, without ``/1`` and ``/2``."""
    flowcell: str = ""
    lane: str = ""
    read: str = ""
    barcode: str = ""
    """``ACGT``, or ``ACGT+TTGA`` of two indices."""


class _Source(NamedTuple):
    flowcell: str = ""
    lane: str = ""


def parse_read_name(header: str) -> FastqHead:
    """A header line without its ``@``."""
    name, _, comment = header.replace("\t", " ").partition(" ")
    name, read = _without_mate(name)
    core = name
    if joined := _JOINED.fullmatch(name):
        core, comment = joined["core"], joined["comment"]
    elif archives := _ARCHIVES.fullmatch(name):
        read = f"R{archives['read']}" if archives["read"] else read
        original, _, comment = comment.partition(" ")
        core, its_read = _without_mate(original)
        read = read or its_read
    if found := _COMMENT.match(comment):
        read = read or f"R{found['read']}"
    source = _source(core)
    return FastqHead(
        name, _SAFE.sub("-", source.flowcell)[:32], source.lane, read, _barcode(core, comment)
    )


def is_of_one_read(name: str) -> bool:
    """Whether only one pair of reads anywhere can have this name.

    Many have ``read1``, or a name that tells the lane without the flowcell.
    """
    source = _source(name)
    return bool((source.flowcell and source.lane) or _ARCHIVES.fullmatch(name))


def lane_prefix(name: bytes) -> bytes:
    """What of a read's name, from its beginning, all reads of the flowcell's lane have; b"" where
    the name tells no lane. For one file: names are of one style in it.
    """
    text = name.decode("ascii", "replace")
    if not _source(text).lane:
        return b""
    if match := _MGI.match(text):
        return name[: match.end("lane")]
    fields = name.split(b":")
    return b":".join(fields[: 4 if len(fields) >= 7 else 2]) + b":"


def _without_mate(name: str) -> tuple[str, str]:
    return (name[:-2], f"R{name[-1]}") if name.endswith(("/1", "/2")) else (name, "")


def _source(core: str) -> _Source:
    parts = core.split("#", maxsplit=1)[0].split(":")
    if len(parts) >= 7:
        return _Source(parts[2], _lane(parts[3]))
    if len(parts) == 5 and all(_NUMBER.fullmatch(part) for part in parts[1:]):
        flowcell = _BGI_FLOWCELL.fullmatch(parts[0])
        return _Source(flowcell[1] if flowcell else "", _lane(parts[1]))
    if match := _MGI.match(core):
        return _Source(match["flowcell"], match["lane"])
    return _Source()


def _lane(text: str) -> str:
    if not text.isdecimal() or not text.isascii() or len(text) > _LONGEST_LANE:
        return ""
    return str(int(text)) if int(text) else ""


def _barcode(core: str, comment: str) -> str:
    """From the comment, from behind ``#``, or from the tag that ``samtools fastq -T BC`` writes."""
    found = _COMMENT.match(comment)
    tag = re.search(r"(?:^| )BC:Z:(\S+)", comment)
    texts = [found["barcode"] if found else "", core.partition("#")[2], tag[1] if tag else ""]
    barcodes = [text for text in texts if text and _BARCODE.fullmatch(text)]
    return barcodes[0].replace("-", "+") if barcodes else ""
