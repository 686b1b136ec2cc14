"""`seqdrop logs`: what a run's jobs wrote."""

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from cli.faults import CommandFailed
from cli.options import Assay, Json, Sample
from cli.screen import emit, say, warn

if TYPE_CHECKING:
    from cli.stack import Stack
    from seqdrop.aws.job_logs import LogEvent
    from seqdrop.sample_view import RunView, StageView

_PAUSE_SECONDS = 1.0


class StageLog(msgspec.Struct):
    """What a stage's job wrote."""

    stage: str
    events: "list[LogEvent]"
    status: str = ""
    log_stream: str | None = None


def logs(
    sample: Sample,
    stage: Annotated[str, typer.Argument(metavar="STAGE", help="Only this stage.")] = "",
    *,
    assay: Assay = "",
    run: Annotated[
        str,
        typer.Option(metavar="RUN", help="Of an earlier run: its id, or the beginning of one."),
    ] = "",
    attempt: Annotated[
        int | None,
        typer.Option("--attempt", metavar="N", min=1, help="Of STAGE's attempt N, from 1."),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the jobs have ended.")
    ] = False,
    json: Json = False,
) -> None:
    """Prints what the jobs of a run wrote: of the newest one, if none is named."""
    if attempt and not stage:
        raise typer.BadParameter("say of which STAGE", param_hint="--attempt")
    from cli.stack import find_stack

    stack = find_stack()
    reader = _Reader(stack)
    kept: dict[str, StageLog] = {}
    while True:
        found, folder = _chosen_run(stack, sample, assay, run)
        stages = [_of_attempt(one, attempt) for one in _wanted(sample, found, stage)]
        for one in stages:
            new = list(reader.new_events(folder, one))
            if json:
                log = kept.setdefault(one.stage, StageLog(one.stage, []))
                log.status, log.log_stream = one.status, one.log_stream
                log.events += new
                continue
            for event in new:
                say((f"{one.stage}: " if len(stages) > 1 else "") + event.message)
        if not follow or all(one.has_ended for one in stages):
            break
        time.sleep(_PAUSE_SECONDS)
    if json:
        emit({"sample": sample, "run": found.id, "stages": list(kept.values())})
    elif not any(one.log_stream for one in stages):
        for one in stages:
            warn(f"{one.stage} is {one.status}: it has written nothing in this run")


def _chosen_run(stack: "Stack", sample: str, assay: str, run: str) -> "tuple[RunView, str]":
    """The newest run whose id begins so, and the folder of its plan in the results bucket."""
    from cli.run_choice import ids_named
    from seqdrop.domain.identity import RunId
    from seqdrop.sample_view import choose_analysis, view_sample

    items = stack.sample(sample)
    chosen = choose_analysis(sample, items, assay)
    (analysis,) = view_sample(sample, items, chosen.assay).analyses
    if analysis.newest is None:
        raise CommandFailed(f"{chosen.id} has not been run yet")
    found = analysis.newest
    if run:
        named = ids_named((one.id for one in analysis.runs), run, chosen.id)
        found = next(one for one in analysis.runs if one.id in named)
    return found, RunId(chosen.sample, chosen.assay, found.run_key, found.attempt).folder


def _wanted(sample: str, run: "RunView", stage: str) -> "Sequence[StageView]":
    """All stages, or the one that is asked for."""
    wanted = [one for one in run.stages if stage in {"", one.stage}]
    if not wanted:
        known = ", ".join(one.stage for one in run.stages)
        raise CommandFailed(f"{sample} has no stage {stage!r}: it has {known}")
    return wanted


def _of_attempt(stage: "StageView", number: int | None) -> "StageView":
    """The stage with the log of one of its attempts; of the newest without a number."""
    if number is None:
        return stage
    if number > len(stage.tries):
        had = len(stage.tries)
        raise CommandFailed(f"{stage.stage} has had {had} attempt{'s' * (had != 1)} in this run")
    tried = stage.tries[number - 1]
    return msgspec.structs.replace(stage, log_stream=tried.log_stream, status=tried.status)


class _Reader:
    """Reads each log stream on from where it was read to; the copy where there is no stream."""

    def __init__(self, stack: "Stack") -> None:
        self._stack = stack
        self._tokens: dict[str, str] = {}
        self._said: set[str] = set()
        """Of which something was read."""

    def new_events(self, folder: str, stage: "StageView") -> "Iterator[LogEvent]":
        """All that came since the last look."""
        stream = stage.log_stream
        if not stream:
            return
        for page in self._stack.job_logs.pages(stream, self._tokens.get(stream, "")):
            self._said |= {stream} if page.events else set()
            self._tokens[stream] = page.token
            yield from page.events
        if stage.has_ended and stream not in self._said:  # what it keeps no longer, or never had
            self._said.add(stream)
            yield from self._copy(folder, stage.stage, stream)

    def _copy(self, folder: str, stage: str, stream: str) -> "list[LogEvent]":
        """What was copied of a stream that CloudWatch keeps no longer."""
        from seqdrop.flow.log_copies import log_key, read_copy

        key = log_key(folder, stage, stream)
        body = self._stack.objects.get(self._stack.output("ResultsBucket"), key)
        return read_copy(body) if body else []
