"""The accuracy of calls: counts, shares and their intervals, by class."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import exp, lgamma, log

import msgspec

from seqdrop.domain.comparison.report import Kind

MINIMUM_COUNT = 10
"""Variants of the truth that a class needs to be judged."""
METHOD = "Clopper-Pearson interval, 95 %"
EVERYWHERE = "all"
"""The region that all confident regions are together."""
INDEL = "indel"
"""Insertions and deletions together, as most reports count them."""
_TAIL = 0.025
"""What lies beyond either end of an interval of 95 %."""
_HALVINGS = 50
"""Enough for the last digit that is shown, by far."""
_TINY, _STEPS, _CLOSE = 1e-300, 10_000, 1e-14
"""Of the continued fraction: what stands for 0, its longest length, and where it may end."""


class Zygosity(StrEnum):
    """The class of a genotype."""

    HET = "het"
    HOM = "hom"
    """Homozygous, or the only copy."""
    HET_ALT = "het_alt"
    """Two different alternative alleles: ``1/2``."""


CLASSES = frozenset(
    f"{kind}{zygosity}"
    for kind in (EVERYWHERE, INDEL, *Kind)
    for zygosity in ("", *(f"/{one}" for one in Zygosity))
)
"""What a class may be called; see ``ClassAccuracy.name``."""


class Interval(msgspec.Struct, frozen=True):
    """A share, and where it lies with 95 % confidence; None where nothing was counted."""

    value: float | None
    low: float
    high: float


class ClassAccuracy(msgspec.Struct, frozen=True):
    """How well one class was called."""

    kind: str
    """``all``, a kind of variant, or ``indel``."""
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
    region: str = EVERYWHERE
    """``all``, or one of the regions that were named."""

    @property
    def name(self) -> str:
        """As limits name it: ``snv``, or ``snv/het`` of one genotype."""
        return self.kind if self.zygosity == "all" else f"{self.kind}/{self.zygosity}"


class Accuracy(msgspec.Struct, frozen=True):
    """Calls held against a truth."""

    calls: str
    truth: str
    sample: str
    confident_bases: int
    classes: tuple[ClassAccuracy, ...]
    """All variants first, then by kind, then by kind and genotype; then each region likewise."""
    unresolved: int
    """Variants, of either file, that could not be compared: they count as wrong."""
    minimum_count: int
    method: str
    warnings: tuple[str, ...] = ()


def exact(successes: int, total: int) -> Interval:
    """A share with its exact interval of 95 %, which never says more than was observed.

    C. J. Clopper and E. S. Pearson 1934, doi:10.1093/biomet/26.4.404. 14 of 14 are at least 76.8 %.
    """
    if not total:
        return Interval(None, 0.0, 1.0)
    missed = total - successes
    low = _quantile(_TAIL, successes, missed + 1) if successes else 0.0
    high = _quantile(1 - _TAIL, successes + 1, missed) if missed else 1.0
    return Interval(successes / total, low, high)


def _quantile(share: float, a: float, b: float) -> float:
    """Where the beta distribution has so much below it."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _incomplete_beta(middle, a, b) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """What the beta distribution has below ``x``: NIST's DLMF, 8.17.22, by Lentz' method."""
    if x > (a + 1) / (a + b + 2):  # there the fraction of the other side ends sooner
        return 1 - _incomplete_beta(1 - x, b, a)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1 - x)) / a
    fraction, c, d = 1.0, 1.0, 0.0
    for step in range(_STEPS):
        m = step // 2
        if step == 0:
            term = 1.0
        elif step % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / (1 + term * d or _TINY)
        c = 1 + term / c or _TINY
        fraction *= c * d
        if step and abs(c * d - 1) < _CLOSE:
            break
    return front * (fraction - 1)


@dataclass
class ClassCounts:
    """The counts of one class."""

    true: int = 0
    missed: int = 0
    filtered: int = 0
    wrong_genotype: int = 0
    calls_true: int = 0
    calls_false: int = 0


Tallies = dict[tuple[str, Kind, Zygosity], ClassCounts]
"""By region, kind and genotype."""


def classes_of(tallies: Tallies, regions: Sequence[str], minimum: int) -> Iterator[ClassAccuracy]:
    """The classes of all confident regions, then those of each region that was named."""
    for region in (EVERYWHERE, *regions):
        here = {(kind, zyg): counts for (where, kind, zyg), counts in tallies.items()
                if where == region}  # fmt: skip
        for kind, zygosity, found in _classes(here):
            yield msgspec.structs.replace(_class(kind, zygosity, found, minimum), region=region)


def _classes(
    tallies: Mapping[tuple[Kind, Zygosity], ClassCounts],
) -> Iterator[tuple[str, str, list[ClassCounts]]]:
    """All variants and their genotypes; each kind, and indels together; the genotypes of each."""
    kinds: dict[str, tuple[Kind, ...]] = {kind.value: (kind,) for kind in Kind}
    kinds[INDEL] = (Kind.INSERTION, Kind.DELETION)
    found = {
        name: {zyg: [t for (k, z), t in tallies.items() if k in which and z is zyg]
               for zyg in Zygosity}
        for name, which in {EVERYWHERE: tuple(Kind), **kinds}.items()
    }  # fmt: skip
    whole = {EVERYWHERE: found.pop(EVERYWHERE)}
    for group in (whole, {name: one for name, one in found.items() if any(one.values())}):
        for name, by_genotype in group.items():
            yield name, "all", [one for some in by_genotype.values() for one in some]
        for name, by_genotype in group.items():
            for zygosity, some in by_genotype.items():
                if some or name == EVERYWHERE:
                    yield name, zygosity.value, some


def _class(kind: str, zygosity: str, tallies: Iterable[ClassCounts], minimum: int) -> ClassAccuracy:
    found = list(tallies)
    true, missed = sum(t.true for t in found), sum(t.missed for t in found)
    calls_true, calls_false = sum(t.calls_true for t in found), sum(t.calls_false for t in found)
    recall, precision = exact(true, true + missed), exact(calls_true, calls_true + calls_false)
    total = true + missed
    return ClassAccuracy(
        kind=kind,
        zygosity=zygosity,
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
