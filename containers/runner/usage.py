"""How much memory and scratch a stage takes at the most, looked at while it runs."""

import contextlib
import os
import re
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from runner.descendants import family

_LOOK_SECONDS = 2.0
"""Between two looks: a peak that is shorter may be missed."""
_PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Usage:
    """The most of each that was seen, in bytes."""

    scratch: Path
    memory_bytes: int = 0
    """Of the runner and all its processes at once."""
    scratch_bytes: int = 0
    memory_bytes_now: int = 0
    scratch_bytes_now: int = 0
    """As the last look saw them."""
    _over: Event = field(default_factory=Event)

    @property
    def memory_mib(self) -> int:
        """At the least what the largest process took, which the system keeps by itself."""
        largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        largest *= 1 if sys.platform == "darwin" else 2**10  # Linux counts in KiB
        return max(self.memory_bytes, largest) // 2**20

    @property
    def scratch_mib(self) -> int:
        """Reference and inputs that were fetched, what tools wrote, and the outputs."""
        return -(-self.scratch_bytes // 2**20)  # rounded up: some is never none

    def look(self) -> None:
        """Looks once; where there is no /proc, at the scratch alone."""
        self.memory_bytes_now = _memory_bytes()
        self.scratch_bytes_now = _bytes_below(self.scratch)
        self.memory_bytes = max(self.memory_bytes, self.memory_bytes_now)
        self.scratch_bytes = max(self.scratch_bytes, self.scratch_bytes_now)

    def watch(self) -> None:
        """Looks again and again until the stage is over."""
        while not self._over.wait(_LOOK_SECONDS):
            self.look()

    def end(self) -> None:
        """Ends the watch."""
        self._over.set()


@contextmanager
def watched(scratch: Path) -> Iterator[Usage]:
    """The usage of what runs in the block."""
    usage = Usage(scratch)
    watcher = Thread(target=usage.watch, daemon=True)
    watcher.start()
    try:
        yield usage
    finally:
        usage.end()
        watcher.join()


def cpu_seconds() -> float:
    """What the runner and its processes have used, those that ended too; 0 without /proc."""
    return sum(map(_ticks, family({os.getpid()}))) / os.sysconf("SC_CLK_TCK")


def _ticks(pid: int) -> int:
    """Of a process and of its children that it has waited for, in their code and the kernel's."""
    with contextlib.suppress(OSError):  # it has just ended, or there is no /proc
        # The name, in brackets, may hold anything.
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return sum(map(int, fields[11:15]))
    return 0


def _memory_bytes() -> int:
    return sum(map(_own_share, family({os.getpid()})))


def _own_share(pid: int) -> int:
    """A process' memory with its share of what it shares; all of it where nothing tells that."""
    with contextlib.suppress(OSError):  # it has just ended, or there is no /proc
        if found := _PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")):
            return int(found[1]) * 1024
    with contextlib.suppress(OSError):  # it is another user's
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * _PAGE_BYTES
    return 0


def _bytes_below(folder: Path) -> int:
    """What the files of a folder take on disk."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # tools remove files as they go
                total += os.lstat(os.path.join(path, name)).st_blocks * 512  # noqa: PTH118  # quick
    return total
