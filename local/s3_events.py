"""S3's events for EventBridge in AWS's own shape, and writes that are decided one at a time.

What is rebound in moto, and why (each has a test that shows stock moto's fault):

| rebound | stock moto |
|---|---|
| `notifications._send_event_bridge_message` | one sequencer for all, `eTag`, other reasons |
| `S3Response.key_response`, `.bucket_response` | tell of an object too early, and twice |
| `S3Response.put_object`, `.copy_object`, `._key_response_post` | check and write without a lock |
| `S3Response.head_object` | gives the checksum of a multipart upload as if it were the object's |
"""

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

from moto.s3 import notifications
from moto.s3.responses import S3Response

from local.eventbridge import put_event

_REASONS = {
    "s3:ObjectCreated:Put": "PutObject",
    "s3:ObjectCreated:Post": "POST Object",
    "s3:ObjectCreated:Copy": "CopyObject",
    "s3:ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
    "s3:ObjectRemoved:Delete": "DeleteObject",
    "s3:ObjectRemoved:DeleteMarkerCreated": "DeleteObject",
    "s3:LifecycleExpiration:Delete": "Lifecycle Expiration",
    "s3:LifecycleExpiration:DeleteMarkerCreated": "Lifecycle Expiration",
}
_BY_S3_ITSELF = ("s3:LifecycleExpiration:", "s3:ObjectRestore:Completed")
"""Events without a request: nobody's address, and S3 in the requester's place."""
_MD5_OF_NOTHING = "d41d8cd98f00b204e9800998ecf8427e"
_CREATED = "Object Created"
_TAGGED = "Object Tags Added"
_HERE = "127.0.0.1"
# From the clock, so that objects of a runtime that was started again come later too; `next` on a
# count is atomic.
_sequence = count(time.time_ns())


@dataclass(frozen=True)
class _Event:
    account: str
    bucket: Any
    detail_type: str
    detail: dict[str, Any]


@dataclass
class _Request:
    """A request in the making, and the events that it will have caused."""

    source_ip: str
    version_id: str | None = None
    """The version that it names in its address."""
    request_id: str = field(default_factory=lambda: secrets.token_hex(8).upper())
    events: list[_Event] = field(default_factory=list)


class _Current(threading.local):
    """The request that this thread answers."""

    request: _Request | None = None
    silent: bool = False


_current = _Current()
write_lock = threading.RLock()
"""Held while an object is written or removed: sequencers then rise in the order of the writes."""


@contextmanager
def silence() -> Iterator[None]:
    """Nothing that this thread does meanwhile is told: whoever asks for it tells it better."""
    _current.silent = True
    try:
        yield
    finally:
        _current.silent = False


def requested_version() -> str | None:
    """The version that the request of this thread names; moto does not hand it on everywhere."""
    return _current.request.version_id if _current.request else None


def send_event_bridge_message(account_id: str, bucket: Any, event_name: str, key: Any) -> None:
    """Makes the event now, in the order of the writes; delivers it when the request is answered."""
    name = str(getattr(event_name, "value", event_name))
    if _current.silent:
        return
    if name == "s3:ObjectCreated:Put" and key.multipart is not None:
        # moto completes a multipart upload by a put; the true event follows.
        return
    request = _current.request or _Request(_HERE)
    detail = _detail(account_id, bucket, name, key, request)
    event = _Event(account_id, bucket, notifications._detail_type(event_name), detail)
    if _current.request is None:
        _deliver(event)
    else:
        request.events.append(event)


def _detail(account: str, bucket: Any, name: str, key: Any, request: _Request) -> dict[str, Any]:
    detail: dict[str, Any] = {
        "version": "0",
        "event-version": "1.0",
        "bucket": {"name": bucket.name},
        "object": _object(bucket, name, key),
        "request-id": request.request_id,
        "requester": account,
        "source-ip-address": request.source_ip,
    }
    if name.startswith(_BY_S3_ITSELF):
        detail["requester"] = "s3.amazonaws.com"
        del detail["source-ip-address"]
    if name in _REASONS:
        detail["reason"] = _REASONS[name]
    if name.endswith(":Delete") and name in _REASONS:
        detail["deletion-type"] = "Permanently Deleted"
    elif name.endswith(":DeleteMarkerCreated"):
        detail["deletion-type"] = "Delete Marker Created"
    elif name.startswith("s3:ObjectRestore:"):
        detail["source-storage-class"] = key.storage_class
    if name == "s3:ObjectRestore:Completed":
        detail["restore-expiry-time"] = key._expiry.strftime("%Y-%m-%dT%H:%M:%SZ")
    return detail


