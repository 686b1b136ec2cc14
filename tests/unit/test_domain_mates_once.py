"""Bases that both mates show: the later one shows nothing there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.mates_once import NO_QUALITY, once

FIRST, SECOND = 0x1 | 0x2 | 0x40, 0x1 | 0x2 | 0x80


def record(
    start: int, mate_start: int, *, flag: int = SECOND, cigar: str = "10M", mate: str = "10M",
    contig: str = "=", quality: str = "", tags: str = "NM:i:0\tMQ:i:60",
) -> str:  # fmt: skip
    quality = quality or "ABCDEFGHIJ"
    shown = f"{tags}\tMC:Z:{mate}" if mate else tags
    return (
        f"r\t{flag}\tc\t{start}\t60\t{cigar}\t{contig}\t{mate_start}\t0\tACGTACGTAC\t{quality}\t"
        f"{shown}\n"
    )


def shared(line: str, min_mapq: int = 20) -> int:
    """How many bases, from the beginning, have no quality any more; nothing else may change."""
    before, after = line.split("\t"), once(line, min_mapq).split("\t")
    count = len(after[10]) - len(after[10].lstrip(NO_QUALITY))
    assert after[10] == NO_QUALITY * count + before[10][count:]
    assert before[:10] + before[11:] == after[:10] + after[11:]
    return count


@pytest.mark.parametrize(
    ("line", "bases"),
    [
        (record(107, 100), 3),
        (record(110, 100), 0),
        (record(500, 100), 0),
        (record(100, 107), 0),  # the mate is the later one
        (record(100, 100), 10),
        (record(100, 100, flag=FIRST), 0),  # the second of a pair is, where both begin together
        (record(103, 100, mate="20M"), 10),
        (record(107, 100, cigar="2S8M"), 5),
        (record(107, 100, cigar="1M2I7M"), 5),
        (record(107, 100, cigar="3M2I5M"), 3),
        (record(107, 100, cigar="2M4D8M"), 2),
        (record(107, 100, mate="4S6M"), 0),
        (record(107, 100, mate="5M2D3M5H"), 3),
        (record(107, 100, flag=SECOND | 0x8), 0),
        (record(107, 100, flag=SECOND | 0x800), 0),
        (record(107, 100, flag=SECOND | 0x100), 0),
        (record(107, 100, flag=0), 0),
        (record(107, 100, contig="d"), 0),
        (record(107, 100, mate=""), 0),
        (record(107, 100, tags="NM:i:0"), 0),
        (record(107, 100, tags="MQ:i:19"), 0),  # the mate is not looked at
        (record(107, 100, tags="MQ:i:20"), 3),
        (record(107, 100, quality="*"), 0),
    ],
)
def test_the_later_mate_shows_nothing_where_the_earlier_one_does(line: str, bases: int) -> None:
    assert shared(line) == bases


Alignment = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from("MMM=XID")), min_size=1, max_size=6
)


@given(st.integers(0, 12), Alignment, Alignment)
def test_each_base_at_a_place_that_the_mate_reaches_is_one_of_them(
    offset: int, own: list[tuple[int, str]], mate: list[tuple[int, str]]
) -> None:
    """Held against a walk over each base of the read."""
    end = 100 + sum(n for n, what in mate if what in "MD=X")
    place, wanted, length = 100 + offset, 0, 0
    for n, what in own:
        for _ in range(n):
            is_before = place < end
            if what in "M=XI":
                length += 1
                wanted += is_before
            place += what != "I"
    line = record(
        100 + offset, 100, cigar="".join(f"{n}{what}" for n, what in own),
        mate="".join(f"{n}{what}" for n, what in mate), quality="J" * length or "*",
    )  # fmt: skip
    assert shared(line) == wanted
