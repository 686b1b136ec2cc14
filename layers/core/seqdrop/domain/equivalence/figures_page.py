"""Calls, time, cost and figures of QC on the page of a test of equivalence."""

import math
from collections.abc import Iterable, Iterator, Sequence

from seqdrop.domain.comparison.pages.changes import bar
from seqdrop.domain.comparison.pages.dots import dot_plot
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
    together,
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
    Verdict,
)

_DOUBLINGS = 3.0
"""Where the plot of ratios ends: eight times as fast, or as slow."""
_FARTHEST = 0.1
"""Where the plot of figures of QC ends, as a share of the greater one."""


def _shown(report: Equivalence) -> list[Group]:
    """Each assay; and all together, where there are several."""
    return [*report.groups, report.whole] if len(report.groups) > 1 else list(report.groups)


def _by_group(
    bodies: Iterable[tuple[Group, list[Html]]], columns: Sequence[Column], groups: Sequence[Group]
) -> list[Html]:
    """Bodies of a table, each below the name of its group where there are several."""
    width = len(columns)
    return [
        element("tbody", _heading(group, width) if len(groups) > 1 else EMPTY, *rows)
        for group, rows in bodies
        if rows
    ]


def _compared(group: Group) -> int:
    """Samples of a group of which there are figures."""
    return group.samples - group.verdicts.get(Verdict.NOT_COMPARABLE, 0)


def _heading(group: Group, width: int) -> Html:
    name = f"{group.name}: {plural(group.samples, 'sample', 'samples')}"
    return element("tr", element("th", name, scope="rowgroup", colspan=str(width)), class_="group")


# ── Calls

_CALLS = (
    Column("Class"),
    Column("In both", "number"),
    Column("In all", "number"),
    Column("Concordance", "number"),
    Column("Not the same", "number"),
    Column("For each million", "number"),
    Column("The same, drawn", "bar"),
)
_MILLION = 1_000_000
_FINE = 1_000
"""A bar is made of whole numbers."""


def calls(report: Equivalence) -> Html:
    """Concordance by class of variant, with its numerators and denominators."""
    groups = _shown(report)
    most = max((_rate(one.both, one.total) for g in groups for one in g.concordance), default=0.0)
    columns = _CALLS if most else _CALLS[:4]
    bodies = _by_group(((g, list(_calls(g, columns, most))) for g in groups), columns, groups)
    return section(
        "calls",
        "Calls",
        table("Concordance", headings(columns), *bodies) if bodies else EMPTY,
        lead="Variants that both sides have, with the same genotype, PASS and consequences, of all"
        " that either has.",
    )


def _calls(group: Group, columns: Sequence[Column], most: float) -> Iterator[Html]:
    for one in group.concordance:
        cells = _concordance(KINDS[one.kind], one.both, one.total, most)
        yield row(columns, *cells[: len(columns)])
    if len(group.concordance) > 1:
        cells = _concordance("all", *summed(group.concordance), most)
        yield row(columns, *cells[: len(columns)], style="total")


def _concordance(name: str, both: int, total: int, most: float) -> list[str]:
    lost, rate = total - both, _rate(both, total)
    label = f"{name}: {lost:,} of {total:,} are not the same"
    return [
        name,
        f"{both:,}",
        f"{total:,}",
        share(both, total, digits=3),
        f"{lost:,}",
        brief(rate),
        bar(label, [("changed", round(rate * _FINE), label)], round(most * _FINE)),
    ]


def _rate(both: int, total: int) -> float:
    """How many of a million are not the same."""
    return _MILLION * (total - both) / total if total else 0.0


# ── Time and cost

_TIMES = (
    Column("Stage"),
    Column("A", "number"),
    Column("B", "number"),
    Column("A and B to scale", "twin"),
    Column("A over B", "number"),
    Column("Slower, faster", "dot"),
    Column("USD, A", "number"),
    Column("USD, B", "number"),
    Column("Cost", "number"),
)


def times(report: Equivalence) -> Html:
    """What each stage took and cost, summed over the samples, and how many times as fast B was."""
    groups = _shown(report)
    bodies = _by_group(((g, list(_times(g))) for g in groups if _compared(g)), _TIMES, groups)
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
        table("Time and cost by stage", headings(_TIMES), *bodies, style="times")
        if bodies
        else EMPTY,
        element("p", note, class_="note") if taken else EMPTY,
        lead="Sums over the samples. The dot is how many times as fast B is, the broad line its"
        " range over the samples; the plot ends at 8 times.",
    )


