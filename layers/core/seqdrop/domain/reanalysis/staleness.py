"""Which stages of a run have other keys now, and why."""

from collections.abc import Mapping

import msgspec

from seqdrop.domain.blueprint import Blueprint
from seqdrop.domain.pipeline import Stage, is_fpga, waves_of


class Made(msgspec.Struct, frozen=True):
    """What decides a run's results beside the files, as the run has it, or would have it now."""

    pipeline: str
    reference: str
    parts: dict[str, str]
    """Parts of the reference that its stages use, each with its checksum."""
    recipe: dict[str, str]
    """See ``Blueprint.recipe``."""


class Target(msgspec.Struct, frozen=True):
    """What a run of one assay would be now."""

    made: Made
    stages: dict[str, Stage]
    judged: str
    """See ``Blueprint.judged``: a run that is made or judged otherwise is not what was planned."""

    @property
    def waves(self) -> list[list[str]]:
        """The stages in waves, as they run."""
        return waves_of({name: stage.needs for name, stage in self.stages.items()})


class Stale(msgspec.Struct, frozen=True, order=True):
    """What of a run has to be made anew; both in the order of the pipeline, or of names."""

    stages: tuple[str, ...]
    causes: tuple[str, ...]
    """What has changed: parts of the reference, and ``pipeline or image``."""


PIPELINE_OR_IMAGE = "pipeline or image"


def target_of(blueprint: Blueprint) -> Target:
    """The target that a blueprint without files stands for."""
    return Target(
        Made(blueprint.pipeline, blueprint.reference, blueprint.parts, blueprint.stage_keys),
        blueprint.stages,
        blueprint.judged,
    )


def find_stale(before: Made, target: Target) -> Stale:
    """The stages whose keys are others than those of a run. No stages where nothing has changed."""
    changed = {name for name, key in target.made.recipe.items() if before.recipe.get(name) != key}
    ordered = tuple(name for wave in target.waves for name in wave if name in changed)
    return Stale(ordered, tuple(_causes(before, target, changed)))


def _causes(before: Made, target: Target, changed: set[str]) -> list[str]:
    parts = _changed_parts(before.parts, target.made.parts)
    causes = sorted(parts)
    kinds = {part.partition(":")[0] for part in parts}
    by_itself = (
        name
        for name in changed
        if not changed.intersection(target.stages[name].needs)
        and not kinds.intersection(target.stages[name].reference)
    )
    return [*causes, PIPELINE_OR_IMAGE] if any(by_itself) else causes


def _changed_parts(before: Mapping[str, str], now: Mapping[str, str]) -> set[str]:
    return {part for part in before.keys() | now.keys() if before.get(part) != now.get(part)}


def runs_whole(stale: Stale, target: Target) -> bool:
    """Whether DRAGEN aligns again though the sequence is the same.

    Its calling from its own BAM is not validated, so one stage does all.
    """
    on_fpga = any(is_fpga(target.stages[name].queue) for name in stale.stages)
    return on_fpga and "sequence" not in stale.causes
