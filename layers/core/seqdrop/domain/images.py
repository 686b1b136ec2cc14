"""The images of a deployment by name: those of the queues, and those that stages name."""

from typing import Annotated

import msgspec

SLOTS = 8
"""How many images the template has parameters for, beside those of the kinds of queue."""

_Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,29}$")]
_Digest = Annotated[str, msgspec.Meta(pattern=r"^sha256:[0-9a-f]{64}$")]


class ImagesFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``pipelines/images.yaml``."""

    slots: Annotated[tuple[_Name, ...], msgspec.Meta(max_length=SLOTS)] = ()
    """Images that stages may name, in the order of the template's parameters."""
    approved: dict[_Name, tuple[_Digest, ...]] = {}
    """The digests that an image may have; of one that is not named here, any."""
