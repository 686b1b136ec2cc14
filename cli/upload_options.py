"""What may be said with `seqdrop upload`, and what is refused before anything is looked at."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import typer

if TYPE_CHECKING:
    from seqdrop.domain.manifest import SampleEntry

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NAME_RULE = "names have letters, digits, '.', '_' and '-', at most 64 of them"
_PROJECT_LENGTH = 64
_FASTA_ENDINGS = (".fa", ".fasta", ".fna", ".fa.gz", ".fasta.gz", ".fna.gz")


def given_path(text: str) -> Path:
    """A path that is there; Python takes "", a shell's empty variable, for this folder."""
    if not text:
        raise typer.BadParameter("a path is empty: give a file, or a folder ('.' is this one)")
    if not Path(text).exists():
        raise typer.BadParameter(f"Path {text!r} does not exist.")
    if not os.access(text, os.R_OK):
        raise typer.BadParameter(f"Path {text!r} is not readable.")
    return Path(text)


def given_entry(
    *,
    sample: str = "",
    assay: str = "",
    pipeline: str = "",
    reference: str = "",
    project: str = "",
    priority: str = "",
) -> "SampleEntry":
    """What options say of all samples. Raises typer.BadParameter for what can be no name."""
    from seqdrop.domain.manifest import SampleEntry
    from seqdrop.domain.pipeline import Priority

    for option, value in (("--assay", assay), ("--pipeline", pipeline)):
        if value and not _NAME.fullmatch(value):
            raise typer.BadParameter(f"{value!r} is no name: {_NAME_RULE}", param_hint=option)
    if len(project) > _PROJECT_LENGTH or not project.isprintable():
        raise typer.BadParameter(
            f"a line of at most {_PROJECT_LENGTH} characters", param_hint="--project"
        )
    name, version = _reference(reference)
    known: dict[str, Priority] = {word: word for word in get_args(Priority)}
    if priority and priority not in known:
        raise typer.BadParameter(
            f"{priority!r} is none of {', '.join(known)}", param_hint="--priority"
        )
    return SampleEntry(sample, (), project, assay, pipeline, name, version, known.get(priority))


def _reference(given: str) -> tuple[str, str]:
    """Its name, and its version or ""."""
    name, slash, version = given.partition("/")
    fits = all(map(_NAME.fullmatch, (name, version) if slash else (name,)))
    is_file = Path(given).is_file()
    if is_file and (not fits or given.lower().endswith(_FASTA_ENDINGS)):
        raise typer.BadParameter(
            f"{given!r} is a file, and a reference has a name: add it with `seqdrop reference add "
            "NAME VERSION FASTA` first",
            param_hint="--reference",
        )
    if given and not fits:
        raise typer.BadParameter(
            f"{given!r} is neither NAME nor NAME/VERSION: {_NAME_RULE} (`seqdrop references` lists "
            "them)",
            param_hint="--reference",
        )
    return name, version


def check_usage(
    paths: list[Path], manifest: Path | None, given: "SampleEntry", *, partial: bool
) -> None:
    """Raises typer.BadParameter for options that contradict each other."""
    if not paths and not manifest:
        raise typer.BadParameter("give files, or a manifest with --manifest", param_hint="PATH")
    if manifest and given != given_entry():
        raise typer.BadParameter("the manifest says what its samples are", param_hint="--manifest")
    if partial and (manifest or given != given_entry()):
        raise typer.BadParameter(
            "--partial goes with files that are known by their names: leave out --sample, --assay "
            "and --manifest, and --pipeline, --project and --priority too",
            param_hint="--partial",
        )
    if given.assay and (given.pipeline or given.reference):
        raise typer.BadParameter("give an assay, or a pipeline and reference", param_hint="--assay")
    if bool(given.pipeline) != bool(given.reference):
        raise typer.BadParameter("--pipeline and --reference go together", param_hint="--pipeline")
