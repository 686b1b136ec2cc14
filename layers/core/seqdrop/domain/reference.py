"""References as the catalog keeps them: versions, their parts and their indexes."""

from enum import StrEnum

import msgspec

from seqdrop.domain.letters import SequenceFacts
from seqdrop.domain.plan import LocalFile


class ReferenceState(StrEnum):
    """Whether a reference version may be used."""

    PREPARING = "PREPARING"
    READY = "READY"
    FAILED = "FAILED"
    RETIRED = "RETIRED"
    """Withdrawn by a person: no claim uses it again."""


class ReferenceVersion(msgspec.Struct, frozen=True, omit_defaults=True):
    """One version of a reference: its parts, each known by its content, and their indexes."""

    name: str
    version: str
    state: ReferenceState
    bases: int
    parts: dict[str, LocalFile]
    """``sequence``, ``alt``, ``annotation``, ``targets:<name>``, ``fingerprint``, and ``iupac``
    (where codes were replaced): the object, and its path for the tools."""
    indexes: dict[str, tuple[LocalFile, ...]] = {}
    wanted: tuple[str, ...] = ()
    """The indexes that make it ready; of a version from before they were named, all."""
    created: str = ""
    why: str = ""
    facts: SequenceFacts | None = None
    """None of a version from before they were counted."""
    warnings: tuple[str, ...] = ()
    """What was odd about its files, and not wrong."""
