"""What can be known of a pipeline before any sample runs it: a mistake is told with its place."""

import re
from collections.abc import Iterator

from seqdrop.domain.errors import InvalidPipeline
from seqdrop.domain.measures import figures_of
from seqdrop.domain.metrics import unmeasured_limits
from seqdrop.domain.pipeline import PLACEHOLDER, Calling, Pipeline, Stage, Step, waves_of

_STAGE_NAME = re.compile(r"[a-z][a-z0-9-]{0,29}")
_RESERVED = {"runs"}
"""Folders beside a stage's results."""
_OF_EACH = {
    "": set[str](),
    "read_pair": {"pair.id", "pair.r1", "pair.r2", "pair.read_group"},
    "region": {"region.id", "region.bed"},
}
VARIABLES = {
    "mark_duplicates", "keep_duplicates", "targets", "whole_genome", "annotation", "iupac",
    "fingerprint", "left_out",
    *Calling().variables,
}  # fmt: skip
"""What ``when`` may ask: see ``blueprint``. Those that are text are placeholders too."""
_TEXTS = {
    "ref", "in", "tmp", "out", "threads", "memory_mib", "sample", "pipeline", "reference",
    "run_key", "stage_key", "version", "simulated", "assay", "reporting_depth",
    *(name for name, value in Calling().variables.items() if isinstance(value, str)),
}  # fmt: skip


def check_pipeline(pipeline: Pipeline) -> None:
    """Raises InvalidPipeline for a name, placeholder, condition or need that can't be."""
    waves_of({name: stage.needs for name, stage in pipeline.stages.items()})
    for name, stage in pipeline.stages.items():
        for problem in _problems(name, stage):
            raise InvalidPipeline(f"pipeline {pipeline.name}, stage {name}: {problem}")
        for problem in _wrong_inputs(pipeline, stage):
            raise InvalidPipeline(f"pipeline {pipeline.name}, stage {name}: {problem}")
    for problem in [*_measured_twice(pipeline), *unmeasured_limits(pipeline)]:
        raise InvalidPipeline(f"pipeline {pipeline.name}: {problem}")


def _wrong_inputs(pipeline: Pipeline, stage: Stage) -> Iterator[str]:
    there = {output.name for need in stage.needs for output in pipeline.stages[need].outputs}
    for name in sorted(set(stage.inputs) - there):
        yield f"inputs has {name!r}, which none of the stages that it needs has for an output"


def _measured_twice(pipeline: Pipeline) -> Iterator[str]:
    """A figure comes from one file, so that nobody has to know which of two would count."""
    before: dict[str, str] = {}
    for stage in pipeline.stages.values():
        for output, kind in stage.measures.items():
            figures = figures_of(output, kind)
            for figure in sorted(figures & before.keys()):
                yield f"{before[figure]} and {output} both measure {figure}"
            before |= dict.fromkeys(figures, output)


def _problems(name: str, stage: Stage) -> Iterator[str]:
    if not _STAGE_NAME.fullmatch(name) or name in _RESERVED:
        yield "its name must be lower-case letters, digits and '-', at most 30, and not 'runs'"
    names = [output.name for output in stage.outputs]
    for measured in sorted(stage.measures.keys() - set(names)):
        yield f"measures {measured!r}, which is none of its outputs ({', '.join(names)})"
    if len(set(names)) < len(names) or f"{name}.json" in names:
        yield f"its outputs need names of their own, and none may be {name}.json"
    for when in sorted(_conditions(stage) - VARIABLES - {""}):
        yield f"when: {when!r} is none of {', '.join(sorted(VARIABLES))}"
    for text, known in _texts(stage):
        for placeholder in PLACEHOLDER.findall(text):
            if placeholder not in known:
                yield f"{{{placeholder}}} in {text!r} is unknown, or not possible there"


def _conditions(stage: Stage) -> set[str]:
    conditions = {stage.when, *(output.when for output in stage.outputs)}
    for step in stage.steps:
        conditions.add(step.when)
        conditions.update(a.when for c in step.pipe for a in c if not isinstance(a, str))
    return conditions


def _texts(stage: Stage) -> Iterator[tuple[str, set[str]]]:
    """Each text that is filled in, with the placeholders that are possible there."""
    for output in stage.outputs:
        yield output.source, _TEXTS
    for step in stage.steps:
        yield from _texts_of_step(step)


def _texts_of_step(step: Step) -> Iterator[tuple[str, set[str]]]:
    known = _TEXTS | _OF_EACH[step.for_each]
    yield step.stdout, known
    for command in step.pipe:
        for argument in command:
            if isinstance(argument, str):
                yield argument, known
            else:
                inside = known | _OF_EACH[argument.for_each]
                for text in argument.args:
                    yield text, inside
