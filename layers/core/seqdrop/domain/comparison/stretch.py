"""What becomes of the records between two places of a contig that no variant reaches across."""

import re
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from seqdrop.domain.comparison.alleles import Bases, Edit, Record, edits_of, parse_genotype
from seqdrop.domain.comparison.blocks import (
    WINDOW,
    Both,
    Resolved,
    Span,
    Spans,
    resolve,
    span_between,
    span_of,
)
from seqdrop.domain.comparison.buffers import Buffer
from seqdrop.domain.comparison.callfile import genotype_problem
from seqdrop.domain.comparison.meaning import CLASSIFICATION_FIELD, CONSEQUENCE_FIELDS
from seqdrop.domain.comparison.phases import Phased, Phases
from seqdrop.domain.comparison.report import Kind

_CHECKED_RECORDS = 20
"""Records of each stretch whose REF is held against the sequence, although both files have them."""
_ANY = frozenset("ACGT")
_MEANING = re.compile(
    "[\t;](?:{})=[^;\t]*".format("|".join((*CONSEQUENCE_FIELDS, CLASSIFICATION_FIELD))).encode()
)
"""What annotation says, in the text of a record."""


@dataclass
class Counts:
    """What one file has."""

    variants: int = 0
    passed: int = 0
    no_genotype: int = 0


class Likes(NamedTuple):
    """Alleles that both files have in records of the same key."""

    kind: Kind
    genotype: str
    passed: bool
    regions: tuple[str, ...]
    times: int
    record_genotype: str
    """GT as the records have it."""


class Sink:
    """What takes the findings of a walk."""

    def alike(self, likes: Likes) -> None:
        """Alleles of records that have the same key."""

    def same(self, both: Both) -> None:
        """An edit that both have."""

    def resolved(self, block: Resolved) -> None:
        """A block; its ``same`` went to ``same`` before."""

    def turned(self, both: Both) -> None:
        """A call whose phase relative to the one before is another."""


@dataclass(frozen=True)
class Place:
    """A contig of both files: names, and the bases of each, whatever the name in the question."""

    contig_a: str | None
    contig_b: str | None
    bases_a: Bases | None = None
    bases_b: Bases | None = None
    regions_at: Callable[[int, int], tuple[str, ...]] | None = None
    """Names of the regions that a stretch touches; None where there are no regions."""
    compares_meaning: bool = False
    """Whether equal records have to be looked at for their annotation."""


@dataclass
class Track:
    """A contig that is gone along: what is held of both files, and where findings go."""

    a: Buffer
    b: Buffer
    place: Place
    sink: Sink
    counts: tuple[Counts, Counts]
    phases: Phases = field(default_factory=Phases)

    def checked(self, buffer: Buffer, at: int) -> Record:
        """A record whose REF is what the sequence has. Raises InvalidInput."""
        record = buffer.record(at)
        bases = self.place.bases_a if buffer is self.a else self.place.bases_b
        if bases is None or record.position < 1:
            return record
        found = bases(record.contig, record.position - 1, record.position - 1 + len(record.ref))
        if found != record.ref and _differ(found, record.ref):
            raise buffer.file.wrong_base(record, found)
        return record


