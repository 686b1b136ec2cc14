"""A sample's items in the catalog as one document; pure, so that it can be looked at in tests."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from seqdrop.aws.catalog.layout import SampleItems, read_sample
from seqdrop.aws.catalog.table import Item
from seqdrop.domain.blueprint import decode_blueprint
from seqdrop.domain.cost import run_cost_usd
from seqdrop.domain.errors import InvalidInput, NoSuchSample
from seqdrop.domain.identity import JobOwner, RunId, StageOf
from seqdrop.domain.lifecycle import unpaired
from seqdrop.domain.records import (
    Analysis,
    AnalysisStatus,
    FastqFile,
    Job,
    Run,
    RunStatus,
    StageRun,
)
from seqdrop.domain.upload import object_cause

Document = dict[str, Any]


def sample_document(
    sample: str,
    items: Sequence[Item],
    assay: str = "",
    warnings: Callable[[Analysis], list[str]] = lambda _: [],
) -> Document:
    """What ``show --json`` prints; ``warnings`` looks at an analysis' batch, as its controls.

    Raises NoSuchSample where there is nothing.
    """
    found = read_sample(items)
    wanted = [analysis for analysis in found.analyses if assay in {"", analysis.assay}]
    if not wanted:
        raise _nothing(sample, assay, bool(found.analyses))
    jobs = {job.owner: job for job in found.jobs}
    return {
        "sample": sample,
        "analyses": [
            {
                **analysis_document(analysis, found, jobs),
                "batch": warnings(analysis),
            }
            for analysis in wanted
        ],
    }


def choose_analysis(sample: str, items: Sequence[Item], assay: str = "") -> Analysis:
    """The one analysis that is meant. Raises where there is none, or several."""
    found = read_sample(items).analyses
    wanted = [analysis for analysis in found if assay in {"", analysis.assay}]
    if not wanted:
        raise _nothing(sample, assay, bool(found))
    if len(wanted) > 1:
        names = ", ".join(analysis.assay for analysis in wanted)
        raise InvalidInput(f"{sample} has several assays ({names}): choose one with --assay")
    return wanted[0]


def _nothing(sample: str, assay: str, is_known: bool) -> NoSuchSample:
    if is_known:
        return NoSuchSample(f"the sample {sample!r} has no assay {assay!r}")
    return NoSuchSample(f"there is no sample {sample!r}")


def analysis_document(
    analysis: Analysis,
    found: SampleItems,
    jobs: Mapping[JobOwner, Job],
) -> Document:
    """One analysis, with its files, and its runs from the newest to the oldest."""
    mine = sorted(
        (run for run in found.runs if run.assay == analysis.assay),
        key=lambda run: (run.claimed, run.attempt),
        reverse=True,
    )
    return {
        "assay": analysis.assay,
        "status": analysis.status.value,
        "why": why_of(analysis),
        "holds": analysis.holds,
        "missing": missing_of(analysis),
        "project": analysis.project,
        "priority": analysis.priority or None,
        "generation": analysis.generation,
        "manifest": analysis.manifest or None,
        "control": analysis.control,
        "active_run": _short(analysis.active_run),
        "current_run": _short(analysis.current_run),
        "released_run": _short(analysis.released_run),
        "created": analysis.created or None,
        "updated": analysis.updated or None,
        "files": [_file(file) for file in found.files if file.assay == analysis.assay],
        "runs": [_run(run, jobs, found.blueprints.get(run.id, run.blueprint)) for run in mine],
    }


def why_of(analysis: Analysis) -> str:
    """Why an analysis is where it is; the holds themselves where it is held."""
    if analysis.status is AnalysisStatus.HELD and analysis.holds:
        return "; ".join(analysis.holds.values())
    return analysis.why


def missing_of(analysis: Analysis) -> list[str]:
    """The files that an analysis waits for; one that came and holds it is not missing."""
    absent = sorted(
        object_
        for object_ in analysis.expected - analysis.objects_seen
        if object_cause(object_) not in analysis.holds
    )
    if analysis.expected:
        return [object_.uri for object_ in absent]
    return [mate.describe() for mate in unpaired(analysis)]


def _file(file: FastqFile) -> Document:
    identity, stored = file.identity, file.object
    return {
        "uri": stored.name.uri,
        "version_id": stored.version_id or None,
        "bytes": stored.size,
        "checksum": stored.checksum or None,
        "md5": stored.md5 or None,
        **msgspec.to_builtins(identity),
        "placed_by": file.placed_by,
        "registered": file.registered or None,
    }


def _short(run: RunId | None) -> str | None:
    return run.short if run else None


def _run(run: Run, all_jobs: Mapping[JobOwner, Job], blueprint: bytes) -> Document:
    jobs = {owner.stage: job for owner, job in all_jobs.items() if _is_of(owner, run.id)}
    cost = run.cost_usd
    if cost is None or run.status is not RunStatus.SUCCEEDED:  # the jobs may have ended after it
        cost = run_cost_usd(job.cost_usd for job in jobs.values())
    return {
        "run_key": run.run_key,
        "attempt": run.attempt,
        "id": run.id.short,
        "status": run.status.value,
        "why": run.failure,
        "qc": run.qc or None,
        "qc_reasons": run.qc_reasons,
        "metrics": run.metrics,
        "simulated": run.simulated,
        "pipeline": run.pipeline,
        "reference": run.reference,
        "cost_usd": cost,
        "generation": run.generation,
        "priority": run.priority,
        "project": run.project,
        "options": {"fresh": run.options.fresh, "from_stage": run.options.from_stage or None},
        "supersedes": _short(run.supersedes),
        "execution": run.execution or None,
        "claimed": run.claimed or None,
        "started": run.started or None,
        "ended": run.ended or None,
        "stages": [
            _stage(stage, jobs.get(stage.stage), run.status) for stage in _stages(run, blueprint)
        ],
    }


def _stages(run: Run, frozen: bytes) -> tuple[StageRun, ...]:
    """A run that is claimed, but not planned, has its stages in its blueprint."""
    if run.stages or not frozen:
        return run.stages
    blueprint = decode_blueprint(frozen)
    return tuple(
        StageRun(name, blueprint.stage_keys[name], "", stage.queue)
        for name, stage in blueprint.stages.items()
    )


def _stage(stage: StageRun, job: Job | None, run: RunStatus) -> Document:
    document = {
        "stage": stage.stage,
        "status": _stage_status(stage, job, run),
        "queue": stage.queue,
        "reused": stage.reused,
        "key": stage.key,
        "prefix": stage.prefix or None,
    }
    return document | {
        "submitted": (job.created or job.submitting or None) if job else None,
        "started": (job.started or None) if job else None,
        "ended": (job.ended or None) if job else None,
        "job_id": (job.job_id or None) if job else None,
        "exit_code": job.exit_code if job else None,
        "failure_class": (job.failure_class or None) if job else None,
        "message": (job.message or job.reason) if job else "",
        "blocked_reason": (job.blocked_reason or None) if job else None,
        "blocked_since": (job.blocked_since or None) if job else None,
        "cost_usd": job.cost_usd if job else None,
        "attempts": len(job.attempt_seconds) if job else 0,
        "log_stream": (job.log_stream or None) if job else None,
    }


def _stage_status(stage: StageRun, job: Job | None, run: RunStatus) -> str:
    if stage.reused:
        return "REUSED"
    if job:
        return job.status
    return "WAITING" if run.live else "NOT_RUN"


def _is_of(owner: JobOwner, run: RunId) -> bool:
    return isinstance(owner, StageOf) and owner.run == run
