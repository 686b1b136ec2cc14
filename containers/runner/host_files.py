"""Reference files that a host keeps for all its jobs: checked at each use, never trusted.

``<scratch>/references/<sha256>`` is a whole file. Beside it are ``<sha256>.lock``, which the job
that fetches it holds exclusively, and ``<sha256>.part`` while it does. A job that uses a file has a
hard link to it in its own folder, and holds the file itself with a shared lock.
"""

import fcntl
import hashlib
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path

from runner.copying import READ_ONLY, Copying, HostFile
from runner.fetch import FETCHED_AT
from runner.file_locks import hold, lock_now, open_plainly
from runner.log import OutcomeLog
from seqdrop.domain.plan import StoredObject

FOLDER = "references"
_CHUNK_BYTES = 2**20
_ALL_READ_OWNER_WRITES = 0o755


@dataclass
class HostFiles:
    """The folder, and what this job holds of it."""

    folder: Path
    log: OutcomeLog
    is_own: bool = True
    """Whether this job may write there: the folder is its own user's, and nobody else writes it."""
    _held: list[BufferedReader] = field(default_factory=list)
    _damaged: set[tuple[int, int]] = field(default_factory=set)

    def bytes_there(self, file: HostFile) -> int:
        """What the file takes of the disk already: all of it, or what some job has fetched."""
        with suppress(OSError):
            if (self.folder / file.name).lstat().st_size == file.stored.size:
                return file.stored.size if self.is_own else 0
        return min(file.stored.size, self.bytes_of_part(file)) if self.is_own else 0

    def bytes_of_part(self, file: HostFile) -> int:
        """What has come of a file that some job fetches; 0 where none does."""
        with suppress(OSError):
            return (self.folder / f"{file.name}.part").lstat().st_blocks * 512
        return 0

    def take(self, file: HostFile) -> bool:
        """Puts the file into the job's folder; False where the host has none with this content.

        The content is checked through the job's own link, so that nobody can exchange the file
        between the check and its use. Another user could still write into a file of his own: such
        a file is copied, and the copy is checked.
        """
        first, *others = file.paths
        first.parent.mkdir(parents=True, exist_ok=True)
        try:
            if self._is_known_as_damaged(file):
                return False
            is_right = self._link(file, first) or self._copy(file, first)
        except FileNotFoundError:
            return False
        except OSError as error:
            self._say_unusable(file, str(error))
            first.unlink(missing_ok=True)
            return False
        for path in others if is_right else ():
            path.parent.mkdir(parents=True, exist_ok=True)
            os.link(first, path)
        return is_right

    def begin(self, file: HostFile) -> Copying | None:
        """The right to fetch a file for the host; None while another job does, or just did.

        Raises OSError where nothing can be put there.
        """
        lock = os.open(
            self.folder / f"{file.name}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600
        )
        copying = Copying(file, self.folder, lock, self._held)
        if not lock_now(lock, fcntl.LOCK_EX):
            os.close(lock)
            return None
        try:
            is_free = self._is_free(file)
            copying.part.unlink(missing_ok=True)  # of a job that died
        except OSError:
            copying.close()
            raise
        if not is_free:
            copying.close()
            return None
        return copying

    def close(self) -> None:
        """The job needs nothing of it any more."""
        for file in self._held:
            file.close()

    def _link(self, file: HostFile, path: Path) -> bool:
        """False where the file is another user's, can't be linked, or has other content."""
        try:
            os.link(self.folder / file.name, path, follow_symlinks=False)
        except FileNotFoundError:
            raise
        except OSError:  # another user's, of a disk of its own, or with too many links
            return False
        opened = open_plainly(path)
        found = os.fstat(opened.fileno()) if opened else None
        if opened and found and stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid():
            os.fchmod(opened.fileno(), READ_ONLY)
            hold(opened)
            if _is_right(opened, found, file.stored):
                os.utime(opened.fileno(), (time.time(), FETCHED_AT))
                self._held.append(opened)
                return True
        if opened:
            opened.close()
        path.unlink()
        return False

    def _copy(self, file: HostFile, path: Path) -> bool:
        opened = open_plainly(self.folder / file.name)
        if not opened:
            self._say_unusable(file, "it is no file")
            return False
        with opened:
            found = os.fstat(opened.fileno())
            is_regular = stat.S_ISREG(found.st_mode)
            if is_regular and found.st_size == file.stored.size:
                digest = hashlib.sha256()
                with path.open("xb") as copy:
                    while data := opened.read(_CHUNK_BYTES):
                        digest.update(data)
                        copy.write(data)
                if digest.hexdigest() == file.name:
                    path.chmod(READ_ONLY)
                    os.utime(path, (FETCHED_AT, FETCHED_AT))
                    return True
                path.unlink()
            self._damaged.add((found.st_dev, found.st_ino))
        self._say_unusable(file, "its content is not what its name says")
        return False

    def _is_free(self, file: HostFile) -> bool:
        """Whether there is no such file; one that was seen to be wrong is removed."""
        path = self.folder / file.name
        with suppress(FileNotFoundError):
            if stat.S_ISREG(path.lstat().st_mode) and not self._is_known_as_damaged(file):
                return False
            path.unlink()  # OSError for a folder
        return True

    def _is_known_as_damaged(self, file: HostFile) -> bool:
        """FileNotFoundError where there is none."""
        found = (self.folder / file.name).lstat()
        return (found.st_dev, found.st_ino) in self._damaged

    def _say_unusable(self, file: HostFile, why: str) -> None:
        self.log.info("reference_damaged", key=file.stored.key, sha256=file.name, why=why)


@contextmanager
def host_files(scratch: Path, log: OutcomeLog, *, makes: bool) -> Iterator[HostFiles | None]:
    """The host's files while a job uses them; None where there is no such folder.

    A job with references ``makes`` it, and tells where it can't. Others may need its space.
    """
    folder = scratch / FOLDER
    files = _open(folder, log) if makes or folder.exists() else None
    try:
        yield files
    finally:
        if files:
            files.close()


def _open(folder: Path, log: OutcomeLog) -> HostFiles | None:
    try:
        with suppress(FileExistsError):
            folder.mkdir()
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode):
            log.info("references_not_shared", why=f"{folder} is no folder")
            return None
        is_own = found.st_uid == os.geteuid()
        if is_own:
            folder.chmod(_ALL_READ_OWNER_WRITES)  # whatever the umask, or somebody since
    except OSError as error:
        log.info("references_not_shared", why=str(error))
        return None
    if not is_own:
        why = f"{folder} is of user {found.st_uid}: its files are copied, and none is put there"
        log.info("references_not_shared", why=why)
    return HostFiles(folder, log, is_own)


def _is_right(opened: BufferedReader, found: os.stat_result, stored: StoredObject) -> bool:
    if found.st_size != stored.size:
        return False
    return hashlib.file_digest(opened, "sha256").hexdigest() == stored.sha256.lower()
