"""A comparison as one page of HTML, which needs nothing but itself: for a screen, and for paper."""

from collections.abc import Iterator

from seqdrop.domain.comparison.pages.changes import (
    by_class,
    by_region,
    changes_of,
    everywhere,
    legend,
)
from seqdrop.domain.comparison.pages.html import (
    EMPTY,
    Html,
    bulleted,
    counted,
    document,
    element,
    plural,
    section,
    share,
    signed,
    table,
    together,
)
from seqdrop.domain.comparison.pages.metrics import metrics
from seqdrop.domain.comparison.pages.plots import absences, contigs, genotypes
from seqdrop.domain.comparison.pages.rows import others, to_amend
from seqdrop.domain.comparison.pages.style import STYLE
from seqdrop.domain.comparison.pages.words import VERDICTS
from seqdrop.domain.comparison.report import Report, Side
from seqdrop.domain.version import VERSION


def page(report: Report) -> str:
    """The whole page. The same report gives the same bytes."""
    plots = (genotypes(report), absences(report))
    content = element(
        "main",
        _banner(report),
        _sides(report.a, report.b),
        to_amend(report),
        by_class(report),
        element("div", *plots, class_="two") if any(plots) else EMPTY,
        contigs(report),
        metrics(report),
        by_region(report),
        _tolerances(report),
        section("warnings", "Warnings", bulleted(report.warnings, "points warnings")),
        section("headers", "Headers that differ", bulleted(report.headers_differ, "lines mono")),
        signed(),
        others(report),
    )
    title = f"{VERDICTS[report.verdict][1]}: {report.a.label} and {report.b.label}"
    return document(title, STYLE, content, _footer())


def _banner(report: Report) -> Html:
    sign, word = VERDICTS[report.verdict]
    changes = changes_of(report)
    banner = element(
        "div",
        element("div", sign, class_="sign", aria_hidden="true"),
        element("div", element("h1", word), element("p", report.why, class_="reason")),
        element("dl", *_figures(report, sum(changes.values())), class_="figures"),
        legend(changes),
        _pointer(report),
        class_=f"banner {report.verdict}",
    )
    samples = " and ".join(dict.fromkeys([report.a.sample, report.b.sample]))
    over = element("p", f"Comparison of two call sets, sample {samples}", class_="over")
    return together([over, banner])


def _figures(report: Report, changed: int) -> Iterator[Html]:
    """The numbers that say how much it is about."""
    tallies = everywhere(report)
    same, rewritten = sum(one.same for one in tallies), sum(one.rewritten for one in tallies)
    whole = same + rewritten + changed
    amended = max(report.reportable_total, sum(one.reportable for one in report.rows))
    yield counted(f"{amended:,}", "to look at again in a signed report", "first")
    yield counted(f"{max(changed, report.rows_total):,}", "changed in all")
    if same:
        yield counted(f"{same:,}", f"the same ({share(same, whole, digits=2)})")
    if rewritten:
        yield counted(f"{rewritten:,}", "the same, but written in another way")


def _pointer(report: Report) -> Html:
    """Where warnings are: who reads the verdict alone must know of them."""
    if not report.warnings:
        return EMPTY
    link = element("a", plural(len(report.warnings), "warning", "warnings"), href="#warnings")
    return element("p", "Read the ", link, " below before you rely on this.", class_="note")


def _sides(a: Side, b: Side) -> Html:
    heads = (
        element("td"),
        element("th", element("span", "A", class_="badge a"), a.label, scope="col"),
        element("th", element("span", "B", class_="badge b"), b.label, scope="col"),
    )
    rows = (_fact(name, of_a, of_b) for name, of_a, of_b in _facts(a, b))
    return section(
        "sides",
        "What was compared",
        table("What A and B are", heads, element("tbody", *rows), style="sides"),
    )


def _facts(a: Side, b: Side) -> Iterator[tuple[str, str, str]]:
    yield "sample", a.sample, b.sample
    yield "variants", f"{a.variants:,}", f"{b.variants:,}"
    yield "with PASS", f"{a.passed:,}", f"{b.passed:,}"
    if a.no_genotype or b.no_genotype:
        yield "without genotype", f"{a.no_genotype:,}", f"{b.no_genotype:,}"
    for name in dict.fromkeys([*a.facts, *b.facts]):
        yield name, a.facts.get(name, ""), b.facts.get(name, "")


def _fact(name: str, a: str, b: str) -> Html:
    differs = a != b
    mark = element("span", " differs", class_="mark") if differs else EMPTY
    return element(
        "tr",
        element("th", name, mark, scope="row"),
        *(element("td", one or element("span", "none", class_="missing")) for one in (a, b)),
        class_="differs" if differs else None,
    )


def _tolerances(report: Report) -> Html:
    if not report.tolerances:
        return EMPTY
    terms = (
        together([element("dt", name), element("dd", words)])
        for name, words in report.tolerances.items()
    )
    return section(
        "tolerances",
        "What was let pass as equal",
        element("dl", *terms, class_="terms"),
    )


def _footer() -> Html:
    made = (
        f"Made by Seqdrop {VERSION}. The table (TSV) of this comparison has every change. This page"
        " loads nothing from anywhere."
    )
    return element("footer", element("p", made))
