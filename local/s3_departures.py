"""What S3 tells when an object goes, or comes back from an archive.

What is rebound in moto, and why (each has a test that shows stock moto's fault):

| rebound | stock moto |
|---|---|
| `S3Backend.delete_object` | tells nothing of a delete marker, nor of a version with others left |
| `S3Backend.restore_object` | knows no version, and never tells that a restore is completed |

Restoring takes hours on AWS and no time here. Lifecycle rules are not run here: a test says by
`expire` that one has removed an object.
"""

from typing import Any

from moto.s3 import notifications
from moto.s3.exceptions import InvalidObjectState, MissingKey
from moto.s3.models import ARCHIVE_STORAGE_CLASSES, FakeDeleteMarker, S3Backend, s3_backends
from moto.s3.notifications import S3NotificationEvent as Name

from local.s3_events import requested_version, silence, write_lock

_stock_delete: Any = S3Backend.delete_object
_stock_restore: Any = S3Backend.restore_object


def delete_object(
    backend: Any,
    bucket_name: str,
    key_name: str,
    version_id: str | None = None,
    bypass: bool = False,
) -> Any:
    """Delete as moto does, and tell of each marker that is put and each version that goes."""
    bucket = backend.get_bucket(bucket_name)
    if not bucket.is_versioned:
        return _stock_delete(backend, bucket_name, key_name, version_id, bypass)
    with write_lock:
        before = _versions(bucket, key_name)
        with silence():
            answer = _stock_delete(backend, bucket_name, key_name, version_id, bypass)
        after = _versions(bucket, key_name)
        for name in after.keys() - before.keys():
            _tell(backend, Name.OBJECT_REMOVED_DELETE_MARKER_CREATED_EVENT, bucket, after[name])
        for name in before.keys() - after.keys():
            _tell(backend, Name.OBJECT_REMOVED_DELETE_EVENT, bucket, before[name])
    return answer


def _versions(bucket: Any, key_name: str) -> dict[str, Any]:
    """All versions of a key, delete markers too, by their ids."""
    return {str(each.version_id): each for each in bucket.keys.getlist(key_name, [])}


def _tell(backend: Any, name: Name, bucket: Any, key: Any) -> None:
    notifications.send_event(backend.account_id, name, bucket, key)


def restore_object(
    backend: Any, bucket_name: str, key_name: str, days: str | None, _type: str | None
) -> bool:
    """Restore the version that was asked for, and tell when it can be read: at once."""
    key = backend.get_object(bucket_name, key_name, version_id=requested_version())
    if not key:
        raise MissingKey
    if key.storage_class not in ARCHIVE_STORAGE_CLASSES:
        raise InvalidObjectState(storage_class=key.storage_class)
    was_there = key.expiry_date is not None
    if days:
        key.restore(int(days))
        bucket = backend.get_bucket(bucket_name)
        _tell(backend, Name.OBJECT_RESTORE_COMPLETED_EVENT, bucket, key)
    return was_there


def expire(account: str, bucket_name: str, key_name: str) -> None:
    """Remove an object as a lifecycle rule would: by a delete marker in a bucket with versions."""
    backend = s3_backends[account]["aws"]
    bucket = backend.get_bucket(bucket_name)
    with write_lock:
        if bucket.is_versioned:
            gone: Any = FakeDeleteMarker(key=bucket.keys[key_name])
            bucket.keys[key_name] = gone
            name = Name.LIFECYCLE_EXPIRATION_DELETE_MARKER_CREATED_EVENT
        else:
            gone = bucket.keys[key_name]
            bucket.keys.pop(key_name)
            name = Name.LIFECYCLEEXPIRATION_DELETE_EVENT
        _tell(backend, name, bucket, gone)


def install() -> None:
    """Patch moto in this process; doing it twice is doing it once."""
    S3Backend.delete_object = delete_object
    S3Backend.restore_object = restore_object


def uninstall() -> None:
    """Give moto its own functions back."""
    S3Backend.delete_object = _stock_delete
    S3Backend.restore_object = _stock_restore
