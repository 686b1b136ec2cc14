"""FASTQ checked whole while it streams by: gzip, then every record."""

import hashlib
from collections.abc import Iterator
from typing import Protocol, cast

import numpy as np
from isal import isal_zlib

from runner.faults import FastqFault
from runner.streaming.record_counter import RecordCounter
from seqdrop.domain.fastq_record import GZIP_PADDING

CHUNK_BYTES = 1024 * 1024
_READ_BYTES = 128 * 1024
_HEADER_BYTES = 66_000
"""A member's header with the longest extra field. It comes in one piece: in two, ISA-L 2.31
takes one with an extra field and a name for damaged."""

# Its stubs say that this is an exception, not a class of them.
_IsalError = cast(type[Exception], isal_zlib.error)
_GZIP_ALONE = 16 + 15
"""The window's size as zlib is told it: a gzip header, and nothing else."""
_LINE_END = ord("\n")
_MAGIC = b"\x1f\x8b"
_BLOCKED = (b"\x1f\x8b\x08\x04", b"BC\x02\x00")
"""How blocked gzip (BGZF) begins: a member with an extra field, named BC and two bytes long."""


class Source(Protocol):
    """Where compressed bytes come from; none means the end."""

    def read(self, size: int) -> bytes:
        """At most so many bytes."""
        ...


class _Broken(Exception):
    """What is wrong with the gzip, and why; its text so far is still to be looked at."""


class _Compressed:
    """The file's own bytes: hashed, the first ones kept."""

    def __init__(self, source: Source, md5: bool) -> None:
        self._source = source
        self.digest = hashlib.md5(usedforsecurity=False) if md5 else None
        self._begin = b""
        self.ends_with_empty_member = False

    def read(self) -> bytes:
        """The next ones; none at the end."""
        data = self._source.read(_READ_BYTES)
        if self.digest:
            self.digest.update(data)
        if len(self._begin) < 16:
            self._begin += data[:16]
        return data

    @property
    def is_empty(self) -> bool:
        return not self._begin

    @property
    def lacks_end_block(self) -> bool:
        """Whether it is blocked gzip without its last block; of a file that was read whole.

        The SAM specification wants an empty block at the end.
        """
        member, field = _BLOCKED
        is_blocked = self._begin[:4] == member and self._begin[12:16] == field
        return is_blocked and not self.ends_with_empty_member


class _EveryOther:
    """Every second record of a text that comes in pieces, cut anywhere."""

    def __init__(self, half: int) -> None:
        """The first record of two (0), or the second (1)."""
        self._half, self._records, self._rest = half, 0, b""

    def take(self, text: bytes) -> bytes:
        """What the next piece completes."""
        whole = self._rest + text
        ends = np.flatnonzero(np.frombuffer(whole, np.uint8) == _LINE_END)[3::4] + 1
        starts = np.concatenate(([0], ends[:-1])) if len(ends) else ends
        first = (self._half - self._records) % 2
        own = zip(starts[first::2].tolist(), ends[first::2].tolist(), strict=True)
        found = b"".join(whole[start:end] for start, end in own)
        self._records += len(ends)
        self._rest = whole[ends[-1] :] if len(ends) else whole
        return found

    def rest(self) -> bytes:
        """What is left, if it is its own: of what is wrong with the other's, the other tells."""
        return self._rest if (self._half - self._records) % 2 == 0 else b""


def checked_text(
    source: Source, counter: RecordCounter, *, md5: str = "", half: int | None = None
) -> Iterator[bytes]:
    """The text of a gzipped FASTQ file, each piece checked before it is handed out.

    With ``half``, that of every second record: the first (0) or the second (1) of two.
    Gzip's CRC and length are checked for each member, and so is what follows the last one.
    Raises FastqFault.
    """
    compressed = _Compressed(source, bool(md5))
    own = None if half is None else _EveryOther(half)
    for text in _inflated(compressed, counter):
        part = own.take(text) if own else text
        counter.feed(part)
        yield part
    if own and (rest := own.rest()):
        counter.feed(rest)
        yield rest
    counter.finish()
    counter.counts.without_end_block = compressed.lacks_end_block and half != 1  # once a file
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


def _inflated(compressed: _Compressed, counter: RecordCounter) -> Iterator[bytes]:
    """The text in large pieces; FastqFault with the counter's reads where the gzip is broken."""
    held: list[bytes] = []
    broken = None
    try:
        for text in _members(compressed):
            held.append(text)
            if sum(map(len, held)) >= CHUNK_BYTES:
                yield b"".join(held)
                held = []
    except _Broken as error:
        broken = error
    if held:
        yield b"".join(held)
    if broken:
        what, why = broken.args
        raise FastqFault(f"{what} after at least {counter.counts.reads:,} reads{why}") from broken


def _members(compressed: _Compressed) -> Iterator[bytes]:
    """The text of all members, one after another."""
    ahead = _least(compressed.read(), len(_MAGIC), compressed)
    if not ahead:
        raise FastqFault("is empty")
    if not ahead.startswith(_MAGIC):
        raise FastqFault("is not gzip")
    while ahead:
        ahead = _least(ahead, _HEADER_BYTES, compressed)
        inflater = isal_zlib.decompressobj(_GZIP_ALONE)
        is_empty = True
        for text in _member(inflater, ahead, compressed):
            is_empty = False
            yield text
        compressed.ends_with_empty_member = is_empty
        ahead = _next_member(inflater.unused_data, compressed)


def _member(
    inflater: isal_zlib.Decompress, ahead: bytes, compressed: _Compressed
) -> Iterator[bytes]:
    while not inflater.eof:
        ahead = ahead or compressed.read()
        is_end = not ahead
        try:
            text = inflater.decompress(ahead, CHUNK_BYTES)
        except _IsalError as error:
            raise _Broken("is damaged", f": {error}") from error
        ahead = inflater.unconsumed_tail
        if text:
            yield text
        elif is_end and not inflater.eof:
            raise _Broken("is cut off: the gzip stream ends in the middle", "")


def _next_member(ahead: bytes, compressed: _Compressed) -> bytes:
    """What follows a member: the begin of another, zeros between left out; none at the end."""
    before = 0
    while True:
        rest = ahead.lstrip(b"\0")
        before += len(ahead) - len(rest)
        more = compressed.read() if len(rest) < len(_MAGIC) else b""
        if not more:
            break
        ahead = rest + more
    if rest.startswith(_MAGIC):
        return rest
    rest = _least(rest, CHUNK_BYTES, compressed)
    if not rest.strip(GZIP_PADDING):
        return b""
    size = f"{before + len(rest):,}"
    if len(rest) >= CHUNK_BYTES:
        size = f"at least {size}"
    raise FastqFault(f"has {size} bytes after the end of its gzip stream: pack it anew")


def _least(data: bytes, size: int, compressed: _Compressed) -> bytes:
    """So many bytes at least, unless the end comes first."""
    while len(data) < size and (more := compressed.read()):
        data += more
    return data
