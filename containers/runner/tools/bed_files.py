"""BED files as every tool of ours reads them."""

from pathlib import Path

from seqdrop.domain.bed import Region, parse_bed
from seqdrop.domain.text import text_lines


def read_bed(path: Path) -> list[Region]:
    """The regions of a BED file, in its order. Raises InvalidReference."""
    with path.open("rb") as file:
        return parse_bed(text_lines(file), file=path.name).regions
