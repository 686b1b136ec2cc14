"""Depth of each base of a contig: aligned bases, where the mates of a proper pair count once."""

import numpy as np
import pysam

# Unmapped, secondary, failed by the sequencer, duplicate.
UNCOUNTED = 0x4 | 0x100 | 0x200 | 0x400
_SUPPLEMENTARY = 0x800
Blocks = list[tuple[int, int]]


def contig_depths(
    alignment: pysam.AlignmentFile, contig: str, length: int, least_mapq: int, *, once: bool = True
) -> "np.ndarray[tuple[int], np.dtype[np.int64]] | None":
    """How many fragments cover each base; None where the contig has no read at all.

    Deletions and skipped bases count for nothing. ``once=False`` counts both mates everywhere.
    """
    steps = np.zeros(length + 1, np.int64)
    first_mates: dict[str, Blocks] = {}
    has_read = False
    for read in alignment.fetch(contig):
        has_read = True
        if read.flag & UNCOUNTED or read.mapping_quality < least_mapq:
            continue
        blocks: Blocks = read.get_blocks()
        if once and read.is_proper_pair and not read.flag & _SUPPLEMENTARY:
            blocks = _without_mate(read, blocks, first_mates)
        for start, end in blocks:
            steps[start] += 1
            steps[end] -= 1
    return np.cumsum(steps[:-1]) if has_read else None


def _without_mate(
    read: pysam.AlignedSegment, blocks: Blocks, first_mates: dict[str, Blocks]
) -> Blocks:
    """The blocks of a read that its mate, where that came first, does not cover."""
    name = str(read.query_name)
    if name in first_mates:
        return _difference(blocks, first_mates.pop(name))
    if (
        read.reference_id == read.next_reference_id
        and (read.reference_end or 0) > read.next_reference_start >= read.reference_start
    ):
        first_mates[name] = blocks
    return blocks


def _difference(blocks: Blocks, taken: Blocks) -> Blocks:
    left = blocks
    for start, end in taken:
        left = [
            (low, high)
            for begin, stop in left
            for low, high in ((begin, min(stop, start)), (max(begin, end), stop))
            if low < high
        ]
    return left
