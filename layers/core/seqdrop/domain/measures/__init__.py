"""Figures in the files that tools write: each format with its reader and the figures it gives.

A reader is a pure function of a file's bytes. What it gives are counts and values under our own
names, the same for every tool that counts the same; ``domain/metrics.py`` makes of them what
limits may name.
"""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from seqdrop.domain.errors import InvalidMeasure
from seqdrop.domain.measures import (
    bcftools_stats,
    calls,
    depth,
    dragen_coverage,
    dragen_histogram,
    dragen_mapping,
    fingerprint,
    flagstat,
    samtools_stats,
)
from seqdrop.domain.pipeline import MeasureFormat

Metrics = dict[str, float]


@dataclass(frozen=True)
class Format:
    """How a file is read, and the names of all figures that may come out of it."""

    read: Callable[[bytes], Metrics]
    metrics: frozenset[str]


FORMATS: dict[MeasureFormat, Format] = {
    "flagstat": Format(flagstat.read, flagstat.NAMES),
    "samtools-stats": Format(samtools_stats.read, samtools_stats.NAMES),
    "bcftools-stats": Format(bcftools_stats.read, bcftools_stats.NAMES),
    "calls": Format(calls.read, calls.NAMES),
    "depth": Format(depth.read, depth.NAMES),
    "fingerprint": Format(fingerprint.read, fingerprint.NAMES),
    "dragen-mapping": Format(dragen_mapping.read, dragen_mapping.NAMES),
    "dragen-coverage": Format(dragen_coverage.read, dragen_coverage.NAMES),
    "dragen-histogram": Format(dragen_histogram.read, dragen_histogram.NAMES),
}


def read_measures(kind: MeasureFormat, content: bytes) -> Metrics:
    """The figures in a tool's output. Raises InvalidMeasure where it is not of that format."""
    try:
        return FORMATS[kind].read(content)
    except (msgspec.MsgspecError, KeyError, IndexError, ValueError) as error:
        raise InvalidMeasure(f"is not what {kind} is: {error!r}") from error
