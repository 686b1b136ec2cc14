"""Follows one mate on its way into a named pipe; a process of its own does the work."""

from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING

from runner.faults import StageFault
from runner.streaming.mate_counts import MateCounts
from runner.streaming.mate_process import Checked, MateProcess, StreamInto, Word

if TYPE_CHECKING:
    from runner.processes import Ended

_PARTNER_SECONDS = 0.5
"""How long the partner of a mate whose reader crashed gets to say that it had ended."""
_LOOK_SECONDS = 0.05
"""How often to look whether the tools ended, or all is to stop."""


@dataclass
class ToolsEnded:
    """Set when no tool of the step runs any more."""

    event: Event = field(default_factory=Event)
    failed: bool = False


class Feed(Thread):
    """The thread that follows it. When it has ended it puts itself into the step's events."""

    def __init__(
        self,
        process: MateProcess,
        path: Path,
        stop: Event,
        tools: ToolsEnded,
        events: "SimpleQueue[Ended | Feed | StageFault]",
    ) -> None:
        """The named pipe is there already; nothing is read before start()."""
        self.mate, self.partner = process.mate, self
        super().__init__(name=f"feed {self.mate.pair.id} {self.mate.read}", daemon=True)
        self.seen = MateCounts()
        """What was read, whole or not."""
        self.counts: MateCounts | None = None
        self.fault: StageFault | None = None
        self.unread = False
        self._process, self._path, self._stop_all = process, path, stop
        self._tools, self._events = tools, events
        self._through = Event()

    def run(self) -> None:
        """Follows the mate until its end, a fault, or word that nobody wants the rest."""
        try:
            checked = self._follow()
        except StageFault as fault:  # the process is gone
            self.fault = fault
        else:
            if checked:
                self.seen, self.fault, self.unread = checked.counts, checked.fault, checked.unread
                self.counts = checked.counts if checked.is_whole else None
        finally:
            self._through.set()
            self._events.put(self)

    def _follow(self) -> Checked | None:
        self._process.send(StreamInto(self._path))
        told = False
        while True:
            if self._process.connection.poll(_LOOK_SECONDS):
                said = self._process.receive()
                if isinstance(said, Checked):
                    return said
                self.unread = True
                self._process.send(Word.GO_ON if self._is_rest_wanted() else Word.GIVE_UP)
            elif self._stop_all.is_set():
                self._process.end()
                return None
            elif self._tools.event.is_set() and not told:
                self._process.send(Word.TOOLS_ENDED)
                told = True

    def _is_rest_wanted(self) -> bool:
        """Whether to count on without a reader.

        Bwa, and others, leave at the end of the shorter mate: only the count of the longer one
        tells why. Where the tool crashed in the middle of both, no count would help.
        """
        self._tools.event.wait()
        if not self._tools.failed:
            return True
        if self.partner.unread:
            return False
        self.partner._through.wait(_PARTNER_SECONDS)
        return self.partner.counts is not None and not self.partner.unread
