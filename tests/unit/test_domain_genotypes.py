"""VCFs of a sample's genotypes, as arrays and other pipelines write them."""

from collections.abc import Sequence
from random import Random
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain import genotypes as module
from seqdrop.domain.errors import InvalidGenotypes
from seqdrop.domain.genotypes import LeftOut, counts, parse_genotypes
from seqdrop.domain.supplied import Genotype
from seqdrop.domain.text import text_lines
from tests.tools_support import SHARED_DATA

FIXED = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"


def header(*samples: str) -> list[str]:
    return ["##fileformat=VCFv4.2", "\t".join([FIXED, "FORMAT", *samples])]


def record(  # a record has these columns
    position: int | str, genotype: str, *, ref: str = "A", alt: str = "G", contig: str = "chr1",
    filters: str = "PASS", format_: str = "GT",
) -> str:  # fmt: skip
    return f"{contig}\t{position}\trs1\t{ref}\t{alt}\t.\t{filters}\t.\t{format_}\t{genotype}"


SITES = [record(position, "0/1") for position in range(1, 21)]
"""Just enough to be compared."""


def read(*lines: str, column: str = "", samples: Sequence[str] = ("S",)) -> module.Genotypes:
    return parse_genotypes([*header(*samples), *SITES, *lines], column, "array.vcf")


@pytest.mark.parametrize(
    ("line", "site", "told"),
    [
        (record(30, "0/0"), "chr1:30:A:G", "0/0"),
        (record(30, "1|0"), "chr1:30:A:G", "0/1"),
        (record(30, "|1|1"), "chr1:30:A:G", "1/1"),
        (record(30, "0.9:1/1:12", format_="GS:GT:DP"), "chr1:30:A:G", "1/1"),
        (record(30, "1/1:", format_="GT:DP"), "chr1:30:A:G", "1/1"),
        (record(30, "1/1", filters="."), "chr1:30:A:G", "1/1"),
        (record(30, "1/1", ref="c", alt="t", contig="7"), "7:30:C:T", "1/1"),
        (record(30, "0/0", alt="."), "chr1:30:A:.", "0/0"),
    ],
)
def test_a_genotype_is_read_by_its_alleles(line: str, site: str, told: str) -> None:
    found = read(line)
    assert len(found.sites) == 21
    assert found.sites[site] == told
    assert found.left_out == {}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (record(30, "0/1", ref="AT"), LeftOut.NO_SNP),
        (record(30, "0/1", alt="GT"), LeftOut.NO_SNP),
        (record(30, "1/2", alt="G,T"), LeftOut.NO_SNP),
        (record(30, "0/0", alt="<NON_REF>"), LeftOut.NO_SNP),
        (record(30, "0/1", alt="*"), LeftOut.NO_SNP),
        (record(30, "0/1", ref="N"), LeftOut.NO_SNP),
        (record(30, "0/1", alt="A"), LeftOut.NO_SNP),
        (record(30, "0/1", contig="chrX"), LeftOut.OTHER_COPIES),
        (record(30, "0/1", contig="MT"), LeftOut.OTHER_COPIES),
        (record(30, "0/1", filters="LowGQ"), LeftOut.FILTERED),
        (record(30, "./."), LeftOut.NOT_CALLED),
        (record(30, "."), LeftOut.NOT_CALLED),
        (record(30, "1/."), LeftOut.NOT_CALLED),
        (record(30, "12", format_="DP"), LeftOut.NOT_CALLED),
        (record(30, "12", format_="DP:GT"), LeftOut.NOT_CALLED),
        (record(30, "1"), LeftOut.NOT_DIPLOID),
        (record(30, "0/0/1"), LeftOut.NOT_DIPLOID),
    ],
)
def test_what_tells_nobody_apart_is_left_out_and_counted(line: str, reason: LeftOut) -> None:
    found = read(line, line)
    assert len(found.sites) == 20
    assert found.left_out == {reason: 2}
    assert counts(found.left_out).startswith("; records left out: 2 (")


def test_nothing_is_said_of_what_was_not_left_out() -> None:
    assert counts(read().left_out) == ""


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (record(30, "0/2"), "has a genotype (GT) with an allele that is neither"),
        (record(30, "0/1", alt="."), "has a genotype (GT) with an allele that is neither"),
        (record(30, "A/G"), "has a genotype (GT) with an allele that is neither"),
        (record(30, "0/-1"), "has a genotype (GT) with an allele that is neither"),
        (record("0", "0/1"), "has no contig, or for its position no"),
        (record("1e3", "0/1"), "has no contig, or for its position no"),
        (record(30, "0/1", contig=""), "has no contig, or for its position no"),
        (record(30, "0/1") + "\t0/0", "has 11 columns, the header has 10"),
        (record(30, "0/1").replace("\t", " "), "has 1 columns, the header has 10"),
        ("", "is blank"),
        (record(30, "0/1", filters="P\udce9SS"), "holds the byte 0xE9"),
        (record(30, "0/1", filters="P\x00SS"), "holds zero bytes"),
        (record(20, "1/1"), "has another genotype of chr1:20 than line 22 has"),
        (record(20, "0/0"), "has another genotype of chr1:20 than line 22 has"),
    ],
)
def test_a_line_that_can_not_be_right_is_named_without_its_genotype(line: str, words: str) -> None:
    with pytest.raises(InvalidGenotypes) as error:
        read(line)
    assert str(error.value).startswith("array.vcf, line 23 ")
    assert words in str(error.value)
    genotypes = [*get_args(Genotype), "0/2", "A/G"]
    assert [genotype for genotype in genotypes if genotype in str(error.value)] == []


