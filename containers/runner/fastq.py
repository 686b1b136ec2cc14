"""FASTQ checked whole while it streams by: gzip, form, number of reads."""

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from isal import isal_zlib

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK_BYTES = 2**20
LONGEST_RECORD_BYTES = 64 * 2**20
"""More without a record's end is no FASTQ; the longest nanopore reads have some 4 Mbp."""

_first_byte = itemgetter(0)
# Its stubs say that this is an exception, not a class of them.
_IsalError = cast(type[Exception], isal_zlib.error)


class FastqFault(Exception):
    """What is wrong with a file; the message continues after the file's name."""


class Source(Protocol):
    """Where compressed bytes come from; none means the end."""

    def read(self, size: int) -> bytes:
        """At most so many bytes."""
        ...


@dataclass(frozen=True)
class MateCounts:
    """What a whole mate file held."""

    reads: int
    bases: int


class _Hashed(io.RawIOBase):
    """The source under the inflater's hands: hashes, and hands a copy on."""

    def __init__(self, source: Source, md5: bool, copy: Callable[[bytes], object] | None) -> None:
        super().__init__()
        self._source, self._copy = source, copy
        self.digest = hashlib.md5(usedforsecurity=False) if md5 else None
        self.bytes = 0

    def readinto(self, buffer: "WriteableBuffer") -> int:
        room = memoryview(buffer)
        data = self._source.read(len(room))
        room[: len(data)] = data
        self.bytes += len(data)
        if self.digest:
            self.digest.update(data)
        if self._copy:
            self._copy(data)
        return len(data)


class RecordCounter:
    """Counts reads and bases of text that comes in pieces, and looks at every record's form."""

    def __init__(self) -> None:
        """No reads yet."""
        self.reads = 0
        self.bases = 0
        self._rest = b""

    def feed(self, text: bytes) -> None:
        """The next piece, cut anywhere."""
        lines = (self._rest + text).split(b"\n")
        whole = (len(lines) - 1) // 4 * 4
        self._rest = b"\n".join(lines[whole:])
        if len(self._rest) > LONGEST_RECORD_BYTES:
            raise FastqFault(f"is not FASTQ: record {self.reads + 1:,} has no end")
        if whole:
            self._count(lines[:whole])

    def finish(self) -> None:
        """No more pieces; the last line may lack its line end."""
        if self._rest.count(b"\n") == 3 and not self._rest.endswith(b"\n"):
            self.feed(b"\n")
        if self._rest:
            raise FastqFault(f"ends in the middle of a record after {self.reads:,} reads")

    def _count(self, lines: list[bytes]) -> None:
        lengths = list(map(len, lines[1::4]))
        if lengths != list(map(len, lines[3::4])) or not (
            _all_begin(lines[0::4], b"@") and _all_begin(lines[2::4], b"+")
        ):
            raise FastqFault(f"is not FASTQ: {self._first_bad(lines)}")
        self.reads += len(lengths)
        self.bases += sum(lengths)

    def _first_bad(self, lines: list[bytes]) -> str:
        for index in range(0, len(lines), 4):
            name, bases, plus, qualities = lines[index : index + 4]
            record = f"record {self.reads + index // 4 + 1:,}"
            if not name.startswith(b"@"):
                return f"{record} does not begin with @"
            if not plus.startswith(b"+"):
                return f"{record} has no + line"
            if len(bases) != len(qualities):
                return f"{record} has {len(bases):,} bases and {len(qualities):,} qualities"
        return "a record is malformed"


def _all_begin(lines: list[bytes], letter: bytes) -> bool:
    try:
        return set(map(_first_byte, lines)) == {letter[0]}
    except IndexError:  # an empty line
        return False


def checked_text(
    source: Source,
    counter: RecordCounter,
    *,
    md5: str = "",
    copy: Callable[[bytes], object] | None = None,
) -> Iterator[bytes]:
    """The text of a gzipped FASTQ file, each piece checked before it is handed out.

    Gzip's CRC and length are checked for each member, bytes after the end are a fault, zero
    padding is not. ``copy`` gets the compressed bytes. Raises FastqFault.
    """
    hashed = _Hashed(source, bool(md5), copy)
    for text in _inflated(hashed, counter):
        counter.feed(text)
        yield text
    counter.finish()
    if hashed.bytes == 0:  # the inflater takes nothing at all for a whole, empty file
        raise FastqFault("is empty")
    if hashed.digest and hashed.digest.hexdigest() != md5.lower():
        raise FastqFault(f"MD5 is {hashed.digest.hexdigest()}, the manifest says {md5.lower()}")


def _inflated(hashed: _Hashed, counter: RecordCounter) -> Iterator[bytes]:
    reader = isal_zlib._GzipReader(cast("BinaryIO", hashed), CHUNK_BYTES)
    buffer = bytearray(CHUNK_BYTES)
    while True:
        try:
            size = reader.readinto(buffer)
        except EOFError as error:
            raise FastqFault(
                f"is cut off: the gzip stream ends in the middle after "
                f"at least {counter.reads:,} reads"
            ) from error
        except (_IsalError, OverflowError) as error:
            raise FastqFault(_damage(counter, error)) from error
        except OSError as error:
            if error.errno is not None:  # the disk's or the network's, not gzip's
                raise
            raise FastqFault(_damage(counter, error)) from error
        if size == 0:
            return
        yield bytes(memoryview(buffer)[:size])


def _damage(counter: RecordCounter, error: Exception) -> str:
    if counter.reads == 0 and "Not a gzipped file" in str(error):
        return "is not gzip"
    reads = f"at least {counter.reads:,} reads"
    return f"is damaged, or has stray bytes at its end, after {reads}: {error}"
