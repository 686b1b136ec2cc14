"""What became of uploaded objects: the catalog's word, once it has looked at them."""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.stack import Stack
    from seqdrop.domain.records import Placed

LIMIT_SECONDS = 60.0
"""S3's events usually take seconds, sometimes over a minute."""
_PAUSE_SECONDS = 0.2


def wait_until_seen(
    stack: "Stack", bucket: str, keys: Iterable[str], limit_seconds: float = LIMIT_SECONDS
) -> dict[str, "Placed"]:
    """Where each object's newest version went; those that were not seen in time are left out."""
    from seqdrop.domain.identity import ObjectName

    versions = {
        key: stack.s3.head_object(Bucket=bucket, Key=key).get("VersionId", "") for key in keys
    }
    seen: dict[str, Placed] = {}
    end = time.monotonic() + limit_seconds
    while len(seen) < len(versions) and time.monotonic() < end:
        for key in versions.keys() - seen.keys():
            placed, _ = stack.catalog.analyses.uploads(ObjectName(bucket, key))
            found = next((one for one in placed if one.version_id == versions[key]), None)
            if found:
                seen[key] = found
        if len(seen) < len(versions):
            time.sleep(_PAUSE_SECONDS)
    return seen
