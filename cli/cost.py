"""`seqdrop cost`: what a month has cost, or what samples have."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from cli.faults import CommandFailed
from cli.options import Assay, Json
from cli.screen import emit, say, show_table

if TYPE_CHECKING:
    from seqdrop.domain.cost import CostLine
    from seqdrop.sample_view import AnalysisView, RunView, StageView

_BY = ("project", "pipeline", "day")
_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")


class Cost(msgspec.Struct, frozen=True):
    """What some jobs have cost."""

    name: str
    cost_usd: float
    waste_usd: float
    """Of it: of attempts that came to nothing."""
    jobs: int
    dragen_gigabases: float


def cost(
    sample: Annotated[
        list[str] | None, typer.Argument(metavar="SAMPLE", help="Only these samples.")
    ] = None,
    *,
    month: Annotated[
        str, typer.Option(metavar="YYYY-MM", help="Which month; without it, this one.")
    ] = "",
    manifest: Annotated[
        str, typer.Option(metavar="KEY", help="The samples of a manifest, by its key or s3:// URI.")
    ] = "",
    by: Annotated[str, typer.Option(metavar="|".join(_BY), help="A line for each.")] = "project",
    assay: Assay = "",
    json: Json = False,
) -> None:
    """Adds up what jobs have cost: those that ended in a month, or all of some samples, be it those
    of a manifest.

    A job's cost is its attempts' time at list prices (pipelines/prices.yaml): not a bill. Waste is
    of attempts that failed, were stopped, or lost their host. DRAGEN's licence is not in it.
    """
    if by not in _BY:
        raise typer.BadParameter(f"{by!r} is none of {', '.join(_BY)}", param_hint="--by")
    if month and not _MONTH.fullmatch(month):
        raise typer.BadParameter(f"{month!r} is no month such as 2026-11", param_hint="--month")
    if len([one for one in (month, sample, manifest) if one]) > 1:
        raise typer.BadParameter("give samples, a manifest or a month: not two of them")
    if manifest:
        _of_manifest(manifest, json)
    elif sample:
        _of_samples(list(dict.fromkeys(sample)), assay, json)
    else:
        _of_month(month, by, json)


def _of_month(month: str, by: str, json: bool) -> None:
    from cli.stack import find_stack

    stack = find_stack()
    month = month or f"{stack.now():%Y-%m}"
    lines = stack.catalog.costs.of_month(month)
    parts: dict[str, list[CostLine]] = defaultdict(list)
    for line in lines:
        parts[getattr(line, by)].append(line)
    costs = [_sum(name, of) for name, of in sorted(parts.items())]
    total = _sum("total", lines)
    if json:
        emit({"month": month, "by": by, "lines": costs, "total": total})
        return
    if not lines:
        say(f"no job has ended in {month}")
        return
    show_table(
        (by, "cost", "of it waste", "jobs", "DRAGEN"), [_row(one) for one in (*costs, total)]
    )


def _sum(name: str, lines: "Sequence[CostLine]") -> Cost:
    return Cost(
        name,
        sum(line.micros for line in lines) / 1_000_000,
        sum(line.waste_micros for line in lines) / 1_000_000,
        sum(line.jobs for line in lines),
        sum(line.dragen_bases for line in lines) / 1_000_000_000,
    )


def _row(one: Cost) -> tuple[str, ...]:
    gigabases = f"{one.dragen_gigabases:,.1f} Gb" if one.dragen_gigabases else "-"
    name = one.name or "(none)"
    return name, f"${one.cost_usd:,.2f}", f"${one.waste_usd:,.2f}", f"{one.jobs:,}", gigabases


def _of_samples(samples: list[str], assay: str, json: bool) -> None:
    from cli.stack import find_stack
    from seqdrop.sample_view import view_sample

    stack = find_stack()
    views = [view_sample(name, stack.sample(name), assay) for name in samples]
    found = [(view, analysis) for view in views for analysis in view.analyses]
    total = sum(_usd(analysis) for _, analysis in found)
    if json:
        emit({
            "samples": [
                {
                    "sample": view.sample,
                    "assay": analysis.assay,
                    "cost_usd": _usd(analysis),
                    "runs": [_document(run) for run in analysis.runs],
                }
                for view, analysis in found
            ],
            "total": {"cost_usd": total},
        })  # fmt: skip
        return
    for view, analysis in found:
        say(f"{view.name_of(analysis)} ${_usd(analysis):.4f}")
        for run in analysis.runs:
            for line in _run_lines(run):
                say(f"  {line}")
    if len(found) > 1:
        say(f"total ${total:.4f}")


def _of_manifest(manifest: str, json: bool) -> None:
    from cli.stack import find_stack
    from seqdrop.domain.identity import ObjectName
    from seqdrop.sample_view import view_sample

    stack = find_stack()
    bucket = stack.output("UploadsBucket")
    key = manifest.removeprefix(f"s3://{bucket}/")
    named = stack.catalog.manifests.analyses_of(ObjectName(bucket, key))
    items = ((one, stack.sample(one.sample)) for one in named)
    views = (
        view_sample(one.sample, there, one.assay)
        for one, there in items
        if one in {analysis.id for analysis in there.analyses}
    )
    found = [
        (view, analysis)
        for view in views
        for analysis in view.analyses
        if analysis.manifest == key  # another one may count by now
    ]
    if not found:
        raise CommandFailed(f"no sample is of the manifest {key!r}: give its key in s3://{bucket}")
    costs = [(view.name_of(analysis), _usd(analysis)) for view, analysis in found]
    total = sum(usd for _, usd in costs)
    if json:
        samples = [
            {"sample": view.sample, "assay": analysis.assay, "cost_usd": _usd(analysis)}
            for view, analysis in found
        ]
        emit({"manifest": key, "samples": samples, "total": {"cost_usd": total}})
        return
    show_table(("sample", "cost"), [(name, f"${usd:,.4f}") for name, usd in costs])
    of = f"{len(costs)} sample{'s' * (len(costs) != 1)}"
    say(f"total ${total:,.4f} of {of}, ${total / len(costs):,.4f} each")


def _usd(analysis: "AnalysisView") -> float:
    from seqdrop.domain.cost import sum_usd

    return sum_usd(run.cost_usd for run in analysis.runs)


def _run_lines(run: "RunView") -> Iterator[str]:
    yield f"run {run.id}, {run.status}: ${run.cost_usd:.4f}"
    for stage in run.stages:
        if not stage.tries:
            continue
        yield f"  {stage.stage} ${stage.cost_usd or 0:.4f}"
        if len(stage.tries) > 1 or stage.tasks:
            for number, attempt in enumerate(stage.tries, 1):
                ended = attempt.failure_class or attempt.status
                yield f"    attempt {number}, {ended}: ${attempt.cost_usd or 0:.4f}"
        if stage.tasks:
            yield f"    tasks, {stage.tasks:,} of them: ${stage.tasks_usd or 0:.4f}"


def _document(run: "RunView") -> dict[str, object]:
    return {
        "run": run.id,
        "status": run.status,
        "cost_usd": run.cost_usd,
        "stages": [_stage(stage) for stage in run.stages if stage.tries],
    }


def _stage(stage: "StageView") -> dict[str, object]:
    return {
        "stage": stage.stage,
        "cost_usd": stage.cost_usd or 0.0,
        "attempts": [
            {"status": one.status, "failure_class": one.failure_class, "cost_usd": one.cost_usd}
            for one in stage.tries
        ],
        "tasks": {"jobs": stage.tasks, "cost_usd": stage.tasks_usd or 0.0},
    }