class Stretch:
    """What lies between two places that no variant reaches across."""

    def __init__(self, track: Track, partners: list[int]) -> None:
        """``partners`` has for each record of A the one of B with the same key, or -1."""
        self._track, self._partners = track, partners
        self._place, self._sink = track.place, track.sink
        self._a, self._b = track.a, track.b
        self._used: set[int] = set()
        self._phased: list[tuple[Phased, Both | None]] = []

    def look(self, a: list[Edit], b: list[Edit]) -> None:
        """Finds what became of edits of records without a like, and counts the others."""
        for counts, edits in zip(self._track.counts, (a, b), strict=True):
            counts.variants += len(edits)
            counts.passed += sum(edit.record.passed for edit in edits)
        direct, left_a, left_b = self._matched(a, b)
        for block in self._blocks(direct, left_a, left_b):
            self._take(block)
        self._compare_meaning()
        self._count_alike()
        self._follow_phase()

    def _take(self, block: Resolved) -> None:
        for both in block.same:
            self._sink.same(both)
            self._note_phase(both)
        self._sink.resolved(block)
        if block.phased:
            self._phased.append((block.phased, _last_of(block)))

    def _note_phase(self, both: Both) -> None:
        one, two = both
        if not one.is_het or not two.is_het or one.ploidy != 2 or two.ploidy != 2:
            return
        if one.group[0] == two.group[0] == "line":
            return
        turned = one.places != two.places
        self._phased.append((Phased(one.start, (one.group, two.group), turned), both))

    def _matched(self, a: list[Edit], b: list[Edit]) -> tuple[list[Both], list[Edit], list[Edit]]:
        """Pairs edits that are the same allele in as many copies.

        Edits that are written at different places are the same only if no other lies between:
        there it matters which bases are taken out.
        """
        free: dict[object, list[Edit]] = {}
        for edit in b:
            free.setdefault(_identity(edit), []).append(edit)
        pairs: list[Both] = []
        left_a: list[Edit] = []
        for edit in a:
            same = free.get(_identity(edit))
            if not same:
                left_a.append(edit)
                continue
            exact = [n for n, other in enumerate(same) if other.text == edit.text]
            pairs.append((edit, same.pop(exact[0] if exact else 0)))
        left_b = [edit for edits in free.values() for edit in edits]
        spans = Spans([*a, *b], lambda edit: span_between([edit]))
        direct = []
        for both in pairs:
            if both[0].text == both[1].text or self._is_alone(both, spans):
                direct.append(both)
            else:
                left_a.append(both[0])
                left_b.append(both[1])
        return direct, left_a, left_b

    def _is_alone(self, both: Both, spans: Spans[Edit]) -> bool:
        """Whether nothing else is called between the two places where an edit is written."""
        span = span_between(both)
        if not all(edit.is_bound for edit in both) or any(True for _ in self._alike_at(span)):
            return False
        return all(edit is both[0] or edit is both[1] for edit in spans.touching(span))

    def _alike_at(self, span: Span) -> Iterator[int]:
        """Records of A with a like in B, and with a variant, that touch a stretch."""
        for at in self._a.touching(span):
            if at < len(self._partners) and self._partners[at] >= 0 and self._edits(at):
                yield at

    def _edits(self, at: int) -> list[Both]:
        """The edits of a record that has a like, in A and in B."""
        one, two = self._a.record(at), self._b.record(self._partners[at])
        a = edits_of(one, self._place.bases_a)
        b = edits_of(two, self._place.bases_b)
        return list(zip(a, b, strict=True))

    def _blocks(
        self, direct: list[Both], left_a: list[Edit], left_b: list[Edit]
    ) -> Iterator[Resolved]:
        """Blocks of what is left, each with what lies between; then what is matched alone."""
        around = _Around(direct)
        clusters = deque(_clusters(left_a, left_b))
        while clusters:
            ones, twos = clusters.popleft()
            inside: list[Both] = []
            if len(ones) + len(twos) > 1 and (ones or twos)[0].kind is not Kind.SYMBOLIC:
                reach = self._take_inside(span_between([*ones, *twos]), around, inside)
                while clusters and _is_within(clusters[0], reach):
                    more = clusters.popleft()
                    ones, twos = ones + more[0], twos + more[1]
                    reach = self._take_inside(span_between([*ones, *twos]), around, inside)
            yield resolve(ones, twos, inside, self._place.bases_a)
        yield Resolved(around.rest(), ([], []), ([], []))

    def _take_inside(self, span: Span, around: "_Around", found: list[Both]) -> Span:
        """Adds what both have between the edits of a block; returns how far that reaches."""
        reach, before = span, None
        while reach != before:
            before = reach
            new = around.take(before)
            for at in [at for at in self._alike_at(before) if at not in self._used]:
                self._used.add(at)
                new += self._edits(at)
            found += new
            for both in new:
                reach = reach.joined(span_between(both))
        return reach

    def _compare_meaning(self) -> None:
        """Takes records that are alike, but for their annotation, out of those counted at once."""
        if not self._place.compares_meaning:
            return
        one, two = self._a.lines, self._b.lines
        for at, to in enumerate(self._partners):
            if to < 0 or at in self._used or one[at] == two[to]:
                continue
            if _MEANING.findall(one[at]) != _MEANING.findall(two[to]):
                self._used.add(at)
                block = Resolved(self._edits(at), ([], []), ([], []))
                self._take(block)

    def _count_alike(self) -> None:
        """Counts records of the same key; those that a block took are counted by it."""
        keys, used = self._a.keys, self._used
        for at in used:
            self._count_sides(self._a.record(at))
        alike = [at for at, to in enumerate(self._partners) if to >= 0]
        for at in alike[:_CHECKED_RECORDS]:
            self._track.checked(self._a, at)
            self._track.checked(self._b, self._partners[at])
        if self._place.regions_at:
            self._count_by_region([at for at in alike if at not in used])
            return
        whole = len(alike) == len(keys) and not used
        chosen = keys if whole else [keys[at] for at in alike if at not in used]
        for key, count in Counter(map(_WITHOUT_POSITION, chosen)).items():
            self._count_key(key, (), count)

    def _count_by_region(self, alike: Sequence[int]) -> None:
        regions_at, keys, positions = self._place.regions_at, self._a.keys, self._a.positions
        counts: Counter[tuple[tuple[bytes, bytes, bytes], tuple[str, ...]]] = Counter()
        if regions_at is None:
            return
        for at in alike:
            start, key = positions[at] - 1, keys[at]
            regions = regions_at(start, start + key[1].index(b"\t"))
            counts[key[1:], regions] += 1
        for (group, regions), count in counts.items():
            self._count_key(group, regions, count)

    def _count_key(self, key: tuple[bytes, ...], regions: tuple[str, ...], count: int) -> None:
        alleles, filters, genotype = key
        ref, alts = alleles.decode("utf-8", "replace").split("\t")
        text = genotype.decode()
        if genotype_problem(ref.upper(), alts, text):
            for at in range(len(self._partners)):
                self._a.record(at)  # raises, and names the line
        edits, is_missing = _alleles(ref.upper(), alts, text)
        passed = self._a.file.header.passes(filters.decode("utf-8", "replace"))
        for counts in self._track.counts:
            counts.no_genotype += is_missing * count
            counts.variants += len(edits) * count
            counts.passed += len(edits) * count * passed
        for kind, shown in edits:
            self._sink.alike(Likes(kind, shown, passed, regions, count, text))

    def _count_sides(self, record: Record) -> None:
        """Counts a record that both have, and that a block took."""
        number = sum(1 for _ in edits_of(record, None))
        for counts in self._track.counts:
            counts.variants += number
            counts.passed += number * record.passed

    def _follow_phase(self) -> None:
        """Holds the phases of all that matched against each other, in their order."""
        self._note_alike_phases()
        self._phased.sort(key=lambda pair: pair[0].position)
        for call, both in self._phased:
            if self._track.phases.changes(call):
                self._sink.turned(both or self._found(call))

    def _note_alike_phases(self) -> None:
        keys = self._a.keys
        if not any(map(_is_phased, {key[3] for key in keys})):
            return
        for at, to in enumerate(self._partners):
            if to < 0 or at in self._used or not _is_phased(keys[at][3]):
                continue
            if not _is_phased(self._b.keys[to][3]):
                continue
            sets = ("set", self._a.phase_set(at)), ("set", self._b.phase_set(to))
            self._phased.append((Phased(self._a.positions[at] - 1, sets, False), None))

    def _found(self, call: Phased) -> Both:
        """The edits of a phased record that both files have."""
        at = self._a.below(call.position + 1)
        while self._partners[at] < 0 or not _is_phased(self._a.keys[at][3]):
            at += 1
        return self._edits(at)[0]


