"""What S3 tells of an object that was there before: that it is gone, or can be read again."""

import msgspec


class ObjectGone(msgspec.Struct, frozen=True):
    """A version of an object was removed, or hidden by a delete marker.

    Events come late and out of order: whether the object is there now, only S3 can say.
    """

    bucket: str
    key: str
    version_id: str
    """The marker's own where there is one; "" in a bucket without versions."""
    by_lifecycle: bool = False
    """A lifecycle rule did it, as it was told to: nobody took the object back."""


class ObjectRestored(msgspec.Struct, frozen=True):
    """A version came back from an archive, and can be read for a while."""

    bucket: str
    key: str
    version_id: str
