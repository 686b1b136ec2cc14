"""How far a transfer is: a bar where a person looks on, a line for each file elsewhere."""

import threading
from typing import TYPE_CHECKING

from cli.screen import console, on_terminal, say

if TYPE_CHECKING:
    from rich.progress import Progress as Bar


class Progress:
    """Bytes of one transfer; ``advance`` and ``done`` may be called from any thread."""

    def __init__(self, verb: str, total: int, *, quiet: bool = False) -> None:
        self._verb = verb
        self._total = total
        self._quiet = quiet
        self._lock = threading.Lock()
        self._bar: Bar | None = None

    def __enter__(self) -> "Progress":
        if on_terminal() and not self._quiet:
            self._bar = _make_bar()
            self._bar.start()
            self._task = self._bar.add_task(self._verb, total=self._total)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def advance(self, count: int) -> None:
        """Adds so many bytes."""
        if self._bar:
            self._bar.advance(self._task, count)

    def done(self, what: str) -> None:
        """Tells that one file is done."""
        if not self._bar and not self._quiet:
            with self._lock:
                say(f"{self._verb} {what}")


def _make_bar() -> "Bar":
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as Bar

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    return Bar(TextColumn("{task.description}", markup=False), *columns, console=console())
