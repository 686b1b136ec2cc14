"""FASTQ files, plain or gzip, regular or FIFO, read in step and cut into bwa's own chunks."""

import io
import logging
import queue
import threading
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from operator import add, eq, itemgetter
from pathlib import Path
from typing import IO

from isal import igzip

logger = logging.getLogger(__name__)

BLOCK_BYTES = 1 << 20
BLOCKS_AHEAD = 16  # how far the mates' writers may drift apart, in blocks
LINES = 4


class BadFastq(Exception):
    """The file is not whole, or not FASTQ."""


@dataclass(frozen=True)
class Chunk:
    """Lines of whole records, four a read, for one or both mates; each ends in a newline."""

    mates: tuple[list[bytes], ...]

    @property
    def reads(self) -> int:
        """How many reads there are over all mates."""
        return sum(len(lines) // LINES for lines in self.mates)


def _inflated(raw: io.BufferedReader) -> IO[bytes]:
    if raw.peek(2)[:2] == b"\x1f\x8b":
        return io.BufferedReader(igzip.IGzipFile(fileobj=raw), BLOCK_BYTES)
    return raw


def _bare_name(line: bytes) -> bytes:
    name = line.split(None, 1)[0]
    if len(name) > 3 and name[-2:-1] == b"/" and name[-1:].isdigit():
        name = name[:-2]
    return name + b"\n"


def _checked(lines: list[bytes], path: str) -> list[bytes]:
    if len(lines) % LINES:
        raise BadFastq(f"{path}: ends inside a record")
    if lines[0].endswith(b"\r\n"):
        lines = [line.rstrip(b"\r\n") + b"\n" for line in lines]
    if not lines[-1].endswith(b"\n"):
        lines[-1] += b"\n"
    first = itemgetter(0)
    if set(map(first, lines[0::LINES])) != {ord("@")} or set(map(first, lines[2::LINES])) != {
        ord("+")
    }:
        raise BadFastq(f"{path}: not FASTQ with four lines a read")
    if not all(map(eq, map(len, lines[1::LINES]), map(len, lines[3::LINES]))):
        raise BadFastq(f"{path}: a read's bases and qualities differ in length")
    lines[0::LINES] = map(_bare_name, lines[0::LINES])
    return lines


def _blocks(path: str) -> Iterator[list[bytes]]:
    rest: list[bytes] = []
    with Path(path).open("rb") as raw:
        handle = _inflated(raw)
        while more := handle.readlines(BLOCK_BYTES):
            lines = rest + more
            whole = len(lines) - len(lines) % LINES
            rest = lines[whole:]
            if whole:
                yield _checked(lines[:whole], path)
    if any(line.strip() for line in rest):
        yield _checked(rest, path)


def _ahead(path: str) -> Iterator[list[bytes]]:
    """Reads in a thread, so that two FIFOs with one writer cannot stop one another."""
    blocks: queue.Queue[list[bytes] | Exception | None] = queue.Queue(BLOCKS_AHEAD)

    def fill() -> None:
        try:
            for block in _blocks(path):
                blocks.put(block)
            blocks.put(None)
        except (OSError, EOFError, BadFastq) as error:
            blocks.put(error)

    # Started now, not at the first block: a writer may open both FIFOs before it writes.
    threading.Thread(target=fill, daemon=True, name=f"read {path}").start()
    return _taken(path, blocks)


def _taken(
    path: str, blocks: "queue.Queue[list[bytes] | Exception | None]"
) -> Iterator[list[bytes]]:
    while (block := blocks.get()) is not None:
        if isinstance(block, BadFastq):
            raise block
        if isinstance(block, Exception):
            why = getattr(block, "strerror", None) or block
            raise BadFastq(f"{path}: {why}") from block
        yield block


def _in_step(paths: list[str], *, strict: bool) -> Iterator[tuple[list[bytes], ...]]:
    """Blocks with the same number of records of each mate, until the shorter file ends."""
    streams = [_ahead(path) for path in paths]
    held: list[list[bytes]] = [[] for _ in paths]
    while True:
        for mate, stream in enumerate(streams):
            if not held[mate]:
                held[mate] = next(stream, [])
        lines = min(map(len, held))
        if not lines:
            break
        yield tuple(mate[:lines] for mate in held)
        held = [mate[lines:] for mate in held]
    if any(held):
        shorter = 1 if held[0] else 0
        if strict:
            raise BadFastq(f"{paths[shorter]}: has fewer reads than its mate")
        which = ("1st", "2nd")[shorter]
        logger.warning("[W::bseq_read] the %s file has fewer sequences.", which)


def _bases(mates: tuple[list[bytes], ...]) -> list[int]:
    """Bases so far after each read, or pair of reads."""
    lengths = [[len(line) - 1 for line in lines[1::LINES]] for lines in mates]
    return list(accumulate(lengths[0] if len(mates) == 1 else map(add, *lengths)))


def _check_names(mates: tuple[list[bytes], ...]) -> None:
    if len(mates) == 1 or mates[0][0::LINES] == mates[1][0::LINES]:
        return
    for one, two in zip(mates[0][0::LINES], mates[1][0::LINES], strict=True):
        if one != two:
            names = f'"{one[1:-1].decode()}", "{two[1:-1].decode()}"'
            raise BadFastq(f"paired reads have different names: {names}")


def count_reads(paths: list[str]) -> tuple[int, int]:
    """Reads and bases of one file or two mates'; raises BadFastq unless they are whole."""
    reads = bases = 0
    for block in _in_step(paths, strict=True):
        _check_names(block)
        reads += sum(len(lines) // LINES for lines in block)
        bases += _bases(block)[-1]
    return reads, bases


def _extend(
    held: tuple[list[bytes], ...], block: tuple[list[bytes], ...], start: int, end: int
) -> None:
    for lines, more in zip(held, block, strict=True):
        lines.extend(more[start * LINES : end * LINES])


def read_chunks(paths: list[str], chunk_bases: int) -> Iterator[Chunk]:
    """Cuts one file, or two mates', as bwa does: at `chunk_bases` or just over, an even count.

    Like bwa, only warns where one mate's file is shorter than the other's.
    """
    held: tuple[list[bytes], ...] = tuple([] for _ in paths)
    held_bases = 0
    for block in _in_step(paths, strict=False):
        _check_names(block)
        bases, start = _bases(block), 0
        done = 0
        while True:
            cut = bisect_left(bases, chunk_bases - held_bases + done, start) + 1
            if len(paths) == 1 and (len(held[0]) // LINES + cut - start) % 2:
                cut += 1
            if cut > len(bases):
                break
            _extend(held, block, start, cut)
            yield Chunk(held)
            held = tuple([] for _ in paths)
            held_bases, start, done = 0, cut, bases[cut - 1]
        _extend(held, block, start, len(bases))
        held_bases += bases[-1] - done
    if held[0]:
        yield Chunk(held)
