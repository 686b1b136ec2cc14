"""How much memory the runtime and its function workers hold, at the most."""

import os
import re
import subprocess
import threading
from pathlib import Path
from types import TracebackType

from local.runtime import Runtime

_EVERY_SECONDS = 0.5
_PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)


class Memory:
    """Looks at this process, which is the runtime, and at the workers, while the block runs.

    Two figures: ``resident_mib`` counts memory that the workers share once for each of them;
    ``peak_mib`` counts it once, where the system tells (Linux). Jobs and tools are left out.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.peak_mib = self.resident_mib = self.runtime_mib = 0.0
        self.workers = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(_EVERY_SECONDS):
            self._look()

    def _look(self) -> None:
        listed = subprocess.run(
            ["ps", "-axo", "pid=,ppid=,rss="], capture_output=True, text=True, check=True
        )
        rows = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
        parents = {pid: parent for pid, parent, _ in rows}
        resident = {pid: kib / 1024 for pid, _, kib in rows}
        workers = self._workers() & resident.keys()
        forks = {parents[pid] for pid in workers}
        ours = {os.getpid(), *forks, *workers}
        held = sum(_own_share_mib(pid, resident[pid]) for pid in ours)
        self.resident_mib = max(self.resident_mib, sum(resident[pid] for pid in ours))
        if held > self.peak_mib:
            self.peak_mib, self.workers = held, len(workers)
            self.runtime_mib = resident[os.getpid()]

    def _workers(self) -> set[int]:
        deployment, host = self._runtime.deployment, self._runtime.host
        names = [function.name for function in deployment.functions] if deployment else []
        return {pid for name in names for pid in host.pids(name)}


def _own_share_mib(pid: int, resident_mib: float) -> float:
    """A process' memory with its share of what it shares; all of it where nothing tells that."""
    try:
        found = _PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text("ascii"))
    except OSError:  # not Linux, or the process has just ended
        return resident_mib
    return int(found[1]) / 1024 if found else resident_mib
