"""Time on the wall and of the processors, of this process and of everything below it."""

import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Used:
    """Time on the wall, and of the processors: neighbours on the machine spoil the first."""

    seconds: float
    cpu: float


class Stopwatch:
    """Started when made; the processor time is this process', the runtime's, and all tools'."""

    def __init__(self) -> None:
        self._seconds, self._cpu = time.monotonic(), cpu_seconds()

    def read(self) -> Used:
        """What was used so far."""
        return Used(time.monotonic() - self._seconds, cpu_seconds() - self._cpu)


def cpu_seconds() -> float:
    """Processor time of this process and all below it, those that have ended too.

    Jobs are children of a server that lives on, so the system's own sum for children, which has
    those alone that were waited for, is too small. Without /proc it is all that there is.
    """
    processes = _processes()
    if not processes:
        usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(usage.ru_utime + usage.ru_stime for usage in usages)
    ours, below = {os.getpid()}, {os.getpid()}
    while below:
        below = {pid for pid, (parent, _) in processes.items() if parent in below}
        ours |= below
    return sum(processes[pid][1] for pid in ours) / os.sysconf("SC_CLK_TCK")


def _processes() -> dict[int, tuple[int, int]]:
    """By process id its parent, and the ticks of itself and of its children that have ended."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:  # it has just ended, and is counted with its parent
            continue
        found[int(path.parent.name)] = (int(fields[1]), sum(map(int, fields[11:15])))
    return found
