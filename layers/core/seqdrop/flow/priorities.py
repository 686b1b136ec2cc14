"""A priority that changes later: what waits in a queue is moved, what has begun stays.

Batch moves no job. One that waits is cancelled (CancelJob spares a job that has begun to start),
and its failure, Moved, has its stage submit the next one to the other queue.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from seqdrop.aws.batch import Batch
from seqdrop.aws.catalog import Catalog
from seqdrop.domain.errors import Conflict
from seqdrop.domain.failure import FailureClass
from seqdrop.domain.hosts import with_priority
from seqdrop.domain.identity import RunId
from seqdrop.domain.job_end import MOVED
from seqdrop.domain.next_job import action_for
from seqdrop.domain.records import Analysis

_WAITS = {"SUBMITTING", "SUBMITTED", "PENDING", "RUNNABLE"}
"""As far as the catalog knows: Batch tells of none but the last of these."""


@dataclass(frozen=True)
class Priorities:
    """Each call does what is left to do: whoever dies in between is made up for by the next."""

    catalog: Catalog
    batch: Batch
    now: Callable[[], datetime]

    def change(self, analysis: Analysis, priority: str, who: str) -> list[str]:
        """Gives an analysis and its run another priority; returns the stages that are moved.

        Raises Conflict where the analysis has changed meanwhile.
        """
        if analysis.priority != priority:
            self.catalog.analyses.set_priority(analysis, priority, who, self.now())
        return self.move(analysis.active_run, priority) if analysis.active_run else []

    def move(self, run: RunId, priority: str) -> list[str]:
        """Gives a run a priority, and takes its waiting jobs out of other queues than that one's.

        The run comes first: a job that follows reads its priority. A run that a release before
        this one claimed stays as it is: its execution does not know the failure Moved.
        """
        there = self.catalog.runs.get(run)
        if there is None or not there.can_be_moved:
            return []
        with suppress(Conflict):  # it is closed, and has nothing that waits
            self.catalog.runs.set_priority(run, priority)
            return self._moved(run, priority)
        return []

    def _moved(self, run: RunId, priority: str) -> list[str]:
        stages = []
        for job in self.catalog.jobs.of_run(run):
            is_elsewhere = with_priority(job.queue, priority) != job.queue
            may_follow = action_for(job, FailureClass.MOVED).tries_again
            if job.status in _WAITS and job.job_id and is_elsewhere and may_follow:
                self.batch.cancel(job.job_id, f"{MOVED} to priority {priority}")
                stages.append(job.stage)
        return stages
