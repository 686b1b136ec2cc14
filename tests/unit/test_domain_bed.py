"""Target regions: what is refused, what is warned of, and what callers get."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.bed import (
    BedContent,
    Region,
    merged,
    overlaps,
    padded,
    parse_bed,
    shared,
    without,
)
from seqdrop.domain.errors import InvalidInput, InvalidReference
from seqdrop.domain.targets import uncallable

LENGTHS = {"chr1": 14_000, "chr2": 6_000}
GOOD = "chr1\t2900\t3100\nchr1\t6900\t7100\nchr1\t10900\t11100\nchr2\t2900\t3100\n"
REGIONS = [
    Region("chr1", 2900, 3100),
    Region("chr1", 6900, 7100),
    Region("chr1", 10900, 11100),
    Region("chr2", 2900, 3100),
]


def read(text: str) -> BedContent:
    """The text as a file's lines."""
    return parse_bed(text.splitlines(keepends=True), LENGTHS, "kit.bed")


@pytest.mark.parametrize(
    "text",
    [GOOD, GOOD.replace("\n", "\r\n"), "#chrom\tstart\tend\n" + GOOD, GOOD.replace("\t", " "),
     GOOD.rstrip("\n")],
)  # fmt: skip
def test_good_files_give_their_regions_without_a_warning(text: str) -> None:
    content = read(text)
    assert content.regions == REGIONS
    assert content.lines == GOOD.splitlines()
    assert content.warnings == []


def test_further_columns_and_the_order_are_kept() -> None:
    lines = ["chr2\t10\t20\tNM_1\t0\t+", "chr1\t5\t9\tNM_2\t0\t-"]
    content = parse_bed(lines, LENGTHS)
    assert content.lines == lines
    assert content.regions == [Region("chr2", 10, 20, "NM_1"), Region("chr1", 5, 9, "NM_2")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("chrom\tchromStart\tchromEnd\n" + GOOD, ["kit.bed, line 1", "'chromStart'", "header"]),
        ("chr1\t3001\nchr1\t7001\n", ["line 1", "line 2", "2 columns"]),
        ("", ["kit.bed has no region"]),
        ("# nothing yet\n", ["no region"]),
        ("track name=kit\n", ["no region"]),
        (GOOD.replace("chr1\t6900", "\nchr1\t6900"), ["line 2", "blank"]),
        ("\n" + GOOD, ["line 1", "blank"]),
        (GOOD + "  \n", ["line 5", "blank"]),
        ("\ufeff" + GOOD, ["line 1", "byte order mark"]),
        (GOOD.replace("2900", "-5", 1), ["line 1", "negative start (-5)"]),
        (GOOD.replace("6900\t7100", "7100\t6900"), ["line 2", "7100", "6900", "before"]),
        (GOOD.replace("6900\t7100", "7100\t7100"), ["line 2", "before"]),
        ("chr1\t2.9e3\t3.1e3\n", ["line 1", "'2.9e3'", "whole number"]),
        ("chr1\t1,000\t2,000\n", ["line 1", "'1,000'"]),
        ("chr1\t\u0661\t20\n", ["line 1", "whole number"]),
        ("chr1\t1\t20\nchr1\t30\t40\tname\n", ["line 2", "4 columns", "line 1 has 3"]),
        ("\t1\t20\n", ["line 1", "no contig"]),
        ("chr1\t1\t20\rchr1\t30\t40\n", ["line 1"]),
        ("chr1 1 20 a b\nchr1 30 40 c d e\n", ["line 2", "tab between columns"]),
        ("c\x00h\x00r\x001\x00\t\x001\n", ["line 1", "UTF-16"]),
        (GOOD.replace("chr", ""), ["no contig that the sequence has", "put 'chr' before"]),
        ("chr9\t1\t2\n", ["'chr9'", "the sequence has 'chr1', 'chr2'"]),
        ("chr2\t6000\t7000\n", ["no region within the sequence", "line 1"]),
    ],
)  # fmt: skip
def test_bad_files_are_refused_with_file_line_and_reason(text: str, words: list[str]) -> None:
    with pytest.raises(InvalidReference) as refused:
        parse_bed(text.split("\n")[: text.count("\n")], LENGTHS, "kit.bed")
    for word in words:
        assert word in str(refused.value)


def test_names_with_chr_are_told_of_a_sequence_without() -> None:
    with pytest.raises(InvalidReference, match="take 'chr' away"):
        parse_bed(["chr1\t1\t20"], {"1": 100})


