"""News of jobs: recorded in any order, and told to whoever waits for the job's end."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from seqdrop.aws.batch import Batch
from seqdrop.aws.catalog import Catalog
from seqdrop.aws.catalog.layout import read_job_parameter, timestamp
from seqdrop.aws.executions import TaskTokens
from seqdrop.aws.objects import Objects
from seqdrop.aws.queues import JobEventsQueue
from seqdrop.domain.cost import Prices, attempt_cost_usd
from seqdrop.domain.failure import RULES, FailureClass, StageFailure, read_failure
from seqdrop.domain.host_facts import HostFacts
from seqdrop.domain.hosts import hosts_of, kind_of, sign_of_hosts
from seqdrop.domain.identity import JobOwner, StageOf
from seqdrop.domain.job_end import explain, may_be_by_hand
from seqdrop.domain.next_job import action_for
from seqdrop.domain.pipeline import is_fpga
from seqdrop.domain.plan import StageResult
from seqdrop.domain.records import JOB_ENDED, NOTHING, Attempt, Job, JobState, Took
from seqdrop.domain.workflow import QUEUE
from seqdrop.flow.gates import Gates
from seqdrop.flow.workflow_tasks import WorkflowTasks

NO_JOB_LEFT = "NoJobLeft"
"""The error of a job that failed like those before it, so that none follows."""
OWNER_PARAMETER = "catalog"
"""The job parameter that brings the job's owner back with every event."""


@dataclass(frozen=True)
class Recording:
    """Every writer of a token reads the job back; every event answers the token that it finds.

    So whichever of the two comes second sees the other, and the state machine is always woken.
    """

    catalog: Catalog
    objects: Objects
    tokens: TaskTokens
    batch: Batch
    gates: Gates
    queue: JobEventsQueue
    tasks: WorkflowTasks
    prices: Callable[[], Prices]
    scratch_gib: int
    """Scratch of a CPU host, which its jobs pay for; the template's ScratchGib."""
    now: Callable[[], datetime]

    def record(self, owner: JobOwner, state: JobState) -> Job | None:
        """Moves a job's item forward to what Batch says; None where it is another job's news."""
        job = self._recorded(owner, state)
        if job and (seen := sign_of_hosts(state, timestamp(self.now()))):
            self.catalog.hosts.record_seen(hosts_of(job.queue), seen)
        return job

    def _recorded(self, owner: JobOwner, state: JobState) -> Job | None:
        if state.status not in JOB_ENDED and not state.attempts:
            return self._going_on(owner, state)
        job = self.catalog.jobs.get(owner)
        if job is None or job.has_ended:
            return job
        if not state.attempts:  # Batch has forgotten them
            state = msgspec.structs.replace(state, attempts=job.attempts)
        if state.status in JOB_ENDED:
            return self._ended(job, state)
        return self._going_on(owner, self._with_costs(job, state))

    def _going_on(self, owner: JobOwner, state: JobState) -> Job | None:
        job = self.catalog.jobs.record_state(owner, state, self.now())
        if job and state.blocked:  # after the status that it is said of, which would clear it
            return self.catalog.jobs.record_blocked(owner, state, self.now()) or job
        return job

    def _ended(self, job: Job, state: JobState) -> Job | None:
        if state.attempts and job.job_id in {"", state.job_id}:
            self.queue.copy_log(job.owner)  # before its end is written: twice rather than never
        if isinstance(job.owner, StageOf) and kind_of(job.queue) == QUEUE:
            self.tasks.settle(job, job.owner)  # before it: whoever closes the run adds up costs
        if state.status == "SUCCEEDED":
            result = self.objects.read_result(job.bucket, job.prefix, job.stage)
            made = result and result.is_of(state.job_id, len(state.attempts))
            state = self._with_costs(job, state, result.host if result and made else None)
            return self.catalog.jobs.record_end(job, state, self.now(), took=_took(job, result))
        if state.by_hand is None and may_be_by_hand(state):  # an event does not say
            asked = self.batch.describe([state.job_id]).get(state.job_id)
            state = msgspec.structs.replace(state, by_hand=asked.by_hand if asked else None)
        left = self._left_by_runner(job)
        said = left and left.is_of(state.job_id, len(state.attempts), state.exit_code)
        state = self._with_costs(job, state, left.host if left and said else None)
        failure, message = explain(job, state, left)
        return self.catalog.jobs.record_end(
            job, state, self.now(),
            failure_class=failure, message=message, action=action_for(job, failure),
        )  # fmt: skip

    def _with_costs(self, job: Job, state: JobState, host: HostFacts | None = None) -> JobState:
        """The state with what each attempt cost.

        ``host`` is that of the last attempt, where its runner has said it.
        """
        prices, kind = self.prices(), kind_of(job.queue)

        def priced(attempt: Attempt, ran_on: HostFacts | None) -> Attempt:
            cost = attempt_cost_usd(
                prices, kind, job.vcpus, self.scratch_gib, attempt.seconds, ran_on=ran_on
            )
            known = ran_on or HostFacts()
            return msgspec.structs.replace(
                attempt,
                cost_usd=cost,
                host=known.instance_id or attempt.host,
                instance_type=known.instance_type or attempt.instance_type,
                market=known.market or attempt.market,
            )

        hosts = [None] * (len(state.attempts) - 1) + [host]
        attempts = tuple(map(priced, state.attempts, hosts))  # of no attempts, none
        return msgspec.structs.replace(state, attempts=attempts)

    def _left_by_runner(self, job: Job) -> StageFailure | None:
        body = self.objects.get(job.bucket, f"{job.folder}{job.stage}.failure.json")
        return read_failure(body) if body else None

    def answer(self, job: Job) -> None:
        """Wakes who waits for a job that has ended, and tells its gate: in this order, since no
        run may wait for what others have to do with its failure.
        """
        answer(self.tokens, job)
        if job.has_ended:
            self.gates.job_ended(job)


def _took(job: Job, result: StageResult | None) -> Took:
    """What its results say that it took. DRAGEN's licence is metered by all bases of the reads;
    a stand-in for DRAGEN takes nothing of it.
    """
    if result is None:
        return NOTHING
    has_dragen = is_fpga(kind_of(job.queue)) or "dragen" in result.tools  # in software mode
    by_dragen = has_dragen and not result.simulated
    bases = result.counts.get("bases_in", 0) if by_dragen else 0
    # A runner of the release before knew the largest process alone, and nothing of the scratch.
    peak = result.peak_memory_mib if result.peak_scratch_mib else 0
    return Took(peak, result.peak_scratch_mib, bases)


def answer(tokens: TaskTokens, job: Job) -> None:
    """Wakes who waits for a job that has ended.

    The name of the error is the failure's class: SubmitJob is tried again by it. Where no further
    job follows, though one may by its class, the name is NO_JOB_LEFT.
    """
    if not job.token or not job.has_ended:
        return
    if job.status == "SUCCEEDED":
        tokens.succeed(job.token, {"stage": job.stage, "status": job.status})
        return
    may_follow = RULES[FailureClass(job.failure_class)].action.tries_again
    name = NO_JOB_LEFT if may_follow and not job.is_followed else job.failure_class
    tokens.fail(job.token, name, f"{job.stage}: {job.message}")


def owner_of(state: JobState) -> JobOwner | None:
    """What the job that an event tells of is for; None where it is not one of ours."""
    return read_job_parameter(state.parameters.get(OWNER_PARAMETER, ""))
