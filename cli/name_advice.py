"""File names that an upload can't use: why they are left out, and which name would fit."""

import re
import shlex
import unicodedata
from collections.abc import Collection

from seqdrop.domain.errors import UnplaceableFile
from seqdrop.domain.naming import (
    CHECKSUM_ENDINGS,
    COMPANION_ENDINGS,
    MAX_SAMPLE_LENGTH,
    parse_fastq_name,
)

_DESKTOP = {".ds_store", "thumbs.db", "desktop.ini"}
_CHECKSUMS = {"md5.txt", "md5sum.txt", "md5sums.txt", "checksums.txt"}
_UNFINISHED = (".part", ".partial", ".filepart", ".tmp", ".crdownload", ".aria2", ".download")
_READS = re.compile(r"\.(fastq|fq)(\W|$)|\.ora$", re.IGNORECASE)
_ENDING = re.compile(r"[._ -]*\.(fastq|fq)\.gz$", re.IGNORECASE)
_COPY = re.compile(
    r"(?P<before>.+?)(?P<ending>\.(?:fastq|fq))?(?: ?\(\d+\))(?P<after>(?:\.(?:fastq|fq))?\.gz)"
    r"|(?P<whole>.+\.(?:fastq|fq)\.gz)\.\d+",
    re.IGNORECASE,
)
"""A browser's second copy (``a.fastq (1).gz``), and wget's (``a.fastq.gz.1``)."""
_TRIMMED = re.compile(
    r"([._-](val_[12]|clean|trimmed|paired|filtered|trim|fastp|[12]P))+$", re.IGNORECASE
)
"""What trimmers add: Trim Galore ``_val_1``, Trimmomatic ``_1P``, others a word."""
_MATE = re.compile(
    r"(?P<sample>.+?)[._ -]+(?P<read>R[12]|read[._ -]?[12]|forward|reverse|fwd|rev|[12]|[12]P)"
    r"(?:[._-]val[._-][12])?(?P<segment>_001)?$",
    re.IGNORECASE,
)
_THIRD = re.compile(r"(?P<before>.+_R?)3(?P<after>\.(?:fastq|fq)\.gz)")
_LANE = re.compile(r"(?P<sample>.+?)[._-]L(?P<lane>\d{1,3})$", re.IGNORECASE)
_NUMBER = re.compile(r"(?P<sample>.+)_(?P<number>S\d+)")
_BARCODE = re.compile(r"[._-][ACGTN]{6,}([+-][ACGTN]{6,})?$")
"""CASAVA 1.8 has the index in the name: ``A_CGATGT_L001_R1_001.fastq.gz``."""
_INDEX = re.compile(r".*[._-](I|index)[12](_\d{3})?\.(fastq|fq)(\.gz)?", re.IGNORECASE)
_UMIS = re.compile(r".*[._-]UMIs?(_\d{3})?\.(fastq|fq)(\.gz)?", re.IGNORECASE)
_BACKUPS = ("~", ".bak", ".old", ".orig")
_NOT_IN_XML = "\ufffe\uffff"
_UNPACKERS = {".bz2": "bzcat", ".zst": "zstdcat", ".xz": "xzcat"}
_OF_ALIGNMENTS = "it is no FASTQ: make some with `samtools collate` and `samtools fastq`"
_NOT_READS = {
    ".ora": "unpack it with Illumina's `orad`, which makes a .fastq.gz",
    ".bam": _OF_ALIGNMENTS,
    ".cram": _OF_ALIGNMENTS,
    ".sra": "it is no FASTQ: make some with `fasterq-dump --split-3`, and gzip it",
    ".bcl": "it is no FASTQ: convert the run with BCL Convert",
    ".cbcl": "it is no FASTQ: convert the run with BCL Convert",
    ".tar": "it is no FASTQ: unpack it, and upload what is in it",
    ".tgz": "it is no FASTQ: unpack it, and upload what is in it",
}


def why_left_out(name: str) -> str:
    """Why a file of this name takes no part, wherever it is found; "" where it may."""
    lower = name.lower()
    reasons = {
        "macOS keeps its own notes in it (AppleDouble)": name.startswith("._"),
        "a desktop's own file": lower in _DESKTOP,
        "a hidden file": name.startswith("."),
        "a transfer that has not ended, by its name": lower.endswith(_UNFINISHED),
        "checksums are taken from a manifest (r1_md5, r2_md5)": (
            lower.endswith(CHECKSUM_ENDINGS) or lower in _CHECKSUMS
        ),
        "no FASTQ": lower.endswith(COMPANION_ENDINGS),
    }
    return next((why for why, holds in reasons.items() if holds), "") or _by_fastq_name(name)


