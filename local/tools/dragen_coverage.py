"""DRAGEN's coverage metrics over one region, from the stand-in's own alignment."""

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

COVERAGE_STEPS = (1, 3, 10, 15, 20, 30, 50, 100)
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


def coverage_rows(bam: Path, coverage: Coverage) -> list[Row]:
    """Mean depth and how much is covered."""
    with pysam.AlignmentFile(str(bam)) as alignment:
        depths = _depths(alignment, coverage)
    found = np.concatenate([np.zeros(0, np.int64), *(d for of in depths.values() for d in of)])
    word, section = coverage.word, "COVERAGE SUMMARY"
    rows: list[Row] = [
        (section, "", f"Aligned bases in {word}", str(int(found.sum()))),
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
        parts = [d for contig in contigs & depths.keys() for d in depths[contig]]
        mean = _mean(np.concatenate(parts)) if parts else "NA"
        rows.append((section, "", f"Average {group} coverage over {word}", mean))
    return rows


def _mean(depths: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> str:
    return f"{float(depths.mean()):.2f}" if len(depths) else "NA"


def _depths(
    alignment: pysam.AlignmentFile, coverage: Coverage
) -> "dict[str, list[np.ndarray[tuple[int], np.dtype[np.int64]]]]":
    lengths = dict(zip(alignment.references, alignment.lengths, strict=True))
    regions = [Region(contig, 0, length) for contig, length in lengths.items()]
    if coverage.bed:
        with coverage.bed.open("rb") as file:
            regions = merged(parse_bed(text_lines(file), lengths).regions)
    found = defaultdict(list)
    contig, known = "", np.zeros(0, np.int64)
    for region in regions:
        if region.contig != contig:
            contig, length = region.contig, lengths[region.contig]
            counted = contig_depths(
                alignment, contig, length, coverage.least_mapq, once=coverage.fragments_once
            )
            known = np.zeros(length, np.int64) if counted is None else counted
        found[contig].append(known[region.start : region.end])
    return found
