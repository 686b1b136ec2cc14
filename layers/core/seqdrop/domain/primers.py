"""Primers of an amplicon panel: a BED file by which their bases are clipped from reads.

A primer's bases are those that were ordered, not the patient's. ``samtools ampliconclip`` clips
them by strand, and leaves a line that it can't use without a word. So a file is read by these
rules once, when it is added.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from seqdrop.domain.bed import listed, parse_bed
from seqdrop.domain.errors import InvalidReference

PART = "primers"
FILE = "primers.bed"
LONGEST = 200
"""Bases. Primers with their tails are seldom longer than 100; a longer region is an amplicon, and
clipping by it would take all of its reads away."""
_STRAND = 5
_OK = (["+"], ["-"])


def parse_primers(lines: Iterable[str], lengths: Mapping[str, int], file: str) -> list[str]:
    """The primers' lines, divided by tabs, without line ends, for contigs of these lengths.

    Raises InvalidReference for what no BED may hold, a primer that the sequence does not have as a
    whole, one without a strand, and one that is too long to be a primer.
    """
    bed = parse_bed(lines, lengths, file)
    if bed.left_out:
        raise InvalidReference(
            f"{file} has primers that the sequence does not have, or not as a whole: "
            f"{_shown(bed.left_out)}: their reads would keep the primers' bases; take the file "
            "that was made for this sequence, or delete these lines"
        )
    unstranded = [line for line in bed.lines if line.split("\t")[_STRAND : _STRAND + 1] not in _OK]
    if unstranded:
        raise InvalidReference(
            f"{file} has primers without a strand: {_shown(unstranded)}: give each line six "
            "columns (contig, start, end, name, score, strand), with + for a primer at the left "
            "end of its amplicon and - for one at the right end"
        )
    long = [
        line
        for line, region in zip(bed.lines, bed.regions, strict=True)
        if region.end - region.start > LONGEST
    ]
    if long:
        raise InvalidReference(
            f"{file} has regions of more than {LONGEST} bases, which no primer has: "
            f"{_shown(long)}: give the primers, not the amplicons"
        )
    return bed.lines


def primer_warnings(lines: Iterable[str], file: str) -> Iterator[str]:
    """What is odd about primers that ``parse_primers`` has taken, and not wrong."""
    strands = {line.split("\t")[_STRAND] for line in lines}
    if len(strands) == 1:
        (strand,) = strands
        yield (
            f"{file} has primers of the strand {strand} alone: nothing is clipped from reads of "
            "the other one's"
        )


def lost_primers(before: str, had: Iterable[str], now: Collection[str]) -> Iterator[str]:
    """What is odd about a version without the primers of an earlier one, by the names of parts."""
    for name in had:
        kind, _, targets = name.partition(":")
        if kind == PART and name not in now and f"targets:{targets}" in now:
            yield (
                f"version {before} has primers of {targets}, and this one has none: reads of that "
                f"panel would keep their primers' bases; give {targets}.primers.bed, too, under "
                "another version, unless this is meant"
            )


def _shown(lines: Iterable[str]) -> str:
    """Lines as people name regions."""
    fields = (line.split("\t") for line in lines)
    return listed([f"{one[0]}:{one[1]}-{one[2]}" for one in fields], quoted=False)
