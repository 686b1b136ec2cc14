"""Variants of another caller between bcftools' blocks: what is claimed, and what is not."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.blocks_between import between, header_of_both

CONTIGS = ["c10", "c2"]
GENOME = "ACGTTGCAAC" * 30


def block(start: int, end: int, depth: int = 12, contig: str = "c10") -> str:
    """A block of bases from start to end, both counted from 1."""
    info = f"MinDP={depth}" if start == end else f"END={end};MinDP={depth}"
    base = GENOME[start - 1]
    return f"{contig}\t{start}\t.\t{base}\t.\t.\t.\t{info}\tGT:DP\t0/0:{depth}\n"


def variant(start: int, length: int = 1, genotype: str = "0/1", contig: str = "c10") -> str:
    ref = GENOME[start - 1 : start - 1 + length]
    return f"{contig}\t{start}\t.\t{ref}\t{'T' * 9}\t50\t.\tDP=9\tGT:GQ\t{genotype}:50\n"


def made(variants: list[str], blocks: list[str]) -> list[str]:
    def base(_: str, place: int) -> str:
        return GENOME[place]

    return list(between(variants, blocks, base, CONTIGS))


def test_a_block_ends_before_a_variant_and_begins_again_behind_it() -> None:
    found = made([variant(20, 3)], [block(1, 19), block(20, 40)])
    assert found == [block(1, 19), variant(20, 3), block(23, 40)]


def test_a_piece_of_one_base_has_no_end() -> None:
    assert made([variant(2), variant(4)], [block(1, 9)]) == [
        block(1, 1), variant(2), block(3, 3), variant(4), block(5, 9),
    ]  # fmt: skip


def test_where_bcftools_alone_sees_a_variant_nothing_is_claimed() -> None:
    theirs = variant(10, 4)
    assert made([], [block(1, 9), theirs, block(11, 30)]) == [block(1, 9), block(14, 30)]


@pytest.mark.parametrize("genotype", ["0/0", ".", "./.", "0"])
def test_a_record_without_a_variant_in_its_genotype_is_left_out(genotype: str) -> None:
    assert made([variant(5, 3, genotype)], [block(1, 9)]) == [block(1, 9)]


@pytest.mark.parametrize("genotype", ["1", "./1", "2|0"])
def test_a_record_with_one_stays_whatever_its_ploidy(genotype: str) -> None:
    assert made([variant(1, 1, genotype)], [block(1, 2)]) == [variant(1, 1, genotype), block(2, 2)]


def test_contigs_stay_in_the_order_of_the_sequence() -> None:
    blocks = [block(1, 9), block(1, 9, contig="c2")]
    found = made([variant(1, 9, contig="c2"), variant(1, 9)], blocks)
    assert found == [variant(1, 9), variant(1, 9, contig="c2")]


Spans = st.lists(st.tuples(st.integers(1, 200), st.integers(1, 12)), max_size=12)


@given(Spans, Spans, st.lists(st.integers(1, 40), min_size=1, max_size=10))
def test_what_is_claimed_is_what_neither_caller_sees_a_variant_in(
    ours: list[tuple[int, int]], theirs: list[tuple[int, int]], lengths: list[int]
) -> None:
    blocks, at, covered = [], 1, set[int]()
    for number, length in enumerate(lengths):
        if number % 3 != 1:  # some stretches are in no block
            blocks.append(block(at, at + length - 1))
            covered |= set(range(at, at + length))
        at += length
    lines = sorted([*blocks, *(variant(*span) for span in theirs)], key=_position)
    found = made([variant(*span) for span in ours], lines)
    claimed = [base for line in found if "\t0/0:" in line for base in _bases(line)]
    holes = {base for start, length in [*ours, *theirs] for base in range(start, start + length)}
    assert claimed == sorted(covered - holes)
    assert all(
        line.split("\t")[3] == GENOME[_position(line) - 1] for line in found if "0/0" in line
    )
    assert sorted(line for line in found if "0/0" not in line) == sorted(
        variant(*span) for span in ours
    )


def _position(line: str) -> int:
    return int(line.split("\t")[1])


def _bases(line: str) -> range:
    found = re.search(r"END=(\d+)", line)
    return range(_position(line), int(found[1] if found else _position(line)) + 1)


def test_the_header_declares_what_both_need_and_tells_no_date_path_or_command() -> None:
    columns = "#CHROM\tPOS\n"
    variants = [
        "##fileformat=VCFv4.2\n", "##fileDate=20261130\n", "##source=freeBayes v1.3.6\n",
        "##reference=ref/genome.fa\n", '##commandline="freebayes -f ref/genome.fa"\n',
        "##INFO=<ID=END,Number=1>\n", "##FORMAT=<ID=DP,Number=1>\n", columns,
    ]  # fmt: skip
    blocks = [
        "##fileformat=VCFv4.2\n", "##INFO=<ID=END,Number=1,Description=other>\n",
        "##INFO=<ID=MinDP,Number=1>\n", "##INFO=<ID=INDEL,Number=0>\n", columns,
    ]  # fmt: skip
    assert header_of_both(variants, blocks) == [
        "##fileformat=VCFv4.2\n", "##source=freeBayes v1.3.6\n", "##INFO=<ID=END,Number=1>\n",
        "##FORMAT=<ID=DP,Number=1>\n", "##INFO=<ID=MinDP,Number=1>\n", columns,
    ]  # fmt: skip
