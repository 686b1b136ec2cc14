"""Polling: Batch is asked after a job when no event comes, or when there can be none."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from seqdrop.aws.batch import Batch
from seqdrop.aws.catalog import Catalog
from seqdrop.aws.catalog.layout import timestamp
from seqdrop.aws.objects import Objects
from seqdrop.domain.errors import Transient
from seqdrop.domain.identity import StageInput
from seqdrop.domain.job_end import FORGOTTEN
from seqdrop.domain.records import Job, JobState
from seqdrop.flow.recording import Recording
from seqdrop.flow.waiting import Waiting

_FORGOTTEN_AFTER = timedelta(hours=1)
"""So long after its submission a job that Batch does not know is one that it has forgotten."""


@dataclass(frozen=True)
class Polling:
    """Whatever Batch says is recorded as an event would be."""

    catalog: Catalog
    objects: Objects
    batch: Batch
    news: Recording
    runnable_timeout_seconds: int
    """How long a job may wait for a host; the template's RunnableTimeoutSeconds."""
    now: Callable[[], datetime]

    def poll(self, ids: StageInput, token: str) -> str:
        """Asks Batch after a job whose event did not come in time; returns its status."""
        newest = self.catalog.jobs.newest_of_stage(ids.job)
        job = self.catalog.jobs.wait_with(newest.owner if newest else ids.job, token)
        if not job.has_ended:
            job = self._ask(job)
        self.news.answer(job)
        return job.status

    def _ask(self, job: Job) -> Job:
        job_id = job.job_id or self.id_of(job)
        if not job_id:
            raise Transient(f"job {job.name} was never submitted")
        return self.take(job, job_id, self.batch.describe([job_id]).get(job_id))

    def id_of(self, job: Job) -> str:
        """The id of a job that the catalog has none of; "" where Batch has no such job."""
        return next(iter(self.batch.find(job.name, job.queue)), "")

    def take(self, job: Job, job_id: str, state: JobState | None) -> Job:
        """Records Batch's word of now, and gives up a job that has waited for a host too long.

        A job that Batch does not know may be new to it; later, Batch has forgotten it.
        """
        if state is None and job.submitting < timestamp(self.now() - _FORGOTTEN_AFTER):
            state = self.vanished(job, job_id)
        return self._take(job, state) if state else job

    def _take(self, job: Job, state: JobState) -> Job:
        recorded = self.news.record(job.owner, state)
        if recorded and state.status == "RUNNABLE":
            gate = self.news.gates.look(recorded.queue)
            limit = self.runnable_timeout_seconds
            waiting = Waiting(self.catalog, self.batch, limit, self.now, gate)
            waiting.look(recorded, state)
        return recorded or job

    def vanished(self, job: Job, job_id: str) -> JobState:
        """Batch forgets jobs after a day or so: their results, or the lack of them, still tell."""
        result = self.objects.read_result(job.bucket, job.prefix, job.stage)
        status = "SUCCEEDED" if result else "FAILED"
        return JobState(job_id, status, reason=FORGOTTEN, ended=timestamp(self.now()))

    def never_submitted(self, job: Job) -> Job:
        """Ends a job that Batch was never told of, and that nobody wants any more."""
        why = "stopped: its run ended before it was submitted"
        ended = JobState("", "FAILED", reason=why, ended=timestamp(self.now()))
        return self.news.record(job.owner, ended) or job
