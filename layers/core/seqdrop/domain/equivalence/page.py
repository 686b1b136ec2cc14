"""A test of equivalence as one page of HTML, which needs nothing but itself: a lab files it."""

from collections import Counter
from collections.abc import Iterable, Iterator

from seqdrop.domain.comparison.pages.html import (
    EMPTY,
    Column,
    Html,
    bulleted,
    capital,
    counted,
    document,
    element,
    headings,
    plural,
    row,
    section,
    share,
    signed,
    table,
    together,
)
from seqdrop.domain.comparison.pages.style import STYLE
from seqdrop.domain.equivalence.checks import IGNORED
from seqdrop.domain.equivalence.differences_page import checks
from seqdrop.domain.equivalence.figures import cost, job_seconds, summed
from seqdrop.domain.equivalence.figures_page import brief, calls, metrics, times
from seqdrop.domain.equivalence.judging import SIMULATED, word
from seqdrop.domain.equivalence.report import (
    Asked,
    Change,
    Equivalence,
    RunSide,
    SamplePair,
    Spread,
    Verdict,
)

_SIGNS = {
    Verdict.IDENTICAL: "=",
    Verdict.EQUIVALENT: "≈",
    Verdict.UNRESOLVED: "?",
    Verdict.DIFFERENT: "≠",
    Verdict.NOT_COMPARABLE: "!",
}
"""Colour is never all that tells them apart."""
_CHANGES = {
    Change.PIPELINE: "Pipelines",
    Change.ASSAY: "Assays",
    Change.IMAGE: "Images",
    Change.DRAGEN: "DRAGEN versions",
    Change.AMI: "FPGA hosts (AMI)",
}
_NOTES = (
    "Concordance is the share of variants that both sides have, with the same genotype, PASS and "
    "consequences, of all that either has; what is written otherwise and means the same counts.",
    "Time is that of the attempt that made a stage's results, on its host: not the time in queues, "
    "and no attempt that failed. The wall time of a run has its queues in it, and is known only of "
    "runs that took no results over.",
    "Cost is that time at list prices (pipelines/prices.yaml), not a bill; DRAGEN's licence is not "
    "in it. What is not known is said to be so, and in no sum.",
    "Which of two call sets is right, a comparison can't tell: a truth set does.",
)
_WHEN = "runs made"
"""It is another day by its nature."""
_EXTRA = """
.not_comparable { --tone: var(--violet); --tint: var(--violet-tint); }
.chip { display: inline-block; padding: 0 .55em; border-radius: 4px; background: var(--tint);
  color: var(--tone); border: 1px solid var(--tone); white-space: nowrap; font-weight: 600; }
.stamp { grid-column: 1 / -1; margin-top: 18px; padding: 10px 14px; font-weight: 600;
  border: 2px dashed var(--red); border-radius: 6px; color: var(--red); background: var(--paper); }
.twin { min-width: 120px; width: 24%; } .twin svg { width: 100%; height: 17px; margin: 2px 0; }
.twin .t-a { fill: var(--a); } .twin .t-b { fill: var(--b); }
.times th, .times td { padding-right: 10px; font-size: .95em; }
.times .dot, .times .dot svg { width: 120px; }
.dot .range { stroke: var(--b); stroke-width: 6; opacity: .35; }
.check td:first-child, .check th:first-child { width: 1%; white-space: nowrap; }
.yes { color: var(--green); font-weight: 700; } .no { color: var(--red); font-weight: 700; }
.by-nature { color: var(--soft); font-weight: 700; }
.total th, .total td { font-weight: 650; border-top: 1px solid var(--soft); }
.total th { white-space: nowrap; } .box + .box { margin-top: 22px; }
.words { font-size: .82em; } .words b { font-weight: 700; }
.samples td, .samples th { padding-right: 12px; } .samples a { color: inherit; }
@media print {
  .twin { min-width: 60pt; } .stamp { margin-top: 10pt; }
  .samples { font-size: 8pt; } .words { font-size: 7.5pt; }
  #time, #calls, #metrics { break-inside: auto; }
}
"""


