"""Which analyses a reanalysis is of, and who of them is left out."""

from enum import StrEnum

import msgspec

from seqdrop.domain.identity import ReferenceId
from seqdrop.domain.pipeline import Assay
from seqdrop.domain.records import Analysis, AnalysisStatus


class Scope(msgspec.Struct, frozen=True, omit_defaults=True):
    """What somebody asks for: analyses that use a reference, a pipeline, an image or an assay.

    With ``reference`` and ``version`` they are made anew with that version; without, each with the
    version that it has, so that one thing changes at a time.
    """

    reference: str = ""
    version: str = ""
    pipeline: str = ""
    image: str = ""
    """A kind of queue, whose jobs run in that image."""
    assay: str = ""
    project: str = ""
    policy: str = ""
    """Only assays of this policy; "" for all but those whose policy is off."""

    @property
    def target(self) -> ReferenceId | None:
        """The version that is asked for; None where none is."""
        return ReferenceId(self.reference, self.version) if self.reference else None

    def describe(self) -> str:
        """In words, for people."""
        said = [f"reference {self.reference} {self.version}"] if self.reference else []
        named = {
            "pipeline": self.pipeline,
            "image": self.image,
            "assay": self.assay,
            "project": self.project,
        }
        said += [f"{what} {name}" for what, name in named.items() if name]
        return ", ".join(said)


class LeftOut(StrEnum):
    """Why an analysis is not made anew, though what decides its results has changed."""

    WITHDRAWN = "withdrawn"
    HELD = "held"
    FAILED = "failed"
    FILES_CHANGED = "files_changed"
    POLICY = "policy"
    PINNED = "pinned"
    LACKS_PART = "lacks_part"
    NOT_POSSIBLE = "not_possible"


WORDS = {
    LeftOut.WITHDRAWN: "dismissed by a person",
    LeftOut.HELD: "held: a person must act first",
    LeftOut.FAILED: "the newest run failed: rerun it first",
    LeftOut.FILES_CHANGED: "other files have come: the next run takes the newest version by itself",
    LeftOut.POLICY: "the assay is not made anew (reanalysis: off)",
    LeftOut.PINNED: "the assay or the manifest names another version of the reference",
    LeftOut.LACKS_PART: "the version lacks a part that a stage of the run has used",
    LeftOut.NOT_POSSIBLE: "it can't be run so",
}

_BY_STATUS = {
    AnalysisStatus.DISMISSED: LeftOut.WITHDRAWN,
    AnalysisStatus.HELD: LeftOut.HELD,
    AnalysisStatus.FAILED: LeftOut.FAILED,
    AnalysisStatus.RECEIVING: LeftOut.FILES_CHANGED,
    AnalysisStatus.READY: LeftOut.FILES_CHANGED,
    AnalysisStatus.NO_READS: LeftOut.FILES_CHANGED,
}


def is_named(scope: Scope, analysis: Analysis) -> bool:
    """Whether an analysis may be one of those that are asked for, whatever its assay says."""
    return scope.assay in {"", analysis.assay} and scope.project in {"", analysis.project}


def is_in_scope(scope: Scope, analysis: Analysis, config: Assay) -> bool:
    """Whether an analysis is one of those that are asked for; its run is not looked at here."""
    if analysis.current_run is None or not is_named(scope, analysis):
        return False
    wanted = (
        (scope.reference, config.reference),
        (scope.pipeline, config.pipeline),
        (scope.policy, config.reanalysis),
    )
    return all(found == asked for asked, found in wanted if asked)


def why_left_out(scope: Scope, analysis: Analysis, config: Assay) -> LeftOut | None:
    """Why one of them is left out as it stands now; None where it is not.

    One that is running is not: it has its turn when its run has ended.
    """
    if config.reanalysis == "off":
        return LeftOut.POLICY
    if scope.version and config.reference_version not in {"", scope.version}:
        return LeftOut.PINNED
    return _BY_STATUS.get(analysis.status)
