"""``fingerprint.json`` of ``seqdrop-tool fingerprint``: how far a sample is known, and is one."""

import msgspec

from seqdrop.domain.fingerprint import Fingerprint

NAMES = frozenset(("fingerprint_sites", "contamination"))


def read(content: bytes) -> dict[str, float]:
    """The figures as they are there, never a genotype; contamination where it is known."""
    figures = msgspec.json.decode(content, type=Fingerprint).metrics
    if not {"fingerprint_sites"} <= figures.keys() <= NAMES:
        raise ValueError(f"its figures are {', '.join(sorted(figures)) or 'none'}")
    return figures
