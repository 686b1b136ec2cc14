"""`seqdrop pipeline check`: what is wrong with the lab's pipelines, and what they are."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from cli.faults import CommandFailed
from cli.options import Json
from cli.screen import emit, say, show_table, warn

if TYPE_CHECKING:
    from seqdrop.domain.pipeline import Output, Pipeline, Stage
    from seqdrop.library import Library


_MIB = 2**20


class StageSummary(msgspec.Struct, frozen=True):
    """A stage, and what it asks for to analyse a human genome at 30×."""

    stage: str
    wave: int
    """From 1: the stages of a wave run side by side."""
    queue: str
    image: str
    when: str
    vcpus: int
    memory_mib: int
    scratch_mib: int
    """0 where its pipeline does not say."""
    expected_seconds: int
    outputs: tuple[str, ...]


class PipelineSummary(msgspec.Struct, frozen=True):
    """What a pipeline is."""

    pipeline: str
    description: str
    stages: tuple[StageSummary, ...]


def check(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Pipelines; all, and all other files, without any."),
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Says each mistake with its file and line; without any, what the pipelines are.

    With names, only mistakes in their own files are told. Sizes are for a human genome at 30x, and
    are held against the template's default hosts. A program that the Dockerfile of its image does
    not mention is a warning.
    """
    from cli.stack import PIPELINES
    from seqdrop.library import Library

    library = Library(str(PIPELINES))
    wanted = _known(library, names or [])
    mistakes = _mistakes(PIPELINES, library, wanted if names else [])
    readable = [] if mistakes else [library.unchecked(name) for name in wanted]
    warnings = list(
        dict.fromkeys(line for one in readable for line in _warnings(PIPELINES, library, one))
    )
    found = [summary_of(one) for one in readable]
    if json:
        emit({"mistakes": mistakes, "warnings": warnings, "pipelines": found})
    else:
        _tell(mistakes, warnings, found)
    if mistakes:
        raise typer.Exit(1)


def _tell(mistakes: list[str], warnings: list[str], found: list[PipelineSummary]) -> None:
    for mistake in mistakes:
        warn(f"seqdrop: {mistake}")
    for warning in warnings:
        warn(f"WARN {warning}")
    for number, one in enumerate(found):
        if number:
            say("")
        _show(one)


def require_good_pipeline(name: str) -> None:
    """Ends the command with 1 where the pipeline has a mistake, and says each.

    Raises CommandFailed where there is no such pipeline.
    """
    from cli.stack import PIPELINES
    from seqdrop.library import Library

    library = Library(str(PIPELINES))
    if mistakes := _mistakes(PIPELINES, library, _known(library, [name])):
        _tell(mistakes, [], [])
        raise typer.Exit(1)


def _known(library: "Library", names: list[str]) -> list[str]:
    """These pipelines, or all of them. Raises CommandFailed for one that is not there."""
    there = library.pipeline_names()
    for name in names:
        if name not in there:
            raise CommandFailed(f"there is no pipeline {name!r} (there are: {', '.join(there)})")
    return list(dict.fromkeys(names)) or there


def _mistakes(folder: Path, library: "Library", names: list[str]) -> list[str]:
    """Mistakes in the files of some pipelines, and of their bases; without names, in all files."""
    from cli.library_check import mistakes_in_library
    from cli.pipeline_fit import oversized

    all_mistakes = mistakes_in_library(folder, oversized)
    if not names:
        return all_mistakes
    files = {f"{folder}/{each}.yaml" for name in names for each in _files_of(library, name)}
    return [one for one in all_mistakes if one.startswith(tuple(_beginnings(files)))]


def _files_of(library: "Library", name: str) -> list[str]:
    from seqdrop.domain.errors import InvalidPipeline

    try:
        return library.files_of(name)
    except InvalidPipeline:  # it is no YAML: that is one of the mistakes
        return [name]


def _beginnings(files: set[str]) -> Iterator[str]:
    """How a line about one of these files begins, with and without the number of a line."""
    for file in files:
        yield from (f"{file},", f"{file}:", f"{file} ")


def _warnings(folder: Path, library: "Library", pipeline: "Pipeline") -> Iterator[str]:
    from cli.pipeline_fit import unmentioned_programs

    for mistake in unmentioned_programs(pipeline):
        yield f"{folder}/{library.where(pipeline.name, mistake.place)}: {mistake.says}"


def summary_of(pipeline: "Pipeline") -> PipelineSummary:
    """What a pipeline without mistakes is."""
    from seqdrop.domain.pipeline import waves_of

    waves = waves_of({name: stage.needs for name, stage in pipeline.stages.items()})
    stages = (
        _stage(name, number, pipeline.stages[name])
        for number, wave in enumerate(waves, 1)
        for name in wave
    )
    return PipelineSummary(pipeline.name, pipeline.description, tuple(stages))


def _stage(name: str, wave: int, stage: "Stage") -> StageSummary:
    from cli.pipeline_fit import asked_for_genome

    asked = asked_for_genome(stage.size)
    return StageSummary(
        stage=name,
        wave=wave,
        queue=stage.queue,
        image=stage.image_name,
        when=stage.when,
        vcpus=asked["vcpus"],
        memory_mib=asked["memory_mib"],
        scratch_mib=asked["scratch_mib"],
        expected_seconds=asked["seconds"],
        outputs=tuple(map(_output, stage.outputs)),
    )


def _output(output: "Output") -> str:
    return output.name + (f" (when {output.when})" if output.when else "")


def _show(one: PipelineSummary) -> None:
    from cli.pipeline_fit import GENOME_GIB
    from cli.timeline import size_text
    from seqdrop.domain.duration import duration_text

    say(f"{one.pipeline}: {one.description}")
    say(f"for a human genome at 30x, {GENOME_GIB} GiB of FASTQ:")
    columns = (
        "wave", "stage", "queue", "image", "vcpus", "memory", "scratch", "expected", "when",
        "outputs",
    )  # fmt: skip
    rows = [
        (
            str(stage.wave), stage.stage, stage.queue, stage.image, str(stage.vcpus),
            size_text(stage.memory_mib * _MIB),
            size_text(stage.scratch_mib * _MIB) if stage.scratch_mib else "-",
            duration_text(stage.expected_seconds), stage.when or "always", ", ".join(stage.outputs),
        )
        for stage in one.stages
    ]  # fmt: skip
    show_table(columns, rows)
