"""A sample for a person: where it stands, what it waits for, and its runs' stages in time."""

import textwrap
from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from cli.screen import aligned
from seqdrop.domain.duration import duration_text
from seqdrop.domain.metrics import METRICS
from seqdrop.sample_view import (
    AnalysisView,
    ProgressView,
    RunView,
    SampleView,
    StageView,
    seconds_between,
)
from seqdrop.why import attempt_text, clock, why, why_lines

_BAR_WIDTH = 16
_PROGRESS_WIDTH = 10
_SAID_LATELY_SECONDS = 900
"""A runner says every five minutes how far it is: three times nothing is worth a word."""
_METRICS_WIDTH = 92
_OLDER_RUNS = 3
"""How many runs before the newest are named."""
_LEFT_OUT = 5
"""How many objects beside the files are named."""


def sample_lines(view: SampleView, now: datetime) -> Iterator[str]:
    """The text of ``show``."""
    for analysis in view.analyses:
        yield from analysis_lines(view, analysis, now)


def analysis_lines(sample: SampleView, analysis: AnalysisView, now: datetime) -> Iterator[str]:
    """One analysis: why it is where it is, its newest run whole, earlier runs in a line each."""
    yield from why_text(sample, analysis, now, in_full=False)
    for warning in _untold(analysis):
        yield f"  batch: {warning}"
    yield from _file_lines(analysis)
    if analysis.newest:
        yield from _run_lines(analysis.newest, analysis, now)
    for run in analysis.runs[1 : 1 + _OLDER_RUNS]:
        yield f"  before: {_headline(run, analysis)}"
    if len(analysis.runs) > 1 + _OLDER_RUNS:
        yield f"  and {len(analysis.runs) - 1 - _OLDER_RUNS} earlier runs"


def why_text(
    sample: SampleView, analysis: AnalysisView, now: datetime, *, in_full: bool = True
) -> Iterator[str]:
    """Why an analysis is where it is; else without links, and without reasons where it is done."""
    found = why(sample.sample, analysis, now)
    project = f", project {analysis.project}" if analysis.project else ""
    since = f" (since {clock(found.since)})" if found.since else ""
    name = f"{sample.sample} ({analysis.assay}{project})"
    yield f"{name} is {analysis.status}: {found.state}{since}"
    if in_full:
        yield from (f"  {line}" for line in why_lines(found))
    elif not found.needs_nothing:
        yield from (f"  {line}" for line in why_lines(msgspec.structs.replace(found, links=())))
    else:
        yield from (f"  {line}" for line in found.evidence)


def _untold(analysis: AnalysisView) -> list[str]:
    """What the batch's controls have shown since the newest run was judged."""
    told = analysis.newest.qc_reasons if analysis.newest else ()
    return [w for w in analysis.batch if not any(w in reason for reason in told)]


def _file_lines(analysis: AnalysisView) -> Iterator[str]:
    files = analysis.files
    word = "file" if len(files) == 1 else "files"
    yield f"  {len(files)} {word}, {size_text(sum(file.bytes for file in files))}"
    for missing in analysis.missing:
        yield f"  missing: {missing}"
    left_out = [one for one in analysis.aside if not one.holds]
    for one in left_out[:_LEFT_OUT]:
        would_be = f" ({one.would_be})" if one.would_be else ""
        yield f"  left out: {one.uri}{would_be}"
    if len(left_out) > _LEFT_OUT:
        yield f"  left out: {len(left_out) - _LEFT_OUT} more (--json names all)"


def _headline(run: RunView, analysis: AnalysisView) -> str:
    parts = [f"run {run.id} is {run.status}"]
    if run.qc:
        parts.append(f"QC {run.qc}")
    version = f" {run.calling_version[:8]}" if run.calling_version else ""
    parts.append(f"{run.pipeline}{version} on {run.reference}")
    parts.append(f"${run.cost_usd:.4f}")
    if run.instead_of:
        parts.append(f"in place of {run.instead_of}: not equivalent")
    if run.simulated:
        parts.append("simulated: not for use")
    if run.id == analysis.released_run:
        parts.append("released")
    elif run.id == analysis.current_run:
        parts.append("current")
    return ", ".join(parts)


