"""Whether the files that a pipeline's steps name can be there: told before any sample runs it."""

import re
from collections.abc import Iterator

from seqdrop.domain.pipeline import Mistake, Pipeline, Stage
from seqdrop.domain.reference import PARTS

_PATH = re.compile(r"\{(?:ref|in|tmp|out)\}[^\s\"'`;|&<>(),:=]*")
"""A path of one of a job's folders, wherever it stands in an argument."""
_REFERENCE = re.compile(r"(\{ref\}/|\{work\}reference/)[\w.-]*")
_OF_EACH = re.compile(r"\{(?!(?:ref|in|tmp|out)\})[^}]*\}")
"""What only the run knows of a path, as a pair's id."""
_MEASURED = "stages/"
"""The runner writes there what the stages before have measured."""


def mistakes_in_files(pipeline: Pipeline) -> Iterator[Mistake]:
    """Files of the stages before, outputs, and parts of the reference that can't be there.

    It goes by the steps' text. A file is only missed where no text can mean it: what a tool names
    by itself, as an index beside its data, is let pass.
    """
    for name, stage in pipeline.stages.items():
        yield from _unknown_parts(name, stage)
        yield from _unwritten(name, stage)
        yield from _written_over(name, stage)
        yield from _lost_mates(name, stage)
        yield from _without_reference(name, stage)
        if all(need in pipeline.stages for need in stage.needs):
            yield from _not_fetched(pipeline, name, stage)


def _unknown_parts(name: str, stage: Stage) -> Iterator[Mistake]:
    for part in stage.reference:
        if part not in PARTS:
            says = f"stage {name}: no reference has a part {part!r} (there are: {', '.join(PARTS)})"
            yield Mistake(("stages", name, "reference", part), says)


def _unwritten(name: str, stage: Stage) -> Iterator[Mistake]:
    written = {path for text in texts_of(stage) for path in _PATH.findall(text)}
    for output in stage.outputs:
        path = output.source or f"{{out}}/{output.name}"
        if not _PATH.fullmatch(path):
            continue  # beside the job's folders: only the tool itself knows what it leaves there
        if not any(_may_mean(one, path) for one in written):
            says = (
                f"stage {name}: no step names {path}, nor its folder: nothing makes {output.name}"
            )
            yield Mistake(("stages", name, "outputs", output.name), says)


def _written_over(name: str, stage: Stage) -> Iterator[Mistake]:
    """What a step for each of a kind names alike for all of them: the last one would be left."""
    for step in stage.steps:
        ids = {"read_pair": "{pair.id}", "library": "{library.id}"}
        own = ids.get(step.for_each, "{region.id}")
        arguments = [a for command in step.pipe for a in command if isinstance(a, str)]
        # Of a folder, the tool itself names the files in it.
        files = [text for text in arguments if "{out}/" in text and not text.endswith("/")]
        targets = [step.stdout, *files]
        for text in targets if step.for_each else ():
            if text and own not in text and own.replace(".id", ".bed") not in text:
                says = (
                    f"stage {name}: each {step.for_each} would write {text} anew, and the last one "
                    f"be left: put {own} into its name, and join them in a step of its own"
                )
                yield Mistake(("stages", name, "steps", text), says)


def _lost_mates(name: str, stage: Stage) -> Iterator[Mistake]:
    """Steps that read R1 of pairs and never R2, or the other way round."""
    texts = "".join(texts_of(stage))
    for here, missing in (("{pair.r1}", "{pair.r2}"), ("{pair.r2}", "{pair.r1}")):
        if here in texts and missing not in texts:
            says = f"stage {name}: it reads {here} and never {missing}: half of the reads are lost"
            yield Mistake(("stages", name, "steps", here), says)


def _without_reference(name: str, stage: Stage) -> Iterator[Mistake]:
    """Files below ``{ref}`` of a stage that asks for no part of the reference, and no index."""
    if stage.reference or stage.indexes:
        return
    for text in texts_of(stage):
        if "{ref}/" in text or "{work}reference/" in text:
            says = (
                f"stage {name}: {_shown(text)} will not be there: say which parts of the reference "
                "it needs (reference: [sequence]), and which indexes (indexes: [sequence, bwa])"
            )
            yield Mistake(("stages", name, "steps", text), says)


def _shown(text: str) -> str:
    """The path in a text that may be long, as a workflow's parameters are."""
    found = _REFERENCE.search(text)
    return found[0] if found else text


def _may_mean(written: str, path: str) -> bool:
    """Whether a tool that is told the one may write the other: by itself, or as a beginning."""
    beginning = ".*".join(map(re.escape, _OF_EACH.split(written)))
    of_folder = path.endswith("/") and _known_part(written).startswith(path)
    return of_folder or re.match(beginning, path) is not None


def _not_fetched(pipeline: Pipeline, name: str, stage: Stage) -> Iterator[Mistake]:
    made = {output.name for need in stage.needs for output in pipeline.stages[need].outputs}
    fetched = made & set(stage.inputs) if stage.inputs else made
    for text in texts_of(stage):
        for path in _PATH.findall(text):
            folder, _, file = path.partition("/")
            if folder != "{in}" or not file or _is_among(_known_part(file), fetched):
                continue
            if file in made:
                why = f"inputs does not name {file}, so it is not fetched"
            else:
                why = f"{file} is no output of the stages that it needs"
            there = ", ".join(sorted(fetched)) or "nothing"
            says = f"stage {name}: {path} will not be there: {why} (there will be: {there})"
            yield Mistake(("stages", name, "steps", text), says)


def _is_among(file: str, fetched: set[str]) -> bool:
    """Whether it is fetched, holds what is fetched, or may be made beside it by the stage."""
    if file.startswith(_MEASURED):
        return True
    return any(name.startswith(file) or file.startswith((name, f"{name}.")) for name in fetched)


def _known_part(path: str) -> str:
    """A path up to what only the run knows."""
    return _OF_EACH.split(path, maxsplit=1)[0]


def texts_of(stage: Stage) -> Iterator[str]:
    """Every text of a stage's steps, as it is in the file."""
    for step in stage.steps:
        for argument in (a for command in step.pipe for a in command):
            yield from [argument] if isinstance(argument, str) else argument.args
        if step.stdout:
            yield step.stdout
