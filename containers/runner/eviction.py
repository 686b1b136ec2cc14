"""Which of the host's references go when the disk wants their space: never one in use."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from runner.copying import SHA256
from runner.file_locks import lock_now, open_plainly
from runner.log import OutcomeLog


def longest_unused(folder: Path) -> list[str]:
    """Names of the whole files, those that were used last at the end."""
    used: dict[str, float] = {}
    with suppress(OSError):
        for entry in os.scandir(folder):
            if SHA256.fullmatch(entry.name.removesuffix(".part")):
                with suppress(OSError):
                    used[entry.name] = entry.stat(follow_symlinks=False).st_atime
    whole = {name.removesuffix(".part") for name in used}
    return sorted(whole, key=lambda name: used.get(name, 0))


def evict(folder: Path, name: str, log: OutcomeLog) -> int:
    """Removes a file that no job uses; the bytes that came free."""
    with suppress(OSError):
        lock = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            return _evict(folder / name, log) if lock_now(lock, fcntl.LOCK_EX) else 0
        finally:
            os.close(lock)
    return 0


def _evict(path: Path, log: OutcomeLog) -> int:
    """While it is locked against those that fetch it. One with other links frees nothing."""
    part = path.with_name(f"{path.name}.part")
    freed = 0
    with suppress(OSError):
        freed = part.lstat().st_blocks * 512
        part.unlink()
    try:
        opened = open_plainly(path)
    except FileNotFoundError:
        opened = None
    if not opened:
        return freed
    with opened:
        found = os.fstat(opened.fileno())
        if found.st_nlink == 1 and lock_now(opened.fileno(), fcntl.LOCK_EX):
            path.unlink()
            log.info("reference_evicted", sha256=path.name, bytes=found.st_size)
            freed += found.st_blocks * 512
    return freed
