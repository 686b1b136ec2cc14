"""Uploaded objects, as their events name them."""

import hashlib

import msgspec

from seqdrop.domain.identity import ObjectName

_OBJECT_CAUSE = "object-"


class Upload(msgspec.Struct, frozen=True):
    """One version of an object, as its event names it."""

    bucket: str
    key: str
    version_id: str
    sequencer: str = ""
    etag: str = ""
    time: str = ""
    """When the event happened, ISO 8601 in UTC."""

    @property
    def object(self) -> ObjectName:
        """The object, in whatever version."""
        return ObjectName(self.bucket, self.key)

    @property
    def version(self) -> str:
        """What tells this version from others, in a bucket without versions too."""
        return self.version_id or self.etag


def object_cause(object_: ObjectName) -> str:
    """The name under which an object, in any version, holds an analysis."""
    text = f"{object_.bucket}/{object_.key}"
    return _OBJECT_CAUSE + hashlib.sha256(text.encode()).hexdigest()[:16]


def is_object_cause(cause: str) -> bool:
    """Whether it is one object that holds an analysis."""
    return cause.startswith(_OBJECT_CAUSE)
