"""DRAGEN's coverage reports over one region, from the stand-in's own alignment."""

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pysam

from local.tools.dragen_metrics import Row, percent
from local.tools.fragment_depth import contig_depths
from seqdrop.domain.bed import Region, merged, parse_bed
from seqdrop.domain.text import text_lines

IntArray = np.ndarray[tuple[int], np.dtype[np.int64]]
COVERAGE_STEPS = (1, 3, 10, 15, 20, 50, 100)
DEEPEST = 2000
"""The last depth of the histogram."""
_AUTOSOMES = {f"{prefix}{number}" for prefix in ("", "chr") for number in range(1, 23)}
_GROUPS = {
    "autosomal": _AUTOSOMES,
    "chr X": {"X", "chrX"},
    "chr Y": {"Y", "chrY"},
}


@dataclass(frozen=True)
class Coverage:
    """What is measured: DRAGEN's word for the region, and what counts."""

    word: str
    bed: Path | None
    least_mapq: int
    fragments_once: bool


@dataclass(frozen=True)
class Depths:
    """Depth of each base of a region, by contig, and all that was aligned anywhere."""

    of: dict[str, list[IntArray]]
    aligned: int
    """Bases, counted by the same rules over the whole genome."""

    @property
    def all(self) -> IntArray:
        """Of all bases of the region."""
        return np.concatenate([np.zeros(0, np.int64), *(d for of in self.of.values() for d in of)])


def depths_of(bam: Path, coverage: Coverage) -> Depths:
    """Counts the depth of every base of the region."""
    with pysam.AlignmentFile(str(bam)) as alignment:
        return _depths(alignment, coverage)


def coverage_rows(depths: Depths, word: str) -> list[Row]:
    """Mean depth and how much is covered."""
    found, section = depths.all, "COVERAGE SUMMARY"
    inside = int(found.sum())
    rows: list[Row] = [
        (section, "", "Aligned bases", str(depths.aligned)),
        (section, "", f"Aligned bases in {word}", str(inside), percent(inside, depths.aligned)),
        (section, "", f"Average alignment coverage over {word}", _mean(found)),
    ]
    for step in COVERAGE_STEPS:
        name = f"PCT of {word} with coverage [{step:>3}x: inf)"
        rows.append((section, "", name, percent(int((found >= step).sum()), len(found))))
    for low, high in pairwise(COVERAGE_STEPS):
        name = f"PCT of {word} with coverage [{low:>3}x:{high:>3}x)"
        count = int(((found >= low) & (found < high)).sum())
        rows.append((section, "", name, percent(count, len(found))))
    for group, contigs in _GROUPS.items():
        parts = [d for contig in contigs & depths.of.keys() for d in depths.of[contig]]
        mean = _mean(np.concatenate(parts)) if parts else "NA"
        rows.append((section, "", f"Average {group} coverage over {word}", mean))
    return rows


def histogram_rows(depths: Depths) -> list[Row]:
    """How many bases have each depth; the last row is for all above too."""
    capped = np.minimum(depths.all, DEEPEST)
    counts = np.bincount(capped, minlength=DEEPEST + 1).tolist()
    rows = [(str(depth), str(count)) for depth, count in enumerate(counts)]
    return [("Depth", "Overall"), *rows[:-1], (f"{DEEPEST}+", rows[-1][1])]


def _mean(depths: IntArray) -> str:
    return f"{float(depths.mean()):.2f}" if len(depths) else "NA"


def _depths(alignment: pysam.AlignmentFile, coverage: Coverage) -> Depths:
    lengths = dict(zip(alignment.references, alignment.lengths, strict=True))
    regions = {contig: [Region(contig, 0, length)] for contig, length in lengths.items()}
    if coverage.bed:
        regions = {contig: [] for contig in lengths}
        with coverage.bed.open("rb") as file:
            for region in merged(parse_bed(text_lines(file), lengths).regions):
                regions[region.contig].append(region)
    found, aligned = defaultdict(list), 0
    for contig, inside in regions.items():
        known = contig_depths(
            alignment, contig, lengths[contig], coverage.least_mapq, once=coverage.fragments_once
        )
        if known is None:
            known = np.zeros(lengths[contig], np.int64)
        aligned += int(known.sum())
        for region in inside:
            found[contig].append(known[region.start : region.end])
    return Depths(found, aligned)
