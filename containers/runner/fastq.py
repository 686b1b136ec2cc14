"""FASTQ checked whole while it streams by: gzip, then every record."""

import hashlib
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from isal import isal_zlib

from runner.faults import FastqFault
from runner.record_counter import RecordCounter

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK_BYTES = 1024 * 1024

# Its stubs say that this is an exception, not a class of them.
_IsalError = cast(type[Exception], isal_zlib.error)
_BLOCKED = (b"\x1f\x8b\x08\x04", b"BC\x02\x00")
"""How blocked gzip (BGZF) begins: a member with an extra field, named BC and two bytes long."""
_END_BLOCK = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
"""The empty block that the SAM specification wants at the end of a BGZF file."""


class Source(Protocol):
    """Where compressed bytes come from; none means the end."""

    def read(self, size: int) -> bytes:
        """At most so many bytes."""
        ...


class _Compressed(io.RawIOBase):
    """The source under the inflater's hands: hashed, and its first and last bytes kept."""

    def __init__(self, source: Source, md5: bool) -> None:
        super().__init__()
        self._source = source
        self.digest = hashlib.md5(usedforsecurity=False) if md5 else None
        self._begin, self._end = b"", b""

    def readinto(self, buffer: "WriteableBuffer") -> int:
        room = memoryview(buffer)
        data = self._source.read(len(room))
        room[: len(data)] = data
        if self.digest:
            self.digest.update(data)
        if len(self._begin) < 16:
            self._begin += data[:16]
        if data:
            self._end = (self._end + data[-len(_END_BLOCK) :])[-len(_END_BLOCK) :]
        return len(data)

    @property
    def is_empty(self) -> bool:
        return not self._begin

    @property
    def lacks_end_block(self) -> bool:
        """Whether it is blocked gzip without its last block; of a file that was read whole."""
        member, field = _BLOCKED
        is_blocked = self._begin[:4] == member and self._begin[12:16] == field
        return is_blocked and self._end != _END_BLOCK


def checked_text(source: Source, counter: RecordCounter, *, md5: str = "") -> Iterator[memoryview]:
    """The text of a gzipped FASTQ file, each piece checked before it is handed out.

    A piece is good until the next one is asked for.

    Gzip's CRC and length are checked for each member, bytes after the end are a fault, zero
    padding is not. Raises FastqFault.
    """
    compressed = _Compressed(source, bool(md5))
    for text in _inflated(compressed, counter):
        counter.feed(text)
        yield text
    counter.finish()
    if compressed.is_empty:  # the inflater takes nothing at all for a whole, empty file
        raise FastqFault("is empty")
    counter.counts.without_end_block = compressed.lacks_end_block
    found = compressed.digest.hexdigest() if compressed.digest else ""
    if found != md5.lower():
        raise FastqFault(f"MD5 is {found}, the manifest says {md5.lower()}")


def headers(source: Source) -> Iterator[bytes]:
    """The first line of each record of a file that has been found right."""
    rest = b""
    for text in _inflated(_Compressed(source, md5=False), RecordCounter()):
        lines = (rest + text).split(b"\n")
        whole = (len(lines) - 1) // 4 * 4
        yield from (line.removesuffix(b"\r") for line in lines[:whole:4])
        rest = b"\n".join(lines[whole:])
    if rest.strip():
        yield rest.split(b"\n")[0].removesuffix(b"\r")


def _inflated(compressed: io.RawIOBase, counter: RecordCounter) -> Iterator[memoryview]:
    """The text in pieces; FastqFault with the counter's reads where the gzip is not whole."""
    reader = isal_zlib._GzipReader(cast("BinaryIO", compressed), CHUNK_BYTES)
    buffer = bytearray(CHUNK_BYTES)
    while True:
        try:
            size = reader.readinto(buffer)
        except EOFError as error:
            raise FastqFault(
                f"is cut off: the gzip stream ends in the middle after "
                f"at least {counter.counts.reads:,} reads"
            ) from error
        except (_IsalError, OverflowError) as error:
            raise FastqFault(_damage(counter, error)) from error
        except OSError as error:
            if error.errno is not None:  # the disk's or the network's, not gzip's
                raise
            raise FastqFault(_damage(counter, error)) from error
        if size == 0:
            return
        yield memoryview(buffer)[:size]


def _damage(counter: RecordCounter, error: Exception) -> str:
    if counter.counts.reads == 0 and "Not a gzipped file" in str(error):
        return "is not gzip"
    reads = f"at least {counter.counts.reads:,} reads"
    return f"is damaged, or has stray bytes at its end, after {reads}: {error}"
