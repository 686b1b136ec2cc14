"""What is said of a sample: by `show`, `wait`, `samples` and whatever else shows one.

A view is built of the catalog's records, and encoded only where it is printed: its fields are those
that scripts read. Times are ISO 8601 in UTC; None where there is none yet.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from seqdrop.console_links import ConsoleLinks
from seqdrop.domain.blueprint import decode_blueprint
from seqdrop.domain.cost import sum_usd
from seqdrop.domain.errors import InvalidInput, NoSuchSample
from seqdrop.domain.failure import FailureClass
from seqdrop.domain.gate import Gate, gate_text
from seqdrop.domain.identity import JobOwner, RunId, StageOf
from seqdrop.domain.lifecycle import unpaired
from seqdrop.domain.next_job import most_attempts
from seqdrop.domain.plan_making import stages_in_order
from seqdrop.domain.provenance import RunRecord
from seqdrop.domain.records import (
    JOB_ENDED,
    Analysis,
    AnalysisStatus,
    FastqFile,
    Job,
    Run,
    RunStatus,
    StageRun,
)
from seqdrop.domain.task import Task, cost_of
from seqdrop.domain.upload import is_object_cause, object_cause

if TYPE_CHECKING:
    from seqdrop.aws.catalog.layout import SampleItems

WAITS = frozenset({AnalysisStatus.RECEIVING, AnalysisStatus.READY, AnalysisStatus.HELD})
"""Where an analysis is before it starts: for files, for its turn, or for a person."""
GOOD_ENDS = frozenset({AnalysisStatus.ANALYSED, AnalysisStatus.NO_READS})
"""Where nothing is left to be done."""
BAD_ENDS = frozenset({AnalysisStatus.FAILED, AnalysisStatus.HELD, AnalysisStatus.DISMISSED})
"""Where nothing goes on before somebody acts."""
_WAITS_FOR_A_HOST = {"SUBMITTING", "SUBMITTED", "PENDING", "RUNNABLE", "RETRYING"}


class AttemptView(msgspec.Struct, frozen=True):
    """One attempt at a stage, by one of its jobs on one host."""

    job_id: str
    status: str
    """The job's while it is under way; SUCCEEDED or FAILED once it has ended."""
    started: str | None = None
    ended: str | None = None
    host: str | None = None
    exit_code: int | None = None
    reason: str = ""
    failure_class: str | None = None
    """Of the attempt that its job ended with."""
    cost_usd: float | None = None
    log_stream: str | None = None
    log_url: str | None = None
    instance_type: str | None = None
    """Of its host, and ``spot`` or ``on-demand``, where its runner could say so."""
    market: str | None = None

    @property
    def ran_seconds(self) -> float | None:
        """From its start to its end."""
        return seconds_between(self.started, self.ended)


class ProgressView(msgspec.Struct, frozen=True):
    """How far a running stage was when its runner last said so."""

    fraction: float
    """From 0 to 1."""
    reads: int | None
    """Of both mates, until now; None of a stage that reads none."""
    ends_at: str | None
    """An estimate; None while there can be none."""
    at: str


class StageView(msgspec.Struct, frozen=True):
    """A stage of a run, and the newest of its jobs."""

    stage: str
    status: str
    """The job's; REUSED, WAITING or NOT_RUN without one, RETRYING where another is to follow it."""
    queue: str
    reused: bool
    key: str
    prefix: str | None
    submitted: str | None = None
    started: str | None = None
    ended: str | None = None
    job_id: str | None = None
    exit_code: int | None = None
    failure_class: str | None = None
    message: str = ""
    blocked_reason: str | None = None
    blocked_since: str | None = None
    cost_usd: float | None = None
    """Of all its attempts, and of the tasks of its workflow."""
    attempts: int = 0
    """How many are over."""
    log_stream: str | None = None
    action: str | None = None
    """What Seqdrop does about the failure; see domain/failure.py."""
    vcpus: int | None = None
    memory_mib: int | None = None
    peak_memory_mib: int | None = None
    """What it took, once it has succeeded; so of scratch."""
    peak_scratch_mib: int | None = None
    expected_seconds: int | None = None
    """How long an attempt should take."""
    most_attempts: int = 0
    """How many it may have, if it goes on failing as it last did; 0 where nothing has failed."""
    tries: tuple[AttemptView, ...] = ()
    """The attempts of all its jobs, in their order, the one under way too."""
    job_url: str | None = None
    log_url: str | None = None
    gate: str | None = None
    """What keeps its jobs from starting: an open breaker, or a person's pause."""
    fallback: str | None = None
    """The assay as which its run is made anew where no FPGA is to be had."""
    moved_from: str | None = None
    """The queue in which its job waited before the run's priority was changed."""
    progress: ProgressView | None = None
    """Of one that runs, where its runner has said something: asked for by `show` alone."""
    tasks: int = 0
    """How many jobs a workflow has submitted, as far as Batch has told."""
    tasks_usd: float | None = None
    """What of its cost is theirs; None of one without tasks."""

    @property
    def waited_seconds(self) -> float | None:
        """From its submission to its start."""
        return seconds_between(self.submitted, self.started)

    @property
    def ran_seconds(self) -> float | None:
        """From its start to its end."""
        return seconds_between(self.started, self.ended)

    @property
    def has_ended(self) -> bool:
        """Whether no job of it can write any more."""
        return self.status in {*JOB_ENDED, "REUSED", "NOT_RUN"}


