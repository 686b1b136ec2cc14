"""Jobs that start warm: forked from a process that has loaded the runner.

A runner's start costs 0.3 s of imports and botocore's look-ups, more than a small stage itself.
What runs is the same program, in a process of its own with the same environment and folder.
"""

import os
import sys
import uuid
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import IO

from local.forks.client import Forks

RUNNER = Path(sys.executable).with_name("seqdrop-runner")
"""The command that can be had warm: this very environment's."""
_PROGRAM = Path(__file__).with_name("warm_program.py")
_DECIDE_HOW_PYTHON_STARTS = ("PYTHON", "LD_", "DYLD_", "OPENBLAS_", "OMP_")
_START_SECONDS = 60


class WarmProcess:
    """A forked runner, with what of a ``Popen`` its job needs."""

    def __init__(self) -> None:
        """Not forked yet; ``output`` is what the process is to write to."""
        read, self.output = os.pipe()
        self.stdout: IO[bytes] = os.fdopen(read, "rb", buffering=0)
        self.told_pid: Future[int] = Future()
        self.told_end: Future[int] = Future()

    @property
    def pid(self) -> int:
        """Its process id, which is that of its group too. Raises ProcessLookupError."""
        return self.told_pid.result(_START_SECONDS)

    def wait(self) -> int:
        """Its exit code, or below zero the signal that ended it."""
        return self.told_end.result()


class WarmRunner:
    """Forks runners, by any thread; the process that they come from starts with the first."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """``environment`` is what all jobs have in common."""
        self._processes: dict[str, WarmProcess] = {}
        self._forks = Forks(_PROGRAM, environment, self._ended, self._started)

    def start(
        self, command: list[str], environment: Mapping[str, str], folder: Path
    ) -> WarmProcess:
        """A runner that has begun. Raises OSError where none begins within a minute."""
        name, process = uuid.uuid4().hex, WarmProcess()
        self._processes[name] = process
        message = {
            "command": command,
            "environment": dict(environment),
            "directory": str(folder),
        }
        self._forks.fork(name, message, process.output)
        try:
            process.told_pid.result(_START_SECONDS)
        except BaseException:
            self._forks.kill(name)  # where it comes too late, nobody watches it
            process.stdout.close()
            raise
        return process

    def close(self) -> None:
        """End what still runs, and the process that all were forked from."""
        self._forks.stop()

    def _started(self, name: str, pid: int) -> None:
        self._processes[name].told_pid.set_result(pid)

    def _ended(self, name: str, status: int) -> None:
        process = self._processes.pop(name)
        if not process.told_pid.done():
            process.told_pid.set_exception(ProcessLookupError("the warm runner has died"))
        process.told_end.set_result(status)


def can_start_warm(program: str, environment: Mapping[str, str]) -> bool:
    """Whether a command is this environment's runner, and nothing sets how its Python starts."""
    return Path(program) == RUNNER and not any(
        name.startswith(_DECIDE_HOW_PYTHON_STARTS) for name in environment
    )
