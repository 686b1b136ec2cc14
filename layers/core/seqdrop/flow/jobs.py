"""Jobs: submitted once, waited for by token, asked after when no event comes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from seqdrop.aws.batch import Batch, JobRequest
from seqdrop.aws.catalog import Catalog
from seqdrop.aws.catalog.layout import job_parameter, read_job_parameter, timestamp
from seqdrop.aws.executions import Executions
from seqdrop.aws.objects import Objects
from seqdrop.domain.cost import Prices, job_cost_usd
from seqdrop.domain.errors import JobFailed, RunClosed, Transient
from seqdrop.domain.failure import StageFailure
from seqdrop.domain.hosts import hosts_of, sign_of_hosts
from seqdrop.domain.identity import JobOwner, RunId, StageInput
from seqdrop.domain.job_end import explain
from seqdrop.domain.plan import StagePlan
from seqdrop.domain.records import Job, JobState, Run
from seqdrop.flow.waiting import Waiting

OWNER_PARAMETER = "catalog"
"""The job parameter that brings the job's owner back with every event."""


@dataclass(frozen=True)
class JobFlow:
    """Every writer of a token reads the job back; every event answers the token that it finds.

    So whichever of the two comes second sees the other, and the state machine is always woken.
    """

    catalog: Catalog
    objects: Objects
    batch: Batch
    executions: Executions
    results_bucket: str
    queue_prefix: str
    prices: Callable[[], Prices]
    now: Callable[[], datetime]
    runnable_timeout_seconds: int
    """How long a job may wait for a host; the template's RunnableTimeoutSeconds."""
    scratch_gib: int
    """Scratch of a CPU host, which its jobs pay for; the template's ScratchGib."""

    def submit(self, ids: StageInput, token: str) -> str:
        """Submits a stage's job, or takes over the one that an earlier try had submitted."""
        run = self._live_run(ids.run)
        plan = self.objects.read_plan(self.results_bucket, ids.run.folder)
        if plan is None:
            raise Transient(f"{ids.run} has no plan yet")
        stage = plan.stage(ids.stage)
        job = self.catalog.jobs.start(
            Job(
                owner=ids.job,
                name=ids.run.job_name(ids.stage),
                queue=f"{self.queue_prefix}-{stage.queue}-{run.priority}",
                prefix=stage.prefix,
                bucket=stage.bucket,
                folder=ids.run.folder,
                vcpus=stage.vcpus,
                memory_mib=stage.memory_mib,
                token=token,
                submitting=timestamp(self.now()),
            )
        )
        if not job.job_id:
            job = self.place(job, self._request(job, ids, stage))
        if not self._is_live(ids.run) and job.job_id:
            self.batch.terminate(job.job_id, "stopped: its run has ended")
        self.answer(job)
        return job.job_id

    def place(self, job: Job, request: JobRequest) -> Job:
        """Submits a job that has no id yet, unless one of its name is in the queue already.

        Of two that race, the catalog keeps one; the other is ended before it can publish.
        """
        found = self.batch.find(job.name, job.queue)
        job_id = found[0] if found else self.batch.submit(request)
        for spare in found[1:]:
            self.batch.terminate(spare, "stopped: submitted twice")
        recorded = self.catalog.jobs.record_id(job, job_id)
        if recorded is not None:
            return recorded
        there = self.catalog.jobs.get(job.owner)
        if there is None:
            raise Transient(f"job {job.name} is gone from the catalog")
        if there.job_id != job_id:
            self.batch.terminate(job_id, "stopped: submitted twice")
        return there

    def poll(self, ids: StageInput, token: str) -> str:
        """Asks Batch after a job whose event did not come in time; returns its status."""
        job = self.catalog.jobs.wait_with(ids.job, token)
        if not job.has_ended:
            job = self._ask(job)
        self.answer(job)
        return job.status

    def _ask(self, job: Job) -> Job:
        job_id = job.job_id or next(iter(self.batch.find(job.name, job.queue)), "")
        if not job_id:
            raise Transient(f"job {job.name} was never submitted")
        state = self.batch.describe([job_id]).get(job_id) or self.vanished(job, job_id)
        return self.take(job, state)

    def take(self, job: Job, state: JobState) -> Job:
        """Records Batch's word of now, and gives up a job that has waited for a host too long."""
        recorded = self.record(job.owner, state)
        if recorded and state.status == "RUNNABLE":
            waiting = Waiting(self.catalog, self.batch, self.runnable_timeout_seconds, self.now)
            waiting.look(recorded, state)
        return recorded or job

    def vanished(self, job: Job, job_id: str) -> JobState:
        """Batch forgets jobs after a day or so: their results, or the lack of them, still tell."""
        result = self.objects.read_result(job.bucket, job.prefix, job.stage)
        status = "SUCCEEDED" if result else "FAILED"
        return JobState(
            job_id, status, reason="Batch knows this job no more", ended=timestamp(self.now())
        )

    def record(self, owner: JobOwner, state: JobState) -> Job | None:
        """Moves a job's item forward to what Batch says; None where it is another job's news."""
        job = self._recorded(owner, state)
        if job and (seen := sign_of_hosts(state, timestamp(self.now()))):
            self.catalog.hosts.record_seen(hosts_of(job.queue), seen)
        return job

    def _recorded(self, owner: JobOwner, state: JobState) -> Job | None:
        if state.status not in {"SUCCEEDED", "FAILED"}:
            job = self.catalog.jobs.record_state(owner, state, self.now())
            if job and state.blocked:  # after the status that it is said of, which would clear it
                return self.catalog.jobs.record_blocked(owner, state, self.now()) or job
            return job
        job = self.catalog.jobs.get(owner)
        if job is None or job.has_ended:
            return job
        queue, prices = job.queue.rpartition("-")[0], self.prices()  # without the priority
        kind = next(kind for kind in prices.queues if queue.endswith(f"-{kind}"))
        cost = job_cost_usd(prices, kind, job.vcpus, self.scratch_gib, state.attempt_seconds)
        failure, message = "", ""
        if state.status == "FAILED":
            failure, message = explain(job, state, self._left_by_runner(job))
        return self.catalog.jobs.record_state(
            owner, state, self.now(), failure_class=failure, message=message, cost_usd=cost
        )

    def _left_by_runner(self, job: Job) -> StageFailure | None:
        body = self.objects.get(job.bucket, f"{job.folder}{job.stage}.failure.json")
        return msgspec.json.decode(body, type=StageFailure) if body else None

    def answer(self, job: Job) -> None:
        """Wakes who waits for a job that has ended."""
        if not job.token or not job.has_ended:
            return
        if job.status == "SUCCEEDED":
            self.executions.succeed(job.token, {"stage": job.stage, "status": job.status})
        else:
            self.executions.fail(job.token, JobFailed.__name__, f"{job.stage}: {job.message}")

    def end_all(self, run: RunId, reason: str) -> list[str]:
        """Ends every job of a run that has not ended; returns the ids of those."""
        ended = []
        for job in self.catalog.jobs.of_run(run):
            if job.has_ended:
                continue
            ids = [job.job_id] if job.job_id else self.batch.find(job.name, job.queue)
            for job_id in ids:
                self.batch.terminate(job_id, f"stopped: {reason}")
                ended.append(job_id)
        return ended

    def _request(self, job: Job, ids: StageInput, stage: StagePlan) -> JobRequest:
        return JobRequest(
            name=job.name,
            kind=stage.queue,
            queue=job.queue,
            definition=stage.definition or f"{self.queue_prefix}-{stage.queue}",
            parameters={
                "plan": f"s3://{self.results_bucket}/{job.folder}plan.json",
                "stage": ids.stage,
                OWNER_PARAMETER: job_parameter(job.owner),
            },
            vcpus=stage.vcpus,
            memory_mib=stage.memory_mib,
            timeout_seconds=stage.timeout_seconds,
            tags={"seqdrop-sample": ids.sample, "seqdrop-assay": ids.assay},
        )

    def _live_run(self, ids: RunId) -> Run:
        run = self.catalog.runs.get(ids)
        if run is None or not run.status.live:
            raise RunClosed(f"{ids} has ended")
        return run

    def _is_live(self, ids: RunId) -> bool:
        run = self.catalog.runs.get(ids)
        return run is not None and run.status.live


def owner_of(state: JobState) -> JobOwner | None:
    """What the job that an event tells of is for; None where it is not one of ours."""
    return read_job_parameter(state.parameters.get(OWNER_PARAMETER, ""))
