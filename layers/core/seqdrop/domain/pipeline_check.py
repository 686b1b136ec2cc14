"""What can be known of a pipeline before any sample runs it: a mistake is told with its place."""

import re
from collections.abc import Iterator

from seqdrop.domain.errors import InvalidPipeline
from seqdrop.domain.measures import figures_of
from seqdrop.domain.metrics import unmeasured_limits
from seqdrop.domain.pipeline import (
    COMPARE,
    PLACEHOLDER,
    Calling,
    Mistake,
    Pipeline,
    Stage,
    Step,
    is_fpga,
    waves_of,
)
from seqdrop.domain.qc import crossed_limits
from seqdrop.domain.workflow import TASKS
from seqdrop.domain.workflow_steps import mistakes_of_kind

_STAGE_NAME = re.compile(r"[a-z][a-z0-9-]{0,29}")
_RESERVED = {"runs", COMPARE, TASKS}
"""A folder beside the stages' results, the stage that a reanalysis adds, and the folder that a
workflow's tasks may write into."""
OF_EACH = {
    "": set[str](),
    "read_pair": {"pair.id", "pair.r1", "pair.r2", "pair.read_group"},
    "library": {"library.id"},
    "region": {"region.id", "region.bed"},
}
"""Placeholders that stand for a pair or a region, by what ``for_each`` says."""
VARIABLES = {
    "paired_reads", "interleaved_reads",
    "mark_duplicates", "keep_duplicates", "targets", "whole_genome", "annotation", "annotate_csq",
    "annotate_snpeff", "call_bcftools", "call_freebayes", "alignment_bam", "alignment_cram",
    "iupac", "fingerprint", "left_out", "primers", "umi_pattern",
    "ploidy_by_sex", *Calling().variables,
}  # fmt: skip
"""What ``when`` may ask: see ``blueprint``. Those that are text are placeholders too."""
TEXTS = {
    "ref", "in", "tmp", "out", "threads", "memory_mib", "sample", "pipeline", "reference",
    "run_key", "stage_key", "version", "simulated", "assay", "reporting_depth", "umi_pattern",
    "alignment",
    *(name for name, value in Calling().variables.items() if isinstance(value, str)),
}  # fmt: skip
"""Placeholders that may stand anywhere."""
OF_WORKFLOWS = {"work", "session", "task_tag"}
"""Placeholders of stages that run a workflow: its folder in the bucket (an s3:// URI that ends with
``/``), its Nextflow session, and what the tags of its tasks say."""


def check_pipeline(pipeline: Pipeline) -> None:
    """Raises InvalidPipeline for a name, placeholder, condition or need that can't be."""
    for mistake in mistakes_in(pipeline):
        raise InvalidPipeline(f"pipeline {pipeline.name}, {mistake.says}")


def mistakes_in(pipeline: Pipeline) -> Iterator[Mistake]:
    """Each name, placeholder, condition or need that can't be.

    Inputs are looked at only where the needs are right: they come from the stages that are needed.
    """
    wrong_needs = [*_wrong_needs(pipeline)]
    yield from wrong_needs
    for name, stage in pipeline.stages.items():
        for word, problem in _problems(name, stage):
            yield Mistake(("stages", name, word), f"stage {name}: {problem}")
        if not wrong_needs:
            yield from _wrong_inputs(pipeline, name, stage)
    yield from _measured_twice(pipeline)
    yield from unmeasured_limits(pipeline)
    yield from crossed_limits(pipeline.qc)


def _wrong_needs(pipeline: Pipeline) -> Iterator[Mistake]:
    stages = {name: stage.needs for name, stage in pipeline.stages.items()}
    for name, needs in stages.items():
        for need in needs:
            if need not in stages:
                says = f"stage {name!r} needs {need!r}, which is not a stage"
                yield Mistake(("stages", name, "needs", need), says)
                return
    try:
        waves_of(stages)
    except InvalidPipeline as circle:
        yield Mistake(("stages",), str(circle))


def _wrong_inputs(pipeline: Pipeline, name: str, stage: Stage) -> Iterator[Mistake]:
    there = {output.name for need in stage.needs for output in pipeline.stages[need].outputs}
    for wrong in sorted(set(stage.inputs) - there):
        yield Mistake(
            ("stages", name, "inputs", wrong),
            f"stage {name}: inputs has {wrong!r}, which none of the stages that it needs has for "
            "an output",
        )


def _measured_twice(pipeline: Pipeline) -> Iterator[Mistake]:
    """A figure comes from one file, so that nobody has to know which of two would count."""
    before: dict[str, str] = {}
    for name, stage in pipeline.stages.items():
        for output, kind in stage.measures.items():
            figures = figures_of(output, kind)
            for figure in sorted(figures & before.keys()):
                yield Mistake(
                    ("stages", name, "measures", output),
                    f"{before[figure]} and {output} both measure {figure}",
                )
            before |= dict.fromkeys(figures, output)


def _problems(name: str, stage: Stage) -> Iterator[tuple[str, str]]:
    """The word that is wrong, and what is wrong about it."""
    if not _STAGE_NAME.fullmatch(name) or name in _RESERVED:
        yield (
            name,
            "its name must be lower-case letters, digits and '-', at most 30, and not 'runs', "
            "'compare' or 'tasks'",
        )
    if stage.image and is_fpga(stage.queue):
        yield "image", "its image is that of its FPGA queue: name none"
    yield from mistakes_of_kind(stage)
    names = [output.name for output in stage.outputs]
    for measured in sorted(stage.measures.keys() - set(names)):
        yield (
            measured,
            f"measures {measured!r}, which is none of its outputs ({', '.join(names)})",
        )
    if len(set(names)) < len(names) or f"{name}.json" in names:
        yield (
            "outputs",
            f"its outputs need names of their own, and none may be {name}.json",
        )
    for when in sorted(_conditions(stage) - VARIABLES - {""}):
        yield when, f"when: {when!r} is none of {', '.join(sorted(VARIABLES))}"
    for text, known in _texts(stage):
        for placeholder in PLACEHOLDER.findall(text):
            if placeholder not in known:
                yield text, f"{{{placeholder}}} in {text!r} is unknown, or not possible there"


def _conditions(stage: Stage) -> set[str]:
    conditions = {stage.when, *(output.when for output in stage.outputs)}
    for step in stage.steps:
        conditions.add(step.when)
        conditions.update(a.when for c in step.pipe for a in c if not isinstance(a, str))
    return conditions


def _texts(stage: Stage) -> Iterator[tuple[str, set[str]]]:
    """Each text that is filled in, with the placeholders that are possible there."""
    anywhere = TEXTS | OF_WORKFLOWS if stage.workflow else TEXTS
    for output in stage.outputs:
        yield output.source, anywhere
    for step in stage.steps:
        yield from _texts_of_step(step, anywhere)


def _texts_of_step(step: Step, anywhere: set[str]) -> Iterator[tuple[str, set[str]]]:
    known = anywhere | OF_EACH[step.for_each]
    yield step.stdout, known
    for command in step.pipe:
        for argument in command:
            if isinstance(argument, str):
                yield argument, known
            else:
                inside = known | OF_EACH[argument.for_each]
                for text in argument.args:
                    yield text, inside
