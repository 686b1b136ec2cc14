"""What became of uploaded objects: the catalog's word, once it has looked at them."""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.stack import Stack
    from seqdrop.domain.expectation import Placement

LIMIT_SECONDS = 60.0
"""S3's events usually take seconds, sometimes over a minute."""
_PAUSE_SECONDS = 0.2


def wait_until_seen(
    stack: "Stack", bucket: str, keys: Iterable[str], limit_seconds: float = LIMIT_SECONDS
) -> dict[str, "Placement"]:
    """Where each object's newest version went; those that were not seen in time are left out."""
    from seqdrop.domain.identity import ObjectName

    answers = {key: stack.s3.head_object(Bucket=bucket, Key=key) for key in keys}
    versions = {key: a.get("VersionId") or a["ETag"].strip('"') for key, a in answers.items()}
    seen: dict[str, Placement] = {}
    end = time.monotonic() + limit_seconds
    while len(seen) < len(versions) and time.monotonic() < end:
        for key in versions.keys() - seen.keys():
            placement, _ = stack.catalog.uploads.known(ObjectName(bucket, key))
            if placement.version and placement.version == versions[key]:
                seen[key] = placement
        if len(seen) < len(versions):
            time.sleep(_PAUSE_SECONDS)
    return seen


def wait_until_expected(
    stack: "Stack", bucket: str, keys: Iterable[str], limit_seconds: float = LIMIT_SECONDS
) -> None:
    """Waits until the catalog knows where manifests put the objects, but no longer than that."""
    from seqdrop.domain.identity import ObjectName

    unknown = set(keys)
    end = time.monotonic() + limit_seconds
    while unknown and time.monotonic() < end:
        for key in sorted(unknown):
            _, said = stack.catalog.uploads.known(ObjectName(bucket, key))
            if any(one.file for one in said):
                unknown.discard(key)
        if unknown:
            time.sleep(_PAUSE_SECONDS)
