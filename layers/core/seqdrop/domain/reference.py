"""References as the catalog keeps them: versions, their parts and their indexes."""

from enum import StrEnum

import msgspec

from seqdrop.domain.flavour import Flavour
from seqdrop.domain.identity import ReferenceId
from seqdrop.domain.plan import LocalFile, StoredObject

PARTS = (
    "sequence", "alt", "targets", "left_out", "annotation", "fingerprint", "iupac", "chain",
    "primers", "par",
)  # fmt: skip
"""What stages may name. Of ``targets``, ``left_out``, ``primers`` and ``chain`` a version has one
for each assay or earlier version."""


class ReferenceState(StrEnum):
    """Whether a reference version may be used."""

    PREPARING = "PREPARING"
    READY = "READY"
    FAILED = "FAILED"
    RETIRED = "RETIRED"
    """Withdrawn by a person: no claim uses it again."""


class SequenceFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the FASTA that was given held, and which file it was."""

    file: str
    sha256: str
    """Of the file as it was given; the working copy's is its part's."""
    contigs: int
    masked: int = 0
    """Letters in lower case."""
    uncertain: int = 0
    """N."""
    replaced: int = 0
    """Codes for several bases: the working copy has one base for each."""
    flavour: Flavour | None = None
    """None, as all that follows, of a version that was added before these were kept."""
    contig_list: StoredObject | None = None
    """Each contig with its checksums: thousands are too many for an item of the catalog."""
    seqcol: str = ""
    """GA4GH's digest of the names and bases of all contigs in the working copy."""


class ReferenceVersion(msgspec.Struct, frozen=True, omit_defaults=True):
    """One version of a reference: its parts, each known by its content, and their indexes."""

    name: str
    version: str
    state: ReferenceState
    bases: int
    parts: dict[str, LocalFile]
    """``sequence``, ``alt``, ``annotation``, ``targets:<name>``, ``fingerprint``, ``iupac`` (where
    codes were replaced), ``left_out:<name>`` (targets that the sequence lacks),
    ``primers:<name>`` (of the amplicons of these targets) and ``par`` (what X and Y share): the
    object, and its path for the tools."""
    indexes: dict[str, tuple[LocalFile, ...]] = {}
    wanted: tuple[str, ...] = ()
    """The indexes that it must have to be READY. A version that was added before they were kept
    here must have all that the deployment makes."""
    tries: int = 1
    """How often its preparation was begun; each job's number says to which try it belongs."""
    created: str = ""
    why: str = ""
    facts: SequenceFacts | None = None
    """None for a version that was added before they were counted."""
    to_announce: bool = False
    """It is READY, and nobody has looked yet which analyses it makes stale."""
    warnings: tuple[str, ...] = ()
    """What was odd about its files, and not wrong."""

    @property
    def id(self) -> ReferenceId:
        """Which version of which reference it is."""
        return ReferenceId(self.name, self.version)


def difference(there: ReferenceVersion, new: ReferenceVersion) -> str:
    """How the parts given for a version differ from those that it has; "" where they don't."""
    before, now = _content(there), _content(new)
    other = sorted(name for name in before | now if before.get(name) != now.get(name))
    if not other:
        return ""
    if there.facts and new.facts and there.facts.sha256 == new.facts.sha256 and "sequence" in other:
        return (
            f"made of the same {new.facts.file} by an earlier Seqdrop, which wrote the tools' copy "
            f"of it differently ({', '.join(other)})"
        )
    return (
        f"with other content ({', '.join(other)}; either the files differ, or an earlier "
        "Seqdrop wrote the tools' copies of them differently)"
    )


def _content(reference: ReferenceVersion) -> dict[str, tuple[str, str]]:
    return {name: (file.path, file.object.sha256) for name, file in reference.parts.items()}
