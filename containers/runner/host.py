"""The host of the job: what its service says of it, and what a job may ask of it.

Both are files (see ``infrastructure/host``), and both may be missing: on hosts of an older
deployment, and on a machine of one's own.
"""

import sys
from pathlib import Path

from seqdrop.domain.host_facts import HostFacts, read_host

REQUEST = "drain"


def facts_of(folder: Path | None) -> HostFacts | None:
    """What host this is; None where nothing says it."""
    if folder is None:
        return None
    try:
        return read_host((folder / "host.json").read_bytes())
    except OSError:
        return None


def ask_for_its_end(folder: Path | None, why: str) -> bool:
    """Asks that the host gets no more jobs, and ends. False where nobody is there to ask."""
    if folder is None:
        return False
    try:
        (folder / REQUEST).write_text(f"{why}\n", "utf-8")
    except OSError as error:
        sys.stderr.write(f"{folder / REQUEST}: {error}\n")
        return False
    return True
