"""Submitting jobs: once for a stage of a run, or for an index of a reference."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from msgspec import structs

from seqdrop.aws.batch import Batch, JobRequest
from seqdrop.aws.catalog import Catalog
from seqdrop.aws.catalog.layout import job_parameter, timestamp
from seqdrop.aws.executions import TaskTokens
from seqdrop.aws.objects import Objects
from seqdrop.domain.errors import RunClosed, Transient
from seqdrop.domain.hosts import most_memory_mib, queue_name
from seqdrop.domain.identity import RunId, StageInput, StageOf
from seqdrop.domain.job_definitions import definition_name, reach_of
from seqdrop.domain.next_job import next_job
from seqdrop.domain.pipeline import is_fpga
from seqdrop.domain.plan import StagePlan
from seqdrop.domain.records import Job, Run
from seqdrop.flow.recording import OWNER_PARAMETER, answer


@dataclass(frozen=True)
class Submission:
    """A job is written before Batch hears of it, and found again by its name."""

    catalog: Catalog
    objects: Objects
    batch: Batch
    tokens: TaskTokens
    results_bucket: str
    queue_prefix: str
    """Queues are ``<prefix>-<kind>-<priority>``, definitions ``<prefix>-<image>-<reach>``."""
    cpu_instance_types: str
    """The template's CpuInstanceTypes: how large a job can be."""
    now: Callable[[], datetime]

    def submit(self, ids: StageInput, token: str) -> str:
        """Submits a stage's job, or takes over the one that an earlier try had submitted.

        Where that one has failed and another is to follow it, submits that one.
        """
        run = self._live_run(ids.run)
        plan = self.objects.read_plan(self.results_bucket, ids.run.folder)
        if plan is None:
            raise Transient(f"{ids.run} has no plan yet")
        stage = plan.stage(ids.stage)
        job = self._newest(run, stage, token)
        if not job.job_id:
            job = self.place(job, self._request(job, ids, stage))
        if not self._is_live(ids.run) and job.job_id:
            self.batch.terminate(job.job_id, "stopped: its run has ended")
        answer(self.tokens, job)
        return job.job_id

    def _newest(self, run: Run, stage: StagePlan, token: str) -> Job:
        """The stage's first job, or the last of those that followed it."""
        queue = queue_name(self.queue_prefix, stage.queue, run.priority)
        job = self.catalog.jobs.start(
            Job(
                owner=StageOf(run.id, stage.stage),
                name=run.id.job_name(stage.stage),
                queue=queue,
                prefix=stage.prefix,
                bucket=stage.bucket,
                folder=run.id.folder,
                project=run.project,
                pipeline=run.pipeline,
                fallback=run.fallback if is_fpga(stage.queue) else "",
                vcpus=stage.vcpus,
                memory_mib=stage.memory_mib,
                scratch_mib=stage.scratch_mib,
                most_memory_mib=most_memory_mib(queue, self.cpu_instance_types, stage.memory_mib),
                expected_seconds=stage.expected_seconds,
                timeout_seconds=stage.timeout_seconds,
                token=token,
                submitting=timestamp(self.now()),
            )
        )
        while job.is_followed:
            following = next_job(job, token, timestamp(self.now()), run.priority)
            # Jobs of the release before do not say whose they are.
            whose = {"project": run.project, "pipeline": run.pipeline}
            job = self.catalog.jobs.start(structs.replace(following, **whose))
        return job

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

    def _request(self, job: Job, ids: StageInput, stage: StagePlan) -> JobRequest:
        return JobRequest(
            name=job.name,
            kind=stage.queue,
            queue=job.queue,
            definition=stage.definition
            or definition_name(self.queue_prefix, stage.queue, reach_of(stage)),
            parameters={
                "plan": f"s3://{self.results_bucket}/{job.folder}plan.json",
                "stage": ids.stage,
                OWNER_PARAMETER: job_parameter(job.owner),
            },
            vcpus=job.vcpus,
            memory_mib=job.memory_mib,
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
