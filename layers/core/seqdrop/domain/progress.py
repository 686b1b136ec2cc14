"""How far a running stage is: what its runner writes now and then, and when it may end."""

from datetime import datetime, timedelta
from typing import Annotated

import msgspec

from seqdrop.domain.host_facts import HostFacts

LEAST_SECONDS, LEAST_FRACTION = 60, 0.05
"""Before both are done, the speed of the whole can't be told from that of the beginning."""

_Time = Annotated[datetime, msgspec.Meta(tz=True)]
_Count = Annotated[int, msgspec.Meta(ge=0)]


class StageProgress(msgspec.Struct, frozen=True, omit_defaults=True):
    """``<stage>.progress.json`` in the run's folder: written over as the stage goes on."""

    stage: str
    at: _Time
    fraction: Annotated[float, msgspec.Meta(ge=0, le=1)]
    """Of the compressed bytes of its reads; of a stage without reads, of its steps."""
    seconds: _Count
    """Since the attempt began."""
    ends_at: _Time | None = None
    bytes_read: _Count = 0
    bytes_all: _Count = 0
    reads: _Count | None = None
    """Of both mates; None of a stage without reads."""
    steps_done: _Count = 0
    steps: _Count = 0
    job_id: str = ""
    job_attempt: int = 0
    """Whose progress it is, counted from 1."""
    host: HostFacts | None = None
    """Where it runs, where the host says so."""


def expected_end(now: datetime, seconds: float, fraction: float) -> datetime | None:
    """When it ends if it goes on at the speed that it had; None while nobody can tell."""
    if seconds < LEAST_SECONDS or not LEAST_FRACTION <= fraction < 1:
        return None
    end = now + timedelta(seconds=seconds * (1 - fraction) / fraction)
    return end.replace(microsecond=0)


def progress_key(folder: str, stage: str) -> str:
    """Where a stage's progress is; ``folder`` is its run's."""
    return f"{folder}{stage}.progress.json"


def read_progress(body: bytes) -> StageProgress | None:
    """What a runner has written; None where it is no such thing."""
    try:
        return msgspec.json.decode(body, type=StageProgress)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
