"""A Batch job and its attempts: what was asked for, and what became of it."""

import time
import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from moto.batch.models import BatchBackend, JobDefinition, JobQueue
from moto.batch.utils import make_arn_for_job

from local.batch.containers import Container, Task
from local.batch.logs import LogStream
from local.batch.process import Running
from local.batch.retry import AttemptEnd, RetryStrategy


def now_ms() -> int:
    """Milliseconds since the epoch, the unit of every time of Batch."""
    return time.time_ns() // 1_000_000


class Status(StrEnum):
    """The states of a job, in their order."""

    SUBMITTED = "SUBMITTED"
    PENDING = "PENDING"
    RUNNABLE = "RUNNABLE"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"

    @property
    def ended(self) -> bool:
        """Nothing more will happen to the job."""
        return self in (Status.SUCCEEDED, Status.FAILED)

    @property
    def queued(self) -> bool:
        """No attempt is under way yet."""
        return self in (Status.SUBMITTED, Status.PENDING, Status.RUNNABLE)


@dataclass
class Attempt:
    """One try: its place, its log, and once it has started its process."""

    environment: Any  # moto's ComputeEnvironment
    log_stream: LogStream
    task_id: str
    started_at: int | None = None
    process: Running | None = None
    end: AttemptEnd | None = None
    stopped_at: int | None = None

    def arn(self, kind: str) -> str:
        """The ARN that ECS would give the attempt's `task` or its `container-instance`."""
        cluster = self.environment.ecs_arn.replace(":cluster/", f":{kind}/")
        return f"{cluster}/{self.task_id}"


@dataclass(eq=False)
class Job:
    """One job. The scheduler's lock guards every field below `status`."""

    name: str
    queue: JobQueue
    definition: JobDefinition
    backend: BatchBackend
    task: Task
    parameters: dict[str, str]
    retry: RetryStrategy
    timeout_seconds: int | None
    depends_on: list[dict[str, str]]
    consumes: dict[str, int] = field(default_factory=dict)  # by the ARN of the resource
    propagate_tags: bool | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    created_at: int = field(default_factory=now_ms)
    number: int = 0  # the order of submission
    status: Status = Status.SUBMITTED
    status_reason: str | None = None
    stopped_at: int | None = None
    attempts: list[Attempt] = field(default_factory=list)
    waits_for: set[str] = field(default_factory=set)
    blocked_by: str | None = None  # why the job at the head of its queue can't be placed
    holds_resources: bool = False
    stop_reason: str | None = None
    cancelled: bool = False
    terminated: bool = False

    @property
    def arn(self) -> str:
        """The job's ARN."""
        return str(make_arn_for_job(self.account, self.id, self.region))

    @property
    def account(self) -> str:
        """The account it belongs to."""
        return str(self.backend.account_id)

    @property
    def region(self) -> str:
        """The region it belongs to."""
        return str(self.backend.region_name)

    @property
    def container(self) -> Container:
        """The container that an attempt runs."""
        return self.task.main

    @property
    def tags(self) -> dict[str, str]:
        """Tags of the submission and what TagResource added since."""
        return dict(self.backend.list_tags_for_resource(self.arn))

    @property
    def attempt(self) -> Attempt | None:
        """The latest attempt."""
        return self.attempts[-1] if self.attempts else None

    def begin_attempt(self, environment: Any) -> Attempt:
        """Add an attempt that is to run in a compute environment."""
        task_id = uuid.uuid4().hex
        stream = self.container.log_stream(self.account, self.region, self.definition.name, task_id)
        attempt = Attempt(environment, stream, task_id)
        self.attempts.append(attempt)
        return attempt
