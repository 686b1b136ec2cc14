"""The steps of a workflow's head job, and what is known to be wrong before any sample runs it.

They are made when a pipeline is read, so that a plan and a key hold them like any other steps.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from seqdrop.domain.pipeline import Output, Pipeline, Stage, Step
from seqdrop.domain.workflow import LOG, QUEUE, REPORT, TASKS, TRACE, Workflow

_OWN_OUTPUTS = tuple(Output(name) for name in (TRACE, REPORT, LOG))
"""What every such stage publishes beside the workflow's own outputs."""
_OWN_PARAMS = ("outdir",)
"""Parameters that the runner sets itself, beside that of the sample sheet."""
_FILES = "{tmp}/nextflow"
_PROJECT = re.compile(r"[\w.-]+/[\w.-]+|https://[\w./~-]+|(/[\w.-]+)+")
_COMMIT_OR_TAG = re.compile(r"[A-Za-z0-9][\w.+-]*")
_MOVES = frozenset(("dev", "develop", "head", "latest", "main", "master", "nightly", "trunk"))
"""Revisions that are branches, whatever the workflow: what they hold changes."""


def with_workflow_steps(pipeline: Pipeline) -> Pipeline:
    """The pipeline with the steps and outputs that come of its workflows."""
    stages = {name: _expanded(stage) for name, stage in pipeline.stages.items()}
    return msgspec.structs.replace(pipeline, stages=stages)


def _expanded(stage: Stage) -> Stage:
    if stage.workflow is None or stage.steps:
        return stage
    plain = tuple(msgspec.structs.replace(one, source="") for one in stage.outputs)
    steps = _steps(stage.workflow, has_reference=bool(stage.reference), outputs=stage.outputs)
    return msgspec.structs.replace(stage, steps=steps, outputs=(*plain, *_OWN_OUTPUTS))


def mistakes_of_kind(stage: Stage) -> Iterator[tuple[str, str]]:
    """What does not go together in a stage with steps or with a workflow: the word, and why."""
    if stage.queue == QUEUE and (stage.workflow is None or stage.image not in {"", QUEUE}):
        yield "queue", f"the queue {QUEUE} is for workflows, in the image {QUEUE}: name no other"
    if stage.workflow:
        yield from _mistakes_around(stage)
        yield from _mistakes_in(stage.workflow)
    elif not stage.steps:
        yield "steps", "it has no steps"
    elif stage.reads == "copies":
        yield "reads", "`reads: copies` is for workflows: take `stream` or `files`"


def _mistakes_around(stage: Stage) -> Iterator[tuple[str, str]]:
    if stage.queue != QUEUE:
        yield (
            "queue",
            f"it has a workflow, whose head job runs on the queue {QUEUE}, not {stage.queue}",
        )
    if stage.reads != "copies":
        yield "reads", "it has a workflow, whose tasks read from S3: it needs `reads: copies`"
    if not {output.name for output in _OWN_OUTPUTS} <= stage.outputs_named:
        yield "steps", "it has a workflow, of which its steps come: write none"
    for output in stage.outputs:
        if output.name.endswith("/"):
            yield output.name, f"its output {output.name!r} is a folder: name files"


def _mistakes_in(workflow: Workflow) -> Iterator[tuple[str, str]]:
    if not _PROJECT.fullmatch(workflow.project):
        yield (
            "project",
            f"its workflow {workflow.project!r} is not <owner>/<name>, an https:// URL or a folder",
        )
    if problem := _wrong_revision(workflow):
        yield "revision", problem
    sheet = workflow.sheet
    for column in sheet.required:
        if not sheet.columns.get(column, "").strip():
            yield column, f"its sample sheet leaves the required column {column!r} empty"
    for name in sorted({*_OWN_PARAMS, sheet.param} & workflow.params.keys()):
        yield name, f"its parameter {name!r} is set by the runner: leave it out"


def _wrong_revision(workflow: Workflow) -> str:
    revision = workflow.revision
    if workflow.project.startswith("/"):
        problem = "a folder of the image has no revision: the image's digest is it"
        return problem if revision else ""
    if not _COMMIT_OR_TAG.fullmatch(revision) or revision.lower() in _MOVES:
        return f"its revision {revision!r} is not frozen: name a tag or a commit of the workflow"
    return ""


def _steps(
    workflow: Workflow, *, has_reference: bool, outputs: tuple[Output, ...]
) -> tuple[Step, ...]:
    sheet = workflow.sheet
    params = {**workflow.params, sheet.param: "{work}sheet.csv", "outdir": "{work}results"}
    write = [
        "seqdrop-tool", "nextflow-files", _FILES, "--task", "{task_tag}",
        "--params", msgspec.json.encode(params).decode(),
        "--columns", *sheet.columns, "--required", *sheet.required,
        {"for_each": "read_pair", "args": ["--row", *sheet.columns.values()]},
    ]  # fmt: skip
    prepare = ["seqdrop-tool", "nextflow-prepare", _FILES, "{work}"]
    fetch = ["seqdrop-tool", "nextflow-results", "{work}results", "{out}", f"{{out}}/{TRACE}"] + [
        {"when": one.when, "args": ["--output", one.name, one.source or one.name]}
        for one in outputs
    ]  # fmt: skip
    commands: list[list[Any]] = [
        write,
        [*prepare, "--reference", "{ref}"] if has_reference else prepare,
        _command(workflow),
        fetch,
    ]
    return msgspec.convert([{"pipe": [command]} for command in commands], tuple[Step, ...])


def _command(workflow: Workflow) -> list[str]:
    """Nextflow's own command line, as its reference of ``nextflow run`` has the options."""
    return [
        "nextflow", "-log", f"{{out}}/{LOG}", "-c", f"{_FILES}/nextflow.config", "run",
        workflow.project,
        *(["-r", workflow.revision] if workflow.revision else ["-offline"]),
        *(["-profile", workflow.profile] if workflow.profile else []),
        "-params-file", f"{_FILES}/params.json", "-work-dir", f"{{work}}{TASKS}",
        "-with-cloudcache", "{work}cache", "-resume", "{session}", "-name", "seqdrop-{session}",
        "-ansi-log", "false",
        "-with-trace", f"{{out}}/{TRACE}", "-with-report", f"{{out}}/{REPORT}",
    ]  # fmt: skip
