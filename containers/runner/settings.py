"""What the runner takes from the environment, and the only place that reads it."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Where to work, and what Batch calls this job."""

    scratch: Path
    job_id: str
    job_attempt: str


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from the variables that the job definition and Batch set."""
    return Settings(
        scratch=Path(environment.get("SEQDROP_SCRATCH") or tempfile.gettempdir()).resolve(),
        job_id=environment.get("AWS_BATCH_JOB_ID", ""),
        job_attempt=environment.get("AWS_BATCH_JOB_ATTEMPT", ""),
    )


def cores() -> int:
    """Cores that this process may use: a container's share, where the platform tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
