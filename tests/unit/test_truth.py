"""Calls held against a control whose genotypes are known."""

import gzip
from math import comb
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.tools.bed_files import read_bed
from runner.tools.truth import judge_files, main
from seqdrop.domain.comparison.accuracy import Accuracy, ClassAccuracy, exact
from seqdrop.domain.comparison.judged_text import unknown_in_truth
from seqdrop.domain.errors import InvalidInput
from tests.comparison_support import line, vcf
from tests.tools_support import SHARED_DATA, write_fasta

SEQUENCE = "GATTACAGATTTTTTACAGCCACGTCACGTGGTACAAAAAAAAAATC" + "ACGTTGCA" * 40
REGIONS = "chr1\t0\t200\n"
LENGTH = {"chr1": len(SEQUENCE)}


def judged(
    folder: Path, truth: list[str], calls: list[str], regions: str = REGIONS, *, least: int = 1,
    named: dict[str, str] | None = None,
) -> Accuracy:  # fmt: skip
    """Lists of records, held against each other."""
    texts = {"truth.vcf": vcf(*truth, contigs=LENGTH), "calls.vcf": vcf(*calls, contigs=LENGTH)}
    beds = {f"{name}.bed": text for name, text in (named or {}).items()}
    for name, text in {**texts, **beds, "r.bed": regions}.items():
        (folder / name).write_text(text)
    fasta = write_fasta(folder / "g.fa", {"chr1": SEQUENCE})
    paths = folder / "calls.vcf", folder / "truth.vcf", folder / "r.bed"
    strata = {name: folder / f"{name}.bed" for name in named or {}}
    return judge_files(*paths, fasta, minimum_count=least, named=strata)


def counts(found: ClassAccuracy) -> tuple[int, int, int]:
    """True positives, false negatives, false positives."""
    return found.true_positives, found.false_negatives, found.false_positives


@pytest.mark.parametrize(
    ("truth", "calls", "expected"),
    [
        ([line("2 A C")], [line("2 A C")], (1, 0, 0)),
        ([line("2 A C")], [], (0, 1, 0)),
        ([], [line("2 A C")], (0, 0, 1)),
        ([line("2 A C")], [line("2 A C", "1/1")], (0, 1, 1)),
        ([line("2 A C", "0|1")], [line("2 A C", "1|0")], (1, 0, 0)),
        ([line("2 A C")], [line("2 A C", filters="LowQual")], (0, 1, 0)),
        ([], [line("2 A C", filters="LowQual")], (0, 0, 0)),
        ([line("2 A C", filters="LowQual")], [], (0, 0, 0)),
        ([line("10 TT T")], [line("14 TT T")], (1, 0, 0)),
        ([line("2 AT CC")], [line("2 A C"), line("3 T C")], (1, 0, 0)),
        ([line("2 A C,G", "1/2")], [line("2 A C", "1/."), line("2 A G", "./1")], (2, 0, 0)),
        ([line("300 T C")], [line("308 T C")], (0, 0, 0)),
        ([line("2 A C", "1")], [line("2 A C", "1/1")], (1, 0, 0)),
        ([line("2 A C", "1")], [line("2 A C", "0/1")], (0, 1, 1)),
        ([line("2 A C", filters=".")], [line("2 A C")], (1, 0, 0)),
        ([line("5 A C,G", "1/2")], [line("5 A C")], (1, 1, 0)),
    ],
)
def test_calls_are_counted_as_a_control_is(
    tmp_path: Path, truth: list[str], calls: list[str], expected: tuple[int, int, int]
) -> None:
    assert counts(judged(tmp_path, truth, calls).classes[0]) == expected


def test_why_a_variant_was_missed_is_counted(tmp_path: Path) -> None:
    truth = [line("2 A C"), line("7 A C"), line("9 A C"), line("17 C A")]
    calls = [line("2 A C", filters="LowQual"), line("7 A C", "1/1"), line("17 C A")]
    whole = judged(tmp_path, truth, calls).classes[0]
    assert counts(whole) == (1, 3, 1)
    assert (whole.filtered, whole.wrong_genotype) == (1, 1)
    assert whole.recall.value == 0.25
    assert whole.f1 == pytest.approx(1 / 3)


