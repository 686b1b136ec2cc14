"""`seqdrop upload`: files into the bucket, with a manifest where more is said than names tell.

All of them are looked at before any is sent; what is wrong is said at once.
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import Json
from cli.screen import emit, say, warn
from cli.upload_options import check_usage, given_entry, given_path

if TYPE_CHECKING:
    from cli.drop import Drop
    from cli.look import Look
    from cli.stack import Stack
    from seqdrop.domain.expectation import Placement
    from seqdrop.domain.records import Analysis


_REASON_SECONDS = 5.0
_PAUSE_SECONDS = 0.1


def upload(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH", parser=given_path, help="Files, or folders."),
    ] = None,
    *,
    sample: Annotated[
        str, typer.Option(metavar="ID", help="The sample, where names don't tell it.")
    ] = "",
    assay: Annotated[str, typer.Option(metavar="NAME", help="How to analyse it.")] = "",
    pipeline: Annotated[
        str, typer.Option(metavar="NAME", help="Instead of an assay: a pipeline and a reference.")
    ] = "",
    reference: Annotated[
        str, typer.Option(metavar="NAME[/VERSION]", help="Its newest ready version if not given.")
    ] = "",
    project: Annotated[str, typer.Option(metavar="NAME", help="Who the cost is for.")] = "",
    priority: Annotated[
        str,
        typer.Option(
            metavar="urgent|routine|bulk", help="Which jobs go first; the assay's if not given."
        ),
    ] = "",
    manifest: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", exists=True, dir_okay=False, help="JSON or CSV; it names the files."
        ),
    ] = None,
    partial: Annotated[
        bool,
        typer.Option(
            "--partial",
            help="R1 or R2 alone is meant: its mate comes later. For files that are known by their "
            "names: not with --sample, --assay or --manifest.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Uploads FASTQ files; their analysis starts by itself once they are all there.

    All files are looked at first; where one is wrong, nothing is uploaded. Ends with 1 then, and
    where a sample is held once its files were looked at.
    """
    given = given_entry(
        sample=sample, assay=assay, pipeline=pipeline, reference=reference, project=project,
        priority=priority,
    )  # fmt: skip
    check_usage(paths or [], manifest, given, partial=partial)
    from cli.arrival import wait_until_seen
    from cli.gather import said_of
    from cli.look import look
    from cli.stack import find_stack

    stack = find_stack()
    bucket = stack.output("UploadsBucket")
    looked = look(
        stack, paths or [], manifest, given if given != given_entry() else None, partial=partial
    )
    if looked.faults and json:
        emit(_document(looked, bucket, {}))
    _refuse(looked)
    dropped = looked.drop
    if not json:
        for line in said_of(looked.left_out):
            say(line)
        for warning in looked.warnings:
            warn(f"WARN {warning}")
    _send(stack, dropped, quiet=json)
    seen = wait_until_seen(stack, bucket, dropped.files)
    analyses = _analyses(stack, seen)
    if json:
        emit(_document(looked, bucket, seen))
    else:
        _tell(analyses, dropped, seen)
    held = list(filter(_is_held, analyses))
    for analysis in held:
        warn(_standing(analysis))
    if held:
        raise typer.Exit(1)


def _refuse(look: "Look") -> None:
    """Raises CommandFailed where anything is wrong: one fault in its message, several a line each.

    What was left out is said too: it may be what is missing.
    """
    from cli.faults import CommandFailed
    from cli.gather import said_of

    if not look.faults:
        return
    for line in said_of(look.left_out):
        warn(line)
    for warning in look.warnings:
        warn(f"WARN {warning}")
    if len(look.faults) == 1:
        raise CommandFailed(f"{look.faults[0]}; nothing was uploaded")
    for fault in look.faults:
        warn(fault)
    raise CommandFailed(f"nothing was uploaded: {len(look.faults)} things are to be mended first")


