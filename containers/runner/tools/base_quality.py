"""``seqdrop-tool base-quality``: base quality along the reads, for MultiQC to draw.

``samtools stats`` counts it, but MultiQC draws nothing of it.
"""

import sys
from pathlib import Path

from runner.tools.custom_content import custom_content

_MATES = {"FFQ": "first reads", "LFQ": "second reads"}
"""The marks of its lines. MultiQC takes names that end in R1 and R2 for one sample's."""
_LOOK = {
    "id": "base_quality",
    "section_name": "Base quality",
    "description": "Mean base quality (Phred) of each cycle, by samtools stats.",
    "plot_type": "linegraph",
    "pconfig": {
        "id": "base_quality_plot",
        "title": "Samtools stats: base quality",
        "xlab": "Cycle",
        "ylab": "Mean quality (Phred)",
        "ymin": 0,
    },
}


def main(arguments: list[str]) -> int:
    """Reads the named output of ``samtools stats``, and prints the custom content."""
    (path,) = arguments
    sys.stdout.write(custom_content(_LOOK, mean_qualities(Path(path).read_text())))
    return 0


def mean_qualities(stats: str) -> dict[str, dict[int, float]]:
    """The mean quality of each cycle (from 1), of first and of second reads."""
    means: dict[str, dict[int, float]] = {name: {} for name in _MATES.values()}
    for line in stats.splitlines():
        mark, *fields = line.split("\t")
        if mark not in _MATES:
            continue
        cycle, *counts = map(int, fields)
        if total := sum(counts):
            weighted = sum(quality * count for quality, count in enumerate(counts))
            means[_MATES[mark]][cycle] = round(weighted / total, 2)
    return {mate: line for mate, line in means.items() if line}