class OptionsView(msgspec.Struct, frozen=True):
    """What a person asked of a run."""

    fresh: bool
    from_stage: str | None
    fallback: str | None = None
    """Why it was made as the assay's fall-back."""


class RunView(msgspec.Struct, frozen=True):
    """One run of an analysis."""

    run_key: str
    attempt: int
    id: str
    status: RunStatus
    why: str
    qc: str | None
    qc_reasons: tuple[str, ...]
    metrics: dict[str, float]
    simulated: bool
    pipeline: str
    reference: str
    cost_usd: float
    """What its jobs have cost until now."""
    generation: int
    priority: str
    project: str
    options: OptionsView
    supersedes: str | None
    execution: str | None
    claimed: str | None
    started: str | None
    ended: str | None
    stages: tuple[StageView, ...]
    """In the order of their work."""
    execution_url: str | None = None
    instead_of: str | None = None
    """The pipeline in whose place this one made it: its results are not equivalent."""
    calling_version: str | None = None
    """The version that a validation is of; None of one that makes no calls."""


class FileView(msgspec.Struct, frozen=True):
    """A registered file."""

    uri: str
    version_id: str | None
    bytes: int
    checksum: str | None
    md5: str | None
    library: str
    flowcell: str
    lane: str
    read: str
    segment: str
    placed_by: Literal["name", "manifest"]
    registered: str | None


class AsideView(msgspec.Struct, frozen=True):
    """An object that belongs to an analysis, and is none of its files."""

    uri: str
    would_be: str | None
    """What it is of the sample, if it counted (``R1 of lane 3``); None where nobody could look."""
    holds: bool
    """Whether it holds the analysis; else it is left out."""


class AnalysisView(msgspec.Struct, frozen=True):
    """One analysis with its files, and its runs from the newest to the oldest."""

    assay: str
    status: AnalysisStatus
    why: str
    holds: dict[str, str]
    missing: tuple[str, ...]
    project: str
    priority: str | None
    generation: int
    manifest: str | None
    control: bool
    active_run: str | None
    current_run: str | None
    released_run: str | None
    created: str | None
    updated: str | None
    files: tuple[FileView, ...]
    runs: tuple[RunView, ...]
    batch: tuple[str, ...] = ()
    """What the controls of its batch show."""
    troubles: tuple[str, ...] = ()
    """What is being processed and tried again, with the next try's time."""
    companions: tuple[str, ...] = ()
    """Reads beside its files that are neither R1 nor R2, and what to do with them."""
    aside: tuple[AsideView, ...] = ()
    starts_now: bool = False
    """A person has ended the quiet period of the files that are there."""
    kept: str | None = None
    """What keeps it from its run while it is READY; see ``domain/admission.py``."""
    alerted: str | None = None
    """When a person was told that it waits as it does."""
    of_several: bool = False
    """Whether its sample has other assays, too: then commands need to be told which."""

    @property
    def newest(self) -> RunView | None:
        """The newest run."""
        return self.runs[0] if self.runs else None

    @property
    def newest_stages(self) -> tuple[StageView, ...]:
        """The stages of the newest run."""
        return self.runs[0].stages if self.runs else ()


class SampleView(msgspec.Struct, frozen=True):
    """A sample; without analyses where nothing of it is there yet."""

    sample: str
    analyses: tuple[AnalysisView, ...] = ()

    def name_of(self, analysis: AnalysisView) -> str:
        """One of its analyses, for a person: ``NA1 (wgs)``."""
        return f"{self.sample} ({analysis.assay})"


