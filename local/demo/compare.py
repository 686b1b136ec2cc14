"""What was called against what was planted: alleles left-normalised, and their genotypes."""

import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from local.demo.genome import Genome, Variant

_PASSED = {"PASS", "."}


@dataclass(frozen=True)
class Score:
    """How many planted variants of a kind were found, and what else was called."""

    kind: str
    planted: int
    found: int
    called: int
    right_genotypes: int

    @property
    def recall(self) -> float:
        """The share of the planted that was found."""
        return self.found / self.planted if self.planted else 1.0

    @property
    def precision(self) -> float:
        """The share of the called that was planted."""
        return self.found / self.called if self.called else 1.0


def compare(planted: Iterable[Variant], called: Iterable[Variant]) -> list[Score]:
    """A score for SNPs, one for indels, and one for all."""
    genotypes = {v.allele: v.genotype for v in planted}
    answers = {v.allele: v.genotype for v in called}
    scores = []
    for kind in ("SNP", "indel", "all"):
        truth = {a for a in genotypes if kind in {_kind(a), "all"}}
        said = {a for a in answers if kind in {_kind(a), "all"}}
        found = truth & said
        right = sum(genotypes[a] == answers[a] for a in found)
        scores.append(Score(kind, len(truth), len(found), len(said), right))
    return scores


def _kind(allele: tuple[str, int, str, str]) -> str:
    return Variant(*allele, genotype="").kind


def read_vcf(path: Path, genome: Genome) -> list[Variant]:
    """The alternative alleles that a VCF's one sample has, of records that passed."""
    called: list[Variant] = []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if not line.startswith("#"):
                called += _alleles(line.rstrip("\n").split("\t"), genome)
    return called


def _alleles(fields: list[str], genome: Genome) -> Iterator[Variant]:
    contig, position, _, ref, alternatives, _, passed = fields[:7]
    if passed not in _PASSED or alternatives == ".":
        return
    sample = dict(zip(fields[8].split(":"), fields[9].split(":"), strict=False))
    copies = sample["GT"].replace("|", "/").split("/")
    for number, alt in enumerate(alternatives.split(","), 1):
        if str(number) in copies and not alt.startswith(("<", "*")):
            genotype = "hom" if set(copies) == {str(number)} else "het"
            where = left_normalise(genome.contigs[contig], int(position), ref.upper(), alt.upper())
            yield Variant(contig, *where, genotype)


def left_normalise(bases: str, position: int, ref: str, alt: str) -> tuple[int, str, str]:
    """The same change with the fewest bases, as far to the left as it can be."""
    while ref[-1] == alt[-1] and (len(ref) > 1 or len(alt) > 1):
        if min(len(ref), len(alt)) == 1:
            if position == 1:
                break
            position -= 1
            before = bases[position - 1]
            ref, alt = before + ref, before + alt
        ref, alt = ref[:-1], alt[:-1]
    while len(ref) > 1 and len(alt) > 1 and ref[0] == alt[0]:
        position, ref, alt = position + 1, ref[1:], alt[1:]
    return position, ref, alt
