"""What S3's answers say of an object: its content, its archive, and why it may not be read."""

from typing import Any

from botocore.exceptions import ClientError

from seqdrop.domain.identity import ObjectName
from seqdrop.domain.sameness import Fingerprints, fingerprints
from seqdrop.domain.unreadable import archived, refused

_OF_A_KEY = ("aws:kms", "aws:kms:dsse")
"""Encryptions under which an ETag is no MD5."""


def content_checksum(answer: dict[str, Any], etag: str) -> str:
    """The best that the bucket knows of the whole content.

    A checksum of the parts' checksums (COMPOSITE) depends on how the file was cut: not used.
    """
    if answer.get("ChecksumType", "FULL_OBJECT") == "FULL_OBJECT":
        for name in ("SHA256", "CRC64NVME", "CRC32"):
            if value := answer.get(f"Checksum{name}"):
                return f"{name.lower()}:{value}"
    return f"etag:{etag}"


def raise_refusal(error: ClientError, name: ObjectName, version_id: str) -> None:
    """Raises ArchivedObject or LockedObject where that is what S3's error means."""
    if meaning := refused(name, version_id, error.response):
        raise meaning from error


def raise_if_archived(answer: dict[str, Any], name: ObjectName, version_id: str) -> None:
    """Raises ArchivedObject where HEAD says that GET would be refused."""
    found = archived(
        name, version_id, storage_class=answer.get("StorageClass", ""),
        tier=answer.get("ArchiveStatus", ""), restore=answer.get("Restore", ""),
    )  # fmt: skip
    if found:
        raise found


def archive_of(answer: dict[str, Any], name: ObjectName) -> str:
    """The storage class, or the tier, from which HEAD says that it has to be restored first.

    "" where it can be read.
    """
    storage, tier = answer.get("StorageClass", ""), answer.get("ArchiveStatus", "")
    found = archived(name, storage_class=storage, tier=tier, restore=answer.get("Restore", ""))
    return (tier or storage) if found else ""


def checksums_of(answer: dict[str, Any]) -> dict[str, str]:
    """By algorithm, as S3 calls it."""
    return {
        name.removeprefix("Checksum"): value
        for name, value in answer.items()
        if name.startswith("Checksum") and name != "ChecksumType"
    }


def fingerprints_of(answer: dict[str, Any], etag: str) -> Fingerprints:
    """What HEAD says of the content."""
    checksums = checksums_of(answer)
    # Objects from before there were types of checksums tell it by the number of parts alone.
    is_of_parts = answer.get("ChecksumType") == "COMPOSITE" or any(
        "-" in value for value in checksums.values()
    )
    is_digest = answer.get("ServerSideEncryption") not in _OF_A_KEY and not answer.get(
        "SSECustomerAlgorithm"
    )
    return fingerprints(
        answer["ContentLength"], etag, checksums, is_of_parts=is_of_parts, is_etag_digest=is_digest
    )
