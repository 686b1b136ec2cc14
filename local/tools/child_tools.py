"""Child programs run as pipelines of argument lists, with one clear error if any fails."""

import contextlib
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from typing import IO

from runner.descendants import end_own_children

Command = list[str]


class ToolFailed(Exception):
    """A child program is missing or did not end well."""


def _last_line(stderr: IO[bytes]) -> str:
    stderr.seek(0)
    lines = stderr.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no message"


def _start(
    commands: list[Command], stderrs: list[IO[bytes]], out: int
) -> Iterator[subprocess.Popen[bytes]]:
    previous: IO[bytes] | None = None
    for number, (command, stderr) in enumerate(zip(commands, stderrs, strict=True)):
        last = number == len(commands) - 1
        try:
            child = subprocess.Popen(
                command,
                stdin=previous if previous else subprocess.DEVNULL,
                stdout=out if last else subprocess.PIPE,
                stderr=stderr,
            )
        except FileNotFoundError as error:
            raise ToolFailed(f"{command[0]} is not on PATH") from error
        finally:
            if previous:
                previous.close()  # so that a child learns when its reader has gone
        previous = child.stdout if not last else None
        yield child


def _check(
    commands: list[Command], children: list[subprocess.Popen[bytes]], stderrs: list[IO[bytes]]
) -> None:
    failed = [n for n, child in enumerate(children) if child.returncode != 0]
    if not failed:
        return
    # Whoever writes into a pipe that broke is not the one to blame.
    broken = [n for n in failed if children[n].returncode not in (-signal.SIGPIPE, 141)]
    guilty = (broken or failed)[-1]
    name = " ".join(commands[guilty][:2])
    raise ToolFailed(
        f"{name} ended with {children[guilty].returncode}: {_last_line(stderrs[guilty])}"
    )


def _run(commands: list[Command], out: int) -> bytes:
    """Runs the pipeline to its end; returns its output where `out` is a pipe."""
    with contextlib.ExitStack() as stack:
        stderrs: list[IO[bytes]] = [stack.enter_context(tempfile.TemporaryFile()) for _ in commands]
        children: list[subprocess.Popen[bytes]] = []
        try:
            for child in _start(commands, stderrs, out):
                children.append(child)
            text = children[-1].communicate()[0] or b""
            for child in children:
                child.wait()
        except BaseException:
            for child in children:
                child.kill()
                child.wait()
            end_own_children()  # a signal may have cut off a start: that child is in no list
            raise
        _check(commands, children, stderrs)
        return text


def run(*commands: Command) -> None:
    """Runs commands as one pipeline whose last writes its own output file."""
    _run(list(commands), subprocess.DEVNULL)


def text_of(*commands: Command) -> str:
    """What a pipeline prints on its standard output."""
    return _run(list(commands), subprocess.PIPE).decode()
