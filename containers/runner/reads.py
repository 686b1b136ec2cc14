"""How read pairs reach the tools: as named pipes, or as checked files with a list for DRAGEN."""

import csv
from collections.abc import Callable
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Event

from runner.commands import MatePaths
from runner.fastq import FastqFault, MateCounts, RecordCounter, checked_text
from runner.faults import StageFault
from runner.feed import Feed, ToolsEnded
from runner.fifo import FifoWriter
from runner.mates import Mate, ReadCounts, mates_of
from runner.objects import Objects
from runner.processes import Ended
from runner.scratch import below
from seqdrop.domain.failure import FailureClass
from seqdrop.domain.plan import ReadPair

_LIST_HEADER = ("RGID", "RGSM", "RGLB", "Lane", "Read1File", "Read2File")


class Reads:
    """The pairs of a stage: where they are for its tools, and what was counted in them."""

    def __init__(
        self, pairs: tuple[ReadPair, ...], how: str, tmp: Path, objects: Objects, stop: Event
    ) -> None:
        """``how`` is the plan's: "stream", "files", or "" for a stage without reads."""
        self.streamed, self.on_disk = how == "stream", how == "files"
        self._objects, self._stop, self._tmp = objects, stop, tmp
        suffix = "fastq" if self.streamed else "fastq.gz"
        self.pairs = {pair.id: (pair, _paths(pair, tmp, suffix)) for pair in pairs}
        self.counts = ReadCounts()
        self._found: dict[Mate, MateCounts] = {}

    def fetch_tasks(self) -> list[Callable[[], None]]:
        """What brings the files, for run_parallel; nothing where they are streamed."""
        if not self.on_disk:
            return []
        return [
            partial(self._fetch, mate, path)
            for pair, paths in self.pairs.values()
            for mate, path in zip(mates_of(pair), (paths.r1, paths.r2), strict=True)
        ]

    def finish_fetch(self) -> None:
        """Compare the mates that were fetched, and list them for DRAGEN."""
        if not self.on_disk:
            return
        for pair, _ in self.pairs.values():
            first, second = (self._found[mate] for mate in mates_of(pair))
            self.counts.add(pair, first, second)
        with (self._tmp / "fastq_list.csv").open("w", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(_LIST_HEADER)
            rows.writerows(_list_row(pair, paths) for pair, paths in self.pairs.values())

    def feeds(
        self, pairs: list[ReadPair], tools: ToolsEnded, events: "SimpleQueue[Ended | Feed]"
    ) -> list[Feed]:
        """Feeds of the pairs that a step reads, their named pipes made; none is started."""
        if pairs and not self.streamed and not self.on_disk:
            raise StageFault(FailureClass.PLAN, "a step uses reads, but its stage asks for none")
        feeds: list[Feed] = []
        for pair in pairs if self.streamed else ():
            paths = self.pairs[pair.id][1]
            both = [
                Feed(
                    mate,
                    mate.stream(self._objects, self._stop),
                    FifoWriter(path, tools.event),
                    tools,
                    events,
                )
                for mate, path in zip(mates_of(pair), (paths.r1, paths.r2), strict=True)
            ]
            both[0].partner, both[1].partner = both[1], both[0]
            feeds += both
        return feeds

    def remove_pipes(self, pairs: list[ReadPair]) -> None:
        """A step is over: another may read the same pair."""
        for pair in pairs if self.streamed else ():
            paths = self.pairs[pair.id][1]
            paths.r1.unlink(missing_ok=True)
            paths.r2.unlink(missing_ok=True)

    def check_all_read(self) -> None:
        """Every pair was streamed by some step, and there is at least one read."""
        for pair_id in self.pairs:
            if pair_id not in self.counts.pairs:
                raise StageFault(FailureClass.PLAN, f"no step reads lane {pair_id}")
        if not self.counts.totals()["reads_in"]:
            raise StageFault(FailureClass.INPUT, "there is no read in any of the files")

    def _fetch(self, mate: Mate, path: Path) -> None:
        counter = RecordCounter()
        stream = mate.stream(self._objects, self._stop)
        try:
            with path.open("wb") as file:
                for _ in checked_text(stream, counter, md5=mate.stored.md5, copy=file.write):
                    pass  # only the compressed bytes are kept
        except FastqFault as fault:
            raise mate.fault(fault) from fault
        finally:
            stream.close()
        self._found[mate] = MateCounts(counter.reads, counter.bases)


def _paths(pair: ReadPair, tmp: Path, suffix: str) -> MatePaths:
    if "/" in pair.id:
        raise StageFault(FailureClass.PLAN, f"{pair.id!r} is no name for a file")
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
        str(paths.r2),
    )
