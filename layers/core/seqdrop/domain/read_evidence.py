"""Whose reads these are: what a name says, held against what the reads say themselves.

A lane's, flowcell's or barcode's name within a sample's would make each lane a sample of its own,
with its part of the reads, and nobody would see that the rest is missing. What the reads repeat is
no part of the sample; what only looks so, and the reads contradict or do not tell, is in doubt.
"""

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple

import msgspec

from seqdrop.domain.naming import FastqName, sample_id_fault
from seqdrop.domain.read_name import FastqHead

_LANE = re.compile(r"(?:L|lane)(0{0,2}[1-8])", re.IGNORECASE)
"""Instruments have up to eight lanes."""
_FLOWCELL = re.compile(
    r"[A-Z0-9]{3,6}[A-D][A-Z]X[A-Z0-9]{1,2}|[A-Z0-9]{6}LT\d|000000000-[A-Z0-9]{5}"
)
"""Illumina's: HFLT3DSXX, H2W7MDSXC, HJ2VHBGX5, C0U42ACXX; 22ABCDLT3; and MiSeq's."""
_MGI_FLOWCELL = re.compile(r"(?:[VE]|CL|F[PT])\d{8,9}")
_BARCODE = re.compile(r"[ACGTN]{6,20}(?:[-+][ACGTN]{6,20})?")
_BARCODE_NUMBER = re.compile(r"(?:UDB|UDI|MGIUDI|BC|barcode)?-?\d{1,3}", re.IGNORECASE)
"""MGI's, the number of an adapter: ``V300019058_L01_UDB-1``, ``V300019058_L01_57``. Such names have
no place for a sample."""
_LEAST_FLOWCELL = 5
"""Shorter words may be a sample's own."""
_BY_MANIFEST = "name it in a manifest, which says whose it is"


class Owner(msgspec.Struct, frozen=True):
    """The sample, and its lane where the reads or the name tell it; "" where neither does."""

    sample: str
    lane: str
    flowcell: str = ""
    of_many_lanes: bool = False
    """Whether the name says that the sample's reads were split by lanes: more may come."""


class Doubt(msgspec.Struct, frozen=True):
    """The name may be of a lane, not of a sample: held until a person says whose it is."""

    why: str
    remedy: str


class _Kind(Enum):
    """What a word of a name is."""

    SAMPLES = auto()
    LANE = auto()
    FLOWCELL = auto()
    BARCODE = auto()
    IN_DOUBT = auto()


_OF_A_PART = (_Kind.LANE, _Kind.FLOWCELL)


class _Word(NamedTuple):
    """A word of a name, and what stands before it."""

    separator: str
    text: str
    kind: _Kind


def owner_of(name: FastqName, head: FastqHead) -> Owner | Doubt:
    """Whose a file's reads are. Not for files that a manifest names: that says it."""
    if doubt := _other_flowcell(name, head):
        return doubt
    words = list(_words(name, head))
    kinds = [word.kind for word in words]
    if in_doubt := [word.text for word in words if word.kind is _Kind.IN_DOUBT]:
        return _doubt_about(name, head, in_doubt)
    own = [word for word in words if word.kind is _Kind.SAMPLES]
    sample = "".join(word.separator + word.text for word in own)[1:]
    is_first_flowcell = kinds[0] is _Kind.FLOWCELL
    if not sample or (is_first_flowcell and _BARCODE_NUMBER.fullmatch(sample)):
        return Doubt(
            f"its name tells flowcell, lane or barcode ({name.sample!r}), and no sample",
            _BY_MANIFEST,
        )
    if fault := sample_id_fault(sample):
        return Doubt(fault, "rename it, or name it in a manifest")
    is_part = bool(name.lane or name.flowcell) or not {*kinds}.isdisjoint(_OF_A_PART)
    return Owner(
        sample, head.lane or name.lane, head.flowcell or name.flowcell, of_many_lanes=is_part
    )


