"""The accuracy of calls: counts, shares and their intervals, by class."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt

import msgspec

from seqdrop.domain.comparison.report import Kind

MINIMUM_COUNT = 10
"""Variants of the truth that a class needs to be judged."""
METHOD = "Wilson score interval, 95 %"
_Z = 1.959964
"""The normal distribution's quantile for 95 %, two-sided."""


class Zygosity(StrEnum):
    """The class of a genotype."""

    HET = "het"
    HOM = "hom"
    """Homozygous, or the only copy."""
    HET_ALT = "het_alt"
    """Two different alternative alleles: ``1/2``."""


class Interval(msgspec.Struct, frozen=True):
    """A share, and where it lies with 95 % confidence; None where nothing was counted."""

    value: float | None
    low: float
    high: float


class ClassAccuracy(msgspec.Struct, frozen=True):
    """How well one class was called."""

    kind: str
    """``all``, or a kind of variant."""
    zygosity: str
    """``all``, or a class of genotype."""
    truth_total: int
    true_positives: int
    """Variants of the truth that were called."""
    false_negatives: int
    filtered: int
    """False negatives that were called, but not PASS."""
    wrong_genotype: int
    """False negatives whose allele was called with another genotype."""
    calls_total: int
    calls_true: int
    """Calls that are in the truth; other than true positives where they are written otherwise."""
    false_positives: int
    recall: Interval
    precision: Interval
    f1: float | None
    is_judged: bool
    """False where the truth has too few of the class to say anything: see ``note``."""
    note: str = ""


class Accuracy(msgspec.Struct, frozen=True):
    """Calls held against a truth."""

    calls: str
    truth: str
    sample: str
    confident_bases: int
    classes: tuple[ClassAccuracy, ...]
    """All variants first, then by kind, then by kind and genotype."""
    unresolved: int
    """Variants, of either file, that could not be compared: they count as wrong."""
    minimum_count: int
    method: str
    warnings: tuple[str, ...] = ()


def wilson(successes: int, total: int) -> Interval:
    """A share with its 95 % interval by Wilson's score.

    E. B. Wilson 1927, doi:10.1080/01621459.1927.10502953; for few observations it is preferred to
    the exact one, which is wider than it has to be (Brown, Cai and DasGupta 2001,
    doi:10.1214/ss/1009213286). 14 of 14 are at least 78 %; by Clopper and Pearson, 76.8 %.
    """
    if not total:
        return Interval(None, 0.0, 1.0)
    share, square = successes / total, _Z * _Z
    middle = (share + square / (2 * total)) / (1 + square / total)
    spread = share * (1 - share) / total + square / (4 * total * total)
    half = _Z / (1 + square / total) * sqrt(spread)
    low = 0.0 if not successes else middle - half
    high = 1.0 if successes == total else middle + half
    return Interval(share, low, high)


@dataclass
class ClassCounts:
    """The counts of one class."""

    true: int = 0
    missed: int = 0
    filtered: int = 0
    wrong_genotype: int = 0
    calls_true: int = 0
    calls_false: int = 0


def classes_of(
    tallies: dict[tuple[Kind, Zygosity], ClassCounts], minimum: int
) -> Iterator[ClassAccuracy]:
    """All variants, then each kind, then each kind and genotype."""
    yield _class("all", "all", tallies.values(), minimum)
    for zygosity in Zygosity:
        yield _class("all", zygosity, _some(tallies, None, zygosity), minimum)
    for kind in Kind:
        if found := _some(tallies, kind, None):
            yield _class(kind, "all", found, minimum)
    for kind in Kind:
        for zygosity in Zygosity:
            if found := _some(tallies, kind, zygosity):
                yield _class(kind, zygosity, found, minimum)


def _some(
    tallies: Mapping[tuple[Kind, Zygosity], ClassCounts],
    kind: Kind | None,
    zygosity: Zygosity | None,
) -> list[ClassCounts]:
    return [t for (k, z), t in tallies.items() if kind in (None, k) and zygosity in (None, z)]


def _class(kind: str, zygosity: str, tallies: Iterable[ClassCounts], minimum: int) -> ClassAccuracy:
    found = list(tallies)
    true, missed = sum(t.true for t in found), sum(t.missed for t in found)
    calls_true, calls_false = sum(t.calls_true for t in found), sum(t.calls_false for t in found)
    recall, precision = wilson(true, true + missed), wilson(calls_true, calls_true + calls_false)
    total = true + missed
    return ClassAccuracy(
        kind=str(kind),
        zygosity=str(zygosity),
        truth_total=total,
        true_positives=true,
        false_negatives=missed,
        filtered=sum(t.filtered for t in found),
        wrong_genotype=sum(t.wrong_genotype for t in found),
        calls_total=calls_true + calls_false,
        calls_true=calls_true,
        false_positives=calls_false,
        recall=recall,
        precision=precision,
        f1=_f1(recall.value, precision.value),
        is_judged=total >= minimum,
        note="" if total >= minimum else f"too few to judge: {total} of at least {minimum}",
    )


def _f1(recall: float | None, precision: float | None) -> float | None:
    """The harmonic mean of both."""
    if recall is None or precision is None:
        return None
    return 2 * recall * precision / (recall + precision) if recall + precision else 0.0
