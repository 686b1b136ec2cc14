"""What follows a failed job: another job of its stage, where and how large; or its run's end."""

from collections.abc import Sequence

from seqdrop.domain.failure import NO_FPGA, RULES, Action, FailureClass
from seqdrop.domain.hosts import is_on_spot, on_demand_queue, with_priority
from seqdrop.domain.identity import StageOf
from seqdrop.domain.records import Job

BATCH_ATTEMPTS = 3
"""How often Batch itself runs a job whose host is taken away; the job definitions' own figure."""
MOST_JOBS = 9
"""Of one stage in one run, whatever goes wrong: their sort keys end with one digit."""


def action_for(job: Job, failure: FailureClass) -> Action:
    """What is done about a job that has failed: what its class says, until that has been done."""
    if job.fallback and failure is FailureClass.LICENCE_EXHAUSTED:
        return Action.FALL_BACK  # what is used up does not come back by waiting
    action = _action_of_class(job, failure)
    may_fall_back = job.fallback and failure in NO_FPGA
    return Action.FALL_BACK if may_fall_back and action is Action.FAIL else action


def _action_of_class(job: Job, failure: FailureClass) -> Action:
    rule = RULES[failure]
    if not isinstance(job.owner, StageOf):
        return Action.FAIL  # nobody waits for an index: a person asks for it again
    if not rule.action.tries_again:
        return rule.action
    used_up = job.earlier.count(failure) >= rule.jobs or job.owner.number >= MOST_JOBS
    is_largest = rule.action is Action.LARGER and _larger(job) == job.memory_mib
    if used_up or is_largest:
        return Action.FAIL
    is_last = job.earlier.count(failure) == rule.jobs - 1
    if failure is FailureClass.HOST_FAILED and is_last and is_on_spot(job.queue):
        return Action.ON_DEMAND  # a reclaim may look like this, too
    return rule.action


def next_job(job: Job, token: str, now: str, priority: str) -> Job:
    """The job that follows on one that is followed, before Batch hears of it.

    ``priority`` is that of its run now. Raises ValueError for a job that none follows.
    """
    action, failure = Action(job.action), FailureClass(job.failure_class)
    owner = job.next_owner
    if not action.tries_again or not isinstance(owner, StageOf):
        raise ValueError(f"nothing follows {job.name}")
    return Job(
        owner=owner,
        name=owner.run.job_name(owner.stage, owner.number),
        queue=on_demand_queue(job.queue)
        if action is Action.ON_DEMAND
        else with_priority(job.queue, priority),
        prefix=job.prefix,
        bucket=job.bucket,
        folder=job.folder,
        vcpus=job.vcpus,
        memory_mib=_larger(job) if action is Action.LARGER else job.memory_mib,
        scratch_mib=job.scratch_mib,
        most_memory_mib=job.most_memory_mib,
        expected_seconds=job.expected_seconds,
        timeout_seconds=job.timeout_seconds,
        project=job.project,
        pipeline=job.pipeline,
        fallback=job.fallback,
        token=token,
        earlier=(*job.earlier, failure),
        submitting=now,
    )


def most_attempts(jobs: Sequence[Job]) -> int:
    """How many attempts a stage may have, as it stands: all that were, and those still to follow
    if it goes on failing as it last did. 0 where nothing has failed yet.
    """
    job = jobs[-1]
    before = sum(len(one.attempts) for one in jobs[:-1])
    if job.status == "SUCCEEDED":
        return 0
    if job.has_ended:
        return before + max(1, len(job.attempts)) + _jobs_left(job)
    if job.attempts:
        return before + BATCH_ATTEMPTS
    failed = [one for one in job.earlier if one != FailureClass.MOVED]
    if not failed:
        return 0
    last = FailureClass(failed[-1])
    return before + 1 + RULES[last].jobs - failed.count(last)


def _jobs_left(job: Job) -> int:
    """How many may follow a job that has failed, if they all fail alike."""
    if not job.is_followed:
        return 0
    failure = FailureClass(job.failure_class)
    return max(1, RULES[failure].jobs - job.earlier.count(failure))


def _larger(job: Job) -> int:
    """The next size up: memory (MiB), twice what it was, if a host has so much.

    A job whose disk was full gets no other disk, since scratch belongs to the host; but fewer
    others fit beside it.
    """
    return max(job.memory_mib, min(2 * job.memory_mib, job.most_memory_mib))