def page(report: Equivalence) -> str:
    """The whole page. The same report gives the same bytes."""
    content = element(
        "main",
        _banner(report),
        _sides(report),
        _samples(report),
        _missing(report),
        calls(report),
        times(report),
        metrics(report),
        checks(report),
        _ignored(),
        section("notes", "How to read it", bulleted(_NOTES, "points")),
        signed(),
    )
    title = f"{capital(word(report.verdict))}: {report.asked.a} and {report.asked.b}"
    return document(title, STYLE + _EXTRA, content, _footer(report))


# ── The verdict


def _banner(report: Equivalence) -> Html:
    sign = element("div", _SIGNS[report.verdict], class_="sign", aria_hidden="true")
    title = capital(word(report.verdict)) + (", but simulated" if report.simulated else "")
    why = report.why.replace(f" {SIMULATED}.", "")  # it has a frame of its own
    told = element("div", element("h1", title), element("p", why, class_="reason"))
    stamp = element("p", f"{SIMULATED}.", class_="stamp") if report.simulated else EMPTY
    banner = element(
        "div",
        sign,
        told,
        stamp,
        element("dl", *_figures(report), class_="figures"),
        class_=f"banner {report.verdict}",
    )
    made = f". Made {report.made}" if report.made else ""
    made += f" by {report.by}" if report.by else ""
    over = f"Test of equivalence. {_asked(report.asked)}{made}"
    return together([element("p", over, class_="over"), banner])


def _asked(asked: Asked) -> str:
    return f"{_CHANGES[asked.change]}: {asked.a} (A) and {asked.b} (B)"


def _figures(report: Equivalence) -> Iterator[Html]:
    """The numbers that a lab asks for first."""
    whole = report.whole
    both, total = summed(whole.concordance)
    if total:
        yield counted(
            share(both, total, digits=3),
            f"of {plural(total, 'variant', 'variants')} in both",
            "first",
        )
    yield counted(f"{whole.reportable:,}", "to look at again in reports")
    yield counted(_times(whole.jobs), "speed-up of all jobs")
    yield counted(_per_cent(whole.cost), "cost, from A to B")


def _times(spread: Spread | None) -> str:
    return f"{brief(spread.ratio)}×" if spread else "unknown"


def _per_cent(spread: Spread | None) -> str:
    if spread is None:
        return "unknown"
    return f"{100 * spread.change:+.1f} %".replace("-", "\N{MINUS SIGN}")


# ── What was compared


def _sides(report: Equivalence) -> Html:
    heads = (
        element("td"),
        element("th", element("span", "A", class_="badge a"), report.asked.a, scope="col"),
        element("th", element("span", "B", class_="badge b"), report.asked.b, scope="col"),
    )
    rows = (_fact(name, a, b) for name, a, b in _facts(report.pairs))
    return section(
        "sides",
        "What was compared",
        table("What A and B are", heads, element("tbody", *rows), style="sides"),
    )


def _facts(pairs: Iterable[SamplePair]) -> Iterator[tuple[str, str, str]]:
    known = list(pairs)
    of_a, of_b = [pair.a for pair in known], [pair.b for pair in known]
    plain = {
        "assay": lambda side: side.assay,
        "pipeline": lambda side: side.pipeline,
        "reference": lambda side: side.reference,
        "Seqdrop": lambda side: side.version,
    }
    for name, get in plain.items():
        yield name, _each(map(get, of_a)), _each(map(get, of_b))
    for kind in sorted({kind for side in (*of_a, *of_b) for kind in side.images}):
        yield (
            f"image, {kind}",
            _each(side.images.get(kind, "") for side in of_a),
            _each(side.images.get(kind, "") for side in of_b),
        )
    for kind in sorted({kind for side in (*of_a, *of_b) for kind in side.amis}):
        yield (
            f"AMI, {kind}",
            _each(side.amis.get(kind, "") for side in of_a),
            _each(side.amis.get(kind, "") for side in of_b),
        )
    yield from _tools(of_a, of_b)
    yield "QC", _verdicts(of_a), _verdicts(of_b)
    yield _WHEN, _period(of_a), _period(of_b)


