"""What an uploaded object is by its key alone: the one answer for the bucket and for uploads."""

import msgspec

from seqdrop.domain.errors import UnplaceableFile
from seqdrop.domain.litter import why_litter
from seqdrop.domain.name_advice import (
    advice,
    holds_reads,
    mates_of_third,
    proposed_name,
    why_aside,
    why_unpaired,
)
from seqdrop.domain.name_patterns import NamePatterns
from seqdrop.domain.naming import (
    FastqName,
    UploadKind,
    parse_fastq_name,
    sample_id_fault,
    stem_of,
    upload_kind,
)


class Manifest(msgspec.Struct, frozen=True):
    """It says of other files what they are."""


class Reads(msgspec.Struct, frozen=True):
    """R1 or R2 (or R3, where R2 holds UMIs) of a sample, as far as its name tells."""

    name: FastqName


class NoPart(msgspec.Struct, frozen=True):
    """No file of a sample's, or one that takes no part: noted once, and nobody has to act."""

    why: str


class CompanionReads(msgspec.Struct, frozen=True):
    """Reads beside a pair: of the sample, but neither R1 nor R2.

    Where the sample has its pair, it is left out. Where it has not, a person must look.
    """

    sample: str
    why: str
    remedy: str


class NoPlace(msgspec.Struct, frozen=True):
    """It may be a lab's file, but its name tells no sample: a person must act."""

    why: str
    remedy: str


KeyMeaning = Manifest | Reads | NoPart | CompanionReads | NoPlace


def meaning_of(key: str, patterns: NamePatterns) -> KeyMeaning:
    """What a key is. No manifest was asked: what one says of the key comes before this."""
    if why := why_litter(key):
        return NoPart(why)
    name = key.rsplit("/", 1)[-1]
    if upload_kind(key) is UploadKind.MANIFEST:
        return Manifest()
    if why := why_unpaired(name):
        return NoPart(why)
    try:
        parsed = parse_fastq_name(key, patterns)
    except UnplaceableFile as error:
        return _without_place(name, error.fact, patterns)
    return NoPart(parsed.left_out) if parsed.left_out else Reads(parsed)


def _without_place(name: str, fact: str, patterns: NamePatterns) -> KeyMeaning:
    """Of a name that fits no pattern, or gives no possible sample id."""
    if why := why_aside(name):
        return NoPart(why)
    if not holds_reads(name):
        fact = (
            "it is neither FASTQ (.fastq.gz, .fq.gz) nor a manifest (.manifest.json, "
            "samplesheet.csv)"
        )
    return _beside_a_pair(name, patterns) or NoPlace(fact, _remedy(name, patterns))


def _remedy(name: str, patterns: NamePatterns) -> str:
    said = advice(name, patterns)
    return said if holds_reads(name) or "it is no FASTQ:" in said else "delete it"


def _beside_a_pair(name: str, patterns: NamePatterns) -> CompanionReads | None:
    """A third file (``A_3.fq.gz``), or one whose name tells no mate (``A.fq.gz``)."""
    if mates := mates_of_third(name):
        first, second = mates
        try:
            sample = parse_fastq_name(second, patterns).sample
        except UnplaceableFile:
            return None
        return CompanionReads(
            sample,
            f"its name fits neither R1 nor R2: a third file of sample {sample}",
            f"if it holds the mates of {first!r}, rename it to {second!r}; else delete it",
        )
    stem = stem_of(name)
    if not stem or sample_id_fault(stem) or proposed_name(name, patterns):
        return None
    return CompanionReads(
        stem,
        "its name fits neither R1 nor R2: single reads are not analysed, nor those that lost their "
        "mates (as `fasterq-dump --split-3` keeps them)",
        f"if it is one of a pair, rename it to '{stem}_R1.fastq.gz' or '{stem}_R2.fastq.gz'; else "
        "delete it",
    )
