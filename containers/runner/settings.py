"""What the runner takes from the environment, and the only place that reads it."""

import os
import tempfile
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path

from runner.licence import take_licence


@dataclass(frozen=True)
class Settings:
    """Where to work, what Batch calls this job, and what it may show to DRAGEN alone."""

    scratch: Path
    secrets: Path
    """Where secrets lie while they are used: on AWS in memory that goes with the container."""
    job_id: str
    job_attempt: str
    dragen_licence: str = field(repr=False)
    shares_scratch: bool = False
    """Whether the scratch is a host's, on which other jobs follow this one."""
    host: Path | None = None
    """Where the host says what it is; None of a machine of one's own."""
    requests: Path | None = None
    """Where a job asks something of its host; None where it may not."""


def read_settings(environment: MutableMapping[str, str] = os.environ) -> Settings:
    """What the job definition and Batch set; the secret is taken out of the environment."""
    return Settings(
        scratch=Path(environment.get("SEQDROP_SCRATCH") or tempfile.gettempdir()).resolve(),
        secrets=Path(environment.get("SEQDROP_SECRETS") or tempfile.gettempdir()).resolve(),
        job_id=environment.get("AWS_BATCH_JOB_ID", ""),
        job_attempt=environment.get("AWS_BATCH_JOB_ATTEMPT", ""),
        dragen_licence=take_licence(environment),
        shares_scratch=bool(environment.get("SEQDROP_SCRATCH")),
        host=_folder(environment.get("SEQDROP_HOST")),
        requests=_folder(environment.get("SEQDROP_REQUESTS")),
    )


def _folder(path: str | None) -> Path | None:
    return Path(path) if path else None


@dataclass(frozen=True)
class TaskSettings:
    """Where the tasks of a workflow run, and as whom; the job definition of head jobs says it."""

    queue: str
    role: str
    log_group: str
    cli: str
    """Where a task's host has the AWS CLI, which is mounted into its container."""
    region: str


def read_task_settings(environment: Mapping[str, str] = os.environ) -> TaskSettings:
    """KeyError names what is missing: the job is not of the queue of head jobs."""
    # Tasks have the priority of their head job, whose queue Batch names.
    priority = environment["AWS_BATCH_JQ_NAME"].rpartition("-")[2]
    return TaskSettings(
        queue=f"{environment['SEQDROP_TASK_QUEUES']}-{priority}",
        role=environment["SEQDROP_TASK_ROLE"],
        log_group=environment["SEQDROP_TASK_LOG_GROUP"],
        cli=environment["SEQDROP_TASK_CLI"],
        region=environment["AWS_DEFAULT_REGION"],
    )


def cores() -> int:
    """Cores that this process may use: a container's share, where the platform tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
