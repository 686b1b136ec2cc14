"""A job's own folder below the scratch folder, gone when the job is."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from runner.faults import StageFault
from seqdrop.domain.failure import FailureClass


@dataclass(frozen=True)
class Folders:
    """``ref``: reference files; ``inputs``: earlier stages' outputs; ``tmp``; ``out``: ours.

    Tools run in ``root`` and get paths relative to it: whatever they write of their command
    lines is the same in each run.
    """

    root: Path
    ref: Path
    inputs: Path
    tmp: Path
    out: Path


@contextmanager
def scratch(base: Path, needed_mib: int = 0) -> Iterator[Folders]:
    """Empty folders under a name that no other job on the machine has; removed at the end.

    Raises StageFault where the disk can't hold what is needed (MiB), however empty it is.
    """
    base.mkdir(parents=True, exist_ok=True)
    disk_mib = shutil.disk_usage(base).total // 2**20
    if needed_mib > disk_mib:
        raise StageFault(
            FailureClass.DISK_FULL,
            f"its files take about {needed_mib:,} MiB of scratch (scratch_mib), and the whole disk "
            f"of its host has {disk_mib:,}: raise ScratchGib, and deploy",
        )
    root = base / str(uuid.uuid4())
    folders = Folders(root, root / "ref", root / "in", root / "tmp", root / "out")
    try:
        for folder in (folders.ref, folders.inputs, folders.tmp, folders.out):
            folder.mkdir(parents=True)
        yield folders
    finally:
        shutil.rmtree(root, ignore_errors=True)


def below(folder: Path, name: str) -> Path:
    """The path of a named file below the folder; a fault for a name that would leave it."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\0" in name:
        raise StageFault(FailureClass.BAD_PLAN, f"{name!r} is no path below a folder of the job")
    return folder.joinpath(*parts)
