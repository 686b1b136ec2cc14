"""Lines of VCF: which calls are PASS, which blocks are no call, and how cut blocks join."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.calls import (
    Kept,
    Thresholds,
    joined,
    kept_records,
    maker_line,
    reach,
    split_genotype,
    with_ref_code,
)

THRESHOLDS = Thresholds(min_qual=20, min_depth=5, min_gq=15)


def variant(qual: str = "99", sample: str = "0/1:9:4,5:50", keys: str = "GT:DP:AD:GQ") -> str:
    return f"c\t10\t.\tA\tC\t{qual}\t.\tDP=9\t{keys}\t{sample}\n"


def block(start: int, end: int, depth: int, contig: str = "c", name: str = "MIN_DP") -> str:
    info = f"{name}={depth}" if start == end else f"END={end};{name}={depth}"
    return f"{contig}\t{start}\t.\tA\t.\t.\t.\t{info}\tGT:DP\t0/0:{depth}\n"


def whole_again(lines: list[str]) -> list[str]:
    return list(joined(iter(lines), lambda _, place: "ACGT"[place % 4]))


def judged(line: str) -> str:
    return THRESHOLDS.judge(line).split("\t")[6]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (variant(), "PASS"),
        (variant(qual="20", sample="0/1:5:2,3:15"), "PASS"),
        (variant(qual="19.9"), "LowQual"),
        (variant(sample="1/1:4:0,4:127"), "LowDepth"),
        (variant(sample="0/1:9:4,5:14"), "LowGQ"),
        (variant(qual="3", sample="0/1:1:0,1:3"), "LowQual;LowDepth;LowGQ"),
        (variant(qual="."), "."),
        (variant(qual="nan"), "."),
        (variant(qual="inf"), "."),
        (variant(qual="-inf"), "."),
        (variant(sample="0/1:9:4,5:nan"), "."),
        (variant(sample="0/1:9:4,5:inf"), "."),
        (variant(qual="nan", sample="0/1:4:1,3:50"), "LowDepth"),
        (variant(sample="0/1:.:4,5:50"), "."),
        (variant(sample="0/1:9", keys="GT:DP"), "."),
        (variant(sample="0/1:9:4,5", keys="GT:DP:AD:GQ"), "."),
        (variant(sample="1/1:3:.:.", keys="GT:DP:AD:GQ"), "LowDepth"),
        (variant(sample="1/1:24:0,3:127"), "LowDepth"),  # the other reads show N
        (variant(sample="1/1:24:0,5:127"), "PASS"),
        (variant(sample="1/1:24:0,.:127"), "PASS"),
    ],
)
def test_a_call_is_pass_only_where_every_value_is_there_and_good(line: str, found: str) -> None:
    assert judged(line) == found


def test_high_genotype_quality_alone_makes_no_pass() -> None:
    assert judged(variant(qual="8.9", sample="1/1:3:0,3:127")) == "LowQual;LowDepth"


@pytest.mark.parametrize(("depth", "genotype"), [(0, "./."), (4, "./."), (5, "0/0"), (30, "0/0")])
def test_reference_from_too_few_reads_is_no_call(depth: int, genotype: str) -> None:
    fields = THRESHOLDS.judge(block(1, 9, depth)).rstrip("\n").split("\t")
    assert fields[9] == f"{genotype}:{depth}"
    assert fields[6] == "."


@pytest.mark.parametrize(("code", "found"), [("AC", "RefCode"), ("CGT", "RefCode"), ("AG", "PASS")])
def test_a_base_that_the_reference_s_code_stands_for_is_no_variant(code: str, found: str) -> None:
    thresholds = replace(THRESHOLDS, codes={("c", 10): frozenset(code)})
    assert thresholds.judge(variant()).split("\t")[6] == found
    assert thresholds.judge(variant().replace("c\t10", "c\t11")).split("\t")[6] == "PASS"


def test_the_header_names_each_filter_with_its_threshold() -> None:
    named = re.findall(r"ID=(\w+),", "".join(THRESHOLDS.header))
    assert named == ["LowQual", "LowDepth", "LowGQ", "RefCode"]
    assert "below 5" in THRESHOLDS.header[1]


@given(
    st.lists(st.tuples(st.integers(1, 400), st.integers(1, 40)), min_size=1, max_size=12),
    st.sets(st.integers(1, 3_000), max_size=6),
    st.integers(0, 60),
    st.sampled_from(["MIN_DP", "MinDP"]),
)
def test_blocks_that_regions_cut_are_whole_again(
    lengths: list[tuple[int, int]], cuts: set[int], padding: int, name: str
) -> None:
    """Each region sees its stretch, padded; a block is what of it is seen, at its depth there."""
    whole, start = [], 1
    for length, depth in lengths:
        whole.append(block(start, start + length - 1, depth, name=name))
        start += length
    end = start - 1
    edges = [0, *sorted(cut for cut in cuts if cut < end), end]
    kept: list[str] = []
    for low, high in pairwise(edges):
        seen_from, seen_to = max(1, low + 1 - padding), min(end, high + padding)
        seen, at = [], 1
        for length, depth in lengths:
            first, last = max(at, seen_from), min(at + length - 1, seen_to)
            if first <= last:
                seen.append(block(first, last, depth, name=name))
            at += length
        kept += kept_records(iter(seen), {"c": Kept(low, high)})
    found = whole_again(kept)
    if padding:
        assert found == whole
    assert _bases(found) == _bases(whole)


def _bases(lines: list[str]) -> list[int]:
    covered: list[int] = []
    for line in lines:
        fields = line.split("\t")
        found = re.search(r"END=(\d+)", fields[7])
        covered += range(int(fields[1]), int(found[1] if found else fields[1]) + 1)
    return covered


def test_the_lower_of_two_depths_is_a_joined_blocks() -> None:
    (found,) = whole_again([block(1, 50, 14), block(40, 90, 11)])
    assert found == block(1, 90, 11)


def test_records_at_one_position_are_not_taken_for_a_cut_block() -> None:
    indel = "c\t50\t.\tAT\t.\t.\t.\tINDEL;DP=0\tGT:DP\t0/0:0\n"
    lines = [block(1, 50, 14), indel, variant(), block(60, 61, 3, contig="d")]
    assert whole_again(lines) == lines


def snp(position: int, ref: str = "A") -> str:
    return f"c\t{position}\t.\t{ref}\tC\t99\tPASS\tDP=9\tGT:DP\t0/1:9\n"


def part(start: int, end: int, depth: int) -> str:
    """A block that was cut off another: its REF is the sequence's."""
    return block(start, end, depth).replace("\tA\t", f"\t{'ACGT'[(start - 1) % 4]}\t")


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        # Regions meet behind 100; only the first sees the variant.
        ([snp(99), block(60, 150, 9)], [snp(99), part(100, 150, 9)]),
        ([snp(99, "AAA"), block(60, 150, 9)], [snp(99, "AAA"), part(102, 150, 9)]),
        ([snp(99, "AAA"), block(60, 101, 9)], [snp(99, "AAA")]),
        ([snp(99, "AAA"), block(101, 150, 9)], [snp(99, "AAA"), part(102, 150, 9)]),
        ([snp(95, "AAAAAA"), snp(97), block(60, 150, 9)],
         [snp(95, "AAAAAA"), snp(97), part(101, 150, 9)]),
        ([snp(90), block(91, 120, 9), block(60, 150, 8)], [snp(90), block(91, 150, 8)]),
        # Only the second sees it.
        ([block(60, 150, 9), snp(120)], [block(60, 119, 9), snp(120)]),
        ([block(60, 150, 9), block(80, 119, 9), snp(120), block(121, 150, 9)],
         [block(60, 119, 9), snp(120), block(121, 150, 9)]),
        ([block(120, 150, 9), snp(120)], [snp(120)]),
        ([snp(99), block(60, 150, 9, contig="d")], [snp(99), block(60, 150, 9, contig="d")]),
    ],
)  # fmt: skip
def test_what_one_region_alone_sees_at_a_border_is_in_no_block(
    lines: list[str], found: list[str]
) -> None:
    assert whole_again(lines) == found


