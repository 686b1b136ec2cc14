"""A reference file on its way to the host's folder: whole under its name, or not there."""

import fcntl
import os
import re
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from runner.fetch import FETCHED_AT, check_file
from runner.file_locks import hold, sync_folder
from seqdrop.domain.plan import StoredObject

SHA256 = re.compile(r"[0-9a-f]{64}")
READ_ONLY = 0o444


@dataclass(frozen=True)
class HostFile:
    """A reference file by its content, and where the job wants it."""

    stored: StoredObject
    paths: tuple[Path, ...]

    @property
    def name(self) -> str:
        """Its SHA-256."""
        return self.stored.sha256.lower()


def can_be_shared(stored: StoredObject) -> bool:
    """Whether a file's content is known, so that it can be kept under that name."""
    return SHA256.fullmatch(stored.sha256.lower()) is not None


def hosts_files(wanted: Iterable[tuple[Path, StoredObject]]) -> list[HostFile]:
    """The files by their content, each once."""
    paths: dict[str, list[Path]] = {}
    objects: dict[str, StoredObject] = {}
    for path, stored in wanted:
        paths.setdefault(stored.sha256.lower(), []).append(path)
        objects.setdefault(stored.sha256.lower(), stored)
    return [HostFile(objects[name], tuple(found)) for name, found in paths.items()]


class Copying:
    """A file that this job fetches for the host, in a block; not whole until ``finish``."""

    def __init__(
        self, file: HostFile, folder: Path, lock: int, in_use: list[BufferedReader]
    ) -> None:
        """The lock is a file descriptor, locked already."""
        self.file, self._folder, self._lock, self._held = file, folder, lock, in_use
        self.part = folder / f"{file.name}.part"

    def finish(self) -> None:
        """Checks what came, hands it to the job, and only then gives it its name.

        Raises StageFault where the content is wrong.
        """
        check_file(self.part, self.file.stored)
        with self.part.open("rb") as whole:
            os.fchmod(whole.fileno(), READ_ONLY)
            os.utime(whole.fileno(), (time.time(), FETCHED_AT))
            os.fsync(whole.fileno())
        for path in self.file.paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.link(self.part, path)
        self._held.append(hold(self.file.paths[0].open("rb")))
        self.part.rename(self._folder / self.file.name)
        sync_folder(self._folder)

    def close(self) -> None:
        """Lets the next job try, where this one did not come to the end."""
        with suppress(OSError):
            self.part.unlink(missing_ok=True)
        fcntl.flock(self._lock, fcntl.LOCK_UN)  # of a child, too, that has just been forked
        os.close(self._lock)
