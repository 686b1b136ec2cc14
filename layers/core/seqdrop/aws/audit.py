"""The audit trail's copy in S3: one object for each event, written once."""

import hashlib
from typing import Any
from urllib.parse import quote

import msgspec
from boto3.dynamodb.types import TypeDeserializer

from seqdrop.aws.catalog.layout import read_event_key
from seqdrop.aws.objects import Objects

_encode = msgspec.json.Encoder(decimal_format="number", order="deterministic").encode
_deserialize = TypeDeserializer().deserialize


class AuditChange(msgspec.Struct, frozen=True):
    """A change of an audit event's item, as the table's stream tells it."""

    kind: str
    """INSERT; MODIFY and REMOVE are nothing that Seqdrop does."""
    sequence: str
    pk: str
    sk: str
    item: dict[str, Any]
    """The event as it was put, or as it was before it was changed or removed."""
    after: dict[str, Any] | None = None

    @property
    def key(self) -> str:
        """The object's key: the same for a change that comes twice, another for each change.

        Causes hold whole object keys: they are hashed, for a key holds 1,024 bytes at most.
        """
        subject, when = read_event_key((self.pk, self.sk))
        place = f"{quote(subject, safe='')}/{quote(when, safe=':')}"
        name = f"{place}-{hashlib.sha256(self.sk.encode()).hexdigest()[:16]}"
        return f"{name}.json" if self.kind == "INSERT" else f"{name}.{self.sequence}.json"


def read_change(record: dict[str, Any]) -> AuditChange:
    """A record of a DynamoDB stream that has both images."""
    change = record["dynamodb"]
    images = [_image(change.get(name)) for name in ("OldImage", "NewImage")]
    before, after = images
    keys = _image(change["Keys"]) or {}
    is_new = record["eventName"] == "INSERT"
    return AuditChange(
        kind=record["eventName"],
        sequence=change["SequenceNumber"],
        pk=keys["pk"],
        sk=keys["sk"],
        item=(after if is_new else before) or {},
        after=None if is_new else after,
    )


def _image(attributes: dict[str, Any] | None) -> dict[str, Any] | None:
    if attributes is None:
        return None
    return {name: _deserialize(value) for name, value in attributes.items()}


class AuditCopy:
    """Objects that are never written twice."""

    def __init__(self, objects: Objects, bucket: str) -> None:
        self._objects = objects
        self._bucket = bucket

    def keep(self, change: AuditChange) -> str:
        """Writes a change unless it is there; returns its key."""
        body: dict[str, Any] = change.item
        if change.kind != "INSERT":
            body = {"change": change.kind, "before": change.item, "after": change.after}
        self._objects.put_new(self._bucket, change.key, _encode(body))
        return change.key
