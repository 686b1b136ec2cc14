"""`seqdrop rerun` and `seqdrop stop`: what a person decides about an analysis."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.faults import CommandFailed
from cli.options import Assay, Json, Sample
from cli.screen import emit, say

if TYPE_CHECKING:
    from cli.stack import Stack
    from seqdrop.domain.identity import RunId
    from seqdrop.domain.records import Analysis, RunOptions


def rerun(
    sample: Sample,
    assay: Assay = "",
    from_stage: Annotated[
        str,
        typer.Option(
            "--from", metavar="STAGE", help="Run this stage, and those that need it, anew."
        ),
    ] = "",
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Run every stage anew, beside the results that are there."),
    ] = False,
    json: Json = False,
) -> None:
    """Lets an analysis go on: lifts its holds, and runs what has no good results yet."""
    if from_stage and fresh:
        raise typer.BadParameter("give --from or --fresh, not both", param_hint="--fresh")
    from cli.stack import find_stack
    from cli.view import missing_of
    from seqdrop.domain.records import RunOptions

    stack = find_stack()
    analysis = _release(stack, sample, assay, RunOptions(fresh=fresh, from_stage=from_stage))
    released = analysis is not None
    done = {"sample": sample, "assay": assay, "released": released, "status": "ANALYSED"}
    text = f"{sample} is analysed: nothing to do (--fresh or --from STAGE runs it anew)"
    if analysis is not None:
        done |= {"assay": analysis.assay, "status": "RECEIVING"}
        missing = missing_of(analysis)
        then = f"it waits for {', '.join(missing)}" if missing else "it goes on by itself"
        text = f"{analysis.id} is released: {then}"
    if json:
        emit(done)
    else:
        say(text)


def _release(stack: "Stack", sample: str, assay: str, options: "RunOptions") -> "Analysis | None":
    """The released analysis; None where there is nothing to do."""
    from cli.view import choose_analysis
    from seqdrop.domain.records import AnalysisStatus, RunOptions
    from seqdrop.flow.retry import retry_on_conflict

    def attempt() -> "Analysis | None":  # raises Conflict where a file came, or a run was claimed
        items = stack.catalog.analyses.partition(sample)
        analysis = choose_analysis(sample, items, assay)
        _check_rerun(analysis, items, options.from_stage)
        if analysis.status is AnalysisStatus.ANALYSED and options == RunOptions():
            return None
        stack.catalog.analyses.release(analysis, stack.who(), options, stack.now())
        return analysis

    often = CommandFailed(f"{sample} keeps changing: try again in a moment")
    released = retry_on_conflict(attempt, often)
    if released:
        stack.queue.recheck(released.id)
    return released


def _check_rerun(analysis: "Analysis", items: list[dict[str, Any]], from_stage: str) -> None:
    from cli.view import sample_document
    from seqdrop.domain.upload import is_object_cause

    # A rerun can't tell which of two files is meant, or make a broken one whole.
    by_files = [why for cause, why in analysis.holds.items() if is_object_cause(cause)]
    if by_files:
        raise CommandFailed(
            f"{analysis.id} is held because of its files, which a rerun "
            f"does not mend: {'; '.join(by_files)}"
        )
    if analysis.active_run:
        raise CommandFailed(
            f"{analysis.id} is running ({analysis.active_run.short}): "
            "wait for it, or `seqdrop stop` it first"
        )
    if not from_stage:
        return
    runs = sample_document(analysis.sample, items, analysis.assay)["analyses"][0]["runs"]
    stages = [stage["stage"] for stage in runs[0]["stages"]] if runs else []
    if from_stage not in stages:
        known = f"it has {', '.join(stages)}" if stages else "it has not been run yet"
        raise CommandFailed(f"{analysis.sample} has no stage {from_stage!r}: {known}")


def stop(
    sample: Sample,
    assay: Assay = "",
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for the audit trail.")] = "",
    json: Json = False,
) -> None:
    """Ends an analysis' run and its jobs, and holds the analysis until it is rerun."""
    from cli.stack import find_stack
    from seqdrop.domain.records import AnalysisStatus

    stack = find_stack()
    analysis = stack.analysis(sample, assay)
    who = stack.who()
    why = f"stopped by {who}" + (f": {reason}" if reason else "")
    name = str(analysis.id)
    is_done = analysis.status is AnalysisStatus.ANALYSED and not analysis.active_run
    if not is_done:
        run = _stop(stack, analysis, why, who)
        text = f"{name} is stopped and held" if run else f"{name} has no run to stop; it is held"
        if held := analysis.holds.get("stopped"):
            text += f", as it was: {held}"
    else:
        run, text = None, f"{name} is analysed: there is nothing to stop"
    if json:
        emit({
            "sample": sample, "assay": analysis.assay, "run": run.short if run else None,
            "stopped": bool(run), "held": not is_done,
        })  # fmt: skip
    else:
        say(text)


def _stop(stack: "Stack", analysis: "Analysis", why: str, who: str) -> "RunId | None":
    """Holds the analysis first: a run that ends meanwhile must not be followed by the next one."""
    analyses = stack.catalog.analyses
    why = analysis.holds.get("stopped", why)  # the first to stop it says why
    if "stopped" in analysis.holds and not analysis.active_run:
        return None
    analyses.hold(analysis.id, "stopped", why, stack.now(), who=who)
    held = analyses.get(analysis.id)
    run = held.active_run if held else None
    if run:
        stack.executions.stop(run, why)
        stack.closing.end(run, "ABORTED", why, who)
    stack.queue.recheck(analysis.id)  # so that the hold becomes the analysis' reason
    return run
