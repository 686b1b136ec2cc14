"""Calls, time, cost and figures of QC on the page of a test of equivalence."""

import math
from collections.abc import Iterable, Iterator

from seqdrop.domain.comparison.pages.changes import bar
from seqdrop.domain.comparison.pages.html import (
    EMPTY,
    Column,
    Html,
    element,
    figure,
    headings,
    pair,
    plural,
    row,
    section,
    share,
    table,
)
from seqdrop.domain.comparison.pages.metrics import relative
from seqdrop.domain.comparison.pages.words import KINDS
from seqdrop.domain.equivalence.figures import summed
from seqdrop.domain.equivalence.report import (
    Equivalence,
    Group,
    MetricSummary,
    Spread,
    StageSpeed,
)

_WIDTH, _MIDDLE, _REACH = 200, 100, 88
_DOUBLINGS = 3.0
"""Where the plot of ratios ends: eight times as fast, or as slow."""
_FARTHEST = 0.1
"""Where the plot of figures of QC ends, as a share of the greater one."""


def _shown(report: Equivalence) -> list[Group]:
    """Each assay; and all together, where there are several."""
    return [*report.groups, report.whole] if len(report.groups) > 1 else list(report.groups)


def _by_group(groups: Iterable[tuple[Group, list[Html]]], width: int, several: bool) -> list[Html]:
    """Bodies of a table, each below the name of its group."""
    return [
        element("tbody", _heading(group, width) if several else EMPTY, *rows)
        for group, rows in groups
        if rows
    ]


def _heading(group: Group, width: int) -> Html:
    name = f"{group.name}: {plural(group.samples, 'sample', 'samples')}"
    return element("tr", element("th", name, scope="rowgroup", colspan=str(width)), class_="group")


# ── Calls

_CALLS = (
    Column("Class"),
    Column("In both", "number"),
    Column("In all", "number"),
    Column("Concordance", "number"),
    Column("The same, and not the same, to scale", "bar"),
)


def calls(report: Equivalence) -> Html:
    """Concordance by class of variant, with its numerators and denominators."""
    groups = _shown(report)
    bodies = _by_group(((g, list(_calls(g))) for g in groups), len(_CALLS), len(groups) > 1)
    return section(
        "calls",
        "Calls",
        table("Concordance", headings(_CALLS), *bodies) if bodies else EMPTY,
        lead="Variants that both sides have, with the same genotype, PASS and consequences, of all"
        " that either has.",
    )


def _calls(group: Group) -> Iterator[Html]:
    for one in group.concordance:
        yield row(_CALLS, *_concordance(KINDS[one.kind], one.both, one.total))
    if len(group.concordance) > 1:
        cells = _concordance("all", *summed(group.concordance))
        yield row(_CALLS, *cells, style="total")


def _concordance(name: str, both: int, total: int) -> list[str]:
    parts = [("same", both, "the same"), ("changed", total - both, "not the same")]
    label = f"{name}: {both:,} of {total:,} are the same"
    return [name, f"{both:,}", f"{total:,}", share(both, total, digits=3), bar(label, parts, total)]


# ── Time and cost

_TIMES = (
    Column("Stage"),
    Column("A", "number"),
    Column("B", "number"),
    Column("A and B to scale", "twin"),
    Column("A over B", "number"),
    Column("Slower, faster (to 8×)", "dot"),
    Column("USD, A", "number"),
    Column("USD, B", "number"),
    Column("Cost", "number"),
)


def times(report: Equivalence) -> Html:
    """What each stage took and cost, summed over the samples, and how many times as fast B was."""
    groups = _shown(report)
    bodies = _by_group(((g, list(_times(g))) for g in groups), len(_TIMES), len(groups) > 1)
    taken = sum(
        any(one.a_taken_over or one.b_taken_over for one in pair.efforts) for pair in report.pairs
    )
    note = (
        f"Of {plural(taken, 'sample', 'samples')} a run took over results that were there: their"
        " time and cost are those of the jobs that made them."
    )
    return section(
        "time",
        "Time and cost",
        table("Time and cost by stage", headings(_TIMES), *bodies) if bodies else EMPTY,
        element("p", note, class_="note") if taken else EMPTY,
        lead="Sums over the samples. The dot is how many times as fast B is, the broad line its"
        " range over the samples.",
    )


def _times(group: Group) -> Iterator[Html]:
    known = [one.seconds for one in group.stages if one.seconds]
    most = max((max(one.a, one.b) for one in known), default=0.0)
    for stage in group.stages:
        yield row(_TIMES, *_stage(stage, most))
    for name, seconds, usd in (
        ("all jobs", group.jobs, group.cost),
        ("a run, with its queues", group.wall, None),
    ):
        cells = [name, *_seconds(seconds, 0.0), *_usd(usd, is_asked=name == "all jobs")]
        yield row(_TIMES, *cells, style="total")


def _stage(stage: StageSpeed, most: float) -> list[str]:
    if stage.only:
        text = element("span", f"only in {stage.only}", class_="soft")
        return [stage.stage, "–", "–", text, "", "", "", "", ""]
    return [stage.stage, *_seconds(stage.seconds, most), *_usd(stage.usd, is_asked=True)]


