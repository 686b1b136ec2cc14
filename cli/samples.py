"""`seqdrop samples` and `seqdrop show`: what the catalog knows."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import Assay, Json, Sample
from cli.screen import emit, say, show_table

if TYPE_CHECKING:
    from datetime import datetime

    from seqdrop.aws.catalog import Catalog
    from seqdrop.domain.records import AnalysisStatus
    from seqdrop.sample_view import AnalysisSummary, SampleView

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

    wanted = [status_named(status)] if status else list(AnalysisStatus)
    from cli.stack import find_stack

    found = _newest(find_stack().catalog, wanted, limit)
    if json:
        emit({"samples": found})
    elif not found:
        say("there are no samples" + (f" that are {status.upper()}" if status else ""))
    else:
        columns = ("sample", "assay", "status", "updated", "why")
        rows = [(o.sample, o.assay, o.status, o.updated[:19], _shortened(o.why)) for o in found]
        show_table(columns, rows)


def status_named(text: str) -> "AnalysisStatus":
    """A status as somebody writes it. Raises typer.BadParameter for what is none."""
    from seqdrop.domain.records import AnalysisStatus

    known = [one.value for one in AnalysisStatus]
    if text.upper() not in known:
        raise typer.BadParameter(f"{text!r} is none of {', '.join(known)}", param_hint="--status")
    return AnalysisStatus(text.upper())


def _newest(
    catalog: "Catalog", statuses: "Sequence[AnalysisStatus]", limit: int
) -> "list[AnalysisSummary]":
    """The index is a little late: an analysis may have two statuses in it; the later counts."""
    from concurrent.futures import ThreadPoolExecutor

    from seqdrop.domain.identity import AnalysisId
    from seqdrop.domain.records import Analysis
    from seqdrop.sample_view import summary_of

    with ThreadPoolExecutor(len(statuses)) as pool:
        pages = pool.map(lambda one: catalog.analyses.newest(one, limit), statuses)
        by_time = sorted((a for page in pages for a in page), key=lambda a: a.updated)
    latest: dict[AnalysisId, Analysis] = {}
    for analysis in by_time:
        latest.pop(analysis.id, None)
        latest[analysis.id] = analysis
    return [summary_of(analysis) for analysis in reversed(list(latest.values())[-limit:])]


def _shortened(why: str) -> str:
    return why if len(why) <= _SHOWN_WHY else why[: _SHOWN_WHY - 1] + "…"


def show(sample: Sample, assay: Assay = "", json: Json = False) -> None:
    """Shows a sample: its files, its runs, their stages, and what it waits for."""
    from cli.stack import find_stack
    from cli.timeline import sample_lines
    from seqdrop.stage_progress import with_progress

    stack = find_stack()
    view = with_progress(stack.view(sample, assay), stack.objects, stack.output("ResultsBucket"))
    if json:
        emit(view)
        return
    for line in sample_lines(view, stack.now()):
        say(line)


def why(sample: Sample, assay: Assay = "", json: Json = False) -> None:
    """Says why a sample is not done: the cause, since when, what Seqdrop does, what you can do."""
    from cli.stack import find_stack
    from seqdrop.why import why as answer

    stack = find_stack()
    view = stack.view(sample, assay)
    if not json:
        say_why(view, stack.now())
        return
    answers = [
        {"assay": one.assay, "status": one.status, "why": answer(sample, one, stack.now())}
        for one in view.analyses
    ]
    emit({"sample": sample, "analyses": answers})


def say_why(view: "SampleView", now: "datetime", *, but: "Collection[AnalysisStatus]" = ()) -> None:
    """The answer for each analysis of a sample, but for those of some statuses."""
    from cli.timeline import why_text

    for one in view.analyses:
        if one.status not in but:
            for line in why_text(view, one, now):
                say(line)
