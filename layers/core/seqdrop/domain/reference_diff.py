"""How two versions of a reference differ, part by part.

Text and bases come in pieces of any size: no more of a sequence than two of these is in memory.
"""

import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from seqdrop.domain.bed import Region, merged
from seqdrop.domain.contigs import Contig
from seqdrop.domain.pipeline import Pipeline, waves_of
from seqdrop.domain.reference import ReferenceVersion

SHOWN = 20
"""How many regions and names are listed; the rest are counted."""
JOINED_WITHIN = 50
"""Bases that differ this near to each other are told as one region."""
_PIECE_BASES = 1 << 14
_OTHER = re.compile(rb"[^\0]")
_LONG_GAP = bytes(JOINED_WITHIN + 1)
_IS_N = bytes(letter == ord("N") for letter in range(256))
_IS_OTHER = bytes(value != 0 for value in range(256))


def changed_parts(before: ReferenceVersion, after: ReferenceVersion) -> dict[str, str]:
    """The parts that are not the same: ``added``, ``removed`` or ``changed``."""
    one, other = (
        {name: file.object.sha256 for name, file in version.parts.items()}
        for version in (before, after)
    )
    found = {}
    for name in [*one, *(name for name in other if name not in one)]:
        if name not in other:
            found[name] = "removed"
        elif name not in one:
            found[name] = "added"
        elif one[name] != other[name]:
            found[name] = "changed"
    return found


class Sized(msgspec.Struct, frozen=True):
    """A contig that only one of both has."""

    name: str
    length: int


class Renamed(msgspec.Struct, frozen=True):
    """The same bases under another name."""

    before: str
    after: str


class ChangedContig(msgspec.Struct, frozen=True):
    """Other bases under the same name; how many differ is known only where the length is one."""

    name: str
    length_before: int
    length_after: int
    now_named: str = ""
    """The contig that has the bases which this one had, if there is one."""
    differing: int | None = None
    with_n: int = 0
    """Of these, those where one of both has N."""
    regions: tuple[str, ...] = ()
    more_regions: int = 0


class ContigChanges(msgspec.Struct, frozen=True):
    """How the contigs of two sequences differ."""

    added: tuple[Sized, ...]
    removed: tuple[Sized, ...]
    renamed: tuple[Renamed, ...]
    reordered: tuple[str, ...]
    """The fewest contigs that have to move, by their new names."""
    changed: tuple[ChangedContig, ...]

    @property
    def any(self) -> bool:
        """Whether there is a change at all."""
        return any((self.added, self.removed, self.renamed, self.reordered, self.changed))


class Counterpart(NamedTuple):
    """A contig that both sequences have, by its name or by its bases."""

    before: Contig
    after: Contig

    @property
    def is_same(self) -> bool:
        """Whether its bases are the same."""
        return self.before.md5 == self.after.md5


def counterparts(before: Sequence[Contig], after: Sequence[Contig]) -> list[Counterpart]:
    """Each contig with the one of its name, or else with one of its bases that has a new name."""
    there = {contig.name: contig for contig in after}
    known = {contig.name for contig in before}
    spare: defaultdict[str, list[Contig]] = defaultdict(list)
    for contig in reversed(after):
        if contig.name not in known:
            spare[contig.md5].append(contig)
    found = []
    for contig in before:
        if contig.name in there:
            found.append(Counterpart(contig, there[contig.name]))
        elif spare[contig.md5]:
            found.append(Counterpart(contig, spare[contig.md5].pop()))
    return found


