"""Fingerprints: a sample's genotypes at fixed SNPs, and whether two are of one person.

A fingerprint says who a person is. It lies with the other results, in ``fingerprint.json``;
catalog, logs and events know how many sites it has, and what share of them agrees with another.
"""

from collections.abc import Iterable, Mapping
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
LEAST_TELLING_SITES = 5
"""Shared sites that one of two samples has otherwise than most: of 20 common SNPs 7 or more. At
rare ones everybody is homozygous for the same allele, and any two people agree."""
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


class Comparison(NamedTuple):
    """What a sample was compared with, and what came of it."""

    other: str
    """For people: a run, and never who the person is."""
    sites: int = 0
    """Sites that are typed in both."""
    same: int = 0
    """Those of them that agree."""
    telling: int = LEAST_SHARED_SITES
    """Sites that are not homozygous in both for the allele that most sites are."""
    told: int = LEAST_SHARED_SITES
    """Those of them that agree."""
    problem: str = ""
    """Why nothing could be compared."""
    supplied: bool = False
    """Whether a lab supplied the other genotypes: then it relies on the comparison."""
    remedy: str = ""
    """What may be wrong where too few sites are shared, and what to do."""

    @property
    def is_alike(self) -> bool:
        """Whether nearly all shared sites have one genotype, as anybody's would."""
        return self.sites >= LEAST_SHARED_SITES and self.telling < LEAST_TELLING_SITES

    @property
    def concordance(self) -> float | None:
        """The share that agrees; None where the shared sites say too little.

        At rare SNPs any two people agree nearly everywhere, but not where one of them differs from
        most: where the telling sites alone are another person's, their share counts.
        """
        if self.sites < LEAST_SHARED_SITES or self.is_alike:
            return None
        of_all, of_telling = self.same / self.sites, self.told / self.telling
        is_other = of_telling < OTHER_BELOW <= of_all
        return round(of_telling if is_other else of_all, 4)


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


def compared(other: str, mine: Mapping[str, str], theirs: Mapping[str, str]) -> Comparison:
    """How two samples' genotypes agree; sites are the same by contig, position and alleles."""
    return Comparison(other, *agreement((mine[s], theirs[s]) for s in mine.keys() & theirs.keys()))


class Agreement(NamedTuple):
    """As in ``Comparison``."""

    sites: int
    same: int
    telling: int
    told: int


def agreement(pairs: Iterable[tuple[str, str]]) -> Agreement:
    """How two samples' genotypes of the same sites agree."""
    shared = list(pairs)
    usual = max(("0/0", "1/1"), key=lambda homozygous: shared.count((homozygous, homozygous)))
    telling = [pair for pair in shared if pair != (usual, usual)]
    same, told = (sum(one == two for one, two in some) for some in (shared, telling))
    return Agreement(len(shared), same, len(telling), told)


def identity_metrics(comparisons: Iterable[Comparison]) -> dict[str, float]:
    """The figures of the comparison that agrees least, or has most sites where none says much."""
    found = [one for one in comparisons if not one.problem]
    if not found:
        return {}
    told = [one for one in found if one.concordance is not None]
    if not told:
        return {"identity_sites": max(one.sites for one in found)}
    worst = min(told, key=lambda one: one.concordance or 0.0)
    return {"identity_sites": worst.sites, "identity_concordance": worst.concordance or 0.0}


def is_refuted(metrics: Mapping[str, float]) -> bool:
    """Whether a run was found to be another person's."""
    return metrics.get("identity_concordance", 1.0) < OTHER_BELOW
