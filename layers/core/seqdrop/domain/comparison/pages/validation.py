"""A validation as one page of HTML, which needs nothing but itself: for a screen, and for paper."""

from collections.abc import Iterable, Iterator, Sequence

from seqdrop.domain.comparison.accuracy import EVERYWHERE, ClassAccuracy, Interval
from seqdrop.domain.comparison.pages.html import (
    EMPTY,
    Column,
    Html,
    bulleted,
    counted,
    document,
    element,
    headings,
    row,
    section,
    signed,
    table,
    together,
)
from seqdrop.domain.comparison.pages.style import STYLE
from seqdrop.domain.validation.limits import Least
from seqdrop.domain.validation.record import File, Outcome, Point, Record, in_percent
from seqdrop.domain.version import VERSION

_WORDS = {
    Outcome.PASSED: ("identical", "\N{CHECK MARK}", "Passed"),
    Outcome.FAILED: ("different", "\N{MULTIPLICATION SIGN}", "Not passed"),
    Outcome.NO_LIMITS: ("unresolved", "?", "Judged by no limits"),
}
_WIDTH, _EDGE = 80, 5
_CLASSES = (
    Column("Class"),
    Column("In the truth", "number"),
    Column("Missed", "number"),
    Column("Wrong genotype", "number"),
    Column("Filtered", "number"),
    Column("Wrong calls", "number"),
    Column("Recall, %", "number"),
    Column("", "dot short"),
    Column("Precision, %", "number"),
    Column("", "dot short"),
    Column("F1", "number"),
)
_TREND = (
    Column("Run ended"),
    Column("Flowcells"),
    Column("Version"),
    Column("SNV recall", "number"),
    Column("", "dot short"),
    Column("SNV precision", "number"),
    Column("Indel recall", "number"),
    Column("", "dot short"),
    Column("Indel precision", "number"),
    Column("Outcome"),
)


def page(record: Record, points: Iterable[Point]) -> str:
    """The whole page, with the records of the same control and truth. The same gives the same."""
    same = [
        one
        for one in points
        if (one.record.run.sample, one.record.truth.sha256, one.record.regions.sha256)
        == (record.run.sample, record.truth.sha256, record.regions.sha256)
    ]
    content = element(
        "main",
        _banner(record),
        _judged(record),
        *(_classes(record, region) for region in _regions(record)),
        _trend(same, record),
        _limits(record),
        section("warnings", "Warnings", bulleted(record.accuracy.warnings, "points warnings")),
        signed(),
    )
    footer = element("footer", f"Made by Seqdrop {VERSION}. {record.accuracy.method}.")
    return document(f"Validation of {record.assay}: {record.outcome}", STYLE, content, footer)


def _banner(record: Record) -> Html:
    style, sign, word = _WORDS[record.outcome]
    if record.simulated:
        word += ", and simulated"
    if record.withdrawn:
        style, sign, word = "different", "\N{MULTIPLICATION SIGN}", "Withdrawn"
    whole = record.accuracy.classes[0]
    figures = (
        counted(_value(whole.recall), f"recall{_at_least(whole.recall)}", "first"),
        counted(_value(whole.precision), f"precision{_at_least(whole.precision)}"),
        counted(f"{whole.truth_total:,}", "variants in the truth"),
        counted(f"{record.accuracy.confident_bases:,}", "confident bases"),
    )
    over = element("p", f"Validation of assay {record.assay} by {record.run.sample}", class_="over")
    banner = element(
        "div",
        element("div", sign, class_="sign", aria_hidden="true"),
        element(
            "div",
            element("h1", word),
            element("p", _reason(record), class_="reason"),
        ),
        element("dl", *figures, class_="figures"),
        class_=f"banner {style}",
    )
    return together([over, banner])


def _value(share: Interval) -> str:
    return "-" if share.value is None else in_percent(share.value)


def _at_least(share: Interval) -> str:
    return "" if share.value is None else f", at least {in_percent(share.low)}"


def _reason(record: Record) -> str:
    if record.withdrawn:
        return f"It counts no more: {record.withdrawn_why}"
    if record.reasons:
        return "; ".join(record.reasons)
    if record.outcome is Outcome.NO_LIMITS:
        return "The assay sets no limits for its validations."
    return "Every class for which the assay has limits reaches them."


def _judged(record: Record) -> Html:
    facts = {
        "record": record.id,
        "control": record.run.sample,
        "run": f"{record.run.short}, ended {record.ended}, QC {record.qc or 'not judged'}",
        "flowcells": ", ".join(record.flowcells),
        "pipeline": record.pipeline,
        "version": record.version,
        "reference": record.reference,
        "truth": f"{_file(record.truth)}, of {record.accuracy.sample}",
        "confident regions": _file(record.regions),
        **({"targets": _file(record.targets)} if record.targets else {}),
        **{f"region {name}": _file(file) for name, file in record.named.items()},
        "calls": _file(record.calls),
        "recorded": f"{record.recorded} by {record.by}",
    }
    if record.withdrawn:
        said = f"{record.withdrawn} by {record.withdrawn_by}: {record.withdrawn_why}"
        facts = {"withdrawn": said, **facts}
    if record.simulated:
        facts["simulated"] = "yes: this says nothing of the real tool"
    return section("judged", "What was judged", _terms(facts))


def _file(file: File) -> str:
    return f"{file.name}, SHA-256 {file.sha256}"


def _terms(facts: dict[str, str]) -> Html:
    pairs = (part for name, said in facts.items() for part in (
        element("dt", name), element("dd", said)))  # fmt: skip
    return element("dl", *pairs, class_="terms")


