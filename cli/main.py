"""The `seqdrop` command."""

import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from cli import (
    act,
    deploy,
    fingerprint,
    logs,
    redrive,
    references,
    results,
    runtime,
    samples,
    upload,
    wait,
)
from cli.doctor.command import doctor
from cli.faults import expected_faults, explain
from cli.screen import say, warn
from seqdrop.domain.version import VERSION

app = typer.Typer(
    name="seqdrop",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
local_app = typer.Typer(help="The embedded runtime on this machine.", no_args_is_help=True)
reference_app = typer.Typer(help="References and their versions.", no_args_is_help=True)


def _say_version(asked: bool) -> None:
    if asked:
        say(f"seqdrop {VERSION}")
        raise typer.Exit


@app.callback()
def seqdrop(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_say_version, is_eager=True, help="Print the version, and end."
        ),
    ] = False,
) -> None:
    """Drop FASTQ files in a bucket; get variants, their provenance and what they cost."""


local_app.command("up")(runtime.up)
local_app.command("down")(runtime.down)
app.add_typer(local_app, name="local")
app.command("upload")(upload.upload)
app.command("samples")(samples.samples)
app.command("show")(samples.show)
app.command("wait")(wait.wait)
app.command("rerun")(act.rerun)
app.command("stop")(act.stop)
app.command("logs")(logs.logs)
app.command("results")(results.results)
app.command("fingerprint")(fingerprint.fingerprint)
reference_app.command("add")(references.add)
reference_app.command("list")(references.references)
reference_app.command("retire")(references.retire)
app.add_typer(reference_app, name="reference")
app.command("references")(references.references)
app.command("redrive")(redrive.redrive)
app.command("deploy")(deploy.deploy)
app.command("doctor")(doctor)


def main() -> None:
    """Runs a command; what it meets outside of itself is said in a line or a few; exit code 1."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Unicode still gets its text
    try:
        app()
    except SystemExit:
        raise  # before the next line loads AWS' libraries
    except expected_faults() as error:
        for line in f"seqdrop: {explain(error)}".splitlines():
            warn(line)
        sys.exit(1)


if __name__ == "__main__":
    main()
