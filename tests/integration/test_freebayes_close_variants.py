"""What freebayes calls where variants lie close together: the sample's sequence, and no other."""

import re
from itertools import pairwise, product
from typing import NamedTuple

import pytest

from tests.integration.test_calling import AMPLICON, Call, genome_of, panel_calls
from tests.tools_support import native, shims

pytestmark = pytest.mark.skipif(not native("freebayes"), reason="freebayes is not installed")
BY_FREEBAYES = AMPLICON | {"call_bcftools": False, "call_freebayes": True, "min_mapq": "20"}
APART, READS = 2_500, 40


class Edit(NamedTuple):
    """From a place in the case's bases, so many are replaced."""

    at: int
    length: int
    alt: str


class Case(NamedTuple):
    """Bases of the reference, and what is changed in them on both chromosomes."""

    bases: str
    one: tuple[Edit, ...]
    two: tuple[Edit, ...] = ()

    def alleles(self) -> list[str]:
        return sorted(changed(self.bases, edits) for edits in (self.one, self.two))


SNP = Edit(13, 1, "A")
CASES = {
    "a deletion and a SNP 2 bp on": Case("CATTGAGTGTCGCTAAGGAC", (Edit(10, 1, ""), SNP)),
    "2 deleted and a SNP 2 bp on": Case("CATTGAGTGGCCGTCTAGAC", (Edit(9, 2, ""), SNP)),
    "2 deleted, a SNP 2 bp on, both homozygous": Case(
        "CATTGAGTGGCCGTCTAGAC", (Edit(9, 2, ""), SNP), (Edit(9, 2, ""), SNP)
    ),
    "2 deleted beside a SNP": Case("CATTGAGTGGCCGTCTAGAC", (Edit(11, 2, ""), SNP)),
    "1 inserted and a SNP": Case("CATTGAGTACCAGTCTAGAC", (Edit(12, 0, "G"), SNP)),
    "3 inserted and a SNP": Case("CATTGAGTACCAGTCTAGAC", (Edit(11, 0, "GAT"), SNP)),
    "2 inserted beside a SNP": Case("CATTGAGTACCAGTCTAGAC", (Edit(14, 0, "GA"), SNP)),
    "adjacent SNPs": Case("CATTGAGTACCAGTCTAGAC", (Edit(12, 1, "C"), SNP)),
    "adjacent SNPs, homozygous": Case(
        "CATTGAGTACCAGTCTAGAC", (Edit(12, 1, "C"), SNP), (Edit(12, 1, "C"), SNP)
    ),
    "adjacent SNPs of two chromosomes": Case("CATTGAGTACCAGTCTAGAC", (Edit(12, 1, "C"),), (SNP,)),
    "a homozygous SNP beside a heterozygous one": Case(
        "CATTGAGTACCAGTCTAGAC", (Edit(12, 1, "C"), SNP), (SNP,)
    ),
    "a SNP in the other's deletion": Case("CATTGAGTACCAGTCTAGAC", (Edit(12, 3, ""),), (SNP,)),
    "a SNP or a deletion of one base": Case("CATTGAGTACCAGTCTAGAC", (Edit(13, 1, ""),), (SNP,)),
    "two alleles": Case("CATTGAGTACCAGTCTAGAC", (Edit(13, 1, "G"),), (SNP,)),
    "two deletions": Case("CATTGAGTACCAGTCTAGAC", (Edit(12, 1, ""),), (Edit(12, 3, ""),)),
    "a deletion and an insertion": Case(
        "CATTGAGTACCAGTCTAGAC", (Edit(12, 2, ""),), (Edit(12, 0, "CAT"),)
    ),
    "a homozygous SNP behind a deletion": Case(
        "CATTGAGTACCAGTCTAGAC", (Edit(8, 3, ""), SNP), (Edit(9, 1, "G"), SNP)
    ),
    "a deletion with a SNP, and another SNP there": Case(
        "CATTGAGTACCAGTCTAGAC", (Edit(10, 2, ""), SNP), (Edit(13, 1, "C"),)
    ),
    "what one base after the other would make a SNP and a deletion of": Case(
        "CATTGAGTGGTGTCACTGAC", (Edit(7, 6, "TTGC"),)
    ),
    "a repeat that is shorter, and a SNP at its end": Case(
        "CATTGACTTTTTTAGCATGC", (Edit(7, 1, ""), Edit(13, 1, "C"))
    ),
    "a repeat that is shorter, or has a SNP": Case(
        "CATTGACTTTTTTAGCATGC", (Edit(7, 1, ""),), (Edit(9, 1, "A"),)
    ),
    "a homozygous SNP at the end of a repeat that is shorter once": Case(
        "CATTGACTTTTTTAGCATGC", (Edit(7, 1, ""), Edit(13, 1, "C")), (Edit(13, 1, "C"),)
    ),
}  # fmt: skip
PLACES = {name: 1_500 + APART * number for number, name in enumerate(CASES)}


