"""How much memory the runtime and its function workers hold, at the most."""

import os
import re
import subprocess
import threading
from pathlib import Path
from types import TracebackType

from local.runtime import Runtime

_EVERY_SECONDS = 0.5
_FORK_SERVER = "forks/server.py"
_PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)


class Memory:
    """Looks at this process, which is the runtime, at the workers, and at what they and jobs are
    forked from, while the block runs.

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
            ["ps", "-axo", "pid=,ppid=,rss=,args="], capture_output=True, text=True, check=True
        )
        rows = [line.split(None, 3) for line in listed.stdout.splitlines()]
        resident = {int(pid): int(kib) / 1024 for pid, _, kib, *_ in rows}
        workers = self._workers() & resident.keys()
        servers = {
            int(pid)
            for pid, parent, _, *command in rows
            if int(parent) == os.getpid() and _FORK_SERVER in " ".join(command)
        }
        ours = {os.getpid(), *servers, *workers}
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
