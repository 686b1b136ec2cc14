"""Chain files, by which places of one sequence are found in another one.

UCSC's format: a header for each chain, ``chain score name size strand start end`` of the old
sequence (the target), then the same of the new one (the query), and an id; then a line for each
block of bases that lie in both, ``size gap gap``, of the last one the size alone. Tools that lift
places take sizes that don't fit for good, and bring variants to wrong places without a word. So a
file is read by these rules once, when it is added.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from seqdrop.domain.bed import listed, renamed
from seqdrop.domain.errors import InvalidReference
from seqdrop.domain.problems import Problems

PART = "chain"
"""The parts of a reference are ``chain:<version>``, with the version that they lead from."""
FILE = "before.chain"
"""Their path for the tools."""
_HEADER_FIELDS = (12, 13)
"""With and without an id."""
_NUMBER = re.compile(r"[0-9]{1,18}")
_SCORE = re.compile(r"-?[0-9]{1,18}(\.[0-9]+)?(e\+?[0-9]{1,2})?")
_EQUAL = re.compile(rb"\0+")


def check_chain(
    lines: Iterable[str],
    before: Mapping[str, int] | None,
    after: Mapping[str, int],
    file: str,
) -> Iterator[str]:
    """The lines of a chain file that leads from one sequence to another, without their ends.

    ``before`` and ``after`` are the lengths of their contigs; None where only the new sequence is
    at hand. Raises InvalidReference, which names the wrong lines, at the latest after the last one.
    """
    reader = _Reader(before, after, file)
    number = 0
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r\n")
        reader.read(number, text)
        yield text
    reader.finish(number)


def chains_of(lines: Iterable[str], seen: set[str]) -> Iterator[str]:
    """The same lines; ``seen`` has the contigs of the old sequence that have chains afterwards."""
    for line in lines:
        if line.startswith("chain"):
            seen.update(line.split()[2:3])
        yield line


def without_chain(before: Mapping[str, int], seen: set[str], file: str) -> list[str]:
    """The warning about contigs of the old sequence that have no chain."""
    missing = [name for name in before if name not in seen]
    if not missing:
        return []
    return [
        f"{file} has no chain from {len(missing)} of {len(before)} contigs of the earlier version "
        f"({listed(missing)}): no variant there can be brought over"
    ]


class _Side(NamedTuple):
    """What a header says of one of both sequences."""

    name: str
    size: int
    start: int
    end: int


class _Open(NamedTuple):
    """A chain whose last block has not come yet: how much of its bases is left."""

    line: int
    target: int
    query: int


class _Reader:
    """Takes line after line."""

    def __init__(
        self, before: Mapping[str, int] | None, after: Mapping[str, int], file: str
    ) -> None:
        self._before, self._after, self._file = before, after, file
        self._problems = Problems(file, stop=True)
        self._open: _Open | None = None
        self._chains = 0
        self._is_broken = False

    def read(self, number: int, text: str) -> None:
        """The rest of a chain that is wrong is passed over: one fault is enough of it."""
        fields = text.split()
        if fields[:1] == ["chain"]:
            self._end_chain(number)
            self._chains += 1
            problem = self._begin(number, fields)
        elif not fields or text.startswith("#"):
            problem = self._between()
        elif self._is_broken:
            return
        else:
            problem = self._read_block(fields)
        if problem:
            self._problems.add(number, problem)
            self._open, self._is_broken = None, True

    def finish(self, number: int) -> None:
        self._end_chain(number)
        self._problems.raise_any()
        if not self._chains:
            raise InvalidReference(
                f"{self._file} has no chain: give one as UCSC's liftOver takes it, from the "
                "earlier version's sequence to this one's"
            )

    def _end_chain(self, number: int) -> None:
        if self._open:
            self._problems.add(
                self._open.line, f"begins a chain that has not ended by line {number}"
            )
        self._open, self._is_broken = None, False

    def _between(self) -> str:
        return "is within a chain: delete it" if self._open else ""

    def _begin(self, number: int, fields: list[str]) -> str:
        if len(fields) not in _HEADER_FIELDS:
            return (
                f"has {len(fields)} fields: 'chain', score, and name, size, strand, start and end "
                "of the earlier sequence and of this one, and an id"
            )
        if not _SCORE.fullmatch(fields[1]):
            return f"has {fields[1][:20]!r} for its score, which is no number"
        if fields[4] != "+" or fields[9] not in {"+", "-"}:
            return (
                f"has the strands {fields[4]!r} and {fields[9]!r}: the first is '+', the second "
                "'+' or '-'"
            )
        sides = [_side(fields[at : at + 5]) for at in (2, 7)]
        for side in sides:
            if isinstance(side, str):
                return side
        target, query = (side for side in sides if isinstance(side, _Side))
        self._open = _Open(number, target.end - target.start, query.end - query.start)
        return self._wrong_contigs(target, query)

    def _wrong_contigs(self, target: _Side, query: _Side) -> str:
        problem = _wrong_contig(target, self._before, "the earlier version") if self._before else ""
        problem = problem or _wrong_contig(query, self._after, "the new sequence")
        if problem and self._before and self._is_backwards(target, query):
            return (
                f"leads from {target.name!r} of the new sequence to {query.name!r} of the earlier "
                "version: give the chain file of the other direction"
            )
        return problem

    def _is_backwards(self, target: _Side, query: _Side) -> bool:
        there = self._before or {}
        return self._after.get(target.name) == target.size and there.get(query.name) == query.size

    def _read_block(self, fields: list[str]) -> str:
        if self._open is None:
            return "is not of a chain: a header, 'chain …', comes before its blocks"
        if len(fields) not in {1, 3} or not all(map(_NUMBER.fullmatch, fields)):
            return "is no block: give its size and two gaps, or the size alone of the last one"
        size, gap, other_gap = map(int, fields if len(fields) == 3 else [*fields, "0", "0"])
        if not size:
            return "is a block of no bases: delete it"
        line, target, query = self._open
        self._open = _Open(line, target - size - gap, query - size - other_gap)
        if len(fields) == 3:
            return self._wrong_rest(line)
        target, query = self._open.target, self._open.query
        self._open = None
        if target or query:
            return (
                f"ends a chain whose blocks and gaps have {_apart(target)} bases of the earlier "
                f"sequence and {_apart(query)} of the new one than line {line} says"
            )
        return ""

    def _wrong_rest(self, line: int) -> str:
        rest = self._open
        if rest and (rest.target < 0 or rest.query < 0):
            return f"reaches past the end of its chain, which line {line} gives"
        return ""


def _apart(left: int) -> str:
    return f"{abs(left)} {'fewer' if left >= 0 else 'more'}"


def _side(fields: list[str]) -> _Side | str:
    """One sequence's place in a header, or what is wrong with it."""
    name, size, _, start, end = fields
    if not all(map(_NUMBER.fullmatch, (size, start, end))):
        return f"has a size, start or end of {name[:60]!r} that is no whole number"
    side = _Side(name, int(size), int(start), int(end))
    if not side.start < side.end <= side.size:
        return (
            f"has {side.start} to {side.end} of {side.size} bases of {name!r}: the start is before "
            "the end, and the end within the contig"
        )
    return side


