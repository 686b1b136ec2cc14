"""Uploaded objects, and where in the catalog they belong."""

import hashlib
from typing import Literal

import msgspec

from seqdrop.domain.fastq import FastqHead
from seqdrop.domain.identity import AnalysisId, FileIdentity, ObjectName
from seqdrop.domain.manifest import ExpectedFile
from seqdrop.domain.naming import FastqName
from seqdrop.domain.records import Placed

_OBJECT_CAUSE = "object-"


class Upload(msgspec.Struct, frozen=True):
    """One version of an object, as its event names it."""

    bucket: str
    key: str
    version_id: str
    sequencer: str = ""
    etag: str = ""

    @property
    def object(self) -> ObjectName:
        """The object, in whatever version."""
        return ObjectName(self.bucket, self.key)

    @property
    def version(self) -> str:
        """What tells this version from others, in a bucket without versions too."""
        return self.version_id or self.etag

    @property
    def cause(self) -> str:
        """The name under which this object holds an analysis."""
        return object_cause(self.object)

    def placed(
        self,
        analysis: AnalysisId | None = None,
        identity: FileIdentity | None = None,
        note: str = "",
    ) -> Placed:
        """What becomes of it."""
        return Placed(
            bucket=self.bucket,
            key=self.key,
            version_id=self.version,
            sequencer=self.sequencer,
            sample=analysis.sample if analysis else "",
            assay=analysis.assay if analysis else "",
            identity=identity,
            note=note,
        )


class Place(msgspec.Struct, frozen=True):
    """Where a FASTQ file belongs, as its manifest or its name says."""

    sample: str
    assay: str
    read: str
    lane: str = ""
    lane_hint: str = ""
    library: str = "-"
    segment: str = "001"
    md5: str = ""
    named_lane: bool = False
    by: Literal["name", "manifest"] = "name"

    @property
    def analysis(self) -> AnalysisId:
        """The analysis that it belongs to."""
        return AnalysisId(self.sample, self.assay)


def object_cause(object_: ObjectName) -> str:
    """The name under which an object, in any version, holds an analysis."""
    text = f"{object_.bucket}/{object_.key}"
    return _OBJECT_CAUSE + hashlib.sha256(text.encode()).hexdigest()[:16]


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
    return FileIdentity(place.library, head.flowcell or "unknown", lane, place.read, place.segment)


def place_by_name(name: FastqName, assay: str) -> Place:
    """Where a file belongs as its name says."""
    return Place(
        name.sample,
        assay,
        name.read,
        lane_hint=name.lane,
        segment=name.segment,
        named_lane=bool(name.lane),
    )
