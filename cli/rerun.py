"""`seqdrop rerun`: an analysis goes on, as far as a person's word can make it."""

import time
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from cli.faults import CommandFailed
from cli.options import Assay, Json
from cli.samples import say_why
from cli.screen import emit, say, warn

if TYPE_CHECKING:
    from cli.stack import Stack
    from seqdrop.aws.queues import LookAt
    from seqdrop.domain.pipeline import Assay as AssayConfig
    from seqdrop.domain.records import Analysis, RunOptions
    from seqdrop.sample_view import RunView

_MOST = 1_000
"""Analyses of a status that one command reruns."""
_LOOK_SECONDS, _PAUSE_SECONDS = 6.0, 0.25
"""How long a rerun waits for what comes of a new look at files: a function's start, and some."""


class Answer(msgspec.Struct, frozen=True):
    """What a rerun came to."""

    analysis: "Analysis"
    text: str
    released: bool = False


def rerun(
    sample: Annotated[
        list[str] | None, typer.Argument(metavar="SAMPLE", help="Sample ids.")
    ] = None,
    *,
    status: Annotated[
        str, typer.Option(metavar="STATUS", help="All samples of this status (FAILED, say).")
    ] = "",
    project: Annotated[
        str, typer.Option(metavar="NAME", help="With --status: only those of this project.")
    ] = "",
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
    fallback: Annotated[
        bool,
        typer.Option("--fallback", help="Make it on CPU, as the assay's fallback says."),
    ] = False,
    now: Annotated[
        bool, typer.Option("--now", help="End the quiet period: start without more lanes.")
    ] = False,
    json: Json = False,
) -> None:
    """Lets analyses go on: lifts their holds, and runs what has no good results yet.

    Files that hold one are looked at again, and hold it no more if they can be used now; what a job
    found in them is not looked for again before others come. What was dismissed is opened again.
    Of several samples, each goes on that can; ends with 1 if one can't. --status leaves those that
    a person has stopped.
    """
    if sum((bool(from_stage), fresh, now)) > 1 or (fallback and now):
        raise typer.BadParameter(
            "give one of --from, --fresh and --now (--fallback goes with the first two)",
            param_hint="--now" if now else "--fresh",
        )
    if bool(sample) == bool(status) or (project and not status):
        raise typer.BadParameter("give samples, or --status (and --project)", param_hint="SAMPLE")
    from cli.stack import find_stack
    from seqdrop.domain.records import RunOptions

    stack = find_stack()
    wanted = [(name, assay) for name in dict.fromkeys(sample or ())]
    if status:
        wanted = _of_status(stack, status, project, assay)
    asked = "asked for by hand" if fallback else ""
    options = RunOptions(fresh=fresh, from_stage=from_stage, fallback=asked)
    if len(wanted) == 1 and sample:
        answer = _rerun(stack, *wanted[0], options, now=now)
        if json:
            emit(_document(answer))
        else:
            say(answer.text)
            say_why(stack.view(answer.analysis.sample, answer.analysis.assay), stack.now())
        return
    documents = [
        _one_of_many(stack, *one, options, now=now, quiet=json, leaves_stopped=bool(status))
        for one in wanted
    ]
    if json:
        emit({"samples": documents})
    elif not wanted:
        say(f"there are no samples that are {status.upper()}")
    if any("error" in document for document in documents):
        raise typer.Exit(1)


def _rerun(stack: "Stack", sample: str, assay: str, options: "RunOptions", *, now: bool) -> Answer:
    return _start_now(stack, sample, assay) if now else _go_on(stack, sample, assay, options)


def _one_of_many(
    stack: "Stack", sample: str, assay: str, options: "RunOptions", *, now: bool, quiet: bool,
    leaves_stopped: bool,
) -> dict[str, object]:  # fmt: skip
    """What became of one sample; that it can't go on keeps none of the others.

    A person who stopped one did not mean it to go on with all others.
    """
    from seqdrop.domain.errors import InvalidInput

    try:
        answer = _left(stack, sample, assay) if leaves_stopped else None
        answer = answer or _rerun(stack, sample, assay, options, now=now)
    except (CommandFailed, InvalidInput) as error:
        if not quiet:
            warn(f"{sample}: {error}")
        return {"sample": sample, "error": str(error)}
    if not quiet:
        say(answer.text)
    return _document(answer)