def status_text(status: str, blocked_reason: str | None) -> str:
    """A job's status, and why it can't start."""
    return f"{status}, blocked: {blocked_reason}" if blocked_reason else status


def _run_lines(run: RunView, analysis: AnalysisView, now: datetime) -> Iterator[str]:
    yield f"  {_headline(run, analysis)}"
    if run.why and run.why not in (analysis.why, *analysis.holds.values()):
        yield from (f"    {line}" for line in run.why.splitlines())
    for reason in run.qc_reasons:
        yield f"    QC {reason}"
    for line in metric_lines(run.metrics):
        yield f"    {line}"
    rows = [_stage_row(stage, run, now) for stage in run.stages]
    for line in aligned(rows) if rows else []:
        yield f"    {line}"


def _stage_row(stage: StageView, run: RunView, now: datetime) -> list[str]:
    waited, ran = stage.waited_seconds, stage.ran_seconds
    return [
        stage.stage,
        stage.status,
        stage.queue,
        "" if waited is None else f"waited {duration_text(waited)}",
        "" if ran is None else f"ran {duration_text(ran)}",
        _bar(stage, run),
        ", ".join(filter(None, (progress_text(stage.progress, now), _attempts(stage)))),
    ]


def progress_text(progress: ProgressView | None, now: datetime) -> str:
    """A bar, how much is done, and how long it may still take; "" where nothing is known."""
    if not progress:
        return ""
    done = int(progress.fraction * _PROGRESS_WIDTH)
    bar = "#" * done + "." * (_PROGRESS_WIDTH - done)
    text = f"[{bar}] {int(100 * progress.fraction)} %"
    said = datetime.fromisoformat(progress.at)
    if (now - said).total_seconds() > _SAID_LATELY_SECONDS:
        return f"{text} at {clock(progress.at)}"  # and not a word since
    if not progress.ends_at:
        return text
    left = (datetime.fromisoformat(progress.ends_at) - now).total_seconds()
    return f"{text}, about {duration_text(left)} left" if left >= 60 else f"{text}, about to end"


def _attempts(stage: StageView) -> str:
    """Which attempt of how many, and how the last one ended; "" where none has failed."""
    failed = [attempt for attempt in stage.tries if attempt.status == "FAILED"]
    if not failed:
        return ""
    most = max(stage.most_attempts, len(stage.tries))
    return f"attempt {len(stage.tries)} of {most}, last: {attempt_text(failed[-1])}"


def _bar(stage: StageView, run: RunView) -> str:
    """Where in the run's time a stage waited (``.``) and ran (``#``)."""
    times = [time for s in run.stages for time in (s.submitted, s.started, s.ended) if time]
    if not stage.submitted:
        return ""
    first, last = min(times), max(times)
    span = seconds_between(first, last) or 1.0

    def column(time: str | None) -> int:
        return round((seconds_between(first, time or last) or 0.0) / span * _BAR_WIDTH)

    begin, run_from, end = column(stage.submitted), column(stage.started), column(stage.ended)
    return " " * begin + "." * (run_from - begin) + "#" * max(end - run_from, 1)


def metric_lines(metrics: Mapping[str, float]) -> Iterator[str]:
    """All metrics in few lines, in the order of their definitions; older names come last."""
    known = [name for name in METRICS if name in metrics]
    names = [*known, *sorted(metrics.keys() - METRICS.keys())]
    said = [f"{name} {value_text(name, metrics[name])}" for name in names]
    # No line ends between a metric's name and its value.
    text = ", ".join(item.replace(" ", "\0") for item in said)
    for line in textwrap.wrap(text, _METRICS_WIDTH, break_on_hyphens=False, break_long_words=False):
        yield line.replace("\0", " ")


def value_text(name: str, value: float) -> str:
    """Fractions in percent, counts with separators, depths with ×."""
    unit = METRICS[name].unit if name in METRICS else ""
    if unit == "fraction":
        return f"{100 * value:.2f} %"
    if unit in {"reads", "records", "bases", "files"}:
        return f"{value:,.0f}" + (" bases" if unit == "bases" else "")
    return f"{value:g}" + ("×" if unit == "×" else "")


def size_text(size: float) -> str:
    """Bytes for a person."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
