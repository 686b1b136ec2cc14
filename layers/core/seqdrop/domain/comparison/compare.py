"""Compares two files of calls, contig by contig."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from seqdrop.domain.bed import Region, listed
from seqdrop.domain.comparison.absences import Absences, Lookup
from seqdrop.domain.comparison.alleles import Bases
from seqdrop.domain.comparison.callfile import CallFile
from seqdrop.domain.comparison.chain import Reach
from seqdrop.domain.comparison.contigs import known_contigs, match_contigs
from seqdrop.domain.comparison.findings import ABSENT, TARGETS, Findings
from seqdrop.domain.comparison.headers import Contig, header_differences
from seqdrop.domain.comparison.meaning import Meaning
from seqdrop.domain.comparison.order import bases_of_both, contig_pairs
from seqdrop.domain.comparison.recorder import Recorder
from seqdrop.domain.comparison.report import Change, Report, Row, Side
from seqdrop.domain.comparison.stretch import Counts, Place
from seqdrop.domain.comparison.verdict import compared_metrics, tolerances, verdict
from seqdrop.domain.comparison.walk import Walk
from seqdrop.domain.targets import Targets

METRIC_TOLERANCE = 0.01
_SHOWN_HEADER_LINES = 20


@dataclass(frozen=True)
class About:
    """What is known of one side beside its VCF."""

    label: str = ""
    bases: Bases | None = None
    """Of its own sequence, by its own names."""
    contigs: Mapping[str, Contig] = field(default_factory=dict)
    """Of its sequence, in their order; where it is empty the VCF's header counts."""
    gvcf: Lookup | None = None
    targets: Sequence[Region] | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Lift:
    """How A's records were brought to B's sequence."""

    rows: Iterable[Row]
    """Calls of A that could not be brought there."""
    reach: Callable[[str, int, int], Reach]
    """What A's sequence has in the place of a stretch of B's."""


def compare(
    a: CallFile,
    b: CallFile,
    about: tuple[About, About],
    *,
    regions: Mapping[str, Sequence[Region]] | None = None,
    on_row: Callable[[Row], object] = id,
    lifted: Lift | None = None,
    metric_tolerance: float = METRIC_TOLERANCE,
) -> Report:
    """Compares the calls of two files; ``regions`` are of A's sequence, by name.

    ``on_row`` gets each row as it is found. Where A's records were ``lifted`` to B's sequence,
    ``regions`` are of that, and the files are at best equivalent. Raises InvalidInput where a file
    can't be used as it stands.
    """
    comparison = _Comparison(a, b, about, regions or {}, on_row=on_row, lifted=lifted)
    comparison.run()
    return comparison.report(metric_tolerance)


