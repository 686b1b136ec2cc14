"""Which Batch job runs next, and the states that each one goes through."""

import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar

from local.batch import blocked, consumables
from local.batch.events import StateChanges
from local.batch.jobs import Attempt, Job, Status, now_ms
from local.batch.process import Running
from local.batch.retry import AttemptEnd
from local.batch.runner import AttemptRunner, BatchSettings

_Shape = TypeVar("_Shape")

_TIMED_OUT = "Job attempt duration exceeded timeout"
_DEPENDENCY_FAILED = "Dependent Job failed"
_LOST = AttemptEnd(None, "Task failed to start", "CannotInspectContainerError: the attempt is lost")


class Scheduler:
    """Starts jobs in free slots: higher queue priority first, first come first served in a queue.

    There is no thread of its own: whoever submits a job, ends one or frees a slot starts what may
    start. One lock guards every job; an attempt under way has one thread that waits for it.
    """

    def __init__(
        self, settings: BatchSettings, runner: AttemptRunner, changes: StateChanges
    ) -> None:
        self._settings = settings
        self._runner = runner
        self._changes = changes
        self._lock = threading.Condition(threading.RLock())
        self._jobs: dict[str, Job] = {}
        self._runnable: dict[str, deque[Job]] = defaultdict(deque)
        self._dependents: dict[str, list[Job]] = defaultdict(list)
        self._busy: Counter[str] = Counter()
        self._limits: dict[str, threading.Timer] = {}
        self._submitted = 0
        self._closing = False

    def submit(self, job: Job) -> None:
        """Take a job in; it may run before this returns."""
        with self._lock:
            self._submitted += 1
            job.number = self._submitted
            self._jobs[job.id] = job
            self._changes.announce(job)
            self._move(job, Status.PENDING)
            self._wait_or_queue(job)
            self._dispatch()

    def terminate(self, job_id: str, reason: str) -> None:
        """End a job in whatever state it is; one that has ended, or is unknown, stays as it is."""
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None or job.status.ended:
                return
            job.terminated = True
            if job.status.queued:
                self._drop(job, reason)
            else:
                self._stop(job, reason)

    def cancel(self, job_id: str, reason: str) -> None:
        """End a job that has not begun to start."""
        with self._lock:
            job = self._jobs.get(job_id)
            if job is not None and job.status.queued:
                job.cancelled = True
                self._drop(job, reason)

    def select(
        self,
        wanted: Callable[[Job], bool],
        shape: Callable[[Job], _Shape],
        job_ids: Iterable[str] | None = None,
    ) -> list[_Shape]:
        """Describe the jobs that are wanted, of all or of some ids, as of one moment."""
        with self._lock:
            ids = self._jobs if job_ids is None else job_ids
            found = [self._jobs[job_id] for job_id in ids if job_id in self._jobs]
            return [shape(job) for job in found if wanted(job)]

    def change(self, work: Callable[[], _Shape]) -> _Shape:
        """Change what jobs wait for, such as an environment's state; then start what may start."""
        with self._lock:
            done = work()
            self._dispatch()
            return done

    def forget(self, account: str, region: str) -> None:
        """Stop and drop every job of a region that is reset."""
        with self._lock:
            for job in [*self._jobs.values()]:
                if (job.account, job.region) == (account, region):
                    self.terminate(job.id, "The service was reset")
                    del self._jobs[job.id]

    def close(self) -> None:
        """Start nothing more, stop what runs, and return when it has ended."""
        with self._lock:
            self._closing = True
            for limit in self._limits.values():
                limit.cancel()
            for job in self._jobs.values():
                if job.status in (Status.STARTING, Status.RUNNING):
                    self._stop(job, "The embedded runtime was shut down")
            self._lock.wait_for(lambda: self._busy.total() == 0)

    # Everything below is called with the lock held, except `_run` and what takes it itself.

    def _move(self, job: Job, status: Status, reason: str | None = None) -> None:
        job.status, job.status_reason, job.blocked_by = status, reason, None
        if limit := self._limits.pop(job.id, None):
            limit.cancel()
        if status.ended:
            job.stopped_at = now_ms()
            consumables.give_back(job)
        self._changes.announce(job)
        if status.ended:
            self._release_dependents(job)

    def _wait_or_queue(self, job: Job) -> None:
        needed = [self._jobs.get(each["jobId"]) for each in job.depends_on]
        known = [each for each in needed if each is not None]
        if any(each.status is Status.FAILED for each in known):
            self._move(job, Status.FAILED, _DEPENDENCY_FAILED)
            return
        job.waits_for = {each.id for each in known if not each.status.ended}
        for job_id in job.waits_for:
            self._dependents[job_id].append(job)
        if not job.waits_for:
            self._queue(job)

    def _queue(self, job: Job, *, first: bool = False) -> None:
        line = self._runnable[job.queue.arn]
        line.appendleft(job) if first else line.append(job)
        self._move(job, Status.RUNNABLE)

    def _release_dependents(self, ended: Job) -> None:
        for job in self._dependents.pop(ended.id, ()):
            job.waits_for.discard(ended.id)
            if job.status is not Status.PENDING:
                continue
            if ended.status is Status.FAILED:
                self._move(job, Status.FAILED, _DEPENDENCY_FAILED)
            elif not job.waits_for:
                self._queue(job)

    def _dispatch(self) -> None:
        while not self._closing and (choice := self._next()):
            job, environment = choice
            self._busy[self._slots_of(environment)[0]] += 1
            consumables.take(job)
            attempt = job.begin_attempt(environment)
            self._move(job, Status.STARTING)
            threading.Thread(
                target=self._run, args=(job, attempt), name=f"batch-{job.id}", daemon=True
            ).start()
        for line in self._runnable.values():
            if line:
                self._watch_head(line[0])

    def _next(self) -> tuple[Job, Any] | None:
        lines = [line for line in self._runnable.values() if line]
        for line in sorted(lines, key=lambda line: (-int(line[0].queue.priority), line[0].number)):
            for environment in line[0].queue.environments:
                if self._has_room(environment) and blocked.fits(line[0], environment):
                    if not consumables.are_there(line[0]):
                        break
                    return line.popleft(), environment
        return None

    def _watch_head(self, job: Job) -> None:
        """Say once why a job at the head of its queue can't be placed, and start its time limit."""
        reason = blocked.why_blocked(job)
        if reason is None and job.blocked_by:
            job.blocked_by = job.status_reason = None
        if self._closing or reason is None:
            return
        if job.blocked_by != reason:
            job.blocked_by, job.status_reason = reason, blocked.status_reason(reason)
            self._changes.announce_blocked(job)
        seconds = blocked.time_limit_seconds(job.queue, reason)
        if seconds is not None and job.id not in self._limits:
            limit = threading.Timer(
                seconds * self._settings.queue_second, self._give_up, (job, reason)
            )
            limit.daemon = True
            self._limits[job.id] = limit
            limit.start()

    def _give_up(self, job: Job, reason: str) -> None:
        with self._lock:
            if job.status is Status.RUNNABLE and job.blocked_by == reason:
                job.cancelled = True
                self._drop(job, blocked.cancel_reason(reason))

    def _has_room(self, environment: Any) -> bool:
        counted_by, slots = self._slots_of(environment)
        return environment.state != "DISABLED" and self._busy[counted_by] < slots

    def _slots_of(self, environment: Any) -> tuple[str, int]:
        return self._settings.slots_of(environment.name, environment.arn)

    def _run(self, job: Job, attempt: Attempt) -> None:
        end = _LOST
        try:
            end = self._runner.run(
                job,
                attempt,
                partial(self._started, job, attempt),
                partial(self._expire, attempt, job),
            )
        finally:
            with self._lock:
                self._conclude(job, attempt, end)

    def _started(self, job: Job, attempt: Attempt, process: Running) -> None:
        with self._lock:
            attempt.process = process
            attempt.started_at = now_ms()
            if job.stop_reason is None:
                self._move(job, Status.RUNNING)
            else:
                process.stop(self._settings.grace_seconds)

    def _expire(self, attempt: Attempt, job: Job) -> None:
        with self._lock:
            if attempt.end is None:
                self._stop(job, _TIMED_OUT)

    def _stop(self, job: Job, reason: str) -> None:
        """The first reason stays; the process ends by itself or by force."""
        if job.stop_reason is None:
            job.stop_reason = reason
            if job.attempt is not None and job.attempt.process is not None:
                job.attempt.process.stop(self._settings.grace_seconds)

    def _drop(self, job: Job, reason: str) -> None:
        line = self._runnable[job.queue.arn]
        if job in line:
            line.remove(job)
        self._move(job, Status.FAILED, reason)
        self._dispatch()

    def _conclude(self, job: Job, attempt: Attempt, end: AttemptEnd) -> None:
        attempt.end, attempt.stopped_at, attempt.process = end, now_ms(), None
        self._busy[self._slots_of(attempt.environment)[0]] -= 1
        if job.stop_reason is not None:
            self._move(job, Status.FAILED, job.stop_reason)
        elif end.succeeded:
            self._move(job, Status.SUCCEEDED, end.status_reason)
        elif job.retry.wants_another(end, len(job.attempts)):
            self._queue(job, first=True)
        else:
            self._move(job, Status.FAILED, end.status_reason)
        self._dispatch()
        self._lock.notify_all()
