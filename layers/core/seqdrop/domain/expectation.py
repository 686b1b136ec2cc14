"""What is known of an uploaded object: what became of it, and what manifests say of it."""

from collections.abc import Iterable

import msgspec

from seqdrop.domain.identity import AnalysisId, FileIdentity, ObjectName
from seqdrop.domain.manifest import ExpectedFile


class ManifestVersion(msgspec.Struct, frozen=True):
    """One version of a manifest, and when it came."""

    object: ObjectName
    version: str
    """Tells it from others under its key: S3's version id, or the ETag in a bucket without."""
    version_id: str = ""
    sequencer: str = ""
    """S3's own, which orders the versions of one key and says nothing across keys."""
    time: str = ""
    """When it was uploaded, ISO 8601 in UTC: orders different manifests."""

    @property
    def order(self) -> str:
        """Sorts the versions of one manifest: sequencers are hexadecimal numbers of any length."""
        return self.sequencer.rjust(64, "0")

    def counts_over(self, other: "ManifestVersion") -> bool:
        """Whether this one is as new as the other, or newer."""
        if self.object == other.object:
            return self.order >= other.order
        return (self.time, self.object) >= (other.time, other.object)


class Expectation(msgspec.Struct, frozen=True):
    """What one manifest says of an object that it names, or named in an earlier version."""

    object: ObjectName
    manifest: ManifestVersion
    file: ExpectedFile | None = None
    """Where it puts the object; None where it names the object no longer."""
    is_refused: bool = False
    """The manifest can't be used as it stands, but names the object."""

    @property
    def is_of_release_before(self) -> bool:
        """Whether it was written by a release that did not say which manifest it is of."""
        return not self.manifest.object.key


class Overwritten(msgspec.Struct, frozen=True):
    """What an earlier version of an object held: reads of another lane."""

    identity: FileIdentity
    version: str


class Placement(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of an object when it was last looked at."""

    object: ObjectName
    version: str = ""
    """The version that was last decided on; "" where there was none."""
    analysis: AnalysisId | None = None
    """Which analysis knows it, as one of its files or beside them."""
    expected_in: AnalysisId | None = None
    """Which analysis waits for it, or has it, because a manifest says so."""
    by: ManifestVersion | None = None
    """The manifest that said so; None where its name did."""
    note: str = ""
    overwrote: Overwritten | None = None
    """The reads of another lane that it took the place of."""
    revision: int = 0
    """How often it has changed: a look that another one has overtaken writes nothing."""


class NewestManifest(msgspec.Struct, frozen=True, omit_defaults=True):
    """The newest version of a manifest that was looked at."""

    manifest: ManifestVersion
    refused: ManifestVersion | None = None
    """The last version that could not be used as it stood. Its files are held back until they are
    looked at again, after the next version or its deletion."""

    @property
    def is_refused(self) -> bool:
        """Whether the newest version can't be used."""
        return self.refused is not None and self.refused.version == self.manifest.version


class Named(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a manifest names for one analysis, and what it named in earlier versions."""

    now: frozenset[ObjectName] = frozenset()
    formerly: frozenset[ObjectName] = frozenset()

    def followed_by(self, named: frozenset[ObjectName]) -> "Named":
        """The same after another version of the manifest."""
        return Named(named, (self.formerly | self.now) - named)


def expectation_that_counts(said: Iterable[Expectation]) -> Expectation | None:
    """What is done with an object that manifests name; None where no manifest does.

    A manifest that puts it somewhere counts over one that can't be used, and that one over one
    that names the object no longer; among equals the newest counts.
    """
    newest: Expectation | None = None
    known = list(said)
    for one in known:
        if one.is_of_release_before and len(known) > 1:
            continue  # of whichever manifest it was: what is known better counts
        if newest is None or _rank(one) > _rank(newest):
            newest = one
    return newest


def _rank(said: Expectation) -> tuple[int, str, ObjectName]:
    weight = 2 if said.file else int(said.is_refused)
    return weight, said.manifest.time, said.manifest.object