class _Comparison:
    """One comparison, from its first contig to its report."""

    def __init__(
        self,
        a: CallFile,
        b: CallFile,
        about: tuple[About, About],
        regions: Mapping[str, Sequence[Region]],
        *,
        on_row: Callable[[Row], object],
        lifted: Lift | None,
    ) -> None:
        self._a, self._b, self._about, self._lifted = a, b, about, lifted
        known = [
            known_contigs(side.contigs, file.header.contigs, file.file)
            for side, file in zip(about, (a, b), strict=True)
        ]
        self._match = match_contigs(known[0], known[1])
        a.lengths, b.lengths = ({n: c.length for n, c in each.items()} for each in known)
        named = self._named_regions(regions)
        self.findings = Findings(named, b.lengths | a.lengths, on_row)
        self._meaning = Meaning(a.header, b.header)
        self._absences = _absences(a, about[0]), _absences(b, about[1])
        self._counts = Counts(), Counts()
        self._undeclared: list[str] = []

    def _named_regions(self, regions: Mapping[str, Sequence[Region]]) -> dict[str, Targets]:
        named = {name: Targets(places) for name, places in regions.items()}
        targets = [side.targets for side in self._about if side.targets is not None]
        return {TARGETS: Targets(targets[0]), **named} if targets else named

    def run(self) -> None:
        """Goes through all contigs."""
        for row in self._lifted.rows if self._lifted else ():
            passed = self._a.header.passes(row.filter_a)
            self._counts[0].variants += 1
            self._counts[0].passed += passed
            self.findings.add_row(row, passed, (row.genotype_a, ABSENT))
        for one, two in contig_pairs(self._a, self._b, self._match):
            self._walk(one, two)

    def _walk(self, one: str | None, two: str | None) -> None:
        """Goes along a contig; None where a file has no call of it."""
        name_a = one or (self._match.in_a(two) if two else None)
        name_b = two or (self._match.in_b(one) if one else None)
        self.findings.begin(name_a or name_b or "")
        if name_a and name_b and not (name_a in self._match.a and name_b in self._match.b):
            self._undeclared.append(name_a)
        why = self._why_not(name_a, name_b)
        bases_a, bases_b = bases_of_both(self._about[0].bases, self._about[1].bases, name_a, name_b)
        reach = self._lifted.reach if self._lifted else None
        recorder = Recorder(
            self.findings, self._meaning, self._absences, name_a, name_b, why, reach
        )
        place = Place(
            one,
            two,
            bases_a,
            bases_b,
            self._regions_at(name_a or name_b or ""),
            self._meaning.is_any,
        )
        Walk(self._a, self._b, place, recorder, self._counts).run()

    def _why_not(self, name_a: str | None, name_b: str | None) -> str:
        if name_a is not None and name_b is not None:
            return ""
        name = name_a or name_b or ""
        changed = self._match.changed.get(name)
        if changed:
            return f"{name} is another sequence in each file: {changed}; no chain file was given"
        return f"only {'A' if name_a else 'B'}'s sequence has {name}"

    def _regions_at(self, name: str) -> Callable[[int, int], tuple[str, ...]] | None:
        if not self.findings.has_regions:
            return None
        return lambda start, end: self.findings.regions_at(name, start, end)

    def report(self, tolerance: float) -> Report:
        """What was found."""
        a, b, findings = self._a, self._b, self.findings
        differing = header_differences(a.header, b.header)
        same_records = not self._lifted and (a.records, a.digest) == (b.records, b.digest)
        reached, why = verdict(findings, differing, same_records=same_records)
        return Report(
            verdict=reached,
            why=why,
            a=self._side(a, 0),
            b=self._side(b, 1),
            tallies=findings.tallies(),
            genotypes=findings.genotypes,
            absences=dict(findings.absences),
            contigs=findings.contigs,
            along=findings.along,
            metrics=compared_metrics(self._about[0].metrics, self._about[1].metrics, tolerance),
            tolerances=tolerances(findings, tolerance),
            headers_differ=tuple(differing[:_SHOWN_HEADER_LINES]),
            warnings=self._warnings(),
            rows=findings.rows,
            rows_total=findings.rows_total,
            reportable_total=findings.reportable_total,
        )

    def _side(self, file: CallFile, number: int) -> Side:
        about, counts = self._about[number], self._counts[number]
        return Side(
            label=about.label or file.file,
            sample=file.sample,
            variants=counts.variants,
            passed=counts.passed,
            no_genotype=counts.no_genotype,
            facts={**file.header.facts, **about.facts},
        )

    def _warnings(self) -> tuple[str, ...]:
        found = []
        if self._a.sample != self._b.sample:
            found.append(
                f"the samples' names differ: {self._a.sample!r} in A, {self._b.sample!r} in B; "
                "make sure that they are one person's"
            )
        found += self._match.warnings
        if self._undeclared:
            found.append(
                "contigs whose length is not known in both files were matched by name alone: "
                + listed(self._undeclared)
            )
        if not any(counts.variants for counts in self._counts):
            found.append("neither file has a variant")
        if self._lifted:
            found.append("calls of A were brought to B's sequence by the chain file")
        found += self._meaning.warnings
        one, two = (side.targets for side in self._about)
        if one is not None and two is not None and list(one) != list(two):
            found.append("the target regions differ; variants are counted by those of A")
        if self.findings.changes[Change.NOT_COMPARABLE]:
            found.append("some calls could not be compared: see the rows 'not_comparable'")
        return tuple(found)


def _absences(file: CallFile, about: About) -> Absences:
    targets = Targets(about.targets) if about.targets is not None else None
    return Absences(file.header, about.gvcf, targets)
