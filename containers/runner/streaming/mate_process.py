"""A process for each mate: two mates that share one interpreter wait for each other.

It is forked while the runner has one thread only, waits for requests, and ends when the runner
ends it or is gone itself. What is said in between are the small values of this module.
"""

import os
import signal
import sys
import traceback
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from enum import Enum, auto
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, NoReturn

from runner.faults import FastqFault, StageFault, machine_fault
from runner.memory import processes_ended_for_memory
from runner.objects import Objects
from runner.streaming.fifo import FifoWriter
from runner.streaming.mate_counts import MateCounts
from runner.streaming.mates import Mate
from runner.streaming.tally import Tally
from seqdrop.domain.failure import FailureClass

if TYPE_CHECKING:
    from runner.streaming.record_counter import RecordCounter


@dataclass(frozen=True)
class StreamInto:
    """Bring the mate from the bucket, check it, and write its text into a named pipe."""

    path: Path


@dataclass(frozen=True)
class CheckFile:
    """Check the mate's file: on disk, or where no path is given in its bucket."""

    path: Path | None


class Word(Enum):
    """What is said while a mate is streamed."""

    READER_LEFT = auto()
    """By the process: is the rest wanted? It waits for one of the next two."""
    GO_ON = auto()
    GIVE_UP = auto()
    TOOLS_ENDED = auto()
    """By the runner: nobody will open the named pipe, or read from it, any more."""


@dataclass(frozen=True)
class Checked:
    """The last thing that the process says of a request."""

    counts: MateCounts
    """Of what was read, whether that was all or not."""
    is_whole: bool
    fault: StageFault | None = None
    unread: bool = False
    """The reader left before the end, or never came."""


Request = StreamInto | CheckFile


class MateProcess:
    """The runner's side."""

    def __init__(self, mate: Mate, objects: Objects, others: Iterable["MateProcess"]) -> None:
        """Forks; no other thread may run yet. ``others`` are those that were forked before."""
        load_libraries()

        self.mate, self.tally = mate, Tally()
        self.connection, theirs = Pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self._pid = os.fork()
        if self._pid == 0:
            for connection in (self.connection, *(other.connection for other in others)):
                connection.close()  # or nobody would see that the runner is gone
            _run(_Worker(mate, objects, theirs, self.tally))
        theirs.close()
        self._lock = Lock()
        self._how = ""
        self._ended_for_memory = processes_ended_for_memory()

    def send(self, value: Request | Word) -> None:
        """Raises StageFault where the process is gone."""
        try:
            self.connection.send(value)
        except OSError as error:
            raise self._gone() from error

    def receive(self) -> Checked | Word:
        """Waits for it. Raises StageFault where the process is gone."""
        try:
            value: Checked | Word = self.connection.recv()
        except (EOFError, OSError) as error:
            raise self._gone() from error
        return value

    def end(self) -> None:
        """End it, whatever it does; it holds nothing that must be put away."""
        with self._lock:
            if not self._how:
                os.kill(self._pid, signal.SIGKILL)
                self._wait()

    def _gone(self) -> StageFault:
        with self._lock:
            if not self._how:
                self._wait()
        message = f"the process that checks {self.mate.name} {self._how}"
        if processes_ended_for_memory() > self._ended_for_memory:
            return StageFault(FailureClass.OUT_OF_MEMORY, f"out of memory: {message}")
        return StageFault(FailureClass.HOST_FAILED, message)

    def _wait(self) -> None:
        _, status = os.waitpid(self._pid, 0)
        code = os.waitstatus_to_exitcode(status)
        self._how = f"ended with exit code {code}"
        if code < 0:
            self._how = f"was killed by signal {-code} ({signal.strsignal(-code)})"


def load_libraries() -> None:
    """Once, for all processes; and no thread of numpy's own, which nothing here would use."""
    name = "OPENBLAS_NUM_THREADS"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        import runner.streaming.fastq  # noqa: F401  # it brings numpy
    finally:
        os.environ.pop(name)
        if before is not None:
            os.environ[name] = before


def _run(worker: "_Worker") -> NoReturn:
    """The process' whole life: nothing of the runner's may go on in it."""
    code = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        worker.serve()
    except BaseException:  # whatever it is: the runner hears of it by the exit code
        traceback.print_exc()
        raise
    finally:
        sys.stderr.flush()
        os._exit(code)


class _Worker:
    """The process' side."""

    def __init__(self, mate: Mate, objects: Objects, connection: Connection, tally: Tally) -> None:
        self._mate, self._objects, self._connection = mate, objects, connection
        self._tally = tally
        self._asked: SimpleQueue[Request] = SimpleQueue()
        self._answers: SimpleQueue[Word] = SimpleQueue()
        self._tools_ended = Event()

    def serve(self) -> NoReturn:
        """One request after another."""
        self._objects.client.close()  # the runner's own connections are not to be shared
        Thread(target=self._listen, daemon=True).start()
        while True:
            request = self._asked.get()
            self._connection.send(self._checked(request))

    def _listen(self) -> None:
        while True:
            try:
                value = self._connection.recv()
            except (EOFError, OSError):
                os._exit(0)  # the runner is gone
            if value is Word.TOOLS_ENDED:
                self._tools_ended.set()
            elif isinstance(value, Word):
                self._answers.put(value)
            else:
                self._tools_ended.clear()
                self._asked.put(value)

    def _checked(self, request: Request) -> Checked:
        from runner.streaming.record_counter import RecordCounter

        counter = RecordCounter()
        is_whole, unread, fault = False, False, None
        try:
            if isinstance(request, StreamInto):
                is_whole, unread = self._stream(request.path, counter)
            else:
                self._check_file(request.path, counter)
                is_whole = True
        except StageFault as found:
            fault = found
        except FastqFault as found:
            fault = self._mate.fault(found)
        except OSError as error:
            fault = machine_fault(error)
        return Checked(counter.counts, is_whole, fault, unread)

    def _stream(self, path: Path, counter: "RecordCounter") -> tuple[bool, bool]:
        """Whether all was read, and whether the reader did without the rest."""
        from runner.streaming.fastq import checked_text

        stream = self._mate.stream(self._objects, Event())
        fifo, unread = FifoWriter(path, self._tools_ended), False
        try:
            for text in checked_text(
                stream, counter, md5=self._mate.stored.md5, half=self._mate.half
            ):
                self._tally.note(stream.position, counter.counts.reads)
                if not unread and not fifo.write(text):
                    unread = True
                    fifo.close()
                    if not self._is_rest_wanted():
                        return False, True
            self._tally.note(stream.position, counter.counts.reads)
            if not unread:
                unread = not fifo.open()  # a file without reads has not opened it yet
            return True, unread
        finally:
            fifo.close()
            stream.close()

    def _is_rest_wanted(self) -> bool:
        self._connection.send(Word.READER_LEFT)
        return self._answers.get() is Word.GO_ON

    def _check_file(self, path: Path | None, counter: "RecordCounter") -> None:
        from runner.streaming.fastq import checked_text

        if path is None:
            with closing(self._mate.stream(self._objects, Event())) as stream:
                for _ in checked_text(
                    stream, counter, md5=self._mate.stored.md5, half=self._mate.half
                ):
                    self._tally.note(stream.position, counter.counts.reads)
                self._tally.note(stream.position, counter.counts.reads)
            return
        with path.open("rb") as file:
            for _ in checked_text(file, counter, md5=self._mate.stored.md5, half=self._mate.half):
                self._tally.note(file.tell(), counter.counts.reads)  # the tool reads it itself
            self._tally.note(file.tell(), counter.counts.reads)
