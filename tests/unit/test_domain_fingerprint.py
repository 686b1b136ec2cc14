"""Sites of a fingerprint as a lab gives them, and genotypes at them."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.bases import Bases
from seqdrop.domain.errors import InvalidReference
from seqdrop.domain.fingerprint import (
    LEAST_SHARED_SITES,
    LEAST_TELLING_SITES,
    Comparison,
    compared,
    genotype,
)
from seqdrop.domain.fingerprint_sites import HEADER, Site, check_bases, parse_sites

LENGTHS = {"chr1": 1_000, "chr2": 500, "chrX": 300}
SITES = [f"chr1\t{n}\trs{n}\tA\tg\t.\tPASS\tAC=3;AF=0.25;AN=12" for n in range(10, 31)]


def vcf(*lines: str) -> list[str]:
    return [*HEADER, *lines]


def test_sites_are_read_sorted_and_stored_plain() -> None:
    given_lines = vcf("chr2\t7\t.\tC\tT\t50\t.\t.", *reversed(SITES))
    found = parse_sites((f"{line}\r\n" for line in given_lines), LENGTHS)
    assert found.sites[0] == Site("chr1", 10, "A", "G", 0.25, "rs10", 25)
    assert found.sites[0].id == "chr1:10:A:G"
    assert found.sites[-1][:5] == ("chr2", 7, "C", "T", None)
    assert [site.position for site in found.sites[:-1]] == list(range(10, 31))
    assert found.lines[len(HEADER)] == "chr1\t10\trs10\tA\tG\t.\t.\tAF=0.25"
    unknown, near = found.warnings
    assert "1 site without AF" in unknown
    assert "20 sites within 10,000 bases of the one before" in near
    assert parse_sites(found.lines, LENGTHS).lines == found.lines


def test_sites_of_which_cells_have_other_numbers_are_left_out() -> None:
    found = parse_sites(vcf(*SITES, "chrX\t7\t.\tC\tT\t.\t.\tAF=0.5"), LENGTHS)
    assert len(found.sites) == len(SITES)
    assert "has 1 site on 'chrX'" in found.warnings[0]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("chr1\t40\t.\tAC\tA\t.\t.\t.", "is no SNP with two alleles (REF 'AC', ALT 'A')"),
        ("chr1\t40\t.\tA\tC,G\t.\t.\t.", "is no SNP with two alleles"),
        ("chr1\t40\t.\tA\tA\t.\t.\t.", "is no SNP with two alleles"),
        ("chr1\t40\t.\tN\tA\t.\t.\t.", "is no SNP with two alleles"),
        ("chr1\t40\t.\tA\t.\t.\t.\t.", "is no SNP with two alleles"),
        ("chr1\t10\t.\tA\tT\t.\t.\t.", "is at chr1:10 as line 4 is"),
        ("1\t40\t.\tA\tT\t.\t.\t.", "is on '1', which the sequence does not have (the sequence"),
        ("chr1\t1001\t.\tA\tT\t.\t.\t.", "past the contig's end (1000)"),
        ("chr1\t0\t.\tA\tT\t.\t.\t.", "has '0' for its position"),
        ("chr1\t1e2\t.\tA\tT\t.\t.\t.", "has '1e2' for its position"),
        ("chr1\t40\t.\tA\tT\t.\t.", "has 7 columns"),
        ("chr1 40 . A T . . .", "has 1 columns"),
        ("", "is blank"),
        ("chr1\t40\ta\x0bb\tA\tT\t.\t.\t.", "holds the character U+000B"),
        ("chr1\t40\ta\udce9\tA\tT\t.\t.\t.", "holds the byte 0xE9"),
        ("chr1\t40\t.\tA\tT\t.\t.\tAF=1", "has AF=1: give the frequency"),
        ("chr1\t40\t.\tA\tT\t.\t.\tAF=nan", "has AF=nan"),
        ("chr1\t40\t.\tA\tT\t.\t.\tAF=0.1,0.2", "has AF=0.1,0.2"),
    ],
)
def test_a_line_that_is_no_site_is_named(line: str, words: str) -> None:
    number = len(HEADER) + len(SITES) + 1
    with pytest.raises(InvalidReference) as error:
        parse_sites(vcf(*SITES, line), LENGTHS, "snps.vcf")
    assert str(error.value).startswith(f"snps.vcf, line {number} ")
    assert words in str(error.value)


@pytest.mark.parametrize("first", ["", "\ufeff##fileformat=VCFv4.2", "chr1\t10\t.\tA\tT\t.\t.\t."])
def test_a_file_that_is_no_vcf_is_refused(first: str) -> None:
    with pytest.raises(InvalidReference, match="line 1 is not '##fileformat=VCF"):
        parse_sites([first, *SITES], LENGTHS)


def test_too_few_sites_tell_nobody_apart() -> None:
    with pytest.raises(InvalidReference, match="has 19 sites outside of X"):
        parse_sites(vcf(*SITES[:19]), LENGTHS)


def spaced(count: int, apart: int, frequencies: Sequence[str]) -> list[str]:
    """Sites so many bases apart."""
    info = [f"AF={value}" if value else "." for value in frequencies]
    return vcf(
        *(f"chr1\t{n * apart + 1}\t.\tA\tG\t.\t.\t{info[n % len(info)]}" for n in range(count))
    )


FAR = {"chr1": 10_000_000}


def test_sites_at_which_all_people_are_alike_are_refused() -> None:
    for rare in ("0.0005", "0.9995", "0.049", "0.951"):
        with pytest.raises(InvalidReference, match=r"110 sites whose AF is .* give at least 20"):
            parse_sites(spaced(110, 20_000, [rare]), FAR)
    with pytest.raises(InvalidReference, match=r"19 sites whose AF is .* and 19 others"):
        parse_sites(spaced(38, 20_000, ["0.3", "0.01"]), FAR)


def test_rare_sites_beside_enough_common_ones_are_warned_of() -> None:
    found = parse_sites(spaced(40, 20_000, ["0.05", "0.01", "0.95", "0.99"]), FAR, "s.vcf")
    [warning] = found.warnings
    assert warning.startswith("s.vcf has 20 sites whose AF is below 0.05 or above 0.95")
    assert len(found.sites) == 40


def test_sites_without_frequency_are_taken_for_common_ones() -> None:
    [warning] = parse_sites(spaced(20, 20_000, [""]), FAR).warnings
    assert "20 sites without AF" in warning


def test_a_part_of_a_version_is_not_judged_again() -> None:
    assert len(parse_sites(spaced(110, 20_000, ["0.0005"])).sites) == 110


@pytest.mark.parametrize(("apart", "count"), [(10_001, 0), (10_000, 39), (1, 39)])
def test_sites_that_are_inherited_together_are_warned_of(apart: int, count: int) -> None:
    warnings = parse_sites(spaced(40, apart, ["0.4"]), FAR).warnings
    assert [w.partition(" has ")[2].split()[0] for w in warnings] == ([str(count)] if count else [])


def test_sites_on_two_contigs_are_no_neighbours() -> None:
    lines = [f"chr{n}\t5\t.\tA\tG\t.\t.\tAF=0.4" for n in range(1, 21)]
    assert parse_sites(vcf(*lines), {f"chr{n}": 9 for n in range(1, 21)}).warnings == []


def test_many_faults_are_counted() -> None:
    wrong = ["chr1\t0\t.\tA\tT\t.\t.\t."] * 12
    with pytest.raises(InvalidReference, match="has 2 more such lines"):
        parse_sites(vcf(*SITES, *wrong), LENGTHS)


FASTA = b">chr1 first > of all\nACGT\nacgt\nGG\n>chr2\nTTTTT\n"


@pytest.mark.parametrize("end", [b"\n", b""])
def test_the_base_of_each_site_is_that_of_the_sequence(end: bytes) -> None:
    bases = {"chr1": "ACGTACGTGG", "chr2": "TTTTT"}
    sites = [
        Site(contig, position, base, "N", line=position)
        for contig, text in bases.items()
        for position, base in enumerate(text, 1)
    ]
    fasta = FASTA.removesuffix(b"\n") + end
    read = Bases(fasta, {contig: len(text) for contig, text in bases.items()})
    check_bases(sites, read)
    for number, site in enumerate(sites):
        wrong = [*sites[:number], site._replace(ref="X"), *sites[number + 1 :]]
        with pytest.raises(InvalidReference, match=f"line {site.line} has X for its REF, but"):
            check_bases(wrong, read)


@pytest.mark.parametrize(
    ("ref", "alt", "said"),
    [
        (9, 0, ""), (10, 0, "0/0"), (0, 10, "1/1"), (5, 5, "0/1"), (9, 1, "0/0"), (8, 2, ""),
        (75, 25, "0/1"), (76, 24, ""), (24, 76, ""), (1, 9, "1/1"), (11, 89, ""), (0, 0, ""),
    ],
)  # fmt: skip
def test_a_genotype_is_told_where_it_is_clear(ref: int, alt: int, said: str) -> None:
    assert genotype(ref, alt) == said


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_genotype_is_the_mirror_of_the_other_alleles(ref: int, alt: int) -> None:
    mirror = {"": "", "0/0": "1/1", "0/1": "0/1", "1/1": "0/0"}
    assert genotype(alt, ref) == mirror[genotype(ref, alt)]


def test_agreement_is_over_sites_that_both_have() -> None:
    one = {f"chr1:{n}:A:G": "0/1" for n in range(30)}
    other = {**dict.fromkeys(list(one)[5:25], "0/1"), "chr1:7:A:G": "1/1", "chr2:1:A:G": "0/0"}
    assert compared("x", one, other) == compared("x", other, one) == Comparison("x", 20, 19, 20, 19)
    assert compared("x", one, other).concordance == 0.95


@pytest.mark.parametrize("usual", ["0/0", "1/1"])
def test_sites_at_which_everybody_is_the_same_say_nothing(usual: str) -> None:
    """Rare SNPs: another person agrees at all of them, and so does the sample itself."""
    one = {f"chr1:{n}:A:G": usual for n in range(110)}
    other = one | {"chr1:5:A:G": "0/1"}
    few = one | {f"chr1:{n}:A:G": "0/1" for n in range(LEAST_TELLING_SITES - 1)}
    for theirs in (one, other, few):
        assert compared("x", one, theirs).concordance is None
        assert compared("x", theirs, one).concordance is None
    enough = few | {"chr1:99:A:G": "0/1"}
    assert compared("x", enough, enough).concordance == 1.0
    assert compared("x", one, enough).concordance == 0.0, "all that is special differs"
    person = {f"chr1:{n}:A:G": "0/1" if n % 30 == 0 else usual for n in range(1_000)}
    other = {f"chr1:{n}:A:G": "0/1" if n % 30 == 1 else usual for n in range(1_000)}
    found = compared("x", person, other)
    assert found.same / found.sites > 0.93
    assert found.concordance == 0.0
    assert compared("x", person, person).concordance == 1.0


def test_few_shared_sites_say_nothing() -> None:
    one = {f"chr1:{n}:A:G": "0/1" for n in range(LEAST_SHARED_SITES - 1)}
    assert compared("x", one, one).concordance is None
    assert compared("x", one, {}).concordance is None
