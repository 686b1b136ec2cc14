"""What was found so far: counts by class and region, and the gravest rows."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from seqdrop.domain.comparison.alleles import Edit
from seqdrop.domain.comparison.report import (
    BINS,
    MOST_ROWS,
    Absence,
    Change,
    Kind,
    Row,
    Tally,
)
from seqdrop.domain.targets import Targets

ALL = "all"
TARGETS = "targets"
OUTSIDE_TARGETS = "outside targets"
ABSENT = "absent"
_GRAVITY = {change: rank for rank, change in enumerate(Change)}
_REPORTABLE = frozenset(
    {
        Change.ONLY_A,
        Change.ONLY_B,
        Change.GENOTYPE,
        Change.FILTER,
        Change.CONSEQUENCE,
        Change.CLASSIFICATION,
    }
)
_SAME, _REWRITTEN = "same", "rewritten"


class Findings:
    """Takes what is found, row by row; its size does not grow with the files."""

    def __init__(
        self,
        regions: Mapping[str, Targets],
        lengths: Mapping[str, int],
        on_row: Callable[[Row], object],
    ) -> None:
        """``on_row`` gets each row as it is found."""
        self._regions, self._lengths, self._on_row = regions, lengths, on_row
        self._tallies: Counter[tuple[str, Kind, str]] = Counter()
        self._genotypes: Counter[tuple[str, str]] = Counter()
        self._along: dict[str, list[int]] = {}
        self._heap: list[tuple[tuple[int, ...], Row]] = []
        self._contigs: dict[str, int] = {}
        self.absences: Counter[Absence] = Counter()
        self.changes: Counter[Change] = Counter()
        """Changes among variants that are PASS in one file at least."""
        self.filtered: Counter[Change] = Counter()
        """Changes among variants that are PASS in neither."""
        self.same = self.rewritten = self.rows_total = self.reportable_total = 0

    def begin(self, contig: str) -> None:
        """Notes that a contig has calls."""
        self._contigs.setdefault(contig, self._lengths.get(contig, 0))

    @property
    def has_regions(self) -> bool:
        """Whether variants are counted by region."""
        return bool(self._regions)

    def regions_at(self, contig: str, start: int, end: int) -> tuple[str, ...]:
        """The named regions that a stretch touches."""
        regions = self._regions.items()
        return tuple(name for name, places in regions if places.overlap(contig, start, end))

    def add_same(
        self,
        kind: Kind,
        genotypes: tuple[str, str],
        passed: bool,
        regions: Iterable[str] = (),
        count: int = 1,
    ) -> None:
        """Counts variants that are matched as they are written, or after normalisation."""
        self.same += count
        self._count(_SAME, kind, regions, count)
        if passed:
            self._genotypes[genotypes] += count

    def add_rewritten(self, edit: Edit, passed: bool, regions: Iterable[str]) -> None:
        """Counts a variant of A that matches as haplotype."""
        self.rewritten += 1
        self._count(_REWRITTEN, edit.kind, regions, 1)
        if passed:
            self._genotypes[edit.genotype, edit.genotype] += 1

    def add_row(
        self,
        row: Row,
        passed: bool,
        genotypes: tuple[str, str] | None = None,
        *,
        was_same: bool = False,
    ) -> None:
        """Takes a variant that is not the same; ``was_same`` if it was counted as such before."""
        self.rows_total += 1
        self.reportable_total += row.reportable
        (self.changes if passed else self.filtered)[row.change] += 1
        self._count(row.change.value, row.kind, row.regions, 1)
        if was_same:
            self.same -= 1
            self._count(_SAME, row.kind, row.regions, -1)
        elif passed and genotypes:
            self._genotypes[genotypes] += 1
        if row.absence:
            self.absences[row.absence] += 1
        self._note_place(row)
        self._keep(row, passed)
        self._on_row(row)

    def _count(self, what: str, kind: Kind, regions: Iterable[str], count: int) -> None:
        names = [ALL, *regions]
        if TARGETS in self._regions and TARGETS not in names:
            names.append(OUTSIDE_TARGETS)
        for name in names:
            self._tallies[name, kind, what] += count

    def _note_place(self, row: Row) -> None:
        length = self._lengths.get(row.contig, 0)
        bins = self._along.setdefault(row.contig, [0] * BINS)
        if length:
            bins[min(BINS - 1, (row.position - 1) * BINS // length)] += 1

    def _keep(self, row: Row, passed: bool) -> None:
        gravity = (row.reportable, passed, -_GRAVITY[row.change], -self.rows_total)
        entry = (tuple(map(int, gravity)), row)
        if len(self._heap) < MOST_ROWS:
            heapq.heappush(self._heap, entry)
        elif entry[0] > self._heap[0][0]:
            heapq.heapreplace(self._heap, entry)

    @property
    def rows(self) -> tuple[Row, ...]:
        """The gravest ones, the gravest first."""
        return tuple(row for _, row in sorted(self._heap, key=lambda e: e[0], reverse=True))

    @property
    def contigs(self) -> dict[str, int]:
        """Lengths of the contigs that have calls."""
        return dict(self._contigs)

    @property
    def along(self) -> dict[str, tuple[int, ...]]:
        """Changes along each contig whose length is known."""
        return {name: tuple(bins) for name, bins in self._along.items() if any(bins)}

    @property
    def genotypes(self) -> dict[str, dict[str, int]]:
        """Genotypes of A by those of B."""
        found: dict[str, dict[str, int]] = {}
        for (one, two), count in sorted(self._genotypes.items()):
            found.setdefault(one, {})[two] = count
        return found

    def tallies(self) -> tuple[Tally, ...]:
        """Counts by region and kind; regions in their order, the whole first."""
        names = [ALL, *self._regions]
        if TARGETS in self._regions:
            names.insert(names.index(TARGETS) + 1, OUTSIDE_TARGETS)
        counts = self._tallies
        found = []
        for name in names:
            for kind in Kind:
                changes = {c: n for c in Change if (n := counts[name, kind, c.value])}
                same, rewritten = (counts[name, kind, what] for what in (_SAME, _REWRITTEN))
                if same or rewritten or changes:
                    found.append(Tally(name, kind, same, rewritten, changes))
        return tuple(found)


def is_reportable(change: Change, passed: bool) -> bool:
    """Whether a report that was signed would have to be looked at again."""
    return passed and change in _REPORTABLE