class _Around:
    """Edits that both have, of which blocks take those that lie between theirs."""

    def __init__(self, direct: list[Both]) -> None:
        self._direct = direct
        self._spans = Spans(list(enumerate(direct)), lambda pair: span_between(pair[1]))
        self._taken: set[int] = set()

    def take(self, span: Span) -> list[Both]:
        """Those that touch a stretch, and that no block has taken before."""
        found = [
            (number, both)
            for number, both in self._spans.touching(span)
            if number not in self._taken and both[0].kind is not Kind.SYMBOLIC
        ]
        self._taken.update(number for number, _ in found)
        return [both for _, both in found]

    def rest(self) -> list[Both]:
        """Those that no block has taken."""
        return [both for number, both in enumerate(self._direct) if number not in self._taken]


def _is_within(cluster: tuple[list[Edit], list[Edit]], reach: Span) -> bool:
    """Whether what a block reaches over touches the next block's edits."""
    edits = [*cluster[0], *cluster[1]]
    return edits[0].kind is not Kind.SYMBOLIC and span_between(edits).touches(reach)


_WITHOUT_POSITION = itemgetter(1, 2, 3)


def _last_of(block: Resolved) -> Both:
    """The edits at which a block's phase is shown."""
    one, two = block.rewritten
    return (one[-1], two[-1]) if one and two else block.same[-1]


