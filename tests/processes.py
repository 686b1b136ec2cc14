"""Processes that tests look after."""

from pathlib import Path


def lives(pid: int) -> bool:
    """Whether a process runs: a killed orphan stays as a zombie where nothing reaps it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
