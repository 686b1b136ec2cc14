"""Genotypes that a lab supplied for a sample, and how a run's fingerprint is held against them.

They lie in the results bucket, one file for a sample, and stay there until a person removes them.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from seqdrop.domain.bed import renamed
from seqdrop.domain.fingerprint import LEAST_SHARED_SITES, SAME_FROM, Comparison, agreement

Genotype = Literal["0/0", "0/1", "1/1"]
NO_ALT = "."
"""What stands for ALT where a VCF names none, as array exports do where no sample has it."""


class SuppliedFingerprint(msgspec.Struct, frozen=True):
    """``supplied-fingerprint.json`` of a sample."""

    supplied: str
    """When: UTC, ISO 8601."""
    by: str
    genotypes: dict[str, Genotype]
    """``contig:position:REF:ALT`` of each site, as in a run's fingerprint; with ``.`` for ALT the
    genotype is 0/0, whatever the ALT is that a run looks for."""

    @property
    def name(self) -> str:
        """For people: which genotypes were meant, and never whose they are."""
        return f"the genotypes supplied {self.supplied}"


def compared_with_supplied(mine: Mapping[str, str], supplied: SuppliedFingerprint) -> Comparison:
    """How a run's genotypes agree with those that a lab supplied.

    Of a file on the other strand only SNPs may fit that are their own complement (A and T, C and
    G), and these the wrong way round. So where most alleles differ, no other person is found.
    """
    theirs = supplied.genotypes
    pairs = [
        (genotype, other)
        for site, genotype in mine.items()
        if (other := theirs.get(site) or theirs.get(f"{_without_alt(site)}:{NO_ALT}"))
    ]
    found = agreement(pairs)
    shared, same = found.sites, found.same
    if shared < LEAST_SHARED_SITES:
        remedy = _remedy(mine, theirs, shared)
        return Comparison(supplied.name, shared, same, supplied=True, remedy=remedy)
    if same < SAME_FROM * shared and shared < (common := _common_places(mine, theirs)) / 2:
        problem = _other_alleles(common - shared, common)
        return Comparison(supplied.name, problem=problem, supplied=True)
    return Comparison(supplied.name, *found, supplied=True)


def _remedy(mine: Mapping[str, str], theirs: Mapping[str, str], shared: int) -> str:
    """What most likely keeps the sites apart."""
    if len(mine) < LEAST_SHARED_SITES:
        return f"this run could type {len(mine)} sites, for want of reads or of sites"
    my_contigs, their_contigs = _contigs(mine), _contigs(theirs)
    if not my_contigs & their_contigs:
        how = renamed(sorted(their_contigs), dict.fromkeys(my_contigs, 0))
        return f"no contig has the same name{how}; supply them with the reference's names"
    common = _common_places(mine, theirs)
    if common >= LEAST_SHARED_SITES:
        return _other_alleles(common - shared, common)
    return (
        "supply genotypes of the reference's own assembly, at its SNPs for identity, or add a "
        "version of the reference whose SNPs they have"
    )


def _without_alt(site: str) -> str:
    return site.rpartition(":")[0]


def _other_alleles(differing: int, common: int) -> str:
    return (
        f"REF or ALT differ at {differing} of {common} positions that are in both; supply "
        "genotypes on the forward strand, with the reference's base for REF"
    )


def _common_places(mine: Iterable[str], theirs: Iterable[str]) -> int:
    """How many positions are in both; theirs may be a million."""
    places = {_place(site) for site in mine}
    return len({place for site in theirs if (place := _place(site)) in places})


def _place(site: str) -> str:
    return site.rsplit(":", 2)[0]


def _contigs(sites: Iterable[str]) -> set[str]:
    return {site.rsplit(":", 3)[0] for site in sites}
