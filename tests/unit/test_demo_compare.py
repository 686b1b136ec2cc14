"""Called variants against planted ones."""

import gzip
from pathlib import Path

import pytest

from local.demo.compare import compare, left_normalise, read_vcf
from local.demo.genome import Genome, Variant
from local.demo.people import Person
from local.demo.report import Outcome
from seqdrop.aws.catalog.layout import SampleItems
from seqdrop.domain.records import Analysis, Run
from seqdrop.sample_view import view_sample

GENOME = Genome({"c": "GGCAAATTCGTACG"})
SNP = Variant("c", 2, "G", "T", "het")
INDEL = Variant("c", 3, "CA", "C", "hom")
ADA = SampleItems((Analysis("ADA", "cpu"),), (), (Run("ADA", "cpu", "abc", 1, 1),), ())
RUN = view_sample("ADA", ADA).analyses[0].runs[0]


def write_vcf(folder: Path, *records: str) -> Path:
    path = folder / "variants.vcf.gz"
    header = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS\n"
    lines = [record.replace(" ", "\t") + "\n" for record in records]
    path.write_bytes(gzip.compress((header + "".join(lines)).encode()))
    return path


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ((2, "G", "T"), (2, "G", "T")),
        ((6, "AT", "T"), (3, "CA", "C")),
        ((5, "A", "AA"), (3, "C", "CA")),
        ((3, "CAAA", "CAA"), (3, "CA", "C")),
        ((3, "CAA", "CAT"), (5, "A", "T")),
    ],
)
def test_a_change_has_one_normal_form(
    given: tuple[int, str, str], normal: tuple[int, str, str]
) -> None:
    assert left_normalise(GENOME.contigs["c"], *given) == normal


def test_calls_are_read_with_their_genotypes_and_only_where_they_passed(tmp_path: Path) -> None:
    path = write_vcf(
        tmp_path,
        "c 2 . G T 50 PASS . GT:DP 0/1:30",
        "c 5 . AA A 50 . . GT:DP 1/1:30",
        "c 9 . C G 5 LowQual . GT:DP 0/1:30",
        "c 10 . G . 50 PASS . GT:DP 0/0:30",
        "c 11 . T A,C 50 PASS . GT 1|2",
    )
    assert read_vcf(path, GENOME) == [
        SNP,
        INDEL,
        Variant("c", 11, "T", "A", "het"),
        Variant("c", 11, "T", "C", "het"),
    ]


def test_scores_count_what_was_missed_invented_and_given_the_wrong_genotype() -> None:
    called = [Variant("c", 2, "G", "T", "hom"), Variant("c", 9, "C", "G", "het")]
    snps, indels, both = compare([SNP, INDEL], called)
    assert (snps.recall, snps.precision, snps.right_genotypes) == (1.0, 0.5, 0)
    assert (indels.recall, indels.precision) == (0.0, 1.0)
    assert (both.planted, both.found, both.called) == (2, 1, 2)


@pytest.mark.parametrize(
    ("status", "called", "good"),
    [
        ("ANALYSED", [SNP, INDEL], True),
        ("FAILED", [SNP, INDEL], False),
        ("ANALYSED", [SNP], False),
        ("ANALYSED", [SNP, INDEL, Variant("c", 9, "C", "G", "het")], False),
    ],
)
def test_an_outcome_is_good_only_where_all_is_as_planted(
    status: str, called: list[Variant], good: bool
) -> None:
    person = Person("ADA", "germline-cpu", [SNP, INDEL], (), "")
    outcome = Outcome(person, status, RUN, compare(person.planted, called), Path("none"))
    assert outcome.good is good
