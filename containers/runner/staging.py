"""What a stage reads from files: references from the host where it has them, all else fetched."""

import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event

from runner.copying import Copying, HostFile, can_be_shared, hosts_files
from runner.eviction import evict, longest_unused
from runner.faults import Stopped
from runner.fetch import WORKERS, Wanted, check_files, fetch_tasks, part_tasks
from runner.host_files import HostFiles
from runner.log import OutcomeLog
from runner.objects import Objects
from runner.parallel import run_parallel
from runner.space import make_room
from seqdrop.domain.plan import StoredObject

TASKS = "tasks"
"""The folder beside jobs' own that workflows' tasks have; it stays when they have ended."""
PATIENCE_SECONDS = 300.0
"""Without a byte more of a file that another job fetches: then this job fetches it for itself."""
_LOOK_SECONDS = 0.1

Tasks = list[Callable[[], None]]


@dataclass
class Staging:
    """Stages the files of one job; the counts grow as it goes."""

    root: Path
    """The job's own folder."""
    host: HostFiles | None
    objects: Objects
    log: OutcomeLog
    stop: Event
    from_host: list[HostFile] = field(default_factory=list)
    fetched: list[HostFile] = field(default_factory=list)
    alone: list[HostFile] = field(default_factory=list)
    """What could not be shared, and was fetched for this job alone."""

    def stage(
        self,
        wanted: Wanted,
        is_of_reference: Callable[[StoredObject], bool],
        reads: Tasks,
        *,
        reads_bytes: int,
        needed_mib: int,
    ) -> None:
        """Brings all files, and with them the reads. Raises StageFault.

        ``needed_mib`` is what the stage takes in all, as far as somebody has said.
        """
        kept = [(path, one) for path, one in wanted.items() if self._is_kept(one, is_of_reference)]
        files = hosts_files(kept)
        own = {path: one for path, one in wanted.items() if path not in dict(kept)}
        there = sum(self.host.bytes_there(file) for file in files) if self.host else 0
        to_come = sum(one.size for one in own.values()) + reads_bytes
        to_come += sum(file.stored.size for file in files) - there
        self._make_room(max(to_come, needed_mib * 2**20 - there), {file.name for file in files})
        left = self._share(files, fetch_tasks(own, self.objects, self.stop) + reads)
        self._wait_for_others(left)
        check_files(own, self.stop)
        if files:
            self._tell()

    def _is_kept(
        self, stored: StoredObject, is_of_reference: Callable[[StoredObject], bool]
    ) -> bool:
        return self.host is not None and can_be_shared(stored) and is_of_reference(stored)

    def _make_room(self, needed_bytes: int, kept: set[str]) -> None:
        host = self.host

        def evict_one() -> bool:
            if host is None:
                return False
            names = [name for name in longest_unused(host.folder) if name not in kept]
            return any(evict(host.folder, name, self.log) for name in names)

        make_room(self.root.parent, needed_bytes, evict_one, self._has_neighbours, self.stop)

    def _has_neighbours(self) -> bool:
        """Whether other jobs have a folder on the disk."""
        base = self.root.parent
        own = {self.root, self.host.folder if self.host else self.root, base / TASKS}
        return any(path not in own and path.is_dir() for path in base.iterdir())

    def _share(self, files: list[HostFile], beside: Tasks) -> list[HostFile]:
        """Takes what the host has, and fetches for it what it lacks; the files that are left are
        those that another job fetches just now, or has fetched since.
        """
        host = self.host
        if host is None:
            run_parallel(beside, WORKERS, self.stop)
            return []
        taken = run_parallel([partial(host.take, file) for file in files], WORKERS, self.stop)
        self.from_host += [file for file, is_there in zip(files, taken, strict=True) if is_there]
        missing = [file for file, is_there in zip(files, taken, strict=True) if not is_there]
        with ExitStack() as stack:
            copies, alone = self._begin(host, missing, stack)
            own = _places(alone)
            tasks = beside + fetch_tasks(own, self.objects, self.stop)
            for copy in copies:
                tasks += part_tasks(copy.file.stored, copy.part, self.objects, self.stop)
            run_parallel(tasks, WORKERS, self.stop)
            run_parallel([copy.finish for copy in copies], WORKERS, self.stop)
            check_files(own, self.stop)
        mine = [copy.file for copy in copies]
        self.fetched += mine
        self.alone += alone
        return [file for file in missing if file not in mine and file not in alone]

    def _begin(
        self, host: HostFiles, missing: list[HostFile], stack: ExitStack
    ) -> tuple[list[Copying], list[HostFile]]:
        """What this job fetches for the host, until the stack ends, and what for itself alone."""
        copies: list[Copying] = []
        alone: list[HostFile] = []
        for file in missing:
            try:
                copy = host.begin(file) if host.is_own else None
            except OSError as error:
                self.log.info("references_not_shared", why=str(error), key=file.stored.key)
                alone.append(file)
                continue
            if copy:
                copies.append(stack.enter_context(closing(copy)))
            elif not host.is_own:
                alone.append(file)
        return copies, alone

    def _wait_for_others(self, left: list[HostFile]) -> None:
        """Takes what other jobs fetch, as soon as it is whole; they may also die over it."""
        come, deadline = -1, 0.0
        while left := self._share(left, []):
            now_come = sum(map(self.host.bytes_of_part, left)) if self.host else 0
            if now_come != come:
                come, deadline = now_come, time.monotonic() + PATIENCE_SECONDS
            if time.monotonic() > deadline:
                why = f"no job has gone on with fetching them for {PATIENCE_SECONDS:.0f} s"
                self.log.info("references_not_shared", why=why, files=len(left))
                own = _places(left)
                run_parallel(fetch_tasks(own, self.objects, self.stop), WORKERS, self.stop)
                check_files(own, self.stop)
                self.alone += left
                return
            if self.stop.wait(_LOOK_SECONDS):
                raise Stopped

    def _tell(self) -> None:
        self.log.info(
            "references_staged",
            from_host=len(self.from_host),
            bytes_saved=_bytes(self.from_host),
            fetched=len(self.fetched) + len(self.alone),
            bytes_fetched=_bytes(self.fetched + self.alone),
        )


def _places(files: list[HostFile]) -> Wanted:
    return {path: file.stored for file in files for path in file.paths}


def _bytes(files: list[HostFile]) -> int:
    return sum(file.stored.size for file in files)