def _regions(record: Record) -> list[str]:
    return [EVERYWHERE, *record.named]


def _classes(record: Record, region: str) -> Html:
    """A table of the classes of one region; of a named one without those of one genotype."""
    is_whole = region == EVERYWHERE
    found = [
        one
        for one in record.accuracy.classes
        if one.region == region and (is_whole or one.zygosity == "all")
    ]
    judged = [one for one in found if one.is_judged]
    start = _start(share for one in judged for share in (one.recall, one.precision))
    title = "By class of variant" if is_whole else f"In region {region}"
    rows = (
        row(_CLASSES, *_class(one, start), style=None if one.is_judged else "quiet")
        for one in found
    )
    few = f"fewer than {record.accuracy.minimum_count} variants of the truth"
    if is_whole:
        few += ", too few to judge. Intervals, in brackets, are of 95\N{NO-BREAK SPACE}%"
    return section(
        "classes" if is_whole else f"region-{region}",
        title,
        table(title, headings(_CLASSES), element("tbody", *rows), style="regions"),
        lead=f"Grey classes have {few}. {_said_of(start)}",
    )


def _class(one: ClassAccuracy, start: float) -> Iterator[str]:
    yield one.name
    yield from (
        f"{number:,}"
        for number in (
            one.truth_total, one.false_negatives, one.wrong_genotype, one.filtered,
            one.false_positives,
        )
    )  # fmt: skip
    for what, share in (("recall", one.recall), ("precision", one.precision)):
        yield _in_words(share)
        yield _interval(f"{one.name} {what}", share, start)
    yield "-" if one.f1 is None else _number(one.f1)


def _in_words(share: Interval) -> str:
    if share.value is None:
        return "-"
    ends = f"{_number(share.low)}\N{EN DASH}{_number(share.high)}"
    return f"{_number(share.value)} ({ends})"


def _number(share: float) -> str:
    return in_percent(share).removesuffix(" %")


def _said_of(start: float) -> str:
    return f"Lines go from {100 * start:g}\N{NO-BREAK SPACE}% to 100\N{NO-BREAK SPACE}%."


def _start(shares: Iterable[Interval]) -> float:
    """Where pictures of shares begin: a round one below all of them."""
    lowest = min((one.low for one in shares if one.value is not None), default=0.0)
    return next(edge for edge in (0.999, 0.99, 0.95, 0.9, 0.8, 0.5, 0.0) if edge <= lowest)


def _interval(label: str, share: Interval, start: float) -> Html:
    """A share as a dot, and its interval as a line; the right end is 100 %."""
    if share.value is None:
        return EMPTY

    def at(value: float) -> float:
        return _EDGE + (_WIDTH - 2 * _EDGE) * max(0.0, value - start) / (1 - start)

    ends = {"x1": f"{at(share.low):.1f}", "x2": f"{at(share.high):.1f}"}
    return element(
        "svg",
        element("line", class_="axis", x1=f"{_EDGE}", x2=f"{_WIDTH - _EDGE}", y1="10", y2="10"),
        element("line", class_="from", y1="10", y2="10", **ends),
        element("circle", class_="at-b", cx=f"{at(share.value):.1f}", cy="10", r="4"),
        viewBox=f"0 0 {_WIDTH} 20",
        role="img",
        aria_label=f"{label} in %: {_in_words(share)}",
    )


def _trend(points: Sequence[Point], record: Record) -> Html:
    if len(points) < 2:
        return EMPTY
    shares = [share for one in points for share in _followed(one.record)]
    start = _start(share for share in shares if share)
    rows = (
        row(_TREND, *_point(one, start), style="differs" if one.record.id == record.id else None)
        for one in points
    )
    worse = [
        f"{one.record.ended[:10]}, flowcell {', '.join(one.record.flowcells)}: "
        f"{', '.join(one.worse)} worse than before, beyond chance"
        for one in points
        if one.worse
    ]
    title = f"{record.run.sample} over time"
    return section(
        "trend",
        title,
        bulleted(worse, "points warnings"),
        table(title, headings(_TREND), element("tbody", *rows)),
        lead="Each run of the control is held against all before it: a share is worse where its "
        f"interval lies below theirs together. {_said_of(start)}",
    )


def _followed(record: Record) -> list[Interval | None]:
    """Recall and precision of SNVs, then of indels."""
    found = {one.name: one for one in record.accuracy.classes if one.region == EVERYWHERE}
    some = (found.get("snv"), found.get("indel"))
    return [
        share for one in some for share in ((one.recall, one.precision) if one else (None,) * 2)
    ]


def _point(point: Point, start: float) -> Iterator[str]:
    record = point.record
    yield record.ended[:10]
    yield ", ".join(record.flowcells)
    yield record.version[:8]
    for number, share in enumerate(_followed(record)):
        yield "-" if share is None or share.value is None else in_percent(share.value)
        if not number % 2:
            yield _interval("recall", share, start) if share else EMPTY
    yield "withdrawn" if record.withdrawn else record.outcome.value


def _limits(record: Record) -> Html:
    def said(least: Least) -> str:
        asked = ((name, getattr(least, name)) for name in least.__struct_fields__)
        return ", ".join(
            f"{name.replace('_low', ', lower end')} at least {in_percent(value)}"
            for name, value in asked
            if value is not None
        )

    facts = {name: said(least) for name, least in record.limits.items()}
    return section("limits", "What the assay asks for", _terms(facts) if facts else EMPTY)
