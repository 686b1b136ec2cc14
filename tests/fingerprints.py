"""People with genotypes at common SNPs, and what is counted in mixtures of their reads."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from seqdrop.domain.contamination import Counted

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
