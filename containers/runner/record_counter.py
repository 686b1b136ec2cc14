"""Every record of a FASTQ text looked at, many at a time by vectors, and counted.

The vectors only ever say "all of these are right". Where they can't (a fault, CRLF, odd
bytes in a comment), ``domain/fastq_record.py`` looks at each record by itself and decides.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from isal import isal_zlib

from runner.faults import FastqFault
from runner.mate_counts import BLOCK_READS, MateCounts
from seqdrop.domain.fastq_record import (
    BASES,
    BLANK_LINE_FAULT,
    BLANKS,
    LAST_QUALITY,
    MAX_NAME_LENGTH,
    PADDING,
    Q30,
    pair_name,
    record_fault,
    shown_bytes,
)

LONGEST_RECORD_BYTES = 64 * 2**20
"""More without a record's end is no FASTQ; the longest nanopore reads have some 4 Mbp."""

Bytes = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

_WORD = 8
_FACTORS = np.array(
    [pow(0x9E3779B97F4A7C15, n, 2**64) for n in range(1, MAX_NAME_LENGTH // _WORD + 2)], np.uint64
)
"""A name's hash is the sum of its words of eight bytes, each times a factor of its place."""
_KEPT = np.array([(1 << 8 * n) - 1 for n in range(_WORD + 1)], np.uint64)
_AT, _PLUS, _SLASH, _ONE, _TWO = b"@+/12"
_LF, _SPACE = b"\n "
_COMMON_BASES = b"ACGTN"


@dataclass(frozen=True)
class _Records:
    """Records that are right: what is counted of them."""

    lengths: Positions
    """Bases of each."""
    bases: Bytes
    qualities: Bytes
    names: Hashes


class _Room:
    """Memory that each piece of the text uses again: fresh pages cost more than the work."""

    def __init__(self) -> None:
        self._arrays: dict[str, Bytes] = {}

    def take(self, name: str, size: int) -> Bytes:
        """So many bytes under a name; what was there before is lost if they must grow."""
        if name not in self._arrays or len(self._arrays[name]) < size:
            self._arrays[name] = np.empty(size + size // 4, np.uint8)
        return self._arrays[name][:size]


class RecordCounter:
    """Takes a text that comes in pieces, cut anywhere."""

    def __init__(self) -> None:
        """No reads yet."""
        self.counts = MateCounts()
        self._room = _Room()
        self._rest = b""
        self._only_blank_lines = False

    def feed(self, text: bytes | memoryview) -> None:
        """The next piece. Raises FastqFault with the first record that is wrong."""
        if self._only_blank_lines:
            self._check_blank(bytes(text))
            return
        begin, size = len(self._rest), len(self._rest) + len(text)
        block = self._room.take("text", size + _WORD)
        block[:begin] = np.frombuffer(self._rest, np.uint8)
        block[begin:size] = np.frombuffer(text, np.uint8)
        lines = _Lines(block, size, self._room)
        self._rest = block[lines.end : size].tobytes()
        if records := lines.records():
            self._count(records)
        else:
            self._look_at_each(block[: lines.end].tobytes())
        if len(self._rest) > LONGEST_RECORD_BYTES:
            raise FastqFault(f"is not FASTQ: {self._record()} has no end")

    def finish(self) -> None:
        """No more pieces; the last line may lack its line end."""
        rest, self._rest = self._rest, b""
        if self._only_blank_lines or not rest.strip(b"\r\n"):
            return
        if self.counts.reads and not rest.strip(PADDING):
            others = shown_bytes(rest.translate(None, b"\r\n"))
            raise FastqFault(
                f"has bytes after its last record, number {self.counts.reads:,}, that are no line "
                f"ends ({others}): remove them"
            )
        header, *lines = (line.removesuffix(b"\r") for line in rest.split(b"\n"))
        if len(lines) != 3 or len(lines[0]) > len(lines[2]):
            if not header:
                raise FastqFault(f"is not FASTQ: {self._record()} {BLANK_LINE_FAULT}")
            reads = f"{self.counts.reads:,} reads"
            raise FastqFault(f"ends in the middle of a record after {reads}")
        self._look_at_each(rest + b"\n")

    def _record(self) -> str:
        return f"record {self.counts.reads + 1:,}"

    def _check_blank(self, text: bytes) -> None:
        if text.strip(b"\r\n"):
            raise FastqFault(f"is not FASTQ: {self._record()} {BLANK_LINE_FAULT}")

    def _look_at_each(self, text: bytes) -> None:
        """The slow way, for whole records: the domain decides about each."""
        lines = [line.removesuffix(b"\r") for line in text.split(b"\n")[:-1]]
        right: list[list[bytes]] = []
        for index in range(0, len(lines), 4):
            record = lines[index : index + 4]
            if not record[0]:
                self._count(_records_of(right))
                self._only_blank_lines = True
                self._check_blank(b"".join(lines[index:]) + self._rest)
                return
            if fault := record_fault(*record):
                number = self.counts.reads + len(right) + 1
                raise FastqFault(f"is not FASTQ: record {number:,} {fault}")
            right.append(record)
        self._count(_records_of(right))

    def _count(self, records: _Records) -> None:
        counts, qualities = self.counts, records.qualities
        if len(qualities):
            counts.quality_min = min(counts.quality_min, int(qualities.min()))
            counts.quality_max = max(counts.quality_max, int(qualities.max()))
            good = self._room.take("flags", len(qualities)).view(np.bool_)
            counts.q30_bases += int(np.count_nonzero(np.greater_equal(qualities, Q30, out=good)))
        counts.bases += len(records.bases)
        ends = np.cumsum(records.lengths)
        done, reads, bases = 0, len(records.lengths), 0
        while done < reads:
            if counts.reads % BLOCK_READS == 0:
                counts.names.append(0)
                counts.sequences.append(0)
            more = min(reads - done, BLOCK_READS - counts.reads % BLOCK_READS)
            names, end = records.names[done : done + more], int(ends[done + more - 1])
            counts.names[-1] = isal_zlib.crc32(names, counts.names[-1])
            sequence = records.bases[bases:end]
            counts.sequences[-1] = isal_zlib.crc32(sequence, counts.sequences[-1])
            done, bases = done + more, end
            counts.reads += more


class _Lines:
    """The lines of a text, four to a record, by the places of all blanks and control bytes."""

    def __init__(self, block: Bytes, size: int, room: _Room) -> None:
        """``size`` bytes of the block are text; some more are there, of any value."""
        self._block, self._room = block, room
        flags = room.take("flags", size).view(np.bool_)
        marks = np.flatnonzero(np.less_equal(block[:size], _SPACE, out=flags))
        kinds = block[marks]
        line_ends = np.flatnonzero(kinds == _LF)
        line_ends = line_ends[: len(line_ends) // 4 * 4]
        self._marks, self._line_ends = marks, line_ends.reshape(-1, 4)
        self._kinds = kinds[: line_ends[-1] + 1] if len(line_ends) else kinds[:0]
        self.end = int(marks[line_ends[-1]]) + 1 if len(line_ends) else 0
        """Where the last whole record ends."""

    def records(self) -> _Records | None:
        """What is in the whole records; None unless it is sure that all of them are right."""
        if not self.end:
            return _records_of([])
        ends = self._marks[self._line_ends]
        starts = np.empty_like(ends)
        starts[0, 0] = 0
        starts[1:, 0] = ends[:-1, 3] + 1
        starts[:, 1:] = ends[:, :3] + 1
        name_ends = self._name_ends()
        lengths = ends[:, 1] - starts[:, 1]
        if not (
            np.array_equal(lengths, ends[:, 3] - starts[:, 3])
            and self._are_bytes_plain()
            and self._are_beginnings_right(starts, name_ends)
        ):
            return None
        bases = self._joined(starts[:, 1], lengths)
        if not self._are_bases(bases):
            return None
        qualities = self._joined(starts[:, 3], lengths)
        return _Records(lengths, bases, qualities, self._name_hashes(starts[:, 0] + 1, name_ends))

    def _name_ends(self) -> Positions:
        """The first mark of each header line: a blank, or the line's end."""
        first = np.zeros(len(self._line_ends), np.int64)
        first[1:] = self._line_ends[:-1, 3] + 1
        return self._marks[first]

    def _are_bytes_plain(self) -> bool:
        """No byte outside of ASCII's printable ones but blanks in names, and line ends."""
        known = sum(np.count_nonzero(self._kinds == kind) for kind in (_LF, *BLANKS))
        between = np.diff(self._line_ends, axis=1)
        return (
            known == len(self._kinds)
            and bool((between[:, 0] == 1).all() and (between[:, 2] == 1).all())
            and int(self._block[: self.end].max()) <= LAST_QUALITY
        )

    def _are_beginnings_right(self, starts: Positions, name_ends: Positions) -> bool:
        names = starts[:, 0] + 1
        lengths = name_ends - names
        return bool(
            (self._block[starts[:, 0]] == _AT).all()
            and (self._block[starts[:, 2]] == _PLUS).all()
            and (self._block[names] != _AT).all()
            and lengths.min() > 0
            and lengths.max() <= MAX_NAME_LENGTH
        )

    def _joined(self, starts: Positions, lengths: Positions) -> Bytes:
        """Some of the lines, one after another."""
        length = int(lengths[0])
        if length and (lengths == length).all():
            windows = np.lib.stride_tricks.sliding_window_view(self._block, length)
            return windows[starts].reshape(-1)
        text = self._block.data
        begins, ends = starts.tolist(), (starts + lengths).tolist()
        lines = [text[begin:end] for begin, end in zip(begins, ends, strict=True)]
        return np.frombuffer(b"".join(lines), np.uint8)

    def _are_bases(self, bases: Bytes) -> bool:
        same = self._room.take("flags", len(bases)).view(np.bool_)
        common = sum(np.count_nonzero(np.equal(bases, base, out=same)) for base in _COMMON_BASES)
        return common == len(bases) or not bases.tobytes().translate(None, BASES)

    def _name_hashes(self, starts: Positions, ends: Positions) -> Hashes:
        """Of the names that both mates have, without ``/1`` and ``/2``."""
        last = self._block[ends - 1]
        is_mate = (self._block[ends - 2] == _SLASH) & ((last == _ONE) | (last == _TWO))
        lengths = ends - starts - 2 * is_mate
        room = len(self._block) - _WORD
        words = np.ndarray((room + 1,), "<u8", self._block, 0, (1,))
        hashes = np.zeros(len(starts), np.uint64)
        shortest = int(lengths.min())
        for number in range(-(-int(lengths.max()) // _WORD)):
            begin = number * _WORD
            found = words[np.minimum(starts + begin, room)]
            if shortest < begin + _WORD:
                found &= _KEPT[np.clip(lengths - begin, 0, _WORD)]
            hashes += found * _FACTORS[number]
        return hashes


def _records_of(lines: list[list[bytes]]) -> _Records:
    """The same of records that were looked at one by one."""
    bases, qualities = (b"".join(record[n] for record in lines) for n in (1, 3))
    return _Records(
        np.array([len(record[1]) for record in lines], np.int64),
        np.frombuffer(bases, np.uint8),
        np.frombuffer(qualities, np.uint8),
        np.array([_name_hash(pair_name(record[0])) for record in lines], np.uint64),
    )


def _name_hash(name: bytes) -> int:
    total = 0
    for begin, factor in zip(range(0, len(name), _WORD), _FACTORS, strict=False):
        total += int.from_bytes(name[begin : begin + _WORD], "little") * int(factor)
    return total % 2**64
