"""Bases that both mates show count once, with the better quality; nothing else changes."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.mates_once import NO_QUALITY, once

FORWARD, REVERSE = 0x1 | 0x2 | 0x20 | 0x40, 0x1 | 0x2 | 0x10 | 0x80
GENOME = "ACGTTGCAACGGATCCTA" * 20


def record(
    start: int, mate_start: int, *, flag: int = FORWARD, cigar: str = "10M", name: str = "r",
    contig: str = "=", quality: str = "", mapq: int = 60, bases: str = "",
) -> str:  # fmt: skip
    bases = bases or GENOME[start : start + 10]
    quality = quality or "I" * len(bases)
    place = f"{name}\t{flag}\tc\t{start}\t{mapq}\t{cigar}\t{contig}\t{mate_start}\t0"
    return f"{place}\t{bases}\t{quality}\tNM:i:0\n"


def qualities(*lines: str, min_mapq: int = 20) -> list[str]:
    """Each line's, in order; no other field may change."""
    made = [line.split("\t") for line in once(lines, min_mapq)]
    given = [line.split("\t") for line in lines]
    assert [f[:10] + f[11:] for f in made] == [f[:10] + f[11:] for f in given]
    return [fields[10] for fields in made]


def test_up_to_the_middle_the_forward_mate_counts_and_behind_it_the_reverse_one() -> None:
    one, two = record(100, 104), record(104, 100, flag=REVERSE)
    assert qualities(one, two) == ["IIIIIII!!!", "!!!IIIIIII"]
    turned = record(100, 104, flag=REVERSE), record(104, 100)  # past each other's beginning
    assert qualities(*turned) == ["IIII!!!III", "III!!!IIII"]


def test_a_base_has_the_better_of_the_two_qualities() -> None:
    one = record(100, 104, quality="IIIII#####")
    two = record(104, 100, flag=REVERSE, quality="#IIIIIIIII")
    assert qualities(one, two) == ["IIIIIII!!!", "!!!IIIIIII"]
    bad = record(104, 100, flag=REVERSE, quality="##########")
    assert qualities(one, bad) == ["IIIII##!!!", "!!!#######"]


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [("#", "I", "!I"), ("I", "#", "I!"), ("I", "I", "I!")],
)
@pytest.mark.parametrize("at", [5, 9])
def test_of_two_bases_that_differ_the_better_counts_and_else_the_earlier_mates(
    first: str, second: str, found: str, at: int
) -> None:
    other = "A" if GENOME[100 + at] != "A" else "C"
    bases = GENOME[100 : 100 + at] + other + GENOME[101 + at : 110]
    one = record(100, 104, bases=bases, quality="I" * at + first + "I" * (9 - at))
    quality = "I" * (at - 4) + second + "I" * (13 - at)
    two = record(104, 100, flag=REVERSE, quality=quality)
    made = qualities(one, two)
    assert made[0][at] + made[1][at - 4] == found


def test_mates_that_begin_together_share_all() -> None:
    one, two = record(100, 100), record(100, 100, flag=REVERSE)
    assert qualities(one, two) == ["IIIII!!!!!", "!!!!!IIIII"]


def test_an_indel_near_the_middle_is_left_to_one_mate() -> None:
    """freebayes weighs it by the bases around it: parted, neither of the two would show it."""
    bases = GENOME[100:130] + GENOME[132:172]
    one = record(100, 104, cigar="30M2D40M", bases=bases)
    two = record(104, 100, flag=REVERSE, cigar="26M2D40M", bases=bases[4:])
    first, second = qualities(one, two)
    around = {first[18:42], second[14:38]}
    assert around == {"I" * 24, NO_QUALITY * 24}


def test_an_indel_that_only_one_of_two_mates_can_show_is_left_to_it() -> None:
    """The other ends too near to it, and shows its last bases as it can."""
    one = record(100, 110, cigar="24M", bases=GENOME[100:124])
    bases = GENOME[110:120] + GENOME[123:143]
    two = record(110, 100, flag=REVERSE, cigar="10M3D20M", bases=bases, quality="#" * 30)
    first, second = qualities(one, two)
    assert first[14:20] == NO_QUALITY * 6
    assert second[4:10] == "I" * 6


def test_inserted_bases_of_both_count_once_and_clipped_ones_stay() -> None:
    bases = GENOME[100:130] + "GATT" + GENOME[130:160]
    one = record(100, 100, cigar="30M4I26M4S", bases=bases)
    two = record(100, 100, flag=REVERSE, cigar="30M4I30M", bases=bases)
    first, second = qualities(one, two)
    assert {first[30:34], second[30:34]} == {"IIII", NO_QUALITY * 4}
    assert first[-4:] == second[-4:] == "IIII"


