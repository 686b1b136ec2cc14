"""Whether the lab's own files below pipelines/ are right: each mistake with its file and line."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

import typer

from cli.screen import warn
from seqdrop.domain.assay_check import mistakes_of_assay
from seqdrop.domain.errors import InvalidPipeline
from seqdrop.domain.name_patterns import mistakes_in_names
from seqdrop.domain.pipeline import Assay, Assays, Mistake, Pipeline, is_fpga
from seqdrop.domain.pipeline_check import mistakes_in
from seqdrop.domain.pipeline_files import mistakes_in_files
from seqdrop.library import Library

T = TypeVar("T")
PipelineCheck = Callable[[Pipeline], Iterable[Mistake]]
_SAME_IN_FALLBACK = (
    "reference", "reference_version", "targets", "reads", "duplicates", "umi_separator",
    "reporting_depth",
)  # fmt: skip


def require_good_library(folder: Path) -> None:
    """Ends the command with 1 where anything is wrong in the files of a folder, and says what."""
    if mistakes := mistakes_in_library(folder):
        for mistake in mistakes:
            warn(f"seqdrop: {mistake}")
        raise typer.Exit(1)


def mistakes_in_library(folder: Path, *further: PipelineCheck) -> list[str]:
    """A line for each mistake, as ``FOLDER/assays.yaml, line 3: …``.

    Of a file that is not YAML, or that has a value of the wrong type, only the first mistake is
    told; checks that need its content are left out. ``further`` checks are of each pipeline.
    """
    look = _Look(folder)
    library = look.library
    prices = look.read("prices", library.prices)
    look.read("projects", library.projects)
    indexes = look.read("references", partial(library.unchecked, "references"))
    if file := look.read("names", library.names):
        look.note("names", mistakes_in_names(file))
    images = look.read("images", library.images)
    names = library.pipeline_names()
    read = {name: look.read(name, partial(library.unchecked, name)) for name in names}
    pipelines = {name: pipeline for name, pipeline in read.items() if pipeline}
    for name, pipeline in pipelines.items():
        look.note(name, _misnamed(name, pipeline))
        for check in further:
            look.note(name, check(pipeline))
    for name, pipeline in {**pipelines, **({"references": indexes} if indexes else {})}.items():
        look.note(name, mistakes_in(pipeline))
        look.note(name, mistakes_in_files(pipeline))
        if prices is not None:
            look.note(name, _without_price(pipeline, prices.queues))
        if indexes:
            look.note(name, _without_index(pipeline, indexes.stages))
        if images is not None:
            look.note(name, _without_image(pipeline, images.slots))
    if assays := look.read("assays", library.all_assays):
        look.note("assays", _mistakes_of_assays(assays, names, pipelines))
    return look.mistakes


class _Look:
    """Reads all files, and goes on after a mistake."""

    def __init__(self, folder: Path) -> None:
        self.library = Library(str(folder))
        self.mistakes: list[str] = []
        self._folder = folder

    def read(self, name: str, reader: Callable[[], T]) -> T | None:
        """A file's content, or nothing where it can't be read, which is noted."""
        try:
            return reader()
        except InvalidPipeline as error:
            self._tell(str(error))
        except OSError as error:
            self._tell(f"{name}.yaml: {error.strerror}")
        return None

    def note(self, name: str, mistakes: Iterable[Mistake]) -> None:
        """Notes what is wrong with what a file says."""
        for mistake in mistakes:
            self._tell(f"{self.library.where(name, mistake.place)}: {mistake.says}")

    def _tell(self, mistake: str) -> None:
        """Notes a mistake once, even where it is in the base of several pipelines."""
        told = f"{self._folder}/{mistake}"
        if told not in self.mistakes:
            self.mistakes.append(told)


def _misnamed(name: str, pipeline: Pipeline) -> Iterator[Mistake]:
    if pipeline.name != name:
        yield Mistake(
            ("name",), f"its name is {pipeline.name!r}: it must be that of its file, {name!r}"
        )


def _without_price(pipeline: Pipeline, prices: Collection[str]) -> Iterator[Mistake]:
    for name, stage in pipeline.stages.items():
        if stage.queue not in prices:
            says = f"stage {name}: prices.yaml has no price for its queue, {stage.queue}"
            yield Mistake(("stages", name, "queue"), says)


def _without_index(pipeline: Pipeline, indexes: Collection[str]) -> Iterator[Mistake]:
    for name, stage in pipeline.stages.items():
        for index in stage.indexes:
            if index not in indexes:
                says = f"stage {name}: no stage of references.yaml makes the index {index!r}"
                yield Mistake(("stages", name, "indexes", index), says)


def _without_image(pipeline: Pipeline, slots: Collection[str]) -> Iterator[Mistake]:
    for name, stage in pipeline.stages.items():
        if stage.image and stage.image not in {*slots, "cpu"}:
            says = f"stage {name}: images.yaml has no image {stage.image!r} {_there_are(slots)}"
            yield Mistake(("stages", name, "image"), says)


def _mistakes_of_assays(
    assays: Assays, names: Collection[str], pipelines: Mapping[str, Pipeline]
) -> Iterator[Mistake]:
    if assays.default not in assays.assays:
        there = _there_are(assays.assays)
        yield Mistake(
            ("default",), f"the default {assays.default!r} is not one of the assays {there}"
        )
    for name, assay in assays.assays.items():
        if assay.pipeline not in names:
            says = f"assay {name}: there is no pipeline {assay.pipeline!r} {_there_are(names)}"
            yield Mistake(("assays", name, "pipeline"), says)
        elif assay.pipeline in pipelines:
            for mistake in mistakes_of_assay(name, assay, pipelines[assay.pipeline]):
                place = ("assays", name, *mistake.place)
                yield Mistake(place, f"assay {name}: {mistake.says}")
            if name in names:
                yield from _mistakes_of_name(name, assay)
            if assay.fallback:
                for says in _mistakes_of_fallback(assay, assays.assays, pipelines):
                    yield Mistake(("assays", name, "fallback"), f"assay {name}: {says}")


def _mistakes_of_name(name: str, assay: Assay) -> Iterator[Mistake]:
    """Of an assay that has the name of a pipeline, which manifests may choose, too."""
    if assay.pipeline != name:
        yield Mistake(
            ("assays", name),
            f"assay {name}: it has the name of another pipeline than its own, {assay.pipeline}: "
            "what manifests choose by that pipeline would be the same analysis; call it otherwise",
        )
    if assay.validation.required:
        yield Mistake(
            ("assays", name, "validation", "required"),
            f"assay {name}: its validation is required, and a pipeline has its name: a "
            "manifest that chooses that pipeline would pass it by",
        )


def _mistakes_of_fallback(
    assay: Assay, assays: Mapping[str, Assay], pipelines: Mapping[str, Pipeline]
) -> Iterator[str]:
    """A fall-back is on CPU, and asks the same question of the same reads."""
    other = assays.get(assay.fallback)
    if other is None:
        yield f"its fallback {assay.fallback!r} is not one of the assays {_there_are(assays)}"
        return
    if assay.pipeline in pipelines and not _needs_fpga(pipelines[assay.pipeline]):
        yield f"it needs no fallback: {assay.pipeline} runs without an FPGA"
    if other.pipeline in pipelines and _needs_fpga(pipelines[other.pipeline]):
        yield f"its fallback {assay.fallback!r} needs an FPGA, too"
    if assay.validation.required and not other.validation.limits:
        yield (
            f"its validation is required, and its fallback {assay.fallback!r} has no limits of a "
            "validation: no run could be made so"
        )
    for setting in _SAME_IN_FALLBACK:
        mine, its = getattr(assay, setting), getattr(other, setting)
        if mine != its:
            yield f"its fallback {assay.fallback!r} has another {setting}: {its!r}, not {mine!r}"


def _needs_fpga(pipeline: Pipeline) -> bool:
    return any(is_fpga(stage.queue) for stage in pipeline.stages.values())


def _there_are(names: Collection[str]) -> str:
    return f"(there are: {', '.join(sorted(names)) or 'none'})"