def _left(stack: "Stack", sample: str, assay: str) -> Answer | None:
    """The answer for one that a person has stopped; None for all others."""
    there = stack.analysis(sample, assay)
    if not (stopped := there.holds.get("stopped")):
        return None
    command = f"seqdrop rerun {sample} --assay {there.assay}"
    return Answer(there, f"{there.id} is left: {stopped}; `{command}` lets it go on")


def _document(answer: Answer) -> dict[str, object]:
    analysis = answer.analysis
    return {
        "sample": analysis.sample,
        "assay": analysis.assay,
        "released": answer.released,
        "status": "RECEIVING" if answer.released else analysis.status,
    }


def _of_status(stack: "Stack", status: str, project: str, assay: str) -> list[tuple[str, str]]:
    """Samples and assays, the one that has waited longest first."""
    from cli.samples import status_named

    found = stack.catalog.analyses.newest(status_named(status), _MOST)
    return [
        (one.sample, one.assay)
        for one in reversed(found)
        if project in {"", one.project} and assay in {"", one.assay}
    ]


def _go_on(stack: "Stack", sample: str, assay: str, options: "RunOptions") -> Answer:
    from seqdrop.domain.inputs import holds_by_files
    from seqdrop.domain.records import RunOptions
    from seqdrop.flow.retry import retry_on_conflict

    analysis = _chosen(stack, sample, assay, options)
    is_plain = options == RunOptions()
    if is_plain and (nothing := _nothing_to_do(stack, analysis)):
        return Answer(analysis, nothing)
    config = _config(stack, analysis)
    if options.fallback and analysis.pipeline:
        raise CommandFailed(
            f"{analysis.id} has no fallback: its manifest chose the pipeline {analysis.pipeline}"
        )
    if options.fallback and config and not config.fallback:
        raise CommandFailed(
            f"assay {analysis.assay} has no fallback: give it one in pipelines/assays.yaml"
        )
    looks = _looks(analysis)
    is_dismissed = analysis.status == "DISMISSED"
    if holds_by_files(analysis.holds):
        analysis = _look_again(stack, analysis, looks)
        if is_plain and not analysis.holds:
            prospect = _prospect(stack, analysis, config)
            return Answer(analysis, f"{analysis.id} was looked at again: {prospect}", released=True)

    def release() -> Answer:  # raises Conflict where a file came, or a run was claimed
        there = stack.analysis(sample, analysis.assay)
        _check_idle(there)
        if holds_by_files(there.holds):
            raise _held_by_files(there)
        prospect = _prospect(stack, there, config)
        stack.catalog.analyses.release(there, stack.who(), options, stack.now())
        done = "opened again" if is_dismissed else "released"
        return Answer(there, f"{there.id} is {done}: {prospect}", released=True)

    answer = retry_on_conflict(release, _often(sample))
    if is_dismissed:
        stack.queue.send_all(looks)
    stack.queue.recheck(analysis.id)
    return answer


def _chosen(stack: "Stack", sample: str, assay: str, options: "RunOptions") -> "Analysis":
    """The analysis that is meant, if nothing runs and it has the stage."""
    from seqdrop.sample_view import choose_analysis, view_sample

    found = stack.sample(sample)
    analysis = choose_analysis(sample, found, assay)
    _check_idle(analysis)
    (view,) = view_sample(sample, found, analysis.assay).analyses
    if not (options.is_anew or options.fallback):
        _check_files_are_others(analysis, view.newest)
    stages = [stage.stage for stage in view.newest_stages]
    from_stage = options.from_stage
    if from_stage and view.newest and view.newest.instead_of and not options.fallback:
        raise CommandFailed(
            f"the newest run of {analysis.id} is in place of {view.newest.instead_of}: give "
            "--fallback, too, to make stages of it anew"
        )
    if from_stage and from_stage not in stages:
        known = f"it has {', '.join(stages)}" if stages else "it has not been run yet"
        raise CommandFailed(f"{sample} has no stage {from_stage!r}: {known}")
    return analysis


