"""Room on the disk that the jobs of a host share: asked for before anything is fetched."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

from runner.faults import StageFault
from seqdrop.domain.failure import FailureClass

PATIENCE_SECONDS = 300.0
"""How long a job waits for others of its host to end, before it is tried again elsewhere."""
_LOOK_SECONDS = 2.0
_MIB = 2**20


def free_bytes(disk: Path) -> int:
    """What a job may still write there."""
    return shutil.disk_usage(disk).free


def make_room(
    scratch: Path,
    needed_bytes: int,
    evict_one: Callable[[], bool],
    has_neighbours: Callable[[], bool],
    stop: Event,
) -> None:
    """Evicts what no job uses, one by one, until so much is free. Raises StageFault where it
    can't be.

    Neighbours may end and give their space back, so it waits a while for them.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (free := free_bytes(scratch)) < needed_bytes:
        if evict_one():
            continue
        if not has_neighbours() or time.monotonic() > deadline or stop.wait(_LOOK_SECONDS):
            raise StageFault(
                FailureClass.DISK_FULL,
                f"its files take about {needed_bytes // _MIB:,} MiB more of scratch, and "
                f"{free // _MIB:,} are free on its host's disk, which other jobs share: nothing is "
                "left there that could be removed. Rerun it when they have ended; where it comes "
                "again, raise ScratchGib, and deploy",
            )
