"""Whether the kernel has ended a process of this container for its memory."""

import re
from pathlib import Path

EVENTS = Path("/sys/fs/cgroup/memory.events")
"""Of the container's own control group (version 2), as Docker shows it from within."""
_OOM_KILL = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)


def processes_ended_for_memory(events: Path = EVENTS) -> int:
    """How many since the container started; 0 where this system does not tell."""
    try:
        found = _OOM_KILL.search(events.read_text("ascii"))
    except (OSError, UnicodeDecodeError):
        return 0
    return int(found[1]) if found else 0
