"""`seqdrop validate`: an assay's calls held against a control whose genotypes are known."""

import hashlib
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from cli.faults import CommandFailed
from cli.options import Json
from cli.screen import emit, say, warn
from cli.validation_view import (
    document,
    say_record,
    say_records,
    warn_of_contradictions,
    write_record,
)

if TYPE_CHECKING:
    from cli.stack import Stack
    from seqdrop.domain.comparison.accuracy import Accuracy
    from seqdrop.domain.plan import StoredObject
    from seqdrop.domain.records import Run
    from seqdrop.domain.validation.limits import Validation
    from seqdrop.domain.validation.record import File, Point, Record

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MOST_REGIONS = 20
"""A record is one item of the catalog, of at most 400 KB."""


def _file(what: str) -> typer.models.OptionInfo:
    found: typer.models.OptionInfo = typer.Option(
        metavar="FILE", exists=True, dir_okay=False, help=what
    )
    return found


def validate(
    assay: Annotated[str, typer.Argument(metavar="ASSAY", help="The assay.")],
    sample: Annotated[
        str, typer.Argument(metavar="SAMPLE", help="The control, analysed under the assay.")
    ] = "",
    *,
    truth: Annotated[Path | None, _file("The control's VCF, as GIAB gives it out.")] = None,
    regions: Annotated[Path | None, _file("BED of the regions where it is confident.")] = None,
    region: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=BED", help="Regions that are counted by themselves; may be repeated."
        ),
    ] = None,
    truth_sample: Annotated[
        str, typer.Option(metavar="NAME", help="The control's column, if the VCF has several.")
    ] = "",
    run: Annotated[
        str, typer.Option(metavar="RUN", help="A run's id, or its beginning; else the current one.")
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", file_okay=False, help="Write validation.json and .html there."),
    ] = None,
    withdraw: Annotated[
        str, typer.Option(metavar="RECORD", help="Let a record count no more.")
    ] = "",
    why: Annotated[str, typer.Option(metavar="TEXT", help="With --withdraw: the reason.")] = "",
    json: Json = False,
) -> None:
    """Judges a control's run by what is known of it, and keeps the record; ends with 1 on FAIL.

    Recall, precision and F1 are by class of variant, by genotype and by region, with their exact
    intervals of 95 %. Without a sample, the assay's records are listed, each held against those
    before it.
    """
    if withdraw:
        _check_usage(not (sample or truth or regions), "--withdraw", "give only ASSAY and --why")
        _check_usage(bool(why), "--why", "say why the record is withdrawn")
        _withdraw(assay, withdraw, why, json=json)
    elif not sample:
        _check_usage(not (truth or regions or region or run), "SAMPLE", "name the control")
        _list(assay, out, json=json)
    else:
        if truth is None or regions is None:
            raise typer.BadParameter("give both, --truth and --regions", param_hint="--truth")
        named = dict(map(_named_region, region or ()))
        _check_usage(len(named) == len(region or ()), "--region", "give each name once")
        _check_usage(len(named) <= _MOST_REGIONS, "--region", f"give at most {_MOST_REGIONS}")
        files = _Files(truth, regions, named, truth_sample)
        _validate(assay, sample, run, files, out, json=json)


def _check_usage(good: bool, which: str, says: str) -> None:
    if not good:
        raise typer.BadParameter(says, param_hint=which)


