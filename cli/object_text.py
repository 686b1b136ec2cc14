"""A large object in the bucket, read in pieces or as lines."""

import gzip
import io
import zlib
from collections.abc import Iterator
from typing import Any

from cli.faults import CommandFailed
from seqdrop.domain.plan import StoredObject
from seqdrop.domain.text import text_lines

_PIECE_BYTES = 8 << 20
_TRIES = 4
"""For a piece: a connection may break within it, which boto3 does not mend."""
_BUFFER_BYTES = 1 << 20


def pieces_of(s3: Any, stored: StoredObject, begin: int, end: int) -> Iterator[bytes]:
    """Bytes of an object, no more than a piece of them at once."""
    for start in range(begin, end, _PIECE_BYTES):
        yield _piece(s3, stored, start, min(end, start + _PIECE_BYTES))


def _piece(s3: Any, stored: StoredObject, start: int, end: int) -> bytes:
    from botocore.exceptions import BotoCoreError, ClientError

    for left in reversed(range(_TRIES)):
        try:
            answer = s3.get_object(
                Bucket=stored.bucket, Key=stored.key, Range=f"bytes={start}-{end - 1}"
            )
            body: bytes = answer["Body"].read()
            return body
        except ClientError:
            raise  # S3's own word: boto3 has tried again where that helps
        except (BotoCoreError, OSError):
            if not left:
                raise
    raise AssertionError


class _Stream(io.RawIOBase):
    """Pieces as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._left = pieces, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            self._left = memoryview(next(self._pieces, b""))
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size


def lines_of(s3: Any, stored: StoredObject) -> Iterator[str]:
    """The lines of an object, unpacked where it is packed."""
    pieces = pieces_of(s3, stored, 0, stored.size)
    with io.BufferedReader(_Stream(pieces), _BUFFER_BYTES) as source:
        if source.peek(2)[:2] != b"\x1f\x8b":
            yield from text_lines(source)
            return
        try:
            with gzip.open(source) as unpacked:
                yield from text_lines(unpacked)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            where = f"s3://{stored.bucket}/{stored.key}"
            raise CommandFailed(f"{where} is cut or damaged: {error}") from error