def _check_idle(analysis: "Analysis") -> None:
    if analysis.active_run:
        raise CommandFailed(
            f"{analysis.id} is running ({analysis.active_run.short}): "
            "wait for it, or `seqdrop stop` it first"
        )


def _check_files_are_others(analysis: "Analysis", run: "RunView | None") -> None:
    """Raises CommandFailed where a job has found the very files bad that would be read again.

    Not where it could not read them: that may be mended by now.
    """
    from seqdrop.domain.unreadable import is_unreadable

    found = analysis.holds.get("run", "")
    is_of_these = run is not None and run.generation == analysis.generation
    if not found or run is None or not is_of_these or is_unreadable(found):
        return
    stage = found.partition(":")[0]
    only = f"{analysis.sample} --assay {analysis.assay}"
    raise CommandFailed(
        f"{analysis.id} is held for its files, and the same ones would fail again: {found}; send "
        f"the right ones (`seqdrop why {only}` has the command), and it goes on by itself. To try "
        f"the same ones all the same: `seqdrop rerun {only} --from {stage}"
        + (" --fallback`" if run.instead_of else "`")
    )


def _nothing_to_do(stack: "Stack", analysis: "Analysis") -> str:
    if analysis.status == "ANALYSED":
        current = stack.catalog.runs.get(analysis.current_run) if analysis.current_run else None
        if current and current.instead_of:
            return ""
        again = "--fresh or --from STAGE runs it anew"
        return f"{analysis.sample} is analysed: nothing to do ({again})"
    if analysis.status == "NO_READS":
        return f"{analysis.id} has no reads: nothing to do ({analysis.why})"
    return ""


def _config(stack: "Stack", analysis: "Analysis") -> "AssayConfig | None":
    """The assay of an analysis; None where nobody may ask the deployment which it has."""
    from cli.deployed_library import deployed_library
    from seqdrop.domain.errors import UnknownAssay

    with deployed_library(stack) as known:
        try:
            return known.library.assay_of(analysis)
        except UnknownAssay as error:
            if known.doubt:
                return None
            raise CommandFailed(f"{analysis.id} can't go on: {error}") from error


def _prospect(stack: "Stack", analysis: "Analysis", config: "AssayConfig | None") -> str:
    """What it does next once nothing holds it. Raises CommandFailed where that is a new hold."""
    from seqdrop.domain.errors import ReferenceNotReady
    from seqdrop.domain.lifecycle import assess
    from seqdrop.sample_view import missing_of

    free = msgspec.structs.replace(analysis, holds={})
    missing = ", ".join(missing_of(free))
    if config is None:
        return f"it waits for {missing}" if missing else "it goes on, if its assay is known here"
    assessment = assess(free, config.complete, stack.now())
    if assessment.status == "HELD":
        raise CommandFailed(f"{analysis.id} can't go on: {assessment.why}")
    if assessment.status != "READY":
        return f"it waits for {missing}" if missing else assessment.why
    try:
        stack.catalog.references.choose(config.reference, config.reference_version)
    except ReferenceNotReady as error:
        raise CommandFailed(f"{analysis.id} can't go on: {error}") from error
    return "it goes on by itself"


# ── Files that hold an analysis, or were dismissed with it


def _looks(analysis: "Analysis") -> "list[LookAt]":
    """What is to be looked at: what holds it, or all that it has if it was dismissed.

    Nobody has followed what became of the files of an analysis that was dismissed.
    """
    from seqdrop.aws.queues import LookAt
    from seqdrop.domain.inputs import objects_that_hold

    objects = objects_that_hold(analysis)
    if analysis.status == "DISMISSED":
        objects = sorted(analysis.objects_seen | {one.object for one in analysis.aside})
    return [LookAt(object_) for object_ in objects]


