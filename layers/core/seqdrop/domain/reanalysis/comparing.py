"""The stage that compares the run of a reanalysis with the run before it."""

from collections.abc import Iterable, Mapping

from msgspec import structs

from seqdrop.domain.blueprint import Blueprint
from seqdrop.domain.keys import digest
from seqdrop.domain.pipeline import COMPARE, Stage
from seqdrop.domain.plan import LocalFile, StoredObject

CALLS = frozenset({"variants.vcf.gz", "annotated.vcf.gz", "variants.g.vcf.gz"})
INDEXES = frozenset(f"{name}.tbi" for name in CALLS)
SEQUENCE = frozenset({"genome.fa", "genome.fa.fai"})
OF_REFERENCE = frozenset({*SEQUENCE, "targets.bed"})
"""Files of a reference by their paths for the tools."""
BEFORE = "before/"
"""Where the tool finds the files of the run before, below ``{ref}``."""
SAME = "same_as_before"
"""The variable that names the files of the reference that both runs have used."""
CHAIN = "before.chain"
"""From the sequence before to the one now, where the reference has such a part."""


def stages_to_compare(blueprint: Blueprint) -> list[str]:
    """The stages that make calls."""
    return [name for name, stage in blueprint.stages.items() if makes_calls({name: stage})]


def makes_calls(stages: Mapping[str, Stage]) -> bool:
    """Whether one of some stages makes calls that can be compared."""
    outputs = (output.name for stage in stages.values() for output in stage.outputs)
    return not CALLS.isdisjoint(outputs)


def files_of_reference(blueprint: Blueprint) -> dict[str, StoredObject]:
    """The sequence and the targets of a run, by their paths."""
    files = (file for used in blueprint.files.values() for file in used)
    return {file.path: file.object for file in files if file.path in OF_REFERENCE}


def with_comparison(
    blueprint: Blueprint,
    stage: Stage,
    before: Mapping[str, StoredObject],
    *,
    chain: Iterable[LocalFile] = (),
    image: str,
    definition: str,
) -> Blueprint:
    """A run with one more stage, after all others. Its key and its recipe stay as they are.

    ``before`` has the files of the run that it is compared with, by name: calls and their indexes,
    ``run.json``, the sequence and the targets. ``image`` and ``definition`` are the
    stage's.
    """
    now = files_of_reference(blueprint)
    same = {name for name in before if name in now and _same(before[name], now[name])}
    files = (
        *(LocalFile(f"{BEFORE}{n}", o) for n, o in sorted(before.items()) if n not in same),
        *(LocalFile(path, object_) for path, object_ in sorted(now.items())),
        *chain,
    )
    there = {output.name for one in blueprint.stages.values() for output in one.outputs}
    compare = structs.replace(
        stage, needs=tuple(blueprint.stages), inputs=tuple(sorted((CALLS | INDEXES) & there))
    )
    contents = [(file.path, file.object.sha256 or file.object.checksum) for file in files]
    key = digest([COMPARE, image, stage.steps, sorted(blueprint.stage_keys.values()), contents])
    return structs.replace(
        blueprint,
        variables={**blueprint.variables, SAME: ",".join(sorted(same))},
        stages={**blueprint.stages, COMPARE: compare},
        images={**blueprint.images, stage.image_name: image},
        definitions={**blueprint.definitions, COMPARE: definition},
        stage_keys={**blueprint.stage_keys, COMPARE: key},
        files={**blueprint.files, COMPARE: files},
    )


def _same(one: StoredObject, other: StoredObject) -> bool:
    return bool(one.sha256) and one.sha256 == other.sha256
