"""`seqdrop wait`: until samples are analysed, or one of them needs somebody."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from cli.faults import CommandFailed
from cli.options import Assay, Json
from cli.samples import say_why
from cli.screen import clean, console, emit, on_terminal, say, warn

if TYPE_CHECKING:
    from cli.stack import Stack
    from seqdrop.sample_view import AnalysisView, SampleView

_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.5, 5.0, 1.2
_UNKNOWN_SECONDS = 60.0
"""How long a sample may be unknown: as long as S3's events take now and then."""
Watcher = Callable[[Sequence["SampleView"]], None]


def wait(
    sample: Annotated[list[str], typer.Argument(metavar="SAMPLE", help="Sample ids.")],
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=0, help="Give up after so long.")
    ] = None,
    assay: Assay = "",
    json: Json = False,
) -> None:
    """Waits until samples are analysed; ends with 1 where one fails, is held, or takes too long.

    A control without a read in it has ended well, and a sample that was dismissed has not. Without
    --timeout a sample of which nothing is known is given a minute.
    """
    from cli.stack import find_stack
    from seqdrop.sample_view import GOOD_ENDS

    stack = find_stack()
    names = list(dict.fromkeys(sample))
    with ExitStack() as shown:
        watch = watcher(shown, json)
        samples, in_time = follow(stack, names, assay, timeout, watch)
    if json:
        emit({"samples": samples})
    problems = list(_problems(samples))
    if not problems and not in_time:
        problems = [f"after {timeout:g} s, still waiting: {text}" for text in _awaited(samples)]
    for problem in problems:
        warn(problem)
    if problems and not json:
        for one in samples:
            say_why(one, stack.now(), but=GOOD_ENDS)
    if problems:
        raise typer.Exit(1)
    if not json:
        for line in _good_ends(samples):
            say(line)


def follow(
    stack: "Stack", names: list[str], assay: str, timeout: float | None, watch: Watcher
) -> "tuple[list[SampleView], bool]":
    """Looks until all is decided; the second value is False where the time was up before.

    Raises CommandFailed for a sample that stays unknown, unless a timeout says how long to wait.
    """
    begun = time.monotonic()
    end = None if timeout is None else begun + timeout
    pause = _FIRST_PAUSE
    while True:
        samples = [_look(stack, name, assay) for name in names]
        watch(samples)
        if all(map(_ended_well, samples)) or any(_problems(samples)):
            return samples, True
        if timeout is None and time.monotonic() > begun + _UNKNOWN_SECONDS:
            _check_known(samples)
        left = pause if end is None else min(pause, end - time.monotonic())
        if left <= 0:
            return samples, False
        time.sleep(left)
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)


def _check_known(samples: "Sequence[SampleView]") -> None:
    unknown = [sample.sample for sample in samples if not sample.analyses]
    if unknown:
        raise CommandFailed(
            f"nothing is known of {', '.join(unknown)}: `seqdrop samples` lists what is "
            "(--timeout SECONDS waits for what is still to come)"
        )


def _look(stack: "Stack", name: str, assay: str) -> "SampleView":
    """A sample that is not there yet has no analyses: its event may be late."""
    from seqdrop.domain.errors import NoSuchSample
    from seqdrop.sample_view import SampleView, view_sample

    try:
        return view_sample(name, stack.sample(name), assay, links=stack.links)
    except NoSuchSample:
        return SampleView(name)


def _ended_well(sample: "SampleView") -> bool:
    from seqdrop.sample_view import GOOD_ENDS

    return bool(sample.analyses) and all(one.status in GOOD_ENDS for one in sample.analyses)


def _good_ends(samples: "Sequence[SampleView]") -> Iterator[str]:
    """Who was analysed, and in which controls there is nothing to analyse."""
    for words, status in (("analysed", "ANALYSED"), ("controls without a read", "NO_READS")):
        names = [s.sample for s in samples if any(a.status == status for a in s.analyses)]
        if names:
            yield f"{words}: {', '.join(names)}"


def _problems(samples: "Sequence[SampleView]") -> Iterator[str]:
    from seqdrop.sample_view import BAD_ENDS

    for sample in samples:
        for analysis in sample.analyses:
            if analysis.status in BAD_ENDS:
                why = analysis.why or "no reason is recorded"
                yield f"{sample.name_of(analysis)} is {analysis.status}: {why.splitlines()[0]}"


def _awaited(samples: "Sequence[SampleView]") -> Iterator[str]:
    from seqdrop.sample_view import GOOD_ENDS

    for sample in samples:
        if not sample.analyses:
            yield f"{sample.sample} is not there yet"
        for analysis in sample.analyses:
            if analysis.status not in GOOD_ENDS:
                yield f"{sample.name_of(analysis)} is {_state(analysis)}"


def _state(analysis: "AnalysisView") -> str:
    text = str(analysis.status)
    if analysis.why:
        text += f", {analysis.why}"
    elif analysis.status == "ANALYSING":
        text += "".join(f", {one.stage} {one.status}" for one in analysis.newest_stages)
    return text


def watcher(shown: ExitStack, json: bool) -> Watcher:
    """Shows where samples are: in place on a terminal, a line for each change elsewhere."""
    if json:
        return lambda _: None
    if not on_terminal():
        seen: dict[str, str] = {}
        return lambda samples: _say_changes(samples, seen)
    from rich.live import Live
    from rich.text import Text

    from cli.timeline import sample_lines
    from seqdrop.composition import now

    live = shown.enter_context(Live(console=console(), refresh_per_second=4))

    def draw(samples: "Sequence[SampleView]") -> None:
        waited = [f"{one.sample} is not there yet" for one in samples if not one.analyses]
        lines = [line for one in samples for line in sample_lines(one, now())] + waited
        live.update(Text("\n".join(map(clean, lines))))

    return draw


def _say_changes(samples: "Sequence[SampleView]", seen: dict[str, str]) -> None:
    """One line for each status that is another than before."""
    from cli.timeline import status_text
    from seqdrop.sample_view import BAD_ENDS

    for sample in samples:
        if not sample.analyses:
            if sample.sample not in seen:
                say(f"{sample.sample} is not there yet")
            seen[sample.sample] = ""
        for analysis in sample.analyses:
            name = sample.name_of(analysis)
            is_told_at_the_end = analysis.status in BAD_ENDS
            why = f": {analysis.why}" if analysis.why and not is_told_at_the_end else ""
            now = {
                f"{name} {stage.stage}": status_text(stage.status, stage.blocked_reason)
                for stage in analysis.newest_stages
            }
            now[name] = f"{analysis.status}{why}"
            for what, status in now.items():
                if seen.get(what) != status:
                    say(f"{what} {status}")
            seen.update(now)
