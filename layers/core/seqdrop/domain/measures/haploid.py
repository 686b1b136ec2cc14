"""``haploid.json`` of ``seqdrop-tool finish``: what was called of X and Y as one copy each."""

import msgspec

_COUNTED = ("haploid_variants", "mixed_haploid_sites")
NAMES = frozenset(("called_haploid", "haploid_sites", *_COUNTED))


def read(content: bytes) -> dict[str, float]:
    """The figures, and both kinds of sites together. Raises ValueError where one can't be."""
    figures = msgspec.json.decode(content, type=dict[str, int])
    if figures.keys() != {"called_haploid", *_COUNTED}:
        raise ValueError(f"its figures are {', '.join(sorted(figures)) or 'none'}")
    if figures["called_haploid"] not in (0, 1):
        raise ValueError(f"called_haploid is {figures['called_haploid']}, not 0 or 1")
    sites = sum(figures[name] for name in _COUNTED)
    if sites and not figures["called_haploid"]:
        raise ValueError("it has sites of one copy, and nothing was called as one")
    return {**figures, "haploid_sites": sites}
