"""People with genotypes at common SNPs, their reads, and what is counted in mixtures of them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local.demo.genome import Genome, Variant, haplotypes, make_genome, seeded
from local.demo.reads import Lane, write_lane
from seqdrop.domain.contamination import Counted
from seqdrop.domain.fingerprint_sites import HEADER

EVERY = 250
"""Bases from one SNP of the made genome to the next."""
ERRORS = 0.002
"""How often a base is read as another one."""


@dataclass(frozen=True)
class Panel:
    """The frequency of ALT at each site."""

    frequencies: Sequence[float]

    def person(self, rng: random.Random) -> list[int]:
        """How many ALT alleles somebody has at each site."""
        return [(rng.random() < p) + (rng.random() < p) for p in self.frequencies]

    def counts(
        self,
        rng: random.Random,
        shares: Sequence[float],
        *,
        other: Sequence[int] = (),
        mixed: float = 0.0,
        depth: float = 30,
        known: bool = True,
    ) -> list[Counted]:
        """Reads of somebody with such shares of ALT, some of them of another person."""
        counted = []
        for number, share in enumerate(shares):
            seen = [0, 0, 0]
            for _ in range(max(1, round(rng.gauss(depth, depth**0.5)))):
                foreign = rng.random() < mixed
                allele = int(rng.random() < (other[number] / 2 if foreign else share))
                if rng.random() < ERRORS:
                    allele = rng.choice([1 - allele, 2, 2])
                seen[allele] += 1
            frequency = self.frequencies[number] if known else None
            counted.append(Counted(seen[0], seen[1], seen[2], frequency))
        return counted


def panel(rng: random.Random, sites: int) -> Panel:
    """Common SNPs."""
    return Panel([rng.uniform(0.1, 0.9) for _ in range(sites)])


def balanced(person: Sequence[int]) -> list[float]:
    """The share of ALT in a pure sample."""
    return [alleles / 2 for alleles in person]


@dataclass(frozen=True)
class People:
    """A genome with SNPs that are known to be common, and what two people have there."""

    genome: Genome
    panel: Panel
    snps: list[tuple[int, str, str]]
    genotypes: list[list[int]]

    def write_lane(
        self, who: int, files: tuple[Path, Path], number: int, *, depth: float, seed: int
    ) -> None:
        """Reads of one of them, to a depth; the seed tells two samples of one person apart."""
        variants = [
            Variant("chr1", position, ref, alt, "het" if alleles == 1 else "hom")
            for (position, ref, alt), alleles in zip(self.snps, self.genotypes[who], strict=True)
            if alleles
        ]
        chromosomes = haplotypes(self.genome, variants, who)
        write_lane(chromosomes, files, Lane("FC", number), depth=depth, seed=seed)

    def sites(self) -> str:
        """The SNPs as a lab would give them."""
        lines = [
            f"chr1\t{position}\t.\t{ref}\t{alt}\t.\t.\tAF={frequency:.3g}"
            for (position, ref, alt), frequency in zip(
                self.snps, self.panel.frequencies, strict=True
            )
        ]
        return "\n".join([*HEADER, *lines]) + "\n"

    def truth(self, who: int) -> dict[str, str]:
        """The genotypes of one of them."""
        names = ("0/0", "0/1", "1/1")
        return {
            f"chr1:{position}:{ref}:{alt}": names[alleles]
            for (position, ref, alt), alleles in zip(self.snps, self.genotypes[who], strict=True)
        }


def two_people(sites: int) -> People:
    """The same two for a number of sites."""
    chance = seeded(9, "people")
    bases = make_genome(9, {"chr1": (sites + 2) * EVERY}).contigs["chr1"]
    common = panel(chance, sites)
    snps = []
    for position in range(EVERY, (sites + 1) * EVERY, EVERY):
        base = bases[position - 1]
        snps.append((position, base, chance.choice([b for b in "ACGT" if b != base])))
    genotypes = [common.person(chance) for _ in range(2)]
    return People(Genome({"chr1": bases}), common, snps, genotypes)
