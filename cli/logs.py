"""`seqdrop logs`: what a run's jobs wrote."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.faults import CommandFailed
from cli.options import Assay, Json, Sample
from cli.screen import emit, say, warn

if TYPE_CHECKING:
    from cli.stack import Stack

_PAUSE_SECONDS = 1.0
_ENDED = {"SUCCEEDED", "FAILED", "REUSED", "NOT_RUN"}
Document = dict[str, Any]


def logs(
    sample: Sample,
    stage: Annotated[str, typer.Argument(metavar="STAGE", help="Only this stage.")] = "",
    assay: Assay = "",
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the jobs have ended.")
    ] = False,
    json: Json = False,
) -> None:
    """Prints what the jobs of the newest run wrote."""
    from cli.stack import find_stack

    stack = find_stack()
    reader = _Reader(stack.client("logs"), stack.output("JobLogGroup"))
    kept: dict[str, Document] = {}
    while True:
        run, stages = _newest_stages(stack, sample, assay, stage)
        for one in stages:
            new = list(reader.new_events(one))
            entry = kept.setdefault(one["stage"], {"stage": one["stage"], "events": []})
            entry |= {"status": one["status"], "log_stream": one["log_stream"]}
            entry["events"] += new if json else []
            for event in new if not json else []:
                say((f"{one['stage']}: " if len(stages) > 1 else "") + event["message"])
        if not follow or all(one["status"] in _ENDED for one in stages):
            break
        time.sleep(_PAUSE_SECONDS)
    if json:
        emit({"sample": sample, "run": run, "stages": list(kept.values())})
    elif not any(one["log_stream"] for one in stages):
        for one in stages:
            warn(f"{one['stage']} is {one['status']}: it has written nothing in this run")


def _newest_stages(
    stack: "Stack", sample: str, assay: str, stage: str
) -> tuple[str, list[Document]]:
    from cli.view import choose_analysis, sample_document

    items = stack.catalog.analyses.partition(sample)
    chosen = choose_analysis(sample, items, assay)
    runs = sample_document(sample, items, chosen.assay)["analyses"][0]["runs"]
    if not runs:
        raise CommandFailed(f"{sample} ({chosen.assay}) has not been run yet")
    stages: list[Document] = runs[0]["stages"]
    wanted = [one for one in stages if stage in {"", one["stage"]}]
    if not wanted:
        known = ", ".join(one["stage"] for one in stages)
        raise CommandFailed(f"{sample} has no stage {stage!r}: it has {known}")
    return runs[0]["id"], wanted


class _Reader:
    """Reads each log stream on from where it was read to."""

    def __init__(self, client: Any, group: str) -> None:
        self._client = client
        self._group = group
        self._tokens: dict[str, str] = {}

    def new_events(self, stage: Document) -> Iterator[Document]:
        """All pages that came since the last look; none where the stream is not there yet."""
        stream = stage["log_stream"]
        if not stream:
            return
        while True:
            token = self._tokens.get(stream, "")
            page = self._page(stream, token)
            if page is None:
                return
            for event in page["events"]:
                yield {"time": event["timestamp"], "message": event["message"]}
            self._tokens[stream] = page["nextForwardToken"]
            if page["nextForwardToken"] == token:
                return  # the end gives the same token again

    def _page(self, stream: str, token: str) -> Document | None:
        given = {"nextToken": token} if token else {}
        try:
            page: Document = self._client.get_log_events(
                logGroupName=self._group, logStreamName=stream, startFromHead=True, **given
            )
        except self._client.exceptions.ResourceNotFoundException:
            return None
        return page
