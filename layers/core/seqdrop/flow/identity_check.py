"""Whether a run's sample is who it should be: its fingerprint is compared.

That is with the sample's earlier runs, and with genotypes that a lab supplied. They are read from
the results bucket and go nowhere from here: what is known afterwards is how many sites two of them
share, and how many of these agree.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from seqdrop.aws.catalog import Catalog
from seqdrop.aws.objects import Objects
from seqdrop.domain.blueprint import Blueprint, decode_blueprint
from seqdrop.domain.errors import InvalidGenotypes
from seqdrop.domain.fingerprint import Comparison, Fingerprint, compared, is_refuted
from seqdrop.domain.fingerprint_sites import PART
from seqdrop.domain.naming import supplied_key
from seqdrop.domain.records import Analysis, Run, RunStatus
from seqdrop.domain.supplied import SuppliedFingerprint, compared_with_supplied

_LOOK_BACK = 5
"""How many good runs of an analysis are looked at for one that can be compared."""


@dataclass(frozen=True)
class IdentityCheck:
    """Compares the newest good run of each of the sample's assays, in a fixed number of reads."""

    catalog: Catalog
    objects: Objects
    results_bucket: str

    def compare(self, run: Run, blueprint: Blueprint) -> list[Comparison]:
        """A comparison for each assay that has a run with a fingerprint, where this one has one.

        Another one for the genotypes that were supplied, in any case where there are some.
        """
        key = fingerprint_key(run, blueprint)
        mine = self._genotypes(key)
        found = list(self._with_supplied(run, blueprint, mine))
        if mine is not None:
            found += [
                self._compare_one(mine, other)
                for analysis in self.catalog.analyses.of_sample(run.sample)
                for other in self._newest_good(analysis, key)
            ]
        return found

    def set_aside(self, run: Run) -> list[Comparison]:
        """For an assay without comparisons: says so of genotypes that were supplied."""
        if self.objects.head(self.results_bucket, supplied_key(run.sample)) is None:
            return []
        return [Comparison("the supplied genotypes", problem="the assay has identity: none")]

    def _with_supplied(
        self, run: Run, blueprint: Blueprint, mine: dict[str, str] | None
    ) -> Iterator[Comparison]:
        try:
            supplied = read_supplied(self.objects, self.results_bucket, run.sample)
        except InvalidGenotypes as error:
            yield Comparison("the supplied genotypes", problem=str(error), supplied=True)
            return
        if supplied is not None and mine is None:
            yield Comparison(supplied.name, problem=_why_untyped(blueprint), supplied=True)
        elif supplied is not None and mine is not None:
            yield compared_with_supplied(mine, supplied)

    def _compare_one(self, mine: dict[str, str], other: Run) -> Comparison:
        name = f"run {other.id.short} ({other.assay})"
        theirs = self._genotypes(self._key_of(other))
        if theirs is None:
            return Comparison(name, problem="its fingerprint is no longer there")
        return compared(name, mine, theirs)

    def _newest_good(self, analysis: Analysis, key: str) -> Iterator[Run]:
        """At most one run of an analysis.

        A run that was found to be another person's tells nothing of this one, else a second wrong
        run would pass because it is like the first. Nor does one tell anything that has this
        run's very file, since its stage was taken as it is: what came before it does.
        """
        earlier = analysis.current_run
        for _ in range(_LOOK_BACK):
            other = self.catalog.runs.get(earlier) if earlier else None
            if other is None:
                return
            theirs = self._key_of(other) if other.status is RunStatus.SUCCEEDED else ""
            if theirs not in {"", key} and not is_refuted(other.metrics):
                yield other
                return
            earlier = other.supersedes

    def _key_of(self, other: Run) -> str:
        frozen = self.catalog.runs.blueprint(other)
        return fingerprint_key(other, decode_blueprint(frozen)) if frozen else ""

    def _genotypes(self, key: str) -> dict[str, str] | None:
        content = self.objects.get(self.results_bucket, key) if key else None
        if content is None:
            return None
        return msgspec.json.decode(content, type=Fingerprint).genotypes


def read_supplied(objects: Objects, bucket: str, sample: str) -> SuppliedFingerprint | None:
    """The genotypes that a lab supplied for a sample; None where there are none.

    Raises InvalidGenotypes where the file is not what Seqdrop wrote.
    """
    key = supplied_key(sample)
    content = objects.get(bucket, key)
    if content is None:
        return None
    try:
        return msgspec.json.decode(content, type=SuppliedFingerprint)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # The decoder's message may hold a genotype.
        raise InvalidGenotypes(
            f"s3://{bucket}/{key} can't be read: supply them again with `seqdrop fingerprint`"
        ) from None


def _why_untyped(blueprint: Blueprint) -> str:
    """Why a run has no fingerprint, and what to do."""
    if not blueprint.variables.get(PART):
        return (
            f"reference {blueprint.reference} has no SNPs for identity; add a version with a "
            ".fingerprint.vcf"
        )
    if not any(PART in stage.measures.values() for stage in blueprint.stages.values()):
        return f"pipeline {blueprint.pipeline} types no SNPs; choose an assay whose pipeline does"
    return "the run's own fingerprint is no longer there"


def fingerprint_key(run: Run, blueprint: Blueprint) -> str:
    """Where the fingerprint of a run is in the results bucket; "" where it has none."""
    if not blueprint.variables.get(PART):
        return ""
    for stage in run.stages:
        for name, kind in blueprint.stages[stage.stage].measures.items():
            if kind == PART:
                return f"{stage.prefix}{name}"
    return ""
