"""The sweep: whatever waits past its time is found, and moved on, or told to a person.

It does what a lost event, message or poll would have done, by the same writes, so that it may run
beside them, twice, or be cut off anywhere.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import msgspec

from seqdrop.aws.alerts import Alerts
from seqdrop.aws.catalog import Catalog
from seqdrop.aws.catalog.due import Due, Looked
from seqdrop.aws.catalog.table import Key
from seqdrop.aws.executions import Executions
from seqdrop.aws.queues import LookAt, Message, Recheck, UploadsQueue
from seqdrop.domain.due import NEXT_LOOK
from seqdrop.domain.errors import UnknownAssay
from seqdrop.domain.identity import StageOf
from seqdrop.domain.lifecycle import assess
from seqdrop.domain.look import Look, look_at
from seqdrop.domain.records import Analysis, Job, JobState, Run
from seqdrop.flow.assay_gates import AssayGates
from seqdrop.flow.closing import Closing
from seqdrop.flow.gates import Gates
from seqdrop.flow.polling import Polling
from seqdrop.flow.reanalysis.announcements import Announcements
from seqdrop.flow.reanalysis.ending import ReanalysisLook
from seqdrop.flow.references import Preparation
from seqdrop.library import Library

T = TypeVar("T", Analysis, Job)
R = TypeVar("R")
Page = Sequence[tuple[Due, Analysis | Job | None]]
LATE = "Seqdrop Samples Late"
"""The detail type of the alert about what only a person can move on."""
_WHO = "seqdrop"
_LONGEST_WHY = 300


class LateSample(msgspec.Struct, frozen=True):
    """An analysis that has waited too long."""

    sample: str
    assay: str
    project: str
    status: str
    since: str
    why: str
    do: str


class LateAlert(msgspec.Struct, frozen=True):
    """One alert tells of all that one page of the index brought up: at most a hundred."""

    samples: tuple[LateSample, ...]


@dataclass
class Swept:
    """What a sweep has done."""

    counts: Counter[str] = field(default_factory=lambda: Counter(jobs=0, analyses=0, late=0))
    failures: list[tuple[Key | str, Exception]] = field(default_factory=list)
    """What could not be looked at: the next sweep does."""
    is_whole: bool = True
    """False where its time was over before all was looked at."""

    def attempt(self, of: Key | str, look: Callable[[], R]) -> R | None:
        """What comes of a look; None where it fails, which keeps the sweep from nothing else."""
        try:
            return look()
        except Exception as error:  # noqa: BLE001  # any fault is told, and the sweep goes on
            self.failures.append((of, error))
            return None


@dataclass(frozen=True)
class Sweep:
    """Each page is looked at, then moved on in the index: who dies in between looks twice."""

    catalog: Catalog
    queue: UploadsQueue
    executions: Executions
    closing: Closing
    polling: Polling
    preparation: Preparation
    announcements: Announcements
    reanalyses: ReanalysisLook
    gates: Gates
    assays: AssayGates
    alerts: Alerts
    library: Library
    queues: Sequence[str]
    """One queue of each kind."""
    alert_after: timedelta
    now: Callable[[], datetime]

    def sweep(self, has_time: Callable[[], bool]) -> Swept:
        """Looks at all that is due, as long as there is time.

        What can't be looked at keeps none of the others: it is due for the next sweep.
        """
        swept = Swept()
        for queue in self.queues:  # a probe is let through though no job of it is polled soon
            swept.attempt(queue, partial(self.gates.look, queue))
        swept.attempt("breakers", partial(self.assays.tell_of_shut, self.alerts))
        swept.attempt("references", self.announcements.announce_lost)
        swept.attempt("reanalyses", self.reanalyses.look)
        for page in self.catalog.dues.pages(self.now()):
            if not has_time():
                swept.is_whole = False
                break
            read = [(due, swept.attempt(due.key, due.read)) for due in page]
            looked = [*self._look_at_jobs(read, swept), *self._look_at_analyses(read, swept)]
            swept.attempt("due times", partial(self.catalog.dues.move, looked))
        return swept

    # Jobs

    def _look_at_jobs(self, page: Page, swept: Swept) -> Iterator[Looked]:
        """Asks Batch after all jobs of a page at once, and does what a poll of each would do."""
        ids: dict[Key, str] = {}
        jobs = list(_of(page, Job))
        for due, job in jobs:
            found = job.job_id or swept.attempt(due.key, partial(self.polling.id_of, job))
            if found is not None:
                ids[due.key] = found
        wanted = [job_id for job_id in ids.values() if job_id]
        known = swept.attempt("DescribeJobs", partial(self.polling.batch.describe, wanted))
        if known is None:
            return
        for due, job in jobs:
            if due.key in ids:
                job_id = ids[due.key]
                look = partial(self._look_at_job, job, job_id, known.get(job_id))
                after = swept.attempt(due.key, look)
                if after is not None:
                    swept.counts["jobs"] += 1
                    yield Looked(due, None if after.has_ended else self.now() + NEXT_LOOK)

    def _look_at_job(self, job: Job, job_id: str, state: JobState | None) -> Job:
        """Whoever waits for it is told of its end; one that nobody waits for is ended."""
        run = self.catalog.runs.get(job.owner.run) if isinstance(job.owner, StageOf) else None
        is_wanted = not isinstance(job.owner, StageOf) or (run is not None and run.status.live)
        if not job.has_ended:
            if job_id:
                job = self.polling.take(job, job_id, state)
            elif not is_wanted:
                job = self.polling.never_submitted(job)
        if isinstance(job.owner, StageOf):
            self.polling.news.answer(job)
        elif job.has_ended:
            self.preparation.settle(job.owner.reference)
        if not is_wanted and not job.has_ended and job_id:
            self.polling.batch.terminate(job_id, "stopped: its run has ended")
        return job

    # Analyses

    def _look_at_analyses(self, page: Page, swept: Swept) -> list[Looked]:
        messages: list[Message] = []
        looks: list[tuple[Due, Analysis, Look]] = []
        for due, analysis in _of(page, Analysis):
            look = swept.attempt(due.key, partial(self._look_at, analysis))
            if look is not None:
                looks.append((due, analysis, look))
                messages += map(LookAt, look.objects)
                messages += [Recheck(analysis.sample, analysis.assay)] if look.asks else []
        late = [analysis for _, analysis, look in looks if look.is_late]
        if swept.attempt("messages", partial(self._send, messages, late)) is None:
            return []
        swept.counts.update(analyses=len(looks), late=len(late))
        now = self.now()
        return [Looked(due, look.again, now if look.is_late else None) for due, _, look in looks]

    def _send(self, messages: Sequence[Message], late: Sequence[Analysis]) -> bool:
        self.queue.send_all(messages)
        if late:
            self.alerts.send(LATE, LateAlert(tuple(map(_late_sample, late))))
        return True

    def _look_at(self, analysis: Analysis) -> Look:
        run = self.catalog.runs.get(analysis.active_run) if analysis.active_run else None
        if run and run.status.live:
            self._look_at_execution(run)
        is_quiet = self._is_quiet(analysis)
        return look_at(analysis, run, self.now(), self.alert_after, is_quiet=is_quiet)

    def _is_quiet(self, analysis: Analysis) -> bool:
        """Whether nothing but time keeps an analysis from starting."""
        try:
            complete = self.library.assay_of(analysis).complete
        except UnknownAssay:  # it is held when it is asked whether it may start
            return False
        return assess(analysis, complete, self.now()).check_again_seconds is not None

    def _look_at_execution(self, run: Run) -> None:
        """Closes a run whose execution is over, or gone, and has not closed it.

        One that was never started is started by whoever asks next if its analysis may start.
        """
        state = self.executions.describe(run.id)
        if state is None and run.execution:
            gone = "Step Functions does not know its execution any more"
            self.closing.end(run.id, "FAILED", gone, _WHO)
        elif state and not state.goes_on:
            self.closing.end(run.id, state.status, state.cause, _WHO)


def _of(page: Page, kind: type[T]) -> Iterator[tuple[Due, T]]:
    for due, record in page:
        if isinstance(record, kind):
            yield due, record


def _late_sample(analysis: Analysis) -> LateSample:
    why = (
        "; ".join(analysis.troubles.values()) or analysis.why
    )  # troubles are newer than what it said
    return LateSample(
        analysis.sample,
        analysis.assay,
        analysis.project,
        analysis.status,
        analysis.updated,
        why[:_LONGEST_WHY],
        do=f"`seqdrop why {analysis.sample}` says what it waits for, and what to do",
    )
