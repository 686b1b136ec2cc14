"""``depth.json`` of ``seqdrop-tool depth``: how deep and how widely the sample was sequenced."""

import msgspec

BREADTH_DEPTHS = (1, 10, 20, 30)
"""The depths at which breadth is measured."""
NAMES = frozenset(
    (
        "mean_depth",
        "max_depth",
        "on_target_fraction",
        "reporting_breadth",
        "x_depth_ratio",
        "y_depth_ratio",
        *(f"breadth_{depth}x" for depth in BREADTH_DEPTHS),
    )
)


def read(content: bytes) -> dict[str, float]:
    """The figures as they are there; what can't be said is left out."""
    figures = msgspec.json.decode(content, type=dict[str, float])
    strange = sorted(figures.keys() - NAMES)
    if strange:
        raise ValueError(f"{strange[0]!r} is none of its figures")
    if "mean_depth" not in figures:
        raise ValueError("it lacks mean_depth")
    return figures
