"""Faults on demand: what tags of a job queue ask the embedded Batch to play.

    aws batch tag-resource --resource-arn QUEUE --tags local:blocked=UNDETERMINED

``local:blocked``: the queue is blocked, for a reason of ``local.batch.blocked`` (its code), or for
none that Batch would tell (NO_REASON). ``local:not-started``: containers do not start, and ECS
says so in this text; with ``local:not-started-attempts`` only the first attempts of each job.
Untagged, all goes on.
"""

import logging
from collections.abc import Collection

from local.batch.jobs import Job

LOG = logging.getLogger(__name__)

BLOCKED = "local:blocked"
NO_REASON = "NO_REASON"
NOT_STARTED = "local:not-started"
NOT_STARTED_ATTEMPTS = "local:not-started-attempts"
_NUMBERS = [str(number) for number in range(11)]


def blocked_for(job: Job, reasons: Collection[str]) -> str:
    """The one of some reasons, or NO_REASON, that blocks the job's queue; "" where none does."""
    return _one_of([*reasons, NO_REASON], BLOCKED, job)


def why_not_started(job: Job) -> str:
    """What ECS is to say of the job's present attempt; "" where its container starts."""
    attempts = _one_of(_NUMBERS, NOT_STARTED_ATTEMPTS, job)
    if attempts and len(job.attempts) > int(attempts):
        return ""
    return _tags(job).get(NOT_STARTED, "")


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
