"""Whole files, checked while the tools read them: a fault found ends the tools and wins."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from runner.faults import StageFault
from runner.settings import cores
from runner.streaming.mate_counts import MateCounts
from runner.streaming.mate_process import Checked, CheckFile, MateProcess

_LEAST_AT_ONCE = 2

Listener = Callable[[StageFault], None]


class FileChecks:
    """The checks of all mates of a stage, each in its own process."""

    def __init__(self, files: Sequence[tuple[MateProcess, Path | None]]) -> None:
        """Nothing is started; at most half of the cores are taken from the tools.

        A file without a path is read from its bucket.
        """
        self._files = files
        self._checks: list[Future[MateCounts]] = []
        self._pool = ThreadPoolExecutor(max(_LEAST_AT_ONCE, cores() // 2))
        self._lock = Lock()
        self._fault: StageFault | None = None
        self._listeners: list[Listener] = []

    def start(self) -> None:
        """The files are there: check them beside whatever else goes on."""
        self._checks = [self._pool.submit(self._check, *file) for file in self._files]

    @contextmanager
    def heard_by(self, listener: Listener) -> Iterator[None]:
        """Within the block the listener is told of the first fault, also of an earlier one."""
        with self._lock:
            self._listeners.append(listener)
            if self._fault:
                listener(self._fault)
        try:
            yield
        finally:
            with self._lock:
                self._listeners.remove(listener)

    def wait(self, seconds: float) -> bool:
        """Whether all are checked within so long; raises the first fault when it is found."""
        wait(self._checks, seconds, FIRST_EXCEPTION)
        if self._fault:
            raise self._fault
        return all(check.done() for check in self._checks)

    def results(self) -> list[MateCounts]:
        """Of all files, once all are checked; raises the first fault as soon as it is found."""
        wait(self._checks, return_when=FIRST_EXCEPTION)
        if self._fault:
            raise self._fault
        return [check.result() for check in self._checks]

    def end(self) -> None:
        """Starts no more checks; those under way end with their processes."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _check(self, process: MateProcess, path: Path | None) -> MateCounts:
        try:
            process.send(CheckFile(path))
            checked = process.receive()
            if not isinstance(checked, Checked):
                raise TypeError(f"{checked} is no answer to the check of a file")
            if checked.fault:
                raise checked.fault
        except StageFault as fault:
            with self._lock:
                if self._fault is None:
                    self._fault = fault
                    for listener in self._listeners:
                        listener(fault)
            raise
        return checked.counts
