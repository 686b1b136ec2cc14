"""Faults on demand: what tags of a job queue ask the embedded Batch to play.

    aws batch tag-resource --resource-arn QUEUE --tags local:blocked=UNDETERMINED

``local:blocked``: the queue is blocked, for a reason of ``local.batch.blocked`` (its code), or for
none that Batch would tell (NO_REASON). ``local:not-started``: containers do not start, and ECS
says so in this text. ``local:ended``: attempts end as soon as they have started, as
``<exit code>; <status reason>; <container's reason>`` says; without a code or a reason where there
is none (``; Host EC2 (instance i-0123456789abcdef0) terminated.``). With ``local:times`` only so
many attempts of the queue are; it is counted down. Untagged, all goes on.
"""

import logging
import threading
from collections.abc import Collection

from local.batch.jobs import Job
from local.batch.retry import AttemptEnd

LOG = logging.getLogger(__name__)

BLOCKED = "local:blocked"
NO_REASON = "NO_REASON"
NOT_STARTED = "local:not-started"
ENDED = "local:ended"
TIMES = "local:times"
_counting = threading.Lock()


def blocked_for(job: Job, reasons: Collection[str]) -> str:
    """The one of some reasons, or NO_REASON, that blocks the job's queue; "" where none does."""
    return _one_of([*reasons, NO_REASON], BLOCKED, job)


def end_played(job: Job) -> AttemptEnd | None:
    """How the job's present attempt is to end at once; None where it goes its own way."""
    tags = _tags(job)
    if not (tags.get(NOT_STARTED) or tags.get(ENDED)) or not _is_one_of_the_times(job):
        return None
    if why := tags.get(NOT_STARTED):
        return AttemptEnd(None, "Task failed to start", why)
    code, status_reason, reason = [*tags[ENDED].split("; ", 2), "", ""][:3]
    return AttemptEnd(int(code) if code else None, status_reason, reason or None)


def _is_one_of_the_times(job: Job) -> bool:
    """Counts the tag down."""
    with _counting:
        left = _one_of([str(number) for number in range(11)], TIMES, job)
        if left not in {"", "0"}:
            job.backend.tag_resource(job.queue.arn, {TIMES: str(int(left) - 1)})
        return left != "0"


def _one_of(known: Collection[str], tag: str, job: Job) -> str:
    """A tag's value; "" where there is none, or none that could be played, which is said."""
    value = _tags(job).get(tag, "")
    if value and value not in known:
        LOG.error(
            "the tag %s of %s is %r: give one of %s", tag, job.queue.name, value, ", ".join(known)
        )
        return ""
    return value


def _tags(job: Job) -> dict[str, str]:
    return dict(job.backend.list_tags_for_resource(job.queue.arn))
