"""The steps of a stage, one after another; a fault in the input ends the tools and wins."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event

from runner.commands import Filler, PipePlan
from runner.descendants import end_own_children
from runner.faults import StageFault, Stopped, redact_command
from runner.licence import is_dragen, licensed
from runner.parallel import run_parallel
from runner.processes import Ended, Tool, ToolPipe
from runner.scratch import Folders
from runner.streaming.feed import Feed, ToolsEnded
from runner.streaming.reads import Reads
from seqdrop.domain.failure import FailureClass
from seqdrop.domain.pipeline import Step

_LOOK_SECONDS = 0.2
"""Seconds between looks whether something else has ended the stage."""


Licence = Callable[[], AbstractContextManager[tuple[str, ...]]]


@dataclass(frozen=True)
class StepsRan:
    """What was run: the seconds of each step, and each pipe as a shell would read it."""

    seconds: dict[str, float]
    commands: tuple[str, ...]


def run_steps(
    steps: list[Step],
    filler: Filler,
    reads: Reads,
    folders: Folders,
    *,
    licence: Licence,
    threads: int,
    stop: Event,
    tell: Callable[[int], None],
) -> StepsRan:
    """Runs all steps, one after another; the regions of a step side by side, one a core.

    ``tell`` is called with the number of steps that are done, after each.
    ``licence`` lends DRAGEN's option for it while a step that has DRAGEN runs. It is added when a
    command starts; recorded commands are without it.
    """
    seconds: dict[str, float] = {}
    commands: list[str] = []
    for number, step in enumerate(steps, 1):
        started = time.monotonic()
        pipes = list(filler.pipes(step))
        if not pipes:  # for each of no pairs
            tell(number)
            continue
        by_region = step.for_each == "region"
        with licence() if any(map(_has_dragen, pipes)) else nullcontext(()) as option:
            started_as = [_with_licence(pipe, option) for pipe in pipes]
            if by_region:
                _run_side_by_side(started_as, reads, folders, threads, stop)
            else:
                for pipe in started_as:
                    StepRun(pipe, reads, stop).run(folders)
        tools = "_".join(Path(command[0]).name for command in pipes[0].commands)
        seconds[f"step_{number}_{tools}"] = round(time.monotonic() - started, 3)
        commands += [redact_command(pipe.text) for pipe in (pipes[:1] if by_region else pipes)]
        tell(number)
    return StepsRan(seconds, tuple(commands))


def _has_dragen(pipe: PipePlan) -> bool:
    return any(map(is_dragen, pipe.commands))


def _with_licence(pipe: PipePlan, option: tuple[str, ...]) -> PipePlan:
    return replace(pipe, commands=[licensed(command, option) for command in pipe.commands])


def _run_side_by_side(
    pipes: list[PipePlan], reads: Reads, folders: Folders, threads: int, stop: Event
) -> None:
    tasks = [partial(StepRun(pipe, reads, stop).run, folders) for pipe in pipes]
    try:
        run_parallel(tasks, threads, stop)
    except SystemExit:  # a signal: their threads are not waited for, so end the tools here
        end_own_children()
        raise


class StepRun:
    """One pipe of tools and the feeds of the pairs that it reads, until all of them ended."""

    def __init__(self, plan: PipePlan, reads: Reads, stop: Event) -> None:
        """Nothing is started yet."""
        self._plan, self._reads, self._stop = plan, reads, stop
        self._events: SimpleQueue[Ended | Feed | StageFault] = SimpleQueue()
        self._tools = ToolsEnded()
        self._pipe = ToolPipe(self._events.put)
        self._failed: Tool | None = None
        self._fault: StageFault | None = None
        self._stopped = False

    def run(self, folders: Folders) -> None:
        """Runs to the end; whatever happens, nothing that was started stays."""
        if self._stop.is_set():
            raise Stopped
        feeds = self._reads.feeds(self._plan.pairs, self._tools, self._events)
        try:
            self._pipe.start(self._plan.commands, self._plan.stdout, folders)
            for feed in feeds:
                feed.start()
            with self._reads.checks_heard_by(self._events.put):
                self._watch(len(self._pipe.tools), len(feeds))
        except BaseException:  # a signal too: leave no tool and no feed behind
            self._stop.set()
            self._pipe.end()
            raise
        finally:
            self._tools.event.set()
            self._reads.remove_pipes(self._plan.pairs)
        self._judge(feeds)

    def _watch(self, tools: int, feeds: int) -> None:
        while tools or feeds:
            try:
                event = self._events.get(timeout=_LOOK_SECONDS)
            except Empty:
                self._end_if_stopped()
                continue
            if isinstance(event, StageFault):
                self._note_fault(event)
                continue
            if isinstance(event, Feed):
                feeds -= 1
                if event.fault:
                    self._note_fault(event.fault)
                continue
            tools -= 1
            self._note_tool(event.tool)
            if not tools:
                self._tools.failed = self._failed is not None
                self._tools.event.set()

    def _end_if_stopped(self) -> None:
        """Another region's fault ends this one too."""
        if self._stop.is_set() and not self._stopped:
            self._stopped = True
            self._pipe.end()

    def _note_tool(self, tool: Tool) -> None:
        """The first failure counts: what its neighbours do afterwards follows from it."""
        if self._failed is None and self._pipe.is_failure(tool):
            self._failed = tool
            self._pipe.end()

    def _note_fault(self, fault: StageFault) -> None:
        """A file of the reads is wrong: no tool needs to go on."""
        if not self._fault:
            self._fault = fault
            self._stop.set()
            self._pipe.end()

    def _judge(self, feeds: list[Feed]) -> None:
        if self._fault:
            raise self._fault
        if self._stopped:
            raise Stopped
        for pair, of_pair in groupby(feeds, lambda feed: feed.mate.pair):
            mates = list(of_pair)
            counts = [mate.counts for mate in mates if mate.counts]
            if len(counts) == len(mates):
                self._reads.note(pair, tuple(counts))
            elif self._failed and len(mates) > 1:
                self._reads.compare_names(pair, *(mate.seen for mate in mates))
        if self._failed:
            raise self._pipe.fault(self._failed)
        if unread := self._pipe.unread():
            raise unread
        for feed in feeds:
            if feed.unread or not feed.counts:
                names = " | ".join(tool.name for tool in self._pipe.tools)
                message = f"{names} ended without reading all of {feed.mate.name}"
                raise StageFault(FailureClass.TOOL_FAILED, message)
