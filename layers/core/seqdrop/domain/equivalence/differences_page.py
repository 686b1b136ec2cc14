"""What was held equal on the page of a test of equivalence, and what was not the same."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from seqdrop.domain.comparison.pages.html import (
    EMPTY,
    Column,
    Html,
    capital,
    element,
    headings,
    plural,
    row,
    section,
    table,
    together,
)
from seqdrop.domain.equivalence.report import Difference, Equivalence, Of

_NAMES = {
    Of.INPUT: "FASTQ files, by checksum and size",
    Of.REFERENCE: "parts of the reference, by checksum",
    Of.INDEX: "what is made of them (indexes)",
    Of.COMMAND: "command lines",
    Of.SETTING: "settings of the assay",
}
_BY_NATURE = frozenset({Of.COMMAND, Of.SETTING})
"""Other pipelines and assays have others: that is what is tested."""
_MOST_ROWS = 60
_MOST_SAMPLES = 5
_AROUND = 2
"""Words that are shown on both sides of those that differ."""


def checks(report: Equivalence) -> Html:
    """Each check in a line, and below them all differences."""
    by_nature = _BY_NATURE if report.asked.change.is_chosen else frozenset[Of]()
    columns = (Column(""), Column("Checked"), Column("The same in", "number"), Column(""))
    rows = (row(columns, *_check(report, of, of in by_nature)) for of in Of)
    return section(
        "checks",
        "What was held equal",
        table("Checks", headings(columns), element("tbody", *rows), style="check"),
        *_differences(report),
    )


def _check(report: Equivalence, of: Of, by_nature: bool) -> Iterator[str]:
    same = sum(all(one.of is not of for one in pair.differences) for pair in report.pairs)
    total = len(report.pairs)
    is_same = same == total
    sign, style = ("✓", "yes") if is_same else ("–", "by-nature") if by_nature else ("✗", "no")
    yield element("span", sign, class_=style)
    yield _NAMES[of]
    yield f"{same:,} of {total:,}"
    yield "" if is_same else "they differ by what is tested" if by_nature else "see below"


def _differences(report: Equivalence) -> Iterator[Html]:
    found: dict[Difference, list[str]] = {}
    for pair in report.pairs:
        for one in pair.differences:
            found.setdefault(one, []).append(pair.sample)
    if not found:
        return
    columns = (Column("What"), Column("A", "words"), Column("B", "words"), Column("Samples"))
    bodies = []
    for of in Of:
        some = [(one, who) for one, who in found.items() if one.of is of]
        if some:
            lines = (row(columns, *_difference(one, who)) for one, who in some[:_MOST_ROWS])
            bodies.append(element("tbody", _heading(of, len(some), len(columns)), *lines))
        if len(some) > _MOST_ROWS:
            bodies.append(element("tbody", _more(len(some) - _MOST_ROWS, len(columns))))
    yield table("Differences", headings(columns), *bodies, style="variants")


def _heading(of: Of, number: int, width: int) -> Html:
    name = f"{capital(_NAMES[of])}: {number:,}"
    cell = element("th", name, scope="rowgroup", colspan=str(width))
    return element("tr", cell, class_="group")


def _more(number: int, width: int) -> Html:
    text = f"{plural(number, 'more is', 'more are')} in equivalence.json."
    return element("tr", element("td", text, colspan=str(width), class_="soft"))


def _difference(one: Difference, samples: Sequence[str]) -> list[str]:
    named = ", ".join(samples[:_MOST_SAMPLES])
    more = len(samples) - _MOST_SAMPLES
    told = f"{named} and {more} more" if more > 0 else named
    if one.of is not Of.COMMAND:
        return [one.what, one.a, one.b, told]
    a, b = marked(one.a, one.b)
    return [one.what, a, b, told]


def marked(a: str, b: str) -> tuple[Html, Html]:
    """Two command lines whose differing words are marked; long stretches that both have are cut."""
    of_a, of_b = a.split(), b.split()
    codes = SequenceMatcher(None, of_a, of_b, autojunk=False).get_opcodes()
    told_a, told_b = [], []
    for number, (what, a_from, a_to, b_from, b_to) in enumerate(codes):
        if what == "equal":
            ends = number == 0, number == len(codes) - 1
            told_a.append(_shared(of_a[a_from:a_to], *ends))
            told_b.append(_shared(of_b[b_from:b_to], *ends))
        else:
            told_a.append(_own(of_a[a_from:a_to], "of-a"))
            told_b.append(_own(of_b[b_from:b_to], "of-b"))
    return _line(told_a), _line(told_b)


def _line(parts: Sequence[Html]) -> Html:
    spaced = [part for one in parts if one for part in (one, " ")]
    return element("span", together(spaced[:-1]), class_="mono")


def _own(words: Sequence[str], style: str) -> Html:
    return element("b", " ".join(words), class_=style) if words else EMPTY


def _shared(words: Sequence[str], is_first: bool, is_last: bool) -> Html:
    """Both ends are kept: what the program is, and what stands beside a difference."""
    before = _AROUND if not is_first else 1
    after = 0 if is_last else _AROUND
    if len(words) <= before + after + 1:
        return together([" ".join(words)])
    tail = words[len(words) - after :] if after else []
    return together([" ".join([*words[:before], "…", *tail])])
