"""Which runtime is running in a folder: known by a lock that its process alone can hold."""

import errno
import fcntl
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from cli.faults import CommandFailed

_LOCK = "runtime.lock"
_END_SECONDS = 60.0
_LOOK_SECONDS = 0.05


class Instance:
    """The runtime of this process."""

    def __init__(self, lock: IO[str]) -> None:
        self._lock = lock

    def write(self, endpoint: str) -> None:
        """Writes who holds the lock, and where it answers ("" at first)."""
        self._lock.seek(0)
        self._lock.truncate()
        self._lock.write(f"{os.getpid()} {endpoint}\n")
        self._lock.flush()


@contextmanager
def only_one(folder: Path, another: str = "--port") -> Iterator[Instance]:
    """One runtime for a folder. The lock ends with the process, however that ends.

    Raises CommandFailed where another one is running; ``another`` names the option
    that a second one needs. A folder that was made for a start that was refused is removed again.
    """
    was_there = folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("a+") as lock:
        if not _take(lock):
            pid, endpoint = _holder(lock)
            where = f"at {endpoint}" if endpoint else "and starts just now"
            raise CommandFailed(
                f"a runtime runs in {folder} already {where} (pid {pid}): end it with `seqdrop "
                f"local down`, or start one beside it with another {another}"
            )
        instance = Instance(lock)
        instance.write("")
        try:
            yield instance
        except CommandFailed:
            if not was_there:
                shutil.rmtree(folder)
            raise


def end(folder: Path) -> str:
    """Ends the runtime of a folder, and waits until its process is gone; "" where there is none.

    Raises CommandFailed where it does not end.
    """
    try:
        lock = (folder / _LOCK).open("r+")
    except FileNotFoundError:
        return ""
    with lock:
        if _take(lock):
            return ""
        pid, endpoint = _holder(lock)
        # Whoever holds the lock has written this pid: it can't be some other program's by now.
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        last = time.monotonic() + _END_SECONDS
        while not _take(lock):
            if time.monotonic() > last:
                raise CommandFailed(
                    f"the runtime (pid {pid}) has not ended within {_END_SECONDS:.0f} s"
                )
            time.sleep(_LOOK_SECONDS)
        return endpoint or f"pid {pid}"


def _take(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in {errno.EWOULDBLOCK, errno.EACCES}:
            raise
        return False
    return True


def _holder(lock: IO[str]) -> tuple[int, str]:
    """Pid and endpoint of the holder, which may be about to write them."""
    last = time.monotonic() + 5.0
    while time.monotonic() < last:
        lock.seek(0)
        pid, _, endpoint = lock.read().strip().partition(" ")
        if pid:
            return int(pid), endpoint
        time.sleep(_LOOK_SECONDS)
    raise CommandFailed("a runtime holds the folder, but does not say which: see `ps`")
