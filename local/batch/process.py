"""One attempt of a Batch job as a process group of this machine."""

import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol, TypeVar

from local.batch.warm import WarmRunner, can_start_warm

log = logging.getLogger(__name__)

_Text = TypeVar("_Text", str, bytes)

_WATCHDOG = Path(__file__).with_name("watchdog.py")


class Watchdog:
    """The guardian process that kills the jobs' process groups once this runtime is gone."""

    def __init__(self, scratch: Path) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_WATCHDOG), str(scratch)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # out of reach of a Ctrl-C that is meant for the runtime
            text=True,
        )

    def watch(self, group: int) -> None:
        """Note a process group that must not outlive the runtime."""
        self._write(f"+{group}\n")

    def forget(self, group: int) -> None:
        """Strike a process group that has ended."""
        self._write(f"-{group}\n")

    def watch_container(self, name: str) -> None:
        """Note a container that must not outlive the runtime."""
        self._write(f">{name}\n")

    def forget_container(self, name: str) -> None:
        """Strike a container that has ended."""
        self._write(f"<{name}\n")

    def close(self) -> None:
        """Have what is left killed and the scratch folder removed; return when that is done."""
        with self._lock, suppress(BrokenPipeError):
            _pipe(self._process.stdin).close()
        self._process.wait()

    def _write(self, line: str) -> None:
        with self._lock:
            pipe = _pipe(self._process.stdin)
            try:
                pipe.write(line)
                pipe.flush()
            except BrokenPipeError:
                log.error("the watchdog of Batch jobs is gone: jobs may outlive the runtime")


@dataclass(frozen=True)
class Launch:
    """What a process is started with: an argument list, its whole environment, its folder."""

    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    search_path: str


class CannotStart(Exception):
    """The command can't be started at all."""


class Running(Protocol):
    """What an attempt needs of its process or container."""

    @property
    def output(self) -> IO[bytes]: ...

    @property
    def reason(self) -> str | None: ...

    def wait(self) -> int: ...

    def stop(self, grace_seconds: float) -> None: ...


class _Process(Protocol):
    """What ``subprocess.Popen`` and ``WarmProcess`` have in common."""

    @property
    def pid(self) -> int: ...

    @property
    def stdout(self) -> IO[bytes] | None: ...

    def wait(self) -> int: ...


class JobProcess:
    """A running command, the leader of a session and process group of its own."""

    def __init__(self, launch: Launch, watchdog: Watchdog, warm: WarmRunner) -> None:
        self._watchdog = watchdog
        self._escalation: threading.Timer | None = None
        self._ended = threading.Event()
        try:
            self._process = _start(launch, warm)
        except (OSError, ValueError) as refusal:  # ValueError: a null byte in an argument
            raise CannotStart(f"exec: {refusal}") from refusal
        watchdog.watch(self._process.pid)

    @property
    def output(self) -> IO[bytes]:
        """Standard output and error as one stream."""
        return _pipe(self._process.stdout)

    @property
    def reason(self) -> str | None:
        """What Batch says of a container's end beside its exit code: of a process, nothing."""
        return None

    def wait(self) -> int:
        """Wait for the first process, end the rest of its group, return a shell-like exit code."""
        code = self._process.wait()
        self._ended.set()
        if self._escalation is not None:
            self._escalation.cancel()
        self._signal(signal.SIGKILL)  # a container ends with its first process
        self._watchdog.forget(self._process.pid)
        return code if code >= 0 else 128 - code

    def stop(self, grace_seconds: float) -> None:
        """Ask the whole group to end, and kill it when the grace is over; returns at once."""
        if self._ended.is_set() or self._escalation is not None:
            return
        self._escalation = threading.Timer(grace_seconds, self._kill)
        self._escalation.daemon = True
        self._escalation.start()
        self._signal(signal.SIGTERM)

    def _kill(self) -> None:
        if not self._ended.is_set():
            self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        # macOS answers PermissionError for a group of which only a zombie is left.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def _start(launch: Launch, warm: WarmRunner) -> _Process:
    program = _find(launch)
    command = [program, *launch.command[1:]]
    if can_start_warm(program, launch.environment):
        return warm.start(command, launch.environment, launch.folder)
    return subprocess.Popen(
        command,
        env=dict(launch.environment),
        cwd=launch.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _find(launch: Launch) -> str:
    """The program of a command; a path with a slash starts from the job's own folder."""
    if not launch.command:
        raise CannotStart("no command specified")
    name = launch.command[0]
    place = str(launch.folder / name) if "/" in name else name
    program = shutil.which(place, path=launch.search_path)
    if program is None:
        raise CannotStart(f'exec: "{name}": executable file not found in $PATH')
    return program


def _pipe(pipe: IO[_Text] | None) -> IO[_Text]:
    """A pipe that was asked for is there; this says so to the type checker."""
    if pipe is None:
        raise RuntimeError("the process was started without this pipe")
    return pipe