def _send(stack: "Stack", dropped: "Drop", *, quiet: bool) -> None:
    """Manifests first, until they are applied: their files are then known when they come."""
    from cli.arrival import wait_until_expected, wait_until_seen
    from cli.transfer import upload_all
    from seqdrop.domain.naming import UploadKind, upload_kind

    bucket, files = stack.output("UploadsBucket"), dropped.files
    manifests = {k: p for k, p in files.items() if upload_kind(k) is UploadKind.MANIFEST}
    if dropped.manifest:
        stack.s3.put_object(Bucket=bucket, Key=dropped.manifest_key, Body=dropped.manifest)
        _refuse_if_held(wait_until_seen(stack, bucket, [dropped.manifest_key]))
    if manifests:
        upload_all(stack.s3, bucket, manifests, quiet=quiet)
        _refuse_if_held(wait_until_seen(stack, bucket, manifests))
    named = [key for key, place in dropped.places.items() if place.by == "manifest"]
    wait_until_expected(stack, bucket, named)
    rest = {key: path for key, path in files.items() if key not in manifests}
    upload_all(stack.s3, bucket, rest, quiet=quiet)


def _refuse_if_held(seen: "dict[str, Placement]") -> None:
    """Raises CommandFailed where the deployment could not use a manifest that passed here: another
    version of Seqdrop may know other fields. Its files would be taken by their names.
    """
    from cli.faults import CommandFailed

    held = [placed for placed in seen.values() if placed.analysis]
    if held:
        raise CommandFailed(f"{held[0].note}; none of the files was uploaded")


def _analyses(stack: "Stack", seen: "dict[str, Placement]") -> "list[Analysis]":
    """The analyses that got a file, once they say why they wait: a moment after it."""
    names = sorted({placed.analysis for placed in seen.values() if placed.analysis})
    end = time.monotonic() + _REASON_SECONDS
    while True:
        found = [stack.catalog.analyses.get(name) for name in names]
        analyses = [analysis for analysis in found if analysis]
        if not any(map(_is_undecided, analyses)) or time.monotonic() > end:
            return analyses
        time.sleep(_PAUSE_SECONDS)


def _is_undecided(analysis: "Analysis") -> bool:
    from seqdrop.domain.records import AnalysisStatus

    return analysis.status is AnalysisStatus.RECEIVING and not analysis.why


def _is_held(analysis: "Analysis") -> bool:
    from seqdrop.domain.records import AnalysisStatus

    return analysis.status is AnalysisStatus.HELD


def _tell(analyses: "list[Analysis]", dropped: "Drop", seen: "dict[str, Placement]") -> None:
    """Where each analysis stands, and what took no part."""
    going_on = [analysis for analysis in analyses if not _is_held(analysis)]
    for analysis in going_on:
        say(_standing(analysis))
    for key, placed in seen.items():
        if not placed.analysis:
            say(f"{key}: {placed.note}")
    for key in dropped.files.keys() - seen.keys():
        say(f"{key}: uploaded; its event has not come yet")
    if going_on:
        say(f"next: seqdrop wait {' '.join(sorted({a.sample for a in going_on}))}")


def _standing(analysis: "Analysis") -> str:
    """Its status and why."""
    from cli.view import why_of

    why = why_of(analysis)
    return f"{analysis.id} is {analysis.status}" + (f": {why}" if why else "")


def _became(placement: "Placement | None") -> dict[str, object]:
    at = placement.analysis if placement else None
    return {
        "sample": at.sample if at else None,
        "assay": at.assay if at else None,
        "note": placement.note if placement else "",
    }


def _document(look: "Look", bucket: str, seen: "dict[str, Placement]") -> dict[str, object]:
    """What was uploaded and what became of it; no manifest and no files where there are faults."""
    dropped = look.drop
    key = "" if look.faults else dropped.manifest_key
    files = {} if look.faults else dropped.files
    return {
        "samples": list(dropped.samples),
        "manifest": f"s3://{bucket}/{key}" if key else None,
        "files": [
            {
                "path": str(path),
                "uri": f"s3://{bucket}/{name}",
                "bytes": path.stat().st_size,
                "registered": name in seen,
                **_became(seen.get(name)),
            }
            for name, path in files.items()
        ],
        "left_out": [{"path": str(one.path), "why": one.why} for one in look.left_out],
        "warnings": look.warnings,
        "faults": look.faults,
    }
