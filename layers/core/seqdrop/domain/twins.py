"""Contigs that are the same sequence under two names, as chrM and MT.

Reads fit both alike and get mapping quality 0, so that nothing is called in either.
"""

import hashlib
from collections.abc import Iterator, Sequence

from seqdrop.domain.bases import Bases
from seqdrop.domain.bed import listed
from seqdrop.domain.fasta import FastaContent
from seqdrop.domain.letters import reverse_complement

_SHORTEST = 1_000
"""Bases. Shorter ones are of repeats, and no place where a lab calls."""
_SHOWN = 5
_CHUNK_BASES = 1 << 20


def twin_warnings(content: FastaContent, bases: Bases) -> list[str]:
    """Warnings about contigs whose bases are those of another one, on either strand.

    ALT contigs are left out, which mappers know by their ``.alt`` file. Only contigs of one
    length are read again, piece by piece.
    """
    groups = list(_twins(content, bases))
    if not groups:
        return []
    said = listed([" = ".join(map(repr, group[:_SHOWN])) for group in groups], quoted=False)
    return [
        f"the sequence has contigs under several names, of the same bases ({said}): reads fit "
        "each alike and get mapping quality 0, so nothing is called there; keep one of each"
    ]


def _twins(content: FastaContent, bases: Bases) -> Iterator[list[str]]:
    alternates = set(content.alternates)
    certain = {region.contig for region in content.callable}
    by_length: dict[int, list[str]] = {}
    for contig, length in content.lengths.items():
        if length >= _SHORTEST and contig in certain and contig not in alternates:
            by_length.setdefault(length, []).append(contig)
    for length, contigs in by_length.items():
        if len(contigs) > 1:
            yield from _equal(contigs, length, bases)


def _equal(contigs: Sequence[str], length: int, bases: Bases) -> Iterator[list[str]]:
    groups: dict[bytes, list[str]] = {}
    for contig in contigs:
        groups.setdefault(_digest(contig, length, bases), []).append(contig)
    yield from (group for group in groups.values() if len(group) > 1)


def _digest(contig: str, length: int, bases: Bases) -> bytes:
    """The same for a sequence and its reverse complement."""
    starts = range(0, length, _CHUNK_BASES)
    forward, reverse = hashlib.sha256(), hashlib.sha256()
    for start in starts:
        forward.update(bases.read(contig, start, min(length, start + _CHUNK_BASES)))
    for start in reversed(starts):
        piece = bases.read(contig, start, min(length, start + _CHUNK_BASES))
        reverse.update(reverse_complement(piece))
    return min(forward.digest(), reverse.digest())
