"""The window of `seqdrop local up`: errors, a line each; all else is in the runtime's log file."""

import logging
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

from seqdrop import disk

LOG_FILE = "runtime.log"
_LOG_BYTES = 10 << 20
"""The log's size in bytes; the log before it is kept too."""
_QUIET_SECONDS = 600.0
_MINUTE = 60.0
_SHOWN_A_MINUTE = 30
_LONGEST = 500
"""The longest line, in characters."""
_REMEMBERED = 1000
_OFTEN = frozenset(10**power for power in range(1, 7))
Say = Callable[[str], None]


def watch(folder: Path, say: Say) -> Path:
    """Shows this process's errors from now on, and writes its log into a file of the folder.

    Returns the file. It replaces an older one, and stays when the runtime ends.
    """
    path = folder / LOG_FILE
    path.unlink(missing_ok=True)
    log_file = LogFile(path, say)
    log_file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[Window(say), log_file], force=True)
    threading.excepthook = _of_thread
    sys.unraisablehook = _of_finalizer
    return path


class Window(logging.Handler):
    """Shows each error as one line with its time, and a repeated one at its 10th, 100th … time.

    One that has not come for ten minutes is shown again. Of many that differ, a minute shows a few.
    """

    def __init__(self, say: Say, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(logging.ERROR)
        self._say, self._clock = say, clock
        self._seen: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._minute, self._shown, self._left_out = 0.0, 0, 0

    def emit(self, record: logging.LogRecord) -> None:
        """Shows an error, if it is not one of many."""
        text = one_line(record)
        count = self._count(text)
        if count == 1 or count in _OFTEN:
            at = time.strftime("%H:%M:%S", time.localtime(record.created))
            often = f" ({count} times)" if count > 1 else ""
            self._show(f"{at} {text[:_LONGEST]}{often}")

    def _show(self, line: str) -> None:
        now = self._clock()
        if now - self._minute >= _MINUTE:
            if self._left_out:
                self._say(f"({self._left_out} more errors are in {LOG_FILE})")
            self._minute, self._shown, self._left_out = now, 0, 0
        if self._shown < _SHOWN_A_MINUTE:
            self._say(line)
        elif self._shown == _SHOWN_A_MINUTE:
            self._say(f"many errors: for a minute they are in {LOG_FILE} alone")
        self._left_out += self._shown >= _SHOWN_A_MINUTE
        self._shown += 1

    def _count(self, text: str) -> int:
        now = self._clock()
        count, last = self._seen.pop(text, (0, now))
        count = count + 1 if now - last < _QUIET_SECONDS else 1
        self._seen[text] = count, now
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return count


def one_line(record: logging.LogRecord) -> str:
    """What an error says, without its trace: a trace's last line says what it was."""
    first, *rest = record.getMessage().strip().splitlines() or [""]
    said = [first.rstrip(":"), *rest[-1:]]
    if record.exc_info and record.exc_info[1] is not None:
        error = record.exc_info[1]
        said.append(f"{type(error).__name__}: {error}")
    return ": ".join(" ".join(part.split()) for part in said if part.strip())


class LogFile(RotatingFileHandler):
    """The log; where it can't be written, the runtime goes on, and the window says so once."""

    def __init__(self, path: Path, say: Say) -> None:
        super().__init__(path, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8")
        self._say = say
        self._told = False

    def handleError(  # noqa: N802  # logging's own name
        self,
        record: logging.LogRecord,  # noqa: ARG002  # it says why, not what
    ) -> None:
        """Says why a record was not written."""
        if not self._told:
            self._told = True
            error = sys.exc_info()[1]
            why = "no space is left on the disk" if disk.is_full(error) else error
            self._say(f"the log {self.baseFilename} lacks lines from here on: {why}")


def _of_thread(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_type is SystemExit or ended.exc_value is None:
        return
    name = ended.thread.name if ended.thread else "a thread"
    info = (ended.exc_type, ended.exc_value, ended.exc_traceback)
    logging.getLogger(__name__).error("%s has ended", name, exc_info=info)


def _of_finalizer(unraisable: "sys.UnraisableHookArgs") -> None:
    error = unraisable.exc_value or unraisable.exc_type()
    trace: TracebackType | None = unraisable.exc_traceback
    said = unraisable.err_msg or "something was not closed well"
    logging.getLogger(__name__).error("%s", said, exc_info=(type(error), error, trace))


class DiskWatch:
    """Says when the disk of a folder is about to be full, once, and again after it had room."""

    def __init__(self, folder: Path, say: Say) -> None:
        self._folder, self._say = folder, say
        self._low = False

    def look(self) -> None:
        """Looks at what is free."""
        low = disk.free_mib(self._folder) < disk.LEAST_FREE_MIB
        if low and not self._low:
            at = time.strftime("%H:%M:%S")
            self._say(f"{at} almost no space is left for {disk.describe(self._folder)}: make space")
        self._low = low
