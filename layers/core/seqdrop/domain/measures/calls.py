"""``calls.json`` of ``seqdrop-tool finish``: what became of the variants' records."""

import msgspec

NAMES = frozenset(("calls_passed", "calls_filtered", "calls_at_codes"))


def read(content: bytes) -> dict[str, float]:
    """The counts as they are there. Raises ValueError where one is missing, or strange."""
    counts = msgspec.json.decode(content, type=dict[str, float])
    if counts.keys() != NAMES:
        raise ValueError(f"its counts are {', '.join(sorted(counts)) or 'none'}")
    return counts
