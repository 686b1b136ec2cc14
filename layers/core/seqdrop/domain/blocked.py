"""Why Batch can't start the job at the head of its queue, and what a person does about it.

Batch gives its reasons as ``<code> - <text>``: see "Jobs stuck in a RUNNABLE status" in its user
guide. It can give up a job by itself (``jobStateTimeLimitActions``) for three of them only. For
all others, and with NO_HOST for what Batch has no word for, PollJob gives up a run's job, and the
sweep does, which looks after the jobs that make a reference's indexes, too.
"""

import re

import msgspec

NO_HOST = "NO_HOST - Batch gives no reason, and nothing has run on hosts of this kind meanwhile"
"""Seqdrop's own reason, where Batch has no word for it: hosts that start and can't join, say."""

BREAKER = "BREAKER_OPEN"
"""The code of a job that waited for its queue's breaker, and whose run may fall back."""

_CODE = re.compile(
    r"(?:CAPACITY|MISCONFIGURATION):[A-Z0-9_]+|ACTION_REQUIRED|UNDETERMINED|NO_HOST"
    r"|[A-Z_]+(?::[A-Z0-9_]+)*(?=\s+[-–]\s)"  # one that Batch may come to have
)
_GIVEN_UP = re.compile(
    r"Canceled by JobStateTimeLimit action due to reason: (.+)"
    r"|Cancelled by Seqdrop due to reason: (.+)",
    re.DOTALL,
)
LONGEST_REASON = 1_024
"""Characters of the reason that CancelJob and TerminateJob take."""


class Remedy(msgspec.Struct, frozen=True):
    """What a person does about a reason."""

    do: str


REMEDIES = {
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY": Remedy(
        "EC2 has no such instances in your zones now: wait, or deploy with subnets in more zones"
    ),
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE": Remedy(
        "the stage asks for more vCPUs than all hosts may have: raise MaxCpuVcpus or "
        "MaxFpgaVcpus, and deploy"
    ),
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT": Remedy(
        "no instance type of the queue is as large as the stage asks for: lower its vcpus or "
        "memory_mib in pipelines/, and deploy"
    ),
    "MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS": Remedy(
        "Batch may not start hosts: give AWSServiceRoleForBatch back the rights of AWS's own policy"
    ),
    "MISCONFIGURATION:EC2_INSTANCE_CONFIGURATION_UNSUPPORTED": Remedy(
        "the instance types do not go with your zones or the launch template: deploy with subnets "
        "in zones that have them"
    ),
    "ACTION_REQUIRED": Remedy(
        "the queue's compute environments are INVALID: mend what Batch's console says of them"
    ),
    "UNDETERMINED": Remedy(
        "Batch does not know why: look at quotas, subnets and the AMI (`seqdrop doctor`)"
    ),
    BREAKER: Remedy("mend what opened the breaker (`seqdrop queues`)"),
    "NO_HOST": Remedy(
        "hosts do not start, or can't join: look at quotas, the way to ECS and the AMI's ECS "
        "agent (`seqdrop doctor`)"
    ),
}
_ANY = Remedy("no host came: look at the queue in Batch's console")


def blocked_text(status: str, status_reason: str) -> str:
    """What DescribeJobs says of a job that can't start; "" where it says nothing of the kind.

    A job that waits for its next attempt has a status reason too, of the attempt before.
    """
    return status_reason if status == "RUNNABLE" and _CODE.match(status_reason) else ""


def code_of(why: str) -> str:
    """The code of a reason; "" where it has none that we know the form of."""
    found = _CODE.match(why)
    return found[0] if found else ""


def remedy_of(why: str) -> Remedy:
    """What to do; for a reason that nobody has seen, only where to look."""
    return REMEDIES.get(code_of(why), _ANY)


def cancel_reason(why: str) -> str:
    """What Seqdrop tells Batch when it gives a job up; ``given_up_for`` reads it back."""
    return f"Cancelled by Seqdrop due to reason: {why}"[:LONGEST_REASON]


def given_up_for(reason: str) -> str:
    """Why a job was given up while it waited, by Batch or by Seqdrop; "" where it was not."""
    found = _GIVEN_UP.match(reason)
    if found and (found[1] or code_of(found[2])):  # a person's text may begin so
        return found[1] or found[2]
    return ""
