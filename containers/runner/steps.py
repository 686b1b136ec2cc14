"""The steps of a stage, one after another; a fault in the input ends the tools and wins."""

import time
from pathlib import Path
from queue import SimpleQueue
from threading import Event

from runner.commands import Filler, PipePlan
from runner.faults import StageFault
from runner.feed import Feed, ToolsEnded
from runner.processes import Ended, Tool, ToolPipe
from runner.reads import Reads
from seqdrop.domain.failure import FailureClass
from seqdrop.domain.pipeline import Step


def run_steps(
    steps: tuple[Step, ...], filler: Filler, reads: Reads, folder: Path, stop: Event
) -> dict[str, float]:
    """Run all, in the folder; the seconds that each took."""
    seconds: dict[str, float] = {}
    for number, step in enumerate(steps, 1):
        started = time.monotonic()
        tools = ""
        for pipe in filler.pipes(step):
            tools = "_".join(Path(command[0]).name for command in pipe.commands)
            StepRun(pipe, reads, stop).run(folder)
        if tools:
            seconds[f"step_{number}_{tools}"] = round(time.monotonic() - started, 3)
    return seconds


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

    def run(self, folder: Path) -> None:
        """Run to the end; whatever happens, nothing that was started stays."""
        feeds = self._reads.feeds(self._plan.pairs, self._tools, self._events)
        try:
            self._pipe.start(self._plan.commands, self._plan.stdout, folder)
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
            event = self._events.get()
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
        for first, second in zip(feeds[::2], feeds[1::2], strict=True):
            if first.counts and second.counts:
                self._reads.compare(first.mate.pair, first.counts, second.counts)
            elif self._failed:
                self._reads.compare_names(first.mate.pair, first.seen, second.seen)
        if self._failed:
            raise self._pipe.fault(self._failed)
        for feed in feeds:
            if feed.unread or not feed.counts:
                names = " | ".join(tool.name for tool in self._pipe.tools)
                message = f"{names} ended without reading all of {feed.mate.name}"
                raise StageFault(FailureClass.TOOL, message)