def test_bcftools_indels_stay_beside_the_blocks_of_their_bases() -> None:
    indel = snp(50, "AAA").replace("DP=9\t", "INDEL;DP=9\t")
    lines = [block(1, 50, 14), indel, block(51, 90, 9)]
    assert whole_again(lines) == lines
    assert whole_again([indel, block(20, 90, 9)]) == [indel, part(51, 90, 9)]
    assert whole_again([block(1, 90, 9), indel]) == [block(1, 50, 9), indel]


def test_a_record_is_kept_by_the_region_in_which_it_starts() -> None:
    kept = {"c": Kept(9, 20)}
    assert list(kept_records(iter([variant()]), kept)) == [variant()]
    assert list(kept_records(iter([variant()]), {"c": Kept(10, 20)})) == []
    assert list(kept_records(iter([variant()]), {"c": Kept(0, 9)})) == []
    assert list(kept_records(iter([variant()]), {"d": Kept(0, 90)})) == []


@pytest.mark.parametrize(
    ("info", "genotype", "found"),
    [
        ("AC=1;OLD_REC=q|186|T|C,G|1", "1/0", "1/."),
        ("AC=1;OLD_REC=q|186|T|C,G|2", "0/1", "./1"),
        ("OLD_REC=ENA|K01|K01.1|186|T|C,G|2;AC=1", "0|1", ".|1"),
        ("AC=1;OLD_REC=q|186|TAA|TA|1", "0/1", "0/1"),  # moved to the left, not split
        ("AC=1", "0/1", "0/1"),
    ],
)
def test_a_split_genotype_never_claims_reference(info: str, genotype: str, found: str) -> None:
    line = f"q\t186\t.\tT\tC\t99\tPASS\t{info}\tGT:DP\t{genotype}:30\n"
    assert split_genotype(line).split("\t")[9] == f"{found}:30\n"


