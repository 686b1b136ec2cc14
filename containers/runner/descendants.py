"""Ending tools with all that they started themselves (wrappers start the real tool)."""

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

_LOOK_SECONDS = 0.02
_ZOMBIE = "Z"


def end_trees(roots: Iterable[int], grace_seconds: float) -> None:
    """Sends SIGTERM to processes and their descendants, SIGKILL to those that stay.

    They are left in the runner's own process group, so that whoever kills the group (a
    time-out, a container's end) reaches them too; hence their descendants are looked up.
    """
    doomed = family(set(roots))
    _signal(doomed, signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    while _alive(doomed) and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
    _signal(family(_alive(doomed)), signal.SIGKILL)


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _processes() -> dict[int, tuple[int, str]]:
    """Parent and state by process id; nothing where there is no /proc."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            # The name, in brackets, may hold anything.
            state, parent = path.read_text(errors="replace").rpartition(")")[2].split()[:2]
            found[int(path.parent.name)] = (int(parent), state)
    return found


def family(roots: set[int]) -> set[int]:
    """Processes and all that descend from them; themselves alone where there is no /proc."""
    processes = _processes()
    family = set(roots)
    grown = True
    while grown:
        children = {pid for pid, (parent, _) in processes.items() if parent in family} - family
        family |= children
        grown = bool(children)
    return family


def _alive(pids: set[int]) -> set[int]:
    processes = _processes()
    if processes:
        return {pid for pid in pids if processes.get(pid, (0, _ZOMBIE))[1] != _ZOMBIE}
    return {pid for pid in pids if _answers(pid)}


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def end_own_children(grace_seconds: float = 1.0) -> None:
    """Ends whatever this process has started and not waited for, with all below it."""
    if not _has_children():
        return
    own = os.getpid()
    children = {
        pid for pid, (parent, state) in _processes().items() if parent == own and state != _ZOMBIE
    }
    if children:
        end_trees(children, grace_seconds)


def _has_children() -> bool:
    """False is sure; to look through /proc for what is not there takes 5 ms."""
    if not hasattr(os, "waitid"):  # macOS, before Python 3.13
        return True
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True
