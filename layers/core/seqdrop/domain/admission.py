"""Whether a project's next run may be claimed now: its pause, its share, its budget, its line.

One rule for all of them. What is refused waits in its project's line, and has its turn when it is
the first in it and the project may go on.
"""

from enum import StrEnum
from typing import Annotated

import msgspec

from seqdrop.domain.gate import Gate
from seqdrop.domain.records import Analysis

_RANKS = {"urgent": 0, "routine": 1, "bulk": 2}


class Kept(StrEnum):
    """What keeps an analysis that is READY from its run."""

    PAUSED = "paused"
    SHARE = "share"
    BUDGET = "budget"
    LINE = "line"
    BREAKER = "breaker"
    """Its assay's: it stands in no line, since others of its project may go on."""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a project may have; urgent runs are neither counted nor kept by it."""

    runs_at_once: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Runs that are claimed and have not ended."""
    usd_a_month: Annotated[float, msgspec.Meta(gt=0)] | None = None
    """What its jobs that ended in a month (UTC) may have cost before no more runs are claimed."""

    @property
    def are_none(self) -> bool:
        """Whether it may have all that there is."""
        return self.runs_at_once is None and self.usd_a_month is None


class ProjectsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``pipelines/projects.yaml``."""

    default: Limits = Limits()
    """Of each project that is not named, and of samples without one."""
    projects: dict[str, Limits] = {}

    def limits_of(self, project: str) -> Limits:
        """What a project may have."""
        return self.projects.get(project, self.default)


class Project(msgspec.Struct, frozen=True, omit_defaults=True):
    """What goes on of a project."""

    name: str
    in_flight: int = 0
    """Its runs that were counted when they were claimed, and have not ended."""
    turns: int = 0
    """How often that number has changed."""
    paused_by: str = ""
    paused_why: str = ""
    paused_since: str = ""

    @property
    def is_paused(self) -> bool:
        """Whether none of its runs is claimed until a person ends that."""
        return bool(self.paused_since)


def title_of(project: str) -> str:
    """A project for a person; samples may have none."""
    return f"project {project}" if project else "samples without a project"


class Place(msgspec.Struct, frozen=True, order=True):
    """Where an analysis stands in its project's line: by priority, then by its last file."""

    rank: int
    since: str
    sample: str
    assay: str


class Refusal(msgspec.Struct, frozen=True):
    """Why a run is not claimed now."""

    kept: Kept
    why: str


def place_of(analysis: Analysis, priority: str) -> Place:
    """The same whenever it is asked, as long as the analysis has no other files or priority."""
    since = analysis.last_file or analysis.created
    return Place(_RANKS[priority], since, analysis.sample, analysis.assay)


def counts_in_share(limits: Limits, priority: str) -> bool:
    """Whether a run is counted among those that its project has in flight."""
    return limits.runs_at_once is not None and priority != "urgent"


def refusal(
    project: Project, limits: Limits, priority: str, spent_usd: float = 0.0
) -> Refusal | None:
    """Why no run of a project may be claimed now; None where one may.

    The same words as long as the same is so: each change of them is a write.
    ``spent_usd`` is what its jobs have cost this month, where it has a budget.
    """
    name = title_of(project.name)
    if project.is_paused:
        since = f"{project.paused_since[:10]} {project.paused_since[11:16]} UTC"
        reason = f": {project.paused_why}" if project.paused_why else ""
        return Refusal(Kept.PAUSED, f"{name}: paused by {project.paused_by} since {since}{reason}")
    if priority == "urgent":
        return None
    if limits.runs_at_once is not None and project.in_flight >= limits.runs_at_once:
        said = f"as many runs go on as may at once ({limits.runs_at_once})"
        return Refusal(Kept.SHARE, f"{name}: {said}")
    if limits.usd_a_month is not None and spent_usd >= limits.usd_a_month:
        said = f"its ${limits.usd_a_month:,.2f} of this month are spent"
        return Refusal(Kept.BUDGET, f"{name}: {said}")
    return None


def of_breaker(assay: str, gate: Gate) -> Refusal:
    """The refusal of one whose assay fails again and again: in the same words for as long."""
    return Refusal(Kept.BREAKER, f"the breaker of assay {assay} is open: {gate.why}")


def behind(project: str) -> Refusal:
    """The refusal of one that is not the first in its project's line."""
    return Refusal(
        Kept.LINE, f"{title_of(project)}: others that waited before have their turn first"
    )
