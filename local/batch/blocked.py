"""Jobs at the head of a queue that no compute environment can take, and when they are given up.

The texts are those of the user guide's page on jobs that are stuck in RUNNABLE.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

from moto.batch.exceptions import ClientException
from moto.ec2.models.instance_types import INSTANCE_TYPES

from local.batch import faults
from local.batch.jobs import Job

TOO_MANY_VCPUS = "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE"
TOO_LARGE = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"
NO_CAPACITY = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY"
UNSUPPORTED = "MISCONFIGURATION:EC2_INSTANCE_CONFIGURATION_UNSUPPORTED"
_TEXTS = {
    TOO_MANY_VCPUS: "CE(s) associated with the job queue cannot meet the CPU requirement of the "
    "job.",
    TOO_LARGE: "The job resource requirement (vCPU/memory/GPU) is higher than that can be met by "
    "the CE(s) attached to the job queue.",
    # never the case on one machine: see `local.batch.faults`
    NO_CAPACITY: "Service cannot fulfill the capacity requested for instance type [m7i.4xlarge]",
    UNSUPPORTED: "Your compute environment associated with this job queue has an unsupported "
    "instance type configuration.",
    "MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS": "Batch service role has a permission issue.",
    "ACTION_REQUIRED": "CE(s) associated with the job queue are invalid.",
    "UNDETERMINED": "Batch job is blocked, root cause is undetermined.",
}
REASONS = tuple(_TEXTS)
_WITH_TIME_LIMIT = {TOO_MANY_VCPUS, TOO_LARGE, NO_CAPACITY}
"""The reasons that a queue may have a time limit for, as the user guide lists them."""
_SHORTEST, _LONGEST = 600, 86_400
_ANY_TYPE = ("optimal", "default_x86_64", "default_arm64")


def fits(job: Job, environment: Any) -> bool:
    """Whether a compute environment could ever run a job."""
    if faults.blocked_for(job, REASONS):
        return False
    return _within_limit(job, environment) and _has_instance(job, environment)


def why_blocked(job: Job) -> str | None:
    """The reason why no environment of its queue can take a job, as time limits name it.

    None where it only waits for its turn, or Batch knows nothing.
    """
    if asked_for := faults.blocked_for(job, REASONS):
        return asked_for if asked_for in _TEXTS else None
    environments = job.queue.environments
    if any(fits(job, each) for each in environments):
        return None
    too_many = not any(_within_limit(job, each) for each in environments)
    return TOO_MANY_VCPUS if too_many else TOO_LARGE


def status_reason(reason: str) -> str:
    """What the job says while it waits."""
    return f"{reason} - {_TEXTS[reason]}"


def cancel_reason(reason: str) -> str:
    """What the job says once its queue's time limit has ended it."""
    return f"Canceled by JobStateTimeLimit action due to reason: {reason}"


def time_limit_seconds(queue: Any, reason: str) -> int | None:
    """How long a queue lets a job wait at its head for a reason; None for as long as it takes."""
    limits = [int(a["maxTimeSeconds"]) for a in time_limit_actions(queue) if a["reason"] == reason]
    return min(limits, default=None)


def time_limit_actions(queue: Any) -> list[dict[str, Any]]:
    """A queue's `jobStateTimeLimitActions`, which moto does not keep."""
    found: list[dict[str, Any]] = getattr(queue, "time_limit_actions", [])
    return found


def checked_time_limits(actions: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """`jobStateTimeLimitActions` for a queue; ClientException where Batch would refuse one."""
    kept = [{**each, "maxTimeSeconds": int(each["maxTimeSeconds"])} for each in actions]
    for each in kept:
        if each["state"] != "RUNNABLE" or str(each["action"]).upper() != "CANCEL":
            raise ClientException("jobStateTimeLimitActions: only CANCEL of RUNNABLE jobs")
        if not _SHORTEST <= each["maxTimeSeconds"] <= _LONGEST:
            raise ClientException("jobStateTimeLimitActions: maxTimeSeconds is 600 to 86400")
        if each["reason"] not in _WITH_TIME_LIMIT:
            raise ClientException(f"jobStateTimeLimitActions: unknown reason {each['reason']}")
    return kept


def _within_limit(job: Job, environment: Any) -> bool:
    resources = environment.compute_resources or {}
    most = resources.get("maxvCpus")
    return most is None or job.task.vcpus <= int(most)


def _has_instance(job: Job, environment: Any) -> bool:
    types = (environment.compute_resources or {}).get("instanceTypes") or ()
    sizes = _sizes(tuple(types))
    # An instance of exactly the memory that is asked for never has it: its agent takes some.
    return sizes is None or any(
        job.task.vcpus <= vcpus and job.task.memory_mib < memory for vcpus, memory in sizes
    )


@cache
def _sizes(wanted: tuple[str, ...]) -> list[tuple[int, int]] | None:
    """vCPUs and memory (MiB) of instance types and whole families; None where any type will do."""
    if not wanted or any(each in _ANY_TYPE for each in wanted):
        return None
    return [
        (instance["VCpuInfo"]["DefaultVCpus"], instance["MemoryInfo"]["SizeInMiB"])
        for name, instance in INSTANCE_TYPES.items()
        if name in wanted or name.partition(".")[0] in wanted
    ]
