"""The `seqdrop` command."""

import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import Annotated

import typer

from cli import (
    act,
    compare,
    cost,
    deploy,
    equivalence,
    events,
    fingerprint,
    logs,
    pipeline_check,
    pipeline_new,
    pipeline_trial,
    priority,
    queues,
    reanalysis,
    redrive,
    references,
    rerun,
    results,
    runtime,
    samples,
    sizes,
    upload,
    validate,
    wait,
)
from cli.doctor.command import doctor
from cli.faults import expected_faults, explain
from cli.screen import say, warn
from seqdrop.domain.version import VERSION

app = typer.Typer(
    name="seqdrop",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
local_app = typer.Typer(no_args_is_help=True)
reference_app = typer.Typer(no_args_is_help=True)
pipeline_app = typer.Typer(no_args_is_help=True)
reanalysis_app = typer.Typer(no_args_is_help=True)


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


def _add(
    group: typer.Typer, command: Callable[..., None], summary: str, *examples: str, name: str = ""
) -> None:
    """Adds a command with its line in the group's list, and examples below its own help."""
    lines = "\n".join(f"  {example}" for example in examples)
    epilog = f"\b\n{'Examples' if len(examples) > 1 else 'Example'}:\n{lines}" if examples else None
    group.command(name or command.__name__, short_help=summary, epilog=epilog)(command)


_add(
    app,
    upload.upload,
    "Uploads FASTQ files; analyses start by themselves.",
    "seqdrop upload run42/",
    "seqdrop upload NA1_R1.fastq.gz NA1_R2.fastq.gz --sample NA1 --assay wes",
    "seqdrop upload run42/ --manifest run42.csv",
)
_add(app, samples.samples, "Lists samples, the newest first.", "seqdrop samples --status HELD")
_add(app, samples.why, "Says why a sample is not done, and what to do.", "seqdrop why NA1")
_add(app, samples.show, "Shows a sample: files, runs, what it waits for.", "seqdrop show NA1")
_add(
    app,
    wait.wait,
    "Waits until samples are analysed.",
    "seqdrop wait NA1 NA2 --timeout 7200",
)
_add(
    app,
    rerun.rerun,
    "Lets a held or failed analysis go on.",
    "seqdrop rerun NA1",
    "seqdrop rerun NA1 --from variants",
    "seqdrop rerun --status FAILED --project trio",
    "seqdrop rerun NA1 --now",
)
_add(app, act.stop, "Ends a run, and holds the analysis.", "seqdrop stop NA1 --reason 'wrong kit'")
_add(
    app,
    act.dismiss,
    "Leaves an analysis that nobody will mend.",
    "seqdrop dismiss NA1 --reason 'sequenced again as NA1b'",
)
_add(
    app,
    logs.logs,
    "Prints what the jobs of the newest run wrote.",
    "seqdrop logs NA1",
    "seqdrop logs NA1 align --follow",
)
_add(
    app,
    events.events,
    "Prints a sample's audit trail.",
    "seqdrop events NA1",
)
_add(app, queues.queues, "Shows what waits and runs in each queue.", "seqdrop queues")
_add(
    app,
    queues.pause,
    "Keeps jobs from starting.",
    "seqdrop pause fpga-genome --reason 'new AMI'",
    "seqdrop pause --project biobank",
)
_add(
    app,
    queues.resume,
    "Lets jobs start again.",
    "seqdrop resume fpga-genome",
    "seqdrop resume --project biobank",
    "seqdrop resume --assay wes",
)
_add(
    app,
    priority.priority,
    "Moves a sample before or behind others.",
    "seqdrop priority NA1 urgent",
)
_add(
    app,
    cost.cost,
    "Adds up what jobs have cost.",
    "seqdrop cost --month 2026-11 --by project",
    "seqdrop cost NA1",
    "seqdrop cost --manifest run7/samples.manifest.json",
)
_add(
    app,
    sizes.sizes,
    "Shows what stages took against what they asked for.",
    "seqdrop sizes",
    "seqdrop sizes --samples 500 --json",
)
_add(
    app,
    results.results,
    "Lists the results of a sample, and fetches them.",
    "seqdrop results NA1 --download results/",
    "seqdrop results NA1 --json | jq -r '.files[].uri'",
)
_add(
    app,
    fingerprint.fingerprint,
    "Supplies genotypes that runs are held against.",
    "seqdrop fingerprint NA1 array.vcf.gz --column NA1",
    "seqdrop fingerprint NA1 --show",
)
_add(
    reference_app,
    references.add,
    "Adds a version of a reference.",
    "seqdrop reference add GRCh38 1 GRCh38.fa.gz wes.bed genes.gff3.gz",
)
_add(reference_app, references.references, "Lists references and versions.", name="list")
_add(
    reference_app,
    references.diff,
    "Says how two versions differ.",
    "seqdrop reference diff GRCh38 1 2",
    "seqdrop reference diff GRCh38 1 2 --chain 1.chain",
)
_add(
    reference_app,
    references.retire,
    "Takes a version out of use.",
    "seqdrop reference retire GRCh38 1",
)
app.add_typer(reference_app, name="reference", help="Adds, lists, compares and retires references.")
_add(app, references.references, "Lists references and versions.")
_add(
    app,
    compare.compare,
    "Says whether two runs, or two VCF files, are the same.",
    "seqdrop compare NA1 0a1b 2c3d --out comparison/",
    "seqdrop compare a.vcf.gz b.vcf.gz --reference GRCh38.fa",
)
_add(
    app,
    equivalence.equivalence,
    "Says whether another pipeline or image gives the same.",
    "seqdrop equivalence NA1 NA2 --pipeline-a germline-fpga --pipeline-b germline-cpu --out filed/",
    "seqdrop equivalence NA1 NA2 --dragen-a 4.3 --dragen-b 4.4 --out filed/",
)
_add(
    app,
    validate.validate,
    "Holds an assay's calls against a control that is known.",
    "seqdrop validate wes --truth HG002.vcf.gz --regions HG002.bed HG002",
    "seqdrop validate wes",
)
_add(
    app,
    reanalysis.reanalyse,
    "Makes analyses anew that a newer reference would change.",
    "seqdrop reanalyse GRCh38 2 --dry-run",
    "seqdrop reanalyse GRCh38 2 --budget 500 --in-flight 50",
    "seqdrop reanalyse --pipeline germline-cpu --assay wes",
)
_add(app, reanalysis.approve, "Lets a reanalysis go on from its canaries to all others.")
_add(
    app,
    reanalysis.reject,
    "Ends a reanalysis after its canaries.",
    "seqdrop reject GRCh38-2-20261129-101500 --reason 'chr6 is worse'",
)
_add(reanalysis_app, reanalysis.listed, "Lists reanalyses, the newest first.", name="list")
_add(reanalysis_app, reanalysis.show, "Shows a reanalysis and its members.")
_add(reanalysis_app, reanalysis.stop, "Ends all that goes on of a reanalysis.")
_add(
    reanalysis_app,
    reanalysis.resume,
    "Goes on with a reanalysis that has stopped.",
    "seqdrop reanalysis resume GRCh38-2-20261129-101500 --budget 800",
)
_add(reanalysis_app, reanalysis.cap, "Changes how many runs go on at once.")
app.add_typer(reanalysis_app, name="reanalysis", help="Lists, shows, stops and resumes reanalyses.")
_add(
    pipeline_app,
    pipeline_new.new,
    "Writes a small pipeline that works.",
    "seqdrop pipeline new my-panel",
)
_add(
    pipeline_app,
    pipeline_check.check,
    "Says what is wrong in pipelines, with file and line.",
    "seqdrop pipeline check",
    "seqdrop pipeline check my-panel",
)
_add(
    pipeline_app,
    pipeline_trial.try_out,
    "Runs a pipeline on a small pair, here.",
    "seqdrop pipeline test my-panel",
    "seqdrop pipeline test my-panel NA1_R1.fastq.gz NA1_R2.fastq.gz --reference chr20.fa",
    name="test",
)
app.add_typer(pipeline_app, name="pipeline", help="Writes, checks and tries pipelines.")
_add(
    app,
    redrive.redrive,
    "Moves dead letters back to their queues.",
    "seqdrop redrive --dry-run",
)
_add(
    app,
    deploy.deploy,
    "Deploys this copy of Seqdrop.",
    "seqdrop deploy --env dev --dry-run",
    "seqdrop deploy --env dev --parameter MaxCpuVcpus=128",
)
_add(app, doctor, "Says what would stop a deployment.", "seqdrop doctor --env dev")
_add(
    local_app,
    runtime.up,
    "Starts the embedded runtime, until Ctrl-C.",
    "seqdrop local up",
    "seqdrop local up --port 0 --dir /scratch/seqdrop",
)
_add(local_app, runtime.down, "Ends the embedded runtime.")
app.add_typer(local_app, name="local", help="Starts and ends the runtime on this machine.")


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
