"""The two mates of a read pair: their names in messages, their counts held together."""

from dataclasses import dataclass, field
from threading import Event

from runner.fastq import FastqFault, MateCounts
from runner.faults import StageFault
from runner.objects import Objects
from runner.source import ObjectStream
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
        return self.pair.r1 if self.read == "R1" else self.pair.r2

    @property
    def name(self) -> str:
        """What a person calls it."""
        return f"{self.read} of lane {self.pair.id} (key {self.stored.key})"

    def stream(self, objects: Objects, stop: Event) -> ObjectStream:
        """The file's compressed bytes; a file that is gone is the sample's fault."""
        return ObjectStream(objects.client, self.stored, stop, gone=FailureClass.INPUT)

    def fault(self, fault: FastqFault) -> StageFault:
        """What the checks found, with the file's name."""
        return StageFault(FailureClass.INPUT, f"{self.name} {fault}")


def mates_of(pair: ReadPair) -> tuple[Mate, Mate]:
    """R1, then R2."""
    return Mate(pair, "R1"), Mate(pair, "R2")


@dataclass
class ReadCounts:
    """What was read of each pair; a pair that is streamed twice counts once."""

    pairs: dict[str, tuple[MateCounts, MateCounts]] = field(default_factory=dict)

    def add(self, pair: ReadPair, first: MateCounts, second: MateCounts) -> None:
        """A pair that was read whole; a fault where one mate is shorter."""
        if first.reads != second.reads:
            r1, r2 = mates_of(pair)
            short, long, few, many = r1, r2, first.reads, second.reads
            if few > many:
                short, long, few, many = r2, r1, many, few
            raise StageFault(
                FailureClass.INPUT,
                f"{short.name} has {few:,} reads, {long.read} has {many:,}",
                {"r1_reads": first.reads, "r2_reads": second.reads},
            )
        self.pairs[pair.id] = (first, second)

    def totals(self) -> dict[str, int]:
        """``reads_in`` (both mates) and ``bases_in``."""
        mates = [mate for pair in self.pairs.values() for mate in pair]
        return {
            "reads_in": sum(mate.reads for mate in mates),
            "bases_in": sum(mate.bases for mate in mates),
        }
