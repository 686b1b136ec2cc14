"""How many variants came to what, on the page of a comparison: by class, and by region."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate

from seqdrop.domain.comparison.pages.html import (
    EMPTY,
    Column,
    Html,
    block,
    capital,
    drawing,
    element,
    headings,
    row,
    section,
    share,
    table,
)
from seqdrop.domain.comparison.pages.words import CHANGES, KINDS
from seqdrop.domain.comparison.report import Change, Report, Tally

EVERYWHERE = "all"
"""The region of the tallies that count everything."""

_BY_CLASS = (
    Column("Class"),
    Column("Same", "number"),
    Column("Rewritten", "number"),
    Column("Changed", "number"),
    Column("Not changed", "number"),
    Column("All of them, to scale", "bar short"),
    Column("The changed ones alone, enlarged", "bar"),
)


def everywhere(report: Report) -> list[Tally]:
    """The tallies of all regions together, without those of classes that do not occur."""
    return [one for one in report.tallies if one.region == EVERYWHERE and _size(one)]


def changes_of(report: Report) -> dict[Change, int]:
    """How many variants changed in which way, the gravest change first."""
    tallies = everywhere(report)
    counted = {
        change: sum(one.changes.get(change, 0) for one in tallies)
        or sum(one.change is change for one in report.rows)
        for change in Change
    }
    return {change: number for change, number in counted.items() if number}


def legend(changes: Mapping[Change, int]) -> Html:
    """The ways to change with their colours and numbers."""
    items = [
        element(
            "li",
            element("span", class_=f"swatch c-{change}", aria_hidden="true"),
            element("b", f"{number:,}"),
            f" {CHANGES[change]}",
        )
        for change, number in changes.items()
    ]
    return element("ul", *items, class_="legend") if items else EMPTY


def by_class(report: Report) -> Html:
    """The same, the rewritten and the changed ones of each class of variants."""
    tallies = everywhere(report)
    most = max((_changed(one) for one in tallies), default=0)
    if not most and not any(one.rewritten for one in tallies):
        return EMPTY
    columns = _BY_CLASS if most else _BY_CLASS[:-2]
    rows = (row(columns, *_class_cells(one, most)[: len(columns)]) for one in tallies)
    scale = (
        f" Changes are few beside all, so they are drawn again by themselves: there, a whole bar"
        f" is {most:,}."
    )
    return section(
        "classes",
        "By class of variant",
        legend(changes_of(report)),
        table("Variants by class", headings(columns), element("tbody", *rows)),
        lead="Rewritten: the same sequence, written as other records." + (scale if most else ""),
    )


def _class_cells(tally: Tally, most: int) -> list[str]:
    name, changed, size = KINDS[tally.kind], _changed(tally), _size(tally)
    parts = [
        ("same", tally.same, "same"),
        ("rewritten", tally.rewritten, "rewritten"),
        ("changed", changed, "changed"),
    ]
    segments = [
        (f"segment c-{change}", tally.changes.get(change, 0), CHANGES[change]) for change in Change
    ]
    return [
        name,
        f"{tally.same:,}",
        f"{tally.rewritten:,}",
        element("span", f"{changed:,}", class_="strong") if changed else "0",
        share(size - changed, size, digits=2),
        bar(f"{name}: {tally.same:,} same, {tally.rewritten:,} rewritten, {changed:,} changed",
            parts, size),
        bar(f"{name}: {spelled(tally.changes)}", segments, most),
    ]  # fmt: skip


def spelled(changes: Mapping[Change, int]) -> str:
    """Numbers of changes in words."""
    named = [f"{changes[one]:,} {CHANGES[one]}" for one in Change if changes.get(one)]
    return ", ".join(named) or "nothing changed"


def bar(label: str, parts: Iterable[tuple[str, int, str]], whole: int) -> Html:
    """Parts (class, number, name) one after the other, of a whole that takes all the width."""
    present = [one for one in parts if one[1]]
    ends = [0, *accumulate(number for _, number, _ in present)]
    blocks = (
        block(style, 1000 * end / (whole or 1), 1000 * number / (whole or 1), f"{name}: {number:,}")
        for (style, number, name), end in zip(present, ends, strict=False)
    )
    return drawing(1000, label, block("track", 0, 1000), *blocks)


def by_region(report: Report) -> Html:
    """The table of all tallies."""
    tallies = [one for one in report.tallies if _size(one)]
    present = [change for change in Change if any(one.changes.get(change) for one in tallies)]
    if not present and all(one.region == EVERYWHERE or not one.rewritten for one in tallies):
        return EMPTY  # what is left to say is in the table by class
    columns = (
        Column("Region"),
        Column("Class"),
        Column("Same", "number"),
        Column("Rewritten", "number"),
        *(Column(capital(CHANGES[change]), "number") for change in present),
    )
    regions: dict[str, list[Tally]] = {}
    for one in tallies:
        regions.setdefault(one.region, []).append(one)
    bodies = (_region(name, its, columns[1:], present) for name, its in regions.items())
    return section(
        "regions",
        "By region",
        table("Variants by region and class", headings(columns), *bodies, style="regions"),
        lead="A variant counts in each region that it touches; “all” has each once.",
    )


def _region(
    name: str, tallies: Sequence[Tally], columns: Sequence[Column], present: Sequence[Change]
) -> Html:
    """A region's classes below each other, beside its name."""
    head = element("th", name, scope="rowgroup", rowspan=str(len(tallies)), class_="region")
    lines = (
        row(columns, *_numbers(one, present), before=EMPTY if index else head)
        for index, one in enumerate(tallies)
    )
    return element("tbody", *lines)


def _numbers(tally: Tally, present: Iterable[Change]) -> list[str]:
    changes = (tally.changes.get(change, 0) for change in present)
    return [
        KINDS[tally.kind],
        f"{tally.same:,}",
        f"{tally.rewritten:,}",
        *(
            element("span", f"{number:,}", class_="strong" if number else "soft")
            for number in changes
        ),
    ]


def _changed(tally: Tally) -> int:
    return sum(tally.changes.values())


def _size(tally: Tally) -> int:
    return tally.same + tally.rewritten + _changed(tally)
