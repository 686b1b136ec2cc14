"""The lines of a GFF3 file that say what is coding, and what they say together."""

from array import array
from dataclasses import dataclass
from typing import NamedTuple

from seqdrop.domain.reading_frames import CodingSequence

TRANSCRIPT = "transcript:"
"""What the ID of a transcript begins with."""


class Feature(NamedTuple):
    """One line; positions as they are written."""

    contig: str
    kind: str
    start: str
    end: str
    strand: str
    phase: str
    attributes: dict[str, str]

    @classmethod
    def of(cls, fields: list[str]) -> "Feature":
        """From the line's nine columns."""
        contig, _, kind, start, end, _, strand, phase, text = fields
        attributes = dict(pair.strip().partition("=")[::2] for pair in text.split(";"))
        return cls(contig, kind, start, end, strand, phase, attributes)

    @property
    def place(self) -> tuple[int, int]:
        """First and last base, from 1."""
        return int(self.start), int(self.end)

    @property
    def wrong_strand(self) -> str:
        return f"({self.kind}) has the strand {self.strand!r}: it must be '+' or '-'"


class Transcript(NamedTuple):
    """What a transcript's own line says."""

    line: int
    contig: str
    strand: str
    start: int
    end: int


@dataclass(slots=True)
class Coding:
    """The pieces of a transcript's coding sequence, as they come; each end with its line."""

    contig: str
    line: int
    strand: str
    pieces: "array[int]"
    first: tuple[int, int, int]
    """The smallest start, its line, and the phase of the piece."""
    last: tuple[int, int, int]
    """The same of the largest end."""

    def add(self, feature: Feature, number: int) -> None:
        """One more piece."""
        start, end = feature.place
        phase = int(feature.phase)
        self.pieces.extend((start - 1, end))
        self.first = min(self.first, (start, number, phase))
        self.last = max(self.last, (end, number, phase))
        if feature.strand != self.strand:
            self.strand = "+-"

    def sequence(self, name: str, strand: str) -> CodingSequence:
        """As it is held against the bases; the strand is the transcript's."""
        phase = self.first[2] if strand == "+" else self.last[2]
        return CodingSequence(
            name.removeprefix(TRANSCRIPT), self.contig, strand, self.pieces, phase, self.line,
            mixed=self.strand != strand,
        )  # fmt: skip
