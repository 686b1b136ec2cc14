"""Where a FASTQ file belongs: what its name and its reads say together."""

from typing import Literal

import msgspec

from seqdrop.domain.errors import UnplaceableFile
from seqdrop.domain.identity import AnalysisId, FileIdentity
from seqdrop.domain.manifest import ExpectedFile
from seqdrop.domain.naming import FastqName
from seqdrop.domain.no_reads import NoReads
from seqdrop.domain.read_evidence import Doubt, owner_of
from seqdrop.domain.read_name import FastqHead

Head = FastqHead | NoReads
"""What a file begins with."""
_NOT_LOOKED_AT = NoReads()


class Assignment(msgspec.Struct, frozen=True):
    """Where a FASTQ file belongs, and what it is there."""

    analysis: AnalysisId
    read: str
    lane: str = ""
    """What its manifest says; counts over the reads."""
    lane_hint: str = ""
    flowcell_hint: str = ""
    """What its name says; counts where the reads say nothing."""
    library: str = "-"
    segment: str = "001"
    md5: str = ""
    named_lane: bool = False
    """Its name says that the sample was split by lanes."""
    by: Literal["name", "manifest"] = "name"
    doubt: str = ""
    """Why it can't be taken as it is named, and what to do."""

    @property
    def sample(self) -> str:
        """The sample that it is of."""
        return self.analysis.sample

    @property
    def assay(self) -> str:
        """The assay that it is for."""
        return self.analysis.assay


def assigned_by_manifest(file: ExpectedFile) -> Assignment:
    """Where a file belongs that a manifest names."""
    return Assignment(
        file.analysis,
        file.read,
        lane=file.lane,
        library=file.library or "-",
        md5=file.md5,
        by="manifest",
    )


def assigned_by_name(name: FastqName, assay: str, head: Head = _NOT_LOOKED_AT) -> Assignment:
    """Where a file belongs that no manifest names.

    Raises UnplaceableFile where its name and its reads leave in doubt whose it is.
    """
    sample, named_lane = name.sample, bool(name.lane)
    if isinstance(head, FastqHead):
        owner = owner_of(name, head)
        if isinstance(owner, Doubt):
            raise UnplaceableFile(owner.why, owner.remedy)
        sample, named_lane = owner.sample, owner.of_many_lanes
    return Assignment(
        AnalysisId(sample, assay),
        name.read,
        lane_hint=name.lane,
        flowcell_hint=name.flowcell,
        library=name.library or "-",
        segment=name.segment,
        named_lane=named_lane,
        doubt=_THIRD_READ if name.read == "R3" else "",
    )


_THIRD_READ = (
    "where there is a third read, R2 holds UMIs, not the mate: drop a manifest that names R1 and "
    "its mate"
)


def identity_of(assignment: Assignment, head: Head) -> FileIdentity:
    """What a file is of its sample: flowcell and lane are the reads', its name is a hint."""
    flowcell, lane = (head.flowcell, head.lane) if isinstance(head, FastqHead) else ("", "")
    return FileIdentity(
        assignment.library,
        flowcell or assignment.flowcell_hint or "unknown",
        assignment.lane or lane or assignment.lane_hint or "1",
        assignment.read,
        assignment.segment,
    )
