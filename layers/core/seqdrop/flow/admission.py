"""Admission: whether a project's run may be claimed now, and whose turn is next."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from seqdrop.aws.catalog import Catalog
from seqdrop.aws.queues import NextInLine, UploadsQueue
from seqdrop.domain.admission import Place, Refusal, behind, place_of, refusal
from seqdrop.domain.errors import UnknownAssay
from seqdrop.domain.identity import AnalysisId
from seqdrop.domain.lifecycle import Assessment
from seqdrop.domain.records import Analysis, AnalysisStatus
from seqdrop.library import Library


@dataclass(frozen=True)
class Admission:
    """Who is refused stands in line; who is admitted leaves it in the transaction of its claim."""

    catalog: Catalog
    library: Library
    queue: UploadsQueue
    now: Callable[[], datetime]

    def is_refused(self, analysis: Analysis, priority: str) -> bool:
        """Whether no run of an analysis may be claimed now; then it says why, and stands in line.

        One request more for a claim, where its project has neither a limit nor a pause.
        """
        project, place = analysis.project, place_of(analysis, priority)
        refused = self._refusal(project, priority)
        if refused is None and self._may_have_line(analysis, priority):
            first = self.first(project)
            if first is not None and first < place:
                refused = behind(project)
        if refused is None:
            return False
        waits = Assessment(AnalysisStatus.READY, refused.why, kept=refused.kept)
        self.catalog.analyses.settle(analysis, waits, self.now())
        self.catalog.projects.queue_up(project, place)
        if self._refusal(project, priority) is None:
            # There is room, or has been since: whoever was told of it may not have seen this one.
            self.queue.send(NextInLine(project))
        return True

    def _refusal(self, project: str, priority: str) -> Refusal | None:
        limits = self.library.projects().limits_of(project)
        spent = 0.0
        if limits.usd_a_month is not None:
            lines = self.catalog.costs.of_month(f"{self.now():%Y-%m}")
            spent = sum(line.micros for line in lines if line.project == project) / 1_000_000
        return refusal(self.catalog.projects.get(project), limits, priority, spent)

    def _may_have_line(self, analysis: Analysis, priority: str) -> bool:
        """Whether others may wait for what a run would take."""
        limits = self.library.projects().limits_of(analysis.project)
        return bool(analysis.kept) or (priority != "urgent" and not limits.are_none)

    def first(self, project: str) -> Place | None:
        """Who has the next turn. Those before it who do not wait any more leave the line."""
        for place in self.catalog.projects.line(project):
            analysis = self.catalog.analyses.get(AnalysisId(place.sample, place.assay))
            if analysis and self._waits_at(analysis, project, place):
                return place
            self.catalog.projects.step_out(project, place)
        return None

    def _waits_at(self, analysis: Analysis, project: str, place: Place) -> bool:
        waits = analysis.status is AnalysisStatus.READY and not analysis.active_run
        if not (waits and analysis.kept and analysis.project == project):
            return False
        try:
            priority = analysis.priority or self.library.assay_of(analysis).priority
        except UnknownAssay:  # it is held when it is looked at
            return False
        return place_of(analysis, priority) == place
