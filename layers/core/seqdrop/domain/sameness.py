"""Whether two objects have the same content, by what S3 tells of both.

S3 keeps what whoever put an object asked for: a checksum of the whole content, or one of the parts'
checksums (COMPOSITE), which depends on how the object was cut; one of many algorithms; and an ETag,
which is the MD5 only where the object came in one piece and under no key of KMS or the customer's.
"""

import base64
import binascii
import re
from enum import StrEnum

import msgspec

from seqdrop.domain.crc import CRCS, combine

_MD5 = re.compile(r"[0-9a-f]{32}")
_MD5_OF_PARTS = re.compile(r"[0-9a-f]{32}-[0-9]+")


class Part(msgspec.Struct, frozen=True):
    """A part of an object as it was uploaded: its size in bytes, and checksums by algorithm."""

    size: int
    checksums: dict[str, str]
    """In base64, as S3 gives them; algorithms have S3's names."""


class Fingerprints(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that S3 tells of an object's content."""

    size: int
    whole: dict[str, str] = {}
    """Checksums of the content by algorithm, in base64."""
    of_parts: dict[str, str] = {}
    """Checksums of the parts' checksums: ``<base64>-<number of parts>``; the ETag, too."""
    parts: tuple[Part, ...] = ()
    """In their order; none where they were not asked for, or S3 does not tell."""

    @property
    def may_have_parts(self) -> bool:
        """Whether asking for the parts may tell more."""
        return bool(self.of_parts.keys() - {"ETag"}) and not self.parts


class Verdict(StrEnum):
    """What is known of two objects' contents."""

    SAME = "same"
    DIFFERENT = "different"
    UNKNOWN = "unknown"


class Sameness(msgspec.Struct, frozen=True):
    """A verdict, and what it stands on."""

    verdict: Verdict
    why: str


def fingerprints(
    size: int, etag: str, checksums: dict[str, str], *, is_of_parts: bool, is_etag_digest: bool,
    parts: tuple[Part, ...] = (),
) -> Fingerprints:  # fmt: skip
    """What S3's answer says of the content.

    ``is_of_parts`` says that the checksums are COMPOSITE, ``is_etag_digest`` that no key of KMS or
    of the customer makes the ETag something else than an MD5.
    """
    whole = {} if is_of_parts else dict(checksums)
    of_parts = dict(checksums) if is_of_parts else {}
    etag = etag.strip('"').lower()
    if is_etag_digest and _MD5.fullmatch(etag):
        whole.setdefault("MD5", base64.b64encode(binascii.unhexlify(etag)).decode())
    if is_etag_digest and _MD5_OF_PARTS.fullmatch(etag):
        of_parts["ETag"] = etag
    return Fingerprints(size, whole, of_parts, parts)


def compare(one: Fingerprints, other: Fingerprints) -> Sameness:
    """Whether both have the same content; where S3 can't tell, UNKNOWN, with what it has of each.

    Two checksums of one kind that differ are of two contents. Where all that can be compared are
    equal, and the sizes are, the contents are taken to be the same: even a CRC32 is wrong once in
    four billion.
    """
    if one.size != other.size:
        return Sameness(Verdict.DIFFERENT, f"{one.size:,} and {other.size:,} bytes")
    if one.size == 0:
        return Sameness(Verdict.SAME, "both are empty")
    if said := _by_values(_whole(one), _whole(other), "the content"):
        return said
    if said := _by_parts(one.parts, other.parts):
        return said
    equal = sorted(
        kind for kind, value in one.of_parts.items() if other.of_parts.get(kind) == value
    )
    if equal:  # other values may be of the same content, cut otherwise
        return Sameness(Verdict.SAME, f"the same {equal[0]} of the parts")
    return Sameness(
        Verdict.UNKNOWN,
        f"S3 has nothing to compare: {_kinds(one)} of one, {_kinds(other)} of the other",
    )


def _by_values(one: dict[str, str], other: dict[str, str], of: str) -> Sameness | None:
    common = sorted(one.keys() & other.keys())
    for kind in common:
        if one[kind] != other[kind]:
            return Sameness(Verdict.DIFFERENT, f"another {kind} of {of}")
    return Sameness(Verdict.SAME, f"the same {' and '.join(common)} of {of}") if common else None


def _by_parts(one: tuple[Part, ...], other: tuple[Part, ...]) -> Sameness | None:
    """Part by part, where both were cut alike and each pair of parts has a checksum in common."""
    if not one or [part.size for part in one] != [part.size for part in other]:
        return None
    said = [
        _by_values(mine.checksums, theirs.checksums, f"part {number}")
        for number, (mine, theirs) in enumerate(zip(one, other, strict=True), 1)
    ]
    different = next((s for s in said if s and s.verdict is Verdict.DIFFERENT), None)
    if different or None in said:
        return different
    return Sameness(Verdict.SAME, f"the same checksums of all {len(one)} parts")


def _whole(one: Fingerprints) -> dict[str, str]:
    """Checksums of the content, those that follow from the parts' included."""
    if not one.parts or sum(part.size for part in one.parts) != one.size:
        return one.whole
    if len(one.parts) == 1:
        return one.parts[0].checksums | one.whole
    combined = {
        algorithm: _combined(algorithm, one.parts)
        for algorithm in CRCS
        if all(algorithm in part.checksums for part in one.parts)
    }
    return combined | one.whole


def _combined(algorithm: str, parts: tuple[Part, ...]) -> str:
    given = (
        (int.from_bytes(base64.b64decode(part.checksums[algorithm]), "big"), part.size)
        for part in parts
    )
    whole = combine(algorithm, given).to_bytes(CRCS[algorithm].bits // 8, "big")
    return base64.b64encode(whole).decode()


def _kinds(one: Fingerprints) -> str:
    found = [*sorted(_whole(one)), *(f"{kind} of parts" for kind in sorted(one.of_parts))]
    return ", ".join(found) or "no checksum"