def _object(bucket: Any, name: str, key: Any) -> dict[str, Any]:
    """Keys stand as they are: only S3's older notifications encode them."""
    described: dict[str, Any] = {"key": key.name}
    if name.startswith(("s3:ObjectCreated", "s3:ObjectRestore")):
        described["size"] = key.size
    if name.endswith(":DeleteMarkerCreated"):
        described["etag"] = _MD5_OF_NOTHING
    elif name not in _REASONS or name.startswith("s3:ObjectCreated"):
        described["etag"] = key.etag.replace('"', "")
    if bucket.is_versioned:
        described["version-id"] = key.version_id
    if name in _REASONS:
        described["sequencer"] = f"{next(_sequence):018X}"
    return described


def _deliver(event: _Event) -> None:
    put_event(
        event.account,
        event.bucket.region_name,
        source="aws.s3",
        detail_type=event.detail_type,
        resources=[event.bucket.arn],
        detail=event.detail,
    )


def _telling_afterwards(answer: Callable[..., Any]) -> Callable[..., Any]:
    """Delivers a request's events once it is done: who reads the object then finds all of it."""

    @wraps(answer)
    def call(response: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        named = parse_qs(urlsplit(request.url).query).get("versionId", [None])[0]
        current = _Request(getattr(request, "remote_addr", None) or _HERE, named)
        _current.request = current
        try:
            return answer(response, request, *args, **kwargs)
        finally:
            _current.request = None
            for event in _true_events(current.events):
                _deliver(event)

    return call


def _true_events(events: list[_Event]) -> list[_Event]:
    """Without the tag events that moto adds to every new object."""
    created = any(event.detail_type == _CREATED for event in events)
    return [event for event in events if not (created and event.detail_type == _TAGGED)]


def _one_at_a_time(write: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(write)
    def call(*args: Any, **kwargs: Any) -> Any:
        with write_lock:
            return write(*args, **kwargs)

    return call


def head_object(
    response: Any,
    bucket_name: str,
    query: dict[str, Any],
    key_name: str,
    headers: dict[str, Any],
) -> Any:
    """Stock head_object, that says whether a checksum is the object's or one of its parts'."""
    status, answered, body = _stock_head_object(response, bucket_name, query, key_name, headers)
    version_id = query.get("versionId", [None])[0]
    if status == 200 and headers.get("x-amz-checksum-mode") == "ENABLED":
        key = response.backend.head_object(bucket_name, key_name, version_id=version_id)
        name = f"x-amz-checksum-{(key.checksum_algorithm or '').lower()}"
        if name in answered:
            answered["x-amz-checksum-type"] = key.checksum_type or "FULL_OBJECT"
            if key.checksum_type == "COMPOSITE":
                answered[name] = f"{key.checksum_value}-{key.checksum_parts}"
    return status, answered, body


_stock_head_object = S3Response.head_object
_STOCK: list[tuple[Any, str, Any]] = [
    (notifications, "_send_event_bridge_message", notifications._send_event_bridge_message),
    *(
        (S3Response, name, getattr(S3Response, name))
        for name in (
            "key_response",
            "bucket_response",
            "put_object",
            "copy_object",
            "_key_response_post",
            "head_object",
        )
    ),
]
_OURS: dict[str, Callable[..., Any]] = {
    "_send_event_bridge_message": send_event_bridge_message,
    "key_response": _telling_afterwards(S3Response.key_response),
    "bucket_response": _telling_afterwards(S3Response.bucket_response),
    "put_object": _one_at_a_time(S3Response.put_object),
    "copy_object": _one_at_a_time(S3Response.copy_object),
    "head_object": head_object,
    "_key_response_post": _one_at_a_time(S3Response._key_response_post),
}


def install() -> None:
    """Patches moto in this process; doing it twice is doing it once."""
    for owner, name, _ in _STOCK:
        setattr(owner, name, _OURS[name])


def uninstall() -> None:
    """Gives moto its own functions back."""
    for owner, name, stock in _STOCK:
        setattr(owner, name, stock)
