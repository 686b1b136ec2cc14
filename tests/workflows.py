"""A small workflow in the words of a pipeline's file, for tests."""

from typing import Any

import msgspec

from seqdrop.domain.pipeline import Pipeline, Stage
from seqdrop.domain.workflow_steps import with_workflow_steps

SHEET: dict[str, Any] = {
    "columns": {"sample": "{sample}", "fastq_1": "{pair.r1}", "fastq_2": "{pair.r2}"},
    "required": ["sample", "fastq_1"],
}
WORKFLOW: dict[str, Any] = {
    "project": "lab/counting",
    "revision": "1.2.0",
    "params": {"fasta": "{work}reference/genome.fa"},
    "sheet": SHEET,
}
STAGE: dict[str, Any] = {
    "queue": "nextflow",
    "reads": "copies",
    "size": {"vcpus": 1, "memory_mib": {"base": 1000}, "seconds": {"base": 60}},
    "workflow": WORKFLOW,
    "outputs": [{"name": "variants.vcf.gz", "source": "variants/{sample}.vcf.gz"}],
}


def pipeline_of(stage: dict[str, Any]) -> Pipeline:
    """A pipeline of one stage, read as a file of a lab is."""
    text = {"name": "counting", "description": "counts", "stages": {"workflow": stage}}
    return with_workflow_steps(msgspec.convert(text, Pipeline))


def stage_of(**changes: Any) -> Stage:
    """The stage, with some of its words changed."""
    return pipeline_of({**STAGE, **changes}).stages["workflow"]


def workflow_of(**changes: Any) -> dict[str, Any]:
    """The workflow's words, with some of them changed."""
    return {**WORKFLOW, **changes}


def commands_of(stage: Stage) -> list[list[str]]:
    """What each step calls, without what is there for each pair or under a condition."""
    return [[word for word in step.pipe[0] if isinstance(word, str)] for step in stage.steps]