def compare_contigs(before: Sequence[Contig], after: Sequence[Contig]) -> ContigChanges:
    """How the contigs differ, without a look at their bases."""
    pairs = counterparts(before, after)
    kept_before = {pair.before.name for pair in pairs}
    kept_after = {pair.after.name for pair in pairs}
    named = {contig.md5: contig.name for contig in reversed(after)}
    place = {contig.name: number for number, contig in enumerate(after)}
    moved = _out_of_order([place[pair.after.name] for pair in pairs])
    return ContigChanges(
        tuple(Sized(c.name, c.length) for c in after if c.name not in kept_after),
        tuple(Sized(c.name, c.length) for c in before if c.name not in kept_before),
        tuple(Renamed(b.name, a.name) for b, a in pairs if b.name != a.name),
        tuple(pairs[number].after.name for number in moved),
        tuple(
            ChangedContig(b.name, b.length, a.length, named.get(b.md5, ""))
            for b, a in pairs
            if b.md5 != a.md5
        ),
    )


def _out_of_order(places: Sequence[int]) -> list[int]:
    """Which of these are not in the longest rising sequence."""
    ends: list[int] = []  # the smallest place that ends a rising sequence of each length
    last: list[int] = []  # and which one that is
    earlier: list[int] = []
    for number, place in enumerate(places):
        at = bisect_left(ends, place)
        ends[at : at + 1], last[at : at + 1] = [place], [number]
        earlier.append(last[at - 1] if at else -1)
    rising = set()
    number = last[-1] if last else -1
    while number >= 0:
        rising.add(number)
        number = earlier[number]
    return [number for number in range(len(places)) if number not in rising]


def side_by_side(
    before: Iterable[bytes], after: Iterable[bytes]
) -> Iterator[tuple[int, bytes, bytes]]:
    """Two streams in pieces of one length each, with the place of each; to the shorter one's end.

    Letters come in capitals. Short pieces: of most it is enough to see that they are equal.
    """
    at, others = 0, iter(after)
    other, used = b"", 0
    for piece in before:
        one, begun = piece.upper(), 0
        while begun < len(one):
            while used == len(other):
                found = next(others, None)
                if found is None:
                    return
                other, used = found.upper(), 0
            size = min(_PIECE_BASES, len(one) - begun, len(other) - used)
            yield at, one[begun : begun + size], other[used : used + size]
            at, begun, used = at + size, begun + size, used + size


def other_letters(one: bytes, other: bytes) -> bytes:
    """Not zero where two pieces differ; nothing where they are equal."""
    if one == other:
        return b""
    difference = int.from_bytes(one, "big") ^ int.from_bytes(other, "big")
    return difference.to_bytes(len(one), "big")


class BaseDifferences:
    """Counts what differs between two contigs of one length, piece after piece."""

    def __init__(self, contig: str) -> None:
        self._contig = contig
        self._regions: list[tuple[int, int]] = []
        self._count_regions = 0
        self._open: tuple[int, int] | None = None
        self.differing = self.with_n = self.known = 0
        """``known`` are the bases that are N in neither."""

    def take(self, at: int, one: bytes, other: bytes, difference: bytes) -> None:
        """A piece that begins at ``at``, and what ``other_letters`` says of it."""
        if not difference:
            self.known += len(one) - one.count(b"N")
            return
        unknown = _mask(one, _IS_N) | _mask(other, _IS_N)
        self.known += len(one) - unknown.bit_count()
        self.differing += len(one) - difference.count(0)
        self.with_n += (unknown & _mask(difference, _IS_OTHER)).bit_count()
        for start, end in _stretches(difference):
            self._note(at + start, at + end)

    def _note(self, start: int, end: int) -> None:
        if self._open and start - self._open[1] <= JOINED_WITHIN:
            self._open = self._open[0], end
            return
        self._close()
        self._open = start, end

    def _close(self) -> None:
        if self._open:
            self._count_regions += 1
            if len(self._regions) < SHOWN:
                self._regions.append(self._open)
        self._open = None

    @property
    def is_another_sequence(self) -> bool:
        """Whether more than a tenth of the known bases differ: the places mean other things."""
        return (self.differing - self.with_n) * 10 > self.known

    def of(self, contig: ChangedContig) -> ChangedContig:
        """The contig with what was found, when there is no more."""
        self._close()
        return msgspec.structs.replace(
            contig,
            differing=self.differing,
            with_n=self.with_n,
            regions=tuple(f"{self._contig}:{start + 1}-{end}" for start, end in self._regions),
            more_regions=self._count_regions - len(self._regions),
        )


