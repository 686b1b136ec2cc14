"""HTML for the page of a comparison: elements that escape what they are given, and numbers."""

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

_VOID = frozenset({"meta"})
_LONGEST_ALLELE = 28
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""A page may load nothing, run nothing and send nothing."""
_SIGNED = ("Looked at by", "Date", "Decision")
"""Lines to write on, on paper alone."""


class Html(str):
    """Text that is markup already. Any other text is escaped when it is put into an element."""

    __slots__ = ()


EMPTY = Html()


def element(tag: str, *content: str, **attributes: str | None) -> Html:
    """One element. ``class_`` is the attribute ``class``, ``aria_label`` is ``aria-label``;
    an attribute that is None is left out."""
    opening = "".join(
        [tag, *(_attribute(*one) for one in attributes.items() if one[1] is not None)]
    )
    if tag in _VOID:
        return Html(f"<{opening}>")
    return Html(f"<{opening}>{together(content)}</{tag}>")


def _attribute(name: str, value: str | None) -> str:
    return f' {name.rstrip("_").replace("_", "-")}="{escape(plain(value or ""))}"'


def together(parts: Iterable[str]) -> Html:
    """Parts one after the other; what is no markup is escaped."""
    return Html("".join(part if isinstance(part, Html) else escape(plain(part)) for part in parts))


def plain(text: str) -> str:
    """Text that can be printed: what is invisible or turns the direction of writing is replaced,
    white space is a blank."""
    return "".join(
        char if char.isprintable() else " " if char.isspace() else "\N{REPLACEMENT CHARACTER}"
        for char in text
    )


def document(title: str, style: str, *content: str) -> str:
    """A whole page. The same content gives the same bytes."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", Html(style)),
    )
    body = element("body", *content)
    return "<!DOCTYPE html>\n" + element("html", head, body, lang="en") + "\n"


def signed() -> Html:
    """Lines for whoever decides."""
    return element("div", *(element("span", one) for one in _SIGNED), class_="signed")


def counted(number: str, name: str, style: str | None = None) -> Html:
    """A figure of a banner, with its name."""
    return element("div", element("dt", name), element("dd", number), class_=style)


class Column(NamedTuple):
    """A column of a table: its heading, and the class of its cells."""

    heading: str
    style: str | None = None


def headings(columns: Iterable[Column]) -> list[Html]:
    """The first row of a table."""
    return [element("th", one.heading, scope="col", class_=one.style) for one in columns]


def table(label: str, heads: Iterable[Html], *bodies: Html, style: str | None = None) -> Html:
    """A table in a box of its own that scrolls, so that the page never does sideways."""
    whole = element(
        "table", element("thead", element("tr", *heads)), *bodies, class_=style, aria_label=label
    )
    return element("div", whole, class_="box", role="region", tabindex="0", aria_label=label)


def row(
    columns: Sequence[Column], *cells: str, before: Html = EMPTY, style: str | None = None
) -> Html:
    """A row whose first cell names it; ``before`` it may stand one that spans several rows."""
    (column, name), *others = zip(columns, cells, strict=True)
    return element(
        "tr",
        before,
        element("th", name, scope="row", class_=column.style),
        *(element("td", cell, class_=column.style) for column, cell in others),
        class_=style,
    )


def section(name: str, title: str, *content: str, lead: str = "") -> Html:
    """A part of the page under a heading; nothing where it has no content."""
    parts = [one for one in content if one]
    if not parts:
        return EMPTY
    head = [element("h2", title, id=f"{name}-title")]
    if lead:
        head.append(element("p", lead, class_="lead"))
    return element("section", *head, *parts, id=name, aria_labelledby=f"{name}-title")


def bulleted(items: Iterable[str], style: str | None = None) -> Html:
    """A list of points; nothing where there are none."""
    points = [element("li", item) for item in items]
    return element("ul", *points, class_=style) if points else EMPTY


def pair(a: str, b: str, missing: str) -> Html:
    """What both say: once where it is the same, else that of A, an arrow, and that of B."""
    if a == b:
        return element("span", a, class_="soft") if a else EMPTY
    arrow = element("span", " \N{RIGHTWARDS ARROW} ", class_="arrow")
    return together([_one(a, "of-a", missing), arrow, _one(b, "of-b", missing)])


def _one(text: str, style: str, missing: str) -> Html:
    return element("span", text or missing, class_=style if text else f"{style} missing")


def allele(bases: str) -> str:
    """An allele, its middle left out where it is long."""
    if len(bases) <= _LONGEST_ALLELE:
        return bases
    return f"{bases[:10]}…{bases[-6:]} ({len(bases):,} long)"


def capital(text: str) -> str:
    """Text that begins a line."""
    return text[:1].upper() + text[1:]


def plural(number: int, one: str, many: str) -> str:
    """A number with its noun."""
    return f"{number:,} {one if number == 1 else many}"


def share(part: int, whole: int, digits: int = 1) -> str:
    """A share in per cent, with more digits where it would be 100 or 0 but is not all or none."""
    if part in (0, whole):
        return "100 %" if part else "0 %"
    for more in range(digits, 10):
        text = f"{100 * part / whole:.{more}f}"
        if 0 < float(text) < 100:
            return f"{text} %"
    return "less than 100 %" if 2 * part > whole else "more than 0 %"


def figure(value: float | None) -> str:
    """A figure of QC: all digits of a whole number, else four or more; thousands set apart."""
    if value is None:
        return "not measured"
    if not math.isfinite(value):
        return "not a number"
    if abs(value) >= 1e15:
        text = f"{value:.4g}"
    elif value == int(value):
        text = f"{int(value):,}"
    else:
        text = f"{value:,.1f}" if abs(value) >= 1_000 else f"{value:.4g}"
    return text.replace("-", "\N{MINUS SIGN}")


def heat(number: int, most: int) -> str:
    """The class of a number's colour: six steps on a log scale, up to the largest number."""
    if most <= 1:
        return "heat h6"
    return f"heat h{1 + round(5 * math.log(number) / math.log(most))}"


def drawing(width: float, label: str, *shapes: str) -> Html:
    """A picture, ten units high, that is stretched to the width of its cell."""
    return element(
        "svg",
        *shapes,
        viewBox=f"0 0 {width:g} 10",
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
    )


def block(style: str, x: float, width: float, title: str = "") -> Html:
    """A rectangle as high as its picture; its title shows under the pointer."""
    name = element("title", title) if title else EMPTY
    return element("rect", name, class_=style, x=f"{x:.2f}", width=f"{width:.2f}", height="10")
