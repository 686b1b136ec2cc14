"""AWS Batch: submit once, find again, ask, end."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec
from botocore.exceptions import ClientError

from seqdrop.aws.batch_detail import read_state, time_text
from seqdrop.domain.blocked import LONGEST_REASON
from seqdrop.domain.errors import Transient
from seqdrop.domain.pipeline import is_fpga
from seqdrop.domain.records import JobState

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient
    from mypy_boto3_batch.literals import JobStatusType
    from mypy_boto3_batch.type_defs import (
        ResourceRequirementTypeDef,
        SubmitJobRequestTypeDef,
        TaskContainerOverridesTypeDef,
    )

FPGA_CONTAINER = "dragen"
"""The container of every FPGA job definition, by the name that the template gives it."""
_DESCRIBE_LIMIT = 100
_THROTTLED = {"TooManyRequestsException", "ThrottlingException", "Throttling"}


def container_name(kind: str) -> str:
    """The container of a queue kind's job definition; "" where `containerProperties` has no name.

    FPGA definitions are ECS tasks: nothing else can say pid mode host, which DRAGEN needs. Batch
    refuses a job whose overrides are of the other shape than its definition.
    """
    return FPGA_CONTAINER if is_fpga(kind) else ""


class JobRequest(msgspec.Struct, frozen=True):
    """What is asked of Batch. ``parameters`` reach the command as ``Ref::`` arguments.

    ``kind`` is the queue's kind, such as cpu or fpga-genome.
    """

    name: str
    kind: str
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
        size: list[ResourceRequirementTypeDef] = [
            {"type": "VCPU", "value": str(request.vcpus)},
            {"type": "MEMORY", "value": str(request.memory_mib)},
        ]
        asked: SubmitJobRequestTypeDef = {
            "jobName": request.name,
            "jobQueue": request.queue,
            "jobDefinition": request.definition,
            "parameters": request.parameters,
            "timeout": {"attemptDurationSeconds": request.timeout_seconds},
            "tags": request.tags,
            "propagateTags": True,
        }
        if name := container_name(request.kind):
            container: TaskContainerOverridesTypeDef = {
                "name": name,
                "resourceRequirements": size,
            }
            asked["ecsPropertiesOverride"] = {"taskProperties": [{"containers": [container]}]}
        else:
            asked["containerOverrides"] = {"resourceRequirements": size}
        return self._client.submit_job(**asked)["jobId"]

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

    def has(self, queue: str, status: "JobStatusType") -> bool:
        """Whether a queue has a job in a status.

        Raises Transient where too many ask at once: an account's ListJobs are few a second.
        """
        pages = self._client.get_paginator("list_jobs").paginate(
            jobQueue=queue,
            jobStatus=status,
        )
        try:
            return any(page["jobSummaryList"] for page in pages)
        except ClientError as error:
            if error.response["Error"]["Code"] in _THROTTLED:
                raise Transient(f"ListJobs of {queue}: {error}") from error
            raise

    def waiting_since(self, queue: str, status: "JobStatusType") -> list[tuple[str, str]]:
        """The jobs of a queue in a status: when each was created, and its id; the oldest first."""
        pages = self._client.get_paginator("list_jobs").paginate(jobQueue=queue, jobStatus=status)
        found = [
            (time_text(summary.get("createdAt")), summary["jobId"])
            for page in pages
            for summary in page["jobSummaryList"]
        ]
        return sorted(found)

    def queues(self, prefix: str) -> dict[str, str]:
        """The job queues whose names begin so, and the state of each, as Batch words it."""
        pages = self._client.get_paginator("describe_job_queues").paginate()
        return {
            queue["jobQueueName"]: _queue_state(queue["state"], queue.get("status", "VALID"))
            for page in pages
            for queue in page["jobQueues"]
            if queue["jobQueueName"].startswith(prefix)
        }

    def set_resource(self, name: str, quantity: int) -> None:
        """Says how much there is of a consumable resource; jobs that hold some keep it."""
        self._client.update_consumable_resource(
            consumableResource=name, operation="SET", quantity=quantity
        )

    def cancel(self, job_id: str, reason: str) -> None:
        """Ends a job that has not begun to start; one that has goes on."""
        self._client.cancel_job(jobId=job_id, reason=reason)

    def terminate(self, job_id: str, reason: str) -> None:
        """Ends a job in any state; one that has ended already is left as it is."""
        self._client.terminate_job(jobId=job_id, reason=reason[:LONGEST_REASON])


def _queue_state(state: str, status: str) -> str:
    """``ENABLED``, or what keeps the queue from taking or starting jobs."""
    return state if status == "VALID" or state == "DISABLED" else f"{state}, {status}"
