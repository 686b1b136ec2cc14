"""Ends what a runtime that died left running; a program of its own, with the standard library only.

It reads `+<process group>` and `-<process group>` lines from the runtime, and `><container>` and
`<<container>`. When that pipe closes, however the runtime ended, every container still noted is
removed, every group killed, then every process that works below the scratch folder, and the folder
is removed.

A parent-death signal would reach a job's first process only, and needs a launcher in front of
every job (about 10 ms of Python each); this costs one small process for the whole runtime.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

_GONE = (ProcessLookupError, PermissionError)


def main(scratch: Path, lines: Iterable[str]) -> None:
    """Follow the runtime's notes until its pipe closes, then clean up."""
    noted: dict[str, set[str]] = {"+": set(), ">": set()}
    ends = {"-": "+", "<": ">"}
    for line in lines:
        mark, name = line[0], line[1:].strip()
        if mark in ends:
            noted[ends[mark]].discard(name)
        else:
            noted[mark].add(name)
    if noted[">"]:
        remove = [sys.executable, "-P", str(Path(__file__).with_name("remove_containers.py"))]
        subprocess.run([*remove, *noted[">"]], check=False)
    for group in map(int, noted["+"]):
        with suppress(*_GONE):
            os.killpg(group, signal.SIGKILL)
    _kill_workers_below(scratch)
    shutil.rmtree(scratch, ignore_errors=True)


def _kill_workers_below(scratch: Path) -> None:
    """Also ends a job whose group was not yet noted, or that left its group (Linux only)."""
    for _ in range(50):
        found = list(_working_below(scratch))
        if not found:
            return
        for pid in found:
            with suppress(*_GONE):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _working_below(scratch: Path) -> Iterator[int]:
    for folder in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            # A removed folder reads as "<path> (deleted)", which is still below.
            if folder.readlink().is_relative_to(scratch):
                yield int(folder.parent.name)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.stdin)
