"""Fingerprints: a sample's genotypes at fixed SNPs, and whether two are of one person.

A fingerprint says who a person is. It lies with the other results, in ``fingerprint.json``;
catalog, logs and events know how many sites it has, and what share of them agrees with another.
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

LEAST_DEPTH = 10
"""Reads below which a site is not typed: of ten reads of a heterozygous site one time in fifty no
more than one shows the rarer allele, so that it looks homozygous."""
HOMOZYGOUS_UP_TO = 0.1
"""Share of the other allele's reads: errors, and some contamination."""
HETEROZYGOUS_FROM = 0.25
"""Share of the rarer allele's reads; of 30 reads, 3 in 1,000 heterozygous sites have less. Between
the two a site is not typed."""
LEAST_SHARED_SITES = 20
"""Sites that are typed in both; of fewer, nothing is said. Strangers agree in 19 or more of 20
sites with frequencies of 0.2 to 0.5 once in a thousand times, or less."""
SAME_FROM = 0.95
"""Share of sites that agree in two samples of one person: at a depth of ten reads some 0.98."""
OTHER_BELOW = 0.8
"""Strangers agree in 0.38 to 0.61 of sites whose rarer allele has a frequency of 0.5 to 0.2
(the sum of the squares of (1-p)^2, 2p(1-p) and p^2), siblings in 0.59 to 0.75."""


class Fingerprint(msgspec.Struct, frozen=True):
    """``fingerprint.json`` of ``seqdrop-tool fingerprint``."""

    genotypes: dict[str, str]
    """``contig:position:REF:ALT`` of each typed site to ``0/0``, ``0/1`` or ``1/1``."""
    metrics: dict[str, float] = {}
    """See ``domain/measures/fingerprint.py``."""


class Agreement(NamedTuple):
    """Sites that are typed in both of two samples, and those of them that agree."""

    sites: int
    same: int

    @property
    def concordance(self) -> float | None:
        """The share that agrees; None where too few are shared to say anything."""
        if self.sites < LEAST_SHARED_SITES:
            return None
        return round(self.same / self.sites, 4)


def genotype(ref: int, alt: int) -> str:
    """What so many reads of each allele say; "" where that is not clear."""
    depth = ref + alt
    if depth < LEAST_DEPTH:
        return ""
    share = alt / depth
    if min(share, 1 - share) >= HETEROZYGOUS_FROM:
        return "0/1"
    if share <= HOMOZYGOUS_UP_TO:
        return "0/0"
    return "1/1" if 1 - share <= HOMOZYGOUS_UP_TO else ""


def agreement(one: Mapping[str, str], other: Mapping[str, str]) -> Agreement:
    """How two samples' genotypes agree; sites are the same by contig, position and alleles."""
    shared = one.keys() & other.keys()
    return Agreement(len(shared), sum(one[site] == other[site] for site in shared))
