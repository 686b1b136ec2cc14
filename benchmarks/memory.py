"""How much memory the runtime and its function workers hold, at the most."""

import os
import subprocess
import threading
from types import TracebackType

_EVERY_SECONDS = 0.5
_WORKER = "local/worker.py"
"""In the command line of the fork server and of every function's worker."""


class Memory:
    """Looks at this process, which is the runtime, and at the workers, while the block runs.

    Resident memory is added up: what workers share counts for each of them, so that the true
    figure is lower. Batch jobs and their tools are left out.
    """

    def __init__(self) -> None:
        self.peak_mib = self.runtime_mib = 0.0
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
        rows = [line.split(maxsplit=3) for line in listed.stdout.splitlines()]
        sizes = {int(row[0]): int(row[2]) / 1024 for row in rows}
        forks = {int(p) for p, parent, _, args in rows if _is_worker(args, parent, os.getpid())}
        workers = {int(p) for p, parent, _, args in rows if _WORKER in args and int(parent) in forks}
        held = sum(sizes[pid] for pid in {os.getpid(), *forks, *workers})
        if held > self.peak_mib:
            self.peak_mib, self.workers = held, len(workers)
            self.runtime_mib = sizes[os.getpid()]


def _is_worker(args: str, parent: str, pid: int) -> bool:
    return _WORKER in args and int(parent) == pid