def test_the_maker_is_one_line_and_says_simulated_only_where_it_is() -> None:
    facts = {"pipeline": "germline-cpu", "run": "ab", "reference": 'odd"name/1'}
    assert maker_line(**facts, simulated="false") == (
        '##seqdrop=<ID=run,pipeline="germline-cpu",run="ab",reference="odd\\"name/1">'
    )
    assert 'simulated="true"' in maker_line(**facts, simulated="true")


@pytest.mark.parametrize(
    ("ref", "alt", "after", "found"),
    [
        ("A", "C", "GGG", (100, 101)),
        ("ACG", "TTT", "GGG", (100, 103)),
        ("AC", "A", "GTT", (101, 102)),  # the deleted base alone
        ("AC", "A", "CCCG", (101, 105)),  # any of the four
        ("ACT", "A", "CTCTG", (101, 107)),
        ("A", "AC", "GTT", (100, 102)),  # between two bases
        ("A", "AC", "CCG", (100, 104)),
        ("A", "AC", "", (100, 102)),  # at the contig's end
        ("A", "*", "GGG", (100, 101)),
    ],
)
def test_an_indel_reaches_as_far_as_a_repeat_lets_it_lie(
    ref: str, alt: str, after: str, found: tuple[int, int]
) -> None:
    assert reach(100, ref, alt, after) == found


@given(st.text("AC", min_size=1, max_size=12), st.integers(1, 4), st.integers(0, 6))
def test_each_place_of_a_deletion_is_reached(context: str, length: int, at: int) -> None:
    """Every place at which taking out as many bases gives the same sequence."""
    text = "G" + context + "T" * length
    at = min(at, len(text) - length - 1)
    without = text[: at + 1] + text[at + 1 + length :]
    places = [
        p for p in range(1, len(text) - length + 1) if text[:p] + text[p + length :] == without
    ]
    first = places[0]
    low, high = reach(
        first - 1, text[first - 1 : first + length], text[first - 1], text[first + length :]
    )
    assert (low, high) == (first, places[-1] + length)


@pytest.mark.parametrize(
    ("before", "alts", "after"),
    [
        ("PASS", "C", "RefCode"),
        (".", "C", "RefCode"),
        ("DRAGENSnpHardQUAL", "C", "DRAGENSnpHardQUAL;RefCode"),
        ("a;b", "C", "a;b;RefCode"),
        ("a;RefCode", "C", "a;RefCode"),
        ("PASS", "T", "PASS"),
        ("PASS", "C,T", "PASS"),
        ("PASS", "AC", "PASS"),
    ],
)
def test_another_callers_filters_stay_beside_refcode(before: str, alts: str, after: str) -> None:
    codes = {("c", 10): frozenset("AC")}
    line = f"c\t10\t.\tA\t{alts}\t50\t{before}\tDP=9\tGT\t0/1\n"
    assert with_ref_code(codes, line) == line.replace(f"\t{before}\tDP", f"\t{after}\tDP")
    elsewhere = line.replace("c\t10", "c\t11")
    assert with_ref_code(codes, elsewhere) == elsewhere


@pytest.mark.parametrize("first_is_called", [False, True])
def test_a_cut_block_of_which_one_part_is_no_call_is_none(first_is_called: bool) -> None:
    """As where reads show N behind what the other region sees: one piece would be no call too."""
    called, not_called = block(1, 20, 30), block(10, 30, 30).replace("0/0", "./.")
    parts = [called, not_called]
    if not first_is_called:
        parts = [block(1, 20, 30).replace("0/0", "./."), block(10, 30, 30)]
    assert whole_again(parts) == [block(1, 30, 30).replace("0/0", "./.")]