def _other_flowcell(name: FastqName, head: FastqHead) -> Doubt | None:
    """Where a pattern has a place for the flowcell, and the reads are of another one."""
    if not (name.flowcell and head.flowcell) or name.flowcell == head.flowcell:
        return None
    return Doubt(
        f"its name says flowcell {name.flowcell}, and its first read {head.flowcell}",
        "give it the name of the reads that it holds, or name it in a manifest",
    )


def _words(name: FastqName, head: FastqHead) -> Iterator[_Word]:
    """The words of the sample's part of the name. What stands between two ``_`` may be one flowcell
    or barcode (``000000000-A1B2C``), or words of its own.
    """
    for chunk in name.sample.split("_"):
        if kind := _kind(chunk, "_", name, head):
            yield _Word("_", chunk, kind)
            continue
        parts = ["_", *re.split(r"([.-])", chunk)]
        for separator, text in zip(parts[::2], parts[1::2], strict=True):
            yield _Word(separator, text, _kind(text, separator, name, head) or _Kind.SAMPLES)


def _kind(text: str, separator: str, name: FastqName, head: FastqHead) -> _Kind | None:
    """None for what is the sample's own, as its only word is, unless it is surely a flowcell's."""
    is_flowcell = _FLOWCELL.fullmatch(text) or _MGI_FLOWCELL.fullmatch(text)
    if len(text) >= _LEAST_FLOWCELL and text.upper() == head.flowcell.upper():
        return _Kind.FLOWCELL if is_flowcell or text != name.sample else None
    if name.is_demultiplexers or text == name.sample:
        return None
    if lane := _LANE.fullmatch(text):
        return _kind_of_lane(str(int(lane[1])), separator, head)
    if is_flowcell and (not head.flowcell or _FLOWCELL.fullmatch(text)):
        return _Kind.IN_DOUBT
    if _BARCODE.fullmatch(text):
        return _Kind.BARCODE if _is_barcode(text, head) else _Kind.IN_DOUBT
    return None


def _kind_of_lane(lane: str, separator: str, head: FastqHead) -> _Kind | None:
    """``K5_L2`` is lane 2 where the reads say so, and else in doubt. ``P1-L2`` may be a lesion:
    with a dash or dot it is in doubt where the reads say the same, or nothing.
    """
    if separator == "_":
        return _Kind.LANE if lane == head.lane else _Kind.IN_DOUBT
    return _Kind.IN_DOUBT if head.lane in {"", lane} else None


def _is_barcode(word: str, head: FastqHead) -> bool:
    """Whether it is the reads' own: each index may have one base misread, or not read."""
    ours, theirs = re.split("[-+]", word), head.barcode.split("+")
    return len(ours) == len(theirs) and all(
        len(one) == len(other)
        and sum(b not in (a, "N") for a, b in zip(one, other, strict=True)) <= 1
        for one, other in zip(ours, theirs, strict=True)
    )


def _doubt_about(name: FastqName, head: FastqHead, words: list[str]) -> Doubt:
    fields = (("flowcell", head.flowcell), ("lane", head.lane), ("barcode", head.barcode))
    told = [f"{what} {value}" for what, value in fields if value]
    reads = f"the reads say {', '.join(told)}" if told else "the reads tell none"
    kept = _without(name.sample, words)
    lane = "_S1_L<lane>" if any(map(_LANE.fullmatch, words)) else ""
    tail = f"{lane}_{name.read}_001" if lane else f"_{name.read}"
    to_rename = f"rename it to {kept}{tail}.fastq.gz, if {kept} is the sample; or " if kept else ""
    return Doubt(
        f"{' and '.join(map(repr, words))} in its name may be a lane, flowcell or barcode "
        f"({reads}), or a part of the sample's id {name.sample!r}",
        to_rename + _BY_MANIFEST,
    )


def _without(sample: str, words: list[str]) -> str:
    for word in words:
        sample = re.sub(rf"(?:^|[._-]){re.escape(word)}(?=$|[._-])", "", sample)
    return sample.strip("._-")
