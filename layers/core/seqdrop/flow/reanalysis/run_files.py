"""The files of a run that another one is compared with."""

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec import structs

from seqdrop.aws.catalog import Catalog
from seqdrop.aws.objects import Objects
from seqdrop.domain.blueprint import Blueprint, decode_blueprint
from seqdrop.domain.errors import InvalidInput
from seqdrop.domain.plan import LocalFile, StoredObject
from seqdrop.domain.reanalysis.comparing import (
    CALLS,
    CHAIN,
    INDEXES,
    files_of_reference,
    stages_to_compare,
)
from seqdrop.domain.records import Run
from seqdrop.domain.reference import ReferenceVersion


@dataclass(frozen=True)
class RunFiles:
    """They are where they were when the run was made, and never change."""

    catalog: Catalog
    objects: Objects
    results_bucket: str

    def of(self, run: Run, blueprint: Blueprint | None = None) -> dict[str, StoredObject]:
        """Its calls with their indexes, its ``run.json``, its sequence and targets, by name.

        Raises InvalidInput where results are gone.
        """
        blueprint = blueprint or decode_blueprint(self.catalog.runs.blueprint(run))
        found = files_of_reference(blueprint)
        calling = set(stages_to_compare(blueprint))
        for stage in run.stages:
            if stage.stage in calling:
                found |= dict(self._calls(stage.prefix, stage.stage))
        if record := self.objects.head(self.results_bucket, f"{run.id.folder}run.json"):
            # Without its version: jobs may read results as they are, and this one never changes.
            found["run.json"] = structs.replace(record.object, version_id="")
        else:
            raise InvalidInput(f"the record of {run.id} is gone: nothing can be compared with it")
        return found

    def _calls(self, prefix: str, stage: str) -> Iterator[tuple[str, StoredObject]]:
        result = self.objects.read_result(self.results_bucket, prefix, stage)
        if result is None:
            raise InvalidInput(
                f"the results of {stage} in {prefix} are gone, so that nothing can be compared "
                "with them"
            )
        for object_ in self.objects.describe_results(self.results_bucket, prefix, result):
            name = object_.key.removeprefix(prefix)
            if name in CALLS | INDEXES:
                yield name, object_


def chain_between(before: Run, reference: ReferenceVersion) -> Iterator[LocalFile]:
    """The chain from the sequence of a run to a version's, if the version has it."""
    name, _, version = before.reference.partition("/")
    part = reference.parts.get(f"chain:{version}") if name == reference.name else None
    if part:
        yield LocalFile(CHAIN, part.object)
