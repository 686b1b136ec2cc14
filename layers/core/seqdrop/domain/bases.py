"""Bases of a working copy by place, without the whole sequence in memory."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmap import mmap


class Bases:
    """Reads a FASTA file that is as the working copy is.

    All lines of a contig but the last are of one length, and there are no blank ones.
    """

    def __init__(self, fasta: "bytes | mmap", lengths: Mapping[str, int]) -> None:
        """``lengths`` are those of the file's contigs, in its order."""
        self._fasta = fasta
        self._places: dict[str, tuple[int, int]] = {}
        at = 0
        for contig, length in lengths.items():
            begin = fasta.find(b"\n", at) + 1
            end = fasta.find(b"\n", begin)
            width = (end if end >= 0 else len(fasta)) - begin
            self._places[contig] = begin, width
            at = begin + length + -(-length // width)

    def read(self, contig: str, start: int, end: int) -> bytes:
        """The bases from ``start`` (0-based) to before ``end``, in capitals.

        Raises KeyError for a contig that is not there; the place has to be within it.
        """
        begin, width = self._places[contig]
        first, last = begin + start + start // width, begin + end + end // width
        return self._fasta[first:last].translate(None, b"\n").upper()
