"""DRAGEN's metrics files: headerless rows of section, read group or sample, metric, one or two
values.

The first value is a count or a ratio, the second, where there is one, a percentage. Values can
be ``NA``, ``inf``, a clock's time or empty; spaces in a metric's name differ from version to
version. DRAGEN does not say how it writes a sample's or read group's name that has a comma: taken
are both a quoted one and one that makes the row a column longer.
"""

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_VALUE = re.compile(
    rf"{_NUMBER.pattern}|[+-]?(inf|nan)|na|n/a|\d+:\d\d:\d\d(\.\d+)?|", re.IGNORECASE
)
"""What stands where a value should be: of anything else the row is one of another form."""
_LEAST_FIELDS = 4
_LONGEST = 5
_HUNDRED = 100


class Row(NamedTuple):
    """A row. What is not a number (``NA``, say) is None: it was not measured, and is not 0."""

    section: str
    of: str
    """The read group or the sample; "" where it is of the whole run."""
    metric: str
    value: float | None
    percent: float | None


def rows(content: bytes) -> Iterator[Row]:
    """The rows of the form above; others are left out.

    Raises ValueError for a file that is not text, is cut within a quoted name, or has a share of
    less than none or more than all.
    """
    for fields in csv_rows(content):
        row = [field.strip() for field in fields]
        while len(row) > _LEAST_FIELDS and not _VALUE.fullmatch(row[3]):
            row[1:3] = [f"{row[1]},{row[2]}"]  # a name with a comma
        if len(row) not in (_LEAST_FIELDS, _LONGEST) or not _VALUE.fullmatch(row[3]):
            continue
        section, of, metric, value, *rest = row
        percent = number_of(rest[0]) if rest else None
        yield Row(section, of, " ".join(metric.split()), number_of(value), percent)


def csv_rows(content: bytes) -> Iterator[list[str]]:
    """The fields of each line. Raises ValueError for a broken file."""
    reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from error


def share(row: Row) -> float | None:
    """A row's percentage as a fraction, to 4 decimals. Raises ValueError for none of 0 to 100."""
    if row.percent is None:
        return None
    if not 0 <= row.percent <= _HUNDRED:
        raise ValueError(f"its {row.metric} are {row.percent:g} %")
    return round(row.percent / _HUNDRED, 4)


def values_of(found: Iterable[Row]) -> dict[str, float | None]:
    """By metric, its value; None where it has a row without a number.

    Raises ValueError where a metric has two values: the file is of two runs, and nobody knows
    which is ours; and for one that is negative, which no count or depth is.
    """
    values: dict[str, float | None] = {}
    for row in found:
        if row.metric in values and values[row.metric] != row.value:
            raise ValueError(f"it has two values for {row.metric}")
        if row.value is not None and row.value < 0:
            raise ValueError(f"its {row.metric} is {row.value:g}")
        values[row.metric] = row.value
    return values


def number_of(text: str) -> float | None:
    """A finite number; None for ``NA``, ``inf``, a clock's time, or no text."""
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None
