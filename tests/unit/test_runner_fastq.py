"""The checks of streamed reads: nothing that is cut, damaged or misshapen gets through."""

import gzip
import hashlib
import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.faults import FastqFault
from runner.streaming.fastq import CHUNK_BYTES, checked_text
from runner.streaming.record_counter import RecordCounter
from tests.runner_support import fastq

TEXT = fastq(60)


class Cut:
    """A source that hands out what it has in pieces of given sizes."""

    def __init__(self, content: bytes, sizes: list[int] | None = None) -> None:
        self._file, self._sizes = io.BytesIO(content), list(sizes or [])

    def read(self, size: int) -> bytes:
        return self._file.read(min(size, self._sizes.pop() if self._sizes else size))


def member(text: bytes, flags: int = 0) -> bytes:
    """A gzip member with the optional header fields that the flags ask for."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    body = packer.compress(text) + packer.flush()
    header = b"\x1f\x8b\x08" + bytes([flags]) + bytes(6)
    if flags & 4:  # as in BGZF: its block's size
        header += struct.pack("<H2sHH", 6, b"BC", 2, len(body) + 25)
    if flags & 8:
        header += b"a name.fastq\0"
    return header + body + struct.pack("<II", zlib.crc32(text), len(text))


def check(content: bytes, *, md5: str = "", sizes: list[int] | None = None) -> RecordCounter:
    counter = RecordCounter()
    for _ in checked_text(Cut(content, sizes), counter, md5=md5):
        pass
    return counter


def fault_of(content: bytes, md5: str = "") -> str:
    with pytest.raises(FastqFault) as caught:
        check(content, md5=md5)
    return str(caught.value)


def test_reads_and_bases_are_counted() -> None:
    counter = check(gzip.compress(TEXT))
    assert (counter.counts.reads, counter.counts.bases) == (60, 60 * 20)


def test_the_text_comes_through_unchanged() -> None:
    pieces = checked_text(Cut(gzip.compress(TEXT)), RecordCounter())
    assert b"".join(map(bytes, pieces)) == TEXT


def test_a_file_cut_at_any_byte_is_never_accepted() -> None:
    whole = gzip.compress(TEXT)
    for length in range(len(whole)):
        fault_of(whole[:length])


def test_a_file_of_several_members_cut_at_any_byte_inside_of_one_is_never_accepted() -> None:
    first = member(TEXT[:510], flags=12)
    whole = first + member(TEXT[510:], flags=8)
    assert check(whole).counts.reads == 60
    for length in range(len(whole)):
        fault_of(whole[:length])  # at the members' border the cut is inside of a record


def test_a_cut_is_told_with_the_number_of_whole_reads() -> None:
    whole = gzip.compress(fastq(20_000, length=100), 1)
    fault = fault_of(whole[: len(whole) * 9 // 10])
    assert fault.startswith("is cut off: the gzip stream ends in the middle after ")
    assert "after 0 reads" not in fault


def test_bgzf_with_its_empty_last_block_is_whole() -> None:
    blocks = [member(TEXT[start : start + 99], flags=4) for start in range(0, len(TEXT), 99)]
    assert check(b"".join(blocks) + member(b"", flags=4)).counts.reads == 60


@pytest.mark.parametrize(
    "stray", [b"x", b"stray bytes of another file", b"\x1f", b"\0\0x", b"\n" + member(TEXT)]
)
@pytest.mark.parametrize("sizes", [[], [1] * 2_000])
def test_stray_bytes_at_the_end_are_counted(stray: bytes, sizes: list[int]) -> None:
    with pytest.raises(FastqFault) as caught:
        check(gzip.compress(TEXT) + stray, sizes=sizes)
    assert str(caught.value) == (
        f"has {len(stray)} bytes after the end of its gzip stream: pack it anew"
    )


def test_stray_bytes_are_not_counted_to_the_end_of_a_large_file() -> None:
    fault = fault_of(gzip.compress(TEXT) + b"x" * (CHUNK_BYTES + 7))
    assert fault.startswith("has at least 1,0")


def test_the_begin_of_another_member_is_a_cut_and_one_that_is_none_is_damage() -> None:
    whole = gzip.compress(TEXT)
    assert fault_of(whole + whole[:3]).startswith("is cut off: the gzip stream ends in the middle")
    assert fault_of(whole + b"\x1f\x8bnone of it").startswith(
        "is damaged after at least 60 reads: "
    )


@pytest.mark.parametrize("end", [bytes(700), b"\n", b"\r\n", b"\0\0\n\0"])
@pytest.mark.parametrize("sizes", [[], [1] * 2_000])
def test_zero_padding_and_a_line_end_after_the_stream_are_fine(
    end: bytes, sizes: list[int]
) -> None:
    digest = hashlib.md5(gzip.compress(TEXT, mtime=0) + end, usedforsecurity=False).hexdigest()
    counter = check(gzip.compress(TEXT, mtime=0) + end, md5=digest, sizes=sizes)
    assert counter.counts.reads == 60


def test_padding_after_the_last_block_hides_no_end_block() -> None:
    blocks = member(TEXT, flags=4) + member(b"", flags=4)
    assert not check(blocks + bytes(9)).counts.without_end_block
    assert check(member(TEXT, flags=4) + bytes(9)).counts.without_end_block


def test_members_with_zeros_between_are_all_read() -> None:
    assert check(member(TEXT) + bytes(300) + member(TEXT, flags=12)).counts.reads == 120


def test_any_flipped_bit_of_the_data_is_a_fault() -> None:
    whole = gzip.compress(TEXT)
    for position in range(10, len(whole)):
        fault_of(whole[:position] + bytes([whole[position] ^ 4]) + whole[position + 1 :])


def test_plain_text_is_not_gzip() -> None:
    assert fault_of(TEXT) == "is not gzip"


def test_an_empty_file_is_a_fault_and_an_empty_member_holds_no_reads() -> None:
    assert fault_of(b"") == "is empty"
    assert check(gzip.compress(b"")).counts.reads == 0


def test_a_wrong_md5_names_both() -> None:
    whole = gzip.compress(TEXT)
    right = hashlib.md5(whole, usedforsecurity=False).hexdigest()
    assert check(whole, md5=right.upper()).counts.reads == 60
    assert fault_of(whole, md5="0" * 32) == f"MD5 is {right}, the manifest says {'0' * 32}"


def test_a_last_line_without_its_end_is_a_record() -> None:
    assert check(gzip.compress(TEXT[:-1])).counts.reads == 60


@pytest.mark.parametrize(
    ("record", "fault"),
    [
        (b"r\nAC\n+\nII\n", "record 61 does not begin with @"),
        (b"\nAC\n+\nII\n", "record 61 begins with a blank line"),
        (b"@r\nAC\n-\nII\n", "record 61 has no + line"),
        (b">r\nAC\n>r\nAC\n", "record 61 does not begin with @ but with >, as FASTA does"),
        (b"\xef\xbb\xbf@r\nAC\n+\nII\n", "record 61 does not begin with @ but with a byte order"),
        (b"@r\nAC\nA\n+\nII\nI\n@r\nA\n", "record 61 has no + line after its bases, but more"),
        (b"@r\rAC\r+\rII\r", "has CR alone as its line ends"),
        (b"@r\r", "ends in the middle of a record after 60 reads"),
        (b"@r\nACG\n+\nII\n", "record 61 has 3 bases and 2 qualities"),
        (b"@r\nAC\n+\n", "ends in the middle of a record after 60 reads"),
        (b"@r\nAC\n", "ends in the middle of a record after 60 reads"),
        (b"\x1a", "has bytes after its last record, number 60, that are no line ends (0x1A)"),
        (bytes(999), "has bytes after its last record, number 60, that are no line ends (0x00)"),
        (b" \n", "has bytes after its last record, number 60, that are no line ends (0x20)"),
        (b"\n\t\r\n", "has bytes after its last record, number 60, that are no line ends (0x09)"),
    ],
)
def test_a_misshapen_record_is_a_fault(record: bytes, fault: str) -> None:
    assert fault in fault_of(gzip.compress(TEXT + record))


def test_a_file_whose_lines_end_with_cr_alone_says_so_however_large_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = fastq(3_000).replace(b"\n", b"\r")
    fault = "has CR alone as its line ends, as old Macs wrote them: make them LF, as in "
    assert fault_of(gzip.compress(text)).startswith(fault)
    monkeypatch.setattr("runner.streaming.record_counter.LONGEST_RECORD_BYTES", 1_000)
    assert fault_of(gzip.compress(text)).startswith(fault)


@given(st.lists(st.integers(1, 90), max_size=300), st.integers(1, 60), st.binary(max_size=9))
def test_where_the_pieces_are_cut_changes_nothing(sizes: list[int], reads: int, cut: bytes) -> None:
    text = fastq(reads, length=4 + len(cut))
    where = len(text) // (len(cut) + 1)
    counts = check(member(text[:where], flags=12) + member(text[where:]), sizes=sizes).counts
    assert (counts.reads, counts.bases) == (reads, reads * ((4 + len(cut)) // 4 * 4))


@given(st.lists(st.integers(1, 200), max_size=100))
def test_records_are_counted_whatever_pieces_the_text_comes_in(sizes: list[int]) -> None:
    counter, start = RecordCounter(), 0
    for size in [*sizes, len(TEXT)]:
        counter.feed(TEXT[start : start + size])
        start += size
    counter.finish()
    assert (counter.counts.reads, counter.counts.bases) == (60, 1200)
