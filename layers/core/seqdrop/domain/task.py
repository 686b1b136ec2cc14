"""Tasks of workflows: Batch jobs that a head job submits, known by a tag of theirs."""

from collections.abc import Iterable

import msgspec

from seqdrop.domain.cost import Prices, attempt_cost_usd, sum_usd
from seqdrop.domain.hosts import kind_of
from seqdrop.domain.identity import RunId, StageOf
from seqdrop.domain.records import JOB_ENDED, Attempt, Job, JobState, Run, waste_of
from seqdrop.domain.workflow import QUEUE, TAG


class Task(msgspec.Struct, frozen=True, omit_defaults=True):
    """A task as Batch tells of it. Nobody waits for one: its head job does."""

    run: RunId
    stage: str
    job_id: str
    status: str
    progress: int = 0
    name: str = ""
    queue: str = ""
    vcpus: int = 0
    project: str = ""
    pipeline: str = ""
    reason: str = ""
    exit_code: int | None = None
    started: str = ""
    ended: str = ""
    attempts: tuple[Attempt, ...] = ()
    cost_usd: float | None = None
    """Of all its attempts, once it has ended."""

    @property
    def has_ended(self) -> bool:
        """Whether Batch is done with it."""
        return self.status in JOB_ENDED

    @property
    def waste(self) -> tuple[Attempt, ...]:
        """Its attempts that came to nothing."""
        return waste_of(self.status, self.attempts)


def cost_of(jobs: Iterable[Job], tasks: Iterable[Task]) -> float:
    """What jobs and the tasks of their workflows have cost until now (USD)."""
    return sum_usd([*(job.cost_usd for job in jobs), *(task.cost_usd for task in tasks)])


def may_have_tasks(job: Job) -> bool:
    """Whether a job is the head of a workflow."""
    return f"-{QUEUE}-" in job.queue


def owner_of_task(state: JobState) -> StageOf | None:
    """The run and stage whose task a job is; None where it is no task of ours."""
    match state.tags.get(TAG, "").split("/"):
        case [sample, assay, run_key, attempt, stage] if attempt.isdecimal():
            return StageOf(RunId(sample, assay, run_key, int(attempt)), stage)
    return None


def make_task(
    stage: str, run: Run, state: JobState, *, prices: Prices | None, scratch_gib: int, now: str
) -> Task:
    """What is known of a task of a run's stage; with its cost once it has ended.

    Without ``prices`` no cost is known: of one that is not on our hosts.
    """
    attempts = state.attempts
    if prices:
        kind = kind_of(state.queue)
        costs = (
            attempt_cost_usd(prices, kind, state.vcpus, scratch_gib, one.seconds)
            for one in attempts
        )
        attempts = tuple(
            msgspec.structs.replace(one, cost_usd=usd)
            for one, usd in zip(attempts, costs, strict=True)
        )
    has_ended = state.status in JOB_ENDED
    return Task(
        run=run.id,
        stage=stage,
        job_id=state.job_id,
        name=state.name,
        queue=state.queue,
        status=state.status,
        progress=state.progress,
        vcpus=state.vcpus,
        project=run.project,
        pipeline=run.pipeline,
        reason=state.reason,
        exit_code=state.exit_code,
        started=state.started,
        ended=(state.ended or now) if has_ended else "",
        attempts=attempts,
        cost_usd=sum_usd(one.cost_usd for one in attempts) if has_ended and prices else None,
    )
