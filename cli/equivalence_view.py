"""A test of equivalence in words, on a terminal."""

from pathlib import Path
from typing import TYPE_CHECKING

from cli.screen import say, show_table, warn

if TYPE_CHECKING:
    from seqdrop.domain.equivalence.report import Difference, Equivalence, Spread

_SHOWN_DIFFERENCES = 20
_LONGEST_CELL = 60


def say_equivalence(report: "Equivalence", page: Path | None) -> None:
    """The verdict, a line for each sample, and what was not the same beside the results."""
    from seqdrop.domain.equivalence.figures import cost, job_seconds, summed
    from seqdrop.domain.equivalence.judging import word

    say(f"{word(report.verdict)}: {report.why}")
    rows = []
    for pair in report.pairs:
        both, total = summed(pair.concordance)
        seconds, usd = job_seconds(pair), cost(pair)
        rows.append(
            (
                pair.sample, pair.assay, word(pair.verdict),
                f"{both:,} of {total:,}" if pair.concordance else "-",
                f"{pair.reportable:,}", _change(*seconds, "s"), _change(*usd, "USD"),
            )
        )  # fmt: skip
    columns = ("sample", "assay", "verdict", "in both", "to look at", "jobs", "cost")
    show_table(columns, rows)
    whole = report.whole
    for what, spread in (("jobs", whole.jobs), ("wall time", whole.wall)):
        if spread:
            say(f"speed-up by {what}: {_ratio(spread)}")
    if whole.cost:
        say(
            f"cost: {_change(whole.cost.a, whole.cost.b, 'USD')} ({whole.cost.change:+.1%}), of "
            f"{whole.cost.samples} of {whole.samples} samples"
        )
    _say_differences(report, page)
    for one in report.missing:
        warn(f"{one.sample}: {one.why}")
    if page:
        say(f"the page: {page}")


def _change(a: float | None, b: float | None, unit: str) -> str:
    from seqdrop.domain.equivalence.figures_page import brief

    a_text, b_text = ("unknown" if one is None else brief(one) for one in (a, b))
    return f"{a_text} to {b_text} {unit}"


def _ratio(spread: "Spread") -> str:
    from seqdrop.domain.equivalence.figures_page import brief

    samples = f"{spread.samples} sample{'s' * (spread.samples != 1)}"
    low, high = brief(spread.low), brief(spread.high)
    return f"{brief(spread.ratio)} ({low} to {high} in {samples})"


def _say_differences(report: "Equivalence", page: Path | None) -> None:
    found = [
        (pair.sample, str(one.of), one.what, *_sides(one))
        for pair in report.pairs
        for one in pair.differences
    ]
    if found:
        rows = [tuple(_short(cell) for cell in row) for row in found[:_SHOWN_DIFFERENCES]]
        show_table(("sample", "differs", "what", "A", "B"), rows)
    if len(found) > _SHOWN_DIFFERENCES:
        where = "the page has them" if page else "--out DIR writes all, and a page"
        say(f"and {len(found) - _SHOWN_DIFFERENCES:,} more: {where}")


def _sides(difference: "Difference") -> tuple[str, str]:
    """What it is on both sides; of command lines the words that differ, with the one before."""
    from difflib import SequenceMatcher

    a, b = difference.a.split(), difference.b.split()
    codes = SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    if difference.of != "command" or codes[0][0] != "equal":
        return difference.a, difference.b
    changed = [code for code in codes if code[0] != "equal"]
    of_a = (" ".join(a[start - 1 : end]) for _, start, end, _, _ in changed)
    of_b = (" ".join(b[start - 1 : end]) for _, _, _, start, end in changed)
    return " … ".join(of_a), " … ".join(of_b)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_CELL else f"{text[: _LONGEST_CELL - 1]}…"
