"""Tasks of workflows: recorded from their events, and asked after when their head job ends."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from seqdrop.aws.batch import Batch
from seqdrop.aws.catalog import Catalog
from seqdrop.aws.catalog.layout import timestamp
from seqdrop.aws.objects import Objects
from seqdrop.domain.cost import Prices
from seqdrop.domain.hosts import is_cpu
from seqdrop.domain.identity import StageOf
from seqdrop.domain.records import Job, JobState, Run
from seqdrop.domain.task import Task, make_task, owner_of_task
from seqdrop.domain.trace import read_trace
from seqdrop.domain.workflow import TRACE

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class WorkflowTasks:
    """Nextflow submits and follows them; here they are known, priced, and ended with their run."""

    catalog: Catalog
    objects: Objects
    batch: Batch
    prices: Callable[[], Prices]
    scratch_gib: int
    now: Callable[[], datetime]

    def record(self, state: JobState) -> Task | None:
        """Records what Batch says of a task; None where the job is no task of ours.

        One of a run that has ended is ended, too: its head job may have died over submitting it.
        """
        owner = owner_of_task(state)
        run = self.catalog.runs.get(owner.run) if owner else None
        if owner is None or run is None:
            return None
        task = self._record(owner.stage, run, state)
        if not task.has_ended and not run.status.live:
            self.batch.terminate(task.job_id, "stopped: its run has ended")
        return task

    def settle(self, head: Job, owner: StageOf) -> None:
        """Asks Batch after all tasks of a head job that has ended, whose events may be late.

        The trace names those of a workflow that ended well: so the cost of a run is whole when
        the run is closed.
        """
        known = {task.job_id: task for task in self.catalog.tasks.of_run(owner.run)}
        trace = self.objects.get(head.bucket, f"{head.prefix}{TRACE}") or b""
        traced = {one.native_id for one in read_trace(trace) if one.is_of_this_try}
        ended = {job_id for job_id, task in known.items() if task.has_ended}
        run = self.catalog.runs.get(owner.run)
        wanted = sorted((known.keys() | traced) - ended) if run else []
        for state in self.batch.describe(wanted).values():
            if run:
                self._record(owner.stage, run, state)

    def _record(self, stage: str, run: Run, state: JobState) -> Task:
        is_ours = is_cpu(state.queue)
        if not is_ours:
            logger.warning(
                "the task %s of %s is on the queue %s, which is none of ours: its cost is left out",
                state.job_id, run.id.short, state.queue or "(unknown)",
            )  # fmt: skip
        task = make_task(
            stage, run, state,
            prices=self.prices() if is_ours else None,
            scratch_gib=self.scratch_gib, now=timestamp(self.now()),
        )  # fmt: skip
        self.catalog.tasks.record(task)
        return task
