"""Figures of QC side by side on the page of a comparison."""

import math

from seqdrop.domain.comparison.pages.dots import dot_plot
from seqdrop.domain.comparison.pages.html import (
    EMPTY,
    Column,
    Html,
    element,
    figure,
    headings,
    plural,
    row,
    section,
    table,
)
from seqdrop.domain.comparison.report import Metric, Report

_FARTHEST = 0.1
"""Where the plot ends, as a share of the larger figure; beyond it an arrow is drawn."""

_COLUMNS = (
    Column("Figure"),
    Column("A", "number"),
    Column("B", "number"),
    Column("B − A", "number"),
    Column("B beside A, ±10 %", "dot"),
    Column("Tolerance"),
)


def metrics(report: Report) -> Html:
    """Those that differ as a table, those out of tolerance first; the others in a sentence."""
    differing = [one for one in report.metrics if one.a != one.b or not one.within]
    equal = len(report.metrics) - len(differing)
    others = f"{plural(equal, 'figure is', 'figures are')} the same in both." if equal else ""
    if not differing:
        return section("qc", "Quality control", element("p", others) if others else EMPTY)
    differing.sort(key=lambda one: one.within)
    outside = sum(not one.within for one in differing)
    verdict = (
        f"{plural(outside, 'figure is', 'figures are')} outside the tolerance."
        if outside
        else "All differences are within the tolerance."
    )
    rows = (row(_COLUMNS, *_cells(one)) for one in differing)
    return section(
        "qc",
        "Quality control",
        table("Figures of QC that differ", headings(_COLUMNS), element("tbody", *rows)),
        lead=f"{verdict} {others}".strip(),
    )


def _cells(metric: Metric) -> list[str]:
    return [
        metric.name,
        figure(metric.a),
        figure(metric.b),
        _difference(metric),
        _dots(metric),
        _judged(metric),
    ]


def _difference(metric: Metric) -> str:
    if metric.a is None or metric.b is None or not math.isfinite(metric.b - metric.a):
        return ""
    text = figure(metric.b - metric.a)
    return f"+{text}" if metric.b > metric.a else text


def _judged(metric: Metric) -> str:
    words = "within" if metric.within else "outside"
    if metric.a is None or metric.b is None:
        words += ": not in both"
    return element("span", words, class_="soft" if metric.within else "strong of-b")


def relative(a: float | None, b: float | None) -> float | None:
    """How far B is from A, as a share of the larger; None where that says nothing."""
    if a is None or b is None or not (math.isfinite(a) and math.isfinite(b)):
        return None
    larger = max(abs(a), abs(b))
    return b / larger - a / larger if larger else 0.0


def _dots(metric: Metric) -> Html:
    away = relative(metric.a, metric.b)
    if away is None:
        return EMPTY
    return dot_plot(away / _FARTHEST, f"{metric.name}: B is {100 * away:+.2g} % from A")
