"""Jobs that wait for a host: why, for how long, and when to give them up."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from seqdrop.aws.batch import Batch
from seqdrop.aws.catalog import Catalog
from seqdrop.aws.catalog.layout import timestamp
from seqdrop.domain.blocked import BREAKER, NO_HOST, cancel_reason
from seqdrop.domain.errors import Transient
from seqdrop.domain.gate import Gate, may_be_left
from seqdrop.domain.hosts import hosts_of, queues_of
from seqdrop.domain.records import Job, JobState

_ON_A_HOST: tuple[Literal["STARTING", "RUNNING"], ...] = ("STARTING", "RUNNING")
_LOOK_SECONDS = 10
"""How long a look asks Batch's queues, of the 30 seconds that its function has."""


@dataclass(frozen=True)
class Waiting:
    """Looks at a job that Batch says is RUNNABLE, and gives it up after ``limit_seconds``.

    Batch itself does that for three of its reasons; whoever comes first cancels, and CancelJob
    leaves a job alone that has begun to start. Every look may be the first, the last, or cut off:
    what it knows is in the catalog and in Batch.
    """

    catalog: Catalog
    batch: Batch
    limit_seconds: int
    now: Callable[[], datetime]
    gate: Gate
    """Of the job's queue: while it is shut, no job waits for a host; its time counts from when it
    was freed."""

    def look(self, job: Job, state: JobState) -> None:
        """``job`` is as the catalog has it after ``state`` was recorded, Batch's word of now."""
        if not self.gate.is_free:
            if may_be_left(job, self.gate):
                self.batch.cancel(state.job_id, cancel_reason(f"{BREAKER} - {self.gate.why}"))
            return
        if state.blocked:
            if self._is_over(job.blocked_since):
                self.batch.cancel(state.job_id, cancel_reason(state.blocked))
            return
        self.catalog.jobs.record_unblocked(job.owner, state, self.now())
        if job.status == "RUNNABLE" and self._is_over(job.updated) and self._gets_no_host(job):
            self.batch.cancel(state.job_id, cancel_reason(NO_HOST))

    def _is_over(self, since: str) -> bool:
        begun = max(since, self.gate.since)
        return bool(since) and self.now().timestamp() - _epoch(begun) > self.limit_seconds

    def _gets_no_host(self, job: Job) -> bool:
        """Whether, for the whole limit, no host came for any job that might run where it would.

        It may be one of many that wait: that nothing runs is said of all of them, so all are
        given up, each when it is next looked at.
        """
        hosts = hosts_of(job.queue)
        quiet_since = self.now() - timedelta(seconds=self.limit_seconds)
        if self.catalog.hosts.last_seen(hosts) > timestamp(quiet_since):
            return False
        return not self._may_run(hosts)

    def _may_run(self, hosts: str) -> bool:
        """Whether Batch runs or starts a job on these hosts now; True where it does not say soon.

        Every waiting job asks this, so Batch may throttle us: then a later look asks again, and
        no run fails for it.
        """
        deadline = self.now() + timedelta(seconds=_LOOK_SECONDS)
        asked = ((queue, status) for queue in queues_of(hosts) for status in _ON_A_HOST)
        try:
            return any(self.now() > deadline or self.batch.has(*each) for each in asked)
        except Transient:
            return True


def _epoch(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()
