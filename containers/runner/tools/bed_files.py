"""BED files as every tool of ours reads them."""

import gzip
import zlib
from pathlib import Path

from seqdrop.domain.bed import Region, parse_bed
from seqdrop.domain.errors import InvalidReference
from seqdrop.domain.text import text_lines

_GZIP = b"\x1f\x8b"


def read_bed(path: Path, *, may_be_empty: bool = False) -> list[Region]:
    """The regions of a BED file, gzip or not, in its order. Raises InvalidReference."""
    if may_be_empty and not path.stat().st_size:
        return []
    with path.open("rb") as file:
        is_packed = file.read(2) == _GZIP
        file.seek(0)
        if not is_packed:
            return parse_bed(text_lines(file), file=path.name).regions
        try:
            with gzip.open(file) as text:
                return parse_bed(text_lines(text), file=path.name).regions
        except (EOFError, OSError, zlib.error) as error:
            raise InvalidReference(f"{path.name} is a gzip that is cut off or broken") from error
