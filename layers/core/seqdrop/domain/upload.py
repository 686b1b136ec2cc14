"""Uploaded objects, and where in the catalog they belong."""

import hashlib
from typing import Literal

import msgspec

from seqdrop.domain.errors import UnplaceableFile
from seqdrop.domain.manifest import ExpectedFile
from seqdrop.domain.naming import FastqName
from seqdrop.domain.read_evidence import Doubt, owner_of
from seqdrop.domain.read_name import FastqHead
from seqdrop.domain.records import FileIdentity, Placed

_OBJECT_CAUSE = "object-"


class Upload(msgspec.Struct, frozen=True):
    """One version of an object, as its event names it."""

    bucket: str
    key: str
    version_id: str
    sequencer: str = ""
    etag: str = ""

    @property
    def version(self) -> str:
        """What tells this version from others, in a bucket without versions too."""
        return self.version_id or self.etag

    @property
    def cause(self) -> str:
        """The name under which this object holds an analysis."""
        return object_cause(self.bucket, self.key)

    def placed(
        self, sample: str = "", assay: str = "", identity: str = "", note: str = ""
    ) -> Placed:
        """What becomes of it."""
        return Placed(
            self.bucket, self.key, self.version, self.sequencer, sample, assay, identity, note
        )


class Place(msgspec.Struct, frozen=True):
    """Where a FASTQ file belongs, as its manifest or its name says."""

    sample: str
    assay: str
    read: str
    lane: str = ""
    lane_hint: str = ""
    flowcell_hint: str = ""
    library: str = "-"
    segment: str = "001"
    md5: str = ""
    named_lane: bool = False
    by: Literal["name", "manifest"] = "name"


def object_cause(bucket: str, key: str) -> str:
    """The name under which an object, in any version, holds an analysis."""
    return _OBJECT_CAUSE + hashlib.sha256(f"{bucket}/{key}".encode()).hexdigest()[:16]


def is_object_cause(cause: str) -> bool:
    """Whether it is one object that holds an analysis."""
    return cause.startswith(_OBJECT_CAUSE)


def sequencer_order(sequencer: str) -> str:
    """Sequencers compare as hexadecimal numbers: their lengths vary."""
    return sequencer.rjust(64, "0")


def expected_place(expected: ExpectedFile) -> Place:
    """Where a manifest puts a file."""
    return Place(
        expected.sample,
        expected.assay,
        expected.read,
        lane=expected.lane,
        library=expected.library or "-",
        md5=expected.md5,
        by="manifest",
    )


def file_identity(place: Place, head: FastqHead) -> FileIdentity:
    """What a file is of its sample: flowcell and lane are the reads', its name is a hint."""
    lane = place.lane or head.lane or place.lane_hint or "1"
    flowcell = head.flowcell or place.flowcell_hint or "unknown"
    return FileIdentity(place.library, flowcell, lane, place.read, place.segment)


def place_by_name(name: FastqName, assay: str) -> Place:
    """Where a file belongs as its name alone says: for as long as its reads can't be asked."""
    return Place(
        name.sample,
        assay,
        name.read,
        lane_hint=name.lane,
        flowcell_hint=name.flowcell,
        library=name.library or "-",
        segment=name.segment,
        named_lane=bool(name.lane),
    )


def place_by_reads(name: FastqName, head: FastqHead, assay: str) -> Place:
    """Where a file belongs as its name and its reads say together.

    Raises UnplaceableFile where they leave in doubt whose it is.
    """
    owner = owner_of(name, head)
    if isinstance(owner, Doubt):
        raise UnplaceableFile(owner.why, owner.remedy)
    return msgspec.structs.replace(
        place_by_name(name, assay), sample=owner.sample, named_lane=owner.of_many_lanes
    )
