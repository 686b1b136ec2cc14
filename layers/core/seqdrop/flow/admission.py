"""Admission: whether a project's run may be claimed now, and whose turn is next."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from time import sleep

from seqdrop.aws.catalog import Catalog
from seqdrop.aws.queues import NextInLine, UploadsQueue
from seqdrop.domain.admission import Kept, Place, Refusal, behind, of_breaker, place_of, refusal
from seqdrop.domain.cost import REFERENCES
from seqdrop.domain.errors import Conflict, Transient, UnknownAssay
from seqdrop.domain.identity import AnalysisId, RunId
from seqdrop.domain.lifecycle import Assessment
from seqdrop.domain.records import Analysis, AnalysisStatus
from seqdrop.flow.assay_gates import AssayGates
from seqdrop.flow.retry import retry_on_conflict
from seqdrop.library import Library

_WITH_RUNS = (
    AnalysisStatus.ANALYSING, AnalysisStatus.READY, AnalysisStatus.RECEIVING, AnalysisStatus.HELD,
)  # fmt: skip
"""Statuses under which a run may go on."""
_MOST = 100_000
_INDEX_SECONDS = 2.0


@dataclass(frozen=True)
class Admission:
    """Who is refused stands in line; who is admitted leaves it in the transaction of its claim."""

    catalog: Catalog
    library: Library
    queue: UploadsQueue
    assays: AssayGates
    now: Callable[[], datetime]

    def is_refused(self, analysis: Analysis, priority: str, *, asks_breaker: bool = True) -> bool:
        """Whether no run of an analysis may be claimed now; then it says why, and stands in line.

        ``asks_breaker`` is False of a fall-back, of which its assay's breaker says nothing. Two
        requests more for a claim, where neither its project nor its assay has anything.
        """
        if self._is_refused_by_project(analysis, priority):
            return True
        if not asks_breaker:
            return False
        # Last: it may let this one in as a probe.
        gate, may_begin = self.assays.ask(analysis.assay, analysis.sample)
        if not may_begin:
            self._settle(analysis, of_breaker(analysis.assay, gate))
        return not may_begin

    def refusal_of(self, analysis: Analysis, priority: str) -> str:
        """Why no run of it may begin now; "" where one may. It stands in no line for that."""
        if refused := self._refusal(analysis.project, priority):
            return refused.why
        gate, may_begin = self.assays.ask(analysis.assay, analysis.sample)
        return "" if may_begin else of_breaker(analysis.assay, gate).why

    def _settle(self, analysis: Analysis, refused: Refusal) -> None:
        waits = Assessment(AnalysisStatus.READY, refused.why, kept=refused.kept)
        self.catalog.analyses.settle(analysis, waits, self.now())

    def _is_refused_by_project(self, analysis: Analysis, priority: str) -> bool:
        project, place = analysis.project, place_of(analysis, priority)
        refused = self._refusal(project, priority)
        if refused is None and self._may_have_line(analysis, priority):
            first = self.first(project)
            if first is not None and first < place:
                refused = behind(project)
        if refused is None:
            return False
        self._settle(analysis, refused)
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
            mine = (one for one in lines if one.project == project and one.pipeline != REFERENCES)
            spent = sum(line.micros for line in mine) / 1_000_000
        return refusal(self.catalog.projects.get(project), limits, priority, spent)

    def count_anew(self, name: str) -> None:
        """Makes a project's count that of its runs.

        A version of before counts no run that it closes: a command of then, or a stack rolled back.
        The index may be a moment behind: the second of two equal counts is taken.
        """

        def attempt() -> None:
            project = self.catalog.projects.get(name)
            first = set(self._counted_runs(name))
            sleep(_INDEX_SECONDS)
            if first != set(self._counted_runs(name)):
                raise Conflict(f"the runs of {name} come and go")
            self.catalog.projects.correct(project, len(first))

        retry_on_conflict(attempt, Transient(f"the runs of {name} come and go all the time"))

    def _counted_runs(self, project: str) -> Iterator[RunId]:
        for status in _WITH_RUNS:
            for analysis in self.catalog.analyses.newest(status, _MOST):
                active = analysis.active_run if analysis.project == project else None
                run = self.catalog.runs.get(active) if active else None
                if run and run.in_share and run.status.live:
                    yield run.id

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
        in_line = analysis.kept and analysis.kept != Kept.BREAKER
        if not (waits and in_line and analysis.project == project):
            return False
        try:
            priority = analysis.priority or self.library.assay_of(analysis).priority
        except UnknownAssay:  # it is held when it is looked at
            return False
        return place_of(analysis, priority) == place
