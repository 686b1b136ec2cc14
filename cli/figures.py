"""A run's metrics for people: under the names that limits use, each with its unit."""

import textwrap
from collections.abc import Iterator, Mapping

from seqdrop.domain.metrics import METRICS

_WIDTH = 92


def metric_lines(metrics: Mapping[str, float]) -> Iterator[str]:
    """All metrics in few lines, in the order of their definitions; older names come last."""
    known = [name for name in METRICS if name in metrics]
    names = [*known, *sorted(metrics.keys() - METRICS.keys())]
    said = [f"{name} {value_text(name, metrics[name])}" for name in names]
    # No line ends between a metric's name and its value.
    text = ", ".join(item.replace(" ", "\0") for item in said)
    for line in textwrap.wrap(text, _WIDTH, break_on_hyphens=False, break_long_words=False):
        yield line.replace("\0", " ")


def value_text(name: str, value: float) -> str:
    """Fractions in percent, counts with separators, depths with ×."""
    unit = METRICS[name].unit if name in METRICS else ""
    if unit == "fraction":
        return f"{100 * value:.2f} %"
    if unit in {"reads", "records", "bases", "files"}:
        return f"{value:,.0f}" + (" bases" if unit == "bases" else "")
    return f"{value:g}" + ("×" if unit == "×" else "")