def _times(group: Group) -> Iterator[Html]:
    known = [one.seconds for one in group.stages if one.seconds]
    most = max((max(one.a, one.b) for one in known), default=0.0)
    samples = _compared(group)
    for stage in group.stages:
        yield row(_TIMES, *_stage(stage, most, samples))
    jobs = [*_seconds(group.jobs, 0.0, samples), *_usd(group.cost, samples)]
    yield row(_TIMES, "all jobs", *jobs, style="total")
    wall = _seconds(group.wall, 0.0, samples)
    yield row(_TIMES, "whole run", *wall, "", "", "", style="total")


def _stage(stage: StageSpeed, most: float, samples: int) -> list[str]:
    if stage.only:
        text = element("span", f"only in {stage.only}", class_="soft")
        seconds, usd = stage.only_seconds, stage.only_usd
        took = _unknown() if seconds is None else duration(seconds)
        cost = _unknown() if usd is None else brief(usd)
        if stage.only == "A":
            return [stage.stage, took, "–", text, "", "", cost, "–", ""]
        return [stage.stage, "–", took, text, "", "", "–", cost, ""]
    return [stage.stage, *_seconds(stage.seconds, most, samples), *_usd(stage.usd, samples)]


def _seconds(spread: Spread | None, most: float, samples: int) -> list[str]:
    if spread is None:
        return [_unknown(), _unknown(), "", "", ""]
    ratio = f"{brief(spread.ratio)}×"
    if spread.samples > 1:
        ratio += f" ({brief(spread.low)}–{brief(spread.high)})"
    return [
        duration(spread.a),
        duration(spread.b),
        _twin(spread, most) if most else "",
        together([ratio, _known_of(spread, samples)]),
        _ratio_plot(spread),
    ]


def _usd(spread: Spread | None, samples: int) -> list[str]:
    if spread is None:
        return [_unknown(), _unknown(), ""]
    change = f"{100 * spread.change:+.1f} %".replace("-", "\N{MINUS SIGN}")
    cell = together([change, _known_of(spread, samples)])
    return [brief(spread.a), brief(spread.b), cell]


def _known_of(spread: Spread, samples: int) -> Html:
    """Of how many samples a sum is, where it is not of all."""
    if spread.samples == samples:
        return EMPTY
    return element("span", f" of {spread.samples} of {samples}", class_="mark")


def _unknown() -> Html:
    return element("span", "unknown", class_="missing")


def brief(value: float) -> str:
    """Three digits of a number, or all before its point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def duration(seconds: float) -> str:
    """As people say it, in two units at most."""
    minute, hour = 60, 3_600
    if seconds < minute:
        return f"{brief(seconds)} s"
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
    return dot_plot(at, f"B is {brief(spread.ratio)} times as fast", low, high)


# ── Figures of QC

_METRICS = (
    Column("Figure"),
    Column("Identical", "number"),
    Column("Within", "number"),
    Column("Differ", "number"),
    Column("Farthest apart"),
    Column("In sample"),
    Column("B beside A, ±10 %", "dot"),
)


def metrics(report: Equivalence) -> Html:
    """Those that differ in a sample, the most frequent first; the others in a sentence."""
    groups = [group for group in _shown(report) if group.metrics]
    if not groups:
        return EMPTY
    rows = [
        (g, [row(_METRICS, *_metric(m)) for m in g.metrics if not _is_equal(m)]) for g in groups
    ]
    bodies = _by_group(rows, _METRICS, groups)
    found = report.whole.metrics
    equal = [one.name for one in found if _is_equal(one)]
    told = f"Identical in every sample: {', '.join(equal) or 'none'}."
    outside = sum(bool(one.differ) for one in found)
    verdict = f"{plural(outside, 'figure differs', 'figures differ')} by more than the tolerance."
    return section(
        "metrics",
        "Figures of QC",
        table("Figures of QC that differ", headings(_METRICS), *bodies) if bodies else EMPTY,
        element("p", told, class_="note"),
        lead=verdict if bodies else "",
    )


def _is_equal(one: MetricSummary) -> bool:
    return not (one.differ or one.within)


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
        dot_plot(away / _FARTHEST, label) if away is not None else EMPTY,
    ]
