"""The two mates of a read pair: their names in messages, their counts held together."""

from dataclasses import dataclass
from threading import Event

from runner.faults import FastqFault, StageFault
from runner.objects import Objects
from runner.source import ObjectStream
from runner.streaming.mate_counts import MateCounts
from seqdrop.domain.failure import FailureClass
from seqdrop.domain.plan import ReadPair, StoredObject


@dataclass(frozen=True)
class Mate:
    """R1 or R2 of a pair."""

    pair: ReadPair
    read: str

    @property
    def stored(self) -> StoredObject:
        """Where its file is."""
        return dict(self.pair.mates).get(self.read, self.pair.r1)

    @property
    def half(self) -> int | None:
        """Of interleaved reads, which of two records are its own; else all are."""
        return ("R1", "R2").index(self.read) if self.pair.interleaved else None

    @property
    def name(self) -> str:
        """What a person calls it."""
        return f"{self.read} of lane {self.pair.id} (key {self.stored.key})"

    def stream(self, objects: Objects, stop: Event) -> ObjectStream:
        """The file's compressed bytes; a file that is gone is the sample's fault."""
        return ObjectStream(objects.client, self.stored, stop, gone=FailureClass.BAD_INPUT)

    def fault(self, fault: FastqFault) -> StageFault:
        """What the checks found, with the file's name."""
        return StageFault(FailureClass.BAD_INPUT, f"{self.name} {fault}")


def mates_of(pair: ReadPair) -> tuple[Mate, ...]:
    """R1, then R2 where reads have mates."""
    return tuple(Mate(pair, read) for read in pair.reads)


def check_counts(pair: ReadPair, first: MateCounts, second: MateCounts) -> None:
    """A fault where one of two whole mates is shorter."""
    if first.reads == second.reads:
        return
    r1, r2 = mates_of(pair)
    short, long, few, many = r1, r2, first.reads, second.reads
    if few > many:
        short, long, few, many = r2, r1, many, few
    raise StageFault(
        FailureClass.BAD_INPUT,
        f"{short.name} has {few:,} reads, {long.read} has {many:,}",
        {"r1_reads": first.reads, "r2_reads": second.reads},
    )
