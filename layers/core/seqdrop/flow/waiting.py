"""Jobs that wait for a host: why, for how long, and when to give them up."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import get_args

from seqdrop.aws.batch import Batch
from seqdrop.aws.catalog import Catalog
from seqdrop.domain.blocked import NO_HOST, cancel_reason
from seqdrop.domain.errors import Transient
from seqdrop.domain.pipeline import Priority, QueueKind
from seqdrop.domain.records import Job, JobState

_RANKS: tuple[str, ...] = get_args(Priority)
"""From the most urgent on."""
_NEWEST = 1_000
"""How many of a queue's ended jobs are looked at, the last submitted first. Queues are first come
first served, so what has run of late is among them."""


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

    def look(self, job: Job, state: JobState) -> None:
        """``job`` is as the catalog has it after ``state`` was recorded, Batch's word of now."""
        if state.blocked:
            if self._is_over(job.blocked_since):
                self.batch.cancel(state.job_id, cancel_reason(state.blocked))
            return
        self.catalog.jobs.record_unblocked((job.pk, job.sk), state, self.now())
        if job.status == "RUNNABLE" and self._is_over(job.updated) and self._gets_no_host(job):
            self.batch.cancel(state.job_id, cancel_reason(NO_HOST))

    def _is_over(self, since: str) -> bool:
        return bool(since) and self.now().timestamp() - _epoch(since) > self.limit_seconds

    def _gets_no_host(self, job: Job) -> bool:
        """Every waiting job asks this, so Batch may throttle us: then we ask again later, and fail
        no run.
        """
        try:
            return self._nothing_moves(job)
        except Transient:
            return False

    def _nothing_moves(self, job: Job) -> bool:
        """Whether it is first in line, nothing runs, and nothing has ended within the limit.

        A job behind others is never given up, whether those run or are blocked; when they end,
        its limit starts anew.
        """
        shared = [f"{prefix}-{rank}" for prefix in _hosts(job) for rank in _RANKS]
        if any(self._any(queue, status) for queue in shared for status in ("STARTING", "RUNNING")):
            return False
        if self._others_come_first(job):
            return False
        since = self.now().timestamp() - self.limit_seconds
        return not any(self._any_ended(queue, since) for queue in shared)

    def _any(self, queue: str, status: str) -> bool:
        return any(True for _ in self.batch.listed(queue, status))

    def _any_ended(self, queue: str, since: float) -> bool:
        return any(
            place.stopped >= since
            for status in ("SUCCEEDED", "FAILED")
            for place in islice(self.batch.listed(queue, status), _NEWEST)
        )

    def _others_come_first(self, job: Job) -> bool:
        """Whether another job of its hosts waits in a more urgent queue, or before it in its own.

        An order in which one job is always the first: else they would wait for each other.
        """
        prefix, _, own_rank = job.queue.rpartition("-")
        more_urgent = _RANKS[: _RANKS.index(own_rank)]
        if any(self._any(f"{prefix}-{rank}", "RUNNABLE") for rank in more_urgent):
            return True
        line = list(self.batch.listed(job.queue, "RUNNABLE"))
        first = min(line, key=lambda place: (place.created, place.job_id), default=None)
        return first is not None and first.job_id != job.job_id


def _hosts(job: Job) -> list[str]:
    """Queues of whose jobs a job may wait for the end, without their priorities.

    FPGA kinds have hosts of their own, but share the licence that counts their jobs.
    """
    own, _, _ = job.queue.rpartition("-")
    kind = next(kind for kind in get_args(QueueKind) if own.endswith(f"-{kind}"))
    stack, family = own.removesuffix(kind), kind.partition("-")[0]
    return [f"{stack}{one}" for one in get_args(QueueKind) if one.partition("-")[0] == family]


def _epoch(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()
