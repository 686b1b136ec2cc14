"""``haploid.json`` of ``seqdrop-tool mixed``: whether X and Y were called as one copy each."""

import msgspec

NAMES = frozenset(("called_haploid", "mixed_haploid_sites"))


def read(content: bytes) -> dict[str, float]:
    """Both figures. Raises ValueError where one is missing, or can't be."""
    figures = msgspec.json.decode(content, type=dict[str, int])
    if figures.keys() != NAMES:
        raise ValueError(f"its figures are {', '.join(sorted(figures)) or 'none'}")
    if figures["called_haploid"] not in (0, 1):
        raise ValueError(f"called_haploid is {figures['called_haploid']}, not 0 or 1")
    if figures["mixed_haploid_sites"] > 0 and not figures["called_haploid"]:
        raise ValueError("it has mixed sites, and nothing was called as one copy")
    return dict(figures)
