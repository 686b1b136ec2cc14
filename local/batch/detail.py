"""Jobs in the words of DescribeJobs, ListJobs and the state change event."""

from typing import Any

from local.batch.containers import Container
from local.batch.jobs import Attempt, Job

_LISTS = ("command", "environment", "mountPoints", "resourceRequirements", "secrets", "ulimits")
# Real events have what the documented examples have: DescribeJobs alone says these.
_NOT_IN_EVENTS = ("isCancelled", "isTerminated")


def job_detail(job: Job) -> dict[str, Any]:
    """A JobDetail, as DescribeJobs answers it: with `container` or with `ecsProperties`."""
    consumed = [{"consumableResource": a, "quantity": q} for a, q in job.consumes.items()]
    detail = {
        **_identity(job),
        "jobQueue": job.queue.arn,
        "attempts": [_attempt(job, each) for each in job.attempts if each.end],
        "retryStrategy": job.retry.describe(),
        "dependsOn": [dict(each) for each in job.depends_on],
        "jobDefinition": job.definition.arn,
        "parameters": dict(job.parameters),
        "timeout": _timeout(job),
        "tags": job.tags,
        "propagateTags": bool(job.propagate_tags),
        "platformCapabilities": list(job.definition.platform_capabilities or []),
        "eksAttempts": [],
        "isCancelled": job.cancelled,
        "isTerminated": job.terminated,
        "consumableResourceProperties": {"consumableResourceList": consumed} if consumed else None,
    }
    if job.task.around is None:
        detail["container"] = _container(job)
    else:
        detail["ecsProperties"] = {"taskProperties": [_task(job, job.task.around)]}
    return _present(detail)


def event_detail(job: Job) -> dict[str, Any]:
    """The same for `Batch Job State Change`, whose tags name the job as well."""
    detail = job_detail(job)
    for name in _NOT_IN_EVENTS:
        del detail[name]
    return {**detail, "tags": {"resourceArn": job.arn, **job.tags}}


def job_summary(job: Job) -> dict[str, Any]:
    """A JobSummary, as ListJobs answers it."""
    summary = {**_identity(job), "jobDefinition": job.definition.arn}
    end = job.attempt.end if job.attempt else None
    if end is not None and job.task.around is None:
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
    shown = {**_properties(job.container), "volumes": job.container.properties.get("volumes") or []}
    if job.attempt is not None:
        shown |= {**_place(job.attempt), **_course(job.attempt)}
    return _present(shown)


def _task(job: Job, around: dict[str, Any]) -> dict[str, Any]:
    containers = []
    for container in job.task.containers:
        shown = {
            **_properties(container),
            "dependsOn": container.properties.get("dependsOn") or [],
            "essential": container.essential,
        }
        if job.attempt is not None and container is job.container:
            shown |= _course(job.attempt)
        containers.append(_present(shown))
    place = _place(job.attempt) if job.attempt is not None else {}
    return {**around, "volumes": around.get("volumes") or [], "containers": containers, **place}


def _properties(container: Container) -> dict[str, Any]:
    properties = container.properties
    lists = {name: list(properties.get(name) or []) for name in _LISTS}
    return {**properties, **lists, "networkInterfaces": []}


def _attempt(job: Job, attempt: Attempt) -> dict[str, Any]:
    course = {**_course(attempt), "networkInterfaces": []}
    detail: dict[str, Any] = {
        "startedAt": attempt.started_at,
        "stoppedAt": attempt.stopped_at,
        "statusReason": attempt.end.status_reason if attempt.end else None,
    }
    if job.task.around is None:
        detail["container"] = _present({**_place(attempt), **course})
    else:
        containers = [_present({"name": job.container.name, **course})]
        detail["taskProperties"] = [{**_place(attempt), "containers": containers}]
    return _present(detail)


def _place(attempt: Attempt) -> dict[str, Any]:
    return {
        "containerInstanceArn": attempt.arn("container-instance"),
        "taskArn": attempt.arn("task"),
    }


def _course(attempt: Attempt) -> dict[str, Any]:
    return {
        "logStreamName": attempt.log_stream.name,
        "exitCode": attempt.end.exit_code if attempt.end else None,
        "reason": attempt.end.reason if attempt.end else None,
    }


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