def test_the_same_twice_is_no_contradiction() -> None:
    assert read(*SITES, record(20, "1|0")).sites == read().sites


@pytest.mark.parametrize("turn", [1, -1])
def test_a_site_without_alt_contradicts_one_with_it(turn: int) -> None:
    """Whichever comes first."""
    lines = [record(30, "0/0", alt="."), record(30, "0/1", alt="T")][::turn]
    with pytest.raises(InvalidGenotypes, match="has another genotype of chr1:30 than line"):
        read(*lines)
    agreeing = [record(30, "0/0", alt="."), record(30, "0/0", alt="T")][::turn]
    assert len(read(*agreeing).sites) == 22


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "array.vcf has no header"),
        (["rsid\tchromosome\tposition\tgenotype"], "line 1 is not '##fileformat=VCF"),
        (["\ufeff##fileformat=VCFv4.2"], "line 1 is not '##fileformat=VCF"),
        (["BCF\x02\x02"], "of BCF: `bcftools view`"),
        (["##fileformat=VCFv4.2", *SITES], "line 2 comes before the header"),
        (["##fileformat=VCFv4.2", "##contig=<ID=chr1>"], "array.vcf has no header"),
        (["##fileformat=VCFv4.2", FIXED], "line 2: the header is not #CHROM POS"),
        ([*header(), *SITES], "line 2: the header is not #CHROM POS"),
        (
            ["##fileformat=VCFv4.2", header("S")[1].replace("REF\tALT", "ALT\tREF"), *SITES],
            "line 2: the header is not #CHROM POS ID REF ALT",
        ),
        ([*header("S"), *SITES, *header("S"), *SITES], "line 24 is a second header"),
        ([*header("S"), *SITES[1:]], "has 19 SNPs with a genotype that can be compared: it takes"),
        (
            [*header("S"), *SITES[1:], record(30, "./.")],
            "people apart; records left out: 1 (no whole genotype)",
        ),
    ],
)
def test_a_file_without_a_samples_genotypes_is_refused(lines: list[str], words: str) -> None:
    with pytest.raises(InvalidGenotypes) as error:
        parse_genotypes(lines, file="array.vcf")
    assert words in str(error.value)


def test_of_several_samples_the_one_that_is_named_is_read() -> None:
    lines = [*header("NA1", "NA2"), *(f"{line}\t1/1" for line in SITES)]
    assert set(parse_genotypes(lines, "NA1").sites.values()) == {"0/1"}
    assert set(parse_genotypes(lines, "NA2").sites.values()) == {"1/1"}
    with pytest.raises(InvalidGenotypes, match="has 2 samples \\('NA1', 'NA2'\\): say with"):
        parse_genotypes(lines)
    with pytest.raises(InvalidGenotypes, match="0 columns are named 'NA3' \\(the file has 'NA1'"):
        parse_genotypes(lines, "NA3")


def test_a_name_that_two_columns_have_names_none() -> None:
    lines = [*header("NA1", "NA1"), *(f"{line}\t1/1" for line in SITES)]
    with pytest.raises(InvalidGenotypes, match="2 columns are named 'NA1'"):
        parse_genotypes(lines, "NA1")


def test_a_column_that_the_only_sample_does_not_have_is_refused() -> None:
    with pytest.raises(InvalidGenotypes, match="0 columns are named 'NA2'"):
        read(column="NA2")


def test_a_file_of_a_whole_genome_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SITES", 20)
    assert len(read().sites) == 20
    with pytest.raises(InvalidGenotypes, match=r"more than 20 SNPs .*`bcftools view -T"):
        read(record(30, "0/1"))


def test_faults_without_end_are_not_all_read() -> None:
    with pytest.raises(InvalidGenotypes, match="there may be more"):
        read(*[record(0, "0/1")] * 11)


SITE = st.tuples(st.sampled_from(["chr1", "2", "HLA:1"]), st.integers(1, 99))
KIND = st.sampled_from(get_args(Genotype))
JUNK = st.sampled_from(
    [record(1, "0/1", contig="X"), record(1, "./.", contig="9"), record(1, "1/2", alt="C,G")]
)


@given(
    st.dictionaries(SITE, KIND, min_size=20, max_size=40),
    st.lists(JUNK, max_size=5),
    st.randoms(use_true_random=False),
    st.sampled_from(["", "\n", "\r\n"]),
)
def test_what_is_written_in_any_order_and_phase_is_read(
    person: dict[tuple[str, int], Genotype], junk: list[str], chance: Random, end: str
) -> None:
    lines = list(junk)
    for (contig, position), kind in person.items():
        alleles = kind.split("/")
        chance.shuffle(alleles)
        sign = chance.choice("/|")
        lines.append(record(position, sign.join(alleles), contig=contig))
    chance.shuffle(lines)
    found = parse_genotypes(f"{line}{end}" for line in [*header("S"), *lines])
    expected = {f"{contig}:{position}:A:G": kind for (contig, position), kind in person.items()}
    assert found.sites == expected
    assert sum(found.left_out.values()) == len(junk)


@pytest.mark.skipif(not SHARED_DATA.exists(), reason="no real data here")
def test_a_real_vcf_of_one_sample_is_read_but_for_its_size() -> None:
    """GIAB's NA12878, a window of chromosome 22: 14 SNPs, so that nobody could be told by it."""
    path = SHARED_DATA / "na12878-chr22/NA12878.chr22.tiny.giab.vcf"
    with path.open("rb") as lines, pytest.raises(InvalidGenotypes, match="has 14 SNPs"):
        parse_genotypes(text_lines(lines), file=path.name)