def _wrong_contig(side: _Side, lengths: Mapping[str, int], whose: str) -> str:
    length = lengths.get(side.name)
    if length is None:
        said = renamed([side.name], lengths)
        return f"names {side.name[:60]!r}, which {whose} does not have{said}"
    if length != side.size:
        return f"has {side.size} bases for {side.name!r}, which has {length} in {whose}"
    return ""


class EqualBlocks:
    """The blocks of a chain between two contigs of one length: each base at its own place.

    A block ends where the bases differ, so that a variant is brought over only within bases that
    are the same.
    """

    def __init__(self) -> None:
        self.equal = 0
        self._start, self._end = -1, 0
        """Of the chain: its first base, and the end of its last block."""
        self._size = 0

    @classmethod
    def whole(cls, length: int) -> "EqualBlocks":
        """One block: all bases are the same."""
        blocks = cls()
        blocks.equal = blocks._end = blocks._size = length
        blocks._start = 0
        return blocks

    def take(self, at: int, size: int, difference: bytes) -> Iterator[str]:
        """A piece that begins at ``at``, not zero where it differs; nothing where it is equal.

        Yields the lines of the blocks that ended.
        """
        if not difference:
            yield from self._note(at, at + size)
            return
        for run in _EQUAL.finditer(difference):
            yield from self._note(at + run.start(), at + run.end())

    def _note(self, start: int, end: int) -> Iterator[str]:
        self.equal += end - start
        if self._start < 0:
            self._start = start
        elif start > self._end:
            gap = start - self._end
            yield f"{self._size}\t{gap}\t{gap}\n"
            self._size = 0
        self._size += end - start
        self._end = end

    def header(self, before: tuple[str, int], after: tuple[str, int], number: int) -> str:
        """The chain's first line: the contigs' names and lengths, and its id."""
        sides = " ".join(
            f"{name} {length} + {self._start} {self._end}" for name, length in (before, after)
        )
        return f"chain {self.equal} {sides} {number}\n"

    def last(self) -> str:
        """The last block, and the line between chains."""
        return f"{self._size}\n\n"