@pytest.mark.parametrize(
    "lines",
    [
        [record(100, 104)],  # its mate was left out
        [record(100, 104), record(300, 500)],
        [record(100, 500), record(500, 100, flag=REVERSE)],
        [record(100, 110), record(110, 100, flag=REVERSE)],
        [record(100, 104), record(104, 100, flag=REVERSE, mapq=19)],
        [record(100, 104, mapq=19), record(104, 100, flag=REVERSE)],
        [record(100, 104), record(104, 100, flag=REVERSE, name="other")],
        [record(100, 104), record(104, 100)],  # both say that they are the first
        [record(100, 104), record(104, 100, flag=REVERSE | 0x800)],
        [record(100, 104), record(104, 100, flag=REVERSE | 0x100)],
        [record(100, 104), record(104, 100, flag=0x10)],
        [record(100, 104, contig="d"), record(104, 100, flag=REVERSE, contig="d")],
        [record(100, 104, flag=FORWARD | 0x8), record(104, 100, flag=REVERSE | 0x4)],
        [record(100, 104), record(104, 100, flag=REVERSE, quality="*")],
    ],
)  # fmt: skip
def test_what_has_no_mate_that_counts_beside_it_stays(lines: list[str]) -> None:
    assert list(once(lines, 20)) == lines


def test_lines_stay_in_order_and_are_held_back_no_longer_than_needed() -> None:
    lines = [
        record(100, 108, name="a"), record(101, 109, name="b"), record(102, 900, name="c"),
        record(109, 101, name="b", flag=REVERSE), record(111, 0, name="d", flag=0),
    ]  # fmt: skip
    read: list[str] = []

    def source() -> Iterator[str]:
        for line in lines:
            read.append(line)
            yield line

    seen = [(line.partition("\t")[0], len(read)) for line in once(source(), 20)]
    assert [name for name, _ in seen] == ["a", "b", "c", "b", "d"]
    assert seen[0] == ("a", 4)  # its mate would have come before the fourth
    assert seen[3] == ("b", 5)


Alignment = st.lists(
    st.tuples(st.integers(1, 6), st.sampled_from("MMMMID")), min_size=1, max_size=7
).map(lambda parts: [(4, "M"), *parts, (4, "M")])


def drawn(start: int, parts: list[tuple[int, str]], data: st.DataObject) -> tuple[str, str, str]:
    """An alignment's CIGAR, bases with some errors, and qualities."""
    length = sum(n for n, what in parts if what in "MI")
    bases = data.draw(st.text("AAAC", min_size=length, max_size=length))
    quality = data.draw(st.text("#5I", min_size=length, max_size=length))
    return "".join(f"{n}{what}" for n, what in parts), bases, quality


def places(start: int, parts: list[tuple[int, str]]) -> list[tuple[int, int]]:
    found, at = [], start
    for n, what in parts:
        if what == "M":
            found += [(at + k, 0) for k in range(n)]
        if what == "I":
            found += [(at - 1, k + 1) for k in range(n)]
        at += n if what in "MD" else 0
    return found


@given(st.integers(0, 30), Alignment, Alignment, st.booleans(), st.data())
def test_of_each_place_that_both_show_the_better_base_counts_once(
    offset: int,
    own: list[tuple[int, str]],
    mate: list[tuple[int, str]],
    turned: bool,
    data: st.DataObject,
) -> None:
    """Held against a walk over each base of both; what only one shows outside stays."""
    starts, alignments = (100, 100 + offset), (own, mate)
    made = [drawn(start, parts, data) for start, parts in zip(starts, alignments, strict=True)]
    flags = (REVERSE, FORWARD) if turned else (FORWARD, REVERSE)
    lines = [
        record(start, other, flag=flag, cigar=cigar, bases=bases, quality=quality)
        for start, other, flag, (cigar, bases, quality) in zip(
            starts, starts[::-1], flags, made, strict=True
        )
    ]
    after = qualities(*lines)
    shows = [
        {place: (bases[at], quality[at], now[at]) for at, place in enumerate(places(start, parts))}
        for start, parts, (_, bases, quality), now in zip(
            starts, alignments, made, after, strict=True
        )
    ]
    ends = [max(place for place, _ in shown) for shown in shows]
    low, high = (max(starts), 0), (min(ends), 0)
    for place in shows[0].keys() & shows[1].keys():
        one, two = shows[0][place], shows[1][place]
        if not low <= place <= high:
            assert (one[1], two[1]) == (one[2], two[2])
            continue
        kept, gone = (two, one) if one[2] == NO_QUALITY else (one, two)
        assert gone[2] == NO_QUALITY
        assert kept[2] == max(one[1], two[1])
        if one[0] != two[0]:
            assert kept[1] == kept[2]
    for mine, others in (shows, shows[::-1]):
        for place in mine.keys() - others.keys():
            _, before, now = mine[place]
            assert now == before or (now == NO_QUALITY and low <= place <= high)
