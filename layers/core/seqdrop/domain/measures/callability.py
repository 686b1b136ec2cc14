"""``callability.json`` of ``seqdrop-tool join``: how much of the scope has a genotype."""

import msgspec

NAMES = frozenset(("callability",))


def read(content: bytes) -> dict[str, float]:
    """The share of all bases of the targets, or of those that are not N."""
    figures = msgspec.json.decode(content, type=dict[str, float])
    if figures.keys() != NAMES:
        raise ValueError(f"it has {sorted(figures)} where callability alone should be")
    return figures
