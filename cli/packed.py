"""Files that may be gzip, whatever their names say."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from seqdrop.domain.errors import InvalidInput

_GZIP = b"\x1f\x8b"


@contextmanager
def opened(file: Path) -> Iterator[IO[bytes]]:
    """The file's content, unpacked.

    Raises InvalidInput where its gzip is cut or damaged, or what is in it is gzip again.
    """
    try:
        with gzip.open(file) if is_gzip(file) else file.open("rb") as source:
            if source.peek(len(_GZIP))[: len(_GZIP)] == _GZIP:
                raise InvalidInput(f"{file.name} is packed twice, gzip in gzip: unpack it once")
            yield source  # type: ignore[misc]  # both are read as bytes
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InvalidInput(f"{file.name} is cut or damaged ({error}): fetch it again") from error


def is_gzip(file: Path) -> bool:
    """Whether a file begins as gzip does."""
    with file.open("rb") as head:
        return head.read(2) == _GZIP
