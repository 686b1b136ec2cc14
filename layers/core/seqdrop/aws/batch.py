"""AWS Batch: submit once, find again, ask, end."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from seqdrop.aws.catalog.layout import timestamp
from seqdrop.domain.records import JobState

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient

_DESCRIBE_LIMIT = 100


class JobRequest(msgspec.Struct, frozen=True):
    """What is asked of Batch. ``parameters`` reach the command as ``Ref::`` arguments."""

    name: str
    queue: str
    definition: str
    parameters: dict[str, str]
    vcpus: int
    memory_mib: int
    timeout_seconds: int
    tags: dict[str, str]


class Batch:
    """Job ids and states in the domain's words."""

    def __init__(self, client: "BatchClient") -> None:
        self._client = client

    def submit(self, request: JobRequest) -> str:
        """Submits a job and returns its id. Batch has no client token: first see ``find``."""
        answer = self._client.submit_job(
            jobName=request.name,
            jobQueue=request.queue,
            jobDefinition=request.definition,
            parameters=request.parameters,
            containerOverrides={
                "resourceRequirements": [
                    {"type": "VCPU", "value": str(request.vcpus)},
                    {"type": "MEMORY", "value": str(request.memory_mib)},
                ]
            },
            timeout={"attemptDurationSeconds": request.timeout_seconds},
            tags=request.tags,
            propagateTags=True,
        )
        return answer["jobId"]

    def find(self, name: str, queue: str) -> list[str]:
        """Ids of the jobs of exactly this name (Batch's filter ignores case), oldest first."""
        found = []
        pages = self._client.get_paginator("list_jobs").paginate(
            jobQueue=queue, filters=[{"name": "JOB_NAME", "values": [name]}]
        )
        for page in pages:
            found += [s for s in page["jobSummaryList"] if s["jobName"] == name]
        found.sort(key=lambda summary: summary.get("createdAt", 0))
        return [summary["jobId"] for summary in found]

    def describe(self, job_ids: Iterable[str]) -> dict[str, JobState]:
        """States by id; what Batch has forgotten is not in the answer."""
        ids = list(job_ids)
        states = {}
        for start in range(0, len(ids), _DESCRIBE_LIMIT):
            answer = self._client.describe_jobs(jobs=ids[start : start + _DESCRIBE_LIMIT])
            for detail in answer["jobs"]:
                state = read_state(detail)
                states[state.job_id] = state
        return states

    def terminate(self, job_id: str, reason: str) -> None:
        """Ends a job in any state; one that has ended already is left as it is."""
        self._client.terminate_job(jobId=job_id, reason=reason)


def read_state(detail: Mapping[str, Any]) -> JobState:
    """The state in a JobDetail: of a DescribeJobs answer, or of an event."""
    container = detail.get("container") or {}
    attempts = detail.get("attempts") or []
    last = (attempts[-1].get("container") or {}) if attempts else {}
    return JobState(
        job_id=detail["jobId"],
        status=detail["status"],
        reason=_reason(detail, container, last),
        exit_code=container.get("exitCode", last.get("exitCode")),
        log_stream=container.get("logStreamName") or last.get("logStreamName") or "",
        created=_time(detail.get("createdAt")),
        started=_time(detail.get("startedAt")),
        ended=_time(detail.get("stoppedAt")),
        attempt_seconds=tuple(_seconds(attempt) for attempt in attempts),
        parameters=dict(detail.get("parameters") or {}),
    )


def _reason(
    detail: Mapping[str, Any], container: Mapping[str, Any], last: Mapping[str, Any]
) -> str:
    reasons = [detail.get("statusReason"), container.get("reason") or last.get("reason")]
    return "; ".join(dict.fromkeys(reason for reason in reasons if reason))


def _seconds(attempt: Mapping[str, Any]) -> float:
    started, stopped = attempt.get("startedAt"), attempt.get("stoppedAt")
    return max(0.0, (stopped - started) / 1000) if started and stopped else 0.0


def _time(milliseconds: int | None) -> str:
    return timestamp(datetime.fromtimestamp(milliseconds / 1000, UTC)) if milliseconds else ""
