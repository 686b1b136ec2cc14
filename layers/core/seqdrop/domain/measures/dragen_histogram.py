"""DRAGEN's ``<prefix>.<region>_fine_hist.csv``: how many bases there are of each depth.

``Depth,Overall``, then a row for each depth from 0; the last one (``2000+``) is for that and all
above.
"""

import csv
import io

from seqdrop.domain.measures.depth import BREADTH_DEPTHS

NAMES = frozenset(f"breadth_{depth}x" for depth in BREADTH_DEPTHS)


def read(content: bytes) -> dict[str, float]:
    """Fractions of the bases with the depths of ``breadth_…x``, or more."""
    bases = bases_by_depth(content)
    total = sum(bases.values())
    if not total:
        raise ValueError("it counts no base")
    return {
        f"breadth_{least}x": round(
            sum(count for depth, count in bases.items() if depth >= least) / total, 4
        )
        for least in BREADTH_DEPTHS
    }


def bases_by_depth(content: bytes) -> dict[int, int]:
    """Depth to bases, the last depth for all above too. Raises ValueError for another file."""
    rows = csv.reader(io.StringIO(content.decode("utf-8-sig")))
    if not any(row[:2] == ["Depth", "Overall"] for row in rows):
        raise ValueError("it has no line Depth,Overall")
    return {int(row[0].rstrip("+")): int(row[1]) for row in rows if row}
