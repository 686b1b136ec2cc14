"""What was counted in the mates of the pairs, and what the two of a pair say of each other."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field

MOST_LANES = 64
"""So many lanes of a file are told from each other; two are too many."""
BLOCK_READS = 1_000
"""Names and bases are compared across mates by a checksum for each block of so many reads."""


def _blocks() -> "array[int]":
    return array("L")


@dataclass
class MateCounts:
    """What a mate file held, or what of it was read."""

    reads: int = 0
    bases: int = 0
    q30_bases: int = 0
    quality_min: int = 255
    quality_max: int = 0
    """The lowest and highest quality as bytes of the file; 255 and 0 where there are no bases."""
    without_end_block: bool = False
    """Blocked gzip that lacks its empty last block: it may have lost whole blocks."""
    lanes: set[bytes] = field(default_factory=set, compare=False)
    """What the reads' names begin with, up to flowcell and lane; see ``lane_prefix``. All of them
    where every name tells a lane; of a file with names of other styles among them, perhaps some."""
    names: "array[int]" = field(default_factory=_blocks)
    """A checksum of the pairs' names for each block of reads, the last one maybe shorter."""
    sequences: "array[int]" = field(default_factory=_blocks)
    """The same of the bases."""

    def whole_blocks(self) -> int:
        """How many blocks have all of their reads."""
        return self.reads // BLOCK_READS


def parting_block(first: MateCounts, second: MateCounts) -> int | None:
    """The first block in which the mates' names differ, of those that both have whole.

    The last, shorter block counts too where both have as many reads.
    """
    blocks = min(first.whole_blocks(), second.whole_blocks())
    if first.reads == second.reads:
        blocks = len(first.names)
    return next((n for n in range(blocks) if first.names[n] != second.names[n]), None)


Counted = tuple[MateCounts, ...]
"""Of R1, and of R2 where reads are in pairs."""


def totals(lanes: Iterable[Counted]) -> dict[str, int]:
    """What is published of all lanes: reads and bases are those of both mates."""
    all_lanes = list(lanes)
    mates = [mate for lane in all_lanes for mate in lane]
    pairs = [(lane[0], lane[1]) for lane in all_lanes if len(lane) > 1]
    found = {
        "reads_in": sum(mate.reads for mate in mates),
        "bases_in": sum(mate.bases for mate in mates),
        "q30_bases": sum(mate.q30_bases for mate in mates),
        "without_end_block": sum(mate.without_end_block for mate in mates),
        "merged_files": sum(len(mate.lanes) > 1 for mate in mates),
    }
    if pairs:
        found["identical_mates"] = sum(identical_pairs(*pair) for pair in pairs)
    if found["bases_in"]:
        found["quality_min"] = min(mate.quality_min for mate in mates)
        found["quality_max"] = max(mate.quality_max for mate in mates)
    return found


def lane_counts(lane: Counted) -> dict[str, int]:
    """What is published of one lane: the same, and the qualities of each mate."""
    counts = totals([lane])
    for name, mate in zip(("r1", "r2"), lane, strict=False):
        if mate.bases:
            counts[f"{name}_quality_min"] = mate.quality_min
            counts[f"{name}_quality_max"] = mate.quality_max
    return counts


def identical_pairs(first: MateCounts, second: MateCounts) -> int:
    """The pairs in blocks of which R1 and R2 hold the same bases; the mates have equal counts."""
    return sum(
        min(BLOCK_READS, first.reads - number * BLOCK_READS)
        for number, (one, two) in enumerate(zip(first.sequences, second.sequences, strict=True))
        if one == two
    )
