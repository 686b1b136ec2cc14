"""Reads of another person in a sample, told by the balance of alleles at common SNPs.

The other person's genotype is not known, only how frequent each allele is. So every site is
weighed over what both may be, and the share of the other's reads is the one under which what was
counted is the likeliest, as verifyBamID does without known genotypes (Jun et al. 2012,
doi:10.1016/j.ajhg.2012.09.004)::

    L(c) = product over sites of
           (1-p)^2 * sum_g P(g) * Bin(alt; n, c*g/2)      the sample has REF alone
         + 2p(1-p) * BetaBin(alt; n, 5, 5)                the sample has both
         + p^2     * sum_g P(g) * Bin(ref; n, c*(2-g)/2)  the sample has ALT alone

``n`` is ref + alt, ``p`` the frequency of ALT, ``g`` the other's number of ALT alleles, and
``P(g)`` its probability at Hardy-Weinberg equilibrium. The binomials' shares also have the errors
of sequencing, which are counted where no allele can be meant: in reads of the two bases that are
neither REF nor ALT.

Where the sample has both alleles, their balance may lie anywhere from about 0.2 to 0.8, whatever
the other's share: three copies, mosaics, and mappers that prefer REF are no other person. So it
is the homozygous sites that speak, as in GATK's CalculateContamination. A relative shares alleles
with the sample: of a relative's reads, fewer are seen than there are.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from seqdrop.domain.fingerprint import HOMOZYGOUS_UP_TO
from seqdrop.domain.fingerprint_sites import is_common

LEAST_SITES = 100
"""Sites below which nothing is said. About half of so many are homozygous: at a depth of 30 these
have 1,500 reads, of which 2 % of another person are some 15 of the other allele, give or take 4."""
LEAST_DEPTH = 10
"""Reads below which a site is left out: it may have both alleles and show one."""
LEAST_OF_EACH = 5
"""Sites that show REF and sites that show ALT: where a sample has one allele nearly everywhere the
SNPs are not common, whatever is said of them, and another person's reads look the same."""
UNKNOWN_FREQUENCY = 0.5
"""Taken for ALT where nobody says how frequent it is. At homozygous sites the other allele has a
frequency of at most one half on average (of p*q/(p^2+q^2)): the share is then a lower bound."""
_BALANCE = 5.0
"""Both parameters of the beta distribution: a mean of 0.5, a standard deviation of 0.15."""
_RAREST = 0.01
_LARGEST = 0.5
"""Beyond a half the other person would be the sample."""
_GRID = (0.0, 0.001, 0.003, 0.01, 0.02, 0.04, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45)
_PRECISION = 1e-4


class Counted(NamedTuple):
    """Reads of one site, by what they show there."""

    ref: int
    alt: int
    others: int
    """Reads of the two bases that are neither."""
    frequency: float | None = None
    """Of ALT, where it is known."""


class _Weighed(NamedTuple):
    """What of a site does not depend on the share."""

    alt: int
    ref: int
    ways: float
    """Logarithm of the binomial coefficient."""
    of_sample: tuple[float, float, float]
    """Probabilities of 0, 1 and 2 ALT alleles."""
    balanced: float
    """Probability of one of each, and of the counts then."""


def error_rate(sites: Iterable[Counted]) -> float:
    """How often a base is read as one certain other base; never 0, since more reads would tell.

    Two of the three wrong bases are neither allele: half of their reads are those of one.
    """
    others = depth = 0
    for site in sites:
        others += site.others
        depth += site.ref + site.alt + site.others
    return min((others + 1) / (2 * depth + 2), 0.1)


def contamination(sites: Iterable[Counted]) -> float | None:
    """The share of reads that are another person's, from 0 to 0.5; None where sites tell little."""
    deep = [
        site for site in sites if site.ref + site.alt >= LEAST_DEPTH and is_common(site.frequency)
    ]
    of_each = [sum(of(site) for site in deep) for of in (_shows_ref, _shows_alt)]
    if len(deep) < LEAST_SITES or min(of_each) < LEAST_OF_EACH:
        return None
    error = error_rate(deep)
    weighed = [_weigh(site) for site in deep]
    shares = (*_GRID, _LARGEST)
    likelihoods = [_log_likelihood(weighed, share, error) for share in shares]
    best = max(range(len(shares)), key=likelihoods.__getitem__)
    low, high = shares[max(best - 1, 0)], shares[min(best + 1, len(shares) - 1)]
    return _likeliest(weighed, low, high, error)


def _shows_ref(site: Counted) -> bool:
    return site.ref > HOMOZYGOUS_UP_TO * (site.ref + site.alt)


def _shows_alt(site: Counted) -> bool:
    return site.alt > HOMOZYGOUS_UP_TO * (site.ref + site.alt)


def _weigh(site: Counted) -> _Weighed:
    p = UNKNOWN_FREQUENCY if site.frequency is None else site.frequency
    p = min(max(p, _RAREST), 1 - _RAREST)
    n = site.ref + site.alt
    ways = math.lgamma(n + 1) - math.lgamma(site.ref + 1) - math.lgamma(site.alt + 1)
    of_sample = ((1 - p) ** 2, 2 * p * (1 - p), p**2)
    spread = _log_beta(site.alt + _BALANCE, site.ref + _BALANCE) - _log_beta(_BALANCE, _BALANCE)
    return _Weighed(site.alt, site.ref, ways, of_sample, of_sample[1] * math.exp(ways + spread))


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _log_likelihood(sites: Sequence[_Weighed], share: float, error: float) -> float:
    # Of the other's 0, 1 or 2 foreign alleles: the logarithms of its reads' share, and of the rest.
    logs = []
    for alleles in range(3):
        foreign = share * alleles / 2
        seen = foreign * (1 - error) + (1 - foreign) * error
        logs.append((math.log(seen), math.log1p(-seen)))
    total = 0.0
    for alt, ref, ways, (none, one, both), balanced in sites:
        as_ref = as_alt = 0.0
        for (seen, rest), g, mirrored in zip(
            logs, (none, one, both), (both, one, none), strict=True
        ):
            as_ref += g * math.exp(ways + alt * seen + ref * rest)
            as_alt += mirrored * math.exp(ways + ref * seen + alt * rest)
        total += math.log(none * as_ref + balanced + both * as_alt)
    return total


def _likeliest(sites: Sequence[_Weighed], low: float, high: float, error: float) -> float:
    """The maximum between two shares, by the golden section."""
    ratio = (math.sqrt(5) - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = (_log_likelihood(sites, share, error) for share in (left, right))
    while high - low > _PRECISION:
        if at_left >= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = _log_likelihood(sites, left, error)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = _log_likelihood(sites, right, error)
    return low if low == 0.0 else (low + high) / 2
