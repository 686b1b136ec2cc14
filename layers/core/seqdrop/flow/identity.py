"""Whether a run's sample is the person whose earlier runs there are: fingerprints are compared.

Genotypes are read from the results bucket and go nowhere from here: what is known afterwards is
how many sites two runs share, and how many of them agree.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from seqdrop.aws.catalog import Catalog
from seqdrop.aws.objects import Objects
from seqdrop.domain.blueprint import Blueprint
from seqdrop.domain.fingerprint import Comparison, Fingerprint, compared, is_refuted
from seqdrop.domain.fingerprint_sites import PART
from seqdrop.domain.records import Analysis, Run, RunStatus

_LOOK_BACK = 5
"""How many good runs of an analysis are looked at for one that can be compared."""


@dataclass(frozen=True)
class Identity:
    """Compares the newest good run of each of the sample's assays, in a fixed number of reads."""

    catalog: Catalog
    objects: Objects
    results_bucket: str

    def compare(self, run: Run) -> list[Comparison]:
        """A comparison for each assay that has a run with a fingerprint, where this one has one."""
        key = fingerprint_key(run)
        mine = self._genotypes(key)
        if mine is None:
            return []
        return [
            self._compare_one(mine, other)
            for analysis in self.catalog.analyses.of_sample(run.sample)
            for other in self._newest_good(analysis, key)
        ]

    def _compare_one(self, mine: dict[str, str], other: Run) -> Comparison:
        name = f"run {other.id} ({other.assay})"
        theirs = self._genotypes(fingerprint_key(other))
        if theirs is None:
            return Comparison(name, problem="its fingerprint is no longer there")
        return compared(name, mine, theirs)

    def _newest_good(self, analysis: Analysis, key: str) -> Iterator[Run]:
        """At most one run of an analysis.

        A run that was found to be another person's tells nothing of this one, else a second wrong
        run would pass because it is like the first. Nor does one tell anything that has this
        run's very file, since its stage was taken as it is: what came before it does.
        """
        run_id = analysis.current_run
        for _ in range(_LOOK_BACK):
            other = (
                self.catalog.runs.get(analysis.sample, analysis.assay, run_id) if run_id else None
            )
            if other is None:
                return
            theirs = fingerprint_key(other) if other.status is RunStatus.SUCCEEDED else ""
            if theirs not in {"", key} and not is_refuted(other.metrics):
                yield other
                return
            run_id = other.supersedes

    def _genotypes(self, key: str) -> dict[str, str] | None:
        content = self.objects.get(self.results_bucket, key) if key else None
        if content is None:
            return None
        return msgspec.json.decode(content, type=Fingerprint).genotypes


def fingerprint_key(run: Run) -> str:
    """Where the fingerprint of a run is in the results bucket; "" where it has none."""
    if not run.blueprint:
        return ""
    blueprint = msgspec.json.decode(run.blueprint, type=Blueprint)
    if not blueprint.variables.get(PART):
        return ""
    for stage in run.stages:
        for name, kind in blueprint.stages[stage.stage].measures.items():
            if kind == PART:
                return f"{stage.prefix}{name}"
    return ""
