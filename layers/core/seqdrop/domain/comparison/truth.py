"""How well calls agree with a control whose genotypes are known, as GIAB's samples are.

Only variants whose records lie wholly within the confident regions count (Krusche et al. 2019,
doi:10.1038/s41587-019-0054-x). A call that is right in allele and genotype, however it is written,
is a true positive; with a wrong genotype it is a false positive and a false negative at once. Phase
does not count. Calls that are not PASS are no calls.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from seqdrop.domain.bed import Region, listed, merged
from seqdrop.domain.comparison.accuracy import (
    EVERYWHERE,
    METHOD,
    MINIMUM_COUNT,
    Accuracy,
    ClassCounts,
    Tallies,
    Zygosity,
    classes_of,
)
from seqdrop.domain.comparison.alleles import Bases, Edit, parse_genotype
from seqdrop.domain.comparison.blocks import Both, Resolved
from seqdrop.domain.comparison.callfile import CallFile
from seqdrop.domain.comparison.contigs import known_contigs, match_contigs
from seqdrop.domain.comparison.headers import Contig
from seqdrop.domain.comparison.judged_text import Dropped
from seqdrop.domain.comparison.order import bases_of_both, contig_pairs
from seqdrop.domain.comparison.report import Kind
from seqdrop.domain.comparison.stretch import Counts, Likes, Place, Sink
from seqdrop.domain.comparison.walk import Walk
from seqdrop.domain.errors import InvalidInput


@dataclass
class _Judge(Sink):
    """Counts what is found on one contig; A is the truth, B are the calls."""

    tallies: Tallies
    inside: "_Inside"
    dropped: Dropped
    contig: str
    contig_of_calls: str
    unresolved: Counter[str] = field(default_factory=Counter)

    def alike(self, likes: Likes) -> None:
        """Alleles of records that have the same key."""
        zygosity = _zygosity(likes.record_genotype)
        for region in likes.regions:
            tally = self._tally(region, likes.kind, zygosity)
            tally.true += likes.times
            tally.calls_true += likes.times

    def same(self, both: Both) -> None:
        """An edit that both have."""
        self._right([both[0]], [both[1]])

    def resolved(self, block: Resolved) -> None:
        """What is written otherwise is right as well; what is left is wrong."""
        self._right(*block.rewritten)
        keys = {(edit.kind, edit.key) for edit in block.left[1]}
        for edit in block.left[0]:
            is_dropped = self.dropped.has(self.contig_of_calls, edit)
            for tally in self._of(edit):
                tally.missed += 1
                if (edit.kind, edit.key) in keys:
                    tally.wrong_genotype += 1
                elif is_dropped:
                    tally.filtered += 1
            self.unresolved["all"] += bool(block.unresolved and self._regions(edit))
        for edit in block.left[1]:
            for tally in self._of(edit):
                tally.calls_false += 1
            self.unresolved["all"] += bool(block.unresolved and self._regions(edit))

    def _right(self, ones: Sequence[Edit], twos: Sequence[Edit]) -> None:
        for tally in (tally for edit in ones for tally in self._of(edit)):
            tally.true += 1
        for tally in (tally for edit in twos for tally in self._of(edit)):
            tally.calls_true += 1

    def _regions(self, edit: Edit) -> tuple[str, ...]:
        start = edit.record.position - 1
        return self.inside.names(self.contig, start, start + len(edit.record.ref))

    def _of(self, edit: Edit) -> list[ClassCounts]:
        """The counts of each region that a record lies in; none outside the confident ones."""
        zygosity = _zygosity(edit.record.genotype)
        return [self._tally(region, edit.kind, zygosity) for region in self._regions(edit)]

    def _tally(self, region: str, kind: Kind, zygosity: Zygosity) -> ClassCounts:
        return self.tallies.setdefault((region, kind, zygosity), ClassCounts())


class _Stretches:
    """Regions, joined where they touch, and asked for by place."""

    def __init__(self, regions: Iterable[Region]) -> None:
        self.regions = merged(regions)
        self._ends: dict[str, list[int]] = {}
        self._starts: dict[str, list[int]] = {}
        for region in self.regions:
            self._starts.setdefault(region.contig, []).append(region.start)
            self._ends.setdefault(region.contig, []).append(region.end)

    def holds(self, contig: str, start: int, end: int) -> bool:
        """Whether a stretch lies wholly within one of them."""
        at = bisect_right(self._starts.get(contig, []), start) - 1
        return at >= 0 and self._ends[contig][at] >= end


class _Inside:
    """The confident regions, and those that were named among them."""

    def __init__(self, confident: Iterable[Region], named: Mapping[str, Sequence[Region]]) -> None:
        self._confident = _Stretches(confident)
        self.named = {name: _Stretches(each) for name, each in named.items()}
        self.regions = self._confident.regions

    def names(self, contig: str, start: int, end: int) -> tuple[str, ...]:
        """The regions that a stretch lies wholly in; none if it is not in a confident one."""
        if not self._confident.holds(contig, start, end):
            return ()
        named = (name for name, each in self.named.items() if each.holds(contig, start, end))
        return EVERYWHERE, *named


def _zygosity(genotype: str) -> Zygosity:
    called = {n for n in parse_genotype(genotype).alleles if n != 0}
    if len(called - {None}) > 1:
        return Zygosity.HET_ALT
    whole = 0 not in parse_genotype(genotype).alleles and None not in called
    return Zygosity.HOM if whole else Zygosity.HET


def judge(
    truth: CallFile,
    calls: CallFile,
    regions: Sequence[Region],
    bases: Bases,
    *,
    dropped: Dropped,
    contigs: dict[str, Contig] | None = None,
    minimum_count: int = MINIMUM_COUNT,
    named: Mapping[str, Sequence[Region]] | None = None,
) -> Accuracy:
    """Holds calls against a truth, within its confident regions, and in the ``named`` among them.

    Both files are of ``judged_lines``. ``bases`` and ``contigs`` are of the sequence that both were
    made with. Raises InvalidInput where the files can't be of one sequence.
    """
    inside = _Inside(regions, named or {})
    known = [known_contigs(contigs or {}, f.header.contigs, f.file) for f in (truth, calls)]
    match = match_contigs(known[0], known[1])
    truth.lengths, calls.lengths = ({n: c.length for n, c in each.items()} for each in known)
    tallies: Tallies = {}
    unresolved: Counter[str] = Counter()
    seen: set[str] = set(truth.header.contigs)
    for one, two in contig_pairs(truth, calls, match):
        name = one or (match.in_a(two) if two else None) or two or ""
        seen |= {one} if one else set()
        calls_name = two or name
        sink = _Judge(tallies, inside, dropped, name, calls_name, unresolved)
        place = Place(
            one, two, *bases_of_both(bases, bases, name, calls_name), _names(inside, name)
        )
        Walk(truth, calls, place, sink, (Counts(), Counts())).run()
        dropped.forget(calls_name)
    return Accuracy(
        calls=calls.file,
        truth=truth.file,
        sample=truth.sample,
        confident_bases=sum(region.end - region.start for region in inside.regions),
        classes=tuple(classes_of(tallies, [*(named or {})], minimum_count)),
        unresolved=unresolved["all"],
        minimum_count=minimum_count,
        method=METHOD,
        warnings=tuple(_contig_warnings(inside, seen, truth.file)),
    )


def _names(inside: _Inside, contig: str) -> Callable[[int, int], tuple[str, ...]]:
    return lambda start, end: inside.names(contig, start, end)


def _contig_warnings(inside: _Inside, seen: set[str], file: str) -> Iterator[str]:
    """Raises InvalidInput where the truth has none of the regions' contigs."""
    named = dict.fromkeys(region.contig for region in inside.regions)
    missing = [name for name in named if name not in seen]
    if named and len(missing) == len(named):
        raise InvalidInput(
            f"the confident regions are on contigs that {file} lacks: {listed(missing)}",
            "give the BED that belongs to the truth, with the same names",
        )
    if missing:
        yield f"confident regions are on contigs that {file} lacks: {listed(missing)}"
    for name, stretches in inside.named.items():
        if not {region.contig for region in stretches.regions} & named.keys():
            yield f"region {name} is on other contigs than the confident regions: it counts nothing"
