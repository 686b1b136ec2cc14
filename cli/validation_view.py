"""Validation records as people and scripts read them: tables, JSON, and a page."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from cli.screen import say, show_table, warn

if TYPE_CHECKING:
    from seqdrop.domain.comparison.accuracy import ClassAccuracy, Interval
    from seqdrop.domain.validation.record import Passed, Point, Record


def say_records(points: "Sequence[Point]") -> None:
    """A line for each record, in the order of their runs."""
    columns = (
        "record", "control", "truth", "flowcells", "run", "version", "snv recall", "precision",
        "indel recall", "precision", "outcome", "",
    )  # fmt: skip
    show_table(columns, map(_row, points))


def _row(point: "Point") -> list[str]:
    record = point.record
    classes = {one.name: one for one in record.accuracy.classes if one.region == "all"}
    shares = [
        _share(share)
        for name in ("snv", "indel")
        for share in _shares(classes.get(name))
    ]  # fmt: skip
    notes = [f"worse than before: {', '.join(point.worse)}"] if point.worse else []
    notes += ["simulated"] if record.simulated else []
    notes += [f"withdrawn: {record.withdrawn_why}"] if record.withdrawn else []
    return [
        record.id, record.run.sample, f"{record.truth.name} {record.truth.sha256[:8]}",
        ", ".join(record.flowcells), record.run.short,
        record.version[:8], *shares, record.outcome.value, "; ".join(notes),
    ]  # fmt: skip


def _shares(found: "ClassAccuracy | None") -> "tuple[Interval | None, Interval | None]":
    return (found.recall, found.precision) if found else (None, None)


def _share(share: "Interval | None") -> str:
    from seqdrop.domain.validation.record import in_percent

    return "-" if share is None or share.value is None else in_percent(share.value)


def document(record: "Record") -> dict[str, object]:
    """A record as JSON, with all of its fields."""
    found = {name: msgspec.to_builtins(getattr(record, name)) for name in record.__struct_fields__}
    return {**found, "run": record.run.short, "sample": record.run.sample}


def write_record(out: Path, record: "Record", points: "Iterable[Point]") -> None:
    """Writes a record as JSON, and its page, into a folder that is made if need be."""
    from seqdrop.domain.comparison.pages.validation import page

    out.mkdir(parents=True, exist_ok=True)
    text = msgspec.json.format(msgspec.json.encode(document(record)), indent=1)
    (out / "validation.json").write_bytes(text + b"\n")
    (out / "validation.html").write_text(page(record, points), encoding="utf-8")


def say_record(record: "Record", worse: tuple[str, ...]) -> None:
    """A record in words."""
    from seqdrop.domain.validation.record import in_percent

    said = {"PASS": "passes", "FAIL": "fails", "NO_LIMITS": "is judged by no limits"}
    say(
        f"{record.outcome.value}: run {record.run.short} of {record.run.sample} "
        f"{said[record.outcome]} (record {record.id})"
    )
    say(
        f"it ended {record.ended}, by version {record.version[:8]} of {record.pipeline}, with "
        f"{record.reference}"
    )
    for reason in record.reasons:
        warn(f"  {reason}")
    if record.simulated:
        warn("WARN the run is simulated: a stand-in has played DRAGEN, and this says nothing of it")
    for warning in record.accuracy.warnings:
        warn(f"WARN {warning}")
    if worse:
        warn(f"WARN worse than before, beyond chance: {', '.join(worse)}")

    def shown(share: "Interval") -> str:
        if share.value is None:
            return "-"
        return f"{in_percent(share.value)} ({in_percent(share.low)} to {in_percent(share.high)})"

    columns = ("class", "in the truth", "missed", "wrong calls", "recall", "precision", "F1", "")
    rows = [
        (
            one.name if one.region == "all" else f"{one.region}: {one.name}",
            f"{one.truth_total:,}", f"{one.false_negatives:,}", f"{one.false_positives:,}",
            shown(one.recall), shown(one.precision),
            "-" if one.f1 is None else in_percent(one.f1), one.note,
        )
        for one in record.accuracy.classes
    ]  # fmt: skip
    show_table(columns, rows)
    if record.outcome == "PASS":
        say(
            f"samples of {record.assay} may be analysed by version {record.version[:8]}; those "
            f"that are held for it go on with `seqdrop rerun --status HELD --assay {record.assay}`"
        )


def warn_of_contradictions(
    record: "Record", others: "Iterable[Record]", passed: "Iterable[Passed]"
) -> None:
    """Warns of other records that contradict this one."""
    for other in others:
        if other.run != record.run or other.id == record.id or record.outcome != "PASS":
            continue
        of = f"{other.truth.name} in {other.regions.name}"
        if other.withdrawn:
            warn(
                f"WARN record {other.id} of this run, by {of}, was withdrawn: {other.withdrawn_why}"
            )
        elif other.outcome == "FAIL":
            warn(f"WARN this run fails by record {other.id}, by {of}: look at why it passes now")
    by = next((one.record for one in passed if one.version == record.version), "")
    if by and record.outcome == "FAIL":
        command = f"`seqdrop validate {record.assay} --withdraw {by} --why TEXT`"
        warn(
            f"WARN samples go on being analysed by version {record.version[:8]}, which has passed "
            f"by record {by}: where that is wrong, {command}"
        )