def test_a_file_of_many_faults_lists_ten_and_counts_the_others() -> None:
    with pytest.raises(InvalidReference) as refused:
        parse_bed(["x"] * 25, LENGTHS, "kit.bed")
    assert "line 10 " in str(refused.value)
    assert "line 11 " not in str(refused.value)
    assert "15 more" in str(refused.value)


@pytest.mark.parametrize("line", ['track name="kit" description="covered"', "browser position x"])
def test_browser_lines_are_left_out_with_a_warning(line: str) -> None:
    content = read(f"{line}\n{GOOD}")
    assert content.regions == REGIONS
    assert content.lines == GOOD.splitlines()
    assert ["line 1" in warning for warning in content.warnings] == [True]


@pytest.mark.parametrize("name", ["track", "browser"])
def test_a_contig_may_have_the_name_of_a_browser_line(name: str) -> None:
    content = parse_bed([f"{name}\t1\t4", f"{name} 5 9", "chr1\t1\t4"], {name: 100, "chr1": 19})
    assert [tuple(r[:3]) for r in content.regions] == [
        (name, 1, 4), (name, 5, 9), ("chr1", 1, 4),
    ]  # fmt: skip
    assert content.warnings == []


def test_blanks_round_columns_are_taken_away_and_those_within_names_stay() -> None:
    content = parse_bed(["chr1 \t 1\t20 \tGENE exon 1 ", "chr1\t30\t40 \t"], LENGTHS)
    assert content.lines == ["chr1\t1\t20\tGENE exon 1", "chr1\t30\t40\t"]
    assert content.warnings == []


def test_regions_past_the_end_are_cut_with_a_warning_that_names_the_line() -> None:
    content = read(GOOD.replace("11100", "99000") + "chr2\t6000\t6100\n")
    assert content.regions[2] == Region("chr1", 10900, 14_000)
    assert content.lines[2] == "chr1\t10900\t14000"
    assert len(content.regions) == 4
    [warning] = content.warnings
    assert "line 3" in warning
    assert "14000" in warning
    assert "line 5" in warning
    assert "left out" in warning


def test_some_contigs_that_the_sequence_lacks_are_listed_and_left_out() -> None:
    content = read(GOOD + "chr9_random\t0\t100\n")
    assert content.regions == REGIONS
    assert content.lines == GOOD.splitlines()
    [warning] = content.warnings
    assert "'chr9_random'" in warning


def test_what_the_sequence_lacks_is_kept_apart_to_the_base() -> None:
    kit = "chr1\t13990\t14010\tend\t0\nchr9\t0\t100\tpatch\t0\nchr2\t7000\t7100\tpast\t0\n"
    content = read(kit + "chr2\t5\t9\tgood\t0\n")
    assert content.lines == ["chr1\t13990\t14000\tend\t0", "chr2\t5\t9\tgood\t0"]
    assert content.left_out == [
        "chr1\t14000\t14010\tend\t0", "chr9\t0\t100\tpatch\t0", "chr2\t7000\t7100\tpast\t0",
    ]  # fmt: skip
    assert read(GOOD).left_out == []


def test_overlapping_regions_are_counted() -> None:
    content = read("chr1\t10\t50\nchr1\t20\t30\nchr1\t40\t60\nchr1\t60\t70\n")
    assert len(content.regions) == 4
    [warning] = content.warnings
    assert "2 regions that overlap" in warning


regions = st.lists(
    st.builds(
        lambda contig, start, size: Region(contig, start, min(start + size, LENGTHS[contig])),
        st.sampled_from(sorted(LENGTHS)), st.integers(0, 5_990), st.integers(1, 60),
    ), max_size=30,
)  # fmt: skip


def bases(given_regions: list[Region]) -> set[tuple[str, int]]:
    """Every base in any of them."""
    return {(r.contig, at) for r in given_regions for at in range(r.start, r.end)}


@given(regions, st.permutations(["chr1", "chr2"]))
def test_merged_regions_hold_the_same_bases_once_and_in_order(
    given_regions: list[Region], order: list[str]
) -> None:
    joined = merged(given_regions, order)
    assert bases(joined) == bases(given_regions)
    assert sum(r.end - r.start for r in joined) == len(bases(given_regions))
    assert joined == sorted(joined, key=lambda r: (order.index(r.contig), r.start))
    assert merged(joined, order) == joined
    assert overlaps(joined) == []
    gaps = [(a, b) for a, b in pairwise(joined) if a.contig == b.contig]
    assert all(a.end < b.start for a, b in gaps)


