"""Genotypes that a lab supplied for a sample, and how a run's fingerprint is held against them.

They lie in the results bucket, one file for a sample, and stay there until a person removes them.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from seqdrop.domain.bed import renamed
from seqdrop.domain.fingerprint import LEAST_SHARED_SITES, Comparison

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
    """How a run's genotypes agree with those that a lab supplied."""
    theirs = supplied.genotypes
    shared = same = 0
    for site, genotype in mine.items():
        other = theirs.get(site) or theirs.get(f"{_without_alt(site)}:{NO_ALT}")
        shared += other is not None
        same += other == genotype
    remedy = _remedy(mine, theirs) if shared < LEAST_SHARED_SITES else ""
    return Comparison(supplied.name, shared, same, supplied=True, remedy=remedy)


def _remedy(mine: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    """What most likely keeps the sites apart."""
    if len(mine) < LEAST_SHARED_SITES:
        return f"this run could type {len(mine)} sites, for want of reads or of sites"
    my_contigs, their_contigs = _contigs(mine), _contigs(theirs)
    if not my_contigs & their_contigs:
        how = renamed(sorted(their_contigs), dict.fromkeys(my_contigs, 0))
        return f"no contig has the same name{how}; supply them with the reference's names"
    my_places, their_places = _places(mine), _places(theirs)
    common = len(my_places & their_places)
    if common >= LEAST_SHARED_SITES:
        return (
            f"{common} positions are in both, but mostly with another REF or ALT; supply genotypes "
            "on the forward strand, with the reference's base for REF"
        )
    return (
        "supply genotypes of the reference's own assembly, at its SNPs for identity, or add a "
        "version of the reference whose SNPs they have"
    )


def _without_alt(site: str) -> str:
    return site.rpartition(":")[0]


def _places(sites: Iterable[str]) -> set[str]:
    return {site.rsplit(":", 2)[0] for site in sites}


def _contigs(sites: Iterable[str]) -> set[str]:
    return {site.rsplit(":", 3)[0] for site in sites}
