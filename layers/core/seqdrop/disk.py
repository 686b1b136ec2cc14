"""A disk that fills up: how it is known, and what is said of it."""

import errno
import os
import shutil
from pathlib import Path

LEAST_FREE_MIB = 256
"""What the embedded runtime needs to start, and below which it warns."""


def is_full(error: BaseException | None) -> bool:
    """Whether an error means that a disk, or its user's part of it, is full."""
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}


def free_mib(folder: Path) -> int:
    """Free space where a folder is, or will be (MiB)."""
    return shutil.disk_usage(_existing(folder)).free >> 20


def describe(folder: Path) -> str:
    """Which disk a folder is on, and what is free there."""
    place = _existing(folder)
    while not os.path.ismount(place):
        place = place.parent
    return f"{folder} (the disk at {place} has {free_mib(folder)} MiB free)"


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    return place
