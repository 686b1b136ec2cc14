"""`seqdrop samples` and `seqdrop show`: what the catalog knows."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import Assay, Json, Sample
from cli.screen import emit, say, show_table

if TYPE_CHECKING:
    from seqdrop.aws.catalog import Catalog

_SHOWN_WHY = 80


def samples(
    status: Annotated[
        str, typer.Option(metavar="STATUS", help="Only samples of this status (HELD, say).")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Show at most this many.")] = 50,
    json: Json = False,
) -> None:
    """Lists samples, the one that changed last first."""
    from seqdrop.domain.records import AnalysisStatus

    known = [one.value for one in AnalysisStatus]
    if status and status.upper() not in known:
        raise typer.BadParameter(f"{status!r} is none of {', '.join(known)}", param_hint="--status")
    from cli.stack import find_stack

    wanted = [AnalysisStatus(status.upper())] if status else list(AnalysisStatus)
    found = _newest(find_stack().catalog, wanted, limit)
    if json:
        emit({"samples": found})
    elif not found:
        say("there are no samples" + (f" that are {status.upper()}" if status else ""))
    else:
        columns = ("sample", "assay", "status", "updated", "why")
        rows = [[*(row[c] for c in columns[:3]), row["updated"][:19], _short(row)] for row in found]
        show_table(columns, rows)


def _newest(catalog: "Catalog", statuses: list[Any], limit: int) -> list[dict[str, Any]]:
    """The index is a little late: an analysis may have two statuses in it; the later counts."""
    from concurrent.futures import ThreadPoolExecutor

    from cli.view import why_of
    from seqdrop.domain.identity import AnalysisId
    from seqdrop.domain.records import Analysis

    with ThreadPoolExecutor(len(statuses)) as pool:
        pages = pool.map(lambda one: catalog.analyses.newest(one, limit), statuses)
        by_time = sorted((a for page in pages for a in page), key=lambda a: a.updated)
    latest: dict[AnalysisId, Analysis] = {}
    for analysis in by_time:
        latest.pop(analysis.id, None)
        latest[analysis.id] = analysis
    return [
        {
            "sample": analysis.sample,
            "assay": analysis.assay,
            "status": analysis.status.value,
            "why": why_of(analysis),
            "project": analysis.project,
            "updated": analysis.updated,
            "current_run": analysis.current_run.short if analysis.current_run else None,
        }
        for analysis in reversed(list(latest.values())[-limit:])
    ]


def _short(row: dict[str, Any]) -> str:
    why = str(row["why"])
    return why if len(why) <= _SHOWN_WHY else why[: _SHOWN_WHY - 1] + "…"


def show(sample: Sample, assay: Assay = "", json: Json = False) -> None:
    """Shows a sample: its files, its runs, their stages, and what it waits for."""
    from cli.stack import find_stack
    from cli.timeline import sample_lines
    from cli.view import sample_document
    from seqdrop.flow.controls import Controls

    catalog = find_stack().catalog
    items = catalog.analyses.partition(sample)
    document = sample_document(sample, items, assay, Controls(catalog).warnings)
    if json:
        emit(document)
        return
    for line in sample_lines(document):
        say(line)
