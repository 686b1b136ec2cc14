"""One mate of a read pair on its way from the bucket, through the checks, into a named pipe."""

from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING

from runner.fastq import FastqFault, MateCounts, RecordCounter, checked_text
from runner.faults import StageFault, Stopped, machine_fault
from runner.fifo import FifoWriter
from runner.mates import Mate
from runner.source import ObjectStream

if TYPE_CHECKING:
    from runner.processes import Ended

_PARTNER_SECONDS = 0.5
"""How long the partner of a mate whose reader crashed gets to say that it had ended."""


@dataclass
class ToolsEnded:
    """Set when no tool of the step runs any more."""

    event: Event = field(default_factory=Event)
    failed: bool = False


class Feed(Thread):
    """Puts itself into the step's events when it is through; then one of its fields is set."""

    def __init__(
        self,
        mate: Mate,
        stream: ObjectStream,
        fifo: FifoWriter,
        tools: ToolsEnded,
        events: "SimpleQueue[Ended | Feed]",
    ) -> None:
        """The named pipe is there already; nothing is read before start()."""
        super().__init__(name=f"feed {mate.pair.id} {mate.read}", daemon=True)
        self.mate, self.partner = mate, self
        self.counts: MateCounts | None = None
        self.fault: StageFault | None = None
        self.unread = False
        self._stream, self._fifo, self._tools, self._events = stream, fifo, tools, events
        self._through = Event()

    def run(self) -> None:
        """Feed until the end, a fault, or word that nobody wants the rest."""
        try:
            self.counts = self._feed()
        except StageFault as fault:
            self.fault = fault
        except FastqFault as fault:
            self.fault = self.mate.fault(fault)
        except OSError as error:
            self.fault = machine_fault(error)
        finally:
            self._fifo.close()
            self._stream.close()
            self._through.set()
            self._events.put(self)

    def _feed(self) -> MateCounts | None:
        counter = RecordCounter()
        try:
            for text in checked_text(self._stream, counter, md5=self.mate.stored.md5):
                if not self.unread and not self._fifo.write(text):
                    self.unread = True
                    self._fifo.close()
                    if not self._is_rest_wanted():
                        return None
        except Stopped:
            return None
        if not self.unread:
            self.unread = not self._fifo.open()  # a file without reads has not opened it yet
        return MateCounts(counter.reads, counter.bases)

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
