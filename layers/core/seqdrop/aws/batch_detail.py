"""A JobDetail of AWS Batch, of either shape, as the domain's job state.

A job of a definition with `containerProperties` tells of its one `container`. One of a definition
with `ecsProperties` has none: `ecsProperties.taskProperties[].containers[]` and each attempt's
`taskProperties[].containers[]` tell instead.
"""

import math
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from seqdrop.aws.catalog.layout import timestamp
from seqdrop.domain.blocked import blocked_text
from seqdrop.domain.records import Attempt, JobState

_KILLED = {137, 143}  # SIGKILL and SIGTERM: how ECS ends the rest of a task
_INSTANCE = re.compile(r"\bi-[0-9a-f]{8,17}\b")

Container = Mapping[str, Any]


def read_state(detail: Mapping[str, Any]) -> JobState:
    """The state in a JobDetail: of a DescribeJobs answer, or of an event."""
    containers = _containers(detail)
    # An attempt's containers don't say which are essential; a container without a name is.
    essential = {each.get("name") for each in containers if each.get("essential", True)}
    container = _deciding(containers, essential)
    attempts = detail.get("attempts") or []
    last = _deciding(_containers(attempts[-1]), essential) if attempts else {}
    blocked = blocked_text(detail["status"], detail.get("statusReason") or "")
    return JobState(
        job_id=detail["jobId"],
        status=detail["status"],
        reason="" if blocked else _reason(detail, container, last),
        exit_code=container.get("exitCode", last.get("exitCode")),
        log_stream=container.get("logStreamName") or last.get("logStreamName") or "",
        created=time_text(detail.get("createdAt")),
        started=time_text(detail.get("startedAt")),
        ended=time_text(detail.get("stoppedAt")),
        host=_host(detail),
        attempts=tuple(_attempt(attempt, essential) for attempt in attempts),
        parameters=dict(detail.get("parameters") or {}),
        blocked=blocked,
        by_hand=_by_hand(detail),
        name=detail.get("jobName") or "",
        queue=(detail.get("jobQueue") or "").rpartition("/")[2],
        vcpus=_vcpus(containers),
        tags=_tags(detail),
    )


def _tags(detail: Mapping[str, Any]) -> dict[str, str]:
    """The job's own: an event names the job's ARN among them, as an answer does not."""
    return {key: value for key, value in (detail.get("tags") or {}).items() if key != "resourceArn"}


def _vcpus(containers: Iterable[Container]) -> int:
    """What all containers ask for, in whole vCPUs, of which EC2 has no parts."""
    asked = (one for each in containers for one in each.get("resourceRequirements") or [])
    return math.ceil(sum(float(one["value"]) for one in asked if one["type"] == "VCPU"))


def _by_hand(detail: Mapping[str, Any]) -> bool | None:
    if "isTerminated" not in detail and "isCancelled" not in detail:
        return None
    return bool(detail.get("isTerminated") or detail.get("isCancelled"))


def _attempt(attempt: Mapping[str, Any], essential: Collection[str | None]) -> Attempt:
    container = _deciding(_containers(attempt), essential)
    reason = _joined(attempt.get("statusReason"), container.get("reason"))
    named = _INSTANCE.search(reason)
    return Attempt(
        seconds=_seconds(attempt),
        started=time_text(attempt.get("startedAt")),
        ended=time_text(attempt.get("stoppedAt")),
        exit_code=container.get("exitCode"),
        reason=reason,
        host=named[0] if named else _host(attempt),
        log_stream=container.get("logStreamName") or "",
    )


def _host(holder: Mapping[str, Any]) -> str:
    """ECS's id of the container instance that a job or an attempt has; "" where it has none."""
    tasks = (holder.get("ecsProperties") or holder).get("taskProperties") or []
    places = [*tasks, holder.get("container") or {}]
    arns = [place.get("containerInstanceArn") or "" for place in places]
    return next((arn.rpartition("/")[2] for arn in arns if arn), "")


def _containers(holder: Mapping[str, Any]) -> list[Container]:
    """The containers of a job or of an attempt; at least one, be it empty."""
    tasks = (holder.get("ecsProperties") or holder).get("taskProperties") or []
    named = [each for task in tasks for each in task.get("containers") or []]
    return named or [holder.get("container") or {}]


def _deciding(containers: Iterable[Container], essential: Collection[str | None]) -> Container:
    """The container whose end is the task's: the essential one that failed by itself, if any."""

    def rank(container: Container) -> int:
        if container.get("name") not in essential:
            return 3
        code, reason = container.get("exitCode"), container.get("reason")
        if code in _KILLED and not reason:
            return 1  # most likely ended for another's sake
        return 0 if code or (code is None and reason) else 2

    return min(containers, key=rank)


def _reason(detail: Mapping[str, Any], container: Container, last: Container) -> str:
    return _joined(detail.get("statusReason"), container.get("reason") or last.get("reason"))


def _joined(*reasons: str | None) -> str:
    return "; ".join(dict.fromkeys(reason for reason in reasons if reason))


def _seconds(attempt: Mapping[str, Any]) -> float:
    started, stopped = attempt.get("startedAt"), attempt.get("stoppedAt")
    return max(0.0, (stopped - started) / 1000) if started and stopped else 0.0


def time_text(milliseconds: int | None) -> str:
    """A time of Batch's, which are in milliseconds; "" where there is none yet."""
    return timestamp(datetime.fromtimestamp(milliseconds / 1000, UTC)) if milliseconds else ""
