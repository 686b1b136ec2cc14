"""A plot of one figure beside another: a dot on a line, whose middle is where both are alike."""

import math

from seqdrop.domain.comparison.pages.html import EMPTY, Html, element

_WIDTH, _MIDDLE, _REACH = 200, 100, 88


def dot_plot(at: float, label: str, low: float | None = None, high: float | None = None) -> Html:
    """A point on a line from −1 to 1, and its range; beyond the ends an arrow is drawn."""
    end = _place(at)
    between = EMPTY
    if low is not None and high is not None and _place(low) != _place(high):
        between = _line("range", _place(low), _place(high))
    return element(
        "svg",
        _line("axis", _MIDDLE - _REACH, _MIDDLE + _REACH),
        between,
        _line("from", _MIDDLE, end),
        element("circle", class_="at-a", cx=str(_MIDDLE), cy="10", r="4.5"),
        _arrow(end, at) if abs(at) > 1 else _dot(end),
        viewBox=f"0 0 {_WIDTH} 20",
        role="img",
        aria_label=label,
    )


def _place(at: float) -> float:
    return _MIDDLE + _REACH * max(-1.0, min(1.0, at))


def _line(style: str, start: float, end: float) -> Html:
    return element("line", class_=style, x1=f"{start:.1f}", x2=f"{end:.1f}", y1="10", y2="10")


def _dot(x: float) -> Html:
    return element("circle", class_="at-b", cx=f"{x:.1f}", cy="10", r="4.5")


def _arrow(x: float, away: float) -> Html:
    tip = x + math.copysign(7, away)
    return element("polygon", class_="at-b", points=f"{x:.1f},4 {tip:.1f},10 {x:.1f},16")
