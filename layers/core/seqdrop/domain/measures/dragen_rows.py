"""DRAGEN's metrics files: headerless rows of section, read group or sample, metric, one or two
values.

The first value is a count or a ratio, the second, where there is one, a percentage. Values can
be ``NA``, ``inf`` or empty; spaces in a metric's name differ from version to version.
"""

import csv
import io
import math
from collections.abc import Iterator
from typing import NamedTuple


class Row(NamedTuple):
    """A row whose first value is a number."""

    section: str
    of: str
    """The read group or the sample; "" where it is of the whole run."""
    metric: str
    value: float
    percent: float | None


def rows(content: bytes) -> Iterator[Row]:
    """The rows that hold numbers; others (``NA``, a clock's time, a short row) are left out."""
    for fields in csv.reader(io.StringIO(content.decode("utf-8-sig"))):
        if len(fields) < 4:
            continue
        value = _number(fields[3])
        if value is not None:
            metric = " ".join(fields[2].split())
            percent = _number(fields[4]) if len(fields) > 4 else None
            yield Row(fields[0].strip(), fields[1].strip(), metric, value, percent)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