def changed(bases: str, edits: tuple[Edit, ...]) -> str:
    for at, length, alt in sorted(edits, reverse=True):
        bases = bases[:at] + alt + bases[at + length :]
    return bases


def planted() -> tuple[str, list[str]]:
    """A genome with all cases, and fragments of both chromosomes around each."""
    genome = genome_of(APART * (len(CASES) + 1))
    for name, case in CASES.items():
        at = PLACES[name]
        genome = genome[:at] + case.bases + genome[at + len(case.bases) :]
    fragments = []
    for name, case in CASES.items():
        at = PLACES[name]
        for edits in (case.one, case.two):
            after = genome[at + len(case.bases) : at + 400]
            around = genome[at - 300 : at] + changed(case.bases, edits) + after
            starts = [200 - 2 * read - 100 * (read % 2) for read in range(READS)]
            fragments += [around[start : start + 300] for start in starts]
    return genome, fragments


def told(case: Case, records: list[Call], at: int) -> list[list[str]]:
    """The pairs of sequences that the records may stand for, whichever are on one chromosome."""
    pairs = []
    for turned in product([False, True], repeat=len(records)):
        edits: tuple[list[Edit], list[Edit]] = ([], [])
        for record, is_turned in zip(records, turned, strict=True):
            alleles = re.split(r"[/|]", record.values["GT"])
            for own, allele in zip(edits, alleles[::-1] if is_turned else alleles, strict=True):
                if allele not in {"0", "."}:
                    alt = record.alt.split(",")[int(allele) - 1]
                    own.append(Edit(record.position - 1 - at, len(record.ref), alt))
        if all(apart(sorted(own)) for own in edits):
            pairs.append(sorted(changed(case.bases, tuple(own)) for own in edits))
    return pairs


def apart(edits: list[Edit]) -> bool:
    return all(a.at + a.length <= b.at for a, b in pairwise(edits))


@pytest.fixture(scope="module", params=[False, True], ids=["whole", "split"])
def found(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[Call]]:
    """The records of each case, by its name."""
    folder = tmp_path_factory.mktemp("close")
    path = shims(folder / "bin", native_first=True)
    variables = BY_FREEBAYES | {"split_multiallelics": bool(request.param)}
    records = panel_calls(folder, path, *planted(), variables)
    cases: dict[str, list[Call]] = {name: [] for name in CASES}
    for record in records:
        name = next(n for n, at in PLACES.items() if at <= record.position - 1 < at + 20)
        cases[name].append(record)
    return cases


@pytest.mark.parametrize("name", CASES)
def test_the_records_of_close_variants_are_the_samples_two_sequences(
    name: str, found: dict[str, list[Call]]
) -> None:
    records = found[name]
    assert {record.filter for record in records} == {"PASS"}
    assert CASES[name].alleles() in told(CASES[name], records, PLACES[name])
    for record in records:
        genotype = re.split(r"[/|]", record.values["GT"])
        reads = [int(count) for count in record.values["AD"].split(",")]
        assert len(reads) == 1 + len(record.alt.split(","))
        for allele, count in enumerate(reads):
            expected = READS * genotype.count(str(allele))
            assert 0.8 * expected <= count <= expected


def test_snps_of_one_chromosome_are_records_of_their_own(found: dict[str, list[Call]]) -> None:
    at = PLACES["adjacent SNPs"]
    calls = [(r.position - 1 - at, r.ref, r.alt) for r in found["adjacent SNPs"]]
    assert calls == [(12, "G", "C"), (13, "T", "A")]


def test_a_change_of_length_that_is_joined_with_a_snp_stays_whole(
    found: dict[str, list[Call]],
) -> None:
    """Cut from the left, base by base, it would be a SNP G>T and a deletion TGT>C."""
    (name,) = (name for name in CASES if name.startswith("what one base after"))
    calls = [(r.position - 1 - PLACES[name], r.ref, r.alt) for r in found[name]]
    assert calls == [(8, "GGTGT", "TGC")]