def _identity(edit: Edit) -> object:
    return edit.kind, edit.key, edit.copies, edit.ploidy, edit.is_open


@lru_cache(maxsize=4096)
def _is_phased(genotype: bytes) -> bool:
    """Whether a genotype has different alleles on known chromosomes."""
    read = parse_genotype(genotype.decode())
    return read.is_phased and len(read.alleles) == 2 and len(set(read.alleles)) == 2


@lru_cache(maxsize=100_000)
def _alleles(ref: str, alts: str, genotype: str) -> tuple[tuple[tuple[Kind, str], ...], bool]:
    """The kinds and genotypes of a record's alleles, and whether it has no genotype."""
    record = Record(0, "", 1, ".", ref, tuple(alts.split(",")), ".", False, "", genotype, "")
    edits = tuple((edit.kind, edit.genotype) for edit in edits_of(record, None))
    return edits, parse_genotype(genotype).is_missing


def _clusters(a: Sequence[Edit], b: Sequence[Edit]) -> Iterator[tuple[list[Edit], list[Edit]]]:
    """Edits of both sides that lie near each other; symbols by themselves."""
    sides = [(span_of(e), 0, e) for e in a] + [(span_of(e), 1, e) for e in b]
    sides.sort(key=lambda item: item[:2])
    symbols = [item for item in sides if item[2].kind is Kind.SYMBOLIC]
    group: tuple[list[Edit], list[Edit]] = ([], [])
    reach: Span | None = None
    for span, side, edit in sides:
        if edit.kind is Kind.SYMBOLIC:
            continue
        if reach and not reach.touches(span, WINDOW):
            yield group
            group, reach = ([], []), None
        group[side].append(edit)
        reach = reach.joined(span) if reach else span
    if reach:
        yield group
    by_key: dict[object, tuple[list[Edit], list[Edit]]] = {}
    for _, side, edit in symbols:
        by_key.setdefault(edit.key, ([], []))[side].append(edit)
    yield from by_key.values()


def _differ(found: str, ref: str) -> bool:
    """Whether REF can't be of this sequence; letters for several bases say nothing."""
    if len(found) != len(ref):
        return True
    pairs = zip(found, ref, strict=True)
    return any(x != y and x in _ANY and y in _ANY for x, y in pairs)
