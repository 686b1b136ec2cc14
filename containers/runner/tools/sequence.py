"""The sequence by its ``.fai``: lengths of contigs, and stretches of bases."""

from pathlib import Path
from typing import NamedTuple


class _Contig(NamedTuple):
    """A line of a ``.fai``: bases, where they begin, and bases and bytes of each line."""

    length: int
    offset: int
    line_bases: int
    line_bytes: int


def lengths_of(fai: Path) -> dict[str, int]:
    """Each contig's length in bases, in the order of the sequence."""
    return {name: contig.length for name, contig in _contigs(fai).items()}


def _contigs(fai: Path) -> dict[str, _Contig]:
    rows = (line.split("\t") for line in fai.read_text("utf-8").split("\n") if line)
    return {row[0]: _Contig(*map(int, row[1:5])) for row in rows}


class Sequence:
    """Reads stretches of a FASTA that has its ``.fai`` beside it."""

    def __init__(self, fasta: Path) -> None:
        """The file stays open as long as this does."""
        self._contigs = _contigs(fasta.with_name(f"{fasta.name}.fai"))
        self._file = fasta.open("rb")

    @property
    def contigs(self) -> list[str]:
        """Their names, in the order of the sequence."""
        return list(self._contigs)

    def bases(self, contig: str, start: int, end: int) -> str:
        """Bases from start to end (0-based, half-open), in capitals; fewer at the contig's end."""
        at = self._contigs[contig]
        end = min(end, at.length)
        first, last = (self._place(at, position) for position in (start, max(start, end)))
        self._file.seek(first)
        text = self._file.read(last - first)
        return text.translate(None, b"\r\n").decode("ascii").upper()

    @staticmethod
    def _place(at: _Contig, position: int) -> int:
        return at.offset + position // at.line_bases * at.line_bytes + position % at.line_bases
