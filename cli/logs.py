"""`seqdrop logs`: what a run's jobs wrote."""

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from cli.faults import CommandFailed
from cli.options import Assay, Json, Sample
from cli.screen import emit, say, warn

if TYPE_CHECKING:
    from cli.stack import Stack
    from seqdrop.sample_view import RunView, StageView

_PAUSE_SECONDS = 1.0


class LogEvent(msgspec.Struct, frozen=True):
    """A line of a job's log; ``time`` is in milliseconds since 1970, as CloudWatch has it."""

    time: int
    message: str


class StageLog(msgspec.Struct):
    """What a stage's job wrote."""

    stage: str
    events: list[LogEvent]
    status: str = ""
    log_stream: str | None = None


def logs(
    sample: Sample,
    stage: Annotated[str, typer.Argument(metavar="STAGE", help="Only this stage.")] = "",
    *,
    assay: Assay = "",
    attempt: Annotated[
        int | None,
        typer.Option("--attempt", metavar="N", min=1, help="Of STAGE's attempt N, from 1."),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the jobs have ended.")
    ] = False,
    json: Json = False,
) -> None:
    """Prints what the jobs of the newest run wrote."""
    if attempt and not stage:
        raise typer.BadParameter("say of which STAGE", param_hint="--attempt")
    from cli.stack import find_stack

    stack = find_stack()
    reader = _Reader(stack.client("logs"), stack.output("JobLogGroup"))
    kept: dict[str, StageLog] = {}
    while True:
        run = _newest_run(stack, sample, assay)
        stages = [_of_attempt(one, attempt) for one in _wanted(sample, run, stage)]
        for one in stages:
            new = list(reader.new_events(one.log_stream))
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
        emit({"sample": sample, "run": run.id, "stages": list(kept.values())})
    elif not any(one.log_stream for one in stages):
        for one in stages:
            warn(f"{one.stage} is {one.status}: it has written nothing in this run")


def _newest_run(stack: "Stack", sample: str, assay: str) -> "RunView":
    from seqdrop.sample_view import choose_analysis, view_sample

    found = stack.sample(sample)
    chosen = choose_analysis(sample, found, assay)
    (analysis,) = view_sample(sample, found, chosen.assay).analyses
    if analysis.newest is None:
        raise CommandFailed(f"{chosen.id} has not been run yet")
    return analysis.newest


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
    """Reads each log stream on from where it was read to."""

    def __init__(self, client: Any, group: str) -> None:
        self._client = client
        self._group = group
        self._tokens: dict[str, str] = {}

    def new_events(self, stream: str | None) -> Iterator[LogEvent]:
        """All pages that came since the last look; none where the stream is not there yet."""
        if not stream:
            return
        while True:
            token = self._tokens.get(stream, "")
            page = self._page(stream, token)
            if page is None:
                return
            for event in page["events"]:
                yield LogEvent(event["timestamp"], event["message"])
            self._tokens[stream] = page["nextForwardToken"]
            if page["nextForwardToken"] == token:
                return  # the end gives the same token again

    def _page(self, stream: str, token: str) -> Any:
        given = {"nextToken": token} if token else {}
        try:
            return self._client.get_log_events(
                logGroupName=self._group, logStreamName=stream, startFromHead=True, **given
            )
        except self._client.exceptions.ResourceNotFoundException:
            return None
