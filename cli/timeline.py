"""A sample for a person: where it stands, what it waits for, and its runs' stages in time."""

import textwrap
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from cli.screen import aligned
from seqdrop.domain.blocked import remedy_of
from seqdrop.domain.duration import duration_text
from seqdrop.domain.metrics import METRICS
from seqdrop.domain.upload import is_object_cause

_BAR_WIDTH = 16
_METRICS_WIDTH = 92
_OLDER_RUNS = 3
"""How many runs before the newest are named."""


def sample_lines(document: dict[str, Any]) -> Iterator[str]:
    """The text of ``show``."""
    for analysis in document["analyses"]:
        yield from analysis_lines(document["sample"], analysis)


def analysis_lines(sample: str, analysis: dict[str, Any]) -> Iterator[str]:
    """One analysis and its newest run whole, earlier runs in a line each."""
    project = f", project {analysis['project']}" if analysis["project"] else ""
    yield f"{sample} ({analysis['assay']}{project}) is {analysis['status']}"
    if analysis["holds"]:
        for why in analysis["holds"].values():
            yield f"  held: {why}"
        by_files = any(map(is_object_cause, analysis["holds"]))
        rerun = "" if by_files else ", or let it go on with `seqdrop rerun`"
        yield f"  mend what it names{rerun}"
    elif analysis["why"]:
        yield f"  {analysis['why']}"
    for warning in _untold(analysis):
        yield f"  batch: {warning}"
    yield from _file_lines(analysis)
    runs = analysis["runs"]
    if runs:
        yield from _run_lines(runs[0], analysis)
    for run in runs[1 : 1 + _OLDER_RUNS]:
        yield f"  before: {_headline(run, analysis)}"
    if len(runs) > 1 + _OLDER_RUNS:
        yield f"  and {len(runs) - 1 - _OLDER_RUNS} earlier runs"


def _untold(analysis: dict[str, Any]) -> list[str]:
    """What the batch's controls have shown since the newest run was judged."""
    told = [reason for run in analysis["runs"][:1] for reason in run["qc_reasons"]]
    return [w for w in analysis["batch"] if not any(w in reason for reason in told)]


def _file_lines(analysis: dict[str, Any]) -> Iterator[str]:
    files = analysis["files"]
    word = "file" if len(files) == 1 else "files"
    yield f"  {len(files)} {word}, {size_text(sum(file['bytes'] for file in files))}"
    for missing in analysis["missing"]:
        yield f"  missing: {missing}"


def _headline(run: dict[str, Any], analysis: dict[str, Any]) -> str:
    parts = [f"run {run['id']} is {run['status']}"]
    if run["qc"]:
        parts.append(f"QC {run['qc']}")
    parts.append(f"{run['pipeline']} on {run['reference']}")
    parts.append(f"${run['cost_usd']:.4f}")
    if run["simulated"]:
        parts.append("simulated: not for use")
    if run["id"] == analysis["released_run"]:
        parts.append("released")
    elif run["id"] == analysis["current_run"]:
        parts.append("current")
    return ", ".join(parts)


def status_text(status: str, blocked_reason: str | None) -> str:
    """A job's status, and why it can't start."""
    return f"{status}, blocked: {blocked_reason}" if blocked_reason else status


def _run_lines(run: dict[str, Any], analysis: dict[str, Any]) -> Iterator[str]:
    yield f"  {_headline(run, analysis)}"
    if run["why"] and run["why"] not in (analysis["why"], *analysis["holds"].values()):
        yield f"    {run['why']}"
    for reason in run["qc_reasons"]:
        yield f"    QC {reason}"
    for line in metric_lines(run["metrics"]):
        yield f"    {line}"
    rows = [_stage_row(stage, run) for stage in run["stages"]]
    for line in aligned(rows) if rows else []:
        yield f"    {line}"
    for stage in run["stages"]:
        if stage["status"] == "FAILED" and stage["message"]:
            yield f"    {stage['stage']}: {stage['message']}"
        elif stage["blocked_reason"]:
            why, since = stage["blocked_reason"], stage["blocked_since"][:19]
            yield f"    {stage['stage']}: blocked since {since}: {why.rstrip('.')}"
            yield f"      {remedy_of(why).do}"


def _stage_row(stage: dict[str, Any], run: dict[str, Any]) -> list[str]:
    waited = _seconds(stage["submitted"], stage["started"])
    ran = _seconds(stage["started"], stage["ended"])
    return [
        stage["stage"],
        stage["status"],
        stage["queue"],
        "" if waited is None else f"waited {duration_text(waited)}",
        "" if ran is None else f"ran {duration_text(ran)}",
        _bar(stage, run),
    ]


def _bar(stage: dict[str, Any], run: dict[str, Any]) -> str:
    """Where in the run's time a stage waited (``.``) and ran (``#``)."""
    moments = [s[n] for s in run["stages"] for n in ("submitted", "started", "ended") if s[n]]
    if not stage["submitted"] or not moments:
        return ""
    first, last = min(moments), max(moments)
    span = _seconds(first, last) or 1.0

    def place(moment: str | None) -> int:
        return round((_seconds(first, moment or last) or 0.0) / span * _BAR_WIDTH)

    begin, run_from, end = place(stage["submitted"]), place(stage["started"]), place(stage["ended"])
    return " " * begin + "." * (run_from - begin) + "#" * max(end - run_from, 1)


def _seconds(begin: str | None, end: str | None) -> float | None:
    if not begin or not end:
        return None
    between = datetime.fromisoformat(end) - datetime.fromisoformat(begin)
    return max(0.0, between.total_seconds())


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
