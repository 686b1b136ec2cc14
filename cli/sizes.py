"""`seqdrop sizes`: what stages took of memory, time and scratch, against what they asked for."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import Json
from cli.screen import emit, say, show_table

if TYPE_CHECKING:
    from cli.stack import Stack
    from seqdrop.domain.sizing import StageSize, Taken
    from seqdrop.sample_view import RunView, StageView


def sizes(
    samples: Annotated[
        int, typer.Option(metavar="N", min=1, max=1_000, help="Of the newest N analysed samples.")
    ] = 100,
    json: Json = False,
) -> None:
    """Shows how far off the sizes of stages were, and which to change in pipelines/.

    Memory is the most that a job took, as it was seen every two seconds, and how much that is of
    what it asked for. Time is against what the plan expects for so large an input: the median, and
    the longest. Scratch is the most that a job's files took.
    """
    from cli.stack import find_stack
    from seqdrop.domain.sizing import sizes_of

    found = sizes_of(_taken(find_stack(), samples))
    if json:
        emit({"stages": found})
        return
    if not found:
        say("no job has told yet what it took")
        return
    columns = ("pipeline", "stage", "jobs", "memory", "of asked", "time", "longest", "scratch")
    show_table(columns, [_row(size) for size in found])
    for size in found:
        for line in size.advice:
            say(f"{size.pipeline} {size.stage}: {line}")


def _taken(stack: "Stack", samples: int) -> "Iterator[Taken]":
    """Of each sample's newest run that succeeded."""
    from seqdrop.domain.records import AnalysisStatus
    from seqdrop.sample_view import view_sample

    for analysis in stack.catalog.analyses.newest(AnalysisStatus.ANALYSED, samples):
        shown = view_sample(analysis.sample, stack.sample(analysis.sample), analysis.assay)
        for view in shown.analyses:
            run = next((one for one in view.runs if one.id == view.current_run), None)
            for stage in run.stages if run else ():
                if run and stage.status == "SUCCEEDED":
                    yield _of_stage(run, stage)


def _of_stage(run: "RunView", stage: "StageView") -> "Taken":
    from seqdrop.domain.sizing import Taken

    return Taken(
        run.pipeline,
        stage.stage,
        stage.memory_mib or 0,
        stage.peak_memory_mib or 0,
        stage.peak_scratch_mib or 0,
        stage.expected_seconds or 0,
        stage.ran_seconds or 0.0,
        is_played=run.simulated and "-fpga-" in stage.queue,
    )


def _row(size: "StageSize") -> tuple[str, ...]:
    return (
        size.pipeline, size.stage, str(size.jobs), f"{size.peak_memory_mib:,} MiB",
        f"{size.memory_fraction:.0%}", f"{size.time_fraction:.0%}",
        f"{size.longest_fraction:.0%}", f"{size.peak_scratch_mib / 1024:,.1f} GiB",
    )  # fmt: skip
