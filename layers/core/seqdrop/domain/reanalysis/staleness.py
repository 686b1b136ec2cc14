"""Which stages of a run have other keys now, or are not run any more, and why."""

from collections.abc import Iterable, Mapping

import msgspec

from seqdrop.domain.blueprint import Blueprint
from seqdrop.domain.pipeline import COMPARE, Stage, is_fpga, waves_of


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
    has: frozenset[str]
    """The parts of its version of the reference, those that no stage uses included."""
    calling: str = ""
    """See ``Blueprint.calling``."""

    @property
    def waves(self) -> list[list[str]]:
        """The stages in waves, as they run."""
        return waves_of({name: stage.needs for name, stage in self.stages.items()})


class Stale(msgspec.Struct, frozen=True, order=True, omit_defaults=True):
    """What of a run has to be made anew; both in the order of the pipeline, or of names."""

    stages: tuple[str, ...]
    causes: tuple[str, ...]
    """What has changed: parts of the reference, and ``pipeline or image``."""
    gone: tuple[str, ...] = ()
    """Stages that the run has, and another one would not have, by name."""
    lacking: tuple[str, ...] = ()
    """Parts that the run has used and the version lacks, where stages are gone with them."""

    @property
    def is_any(self) -> bool:
        """Whether a run would be another one now."""
        return bool(self.stages or self.gone)


PIPELINE_OR_IMAGE = "pipeline or image"


def target_of(blueprint: Blueprint, has: Iterable[str] = ()) -> Target:
    """The target that a blueprint stands for, whatever its files.

    ``has`` are the parts of its version of the reference, where they are more than it uses.
    """
    return Target(
        Made(blueprint.pipeline, blueprint.reference, blueprint.parts, blueprint.recipe),
        {name: stage for name, stage in blueprint.stages.items() if name != COMPARE},
        blueprint.judged,
        frozenset({*has, *blueprint.parts}),
        blueprint.calling,
    )


def find_stale(before: Made, target: Target) -> Stale:
    """The stages whose keys are others than those of a run, and those that are gone.

    None of both where nothing has changed.
    """
    now = target.made.recipe
    changed = {name for name, key in now.items() if before.recipe.get(name) != key}
    gone = before.recipe.keys() - now.keys()
    lacking = before.parts.keys() - target.has if gone else set[str]()
    causes = _causes(before, target, changed, is_smaller=bool(gone) and not lacking)
    ordered = tuple(name for wave in target.waves for name in wave if name in changed)
    return Stale(ordered, tuple(causes), tuple(sorted(gone)), tuple(sorted(lacking)))


def why_not_without(stale: Stale, reference: str) -> str:
    """Why nothing is made anew with a version that lacks what the run has used; "" if it may be.

    The results would lack what those stages make, and no comparison says so: it compares what both
    have. ``reference`` is ``<name>/<version>``.
    """
    if not stale.lacking:
        return ""
    parts, stages = ", ".join(stale.lacking), ", ".join(stale.gone)
    name = " ".join(reference.split("/"))
    return f"reference {name} has no {parts}, and the run has {stages}: add a version that has it"


def _causes(before: Made, target: Target, changed: set[str], *, is_smaller: bool) -> list[str]:
    """``is_smaller`` is of a pipeline that has dropped a stage."""
    parts = _changed_parts(before.parts, target.made.parts)
    causes = sorted(parts)
    kinds = {part.partition(":")[0] for part in parts}
    by_itself = (
        name
        for name in changed
        if not changed.intersection(target.stages[name].needs)
        and not kinds.intersection(target.stages[name].reference)
    )
    return [*causes, PIPELINE_OR_IMAGE] if is_smaller or any(by_itself) else causes


def _changed_parts(before: Mapping[str, str], now: Mapping[str, str]) -> set[str]:
    return {part for part in before.keys() | now.keys() if before.get(part) != now.get(part)}


def runs_whole(stale: Stale, target: Target) -> bool:
    """Whether DRAGEN aligns again though the sequence is the same.

    Its calling from its own BAM is not validated, so one stage does all.
    """
    on_fpga = any(is_fpga(target.stages[name].queue) for name in stale.stages)
    return on_fpga and "sequence" not in stale.causes
