"""What a reanalysis would do: to whom, which stages, what it takes, and who is left out."""

from collections import defaultdict
from dataclasses import dataclass, field

import msgspec

from seqdrop.domain.identity import AnalysisId
from seqdrop.domain.reanalysis.estimate import Estimate
from seqdrop.domain.reanalysis.scope import WORDS, LeftOut, Scope
from seqdrop.domain.reanalysis.staleness import Stale, Target, runs_whole

EXAMPLES = 5
"""Samples that are named of each kind."""


class Member(msgspec.Struct, frozen=True):
    """An analysis that is made anew, as the plan lists it."""

    sample: str
    assay: str

    @property
    def id(self) -> AnalysisId:
        """Which analysis it is."""
        return AnalysisId(self.sample, self.assay)


class Group(msgspec.Struct, frozen=True):
    """Analyses under one assay of which the same stages are stale, for the same causes."""

    assay: str
    pipeline: str
    reference: str
    """``<name>/<version>``: what they are made anew with."""
    stale: Stale
    reused: tuple[str, ...]
    """The stages whose results stay as they are."""
    analyses: int
    examples: tuple[str, ...]
    judged: str = ""
    """What its runs are to be made of, and judged by; see ``Target``."""
    runs_whole: bool = False
    """DRAGEN aligns again though the sequence is the same."""


class Omitted(msgspec.Struct, frozen=True):
    """Analyses that are left out for one reason."""

    reason: LeftOut
    why: str
    analyses: int
    examples: tuple[str, ...]


class Archived(msgspec.Struct, frozen=True):
    """FASTQ files that have to be restored first: of those that were looked at, and in all."""

    looked_at: int
    archived: int
    analyses: int
    """As many of all, if the others are alike."""
    gib: float
    usd: float


class Plan(msgspec.Struct, frozen=True, omit_defaults=True):
    """A whole plan; its members are listed apart."""

    scope: Scope
    groups: tuple[Group, ...]
    omitted: tuple[Omitted, ...]
    up_to_date: int
    """Analyses in its scope of which nothing is stale."""
    estimate: Estimate
    archived: Archived | None = None
    """None where no FASTQ is read again."""

    @property
    def analyses(self) -> int:
        """How many are made anew."""
        return sum(group.analyses for group in self.groups)

    @property
    def judged(self) -> frozenset[str]:
        """What its runs are to be made of, and judged by."""
        return frozenset(group.judged for group in self.groups)

    @property
    def usd_by_assay(self) -> dict[str, float]:
        """What one run of each assay is expected to cost, as a mean."""
        analyses: dict[str, int] = defaultdict(int)
        usd: dict[str, float] = defaultdict(float)
        for group in self.groups:
            analyses[group.assay] += group.analyses
        for stage in self.estimate.stages:
            usd[stage.assay] += stage.usd.expected
        return {assay: usd[assay] / number for assay, number in analyses.items()}


@dataclass
class _Counted:
    analyses: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, sample: str) -> None:
        self.analyses += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(sample)


class Groups:
    """Counts members by what is stale of them; as few as there are assays and causes."""

    def __init__(self) -> None:
        self._counted: dict[tuple[str, str, str, Stale], tuple[Target, _Counted]] = {}

    def add(self, analysis: AnalysisId, stale: Stale, target: Target) -> None:
        """Counts one more."""
        kind = (analysis.assay, target.made.pipeline, target.made.reference, stale)
        _, counted = self._counted.setdefault(kind, (target, _Counted()))
        counted.add(analysis.sample)

    @property
    def found(self) -> list[tuple[Group, Target]]:
        """Each group with what its runs would be now."""
        return [
            (_group(assay, stale, target, counted), target)
            for (assay, _, _, stale), (target, counted) in sorted(
                self._counted.items(), key=lambda one: one[0]
            )
        ]


def _group(assay: str, stale: Stale, target: Target, counted: _Counted) -> Group:
    return Group(
        assay,
        target.made.pipeline,
        target.made.reference,
        stale,
        tuple(name for wave in target.waves for name in wave if name not in stale.stages),
        counted.analyses,
        tuple(counted.examples),
        target.judged,
        runs_whole(stale, target),
    )


class Omissions:
    """Counts analyses that are left out, by reason and by what is said of it."""

    def __init__(self) -> None:
        self._counted: dict[tuple[LeftOut, str], _Counted] = defaultdict(_Counted)

    def add(self, analysis: AnalysisId, reason: LeftOut, why: str = "") -> None:
        """Counts one more."""
        self._counted[reason, why or WORDS[reason]].add(analysis.sample)

    @property
    def found(self) -> tuple[Omitted, ...]:
        """Of each reason how many, most first."""
        return tuple(
            Omitted(reason, why, counted.analyses, tuple(counted.examples))
            for (reason, why), counted in sorted(
                self._counted.items(), key=lambda one: (-one[1].analyses, one[0])
            )
        )
