"""Files that jobs of a host share: opened without a surprise, and locked without a wait."""

import fcntl
import os
from io import BufferedReader
from pathlib import Path

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Neither a link nor a named pipe that somebody has put there leads anywhere."""


def open_plainly(path: Path) -> BufferedReader | None:
    """None for what is no file that can be read."""
    try:
        descriptor = os.open(path, _OPEN)
    except FileNotFoundError:
        raise
    except OSError:
        return None
    try:
        return os.fdopen(descriptor, "rb")
    except OSError:  # a folder
        os.close(descriptor)
        return None


def lock_now(descriptor: int, how: int) -> bool:
    """Whether nobody else has it."""
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def hold(file: BufferedReader) -> BufferedReader:
    """Held against eviction, as long as it is open. Who evicts it just now harms no link."""
    lock_now(file.fileno(), fcntl.LOCK_SH)
    return file


def sync_folder(folder: Path) -> None:
    """Has the names of its files on disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
