"""`seqdrop sizes`: what stages took of memory, time and scratch, against what they asked for."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import Json
from cli.screen import emit, say, show_table

if TYPE_CHECKING:
    from cli.stack import Stack
    from seqdrop.domain.records import Job, Run
    from seqdrop.domain.sizing import StageSize, Taken


def sizes(
    samples: Annotated[
        int, typer.Option(metavar="N", min=1, max=1_000, help="Of the newest N analysed samples.")
    ] = 100,
    json: Json = False,
) -> None:
    """Shows how far off the sizes of stages were, and which to change in pipelines/.

    Memory is the most that a job took, as it was seen every two seconds, and how much that is of
    what it asked for. Time is against what the plan expects for so large an input: the median, and
    the longest. Scratch is the most that a job's files took, and how
    much that is of what its stage says it takes.
    """
    from cli.stack import find_stack
    from seqdrop.domain.sizing import sizes_of

    taken = list(_taken(find_stack(), samples))
    found = sizes_of(taken)
    if json:
        emit({"stages": found})
        return
    for pipeline, stage in sorted({(one.pipeline, one.stage) for one in taken if one.is_played}):
        say(f"{pipeline} {stage}: simulated here, so its size says nothing")
    if not found:
        say("no job has told yet what it took")
        return
    columns = ("pipeline", "stage", "jobs", "memory", "of asked", "time", "longest", "scratch")
    show_table(columns, [_row(size) for size in found])
    for size in found:
        for line in size.advice:
            say(f"{size.pipeline} {size.stage}: {line}")


def _taken(stack: "Stack", samples: int) -> "Iterator[Taken]":
    """Of each sample's current run."""
    from seqdrop.domain.records import AnalysisStatus

    for analysis in stack.catalog.analyses.newest(AnalysisStatus.ANALYSED, samples):
        if analysis.current_run:
            run = stack.catalog.runs.get(analysis.current_run)
            jobs = stack.catalog.jobs.of_run(analysis.current_run)
            for stage in dict.fromkeys(job.stage for job in jobs):
                of_stage = [job for job in jobs if job.stage == stage]
                if run and of_stage[-1].status == "SUCCEEDED" and of_stage[-1].attempts:
                    yield _of_stage(run, of_stage)


def _of_stage(run: "Run", jobs: "Sequence[Job]") -> "Taken":
    """``jobs`` are those of one stage, in their order."""
    from seqdrop.domain.failure import FailureClass
    from seqdrop.domain.hosts import kind_of
    from seqdrop.domain.pipeline import is_fpga
    from seqdrop.domain.sizing import Taken

    on_fpga = is_fpga(kind_of(jobs[-1].queue))
    return Taken(
        jobs[-1].pipeline,
        jobs[-1].stage,
        jobs[0].memory_mib,
        jobs[-1].peak_memory_mib,
        jobs[-1].peak_scratch_mib,
        jobs[-1].expected_seconds,
        jobs[-1].attempts[-1].seconds,
        ran_out=any(job.failure_class == FailureClass.OUT_OF_MEMORY for job in jobs),
        has_host_alone=on_fpga,
        scratch_mib=jobs[0].scratch_mib,
        is_played=run.simulated and on_fpga,
    )


def _row(size: "StageSize") -> tuple[str, ...]:
    return (
        size.pipeline, size.stage, str(size.jobs), f"{size.peak_memory_mib:,} MiB",
        _percent(size.memory_fraction), _percent(size.time_fraction),
        _percent(size.longest_fraction), f"{size.peak_scratch_mib / 1024:,.1f} GiB"
        + ("" if size.scratch_fraction is None else f" ({_percent(size.scratch_fraction)})"),
    )  # fmt: skip


def _percent(fraction: float) -> str:
    return "< 1%" if 0 < fraction < 0.01 else f"{fraction:.0%}"