def _seconds(spread: Spread | None, most: float) -> list[str]:
    if spread is None:
        return [_unknown(), _unknown(), "", "", ""]
    ratio = f"{spread.ratio:.3g}×"
    if spread.samples > 1:
        ratio += f" ({spread.low:.3g}–{spread.high:.3g})"
    return [
        duration(spread.a),
        duration(spread.b),
        _twin(spread, most) if most else "",
        ratio,
        _ratio_plot(spread),
    ]


def _usd(spread: Spread | None, *, is_asked: bool) -> list[str]:
    if spread is None:
        return [_unknown(), _unknown(), ""] if is_asked else ["", "", ""]
    change = f"{100 * spread.change:+.1f} %".replace("-", "\N{MINUS SIGN}")
    return [f"{spread.a:,.4g}", f"{spread.b:,.4g}", change]


def _unknown() -> Html:
    return element("span", "unknown", class_="missing")


def duration(seconds: float) -> str:
    """As people say it, in two units at most."""
    minute, hour = 60, 3_600
    if seconds < minute:
        return f"{seconds:.3g} s"
    if seconds < hour:
        return f"{int(seconds // minute)} min {seconds % minute:.0f} s"
    return f"{int(seconds // hour):,} h {int(seconds % hour // minute)} min"


def _twin(spread: Spread, most: float) -> Html:
    """Two bars, one above the other."""
    bars = (
        element("rect", class_=style, x="0", y=y, width=f"{1000 * value / most:.1f}", height="4.4")
        for style, y, value in (("t-a", "0", spread.a), ("t-b", "5.6", spread.b))
    )
    return element(
        "svg",
        *bars,
        viewBox="0 0 1000 10",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"A {duration(spread.a)}, B {duration(spread.b)}",
    )


def _ratio_plot(spread: Spread) -> Html:
    low, at, high = (math.log2(one) / _DOUBLINGS for one in (spread.low, spread.ratio, spread.high))
    return _plot(at, f"B is {spread.ratio:.3g} times as fast", low, high)


def _plot(at: float, label: str, low: float | None = None, high: float | None = None) -> Html:
    """A point on a line from −1 to 1, and its range; beyond the ends an arrow is drawn."""
    end = _place(at)
    between = EMPTY
    if low is not None and high is not None and _place(low) != _place(high):
        between = _line("range", _place(low), _place(high))
    return element(
        "svg",
        _line("axis", _MIDDLE - _REACH, _MIDDLE + _REACH),
        between,
        _line("from", _MIDDLE, end),
        element("circle", class_="at-a", cx=str(_MIDDLE), cy="10", r="4.5"),
        _arrow(end, at) if abs(at) > 1 else _dot(end),
        viewBox=f"0 0 {_WIDTH} 20",
        role="img",
        aria_label=label,
    )


def _place(at: float) -> float:
    return _MIDDLE + _REACH * max(-1.0, min(1.0, at))


def _line(style: str, start: float, end: float) -> Html:
    return element("line", class_=style, x1=f"{start:.1f}", x2=f"{end:.1f}", y1="10", y2="10")


def _dot(x: float) -> Html:
    return element("circle", class_="at-b", cx=f"{x:.1f}", cy="10", r="4.5")


def _arrow(x: float, away: float) -> Html:
    tip = x + math.copysign(7, away)
    return element("polygon", class_="at-b", points=f"{x:.1f},4 {tip:.1f},10 {x:.1f},16")


# ── Figures of QC

_METRICS = (
    Column("Figure"),
    Column("Identical", "number"),
    Column("Within", "number"),
    Column("Differ", "number"),
    Column("Farthest apart"),
    Column("In"),
    Column("B beside A, ±10 %", "dot"),
)


def metrics(report: Equivalence) -> Html:
    """Those that differ in a sample, the most frequent first; the others in a sentence."""
    found = report.whole.metrics
    if not found:
        return EMPTY
    differing = [one for one in found if one.differ or one.within]
    equal = [one.name for one in found if not (one.differ or one.within)]
    told = (
        f"Identical in every sample: {plural(len(equal), 'figure', 'figures')}"
        f" ({', '.join(equal)})."
        if equal
        else "No figure is identical in every sample."
    )
    outside = sum(bool(one.differ) for one in differing)
    verdict = f"{plural(outside, 'figure differs', 'figures differ')} by more than the tolerance."
    rows = (row(_METRICS, *_metric(one)) for one in differing)
    return section(
        "metrics",
        "Figures of QC",
        table("Figures of QC that differ", headings(_METRICS), element("tbody", *rows))
        if differing
        else EMPTY,
        element("p", told, class_="note"),
        lead=verdict if differing else "",
    )


def _metric(one: MetricSummary) -> list[str]:
    away = relative(one.a, one.b)
    label = f"{one.name}: B is {100 * away:+.2g} % from A" if away is not None else ""
    number = element("span", f"{one.differ:,}", class_="strong of-b") if one.differ else "0"
    return [
        one.name,
        f"{one.identical:,}",
        f"{one.within:,}",
        number,
        pair(figure(one.a), figure(one.b), "not measured"),
        one.sample,
        _plot(away / _FARTHEST, label) if away is not None else EMPTY,
    ]
