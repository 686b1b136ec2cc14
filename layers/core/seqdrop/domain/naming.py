"""Names: what a file's key says of its sample, and the names that Seqdrop gives to things."""

import hashlib
import re
from enum import StrEnum
from pathlib import PurePosixPath

import msgspec

from seqdrop.domain.errors import UnplaceableFile
from seqdrop.domain.litter import why_litter
from seqdrop.domain.name_patterns import READS, NamePatterns

MAX_SAMPLE_LENGTH = 48
_SAMPLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_FASTQ_ENDINGS = (".fastq.gz", ".fq.gz")
"""In small or capital letters."""
_MANIFEST_ENDINGS = (".manifest.json", "samplesheet.csv")


class UploadKind(StrEnum):
    """What an uploaded object is by its name."""

    FASTQ = "fastq"
    MANIFEST = "manifest"
    OTHER = "other"


class FastqName(msgspec.Struct, frozen=True):
    """What the name of a FASTQ file says; lane "" and flowcell are left to the reads."""

    sample: str
    read: str
    lane: str = ""
    segment: str = "001"
    left_out: str = ""
    """Why the file takes no part in an analysis: an index read, or undetermined reads."""
    library: str = ""
    flowcell: str = ""
    is_demultiplexers: bool = False
    """Whether a demultiplexer gave the name (it has a segment): that splits lanes itself, so what
    looks like a lane within the sample's id is of the sample sheet."""


def upload_kind(key: str) -> UploadKind:
    """Whether a key is a FASTQ file's, a manifest's, or something else's."""
    name = PurePosixPath(key).name.lower()
    if why_litter(key):
        return UploadKind.OTHER
    if name.endswith(_MANIFEST_ENDINGS):
        return UploadKind.MANIFEST
    if name.endswith((*_FASTQ_ENDINGS, ".fastq", ".fq")):
        return UploadKind.FASTQ
    return UploadKind.OTHER


def stem_of(key: str) -> str:
    """A file's name without .fastq.gz or .fq.gz; "" where it ends in neither."""
    name = key.rsplit("/", 1)[-1]
    lower = name.lower()
    return next((name[: -len(end)] for end in _FASTQ_ENDINGS if lower.endswith(end)), "")


def parse_fastq_name(key: str, patterns: NamePatterns) -> FastqName:
    """What a key's last part says. Raises UnplaceableFile where it fits no pattern."""
    if not key.lower().endswith(_FASTQ_ENDINGS):
        raise UnplaceableFile(
            "its name does not end in .fastq.gz or .fq.gz", "compress it with gzip"
        )
    parts = patterns.parts(stem_of(key))
    if parts is None:
        raise UnplaceableFile(
            "its name fits neither <sample>_S<n>_L<lane>_R<1|2>_001.fastq.gz nor "
            "<sample>_R<1|2>.fastq.gz (or _1, _2, .fq.gz)",
            "rename it, or drop a manifest that names it",
        )
    name = FastqName(
        parts["sample"],
        parts["read"],
        parts.get("lane", ""),
        parts.get("segment", "001"),
        library=parts.get("library", ""),
        flowcell=parts.get("flowcell", ""),
        is_demultiplexers="segment" in parts,
    )
    if "Undetermined" in (name.sample.split("_")[0], parts.get("barcode")):
        return msgspec.structs.replace(name, sample="", left_out="undetermined reads")
    check_sample_id(name.sample)
    _check_parts(parts)
    if name.read.startswith("I"):
        return msgspec.structs.replace(name, left_out="an index read")
    return name


def _check_parts(parts: dict[str, str]) -> None:
    """A lab's pattern may take more than a read group or a key can hold."""
    if parts["read"] not in READS:
        raise UnplaceableFile(f"its name's read {parts['read']!r} is none of {', '.join(READS)}")
    if not parts.get("lane", "1").isdecimal():
        raise UnplaceableFile(f"its name's lane {parts['lane']!r} is no number", "rename it")
    for part in ("library", "flowcell", "segment"):
        word = parts.get(part, "1")
        if len(word) > MAX_SAMPLE_LENGTH or not _SAMPLE.fullmatch(word):
            raise UnplaceableFile(
                f"its name's {part} {word!r} may only have letters, digits, '.', '_' and '-', at "
                f"most {MAX_SAMPLE_LENGTH}",
                "rename it",
            )


def check_sample_id(sample: str) -> None:
    """Raises UnplaceableFile where a file can't be of a sample with this id."""
    if fault := sample_id_fault(sample):
        raise UnplaceableFile(fault, "rename it, or drop a manifest")


def sample_id_fault(sample: str) -> str:
    """Why no sample can have this id: too long, or other characters; "" where one can."""
    if len(sample) > MAX_SAMPLE_LENGTH:
        return (
            f"the sample id {sample[:60]!r} has {len(sample)} characters; "
            f"at most {MAX_SAMPLE_LENGTH} are possible"
        )
    if not _SAMPLE.fullmatch(sample):
        return (
            f"the sample id {sample!r} may only have letters, digits, '.', '_' and '-', and must "
            "begin with a letter or digit"
        )
    return ""


def folder_of(key: str) -> str:
    """A key's first folder, or "" where it has none."""
    first, slash, _ = key.partition("/")
    return first if slash else ""


def unplaced_sample(bucket: str, key: str) -> str:
    """The id under which an upload that fits no sample is held, always the same for a key."""
    return "unplaced-" + hashlib.sha256(f"{bucket}/{key}".encode()).hexdigest()[:12]


def supplied_key(sample: str) -> str:
    """Where the genotypes that a lab supplied for a sample are, below the results bucket.

    All else of a sample is in folders of its assays, so that no assay's name can hide it.
    """
    return f"{sample}/supplied-fingerprint.json"
