"""Objects that are there and can't be read: what S3 answers, and what a person has to do."""

import shlex
from collections.abc import Mapping
from typing import Any

from seqdrop.domain.errors import ArchivedObject, LockedObject, Unreadable
from seqdrop.domain.identity import ObjectName

ARCHIVED_CLASSES = {"GLACIER", "DEEP_ARCHIVE"}
"""Storage classes that are read only after a restore. GLACIER_IR is read like any other."""
_RESTORE_DAYS = 14
"""How long the restored copy is there: restoring takes up to two days, runs may wait some more."""
_DENIED = {"AccessDenied", "AllAccessDisabled", "403", "400"}
"""S3's answers to GET; one to HEAD has a status and no code. 400 is of an object that is encrypted
with a key of the customer's own (SSE-C), which no role can read."""
_IS_ARCHIVED = "is archived"
_NOT_TO_BE_READ = "may not be read"
_OF_A_KEY = ("kms", "customer master key", "ciphertext")
"""Words of S3's message where it is the key that denies."""


def is_archived(why: str) -> bool:
    """Whether what is said of an object is that it is in an archive."""
    return _IS_ARCHIVED in why


def is_unreadable(why: str) -> bool:
    """Whether what is said of an object is that it can't be read as it is, whatever is in it."""
    return is_archived(why) or _NOT_TO_BE_READ in why


def archived(
    name: ObjectName, version_id: str = "", *, storage_class: str, tier: str = "", restore: str = ""
) -> ArchivedObject | None:
    """What is wrong with an object of this storage class; None where it can be read.

    ``tier`` is the archive tier of Intelligent-Tiering, ``restore`` the header ``x-amz-restore``.
    """
    if storage_class not in ARCHIVED_CLASSES and not tier:
        return None
    fact = f"{_described(name, version_id)} {_IS_ARCHIVED} ({tier or storage_class})"
    if 'ongoing-request="true"' in restore:
        return ArchivedObject(f"{fact} and is being restored", "wait until S3 has done so")
    if "ongoing-request" in restore:
        return None
    # Copies of the archive classes expire; Intelligent-Tiering takes no days.
    days = "'{}'" if tier else f"Days={_RESTORE_DAYS}"
    version = f" --version-id {shlex.quote(version_id)}" if version_id else ""
    return ArchivedObject(
        fact,
        f"restore it: `aws s3api restore-object --bucket {name.bucket} --key "
        f"{shlex.quote(name.key)}{version} --restore-request {days}`",
    )


def refused(name: ObjectName, version_id: str, answer: Mapping[str, Any]) -> Unreadable | None:
    """What an error of S3's means (as botocore has it), if it will come until somebody acts."""
    code, message = str(answer["Error"]["Code"]), str(answer["Error"].get("Message", ""))
    if code == "InvalidObjectState":
        tier = str(answer.get("AccessTier", ""))
        storage_class = str(answer.get("StorageClass", ""))
        if not tier and storage_class == "INTELLIGENT_TIERING":
            tier = "ARCHIVE_ACCESS"
        elif storage_class not in ARCHIVED_CLASSES:
            storage_class = "GLACIER"  # S3 may leave it out
        return archived(name, version_id, storage_class=storage_class, tier=tier)
    is_keys = code.startswith("KMS.") and "Throttling" not in code
    if code not in _DENIED and not is_keys:
        return None
    fact = f"{_described(name, version_id)} {_NOT_TO_BE_READ} ({code}: {message})"
    if is_keys or any(word in message.lower() for word in _OF_A_KEY):
        return LockedObject(
            fact,
            "the policy of the key that it is encrypted with has to allow kms:Decrypt and "
            "kms:GenerateDataKey to the roles of this stack; or put it again without that key",
        )
    return LockedObject(
        fact,
        "the bucket's policy and the object's owner have to let the roles of this stack read it",
    )


def _described(name: ObjectName, version_id: str) -> str:
    return f"{name.uri} (version {version_id})" if version_id else name.uri
