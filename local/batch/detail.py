"""Jobs in the words of DescribeJobs, ListJobs and the state change event."""

from typing import Any

from local.batch.jobs import Attempt, Job

_LISTS = ("command", "volumes", "mountPoints", "ulimits", "secrets")


def job_detail(job: Job) -> dict[str, Any]:
    """A JobDetail, as DescribeJobs answers it."""
    detail = {
        **_identity(job),
        "jobQueue": job.queue.arn,
        "attempts": [_attempt(each) for each in job.attempts if each.end],
        "retryStrategy": job.retry.describe(),
        "dependsOn": [dict(each) for each in job.depends_on],
        "jobDefinition": job.definition.arn,
        "parameters": dict(job.parameters),
        "container": _container(job),
        "timeout": _timeout(job),
        "tags": job.tags,
        "propagateTags": bool(job.propagate_tags),
        "platformCapabilities": list(job.definition.platform_capabilities or []),
        "eksAttempts": [],
        "isCancelled": job.cancelled,
        "isTerminated": job.terminated,
    }
    return _present(detail)


def event_detail(job: Job) -> dict[str, Any]:
    """The same for `Batch Job State Change`, whose tags name the job as well."""
    detail = job_detail(job)
    del detail["eksAttempts"]
    return {**detail, "tags": {"resourceArn": job.arn, **job.tags}}


def job_summary(job: Job) -> dict[str, Any]:
    """A JobSummary, as ListJobs answers it."""
    summary = {**_identity(job), "jobDefinition": job.definition.arn}
    end = job.attempt.end if job.attempt else None
    if end is not None:
        summary["container"] = _present({"exitCode": end.exit_code, "reason": end.reason})
    return summary


def _identity(job: Job) -> dict[str, Any]:
    begun = None if job.status.queued else job.attempt
    return _present(
        {
            "jobArn": job.arn,
            "jobId": job.id,
            "jobName": job.name,
            "status": job.status.value,
            "statusReason": job.status_reason,
            "createdAt": job.created_at,
            "startedAt": begun.started_at if begun else None,
            "stoppedAt": job.stopped_at,
        }
    )


def _timeout(job: Job) -> dict[str, int] | None:
    if job.timeout_seconds is None:
        return None
    return {"attemptDurationSeconds": job.timeout_seconds}


def _container(job: Job) -> dict[str, Any]:
    properties = job.container.properties
    container = {
        **properties,
        **{name: list(properties.get(name) or []) for name in _LISTS},
        "networkInterfaces": [],
    }
    if job.attempt is not None:
        container |= _whereabouts(job.attempt)
    return _present(container)


def _attempt(attempt: Attempt) -> dict[str, Any]:
    detail = {
        "container": _present({**_whereabouts(attempt), "networkInterfaces": []}),
        "startedAt": attempt.started_at,
        "stoppedAt": attempt.stopped_at,
        "statusReason": attempt.end.status_reason if attempt.end else None,
    }
    return _present(detail)


def _whereabouts(attempt: Attempt) -> dict[str, Any]:
    return {
        "containerInstanceArn": attempt.arn("container-instance"),
        "taskArn": attempt.arn("task"),
        "logStreamName": attempt.log_stream.name,
        "exitCode": attempt.end.exit_code if attempt.end else None,
        "reason": attempt.end.reason if attempt.end else None,
    }


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
