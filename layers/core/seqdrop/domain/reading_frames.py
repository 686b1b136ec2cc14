"""Genes held against the bases of the sequence: what is coding must read as protein.

Genes of another build have names and positions that fit by chance. csq takes them, and calls a
missense change synonymous. Out of frame, though, three of 64 codons are stops, and few
transcripts are without one.
"""

import re
from array import array
from collections.abc import Callable, Iterable
from typing import NamedTuple

from seqdrop.domain.bed import Region
from seqdrop.domain.errors import InvalidReference
from seqdrop.domain.letters import reverse_complement

_STOP = re.compile(rb"TAA|TAG|TGA")
"""Stop codons of the standard code (NCBI table 1), by which csq reads every contig. Two of them
can't overlap, so that a search finds all."""
_STOP_OFMITOCHONDRIA = re.compile(rb"TAA|TAG")
"""Those that nearly all mitochondria have: TGA is tryptophan there, and AGA and AGG are stops in
vertebrates alone (NCBI tables 2, 3, 4, 5, 9)."""
_START = re.compile(rb"[ACGT]TG|AT[ACGT]")
"""Start codons of the standard, bacterial and mitochondrial codes (NCBI tables 1, 2, 5, 11)."""
MITOCHONDRIA = re.compile(r"(chr)?(M|MT)")
"""What their contig is called."""
_SHARE_WARNED = 0.01
"""Transcripts with a stop inside that nobody is told of: selenoproteins and programmed
frameshifts are some hundred of a human annotation's 100,000."""
_SHARE_OF_MOVED = 0.1
"""Transcripts with a stop inside, beside which missing ends show that genes are moved."""
_BROKEN = "have a stop codon inside, or coding sequence on both strands"
_ENDLESS = "neither begin with a start codon nor end with a stop codon"
_EXAMPLES = 5

ReadBases = Callable[[str, int, int], bytes]
"""Gives the bases of a contig in capitals, from a start (0-based) to before an end."""


class CodingSequence(NamedTuple):
    """The coding sequence of a transcript."""

    transcript: str
    contig: str
    strand: str
    """Of the transcript's own line: csq looks at no other."""
    pieces: "array[int]"
    """Start (0-based) and end of each piece, one after the other, in any order."""
    phase: int
    """Of the piece that is read first: so many bases come before its first whole codon."""
    line: int
    """Of its first piece in the file."""
    mixed: bool = False
    """Whether a piece is on another strand than the transcript."""

    @property
    def longest_piece(self) -> Region:
        """By the name of the transcript."""
        pieces = zip(self.pieces[::2], self.pieces[1::2], strict=True)
        start, end = max(pieces, key=lambda piece: piece[1] - piece[0])
        return Region(self.contig, start, end, self.transcript)


def check_reading_frames(
    coding: Iterable[CodingSequence], read: ReadBases, file: str = "the GFF3 file"
) -> list[str]:
    """Warnings about transcripts that do not read as protein.

    Raises InvalidReference where more than half do not. Parts of genes have no ends, so that it
    is no fault by itself where these lack; beside many stops it is: genes that are moved by
    whole codons lose one of their ends on one strand, and have it inside on the other.
    """
    count, broken, endless = 0, _Examples(), _Examples()
    for one in coding:
        count += 1
        bases = spliced(one, read)
        if one.mixed or has_stop_inside(bases, one.contig):
            broken.add(one)
        elif not _has_an_end(bases, one):
            endless.add(one)
    is_most = (broken.count + endless.count) * 2 > count
    if broken.count * 2 > count or (is_most and broken.count > count * _SHARE_OF_MOVED):
        more = f", and {endless.of(count)} {_ENDLESS}" if endless.count else ""
        raise InvalidReference(
            f"{file} does not fit the sequence: {broken.of(count)} {_BROKEN}{more}; the genes are "
            "of another assembly or build of it, or of a genetic code that bcftools csq does not "
            "read by: take those of this sequence"
        )
    warnings = []
    if broken.count > count * _SHARE_WARNED:
        warnings.append(
            f"{file}: {broken.of(count)} {_BROKEN}; selenoproteins and frameshifts have, others "
            "are in another place in this sequence: don't trust consequences in them"
        )
    if is_most:
        warnings.append(
            f"{file}: {endless.of(count)} {_ENDLESS}; where they are no parts of genes, the file "
            "is of another assembly or build of it, and consequences are wrong"
        )
    return warnings


class _Examples:
    """Transcripts of a kind, counted; the first of them."""

    def __init__(self) -> None:
        self.count = 0
        self._first: list[str] = []

    def add(self, one: CodingSequence) -> None:
        self.count += 1
        if len(self._first) < _EXAMPLES:
            self._first.append(f"{one.transcript} in line {one.line}")

    def of(self, count: int) -> str:
        more = ", …" if self.count > len(self._first) else ""
        return f"{self.count} of {count} coding transcripts ({', '.join(self._first)}{more})"


def spliced(coding: CodingSequence, read: ReadBases) -> bytes:
    """The bases of a transcript's coding sequence as they are read, from the first whole codon.

    Pieces that overlap by a base or two, as where ribosomes slip, are read twice there, as
    ribosomes do.
    """
    places = sorted(zip(coding.pieces[::2], coding.pieces[1::2], strict=True))
    bases = b"".join([read(coding.contig, start, end) for start, end in places])
    if coding.strand == "-":
        bases = reverse_complement(bases)
    return bases[coding.phase :]


def has_stop_inside(bases: bytes, contig: str) -> bool:
    """Whether a whole codon that others follow is a stop. Codons with N or IUPAC codes are none.

    What is left of a last codon is one that follows.
    """
    stop = _STOP_OFMITOCHONDRIA if MITOCHONDRIA.fullmatch(contig) else _STOP
    inside = (len(bases) - 1) // 3 * 3
    return any(found.start() % 3 == 0 for found in stop.finditer(bases, 0, max(0, inside)))


def _has_an_end(bases: bytes, coding: CodingSequence) -> bool:
    starts = coding.phase == 0 and _START.match(bases)
    return bool(starts or (len(bases) % 3 == 0 and _STOP.match(bases[-3:])))
