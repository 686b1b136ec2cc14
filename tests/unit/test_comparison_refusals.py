"""Files that can't be compared as they stand: each is refused with its line and a remedy."""

import pytest

from seqdrop.domain.comparison.report import Verdict
from seqdrop.domain.errors import InvalidInput
from tests.comparison_support import call_file, compared, line, vcf

GOOD = vcf(line("2 A C"))
FIRST = len(GOOD.splitlines())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "bad.vcf is empty"),
        ("chr1\t1\n", "line 1 is not '##fileformat=VCF"),
        ("##fileformat=VCFv4.2\nchr1\t2\t.\tA\n", "no line #CHROM"),
        (GOOD.replace("\tFORMAT\tS1", ""), "the columns are not #CHROM"),
        (GOOD.replace("\tS1", "\tS1\tS2"), "has 2 samples ('S1', 'S2'): choose one"),
        (GOOD.replace("\tS1", "\tS1\tS1"), "same sample's name"),
        (vcf(line("9 A C"), line("2 A C")), f"line {FIRST + 1} (chr1) lies before"),
        (
            vcf(line("2 A C"), line("2 A C", contig="chr2"), line("9 A C"), contigs={}),
            "goes back to chr1",
        ),
        (vcf(line("2000 A C")), "(chr1:2000) is beyond the contig's end, 1000"),
        (GOOD + "chr1\t9\t.\tA\n", f"line {FIRST + 1} has 4 columns, but the header names 10"),
        (GOOD.replace("GT\t", "DP:GT\t"), "GT first in FORMAT"),
        (GOOD.replace("\t2\t.", "\tx\t."), "has 'x' for POS"),
        (GOOD.replace("\t2\t.", "\t0\t."), "position 0"),
        (vcf(line("2 A C", "0/2")), f"line {FIRST} has the allele 2 in its genotype, but 1"),
        (vcf(line("2 A .", "0/1")), "has the allele 1 in its genotype, but 0"),
        (vcf(line("2 A C", "a/b")), "has 'a/b' for a genotype"),
        (vcf(line("2 A C,", "0/1")), "for ALT"),
        (vcf(line("2 A- C", "0/1")), "for REF"),
        ("BCF\2\2" + GOOD, "is BCF"),
    ],
)
def test_a_file_that_cannot_be_right_is_refused_with_its_line(text: str, said: str) -> None:
    for other in (GOOD, text):
        with pytest.raises(InvalidInput) as refused:
            compared(other, text.replace("b.vcf", "bad.vcf"))
        message = str(refused.value).replace("b.vcf", "bad.vcf").replace("a.vcf", "bad.vcf")
        assert said in message
        assert ": " in message


def test_a_sample_can_be_chosen_and_must_be_there() -> None:
    text = GOOD.replace("\tS1", "\tS1\tS2").replace("\t0/1", "\t0/1\t1/1")
    assert call_file(text, "x.vcf", "S2").sample == "S2"
    with pytest.raises(InvalidInput, match="no sample 'S3': choose one that it has: 'S1', 'S2'"):
        call_file(text, "x.vcf", "S3")


@pytest.mark.parametrize("change", ["\ufeff{}", "{}"])
def test_a_byte_order_mark_and_windows_line_ends_are_read(change: str) -> None:
    other = change.format(GOOD).replace("\n", "\r\n")
    assert compared(GOOD, other)[0].verdict is Verdict.IDENTICAL


def test_a_last_line_without_its_end_is_read() -> None:
    assert compared(GOOD, GOOD.rstrip("\n"))[0].verdict is Verdict.IDENTICAL


def test_contigs_in_another_order_need_an_index() -> None:
    lines = [line("2 A C"), line("2 A C", contig="chr2")]
    a = vcf(*lines, contigs={"chr1": 10, "chr2": 10})
    b = vcf(*reversed(lines), contigs={"chr2": 10, "chr1": 10})
    with pytest.raises(InvalidInput, match=r"one order.*index"):
        compared(a, b)


def test_contigs_that_no_header_names_in_another_order_are_refused() -> None:
    lines = [line("2 A C"), line("2 A C", contig="chr2")]
    with pytest.raises(InvalidInput, match="one order"):
        compared(vcf(*lines, contigs={}), vcf(*reversed(lines), contigs={}))


def test_a_header_of_another_length_than_the_sequence_is_refused() -> None:
    with pytest.raises(InvalidInput, match="chr1 has 1000 bases, its sequence has 4"):
        from tests.comparison_support import about

        sides = about("ACGT", {"chr1": "x"}), about("ACGT", {"chr1": "x"})
        compared(GOOD, GOOD, sides=sides)
