"""Figures in the files that tools write: each format with its reader and the figures it gives.

A reader is a pure function of a file's bytes. What it gives are counts and values under our own
names, the same for every tool that counts the same; ``domain/metrics.py`` makes of them what
limits may name.

An output whose name ends with ``/`` is a folder with a file for each lane, which is named after
it (``flagstat/FC.1.json``): its figures are those of lanes. Some formats have figures of the
whole run and of lanes in one file.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec

from seqdrop.domain.errors import InvalidMeasure
from seqdrop.domain.measures import (
    bcftools_stats,
    callability,
    calls,
    depth,
    dragen_coverage,
    dragen_histogram,
    dragen_mapping,
    fingerprint,
    flagstat,
    haploid,
    primers,
    samtools_stats,
)
from seqdrop.domain.pipeline import MeasureFormat

Metrics = dict[str, float]


@dataclass(frozen=True)
class Format:
    """How a file is read, and the names of all figures that may come out of it."""

    read: Callable[[bytes], Metrics]
    metrics: frozenset[str]
    read_lanes: Callable[[bytes], dict[str, Metrics]] = lambda _: {}
    """The figures by lane, where the file has them beside those of the run."""


FORMATS: dict[MeasureFormat, Format] = {
    "flagstat": Format(flagstat.read, flagstat.NAMES),
    "samtools-stats": Format(samtools_stats.read, samtools_stats.NAMES),
    "bcftools-stats": Format(bcftools_stats.read, bcftools_stats.NAMES),
    "calls": Format(calls.read, calls.NAMES),
    "callability": Format(callability.read, callability.NAMES),
    "depth": Format(depth.read, depth.NAMES),
    "fingerprint": Format(fingerprint.read, fingerprint.NAMES),
    "primers": Format(primers.read, primers.NAMES),
    "haploid": Format(haploid.read, haploid.NAMES),
    "dragen-mapping": Format(dragen_mapping.read, dragen_mapping.NAMES, dragen_mapping.read_lanes),
    "dragen-coverage": Format(dragen_coverage.read, dragen_coverage.NAMES),
    "dragen-histogram": Format(dragen_histogram.read, dragen_histogram.NAMES),
}
LANE_FIGURES = frozenset(
    (
        "primary_out", "mapped", "both_mapped", "properly_paired",
        "reads_looked_at", "reads_with_primer",
    )
)  # fmt: skip
"""What is kept of a lane; duplicates, for one, are marked later, in all lanes together."""


def figures_of(output: str, kind: MeasureFormat) -> frozenset[str]:
    """The names of all figures of a run that may be in an output; a folder of lanes has none."""
    return frozenset() if output.endswith("/") else FORMATS[kind].metrics


def read_measures(kind: MeasureFormat, content: bytes) -> Metrics:
    """The figures in a tool's output. Raises InvalidMeasure where it is not of that format."""
    with _refused_as(kind):
        return FORMATS[kind].read(content)


def read_lanes(kind: MeasureFormat, content: bytes) -> dict[str, Metrics]:
    """The figures by lane in an output that ``read_measures`` takes; none in most formats.

    Raises InvalidMeasure where those of a lane can't be.
    """
    with _refused_as(kind):
        return FORMATS[kind].read_lanes(content)


@contextmanager
def _refused_as(kind: MeasureFormat) -> Iterator[None]:
    try:
        yield
    except (msgspec.MsgspecError, KeyError, IndexError, ValueError) as error:
        raise InvalidMeasure(f"is not what {kind} is: {error!r}") from error
