"""`seqdrop results`: what a run is made of, and its files on this disk."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from cli.faults import CommandFailed
from cli.options import Assay, Json, Sample
from cli.screen import emit, say, show_table

if TYPE_CHECKING:
    from cli.stack import Stack
    from seqdrop.domain.identity import RunId
    from seqdrop.domain.provenance import RunRecord
    from seqdrop.domain.records import Analysis, Run

Document = dict[str, Any]


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
    from cli.view import why_of
    from seqdrop.domain.provenance import RunRecord

    stack = find_stack()
    analysis = stack.analysis(sample, assay)
    found = _find_run(stack, analysis, run) if run else analysis.current_run
    if not found:
        raise CommandFailed(f"{analysis.id} has no results yet: it is {analysis.status}")
    bucket = stack.output("ResultsBucket")
    body = _read_record(stack, found, bucket)
    files = _files(msgspec.json.decode(body, type=RunRecord), bucket)
    document = {"sample": sample, "assay": analysis.assay, "run": found.short, "files": files}
    if download:
        from cli.download import download_all, place_record

        record = msgspec.json.decode(body, type=RunRecord)
        prefix = place_record(download, record, body)
        download_all(stack.s3, files, download, prefix, quiet=json)
        document["record"] = str(download / f"{prefix}.run.json")
    if json:
        emit(document)
        return
    if download:
        say(f"{len(files)} files of run {found.short} are in {download}, their checksums right")
        say(f"what they were made of, and by: {document['record']}")
    else:
        rows = [[f["stage"], f["name"], str(f["bytes"]), f["uri"]] for f in files]
        show_table(("stage", "name", "bytes", "uri"), rows)
    if not run and analysis.status != "ANALYSED":
        why = why_of(analysis)
        say(f"newer ones may follow: {sample} is {analysis.status}{': ' if why else ''}{why}")


def _find_run(stack: "Stack", analysis: "Analysis", asked: str) -> "RunId":
    """The run that an id, or its beginning, stands for; of several attempts the last good one."""
    from seqdrop.aws.catalog.layout import read_sample
    from seqdrop.domain.records import RunStatus

    runs = read_sample(stack.catalog.analyses.partition(analysis.sample)).runs
    found = [r for r in runs if r.assay == analysis.assay and r.id.short.startswith(asked)]
    found = [r for r in found if r.id.short == asked] or found
    if not found:
        raise CommandFailed(f"{analysis.id} has no run {asked!r}")
    if len({r.run_key for r in found}) > 1:
        raise CommandFailed(f"several runs begin with {asked!r}: {_names(found)}")
    good = [r for r in found if r.status is RunStatus.SUCCEEDED]
    if not good:
        last = found[-1]
        raise CommandFailed(f"run {last.id.short} has no results: it is {last.status}")
    return good[-1].id


def _names(runs: "list[Run]") -> str:
    return ", ".join(run.id.short for run in runs)


def _read_record(stack: "Stack", run: "RunId", bucket: str) -> bytes:
    from seqdrop.domain.identity import ObjectName

    record = ObjectName(bucket, f"{run.folder}run.json")
    body = stack.objects.get(record.bucket, record.key)
    if body is None:
        raise CommandFailed(f"{record.uri} is gone")
    return body


def _files(record: "RunRecord", bucket: str) -> list[Document]:
    return [
        {
            "stage": stage,
            "name": file.name,
            "uri": f"s3://{bucket}/{record.prefixes[stage]}{file.name}",
            "bytes": file.bytes,
            "sha256": file.sha256,
        }
        for stage, result in record.results.items()
        for file in result.files
    ]
