"""Names that Seqdrop can't use as they are: which would fit, and what to do with *this* file."""

import re
import shlex
import unicodedata
from collections.abc import Collection

from seqdrop.domain.errors import UnplaceableFile
from seqdrop.domain.name_patterns import NamePatterns
from seqdrop.domain.naming import MAX_SAMPLE_LENGTH, parse_fastq_name

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
_UNPAIRED = re.compile(
    r".+[._-](unpaired|orphans?|singletons?|[12]U)([._-](val[._-])?R?[12])?\.(fastq|fq)(\.gz)?",
    re.IGNORECASE,
)
"""What trimmers call reads whose mates they threw away: Trimmomatic ``_1U``, others a word."""
_BACKUPS = ("~", ".bak", ".old", ".orig")
_UNPACKERS = {".bz2": "bzcat", ".zst": "zstdcat", ".xz": "xzcat"}
_OF_ALIGNMENTS = "it is no FASTQ: make some with `samtools collate` and `samtools fastq`"
_NOT_READS = {
    ".ora": "it is packed as ORA: unpack it with Illumina's `orad`, which makes a .fastq.gz",
    ".bam": _OF_ALIGNMENTS,
    ".cram": _OF_ALIGNMENTS,
    ".sra": "it is no FASTQ: make some with `fasterq-dump --split-3`, and gzip it",
    ".bcl": "it is no FASTQ: convert the run with BCL Convert",
    ".cbcl": "it is no FASTQ: convert the run with BCL Convert",
    ".tar": "it is no FASTQ: unpack it, and upload what is in it",
    ".tgz": "it is no FASTQ: unpack it, and upload what is in it",
    ".zip": "it is no gzip: unpack it, and compress what is in it with gzip",
    ".7z": "it is no gzip: unpack it, and compress what is in it with gzip",
    ".rar": "it is no gzip: unpack it, and compress what is in it with gzip",
}


def why_unpaired(name: str) -> str:
    """Why a file holds reads that lost their mates, by its name; "" where it may be one of a pair.

    Two of them (``A_1U.fq.gz``, ``A_2U.fq.gz``) are no pair either.
    """
    return "reads without a mate, by its name" if _UNPAIRED.fullmatch(name) else ""


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


def advice(name: str, patterns: NamePatterns, taken: Collection[str] = ()) -> str:
    """What to do with a file whose name fits nothing; ``taken`` are names that can't be given."""
    if packing := _how_to_pack(name):
        return packing
    if why := why_aside(name):
        return f"{why}: leave it out"
    if second := _second_of_three(name, patterns, taken):
        return f"if it holds the mates of R1, rename it to {second!r}"
    proposed = proposed_name(name, patterns)
    if proposed and proposed not in taken:
        return f"rename it to {proposed!r}, if that is what it is"
    if holds_reads(name):
        return "rename it to <sample>_R1.fastq.gz or <sample>_R2.fastq.gz, or name it in a manifest"
    return "it is no FASTQ (.fastq.gz, .fq.gz) and no manifest (.manifest.json, samplesheet.csv)"


def mates_of_third(name: str) -> tuple[str, str] | None:
    """``A_1.fq.gz`` and ``A_2.fq.gz`` for ``A_3.fq.gz``; None for a name that is no third one's."""
    third = _THIRD.fullmatch(name)
    if third is None:
        return None
    first, second = (f"{third['before']}{read}{third['after']}" for read in "12")
    return first, second


def _second_of_three(name: str, patterns: NamePatterns, there: Collection[str]) -> str:
    """``A_2.fq.gz`` for ``A_3.fq.gz`` beside ``A_1.fq.gz`` alone: SRA's second mate where the run
    has an index read between.
    """
    first, second = mates_of_third(name) or ("", "")
    return second if first in there and second not in there and _fits(second, patterns) else ""


def _how_to_pack(name: str) -> str:
    """How to make a .fastq.gz of it; "" where it seems to be one."""
    stem, dot, ending = name.rpartition(".")
    ending = f"{dot}{ending}".lower()
    file = shlex.quote(name)
    if ending in {".fastq", ".fq"}:
        return f"it is not compressed: run `gzip {file}`"
    if ending in _UNPACKERS and holds_reads(name):
        packed = shlex.quote(f"{stem}.gz")
        return f"compress it with gzip: `{_UNPACKERS[ending]} {file} | gzip > {packed}`"
    return _NOT_READS.get(ending, "")


def proposed_name(name: str, patterns: NamePatterns) -> str:
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
    return proposed if _fits(proposed, patterns) else ""


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


def _fits(name: str, patterns: NamePatterns) -> bool:
    try:
        parsed = parse_fastq_name(name, patterns)
    except UnplaceableFile:
        return False
    return len(parsed.sample) <= MAX_SAMPLE_LENGTH and not parsed.left_out
