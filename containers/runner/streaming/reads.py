"""How read pairs reach the tools: as named pipes, as files with a list for DRAGEN, or as copies."""

import csv
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from threading import Event
from types import TracebackType
from typing import Self

from runner.commands import MatePaths
from runner.faults import StageFault
from runner.fetch import part_tasks
from runner.objects import Objects
from runner.processes import Ended
from runner.scratch import below
from runner.streaming.copies import ReadCopies
from runner.streaming.feed import Feed, ToolsEnded
from runner.streaming.file_checks import FileChecks, Listener
from runner.streaming.mate_counts import (
    BLOCK_READS,
    Counted,
    MateCounts,
    lane_counts,
    parting_block,
    totals,
)
from runner.streaming.mate_process import MateProcess
from runner.streaming.mates import Mate, check_counts, mates_of
from seqdrop.domain.failure import FailureClass
from seqdrop.domain.fastq_record import pair_name
from seqdrop.domain.identity import ObjectName
from seqdrop.domain.plan import ReadPair

_LIST_HEADER = ("RGID", "RGSM", "RGLB", "Lane", "Read1File", "Read2File")


class Reads:
    """The pairs of a stage: where they are for its tools, and what was counted in them."""

    def __init__(
        self, pairs: tuple[ReadPair, ...], how: str, tmp: Path, objects: Objects, stop: Event,
        *, copies_to: ObjectName | None = None,
    ) -> None:  # fmt: skip
        """``how`` is the plan's: "stream", "files", "copies" or "" for a stage without reads.

        ``copies_to`` is where copies go: a bucket, and what their keys begin with.
        Starts a process for each mate: no other thread may run yet.
        """
        self.streamed, self.on_disk = how == "stream", how == "files"
        if how and not self.streamed and (parted := [p.id for p in pairs if p.interleaved]):
            message = f"lane {parted[0]} is interleaved, and its stage wants files of R1 and R2"
            raise StageFault(FailureClass.BAD_PLAN, message)
        self._copies: ReadCopies | None = None
        if how == "copies" and copies_to:
            self._copies = ReadCopies(copies_to, objects)
        self._objects, self._stop, self._tmp = objects, stop, tmp
        suffix = "fastq" if self.streamed else "fastq.gz"
        self.pairs: dict[str, tuple[ReadPair, MatePaths]] = {}
        for number, pair in enumerate(pairs, 1):
            paths = _paths(pair, tmp, suffix)
            if self._copies:
                places = [self._copies.place(number, mate).uri for mate in mates_of(pair)]
                paths = MatePaths(places[0], places[-1])
            self.pairs[pair.id] = pair, paths
        self._counts: dict[str, Counted] = {}
        self._processes: dict[Mate, MateProcess] = {}
        for mate in self._mates() if how else ():
            self._processes[mate] = MateProcess(mate, objects, self._processes.values())
        checked: list[tuple[MateProcess, Path | None]] = []
        if self.on_disk:
            checked = [(self._processes[mate], path) for mate, path in self._files()]
        elif self._copies:
            checked = [(process, None) for process in self._processes.values()]
        self._checks = FileChecks(checked)

    def __enter__(self) -> Self:
        """At the end of the block the mates' processes end."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Whatever they still do is not wanted any more."""
        self._checks.end()
        for process in self._processes.values():
            process.end()

    def fetch_tasks(self) -> list[Callable[[], None]]:
        """What brings or copies the files, for run_parallel; nothing where they are streamed."""
        if self._copies:
            return [
                self._copies.task(number, mate)
                for number, (pair, _) in enumerate(self.pairs.values(), 1)
                for mate in mates_of(pair)
            ]
        if not self.on_disk:
            return []
        return [
            task
            for mate, path in self._files()
            for task in part_tasks(
                mate.stored, path, self._objects, self._stop, gone=FailureClass.BAD_INPUT
            )
        ]

    @property
    def bytes_on_disk(self) -> int:
        """What the files take that the tasks bring."""
        files = self._files() if self.on_disk else ()
        return sum(mate.stored.size for mate, _ in files)

    def begin_checks(self) -> None:
        """The files have come: list them for DRAGEN, and check them while it runs.

        Copies are checked before anything runs: what reads them is many jobs, which cost money.
        """
        if self._copies:
            self._checks.start()
            self.finish_checks()
            self.check_all_read()
        if not self.on_disk:
            return
        with (self._tmp / "fastq_list.csv").open("w", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(_LIST_HEADER)
            rows.writerows(_list_row(pair, paths) for pair, paths in self.pairs.values())
        self._checks.start()

    def checks_heard_by(self, listener: Listener) -> AbstractContextManager[None]:
        """Within the block the listener is told of a fault in a file on disk."""
        return self._checks.heard_by(listener) if self.on_disk else nullcontext()

    def wait_for_faults(self, seconds: float) -> bool:
        """Raises what the checks of files on disk find in so long; whether they got through."""
        return not self.on_disk or self._checks.wait(seconds)

    def finish_checks(self) -> None:
        """Wait for the checks of whole files; raises what they found."""
        if not self.on_disk and not self._copies:
            return
        results = iter(self._checks.results())
        for pair, _ in self.pairs.values():
            self.note(pair, tuple(islice(results, len(pair.reads))))

    def feeds(
        self,
        pairs: list[ReadPair],
        tools: ToolsEnded,
        events: "SimpleQueue[Ended | Feed | StageFault]",
    ) -> list[Feed]:
        """Feeds of the pairs that a step reads, their named pipes made; none is started."""
        if pairs and not self.streamed and not self.on_disk:
            raise StageFault(
                FailureClass.BAD_PLAN, "a step uses reads, but its stage asks for none"
            )
        feeds: list[Feed] = []
        for pair in pairs if self.streamed else ():
            files = list(self._files_of(pair))
            both = [
                Feed(self._processes[mate], path, self._stop, tools, events) for mate, path in files
            ]
            for _, path in files:
                os.mkfifo(path)
            if len(both) > 1:
                both[0].partner, both[1].partner = both[1], both[0]
            feeds += both
        return feeds

    def remove_pipes(self, pairs: list[ReadPair]) -> None:
        """A step is over: another may read the same pair."""
        for pair in pairs if self.streamed else ():
            for _, path in self._files_of(pair):
                path.unlink(missing_ok=True)

    def note(self, pair: ReadPair, counts: Counted) -> None:
        """Note the counts of whole files; a fault unless two mates hold the same reads."""
        if len(counts) > 1:
            check_counts(pair, *counts)
            self.compare_names(pair, *counts)
        self._counts[pair.id] = counts

    def compare_names(self, pair: ReadPair, first: MateCounts, second: MateCounts) -> None:
        """A fault that names the record where R1 and R2 part; the mates need not be whole."""
        block = parting_block(first, second)
        if block is None:
            return
        begin = block * BLOCK_READS
        both = [self._names(mate, begin) for mate in mates_of(pair)]
        for number, (one, two) in enumerate(zip(*both, strict=False), begin + 1):
            if one != two:
                parted = f"from record {number:,} on ({_shown(one)} and {_shown(two)})"
                break
        else:
            parted = f"between records {begin + 1:,} and {begin + BLOCK_READS:,}"
        raise StageFault(
            FailureClass.BAD_INPUT,
            f"R1 and R2 of lane {pair.id} hold different reads {parted}: send both again "
            f"(keys {', '.join(file.key for file in pair.files)})",
        )

    @property
    def bytes_all(self) -> int:
        """Compressed, of all files of the stage; 0 of one without reads, or with copies of them,
        whose reading says nothing of how far the stage is.
        """
        return 0 if self._copies else sum(mate.stored.size for mate in self._processes)

    def read_so_far(self) -> tuple[int, int]:
        """Compressed bytes and reads of both mates; of files on disk, what is checked."""
        tallies = [process.tally for process in self._processes.values()]
        return sum(t.compressed_bytes for t in tallies), sum(t.reads for t in tallies)

    def totals(self) -> dict[str, int]:
        """What was counted in all pairs; a pair that was streamed twice counts once."""
        return totals(self._counts.values())

    def by_lane(self) -> dict[str, dict[str, int]]:
        """What was counted in each pair, by its id."""
        return {pair_id: lane_counts(mates) for pair_id, mates in self._counts.items()}

    def check_all_read(self) -> None:
        """Every pair was streamed by some step, and there is at least one read."""
        for pair_id in self.pairs:
            if pair_id not in self._counts:
                raise StageFault(FailureClass.BAD_PLAN, f"no step reads lane {pair_id}")
        if not self.totals()["reads_in"]:
            raise StageFault(FailureClass.BAD_INPUT, "there is no read in any of the files")

    def _mates(self) -> Iterator[Mate]:
        """Each mate, both of a pair side by side."""
        for pair, _ in self.pairs.values():
            yield from mates_of(pair)

    def _files(self) -> Iterator[tuple[Mate, Path]]:
        """Each mate and where it is on this host, both of a pair side by side."""
        for pair, _ in self.pairs.values():
            yield from self._files_of(pair)

    def _files_of(self, pair: ReadPair) -> Iterator[tuple[Mate, Path]]:
        _, paths = self.pairs[pair.id]
        for mate, path in zip(mates_of(pair), (paths.r1, paths.r2), strict=False):
            if isinstance(path, Path):  # a copy is not on this host
                yield mate, path

    def _names(self, mate: Mate, begin: int) -> Iterator[bytes]:
        """The names that both mates should have, from a record on."""
        from runner.streaming.fastq import headers

        path = dict(self._files())[mate] if self.on_disk else None
        source = path.open("rb") if path else mate.stream(self._objects, self._stop)
        with closing(source):
            found = headers(source)
            own = found if mate.half is None else islice(found, mate.half, None, 2)
            yield from map(pair_name, islice(own, begin, None))


def _shown(name: bytes) -> str:
    return name.decode("ascii", "replace")


def _paths(pair: ReadPair, tmp: Path, suffix: str) -> MatePaths:
    if "/" in pair.id:
        raise StageFault(FailureClass.BAD_PLAN, f"{pair.id!r} is no name for a file")
    return MatePaths(
        below(tmp, f"{pair.id}_R1.{suffix}"),
        below(tmp, f"{pair.id}_R2.{suffix}"),
    )


def _list_row(pair: ReadPair, paths: MatePaths) -> tuple[str, ...]:
    fields = dict(part.split(":", 1) for part in pair.read_group.split("\\t") if ":" in part)
    lane = next((part for part in pair.id.split(".")[1:2] if part.isdigit()), "1")
    return (
        fields.get("ID", pair.id),
        fields.get("SM", ""),
        fields.get("LB", ""),
        lane,
        str(paths.r1),
        str(paths.r2) if pair.r2 else "",
    )