def _named_region(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not _NAME.fullmatch(name) or name == "all" or not equals:
        raise typer.BadParameter(
            f"{text!r} is not NAME=BED, with letters, digits, '.', '_' and '-' in a name other "
            "than 'all'",
            param_hint="--region",
        )
    if not Path(path).is_file():
        raise typer.BadParameter(f"there is no file {path!r}", param_hint="--region")
    return name, Path(path)


class _Files:
    """What is known of the control."""

    def __init__(
        self, truth: Path, regions: Path, named: dict[str, Path], truth_sample: str
    ) -> None:
        self.truth, self.regions, self.named = truth, regions, named
        self.truth_sample = truth_sample


def _validate(
    assay: str, sample: str, asked_run: str, files: _Files, out: Path | None, *, json: bool
) -> None:
    from cli.stack import find_stack

    stack = find_stack()
    asked = _settings(stack, assay)
    if asked.holds_back(sample):
        raise CommandFailed(
            f"{sample} is none of the controls of {assay} ({', '.join(asked.controls)}), which "
            "asks for a validated version: validate one of those, or name it among them in "
            "pipelines/assays.yaml and deploy that"
        )
    run = _run(stack, assay, sample, asked_run)
    record = stack.catalog.validations.add(_judged(stack, run, asked, files), stack.now())
    if record.withdrawn:
        raise CommandFailed(
            f"run {run.id.short} was judged so before, and record {record.id} was withdrawn "
            f"({record.withdrawn} by {record.withdrawn_by}: {record.withdrawn_why}): analyse the "
            f"control anew (`seqdrop rerun {sample} --assay {assay} --fresh`) and validate that"
        )
    points = _trend(stack, assay)
    if out:
        write_record(out, record, points)
    if json:
        emit(document(record))
    else:
        say_record(record, next((one.worse for one in points if one.record.id == record.id), ()))
        warn_of_contradictions(
            record, [one.record for one in points], stack.catalog.validations.passed(assay)
        )
        if out:
            say(f"the page: {out / 'validation.html'}")
    if record.outcome == "FAIL":
        raise typer.Exit(1)


def _settings(stack: "Stack", assay: str) -> "Validation":
    """What the deployed assay asks for. Raises CommandFailed where nobody can tell."""
    from cli.deployed_library import deployed_library
    from seqdrop.domain.assay_check import mistakes_of_assay
    from seqdrop.domain.validation.limits import Validation

    with deployed_library(stack) as known:
        if known.doubt:
            raise CommandFailed(
                f"nobody can tell what the deployed assay {assay} asks for ({known.doubt}): your "
                "credentials need cloudformation:ListStackResources and lambda:GetLayerVersion"
            )
        library = known.library
        if not library.has_assay(assay) and assay in library.pipeline_names():
            return Validation()  # as a manifest chose it, with a pipeline for an assay
        if not library.has_assay(assay):
            known_ones = ", ".join(sorted({*library.assays(), *library.pipeline_names()}))
            raise CommandFailed(f"there is no assay {assay!r} (there are: {known_ones})")
        found = library.assay_named(assay)
        mistakes = mistakes_of_assay(assay, found, library.pipeline(found.pipeline))
        if mistakes:
            raise CommandFailed(f"assay {assay}: " + "; ".join(one.says for one in mistakes))
        return found.validation


def _run(stack: "Stack", assay: str, sample: str, asked: str) -> "Run":
    """The run that is judged: a good one, made as the assay says."""
    from cli.results import find_run

    analysis = stack.analysis(sample, assay)
    if analysis.status == "DISMISSED":
        raise CommandFailed(
            f"{sample} was dismissed{': ' if analysis.why else ''}{analysis.why}: it says nothing "
            f"of {assay}"
        )
    wanted = find_run(stack, analysis, asked) if asked else analysis.current_run
    found = stack.catalog.runs.get(wanted) if wanted else None
    if found is None:
        raise CommandFailed(f"{analysis.id} has no results yet: it is {analysis.status}")
    if found.instead_of:
        raise CommandFailed(
            f"run {found.id.short} was made in place of {found.instead_of}: it says nothing of "
            f"{assay}; validate the assay by which it was made"
        )
    return found


def _judged(stack: "Stack", run: "Run", asked: "Validation", files: _Files) -> "Record":
    """Fetches the run's calls and its sequence, and holds them against the control."""
    from seqdrop.domain.blueprint import CALLS, decode_blueprint
    from seqdrop.domain.validation.record import File, Record, judge, record_id

    blueprint = decode_blueprint(stack.catalog.runs.blueprint(run))
    found = stack.run_files.of(run, blueprint)
    if CALLS not in found:
        raise CommandFailed(f"run {run.id.short} has no variants to validate")
    accuracy = _accuracy(stack, found, asked, files)
    if accuracy.sample != run.sample:
        said = f"the truth's column is {accuracy.sample}, and the control is {run.sample}"
        accuracy = msgspec.structs.replace(accuracy, warnings=(*accuracy.warnings, said))
    truth, regions = _known(files.truth), _known(files.regions)
    named = {name: _known(path) for name, path in files.named.items()}
    calls = File(CALLS, found[CALLS].sha256)
    kit = found.get("targets.bed")
    outcome, reasons = judge(asked, accuracy, qc=run.qc, simulated=run.simulated)
    return Record(
        id=record_id(run.id, (truth, regions, calls), named, asked, accuracy),
        assay=run.assay,
        version=blueprint.calling,
        run=run.id,
        pipeline=run.pipeline,
        reference=run.reference,
        flowcells=blueprint.flowcells,
        ended=run.ended,
        truth=truth,
        regions=regions,
        named=named,
        calls=calls,
        targets=File("targets.bed", kit.sha256) if kit else None,
        accuracy=accuracy,
        limits=asked.limits,
        outcome=outcome,
        reasons=reasons,
        qc=run.qc,
        simulated=run.simulated,
        by=stack.who(),
    )


def _accuracy(
    stack: "Stack", found: "dict[str, StoredObject]", asked: "Validation", files: _Files
) -> "Accuracy":
    from cli.run_comparison import fetch
    from runner.tools.truth import judge_files
    from seqdrop.domain.blueprint import CALLS

    with TemporaryDirectory(prefix="seqdrop-validate-") as scratch:
        folder = Path(scratch)
        wanted = {CALLS, "genome.fa", "genome.fa.fai", "targets.bed"}
        for name in sorted(wanted & found.keys()):
            fetch(stack, found[name], folder / name)
        targets = folder / "targets.bed"
        return judge_files(
            folder / CALLS,
            files.truth,
            files.regions,
            folder / "genome.fa",
            truth_sample=files.truth_sample,
            minimum_count=asked.minimum_count,
            named=files.named,
            only=targets if targets.is_file() else None,
        )


def _known(path: Path) -> "File":
    from seqdrop.domain.validation.record import File

    with path.open("rb") as file:
        return File(path.name, hashlib.file_digest(file, "sha256").hexdigest())


def _trend(stack: "Stack", assay: str) -> "list[Point]":
    from seqdrop.domain.validation.record import trend

    return trend(stack.catalog.validations.of(assay))


def _list(assay: str, out: Path | None, *, json: bool) -> None:
    from cli.stack import find_stack

    stack = find_stack()
    points = _trend(stack, assay)
    passed = stack.catalog.validations.passed(assay)
    if out and points:
        write_record(out, points[-1].record, points)
    if json:
        documents = [document(one.record) | {"worse": one.worse} for one in points]
        emit({"assay": assay, "records": documents, "passed": passed})
        return
    if not points:
        say(f"assay {assay} has no validation records")
        return
    say_records(points)
    if passed:
        last = passed[-1]
        say(f"the last version that passed is {last.version[:8]}, by record {last.record}")
    if out:
        say(f"the page: {out / 'validation.html'}")


def _withdraw(assay: str, record: str, why: str, *, json: bool) -> None:
    from cli.stack import find_stack
    from seqdrop.domain.errors import Conflict

    stack = find_stack()
    there = stack.catalog.validations.get(assay, record)
    if there is None:
        raise CommandFailed(
            f"assay {assay} has no record {record!r}: `seqdrop validate {assay}` lists them"
        )
    if there.withdrawn:
        raise CommandFailed(f"record {record} was withdrawn before: {there.withdrawn_why}")
    try:
        there = stack.catalog.validations.withdraw(there, stack.who(), why, stack.now())
    except Conflict as error:
        raise CommandFailed(f"record {record} has changed meanwhile: try again") from error
    if json:
        emit(document(there))
        return
    say(f"record {record} is withdrawn")
    if there.outcome == "PASS":
        versions = [one.version for one in stack.catalog.validations.passed(assay)]
        if there.version not in versions:
            warn(f"WARN version {there.version[:8]} of {assay} has passed no more")
