"""``seqdrop-tool depth-plot``: how much has at least each depth, for MultiQC to draw.

DRAGEN's histogram is of the region that was asked for; MultiQC knows that of the whole genome
alone.
"""

import sys
from itertools import accumulate
from pathlib import Path

from runner.tools.custom_content import custom_content
from seqdrop.domain.measures.dragen_histogram import bases_by_depth

_FURTHEST = 0.005
"""The line ends where less than this fraction has the depth: the rest is a long flat tail."""
_LOOK = {
    "id": "depth",
    "section_name": "Depth",
    "description": "Bases of the targets, or of the genome, with at least each depth, by DRAGEN.",
    "plot_type": "linegraph",
    "pconfig": {
        "id": "depth_plot",
        "title": "DRAGEN: depth",
        "xlab": "Depth",
        "ylab": "Bases with this depth or more (%)",
        "ymin": 0,
        "ymax": 100,
    },
}


def main(arguments: list[str]) -> int:
    """Reads the named histogram, and prints the custom content."""
    path, sample = arguments
    reached = fractions(bases_by_depth(Path(path).read_bytes()))
    line = {depth: round(100 * part, 3) for depth, part in reached.items()}
    sys.stdout.write(custom_content(_LOOK, {sample: line}))
    return 0


def fractions(bases: dict[int, int]) -> dict[int, float]:
    """Depth to the fraction of all bases that have it or more, from 0 on."""
    total = sum(bases.values())
    deepest_first = sorted(bases, reverse=True)
    sums = accumulate(bases[depth] for depth in deepest_first)
    found = {depth: part / total for depth, part in zip(deepest_first, sums, strict=True)}
    return {depth: found[depth] for depth in sorted(found) if found[depth] >= _FURTHEST}
