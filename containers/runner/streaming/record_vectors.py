"""Whole records of a FASTQ text, looked at side by side by vectors.

They only ever say "all of these are right". Where they can't (a fault, odd bytes in a comment),
``domain/fastq_record.py`` looks at each record by itself and decides.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from runner.streaming.mate_counts import MOST_LANES
from seqdrop.domain.fastq_record import (
    BASES,
    BLANKS,
    LAST_QUALITY,
    MAX_NAME_LENGTH,
    Q30,
    full_name,
    pair_name,
)
from seqdrop.domain.read_name import lane_prefix

Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

WORD = 8
_FACTOR = 0x9E3779B97F4A7C15
_KEPT = np.array([(1 << 8 * n) - 1 for n in range(WORD + 1)], np.uint64)
"""For the last word of a line: its first bytes are kept, what follows them becomes zeros."""
_AT, _PLUS, _SLASH, _ONE, _TWO = b"@+/12"
_LF, _CR, _SPACE = b"\n\r "
_COMMON_BASES = b"ACGTN"


@dataclass(frozen=True)
class Records:
    """Records that are right: what is counted of them, and a hash of each name and its bases."""

    lanes: frozenset[bytes]
    """What their names begin with, up to flowcell and lane."""

    bases: int
    q30_bases: int
    quality_min: int
    quality_max: int
    names: Words
    sequences: Words


class Room:
    """Memory that each piece of the text uses again: fresh pages cost more than the work."""

    def __init__(self) -> None:
        self._arrays: dict[str, Bytes] = {}

    def take(self, name: str, size: int) -> Bytes:
        """So many bytes under a name; what was there before is lost if they must grow."""
        if name not in self._arrays or len(self._arrays[name]) < size:
            self._arrays[name] = np.empty(size + size // 4, np.uint8)
        return self._arrays[name][:size]


class Lines:
    """The lines of a text, four to a record, by the places of all blanks and control bytes."""

    def __init__(self, block: Bytes, size: int, room: Room) -> None:
        """``size`` bytes of the block are text; as many and a word more, of any value, follow."""
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

    def records(self) -> Records | None:
        """What is in the whole records; None unless it is sure that all of them are right."""
        if not self.end:
            return records_of([])
        ends = self._marks[self._line_ends]
        starts = np.zeros_like(ends)
        np.add(ends.reshape(-1)[:-1], 1, out=starts.reshape(-1)[1:])
        returns = self._returns(ends)
        lengths, quality_lengths = (ends[:, n] - returns[:, n] - starts[:, n] for n in (1, 3))
        name_ends = self._name_ends()
        if not (
            np.array_equal(lengths, quality_lengths)
            and self._are_bytes_plain(returns)
            and self._are_beginnings_right(starts, name_ends)
        ):
            return None
        sequences = self._sequence_hashes(starts[:, 1], lengths)
        if sequences is None:
            return None
        q30, lowest, highest = self._qualities(starts[:, 3], lengths)
        names, lanes = self._names(starts[:, 0] + 1, name_ends)
        return Records(lanes, int(lengths.sum()), q30, lowest, highest, names, sequences)

    def _returns(self, ends: Positions) -> Flags:
        """Which lines end with CR and LF."""
        if not np.count_nonzero(self._kinds == _CR):
            return np.zeros(ends.shape, np.bool_)
        returns: Flags = self._block[ends - 1] == _CR
        return returns

    def _name_ends(self) -> Positions:
        """The first mark of each header line: a blank, or the line's end."""
        first = np.zeros(len(self._line_ends), np.int64)
        first[1:] = self._line_ends[:-1, 3] + 1
        return self._marks[first]

    def _are_bytes_plain(self, returns: Flags) -> bool:
        """No byte outside of ASCII's printable ones but blanks in names, and line ends."""
        known = sum(np.count_nonzero(self._kinds == kind) for kind in (_LF, *BLANKS))
        between = self._line_ends[:, 1::2] - self._line_ends[:, ::2]
        return (
            known + np.count_nonzero(returns) == len(self._kinds)
            and bool((between == 1 + returns[:, 1::2]).all())
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

    def _words(self, starts: Positions, lengths: Positions) -> Words:
        """A row of words for each line, zeros after its end."""
        width = max(1, -(-int(lengths.max()) // WORD))
        shape = (len(self._block) - width * WORD + 1, width)
        words: Words = np.ndarray(shape, "<u8", self._block, 0, (1, WORD))[starts]
        whole = int(lengths.min()) // WORD
        left = lengths[:, np.newaxis] - WORD * np.arange(whole, width)
        words[:, whole:] &= _KEPT[np.clip(left, 0, WORD)]
        return words

    def _sequence_hashes(self, starts: Positions, lengths: Positions) -> Words | None:
        """None unless it is sure that all of them are bases."""
        hashes = np.empty(len(starts), np.uint64)
        for group in _groups(lengths):
            words = self._words(starts[group], lengths[group])
            if not self._are_bases(words.view(np.uint8).reshape(-1), int(lengths[group].sum())):
                return None
            hashes[group] = _hashes(words)
        return hashes

    def _are_bases(self, text: Bytes, count: int) -> bool:
        """Whether so many of the bytes are bases; the others are zeros."""
        same = self._room.take("flags", len(text)).view(np.bool_)
        common = 0
        for base in _COMMON_BASES:
            common += int(np.count_nonzero(np.equal(text, base, out=same)))
            if common == count:
                return True
        return not text.tobytes().translate(None, BASES + b"\0")

    def _qualities(self, starts: Positions, lengths: Positions) -> tuple[int, int, int]:
        """How many are 30 and more; the lowest and the highest byte."""
        q30, lowest, highest = 0, 255, 0
        for group in _groups(lengths):
            text = self._words(starts[group], lengths[group]).view(np.uint8).reshape(-1)
            room = self._room.take("flags", len(text))
            good = np.greater_equal(text, Q30, out=room.view(np.bool_))
            q30 += int(np.count_nonzero(good))
            highest = max(highest, int(text.max()))
            np.subtract(text, 1, out=room)  # so that the zeros become the highest
            lowest = min(lowest, int(room.min()) + 1)
        return q30, lowest, highest

    def _names(self, starts: Positions, ends: Positions) -> tuple[Words, frozenset[bytes]]:
        """Hashes of the names that both mates have, without ``/1`` and ``/2``; and the lanes."""
        last = self._block[ends - 1]
        is_mate = (self._block[ends - 2] == _SLASH) & ((last == _ONE) | (last == _TWO))
        words = self._words(starts, ends - starts - 2 * is_mate)
        return _hashes(words), _lanes(words)


def _lanes(names: Words) -> frozenset[bytes]:
    """One after another: what the first name begins with, and all that begin alike left out."""
    found: set[bytes] = set()
    while len(names) and len(found) < MOST_LANES:
        prefix = lane_prefix(names[0].tobytes().rstrip(b"\0"))
        if not prefix:
            break
        found.add(prefix)
        alike = _begin_alike(names, len(prefix))
        if alike.all():
            break
        names = names[~alike]
    return frozenset(found)


def _begin_alike(names: Words, size: int) -> Flags:
    """Which names begin with the same bytes as the first one."""
    alike = np.ones(len(names), np.bool_)
    for begin in range(0, size, WORD):  # column by column is several times as fast as by rows
        column = names[:, begin // WORD]
        alike &= ((column ^ column[0]) & _KEPT[min(WORD, size - begin)]) == 0
    return alike


def _groups(lengths: Positions) -> Iterator[Any]:
    """Which lines are laid side by side: all, or those of about the same length."""
    if len(lengths) * int(lengths.max()) <= 2 * int(lengths.sum()):
        yield slice(None)
        return
    _, sizes = np.frexp(lengths)
    for size in np.unique(sizes):
        yield np.flatnonzero(sizes == size)


def _hashes(words: Words) -> Words:
    """Of each row the sum of its words, each times a factor of its place."""
    found: Words = words @ _factors(words.shape[1])
    return found


def _powers(count: int) -> Words:
    return np.cumprod(np.full(count, _FACTOR, np.uint64), dtype=np.uint64)


_FACTORS = _powers(1_000)


def _factors(count: int) -> Words:
    return _FACTORS[:count] if count <= len(_FACTORS) else _powers(count)


def records_of(lines: list[list[bytes]]) -> Records:
    """The same of records that were looked at one by one."""
    qualities = np.frombuffer(b"".join(record[3] for record in lines), np.uint8)
    lanes = {lane_prefix(full_name(record[0])) for record in lines} - {b""}
    return Records(
        frozenset(lanes),
        len(qualities),
        int(np.count_nonzero(qualities >= Q30)),
        int(qualities.min(initial=255)),
        int(qualities.max(initial=0)),
        np.array([_hash(pair_name(record[0])) for record in lines], np.uint64),
        np.array([_hash(record[1]) for record in lines], np.uint64),
    )


def _hash(line: bytes) -> np.uint64:
    words = np.frombuffer(line + bytes(-len(line) % WORD), "<u8")
    return np.uint64((words * _factors(len(words))).sum(dtype=np.uint64))