def why_no_key(name: str) -> str:
    """Why a file of this name can't be in a bucket, where listings are XML in UTF-8, and its name
    a line of text; "" where it can.
    """
    if any(unicodedata.category(c) == "Cs" for c in name):
        return "its name is not in UTF-8: rename it"
    if any(unicodedata.category(c) == "Cc" or c in _NOT_IN_XML for c in name):
        return "its name has a line end or another control character in it: rename it"
    return ""


def _by_fastq_name(name: str) -> str:
    try:
        return parse_fastq_name(name).left_out
    except UnplaceableFile:
        return ""


def why_aside(name: str) -> str:
    """Why a file whose name fits nothing seems to be none of R1 and R2; "" where it may be one."""
    reasons = {
        "index reads, by its name": _INDEX.fullmatch(name),
        "UMIs, by its name": _UMIS.fullmatch(name),
        "a backup copy, by its name": name.lower().endswith(_BACKUPS),
    }
    return next((why for why, holds in reasons.items() if holds), "")


def holds_reads(name: str) -> bool:
    """Whether a file seems to hold reads, packed or named so that they can't be taken."""
    return _READS.search(name) is not None


def advice(name: str, taken: Collection[str] = ()) -> str:
    """What to do with a file whose name fits nothing; ``taken`` are names that can't be given."""
    if packing := _how_to_pack(name):
        return packing
    if why := why_aside(name):
        return f"{why}: leave it out"
    if second := _second_of_three(name, taken):
        return f"if it holds the mates of R1, rename it to {second!r}"
    proposed = proposed_name(name)
    if proposed and proposed not in taken:
        return f"rename it to {proposed!r}, if that is what it is"
    if holds_reads(name):
        return (
            "rename it to <sample>_R1.fastq.gz or <sample>_R2.fastq.gz, or name it in a manifest "
            "(--manifest)"
        )
    return "it is no FASTQ (.fastq.gz, .fq.gz) and no manifest (.manifest.json, samplesheet.csv)"


def _second_of_three(name: str, there: Collection[str]) -> str:
    """``A_2.fq.gz`` for ``A_3.fq.gz`` beside ``A_1.fq.gz`` alone: SRA's second mate where the run
    has an index read between.
    """
    third = _THIRD.fullmatch(name)
    if third is None:
        return ""
    first, second = (f"{third['before']}{read}{third['after']}" for read in "12")
    return second if first in there and second not in there and _fits(second) else ""


def _how_to_pack(name: str) -> str:
    """How to make a .fastq.gz of it; "" where it seems to be one."""
    stem, dot, ending = name.rpartition(".")
    ending = f"{dot}{ending}".lower()
    file = shlex.quote(name)
    if ending in {".fastq", ".fq"}:
        return f"it is not compressed: run `gzip {file}`"
    if ending in _UNPACKERS and holds_reads(name):
        packed = shlex.quote(f"{stem}.gz")
        return f"pack it with gzip: `{_UNPACKERS[ending]} {file} | gzip > {packed}`"
    return _NOT_READS.get(ending, "")


def proposed_name(name: str) -> str:
    """A name that fits, with the same mate of the same sample, as far as it can be told; or ""."""
    if copy := _COPY.fullmatch(name):
        name = copy["whole"] or f"{copy['before']}{copy['ending'] or ''}{copy['after']}"
    ending = _ENDING.search(name)
    if ending is None:
        return ""
    stem = name[: ending.start()]
    packed = ".fq.gz" if ending[1].lower() == "fq" else ".fastq.gz"
    mate = _mate(stem)
    if mate is None:
        return ""
    sample, number, lane, read = mate
    middle = f"_{number}_L{int(lane):03}_R{read}_001" if lane else f"_R{read}"
    proposed = f"{sample}{middle}{packed}"
    return proposed if _fits(proposed) else ""


def _mate(stem: str) -> tuple[str, str, str, str] | None:
    """Sample, its number in the run (``S1``), lane ("" where none is named) and the read's."""
    match = _MATE.fullmatch(_TRIMMED.sub("", stem)) or _MATE.fullmatch(stem)
    if match is None:
        return None
    read = "2" if match["read"].lower() in {"reverse", "rev"} else "1"
    if digit := re.search(r"[12]", match["read"]):
        read = digit[0]
    sample, number, lane = match["sample"], "S1", ""
    if found := _LANE.fullmatch(sample):
        sample, lane = found["sample"], found["lane"]
        sample = _BARCODE.sub("", sample) or sample
    if numbered := _NUMBER.fullmatch(sample):
        sample, number = numbered["sample"], numbered["number"]
    return _sample_id(sample), number, lane, read


def _sample_id(text: str) -> str:
    """The nearest id that is possible: accents go, what is not allowed becomes a dash."""
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-._")


def _fits(name: str) -> bool:
    try:
        parsed = parse_fastq_name(name)
    except UnplaceableFile:
        return False
    return len(parsed.sample) <= MAX_SAMPLE_LENGTH and not parsed.left_out
