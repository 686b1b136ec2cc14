"""Figures in the files that tools write: each format with its reader and the metrics it gives."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from seqdrop.domain.errors import InvalidMeasure
from seqdrop.domain.pipeline import MeasureFormat

Metrics = dict[str, float]


@dataclass(frozen=True)
class Format:
    """How a file is read, and the names of all metrics that may come out of it."""

    read: Callable[[bytes], Metrics]
    metrics: frozenset[str]


_FLAGSTAT = {
    "primary_out": "primary",
    "mapped": "primary mapped",
    "duplicates": "primary duplicates",
    "properly_paired": "properly paired",
}
"""Our names, and those of ``samtools flagstat -O json``."""


def _read_flagstat(content: bytes) -> Metrics:
    """Counts of primary records, with those that failed the sequencer's own filter."""
    parts = msgspec.json.decode(content, type=dict[str, dict[str, float | None]])
    passed, failed = parts["QC-passed reads"], parts["QC-failed reads"]
    return {
        ours: (passed[theirs] or 0) + (failed[theirs] or 0) for ours, theirs in _FLAGSTAT.items()
    }


FORMATS: dict[MeasureFormat, Format] = {
    "flagstat": Format(_read_flagstat, frozenset(_FLAGSTAT)),
}


def read_measures(kind: MeasureFormat, content: bytes) -> Metrics:
    """The metrics in a tool's output. Raises InvalidMeasure where it is not of that format."""
    try:
        return FORMATS[kind].read(content)
    except (msgspec.MsgspecError, KeyError, ValueError) as error:
        raise InvalidMeasure(f"is not what {kind} is: {error!r}") from error