@given(regions, st.integers(0, 50))
def test_padded_regions_reach_further_on_both_sides_and_never_past_an_end(
    given_regions: list[Region], more: int
) -> None:
    wider = padded(given_regions, more, LENGTHS)
    near = {
        (r.contig, at)
        for r in given_regions
        for at in range(r.start - more, r.end + more)
        if 0 <= at < LENGTHS[r.contig]
    }
    assert bases(wider) == near
    assert [r.contig for r in wider] == [r.contig for r in given_regions]


SPANS = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 30), st.integers(1, 9)).map(
        lambda one: Region(one[0], one[1], one[1] + one[2])
    ),
    max_size=8,
)


@given(SPANS, SPANS)
def test_shared_regions_hold_the_bases_that_both_hold_once(
    ones: list[Region], others: list[Region]
) -> None:
    def bases(regions: list[Region]) -> list[tuple[str, int]]:
        return [(r.contig, at) for r in regions for at in range(r.start, r.end)]

    found = bases(shared(ones, others))
    assert len(found) == len(set(found))
    assert set(found) == set(bases(ones)) & set(bases(others))


@given(SPANS, SPANS)
def test_what_is_without_others_holds_the_rest_once(
    ones: list[Region], others: list[Region]
) -> None:
    def bases(regions: list[Region]) -> list[tuple[str, int]]:
        return [(r.contig, at) for r in regions for at in range(r.start, r.end)]

    found = bases(without(ones, others))
    assert len(found) == len(set(found))
    assert set(found) == set(bases(ones)) - set(bases(others))


def test_merged_regions_follow_the_order_that_is_given_and_then_their_own() -> None:
    found = merged([Region("b", 0, 1), Region("x", 0, 1), Region("a", 0, 1)], ["a", "b"])
    assert [r.contig for r in found] == ["a", "b", "x"]


@given(st.lists(st.text() | st.from_regex(r"chr[12]\t\d{1,5}\t\d{1,5}\r?\n?", fullmatch=True)))
def test_any_text_is_refused_or_read_and_what_was_read_is_read_alike_again(
    lines: list[str],
) -> None:
    try:
        content = parse_bed(lines, LENGTHS)
    except InvalidInput:
        return
    again = parse_bed(content.lines, LENGTHS)
    assert again.regions == content.regions
    assert again.lines == content.lines
    assert all(0 <= r.start < r.end <= LENGTHS[r.contig] for r in again.regions)


@pytest.mark.parametrize("end", [2**31, 10**18 - 1])
def test_an_end_that_no_contig_can_reach_is_refused(end: int) -> None:
    with pytest.raises(InvalidReference, match=rf"line 2 has {end} for its end: no contig reaches"):
        parse_bed(["chr1\t0\t9", f"chr2\t3000\t{end}"], LENGTHS)
    left_out = parse_bed(["chr1\t0\t9", f"chr2\t3000\t{2**31 - 1}"], LENGTHS).left_out
    assert left_out == [f"chr2\t6000\t{2**31 - 1}"]


def test_regions_of_a_version_that_an_earlier_release_took_are_still_read() -> None:
    assert parse_bed([f"chr9\t0\t{10**18 - 1}"]).regions == [Region("chr9", 0, 10**18 - 1)]


BLOCKS = "chr1\t900\t12100\tgene\t0\t+\t900\t12100\t0\t{}\t200,100\t0,11100"


def test_blocks_are_ignored_with_a_warning() -> None:
    content = parse_bed([BLOCKS.format(2)], LENGTHS, "kit.bed")
    assert content.regions == [Region("chr1", 900, 12_100, "gene")]
    [warning] = content.warnings
    assert "kit.bed has 1 line with blocks (BED12)" in warning
    assert parse_bed([BLOCKS.format(1)], LENGTHS).warnings == []


def test_regions_in_n_alone_are_counted() -> None:
    certain = [Region("chr1", 0, 100), Region("chr1", 200, 300)]
    seen = [Region("chr1", 99, 120), Region("chr1", 150, 201), Region("chr1", 50, 250)]
    assert uncallable(seen, certain, "kit.bed") == []
    blind = [Region("chr1", 100, 200), Region("chr1", 300, 310), Region("chr2", 0, 9)]
    [warning] = uncallable([*seen, *blind], certain, "kit.bed")
    assert warning.startswith("kit.bed has 3 regions where the sequence has N alone")
    assert "chr1:100-200, chr1:300-310, chr2:0-9" in warning
