"""``primers.json`` of ``seqdrop-tool primers``: how many reads begin or end at a primer."""

import msgspec

NAMES = frozenset(("reads_looked_at", "reads_with_primer", "reads_without_primer"))


def read(content: bytes) -> dict[str, float]:
    """The counts, of mapped reads. Raises ValueError where one is missing, or does not fit."""
    counts = msgspec.json.decode(content, type=dict[str, int])
    if counts.keys() != NAMES:
        raise ValueError(f"its counts are {', '.join(sorted(counts)) or 'none'}")
    if counts["reads_with_primer"] + counts["reads_without_primer"] != counts["reads_looked_at"]:
        raise ValueError("its counts do not add up")
    return dict(counts)
