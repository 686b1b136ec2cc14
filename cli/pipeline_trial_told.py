"""What became of a pipeline's trial: each stage, its tools and outputs, and why it failed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from cli.screen import say, show_table, warn

if TYPE_CHECKING:
    from cli.stack import Stack
    from seqdrop.domain.pipeline import Stage
    from seqdrop.domain.plan import StageResult
    from seqdrop.sample_view import AnalysisView, StageView
    from seqdrop.why import Why

_LAST_LINES, _LONGEST_LINE = 20, 300
SKIPPED = "SKIPPED"
"""Of a stage whose ``when`` is false: it belongs to no run of such a sample."""


class Output(msgspec.Struct, frozen=True):
    """A file that a stage has published."""

    name: str
    bytes: int


class TriedStage(msgspec.Struct, frozen=True):
    """A stage of the pipeline, and what became of it."""

    stage: str
    status: str
    seconds: float | None = None
    tools: dict[str, str] = {}
    outputs: tuple[Output, ...] = ()
    when: str = ""
    not_made: tuple[str, ...] = ()
    """Outputs whose ``when`` is false here, each with it."""
    log: tuple[str, ...] = ()
    """The end of its log, where it failed."""


class Trial(msgspec.Struct, frozen=True):
    """What became of the run."""

    pipeline: str
    status: str
    succeeded: bool
    qc: str | None
    qc_reasons: tuple[str, ...]
    simulated: bool
    stages: tuple[TriedStage, ...]
    why: tuple[str, ...]
    """What `seqdrop why` would say is the reason; nothing where the run has succeeded."""
    kept: str | None = None
    """The folder with the results, where it is kept."""


def trial_of(stack: "Stack", sample: str, pipeline: str) -> Trial:
    """The newest run of a sample as a trial of a pipeline."""
    from seqdrop.domain.records import RunStatus
    from seqdrop.why import why

    (analysis,) = stack.view(sample).analyses
    run = analysis.newest
    succeeded = run is not None and run.status is RunStatus.SUCCEEDED
    return Trial(
        pipeline=pipeline,
        status=str(run.status if run else analysis.status),
        succeeded=succeeded,
        qc=run.qc if run else None,
        qc_reasons=run.qc_reasons if run else (),
        simulated=run.simulated if run else False,
        stages=tuple(_stages(stack, analysis, pipeline)),
        why=() if succeeded else _reason(why(sample, analysis, stack.now())),
    )


def _reason(found: "Why") -> tuple[str, ...]:
    """State and cause. What `why` says to do is for a deployment that is still there."""
    return (found.state, *found.cause.splitlines())


def _stages(stack: "Stack", analysis: "AnalysisView", pipeline: str) -> Iterator[TriedStage]:
    """Those of the run in their order, then those that are in none."""
    stages = stack.library.pipeline(pipeline).stages
    for one in analysis.newest_stages:
        yield _tried(stack, one, stages[one.stage])
    ran = {one.stage for one in analysis.newest_stages}
    for name, stage in stages.items():
        if ran and name not in ran:
            yield TriedStage(name, SKIPPED, when=stage.when)


def _tried(stack: "Stack", one: "StageView", stage: "Stage") -> TriedStage:
    result = _result(stack, one)
    made = tuple(Output(file.name, file.bytes) for file in result.files) if result else ()
    names = [file.name for file in made]
    absent = (o for o in stage.outputs if not any(name.startswith(o.name) for name in names))
    return TriedStage(
        stage=one.stage,
        status=one.status,
        seconds=one.ran_seconds,
        tools=result.tools if result else {},
        outputs=made,
        when=stage.when,
        not_made=tuple(f"{o.name} (when {o.when})" for o in absent) if result else (),
        log=tuple(_end_of_log(stack, one)) if one.status == "FAILED" else (),
    )


def _result(stack: "Stack", one: "StageView") -> "StageResult | None":
    from seqdrop.domain.plan import decode_result

    key = f"{one.prefix}{one.stage}.json"
    body = stack.objects.get(stack.output("ResultsBucket"), key) if one.prefix else None
    return decode_result(body) if body else None


def _end_of_log(stack: "Stack", one: "StageView") -> list[str]:
    if not one.log_stream:
        return []
    pages = stack.job_logs.pages(one.log_stream)
    return [event.message for page in pages for event in page.events][-_LAST_LINES:]


def tell(trial: Trial) -> None:
    """All of it as text: what failed goes to standard error."""
    say("")
    show_table(("stage", "status", "seconds", "outputs"), list(map(_row, trial.stages)))
    for line in (*_tool_lines(trial), *_absences(trial), *_judgements(trial)):
        say(line)
    for line in (*_why_lines(trial), *_log_lines(trial)):
        warn(line)
    if trial.kept:
        say(f"kept in {trial.kept}")
    end = say if trial.succeeded else warn
    end(f"{trial.pipeline}: the run is {trial.status}")


def _absences(trial: Trial) -> Iterator[str]:
    """What a condition has left out: no failure, but nothing was learnt of it."""
    for stage in trial.stages:
        if stage.status == SKIPPED:
            yield (
                f"{stage.stage} was not run: its `when: {stage.when}` is false for this sample and "
                "reference, so this says nothing of it"
            )
        for output in stage.not_made:
            yield f"{stage.stage} did not make {output}: that is false here"


def _judgements(trial: Trial) -> Iterator[str]:
    if trial.qc:
        yield f"QC of these reads: {'; '.join([trial.qc, *trial.qc_reasons])}"
    if trial.simulated:
        versions = [said for stage in trial.stages for said in stage.tools.items()]
        played = sorted({tool for tool, version in versions if "simulated" in version.lower()})
        yield (
            f"{', '.join(played) or 'a tool'} was played by a stand-in: its times and its results "
            "say nothing of the real one's"
        )


def _why_lines(trial: Trial) -> Iterator[str]:
    first, *rest = trial.why or ("",)
    if first:
        yield f"{trial.status}: {first}"
    yield from (f"  {line}" for line in rest)


def _log_lines(trial: Trial) -> Iterator[str]:
    for stage in trial.stages:
        if stage.log:
            yield f"the last lines of {stage.stage}'s log:"
            yield from (f"  {line[:_LONGEST_LINE]}" for line in stage.log)


def _row(stage: TriedStage) -> tuple[str, str, str, str]:
    from cli.timeline import size_text

    outputs = ", ".join(f"{one.name} {size_text(one.bytes)}" for one in stage.outputs)
    seconds = "-" if stage.seconds is None else f"{stage.seconds:.1f}"
    return stage.stage, stage.status, seconds, outputs or "-"


def _tool_lines(trial: Trial) -> Iterator[str]:
    versions = {tool: said for stage in trial.stages for tool, said in stage.tools.items()}
    if versions:
        yield "tools: " + "; ".join(f"{tool} ({said})" for tool, said in versions.items())
