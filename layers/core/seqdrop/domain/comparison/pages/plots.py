"""Genotypes, contigs and absences on the page of a comparison, each drawn where it has changes."""

from collections import Counter

from seqdrop.domain.comparison.pages.changes import bar
from seqdrop.domain.comparison.pages.html import (
    EMPTY,
    Column,
    Html,
    block,
    drawing,
    element,
    headings,
    heat,
    plural,
    row,
    section,
    share,
    table,
    together,
)
from seqdrop.domain.comparison.pages.words import ABSENCES
from seqdrop.domain.comparison.report import BINS, Absence, Report

_MOST_GENOTYPES = 12
_LONGEST_CONTIGS = 25
_CHANGED_CONTIGS = 60
_NARROWEST = 0.45
"""How wide a bin is drawn at least, in per cent of the longest contig: else it can't be seen."""


def genotypes(report: Report) -> Html:
    """The genotypes of A by those of B; a cell is the stronger the more variants it has."""
    cells = {
        (a, b): number
        for a, of_b in report.genotypes.items()
        for b, number in of_b.items()
        if number
    }
    most = max((number for (a, b), number in cells.items() if a != b), default=0)
    if not most:
        return EMPTY
    names = _frequent_genotypes(cells)
    heads = (element("th", name, scope="col") for name in ("A ↓  B →", *names))
    rows = (
        element(
            "tr",
            element("th", a, scope="row"),
            *(_transition(cells.get((a, b), 0), most, same=a == b) for b in names),
        )
        for a in names
    )
    beyond = sum(number for pair, number in cells.items() if not set(names).issuperset(pair))
    left_out = f"Left out: {plural(beyond, 'variant', 'variants')} of rarer genotypes."
    return section(
        "genotypes",
        "Genotypes",
        table("Genotypes in A by genotypes in B", heads, element("tbody", *rows), style="matrix"),
        element("p", left_out, class_="note") if beyond else EMPTY,
        lead="A by row, B by column, of variants with PASS in one at least. On the grey diagonal"
        " both are the same.",
    )


def _frequent_genotypes(cells: dict[tuple[str, str], int]) -> list[str]:
    """Those with most changes; "absent" is the first, the others are in the order of VCF."""
    changed: Counter[str] = Counter()
    for (a, b), number in cells.items():
        weight = number if a != b else 0
        changed.update({a: weight, b: weight} if a != b else {a: 0})
    frequent = sorted(changed, key=lambda name: (-changed[name], name))[:_MOST_GENOTYPES]
    return sorted(frequent, key=lambda name: (name != "absent", len(name), name))


def _transition(number: int, most: int, *, same: bool) -> Html:
    if same:
        return element("td", f"{number:,}" if number else "–", class_="diagonal")
    if not number:
        return element("td", "–", class_="soft")
    return element("td", f"{number:,}", class_=heat(number, most))


def contigs(report: Report) -> Html:
    """Where changes lie: a strip for each contig, to scale, whose bins are coloured by number."""
    numbers = {contig: sum(bins) for contig, bins in report.along.items() if any(bins)}
    if not numbers:
        return EMPTY
    names = [*report.contigs, *(name for name in numbers if name not in report.contigs)]
    shown = _shown_contigs(report, numbers, names)
    longest = max((report.contigs.get(name, 0) for name in shown), default=0)
    most = max(max(report.along[name]) for name in numbers)
    columns = (
        Column("Contig"),
        Column("Changes", "number"),
        Column("From its first base to its last", "strip"),
        Column("Length", "number"),
    )
    rows = (
        row(
            columns,
            name,
            f"{numbers[name]:,}" if name in numbers else element("span", "0", class_="soft"),
            _strip(name, report, longest, most),
            f"{report.contigs[name]:,}" if name in report.contigs else "unknown",
        )
        for name in shown
    )
    return section(
        "contigs",
        "Along the contigs",
        table(
            "Changes along the contigs", headings(columns), element("tbody", *rows), style="contigs"
        ),
        element("p", _contigs_left_out(names, shown, numbers), class_="note"),
        lead=together(["Changes in each hundredth of a contig: ", _scale(most)]),
    )


def _shown_contigs(report: Report, numbers: dict[str, int], names: list[str]) -> list[str]:
    """The longest contigs and those with most changes, in the order of the sequence."""
    longest = sorted(names, key=lambda name: -report.contigs.get(name, 0))[:_LONGEST_CONTIGS]
    changed = sorted(numbers, key=lambda name: -numbers[name])[:_CHANGED_CONTIGS]
    shown = {*longest, *changed}
    return [name for name in names if name in shown]


def _strip(name: str, report: Report, longest: int, most: int) -> Html:
    length, bins = report.contigs.get(name, 0), report.along.get(name, ())
    percent = 100 * length / longest if longest and length else 100
    wide = min(max(1, _NARROWEST * BINS / percent), BINS)
    parts = []
    for index, number in enumerate(bins):
        if number:
            start = min(index * BINS / len(bins), BINS - wide)
            parts.append(block(heat(number, most), start, wide, f"{number:,}"))
    label = f"{name}: {plural(sum(bins), 'change', 'changes')}"
    if any(bins):
        at = bins.index(max(bins))
        label += f", most ({bins[at]:,}) at {100 * at // len(bins)} % of its length"
    strip = drawing(BINS, label, *parts)
    return element("div", strip, class_="chromosome", style=f"width:{percent:.3f}%")


def _scale(most: int) -> Html:
    if most == 1:
        return element("span", element("i", class_="heat h6"), " one", class_="scale")
    steps = (element("i", class_=f"heat h{step}") for step in range(1, 7))
    colours = element("span", *steps, class_="scale", aria_hidden="true")
    return together(["one ", colours, f" {most:,}, on a log scale."])


def _contigs_left_out(names: list[str], shown: list[str], numbers: dict[str, int]) -> str:
    left_out = [name for name in names if name not in set(shown)]
    if not left_out:
        return "Very short contigs and their bins are drawn wider than they are, to be seen."
    changes = sum(numbers.get(name, 0) for name in left_out)
    of_them = plural(changes, "change", "changes") if changes else "no change"
    return (
        f"Shown are the {_LONGEST_CONTIGS} longest contigs and those with most changes;"
        f" {plural(len(left_out), 'contig', 'contigs')} with {of_them} left out."
        " Very short ones and their bins are drawn wider than they are, to be seen."
    )


def absences(report: Report) -> Html:
    """What the other says where one alone has a variant."""
    present = [(one, report.absences[one]) for one in Absence if report.absences.get(one)]
    if not present:
        return EMPTY
    whole, most = sum(number for _, number in present), max(number for _, number in present)
    columns = (
        Column("The other"),
        Column("Variants", "number"),
        Column("Share", "number"),
        Column("As a bar", "bar"),
    )
    rows = (
        row(
            columns,
            ABSENCES[absence],
            f"{number:,}",
            share(number, whole),
            bar(f"{ABSENCES[absence]}: {number:,}", [("plain", number, ABSENCES[absence])], most),
        )
        for absence, number in present
    )
    return section(
        "absences",
        "Where one alone has a variant",
        table("What the other's gVCF says", headings(columns), element("tbody", *rows)),
        lead="What the other's gVCF says of the place. Only “like the reference” is a true"
        " difference in calls; the others may be one of data.",
    )