def test_classes_are_by_kind_and_genotype_and_small_ones_are_not_judged(tmp_path: Path) -> None:
    truth = [line("2 A C"), line("5 A C,G", "1/2"), line("10 TT T", "1/1")]
    accuracy = judged(tmp_path, truth, truth, least=2)
    found = {(c.kind, c.zygosity): (c.true_positives, c.is_judged) for c in accuracy.classes}
    assert found == {
        ("all", "all"): (4, True),
        ("all", "het"): (1, False),
        ("all", "hom"): (1, False),
        ("all", "het_alt"): (2, True),
        ("snv", "all"): (3, True),
        ("deletion", "all"): (1, False),
        ("indel", "all"): (1, False),
        ("snv", "het"): (1, False),
        ("snv", "het_alt"): (2, True),
        ("deletion", "hom"): (1, False),
        ("indel", "hom"): (1, False),
    }
    assert accuracy.classes[1].note == "too few to judge: 1 of at least 2"


def test_only_whole_records_in_confident_regions_count(tmp_path: Path) -> None:
    truth = [line("2 A C"), line("10 TTT T")]
    accuracy = judged(tmp_path, truth, [], regions="chr1\t1\t2\nchr1\t5\t11\n")
    assert counts(accuracy.classes[0]) == (0, 1, 0)
    assert accuracy.confident_bases == 7


def test_a_truth_of_another_assembly_is_refused_with_its_share(tmp_path: Path) -> None:
    truth = [line("2 G C"), line("5 A C"), line("7 A C"), line("9 A C")]
    with pytest.raises(InvalidInput, match=r"1 of the first 4 records of truth.vcf \(25%\)"):
        judged(tmp_path, truth, [])


def test_regions_on_contigs_that_the_truth_lacks_are_told(tmp_path: Path) -> None:
    accuracy = judged(tmp_path, [line("2 A C")], [], regions=f"{REGIONS}chr9\t1\t5\n")
    assert accuracy.warnings == ("confident regions are on contigs that truth.vcf lacks: 'chr9'",)
    with pytest.raises(InvalidInput, match=r"on contigs that truth\.vcf lacks: 'chr9'"):
        judged(tmp_path, [line("2 A C")], [], regions="chr9\t1\t5\n")


@pytest.mark.parametrize(
    ("successes", "total", "low", "high"),
    [
        (14, 14, 0.76836, 1.0),
        (0, 10, 0.0, 0.30850),
        (8, 10, 0.44390, 0.97479),
        (1, 1, 0.025, 1.0),
        (9_995, 10_000, 0.998833, 0.999838),
        (3_950_000, 4_000_000, 0.987391, 0.987609),
    ],
)
def test_intervals_are_the_exact_ones(successes: int, total: int, low: float, high: float) -> None:
    found = exact(successes, total)
    assert [found.low, found.high] == pytest.approx([low, high], abs=1e-5)
    assert exact(0, 0).value is None


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_ends_of_an_interval_leave_a_fortieth_beyond_them(found: int, missed: int) -> None:
    total = found + missed
    interval = exact(found, total)
    if found:
        assert at_least(found, total, interval.low) == pytest.approx(0.025, abs=1e-9)
    if missed:
        assert 1 - at_least(found + 1, total, interval.high) == pytest.approx(0.025, abs=1e-9)


def at_least(number: int, total: int, share: float) -> float:
    """How likely so many of all are, where each is with this share."""
    return sum(
        comb(total, k) * share**k * (1 - share) ** (total - k) for k in range(number, total + 1)
    )


def test_what_has_no_genotype_in_the_truth_is_left_out(tmp_path: Path) -> None:
    truth = [line("2 A C"), line("7 A C", "./."), line("17 C A", ".")]
    calls = [line("2 A C"), line("7 A C"), line("17 C A")]
    found = judged(tmp_path, truth, calls)
    assert counts(found.classes[0]) == (1, 0, 0)
    assert found.confident_bases == 198
    assert found.warnings == (
        "2 records of truth.vcf have no genotype: their bases are left out",
    )  # fmt: skip


def test_a_truth_that_has_a_record_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"truth\.vcf has chr1:7 A>C twice"):
        judged(tmp_path, [line("2 A C"), line("7 A C"), line("7 A G"), line("7 A C", "1/1")], [])


@pytest.mark.parametrize(
    ("records", "shown"),
    [
        ([line("6 TA TC", "0/1"), line("7 A C", "0/1")], "chr1:7 A>C"),  # padded, once
        ([line("7 A C", "0/1"), line("7 AC CC", "0/1")], "chr1:7 AC>CC"),
        ([line("7 A c", "1/1"), line("7 A C", "1/1")], "chr1:7 A>C"),
        ([line("7 A C,T", "1/2"), line("7 A T,C", "1/2")], "chr1:7 A>T,C"),
        ([line("5 ATA AC", "0/1"), line("6 T G"), line("5 ATA AC", "0/1")], "chr1:5 ATA>AC"),
        ([line("7 A <DEL>", "0/1"), line("7 A <DEL>", "0/1")], "chr1:7 A><DEL>"),
        ([line("7 A C", "./."), line("7 A C", "0/1")], "chr1:7 A>C"),
    ],
)
def test_an_allele_that_a_truth_writes_twice_in_two_ways_is_refused(
    records: list[str], shown: str
) -> None:
    with pytest.raises(InvalidInput, match=rf"truth\.vcf has {shown} twice"):
        unknown_in_truth([record.encode() for record in records], "truth.vcf")


