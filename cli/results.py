"""`seqdrop results`: what a run is made of, and its files on this disk."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from cli.faults import CommandFailed
from cli.options import Assay, Json, Sample
from cli.screen import emit, say, show_table

if TYPE_CHECKING:
    from cli.stack import Stack
    from seqdrop.domain.identity import RunId
    from seqdrop.domain.records import Analysis


def results(
    sample: Sample,
    assay: Assay = "",
    run: Annotated[
        str, typer.Option(metavar="RUN", help="A run's id, or the beginning of one.")
    ] = "",
    download: Annotated[
        Path | None,
        typer.Option(metavar="DIR", file_okay=False, help="Fetch the files into this folder."),
    ] = None,
    json: Json = False,
) -> None:
    """Lists the results of a sample's current run, and fetches them."""
    from cli.stack import find_stack
    from seqdrop.domain.provenance import RunRecord
    from seqdrop.sample_view import results_of, why_of

    stack = find_stack()
    analysis = stack.analysis(sample, assay)
    found = find_run(stack, analysis, run) if run else analysis.current_run
    if not found:
        raise CommandFailed(f"{analysis.id} has no results yet: it is {analysis.status}")
    bucket = stack.output("ResultsBucket")
    body = _read_record(stack, found, bucket)
    record = msgspec.json.decode(body, type=RunRecord)
    files, kept = results_of(record, bucket), {}
    if download:
        from cli.download import download_all, place_record

        prefix = place_record(download, record, body)
        files = download_all(stack.s3, files, download, prefix, quiet=json)
        kept["record"] = str(download / f"{prefix}.run.json")
    if json:
        emit({"sample": sample, "assay": analysis.assay, "run": found.short, "files": files} | kept)
        return
    if download:
        say(f"{len(files)} files of run {found.short} are in {download}, their checksums right")
        say(f"what they were made of, and by: {kept['record']}")
    else:
        rows = [[file.stage, file.name, str(file.bytes), file.uri] for file in files]
        show_table(("stage", "name", "bytes", "uri"), rows)
    if not run and analysis.status != "ANALYSED":
        why = why_of(analysis)
        say(f"newer ones may follow: {sample} is {analysis.status}{': ' if why else ''}{why}")


def find_run(stack: "Stack", analysis: "Analysis", asked: str) -> "RunId":
    """The run that an id, or its beginning, stands for; of several attempts the last good one."""
    from cli.run_choice import ids_named
    from seqdrop.domain.records import RunStatus

    runs = [r for r in stack.sample(analysis.sample).runs if r.assay == analysis.assay]
    named = ids_named((r.id.short for r in runs), asked, analysis.id)
    found = [r for r in runs if r.id.short in named]
    good = [r for r in found if r.status is RunStatus.SUCCEEDED]
    if not good:
        last = found[-1]
        raise CommandFailed(f"run {last.id.short} has no results: it is {last.status}")
    return good[-1].id


def _read_record(stack: "Stack", run: "RunId", bucket: str) -> bytes:
    from seqdrop.domain.identity import ObjectName

    record = ObjectName(bucket, f"{run.folder}run.json")
    body = stack.objects.get(record.bucket, record.key)
    if body is None:
        raise CommandFailed(f"{record.uri} is gone")
    return body