def _mask(letters: bytes, table: bytes) -> int:
    """A bit for each letter that a table has 1 for."""
    return int.from_bytes(letters.translate(table), "big")


def _stretches(difference: bytes) -> Iterator[tuple[int, int]]:
    """From the first to the last letter that differs of each stretch without a long gap."""
    at = 0
    while found := _OTHER.search(difference, at):
        start = found.start()
        at = difference.find(_LONG_GAP, start)
        if at < 0:
            yield start, start + len(difference[start:].rstrip(b"\0"))
            return
        yield start, at


class RegionChanges(msgspec.Struct, frozen=True):
    """What target regions have, or no longer have."""

    bases: int
    regions: int
    first: tuple[str, ...]
    """1-based, with their ends."""

    @classmethod
    def of(cls, regions: Sequence[Region]) -> "RegionChanges":
        """Counts regions that do not overlap."""
        first = tuple(f"{r.contig}:{r.start + 1}-{r.end}" for r in regions[:SHOWN])
        return cls(sum(r.end - r.start for r in regions), len(regions), first)


class TargetChanges(msgspec.Struct, frozen=True):
    """How target regions differ; each base counts once."""

    bases_before: int
    bases_after: int
    added: RegionChanges
    removed: RegionChanges


def compare_targets(before: Iterable[Region], after: Iterable[Region]) -> TargetChanges:
    """The bases that are in one of both alone."""
    one, other = merged(before), merged(after)
    return TargetChanges(
        sum(r.end - r.start for r in one),
        sum(r.end - r.start for r in other),
        RegionChanges.of(_without(other, one)),
        RegionChanges.of(_without(one, other)),
    )


def _without(regions: Iterable[Region], others: Iterable[Region]) -> list[Region]:
    """What is left of merged regions outside of other merged ones."""
    taken: defaultdict[str, list[Region]] = defaultdict(list)
    for other in others:
        taken[other.contig].append(other)
    left = []
    for region in regions:
        near = taken[region.contig]
        start = region.start
        for at in range(bisect_right(near, start, key=lambda r: r.end), len(near)):
            if near[at].start >= region.end:
                break
            if start < near[at].start:
                left.append(region._replace(start=start, end=near[at].start))
            start = near[at].end
        if start < region.end:
            left.append(region._replace(start=start))
    return left


class LineChanges(msgspec.Struct, frozen=True):
    """Lines that only one of two texts has; their order does not count."""

    added: int
    removed: int


def compare_lines(before: Iterable[str], after: Iterable[str]) -> LineChanges:
    """Counts them; a line that is there twice counts twice."""
    more: Counter[int] = Counter()
    for line in after:
        more[hash(line.rstrip("\r\n"))] += 1
    for line in before:
        more[hash(line.rstrip("\r\n"))] -= 1
    counts = more.values()
    return LineChanges(sum(n for n in counts if n > 0), -sum(n for n in counts if n < 0))


class OtherKeys(msgspec.Struct, frozen=True):
    """The stages of a pipeline that get other keys for another content of a part."""

    stages: tuple[str, ...]
    """Those that use the part themselves."""
    then: tuple[str, ...]
    """Those that come after them."""
    is_all: bool


def stages_with_other_keys(pipeline: Pipeline, part: str) -> OtherKeys:
    """By ``reference:`` of its stages, in the order in which they run."""
    kind = part.partition(":")[0]
    waves = waves_of({name: stage.needs for name, stage in pipeline.stages.items()})
    users: list[str] = []
    then: list[str] = []
    for name in (name for wave in waves for name in wave):
        stage = pipeline.stages[name]
        if kind in stage.reference:
            users.append(name)
        elif {*users, *then}.intersection(stage.needs):
            then.append(name)
    return OtherKeys(tuple(users), tuple(then), len(users) + len(then) == len(pipeline.stages))