def test_alleles_of_one_place_that_are_others_are_not_taken_for_twice() -> None:
    records = [
        line("6 TA TC", "0/1"), line("7 A G", "0/1"), line("7 A AC", "0/1"), line("7 A C", "./."),
        line("7 A C,T", "0/2"), line("9 A C"),
    ]  # fmt: skip
    records.append(line("9 A C", contig="chr2"))
    assert len(unknown_in_truth([record.encode() for record in records], "truth.vcf")) == 1


def test_a_block_without_a_genotype_is_left_out_to_its_end() -> None:
    block = line("7 A <NON_REF>", "./.", info="DP=3;END=40")
    (region,) = unknown_in_truth([block.encode()], "truth.vcf")
    assert (region.start, region.end) == (6, 40)


def test_regions_past_the_end_of_a_contig_are_cut_and_those_behind_it_refused(
    tmp_path: Path,
) -> None:
    found = judged(tmp_path, [line("2 A C")], [line("2 A C")], regions="chr1\t0\t9999\n")
    assert found.confident_bases == len(SEQUENCE)
    assert found.warnings == ("r.bed reaches past the ends of 'chr1': it is cut there",)
    with pytest.raises(InvalidInput, match=r"r\.bed has chr1:900-9999, and chr1 has 367 bases"):
        judged(tmp_path, [], [], regions="chr1\t900\t9999\n")


def test_a_packed_bed_is_read_and_a_cut_one_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress(b"chr1\t5\t90\n" * 500)
    (tmp_path / "a.bed.gz").write_bytes(whole)
    assert read_bed(tmp_path / "a.bed.gz")[0] == ("chr1", 5, 90, "")
    (tmp_path / "a.bed.gz").write_bytes(whole[:-9])
    with pytest.raises(InvalidInput, match=r"a\.bed\.gz is a gzip that is cut off or broken"):
        read_bed(tmp_path / "a.bed.gz")


def test_each_region_is_counted_by_itself(tmp_path: Path) -> None:
    truth = [line("2 A C"), line("10 TTT T"), line("17 C A", "1/1")]
    named = {"repeat": "chr1\t8\t20\n", "far": "chr1\t150\t180\n"}
    found = judged(tmp_path, truth, [line("2 A C"), line("17 C A")], named=named)
    whole = {(c.region, c.kind): counts(c) for c in found.classes if c.zygosity == "all"}
    assert whole["all", "all"] == (1, 2, 1)
    assert whole["repeat", "all"] == (0, 2, 1)
    assert whole["repeat", "indel"] == whole["all", "deletion"] == (0, 1, 0)
    assert whole["far", "all"] == (0, 0, 0)
    assert ("far", "snv") not in whole
    assert found.warnings == ()
    elsewhere = judged(tmp_path, truth, [], named={"x": "1\t8\t20\n"}).warnings
    assert elsewhere == (
        "region x is on other contigs than the confident regions: it counts nothing",
    )


def test_the_control_of_na12878_is_found_in_itself(tmp_path: Path) -> None:
    folder = SHARED_DATA / "na12878-chr22"
    truth, fasta = folder / "NA12878.chr22.tiny.giab.vcf", folder / "q.fa"
    if not truth.is_file():
        pytest.skip("the control's files are not here")
    bed = tmp_path / "q.bed"
    bed.write_text("q\t0\t12500\n")
    out = tmp_path / "out"
    arguments = [truth, truth, "--regions", bed, "--reference", fasta, "--out", out]
    assert main([str(argument) for argument in arguments]) == 0
    accuracy = msgspec.json.decode((out / "truth.json").read_bytes(), type=Accuracy)
    whole = accuracy.classes[0]
    assert counts(whole) == (14, 0, 0)
    assert round(whole.recall.low, 2) == 0.77
    assert whole.is_judged
    fewer = tmp_path / "fewer.vcf"
    fewer.write_text("".join(truth.read_text().splitlines(keepends=True)[:-2]))
    assert counts(judge_files(fewer, truth, bed, fasta).classes[0]) == (12, 2, 0)