def _tools(of_a: list[RunSide], of_b: list[RunSide]) -> Iterator[tuple[str, str, str]]:
    """Tools whose versions are not the same, and DRAGEN in any case."""
    for tool in sorted({tool for side in (*of_a, *of_b) for tool in side.tools}):
        a, b = (_each(side.tools.get(tool, "") for side in some) for some in (of_a, of_b))
        if a != b or tool == "dragen":
            yield tool, a, b


def _each(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(value for value in values if value))


def _verdicts(sides: Iterable[RunSide]) -> str:
    counts = Counter(side.qc for side in sides if side.qc)
    return ", ".join(f"{number} {verdict}" for verdict, number in counts.items())


def _period(sides: Iterable[RunSide]) -> str:
    days = sorted(side.claimed[:10] for side in sides if side.claimed)
    return " to ".join(dict.fromkeys([days[0], days[-1]])) if days else ""


def _fact(name: str, a: str, b: str) -> Html:
    differs = a != b and name != _WHEN
    mark = element("span", " differs", class_="mark") if differs else EMPTY
    return element(
        "tr",
        element("th", name, mark, scope="row"),
        *(element("td", one or element("span", "none", class_="missing")) for one in (a, b)),
        class_="differs" if differs else None,
    )


# ── The samples


def _samples(report: Equivalence) -> Html:
    columns = (
        Column("Sample"),
        Column("Assay"),
        Column("Verdict"),
        Column("In both", "number"),
        Column("To look at", "number"),
        Column("Speed-up", "number"),
        Column("Cost", "number"),
        Column("Runs"),
    )
    rows = (row(columns, *_sample(pair)) for pair in report.pairs)
    reasons = [
        f"{pair.sample}, {pair.assay}: {text}"
        for pair in report.pairs
        for text in (*([pair.why] if not pair.verdict.is_good else []), *pair.warnings)
    ]
    return section(
        "samples",
        "The samples",
        table("The samples", headings(columns), element("tbody", *rows), style="samples"),
        bulleted(reasons, "points"),
    )


def _sample(pair: SamplePair) -> list[str]:
    both, total = summed(pair.concordance)
    seconds, usd = job_seconds(pair), cost(pair)
    named: str = pair.sample
    if pair.comparison:
        named = element("a", pair.sample, href=f"{pair.comparison}/comparison.html")
    chip = element(
        "span", f"{_SIGNS[pair.verdict]} {word(pair.verdict)}", class_=f"chip {pair.verdict}"
    )
    of_b = _brief(pair.b.run) if pair.a != pair.b else "the same run"
    is_compared = pair.verdict is not Verdict.NOT_COMPARABLE
    return [
        named,
        pair.assay,
        chip,
        share(both, total, digits=2) if total else "–",
        f"{pair.reportable:,}" if is_compared else "–",
        _ratio(seconds.a, seconds.b) if is_compared else "–",
        _changed(usd.a, usd.b) if is_compared else "–",
        element("span", f"{_brief(pair.a.run)} → {of_b}", class_="mono soft"),
    ]


def _brief(run: str) -> str:
    key, mark, attempt = run.partition("#")
    return f"{key[:8]}{mark}{attempt}"


def _ratio(a: float | None, b: float | None) -> str:
    return f"{brief(a / b)}×" if a and b else "unknown"


def _changed(a: float | None, b: float | None) -> str:
    if a is None or b is None or not a:
        return "unknown"
    return f"{100 * (b / a - 1):+.1f} %".replace("-", "\N{MINUS SIGN}")


def _missing(report: Equivalence) -> Html:
    told = [
        f"{one.sample}{f' ({one.assay})' if one.assay else ''}: {one.why}" for one in report.missing
    ]
    return section("missing", "Without a side", bulleted(told, "points warnings"))


# ── The end


def _ignored() -> Html:
    terms = (
        together([element("dt", name), element("dd", words)]) for name, words in IGNORED.items()
    )
    return section(
        "ignored",
        "What of command lines was not compared",
        element("dl", *terms, class_="terms"),
    )


def _footer(report: Equivalence) -> Html:
    made = (
        f"Made by Seqdrop {report.version}. equivalence.json beside this page has all of it, by"
        " sample; each sample's folder has its own comparison. This page loads nothing from"
        " anywhere."
    )
    return element("footer", element("p", made))
