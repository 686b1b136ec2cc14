"""`seqdrop stop` and `seqdrop dismiss`: what a person ends."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.faults import CommandFailed
from cli.options import Assay, Json, Sample
from cli.samples import say_why
from cli.screen import emit, say

if TYPE_CHECKING:
    from cli.stack import Stack
    from seqdrop.domain.identity import RunId
    from seqdrop.domain.records import Analysis

_ENDED = {
    "ANALYSED": "is analysed",
    "NO_READS": "has ended without reads",
    "DISMISSED": "is dismissed",
}
"""What nobody has to stop."""


def stop(
    sample: Sample,
    assay: Assay = "",
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for the audit trail.")] = "",
    json: Json = False,
) -> None:
    """Ends an analysis' run and its jobs, and holds the analysis until it is rerun."""
    from cli.stack import find_stack

    stack = find_stack()
    analysis = stack.analysis(sample, assay)
    who = stack.who()
    why = f"stopped by {who}" + (f": {reason}" if reason else "")
    name = str(analysis.id)
    is_done = analysis.status in _ENDED and not analysis.active_run
    if not is_done:
        run = _stop(stack, analysis, why, who)
        text = f"{name} is stopped and held" if run else f"{name} has no run to stop; it is held"
        if held := analysis.holds.get("stopped"):
            text += f", as it was: {held}"
        if analysis.current_run:
            text += f"; its results of run {analysis.current_run.short} stay"
    else:
        run, text = None, f"{name} {_ENDED[analysis.status]}: there is nothing to stop"
    if json:
        emit({
            "sample": sample, "assay": analysis.assay, "run": run.short if run else None,
            "stopped": bool(run), "held": not is_done,
        })  # fmt: skip
    else:
        say(text)
        say_why(stack.view(sample, analysis.assay), stack.now())


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


def dismiss(
    sample: Sample,
    reason: Annotated[
        str, typer.Option(metavar="TEXT", help="Why, for the audit trail; it has to be given.")
    ],
    assay: Assay = "",
    json: Json = False,
) -> None:
    """Leaves an analysis as it is: nobody waits for its files any more, or has to mend it.

    A new upload of its files opens it again, and so does `seqdrop rerun`.
    """
    if not reason.strip():
        raise typer.BadParameter("say why", param_hint="--reason")
    from cli.stack import find_stack
    from seqdrop.flow.retry import retry_on_conflict

    stack = find_stack()
    why = f"dismissed by {stack.who()}: {reason.strip()}"
    often = CommandFailed(f"{sample} keeps changing: try again in a moment")
    analysis, is_new = retry_on_conflict(lambda: _dismiss(stack, sample, assay, why), often)
    if json:
        emit({
            "sample": sample, "assay": analysis.assay, "dismissed": True, "why": analysis.why,
        })  # fmt: skip
    elif is_new:
        say(
            f"{analysis.id} is dismissed; a new upload of its files, or `seqdrop rerun {sample}`, "
            "opens it again"
        )
    else:
        say(f"{analysis.id} is dismissed already: {analysis.why}")


def _dismiss(stack: "Stack", sample: str, assay: str, why: str) -> "tuple[Analysis, bool]":
    """The analysis, and whether it is dismissed only now: who was first has said why."""
    from seqdrop.domain.inputs import dismissed
    from seqdrop.domain.intake import AnalysisChange

    analysis = stack.analysis(sample, assay)
    if analysis.active_run:
        raise CommandFailed(
            f"{analysis.id} is running ({analysis.active_run.short}): `seqdrop stop` it first"
        )
    if analysis.status == "DISMISSED":
        return analysis, False
    if analysis.status in _ENDED:
        raise CommandFailed(f"{analysis.id} {_ENDED[analysis.status]}: nobody waits for it")
    after = dismissed(analysis, why)
    change = AnalysisChange(analysis.id, analysis, after, "dismissed", why)
    stack.catalog.analyses.change(change, "dismiss", stack.now(), who=stack.who())
    return after, True