class ResultView(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file of a run's results."""

    stage: str
    name: str
    uri: str
    bytes: int
    sha256: str
    path: str = ""
    """Where it was downloaded to, if it was."""


class AnalysisSummary(msgspec.Struct, frozen=True):
    """An analysis as a list of many has it."""

    sample: str
    assay: str
    status: AnalysisStatus
    why: str
    project: str
    updated: str
    current_run: str | None


Warnings = Callable[[Analysis], Iterable[str]]


def view_sample(
    sample: str,
    found: "SampleItems",
    assay: str = "",
    *,
    warnings: Warnings = lambda _: (),
    links: ConsoleLinks | None = None,
    gates: Iterable[Gate] = (),
) -> SampleView:
    """All that is known of a sample; ``warnings`` looks at an analysis' batch, as its controls.

    ``gates`` are those of the kinds of queues, by which jobs that wait are told what keeps them.
    Raises NoSuchSample where there is nothing.
    """
    wanted = [analysis for analysis in found.analyses if assay in {"", analysis.assay}]
    if not wanted:
        raise _nothing(sample, assay, is_known=bool(found.analyses))
    jobs = {job.owner: job for job in found.jobs}
    shut = {gate.kind: gate_text(gate) for gate in gates if not gate.is_free}
    views = (_analysis(one, found, jobs, tuple(warnings(one)), links) for one in wanted)
    return SampleView(sample, tuple(_kept_by_gates(view, shut) for view in views))


def _kept_by_gates(view: AnalysisView, shut: Mapping[str, str]) -> AnalysisView:
    """With what keeps the jobs of its live runs that have no host yet."""
    if not shut:
        return view
    replace = msgspec.structs.replace

    def kept(stage: StageView) -> StageView:
        waits = stage.status in _WAITS_FOR_A_HOST
        return replace(stage, gate=shut.get(stage.queue)) if waits else stage

    runs = (
        replace(run, stages=tuple(map(kept, run.stages))) if run.status.live else run
        for run in view.runs
    )
    return replace(view, runs=tuple(runs))


def choose_analysis(sample: str, found: "SampleItems", assay: str = "") -> Analysis:
    """The one analysis that is meant. Raises where there is none, or several."""
    wanted = [analysis for analysis in found.analyses if assay in {"", analysis.assay}]
    if not wanted:
        raise _nothing(sample, assay, is_known=bool(found.analyses))
    if len(wanted) > 1:
        names = ", ".join(analysis.assay for analysis in wanted)
        raise InvalidInput(f"{sample} has several assays ({names}): choose one with --assay")
    return wanted[0]


def _nothing(sample: str, assay: str, *, is_known: bool) -> NoSuchSample:
    if is_known:
        return NoSuchSample(f"the sample {sample!r} has no assay {assay!r}")
    return NoSuchSample(f"there is no sample {sample!r}")


def summary_of(analysis: Analysis) -> AnalysisSummary:
    """An analysis as a list of many has it."""
    return AnalysisSummary(
        sample=analysis.sample,
        assay=analysis.assay,
        status=analysis.status,
        why=why_of(analysis),
        project=analysis.project,
        updated=analysis.updated,
        current_run=_short(analysis.current_run),
    )


def why_of(analysis: Analysis) -> str:
    """Why an analysis is where it is; the holds themselves where it is held by any."""
    if analysis.status is AnalysisStatus.HELD and analysis.holds:
        return "; ".join(analysis.holds.values())
    return analysis.why


def missing_of(analysis: Analysis) -> tuple[str, ...]:
    """The files that an analysis waits for.

    A file that came and holds it, or is being tried again, is not missing. Where it has not been
    read, nobody knows whether it is the mate that another file waits for: then no mate is named.
    """
    there = analysis.holds.keys() | analysis.troubles.keys()
    if analysis.expected:
        absent = sorted(analysis.expected - analysis.objects_seen)
        return tuple(object_.uri for object_ in absent if object_cause(object_) not in there)
    read = {object_cause(one.object) for one in analysis.aside if one.identity}
    if any(is_object_cause(cause) for cause in there - read):
        return ()
    came = {one.identity for one in analysis.aside}
    return tuple(mate.describe() for mate in unpaired(analysis) if mate not in came)


def results_of(record: RunRecord, bucket: str) -> list[ResultView]:
    """The files that a run is made of; ``bucket`` has all results."""
    return [
        ResultView(
            stage=stage,
            name=file.name,
            uri=f"s3://{bucket}/{record.prefixes[stage]}{file.name}",
            bytes=file.bytes,
            sha256=file.sha256,
        )
        for stage, result in record.results.items()
        for file in result.files
    ]


def seconds_between(begin: str | None, end: str | None) -> float | None:
    """Never negative: the clocks of two hosts may differ. None where one time is not known."""
    if not begin or not end:
        return None
    between = datetime.fromisoformat(end) - datetime.fromisoformat(begin)
    return max(0.0, between.total_seconds())


def _analysis(
    analysis: Analysis,
    found: "SampleItems",
    jobs: Mapping[JobOwner, Job],
    batch: tuple[str, ...],
    links: ConsoleLinks | None,
) -> AnalysisView:
    mine = sorted(
        (run for run in found.runs if run.assay == analysis.assay),
        key=lambda run: (run.claimed, run.attempt),
        reverse=True,
    )
    return AnalysisView(
        assay=analysis.assay,
        status=analysis.status,
        why=why_of(analysis),
        holds=analysis.holds,
        missing=missing_of(analysis),
        project=analysis.project,
        priority=analysis.priority or None,
        generation=analysis.generation,
        manifest=analysis.manifest or None,
        control=analysis.control,
        active_run=_short(analysis.active_run),
        current_run=_short(analysis.current_run),
        released_run=_short(analysis.released_run),
        created=analysis.created or None,
        updated=analysis.updated or None,
        kept=(analysis.kept or None) if analysis.status is AnalysisStatus.READY else None,
        alerted=analysis.alerted if analysis.is_alerted else None,
        files=tuple(_file(file) for file in found.files if file.assay == analysis.assay),
        runs=tuple(
            _linked(
                _run(
                    run,
                    jobs,
                    found.blueprints.get(run.id, run.blueprint),
                    [task for task in found.tasks if task.run == run.id],
                ),
                links,
            )
            for run in mine
        ),
        batch=batch,
        troubles=tuple(analysis.troubles.values()),
        companions=tuple(analysis.companions.values()),
        aside=_aside(analysis),
        starts_now=analysis.starts_now,
        of_several=len(found.analyses) > 1,
    )


def _linked(run: RunView, links: ConsoleLinks | None) -> RunView:
    """With the pages of the console that show it, its jobs and their logs."""
    if links is None:
        return run
    replace = msgspec.structs.replace
    stages = tuple(
        replace(
            stage,
            job_url=links.job(stage.job_id),
            log_url=links.log(stage.log_stream),
            tries=tuple(replace(one, log_url=links.log(one.log_stream)) for one in stage.tries),
        )
        for stage in run.stages
    )
    return replace(run, stages=stages, execution_url=links.execution(run.execution))


def _file(file: FastqFile) -> FileView:
    identity, stored = file.identity, file.object
    return FileView(
        uri=stored.name.uri,
        version_id=stored.version_id or None,
        bytes=stored.size,
        checksum=stored.checksum or None,
        md5=stored.md5 or None,
        library=identity.library,
        flowcell=identity.flowcell,
        lane=identity.lane,
        read=identity.read,
        segment=identity.segment,
        placed_by=file.placed_by,
        registered=file.registered or None,
    )


def _aside(analysis: Analysis) -> tuple[AsideView, ...]:
    return tuple(
        AsideView(
            uri=one.object.uri,
            would_be=one.identity.describe() if one.identity else None,
            holds=object_cause(one.object) in analysis.holds,
        )
        for one in sorted(analysis.aside, key=lambda one: one.object)
    )


def _short(run: RunId | None) -> str | None:
    return run.short if run else None


def _run(
    run: Run, all_jobs: Mapping[JobOwner, Job], blueprint: bytes, tasks: Sequence[Task]
) -> RunView:
    jobs: dict[str, list[Job]] = {}
    for owner, job in sorted(all_jobs.items(), key=lambda item: item[0].number):
        if _is_of(owner, run.id):
            jobs.setdefault(owner.stage, []).append(job)
    cost = run.cost_usd
    if cost is None or run.status is not RunStatus.SUCCEEDED:  # the jobs may have ended after it
        cost = cost_of((job for of_stage in jobs.values() for job in of_stage), tasks)
    return RunView(
        run_key=run.run_key,
        attempt=run.attempt,
        id=run.id.short,
        status=run.status,
        why=run.failure,
        qc=run.qc or None,
        qc_reasons=run.qc_reasons,
        metrics=run.metrics,
        simulated=run.simulated,
        pipeline=run.pipeline,
        reference=run.reference,
        cost_usd=cost,
        generation=run.generation,
        priority=run.priority,
        project=run.project,
        options=OptionsView(
            run.options.fresh, run.options.from_stage or None, run.options.fallback or None
        ),
        instead_of=run.instead_of or None,
        calling_version=run.calling_version or None,
        supersedes=_short(run.supersedes),
        execution=run.execution or None,
        claimed=run.claimed or None,
        started=run.started or None,
        ended=run.ended or None,
        stages=tuple(
            _with_tasks(
                _stage(stage, jobs.get(stage.stage, []), run.status),
                [task for task in tasks if task.stage == stage.stage],
            )
            for stage in _stages(run, blueprint)
        ),
    )


def _stages(run: Run, frozen: bytes) -> Sequence[StageRun]:
    """A run that is claimed, but not planned, has its stages in its blueprint."""
    if run.stages or not frozen:
        return run.stages
    blueprint = decode_blueprint(frozen)
    return [
        StageRun(name, blueprint.stage_keys[name], "", blueprint.stages[name].queue)
        for name in stages_in_order(blueprint)
    ]


def _stage(stage: StageRun, jobs: Sequence[Job], run: RunStatus) -> StageView:
    status = "WAITING" if run.live else "NOT_RUN"
    if jobs:
        status = "RETRYING" if run.live and jobs[-1].is_followed else jobs[-1].status
    if stage.reused:
        status = "REUSED"
    view = StageView(
        stage=stage.stage,
        status=status,
        queue=stage.queue,
        reused=stage.reused,
        key=stage.key,
        prefix=stage.prefix or None,
    )
    return _with_jobs(view, jobs) if jobs else view


def _with_tasks(view: StageView, tasks: Sequence[Task]) -> StageView:
    """With what the tasks of its workflow have cost until now."""
    if not tasks:
        return view
    usd = cost_of((), tasks)
    return msgspec.structs.replace(
        view, tasks=len(tasks), tasks_usd=usd, cost_usd=sum_usd([view.cost_usd, usd])
    )


def _with_jobs(view: StageView, jobs: Sequence[Job]) -> StageView:
    job = jobs[-1]
    tries = tuple(attempt for one in jobs for attempt in _tries(one))
    return msgspec.structs.replace(
        view,
        submitted=job.created or job.submitting or None,
        started=job.started or None,
        ended=job.ended or None,
        job_id=job.job_id or None,
        exit_code=job.exit_code,
        failure_class=job.failure_class or None,
        action=job.action or None,
        message=job.message or job.reason,
        fallback=job.fallback or None,
        moved_from=_moved_from(jobs),
        blocked_reason=job.blocked_reason or None,
        blocked_since=job.blocked_since or None,
        vcpus=job.vcpus or None,
        memory_mib=job.memory_mib or None,
        peak_memory_mib=job.peak_memory_mib or None,
        peak_scratch_mib=job.peak_scratch_mib or None,
        expected_seconds=job.expected_seconds or None,
        most_attempts=most_attempts(jobs),
        cost_usd=None if job.cost_usd is None else sum_usd(one.cost_usd for one in jobs),
        attempts=sum(attempt.ended is not None for attempt in tries),
        tries=tries,
        log_stream=job.log_stream or None,
    )


def _moved_from(jobs: Sequence[Job]) -> str | None:
    moved = len(jobs) > 1 and jobs[-2].failure_class == FailureClass.MOVED
    return jobs[-2].queue if moved else None


def _tries(job: Job) -> Iterator[AttemptView]:
    """The attempts of a job, and what it does now where it has not ended."""
    last = len(job.attempts)
    for number, attempt in enumerate(job.attempts, 1):
        is_end = job.has_ended and number == last
        yield AttemptView(
            job_id=job.job_id,
            status=job.status if is_end else "FAILED",
            started=attempt.started or None,
            ended=attempt.ended or None,
            host=attempt.host or None,
            exit_code=attempt.exit_code,
            reason=attempt.reason,
            failure_class=(job.failure_class or None) if is_end else None,
            cost_usd=attempt.cost_usd,
            log_stream=attempt.log_stream or None,
            instance_type=attempt.instance_type or None,
            market=attempt.market or None,
        )
    if not job.has_ended:
        yield AttemptView(
            job_id=job.job_id,
            status=job.status,
            started=job.started if job.status == "RUNNING" else None,
            host=job.host or None,
            log_stream=job.log_stream or None,
        )


def _is_of(owner: JobOwner, run: RunId) -> bool:
    return isinstance(owner, StageOf) and owner.run == run
