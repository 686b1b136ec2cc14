"""DRAGEN's ``<prefix>.<region>_fine_hist.csv``: how many bases there are of each depth.

``Depth,Overall``, then a row for each depth from 0; the last one (``2000+``) is for that and all
above.
"""

from seqdrop.domain.measures.depth import BREADTH_DEPTHS
from seqdrop.domain.measures.dragen_rows import csv_rows, number_of

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
    rows = csv_rows(content)
    if not any([field.strip() for field in row[:2]] == ["Depth", "Overall"] for row in rows):
        raise ValueError("it has no line Depth,Overall")
    bases: dict[int, int] = {}
    for row in rows:
        if not row:
            continue
        depth, count = int(row[0].strip().rstrip("+")), _whole(row[1])
        if depth in bases:
            raise ValueError(f"it has two rows for the depth {depth}")
        bases[depth] = count
    return bases


def _whole(text: str) -> int:
    """A count, as digits or with an exponent (``2.5e+03``). Raises ValueError for any other."""
    number = number_of(text.strip())
    if number is None or number < 0 or not number.is_integer():
        raise ValueError(f"it counts {text!r} bases")
    return int(number)