def _look_again(stack: "Stack", analysis: "Analysis", looks: "list[LookAt]") -> "Analysis":
    """The analysis, once a new look at the files that hold it has lifted their holds.

    Raises CommandFailed where they hold it still: no rerun can tell which of two files is meant, or
    make a broken one whole.
    """
    from seqdrop.domain.inputs import holds_by_files

    there: Analysis | None = _opened(stack, analysis)
    stack.queue.send_all(looks)
    end = time.monotonic() + (_LOOK_SECONDS if looks else 0)
    while there and holds_by_files(there.holds):
        if time.monotonic() >= end:
            raise _held_by_files(there)
        time.sleep(_PAUSE_SECONDS)
        there = stack.catalog.analyses.get(analysis.id)
    if there is None:
        raise CommandFailed(f"{analysis.id} is gone: its files are no longer in the bucket")
    return there


def _held_by_files(analysis: "Analysis") -> CommandFailed:
    from seqdrop.domain.inputs import holds_by_files, objects_that_hold

    again = "; they are looked at again, and it goes on by itself if they can be used now"
    return CommandFailed(
        f"{analysis.id} is held because of its files, which a rerun does not mend: "
        + "; ".join(holds_by_files(analysis.holds).values())
        + (again if objects_that_hold(analysis) else "")
    )


def _opened(stack: "Stack", analysis: "Analysis") -> "Analysis":
    """What was dismissed with files that hold it is held by them again."""
    from seqdrop.domain.inputs import reopened
    from seqdrop.domain.intake import AnalysisChange
    from seqdrop.flow.retry import retry_on_conflict

    def attempt() -> "Analysis":
        there = stack.analysis(analysis.sample, analysis.assay)
        if there.status != "DISMISSED":
            return there
        after = reopened(there)
        change = AnalysisChange(there.id, there, after, "opened again", there.why)
        stack.catalog.analyses.change(change, "open", stack.now(), who=stack.who())
        return after

    return retry_on_conflict(attempt, _often(analysis.sample))


# ── The quiet period


def _start_now(stack: "Stack", sample: str, assay: str) -> Answer:
    """Ends the quiet period of the lanes that are there. Raises CommandFailed without one."""
    from seqdrop.domain.inputs import sealed
    from seqdrop.domain.intake import AnalysisChange
    from seqdrop.domain.lifecycle import assess
    from seqdrop.flow.retry import retry_on_conflict
    from seqdrop.sample_view import why_of

    analysis = stack.analysis(sample, assay)
    config = _config(stack, analysis)
    if config is None:
        raise CommandFailed(
            f"nobody can tell whether {analysis.id} has a quiet period: your credentials need "
            "cloudformation:ListStackResources and lambda:GetLayerVersion"
        )

    def attempt() -> Answer:
        there = stack.analysis(sample, analysis.assay)
        if there.status != "RECEIVING":
            raise _no_quiet_period(there, why_of(there))
        assessment = assess(there, config.complete, stack.now())
        if assessment.status == "READY":
            return Answer(there, f"{there.id} is past its quiet period: it goes on by itself")
        if assessment.check_again_seconds is None:
            raise _no_quiet_period(there, assessment.why)
        after = sealed(there, msgspec.structs.replace(there, starts_now=True))
        change = AnalysisChange(there.id, there, after, "quiet period ended", assessment.why)
        stack.catalog.analyses.change(change, "quiet", stack.now(), who=stack.who())
        text = f"{there.id} starts now, with the lanes that are there"
        return Answer(there, text, released=True)

    answer = retry_on_conflict(attempt, _often(sample))
    stack.queue.recheck(analysis.id)
    return answer


def _no_quiet_period(analysis: "Analysis", why: str) -> CommandFailed:
    is_so = f"it is {analysis.status}" + (f": {why}" if why else "")
    return CommandFailed(f"{analysis.id} has no quiet period to end: {is_so}")


def _often(sample: str) -> CommandFailed:
    return CommandFailed(f"{sample} keeps changing: try again in a moment")
