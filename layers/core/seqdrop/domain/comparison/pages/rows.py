"""Tables of variants on the page of a comparison: those that a report rests on, and the others."""

from collections.abc import Callable, Iterable, Sequence

from seqdrop.domain.comparison.pages.changes import changes_of
from seqdrop.domain.comparison.pages.html import (
    EMPTY,
    Column,
    Html,
    allele,
    capital,
    element,
    headings,
    pair,
    plural,
    row,
    section,
    table,
    together,
)
from seqdrop.domain.comparison.pages.words import ABSENCES, CHANGES, KINDS, LOOKED_AT_FIRST
from seqdrop.domain.comparison.report import Change, Report, Row, Verdict

_OTHERS = (
    "No variant with PASS is known to have changed here in presence, genotype, FILTER, consequence"
    " or classification."
)
_Cell = Callable[[Row], str]
_COLUMNS: tuple[tuple[Column, _Cell], ...] = (
    (Column("Genotype", "whole"), lambda one: pair(one.genotype_a, one.genotype_b, "absent")),
    (Column("Consequence", "wide"), lambda one: _of(one, one.consequence_a, one.consequence_b)),
    (Column("Classification"), lambda one: _of(one, one.classification_a, one.classification_b)),
    (Column("FILTER"), lambda one: _of(one, *_filters(one))),
    (Column("The other's gVCF"), lambda one: ABSENCES[one.absence] if one.absence else ""),
    (Column("Regions"), lambda one: ", ".join(one.regions)),
    (Column("Why", "wide"), lambda one: one.why),
)


def _of(one: Row, a: str, b: str) -> str:
    """What A and B say of a variant; of one that is in one alone, what that one says."""
    alone = {Change.ONLY_A: a, Change.ONLY_B: b}
    return alone.get(one.change) or pair(a, b, "none")


def _filters(one: Row) -> tuple[str, str]:
    """Both FILTERs, so written that a line may end after each name."""
    return one.filter_a.replace(";", "; "), one.filter_b.replace(";", "; ")


def to_amend(report: Report) -> Html:
    """What a signed report would have to be amended for."""
    rows = [one for one in report.rows if one.reportable]
    return section(
        "amend",
        "What would have to be amended",
        _variants("Variants to look at again", rows, LOOKED_AT_FIRST) if rows else EMPTY,
        element("p", _nothing(report)) if not rows else EMPTY,
        lead=_to_look_at(report, len(rows)) if rows else "",
    )


def _to_look_at(report: Report, number: int) -> str:
    more = (
        f" These are those among the {len(report.rows):,} gravest changes; the table (TSV) may"
        " have more."
    )
    text = (
        f"{plural(number, 'variant', 'variants')} with PASS, of which a signed report may say what"
        " no longer holds."
    )
    return text + (more if report.rows_total > len(report.rows) else "") + _not_compared(report)


def _nothing(report: Report) -> str:
    nothing = (
        "Nothing: no variant with PASS changed in presence, genotype, FILTER, consequence or"
        " classification."
    )
    if report.rows_total > len(report.rows):
        nothing = (
            f"Nothing among the {len(report.rows):,} gravest changes; the table (TSV) has all."
        )
    return nothing + _not_compared(report)


def _not_compared(report: Report) -> str:
    """That something is not known; "" where all could be compared."""
    changes = changes_of(report)
    number = changes.get(Change.NOT_COMPARABLE, 0) + changes.get(Change.UNRESOLVED, 0)
    if not number and report.verdict is not Verdict.UNRESOLVED:
        return ""
    who = plural(number, "variant", "variants") if number else "Some places"
    return f" {who} could not be compared: look there, too, before you decide."


def others(report: Report) -> Html:
    """All other changes, and how many more the table has."""
    rows = [one for one in report.rows if not one.reportable]
    more = report.rows_total - len(report.rows)
    rest = f"{plural(more, 'more change is', 'more changes are')} in the table (TSV) alone."
    return section(
        "others",
        "Other changes",
        _variants("Other changes", rows, tuple(Change)) if rows else EMPTY,
        element("p", rest, class_="note") if more > 0 else EMPTY,
        lead=_OTHERS if rows else "",
    )


def _variants(label: str, rows: Sequence[Row], order: Iterable[Change]) -> Html:
    """Rows below a heading for each way to change; without the columns that are empty in all."""
    filled = [(column, cell) for column, cell in _COLUMNS if any(map(cell, rows))]
    columns = (Column("Variant"), *(column for column, _ in filled))
    bodies = []
    for change in dict.fromkeys((*order, *Change)):
        some = [one for one in rows if one.change is change]
        if some:
            lines = (
                row(columns, _variant(one), *(cell(one) for _, cell in filled)) for one in some
            )
            heading = _heading(change, len(some), len(columns))
            bodies.append(element("tbody", heading, *lines))
    return table(label, headings(columns), *bodies, style="variants")


def _heading(change: Change, number: int, width: int) -> Html:
    cell = element(
        "th",
        element("span", class_=f"swatch c-{change}", aria_hidden="true"),
        f"{capital(CHANGES[change])}: {number:,}",
        scope="rowgroup",
        colspan=str(width),
    )
    return element("tr", cell, class_="group")


def _variant(one: Row) -> Html:
    place = element("span", f"{one.contig}:{one.position:,}", class_="where")
    bases = element("span", f"{allele(one.ref)}>{allele(one.alt)}", class_="change")
    return together([place, " ", element("span", KINDS[one.kind], class_="mark"), bases])
