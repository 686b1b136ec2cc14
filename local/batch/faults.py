"""Faults on demand: what tags of a job queue ask the embedded Batch to play.

    aws batch tag-resource --resource-arn QUEUE --tags local:blocked=UNDETERMINED

``local:blocked``: the queue is blocked, for a reason of ``local.batch.blocked`` (its code), or for
none that Batch would tell (NO_REASON). ``local:not-started``: containers do not start, and ECS
says so in this text; with ``local:not-started-attempts`` only the first attempts of each job.
Untagged, all goes on.
"""

from local.batch.jobs import Job

BLOCKED = "local:blocked"
NO_REASON = "NO_REASON"
NOT_STARTED = "local:not-started"
NOT_STARTED_ATTEMPTS = "local:not-started-attempts"


def blocked_for(job: Job) -> str:
    """The code of the reason that the job's queue is to be blocked for; "" where it is not."""
    return _tags(job).get(BLOCKED, "")


def why_not_started(job: Job) -> str:
    """What ECS is to say of the job's present attempt; "" where its container starts."""
    tags = _tags(job)
    attempts = int(tags.get(NOT_STARTED_ATTEMPTS, len(job.attempts)))
    return tags.get(NOT_STARTED, "") if len(job.attempts) <= attempts else ""


def _tags(job: Job) -> dict[str, str]:
    return dict(job.backend.list_tags_for_resource(job.queue.arn))
