"""`seqdrop pipeline test`: a pipeline run on a small pair here, before it is deployed."""

import shutil
import tempfile
import time
from contextlib import ExitStack, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import Engine, Json
from cli.pipeline_trial_told import Trial, tell, trial_of
from cli.screen import emit, say, warn

if TYPE_CHECKING:
    from cli.stack import Stack

_SAMPLE, _REFERENCE, _VERSION = "trial", "trial", "1"
_INTERRUPTED = 130
"""As a shell says of a command that Ctrl-C has ended."""


def try_out(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The pipeline.")],
    r1: Annotated[
        Path | None,
        typer.Argument(metavar="R1", exists=True, dir_okay=False, help="Reads of your own."),
    ] = None,
    r2: Annotated[
        Path | None,
        typer.Argument(metavar="R2", exists=True, dir_okay=False, help="Their mates."),
    ] = None,
    *,
    reference: Annotated[
        Path | None,
        typer.Option(
            metavar="FASTA", exists=True, dir_okay=False, help="The sequence for these reads."
        ),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the results, the reads and the runtime's log.")
    ] = False,
    engine: Annotated[
        Engine | None,
        typer.Option(help="Run jobs as containers or processes; as `seqdrop local up` has it."),
    ] = None,
    json: Json = False,
) -> None:
    """Runs a pipeline in an embedded runtime of its own, and shows what each stage made.

    Without reads it takes a simulated pair of a small simulated genome. Ends with 0 only if the run
    has succeeded. Nothing is left behind without --keep.
    """
    if (r1 is None) != (r2 is None):
        raise typer.BadParameter("give both, R1 and R2", param_hint="R2")
    if (r1 is None) != (reference is None):
        raise typer.BadParameter(
            "give reads and their reference together, or neither", param_hint="--reference"
        )
    from cli.library_check import require_good_library
    from cli.pipeline_check import require_good_pipeline
    from cli.runtime import ended_by_signals
    from cli.stack import PIPELINES

    require_good_pipeline(name)
    require_good_library(PIPELINES)
    given = (reference, r1, r2) if reference and r1 and r2 else None
    folder = Path(tempfile.mkdtemp(prefix="seqdrop-test-"))
    trial = None
    try:
        with ended_by_signals():
            trial = _try(name, given, folder, engine, keep=keep, quiet=json)
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    if trial is None:
        warn("stopped: nothing is left running")
        raise typer.Exit(_INTERRUPTED)
    if json:
        emit(trial)
    else:
        tell(trial)
    if not trial.succeeded:
        raise typer.Exit(1)


def _try(
    name: str,
    given: tuple[Path, Path, Path] | None,
    folder: Path,
    engine: Engine | None,
    *,
    keep: bool,
    quiet: bool,
) -> Trial:
    from cli.runtime import embedded, write_demo_files
    from cli.stack import find_stack

    begun = time.monotonic()
    with embedded(folder / "runtime", engine) as in_containers:
        seconds = time.monotonic() - begun
        ways = "containers of their images" if in_containers else "processes of this machine"
        _note(f"a runtime of its own is ready after {seconds:.1f} s; jobs are {ways}", quiet=quiet)
        if given is None:
            (folder / "reads").mkdir()
            given = write_demo_files(folder / "reads")
            _note("reads: a simulated pair of a simulated genome, 160,000 bases", quiet=quiet)
        fasta, r1, r2 = given
        _add_reference(fasta)
        _note(f"the reference {fasta.name} is ready; {r1.name} and {r2.name} go in", quiet=quiet)
        _drop(name, r1, r2)
        stack = find_stack()
        _wait(stack, quiet=quiet)
        trial = trial_of(stack, _SAMPLE, name)
        if keep:
            trial = _keep(trial, folder)
    return trial


def _note(text: str, *, quiet: bool) -> None:
    if not quiet:
        say(text)


def _add_reference(fasta: Path) -> None:
    """What the command itself says is of no use here; its warnings and errors are."""
    from cli.references import add

    with redirect_stdout(StringIO()):
        add(_REFERENCE, _VERSION, fasta)


def _drop(pipeline: str, r1: Path, r2: Path) -> None:
    from cli.upload import upload

    with redirect_stdout(StringIO()):
        try:
            upload([r1, r2], sample=_SAMPLE, pipeline=pipeline, reference=_REFERENCE)
        except typer.Exit:
            return  # it is held, and the trial says why


def _wait(stack: "Stack", *, quiet: bool) -> None:
    from cli.wait import follow, watcher

    with ExitStack() as shown:
        follow(stack, [_SAMPLE], "", None, watcher(shown, quiet))


def _keep(trial: Trial, folder: Path) -> Trial:
    from msgspec.structs import replace

    from cli.results import results

    if trial.succeeded:
        with redirect_stdout(StringIO()):
            results(_SAMPLE, download=folder / "results")
    return replace(trial, kept=str(folder))
