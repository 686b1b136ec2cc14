"""Names: what a file's key says of its sample, and the names that Seqdrop gives to things."""

import hashlib
import re
from enum import StrEnum
from pathlib import PurePosixPath

import msgspec

from seqdrop.domain.errors import UnplaceableFile

MAX_SAMPLE_LENGTH = 48
COMPANION_ENDINGS = (".html", ".xml", ".txt", ".log", ".zip", ".pdf", ".bin")
"""What sequencers and their tools leave beside reads."""
CHECKSUM_ENDINGS = (".md5", ".md5sum", ".sha256")
_SAMPLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_ILLUMINA = re.compile(
    r"(?P<sample>.+)_S\d+(?:_L(?P<lane>\d{3}))?_(?P<read>[RI][1-3])_(?P<segment>\d{3})",
    re.ASCII,
)
_PLAIN = re.compile(r"(?P<sample>.+)_R?(?P<read>[12])")
_FASTQ_ENDINGS = (".fastq.gz", ".fq.gz")
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


def upload_kind(key: str) -> UploadKind:
    """Whether a key is a FASTQ file's, a manifest's, or something else's."""
    name = PurePosixPath(key).name.lower()
    if name.endswith(_MANIFEST_ENDINGS):
        return UploadKind.MANIFEST
    if name.endswith((*_FASTQ_ENDINGS, ".fastq", ".fq")):
        return UploadKind.FASTQ
    return UploadKind.OTHER


def parse_fastq_name(key: str) -> FastqName:
    """What a key's last part says. Raises UnplaceableFile where it fits no pattern."""
    name = key.rsplit("/", 1)[-1]
    stem = next((name[: -len(e)] for e in _FASTQ_ENDINGS if name.endswith(e)), None)
    if stem is None and name.lower().endswith(_FASTQ_ENDINGS):
        raise UnplaceableFile("its name has to end in .fastq.gz or .fq.gz in small letters")
    if stem is None:
        raise UnplaceableFile(
            "its name does not end in .fastq.gz or .fq.gz", "compress it with gzip"
        )
    if match := _ILLUMINA.fullmatch(stem):
        sample, read = match["sample"], match["read"]
        lane = str(int(match["lane"])) if match["lane"] else ""
        segment = match["segment"]
    elif match := _PLAIN.fullmatch(stem):
        sample, read, lane, segment = match["sample"], "R" + match["read"], "", "001"
    else:
        raise UnplaceableFile(
            "its name fits neither <sample>_S<n>_L<lane>_R<1|2>_001.fastq.gz nor "
            "<sample>_R<1|2>.fastq.gz (or _1, _2, .fq.gz)",
            "rename it, or drop a manifest that names it",
        )
    if sample == "Undetermined":
        return FastqName("", read, lane, segment, left_out="undetermined reads")
    check_sample_id(sample)
    if read.startswith("I"):
        return FastqName(sample, read, lane, segment, left_out="an index read")
    return FastqName(sample, read, lane, segment)


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
