"""`seqdrop wait`: until samples are analysed, or one of them needs somebody."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.faults import CommandFailed
from cli.options import Assay, Json
from cli.screen import clean, console, emit, on_terminal, say, warn

if TYPE_CHECKING:
    from cli.stack import Stack

_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.5, 5.0, 1.2
_BAD = {"FAILED", "HELD"}
_UNKNOWN_SECONDS = 60.0
"""How long a sample may be unknown: as long as S3's events take now and then."""
Document = dict[str, Any]
Watcher = Callable[[list[Document]], None]


def wait(
    sample: Annotated[list[str], typer.Argument(metavar="SAMPLE", help="Sample ids.")],
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=0, help="Give up after so long.")
    ] = None,
    assay: Assay = "",
    json: Json = False,
) -> None:
    """Waits until samples are analysed; ends with 1 where one fails, is held, or takes too long.

    Without --timeout a sample of which nothing is known is given a minute.
    """
    from cli.stack import find_stack

    stack = find_stack()
    names = list(dict.fromkeys(sample))
    with ExitStack() as shown:
        watch = _watcher(shown, json)
        documents, in_time = _follow(stack, names, assay, timeout, watch)
    if json:
        emit({"samples": documents})
    problems = list(_problems(documents))
    if not problems and not in_time:
        problems = [f"after {timeout:g} s, still waiting: {text}" for text in _awaited(documents)]
    for problem in problems:
        warn(problem)
    if problems:
        raise typer.Exit(1)
    if not json:
        say(f"analysed: {', '.join(names)}")


def _follow(
    stack: "Stack", names: list[str], assay: str, timeout: float | None, watch: Watcher
) -> tuple[list[Document], bool]:
    """Looks until all is decided; the second value is False where the time was up before.

    Raises CommandFailed for a sample that stays unknown, unless a timeout says how long to wait.
    """
    begun = time.monotonic()
    end = None if timeout is None else begun + timeout
    pause = _FIRST_PAUSE
    while True:
        documents = [_look(stack, name, assay) for name in names]
        watch(documents)
        if all(map(_is_analysed, documents)) or any(_problems(documents)):
            return documents, True
        if timeout is None and time.monotonic() > begun + _UNKNOWN_SECONDS:
            _check_known(documents)
        left = pause if end is None else min(pause, end - time.monotonic())
        if left <= 0:
            return documents, False
        time.sleep(left)
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)


def _check_known(documents: list[Document]) -> None:
    unknown = [document["sample"] for document in documents if not document["analyses"]]
    if unknown:
        raise CommandFailed(
            f"nothing is known of {', '.join(unknown)}: `seqdrop samples` lists what is "
            "(--timeout SECONDS waits for what is still to come)"
        )


def _look(stack: "Stack", name: str, assay: str) -> Document:
    """A sample that is not there yet has no analyses: its event may be late."""
    from cli.view import sample_document
    from seqdrop.domain.errors import NoSuchSample

    items = stack.catalog.analyses.partition(name)
    try:
        return sample_document(name, items, assay)
    except NoSuchSample:
        return {"sample": name, "analyses": []}


def _is_analysed(document: Document) -> bool:
    analyses = document["analyses"]
    return bool(analyses) and all(a["status"] == "ANALYSED" for a in analyses)


def _problems(documents: list[Document]) -> Iterator[str]:
    for document in documents:
        for analysis in document["analyses"]:
            if analysis["status"] in _BAD:
                why = analysis["why"] or "no reason is recorded"
                name = f"{document['sample']} ({analysis['assay']})"
                yield f"{name} is {analysis['status']}: {why}"


def _awaited(documents: list[Document]) -> Iterator[str]:
    for document in documents:
        if not document["analyses"]:
            yield f"{document['sample']} is not there yet"
        for analysis in document["analyses"]:
            if analysis["status"] != "ANALYSED":
                yield f"{document['sample']} ({analysis['assay']}) is {_state(analysis)}"


def _state(analysis: Document) -> str:
    text = str(analysis["status"])
    if analysis["why"]:
        text += f", {analysis['why']}"
    elif analysis["status"] == "ANALYSING":
        text += "".join(f", {s['stage']} {s['status']}" for s in _stages(analysis))
    return text


def _stages(analysis: Document) -> list[Document]:
    runs = analysis["runs"]
    return list(runs[0]["stages"]) if runs else []


def _watcher(shown: ExitStack, json: bool) -> Watcher:
    if json:
        return lambda _: None
    if not on_terminal():
        seen: dict[str, str] = {}
        return lambda documents: _say_changes(documents, seen)
    from rich.live import Live
    from rich.text import Text

    from cli.timeline import sample_lines

    live = shown.enter_context(Live(console=console(), refresh_per_second=4))

    def draw(documents: list[Document]) -> None:
        waited = [f"{d['sample']} is not there yet" for d in documents if not d["analyses"]]
        lines = [line for d in documents for line in sample_lines(d)] + waited
        live.update(Text("\n".join(map(clean, lines))))

    return draw


def _say_changes(documents: list[Document], seen: dict[str, str]) -> None:
    """One line for each status that is another than before."""
    from cli.timeline import status_text

    for document in documents:
        if not document["analyses"]:
            name = document["sample"]
            if name not in seen:
                say(f"{name} is not there yet")
            seen[name] = ""
        for analysis in document["analyses"]:
            name = f"{document['sample']} ({analysis['assay']})"
            is_told_at_the_end = analysis["status"] in _BAD
            why = f": {analysis['why']}" if analysis["why"] and not is_told_at_the_end else ""
            now = {
                f"{name} {stage['stage']}": status_text(stage["status"], stage["blocked_reason"])
                for stage in _stages(analysis)
            }
            now[name] = f"{analysis['status']}{why}"
            for what, status in now.items():
                if seen.get(what) != status:
                    say(f"{what} {status}")
            seen.update(now)
