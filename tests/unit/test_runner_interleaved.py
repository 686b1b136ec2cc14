"""Both mates in one file: each is read as if it had a file of its own."""

import gzip
from io import BytesIO
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.faults import FastqFault
from runner.streaming import fastq
from runner.streaming.fastq import _EveryOther, checked_text
from runner.streaming.record_counter import RecordCounter


def records(count: int, *, mates: int = 2, end: str = "\n") -> list[bytes]:
    found = []
    for number in range(count):
        for mate in range(1, mates + 1):
            bases = "ACGT"[mate % 4] * (number % 7 + 1)
            lines = (f"@r{number} {mate}", bases, "+", "I" * len(bases))
            found.append("".join(f"{line}{end}" for line in lines).encode())
    return found


def read(text: bytes, half: int | None) -> tuple[bytes, RecordCounter]:
    counter = RecordCounter()
    source = BytesIO(gzip.compress(text))
    return b"".join(checked_text(source, counter, half=half)), counter


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("half", [0, 1])
def test_each_half_is_that_mate_s_file(half: int, end: str) -> None:
    both = records(500, end=end)
    text, counter = read(b"".join(both), half)
    alone, own = read(b"".join(both[half::2]), None)
    assert text == alone == b"".join(both[half::2])
    assert counter.counts == own.counts
    assert counter.counts.reads == 500


@given(
    count=st.integers(0, 9), half=st.integers(0, 1), last=st.booleans(),
    cuts=st.lists(st.integers(0, 300), max_size=12),
)  # fmt: skip
def test_pieces_may_be_cut_anywhere(count: int, half: int, last: bool, cuts: list[int]) -> None:
    both = records(count)
    whole = b"".join(both).removesuffix(b"" if last else b"\n")
    places = sorted({0, *(min(cut, len(whole)) for cut in cuts), len(whole)})
    taker = _EveryOther(half)
    found = b"".join(taker.take(whole[a:b]) for a, b in pairwise(places))
    found += taker.rest()
    assert found.removesuffix(b"\n") == b"".join(both[half::2]).removesuffix(b"\n")


def test_an_odd_record_is_of_the_first_half() -> None:
    both = records(3)[:-1]
    assert [read(b"".join(both), half)[1].counts.reads for half in (0, 1)] == [3, 2]


@pytest.mark.parametrize(("wrong", "half"), [(2, 0), (3, 1), (0, 0), (5, 1)])
def test_a_wrong_record_is_found_by_the_half_that_has_it(wrong: int, half: int) -> None:
    both = records(3)
    both[wrong] = both[wrong].replace(b"\n+\n", b"\n-\n")
    with pytest.raises(FastqFault, match=f"record {wrong // 2 + 1}"):
        read(b"".join(both), half)
    read(b"".join(both), 1 - half)


@pytest.mark.parametrize("half", [0, 1])
def test_a_file_that_is_cut_off_is_found_by_one_of_both(half: int) -> None:
    whole = b"".join(records(4))
    for cut in range(len(whole) - 1, len(whole) - len(records(4)[-1]), -1):
        faults = 0
        for part in (half, 1 - half):
            try:
                _, counter = read(whole[:cut], part)
                faults += counter.counts.reads != 4
            except FastqFault:
                faults += 1
        # Without its last line end alone, the file is whole.
        assert faults or whole[:cut] == whole[:-1]


def test_damage_is_found_by_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fastq, "CHUNK_BYTES", 1_000)
    broken = gzip.compress(b"".join(records(2_000)))[:-40]
    for half in (0, 1):
        with pytest.raises(FastqFault, match="is cut off"):
            list(checked_text(BytesIO(broken), RecordCounter(), half=half))


@pytest.mark.parametrize("half", [0, 1])
def test_the_file_s_checksum_is_looked_at_by_both(half: int) -> None:
    source = BytesIO(gzip.compress(b"".join(records(5))))
    with pytest.raises(FastqFault, match="MD5 is"):
        list(checked_text(source, RecordCounter(), md5="0" * 32, half=half))
