"""Writing into a named pipe whose reader may never come, or leave early."""

import contextlib
import errno
import fcntl
import os
import select
import sys
from pathlib import Path
from threading import Event

PIPE_BYTES = 2**20
"""What Linux allows without privilege; its default of 64 KiB wakes both sides too often."""
_LONGEST_WAIT_SECONDS = 0.05
_LOOK_MILLISECONDS = 200


class FifoWriter:
    """Never waits for longer than the tools live: ``tools_ended`` ends every wait."""

    def __init__(self, path: Path, tools_ended: Event) -> None:
        """The pipe is there already, so that the tool finds it; nothing is opened yet."""
        self._path, self._tools_ended = path, tools_ended
        self._fd = -1

    def write(self, data: bytes | memoryview) -> bool:
        """Writes all of the data; False once there is nobody to read it."""
        if self._fd < 0 and not self.open():
            return False
        left = memoryview(data)
        try:
            while left:
                if not self._wait_until_writable():
                    return False
                with contextlib.suppress(BlockingIOError):
                    left = left[os.write(self._fd, left) :]
        except BrokenPipeError:
            return False
        return True

    def open(self) -> bool:
        """Waits for a reader; False if the tools ended without opening the pipe."""
        wait_seconds = 0.001
        while self._fd < 0:
            try:
                self._fd = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
                if self._tools_ended.wait(wait_seconds):
                    return False
                wait_seconds = min(wait_seconds * 2, _LONGEST_WAIT_SECONDS)
        if sys.platform == "linux":
            with contextlib.suppress(OSError):  # less is only slower
                fcntl.fcntl(self._fd, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        return True

    def close(self) -> None:
        """The reader sees the end of the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _wait_until_writable(self) -> bool:
        """False if the tools are gone but something of theirs still holds the other end."""
        poll = select.poll()
        poll.register(self._fd, select.POLLOUT)
        while not poll.poll(_LOOK_MILLISECONDS):
            if self._tools_ended.is_set():
                return False
        return True
