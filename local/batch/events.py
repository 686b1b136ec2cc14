"""State changes of Batch jobs on their way to the event bus, in order."""

import queue
import threading
from datetime import UTC, datetime
from typing import Any, NamedTuple

from local.batch.detail import event_detail
from local.batch.jobs import Job
from local.eventbridge import put_event


class _Change(NamedTuple):
    account: str
    region: str
    kind: str
    resources: list[str]
    detail: dict[str, Any]
    time: datetime


class StateChanges:
    """One thread delivers all events, so that nobody holds the scheduler's lock meanwhile."""

    def __init__(self) -> None:
        self._changes: queue.SimpleQueue[_Change | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._deliver, name="batch-events", daemon=True)
        self._thread.start()

    def announce(self, job: Job) -> None:
        """Queue an event that tells the job as it is now."""
        self._tell(job, "Batch Job State Change", [job.arn])

    def announce_blocked(self, job: Job) -> None:
        """Queue an event that tells that a job at the head of its queue can't be placed."""
        self._tell(job, "Batch Job Queue Blocked", [job.arn, job.queue.arn])

    def _tell(self, job: Job, kind: str, resources: list[str]) -> None:
        now = datetime.now(UTC)
        change = _Change(job.account, job.region, kind, resources, event_detail(job), now)
        self._changes.put(change)

    def close(self) -> None:
        """Return when everything that was announced is delivered."""
        self._changes.put(None)
        self._thread.join()

    def _deliver(self) -> None:
        while (change := self._changes.get()) is not None:
            put_event(
                change.account,
                change.region,
                source="aws.batch",
                detail_type=change.kind,
                resources=change.resources,
                detail=change.detail,
                time=change.time,
            )
