"""Reads VCF text in large blocks, from the start or by index, and sees whether a file is whole."""

import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from isal import igzip, igzip_threaded

from seqdrop.domain.errors import InvalidInput

_BLOCK = 1 << 21
_GZIP = b"\x1f\x8b"
_BGZF_EXTRA = b"BC\x02\x00"
_BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
_CUT_OFF = "the file was cut off: get the whole file, or make it again"
_TBI_META_BIN = 37450


def text_blocks(path: Path) -> Iterator[bytes]:
    """A file's text, inflated where it is gzip, in blocks. Raises InvalidInput."""
    if not path.is_file():
        raise InvalidInput(f"{path} is not there", "name an existing file")
    with path.open("rb") as file:
        head = file.read(18)
        if not head.startswith(_GZIP):
            file.seek(0)
            while block := file.read(_BLOCK):
                yield block
            return
        _look_at_end(path, head)
    with igzip_threaded.open(str(path), "rb", threads=1, block_size=_BLOCK) as inflated:
        yield from _inflated(inflated, path)


def text_blocks_at(path: Path, offset: int) -> Iterator[bytes]:
    """The text of a blocked gzip file from a virtual offset on."""
    with path.open("rb") as file:
        file.seek(offset >> 16)
        with igzip.IGzipFile(fileobj=file, mode="rb") as inflated:
            inflated.read(offset & 0xFFFF)
            yield from _inflated(inflated, path)


def _inflated(inflated: Any, path: Path) -> Iterator[bytes]:
    while True:
        try:
            block = inflated.read(_BLOCK)
        except (EOFError, OSError) as error:
            raise InvalidInput(f"{path.name} can't be inflated ({error})", _CUT_OFF) from error
        if not block:
            return
        yield block


def _look_at_end(path: Path, head: bytes) -> None:
    """Raises InvalidInput where a blocked gzip file lacks its last, empty block."""
    if head[12:16] != _BGZF_EXTRA:
        return
    with path.open("rb") as file:
        with suppress(OSError):  # a file that is shorter than the block
            file.seek(-len(_BGZF_END), 2)
        if file.read() != _BGZF_END:
            raise InvalidInput(f"{path.name} lacks the block that ends a bgzip file", _CUT_OFF)


def index_of(path: Path) -> Path | None:
    """The index beside a file, if there is one."""
    for suffix in (".tbi", ".csi"):
        index = path.with_name(path.name + suffix)
        if index.is_file():
            return index
    return None


def contig_offsets(index: Path) -> dict[str, int]:
    """Where each contig's records begin, as virtual offsets. Raises InvalidInput."""
    try:
        with igzip.open(str(index), "rb") as file:
            return _Index(file.read()).offsets()
    except (EOFError, OSError, ValueError, struct.error) as error:
        raise InvalidInput(
            f"{index.name} is no index of a VCF ({error})", "make it again: `bcftools index -t`"
        ) from error


class _Index:
    """The bytes of a ``.tbi`` or ``.csi``, read from front to end (SAM/tabix specifications)."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 4
        self._is_csi = content[:4] == b"CSI\x01"
        if not self._is_csi and content[:4] != b"TBI\x01":
            raise ValueError("its first bytes are of another format")

    def _take(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from(f"<{form}", self._content, self._at)
        self._at += struct.calcsize(f"<{form}")
        return values

    def offsets(self) -> dict[str, int]:
        """The first record of each contig that has any."""
        meta_bin = _TBI_META_BIN
        if self._is_csi:
            _, depth, _ = self._take("3i")
            meta_bin = ((1 << 3 * (depth + 1)) - 1) // 7 + 1
            names = self._names()
            (count,) = self._take("i")
        else:
            (count,) = self._take("i")
            names = self._names()
        if len(names) < count:
            raise ValueError("it does not name its contigs")
        found = {}
        for name in names[:count]:
            offset = self._first_of_contig(meta_bin)
            if offset is not None:
                found[name] = offset
        return found

    def _names(self) -> list[str]:
        length = self._take("7i")[6]
        text = self._content[self._at : self._at + length]
        self._at += length
        return text.decode("utf-8").split("\0")[:-1]

    def _first_of_contig(self, meta_bin: int) -> int | None:
        first: int | None = None
        (bins,) = self._take("i")
        for _ in range(bins):
            (number,) = self._take("I")
            if self._is_csi:
                self._take("Q")
            (chunks,) = self._take("i")
            for _ in range(chunks):
                begin, _end = self._take("2Q")
                if number != meta_bin and (first is None or begin < first):
                    first = begin
        if not self._is_csi:
            (linear,) = self._take("i")
            self._at += 8 * linear
        return first
