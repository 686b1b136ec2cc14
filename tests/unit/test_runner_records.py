"""The check by vectors says what the definition of a record says, wherever the text is cut."""

import gzip
import zlib
from collections.abc import Sequence
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runner.faults import FastqFault
from runner.streaming.mate_counts import MateCounts, parting_block, totals
from runner.streaming.record_counter import RecordCounter
from seqdrop.domain.errors import UnreadableFastq
from seqdrop.domain.fastq import read_head
from seqdrop.domain.fastq_record import (
    BASES,
    PADDING,
    full_name,
    pair_name,
    record_fault,
    shown_bytes,
)
from seqdrop.domain.no_reads import NoReads

BLOCK = 3
"""Small blocks, so that short texts have some."""


def counted(text: bytes, cuts: Sequence[int] = ()) -> MateCounts:
    """The counts of a text that comes in pieces; raises FastqFault."""
    with patch("runner.streaming.record_counter.BLOCK_READS", BLOCK):
        counter, places = RecordCounter(), sorted({0, *(cut % (len(text) + 1) for cut in cuts)})
        for begin, end in zip(places, [*places[1:], len(text)], strict=True):
            counter.feed(text[begin:end])
        counter.finish()
    return counter.counts


def fault_of(text: bytes, cuts: Sequence[int] = ()) -> str:
    """What is wrong with the text; "" if it is right."""
    try:
        counted(text, cuts)
    except FastqFault as fault:
        return str(fault)
    return ""


def by_definition(text: bytes) -> tuple[str, list[list[bytes]]]:
    """The fault and the records before it, line by line."""
    *lines, last = text.split(b"\n")
    records: list[list[bytes]] = []
    while b"".join([*lines, last]).strip(b"\r"):
        is_last = len(lines) == 3
        record = [line.removesuffix(b"\r") for line in (*lines[:4], *([last] if is_last else []))]
        whole = b"\n".join([*lines, last])
        if records and len(lines) < 4 and (others := whole.translate(None, b"\r\n")) and not (
            others.strip(PADDING)
        ):  # fmt: skip
            return (
                f"has bytes after its last record, number {len(records)}, that are no line ends "
                f"({shown_bytes(others)}): remove them", records,
            )  # fmt: skip
        number = f"is not FASTQ: record {len(records) + 1}"
        if not (record[0] if record else last):
            return (
                f"{number} begins with a blank line: only the end of a file may have some",
                records,
            )
        if len(record) < 4 or (is_last and len(record[1]) > len(record[3])):
            return f"ends in the middle of a record after {len(records)} reads", records
        if fault := record_fault(*record):
            return f"{number} {fault}", records
        records.append(record)
        lines, last = lines[4:], b"" if is_last else last
    return "", records


def checksums(lines: list[bytes]) -> list[int]:
    """Of each block of lines: the CRC of their hashes, each the sum of its words times powers."""
    hashes = []
    for line in lines:
        words = [int.from_bytes(line[n : n + 8], "little") for n in range(0, len(line), 8)]
        total = sum(
            word * pow(0x9E3779B97F4A7C15, power, 2**64) for power, word in enumerate(words, 1)
        )
        hashes.append((total % 2**64).to_bytes(8, "little"))
    return [zlib.crc32(b"".join(hashes[n : n + BLOCK])) for n in range(0, len(lines), BLOCK)]


NAMES = st.one_of(
    st.sampled_from([b"r1", b"r1/1", b"r1/2 x", b"r\t/1", b"A:1:HX:1:1101:1:2 1:N:0:AC", b"/1"]),
    st.integers(240, 260).map(lambda length: b"n" * length),
    st.binary(max_size=12).map(lambda name: name.replace(b"\n", b"")),
)
GOOD_BASES = st.one_of(st.text("ACGT", max_size=9), st.text(BASES.decode(), max_size=9))


@st.composite
def records(draw: st.DrawFn) -> bytes:
    """A record, right more often than not."""
    bases = draw(GOOD_BASES).encode()
    qualities = bytes(draw(st.lists(st.integers(0x21, 0x7E), min_size=9, max_size=9)))
    lines = [b"@" + draw(NAMES), bases, b"+", qualities[: len(bases)]]
    spoiled = draw(st.integers(0, 40))
    if spoiled < 4:
        lines[spoiled] = draw(st.binary(max_size=9)).replace(b"\n", b"")
    elif spoiled == 5:
        lines[2] += lines[0][1:]
    end = draw(st.sampled_from([b"\n", b"\n", b"\n", b"\r\n"]))
    return b"".join(line + end for line in lines)


TEXTS = st.builds(
    lambda parts, end, cut: (b"".join(parts) + end)[: -cut or None],
    st.lists(records(), max_size=12),
    st.sampled_from([b"", b"", b"\n", b"\r\n\n\n", b"\n\n\n\n\n@", b"\x1a", b" \n\0", b"\n\t"]),
    st.integers(0, 3),
)


@given(TEXTS, st.lists(st.integers(0, 2_000), max_size=6))
@example(b"@r\n\n+\n", ())
@example(b"@r\n\n+\n\n", (7,))
@example(b"@r\nA\n+\nI\n\n\n\n\n\n@q\nA\n+\nI\n", (9, 12))
@example(b"\n\n\n\n", ())
def test_vectors_say_what_the_definition_says(text: bytes, cuts: Sequence[int]) -> None:
    fault, right = by_definition(text)
    assert fault_of(text, cuts) == fault
    if fault:
        return
    counts = counted(text, cuts)
    bases = [record[1] for record in right]
    qualities = b"".join(record[3] for record in right)
    assert counts.reads == len(right)
    assert counts.bases == sum(map(len, bases))
    assert counts.q30_bases == sum(quality - 33 >= 30 for quality in qualities)
    assert counts.quality_min == min(qualities, default=255)
    assert counts.quality_max == max(qualities, default=0)
    assert list(counts.sequences) == checksums(bases)
    assert list(counts.names) == checksums([pair_name(record[0]) for record in right])


@given(TEXTS)
@example(b"\n\n")
@example(b"@r\n\n+\n\n")
@example(b"@r\r\nAC\r\n+\r\nII")
@example(b"@r\nA\n+\nI\n\n@q\nA\n+\nI\n")
def test_registration_and_stream_have_one_definition_of_fastq(text: bytes) -> None:
    """What the stream takes, registration takes; what that refuses, the stream refuses."""
    data = gzip.compress(text, mtime=0)
    try:
        head = read_head(data, len(data))
    except UnreadableFastq:
        assert fault_of(text)
        return
    if isinstance(head, NoReads):
        assert fault_of(text) == ""
        assert counted(text).reads == 0
    elif not fault_of(text):
        assert counted(text).reads > 0


LANE_NAMES = st.builds(
    "{}:{} {}".format,
    st.sampled_from(["A0:1:HX:1", "A0:1:HX:2", "A0:1:HXY:1", "A0:1:HX:11", "B:1:HX:1"]),
    st.sampled_from(["1101:1:2", "1:1:1:ACGT", "2101:10:20", "1101:1:2/1"]),
    st.sampled_from(["1:N:0:AC", "", "x y"]),
)


@given(
    st.lists(LANE_NAMES, max_size=12), st.lists(st.integers(0, 2_000), max_size=6), st.booleans()
)
def test_every_lane_of_a_file_is_seen(names: list[str], cuts: list[int], odd: bool) -> None:
    bases = "R\xa0" if odd else "ACGT"  # odd comments go the slow way
    text = "".join(f"@{name} {bases}\nAC\n+\nII\n" for name in names).encode("latin-1")
    expected = {":".join(name.split(":")[:4]) + ":" for name in names}
    counts = counted(text, cuts)
    assert counts.reads == len(names)
    assert {lane.decode() for lane in counts.lanes} == expected
    assert totals([(counts, counts)])["merged_files"] == 2 * (len(expected) > 1)


@pytest.mark.parametrize(
    ("names", "lanes"),
    [
        (["V300019058L1C001R0010000000/1", "V300019058L2C001R0010000000/1"], 2),
        (["V300019058L1C001R0010000000/1", "V300019058L1C004R0020000007/1"], 1),
        (["HWUSI-EAS100R:6:73:941:1973#0/1", "HWUSI-EAS100R:7:73:941:1973#0/1"], 2),
        (["SRR1.1 A:1:HX:1:1:1:1", "SRR1.2 A:1:HX:2:1:1:1"], 0),
        (["r1", "r2"], 0),
    ],
)
def test_lanes_are_told_by_names_and_an_archive_s_name_tells_none(
    names: list[str], lanes: int
) -> None:
    text = "".join(f"@{name}\nAC\n+\nII\n" for name in names)
    assert len(counted(text.encode()).lanes) == lanes


@given(st.lists(records(), max_size=12), st.lists(st.integers(0, 2_000), max_size=6))
def test_line_ends_and_mate_numbers_change_no_count(parts: list[bytes], cuts: list[int]) -> None:
    text = b"".join(parts).replace(b"\r", b"")
    if by_definition(text)[0]:
        return
    assert counted(text.replace(b"\n", b"\r\n"), cuts) == counted(text)


@given(st.lists(NAMES, min_size=1, max_size=8), st.lists(NAMES, min_size=8, max_size=8))
def test_mates_part_where_a_name_differs(names: list[bytes], others: list[bytes]) -> None:
    def text(given: list[bytes]) -> bytes:
        return b"".join(b"@%s\nA\n+\nI\n" % name for name in given)

    others = others[: len(names)]
    if fault_of(text(names)) or fault_of(text(others)):
        return
    both = zip(names, others, strict=True)
    parted = [pair_name(b"@" + one) != pair_name(b"@" + two) for one, two in both]
    expected = parted.index(True) // BLOCK if any(parted) else None
    assert parting_block(counted(text(names)), counted(text(others))) == expected


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ((b"@" + b"n" * 255, b"A", b"+", b"I"), "has a name of 255 characters: SAM allows 254"),
        ((b"@ x", b"A", b"+", b"I"), "has no name"),
        ((b"@@r", b"A", b"+", b"I"), "begins with @, as a line of SAM's header"),
        ((b"@r\x80", b"A", b"+", b"I"), "in its name that SAM does not take: 0x80"),
        ((b"@r", b"T01.", b"+", b"IIII"), "that are not bases: . 0 1"),
        ((b"@r", b"ACE", b"+", b"III"), "that are not bases: E"),
        ((b"@r", b"A C", b"+", b"III"), "that are not bases: 0x20"),
        ((b"@r", b"A", b"+", b"\x80"), "that are not qualities (! to ~): 0x80"),
        ((b"@r", b"A", b"+", b"\x1f"), "that are not qualities (! to ~): 0x1F"),
        ((b"@r", b"A", b"+", b" "), "that are not qualities (! to ~): 0x20"),
        ((b"@r", b"A", b"", b"I"), "has no + line"),
        ((b"@r", b"A", b"+", b""), "has 1 bases and 0 qualities"),
    ],
)
def test_a_fault_says_what_is_wrong(record: tuple[bytes, bytes, bytes, bytes], why: str) -> None:
    assert why in record_fault(*record)
    text = b"@r x\nA\n+\nI\n" + b"\n".join(record) + b"\n"
    assert fault_of(text) == f"is not FASTQ: record 2 {record_fault(*record)}"


def test_a_name_ends_at_the_first_blank() -> None:
    assert full_name(b"@r/1\tx y") == b"r/1"
    assert pair_name(b"@r/2 1:N") == b"r"
    assert pair_name(b"@SRR1.2") == b"SRR1.2"


def test_a_record_without_an_end_is_given_up() -> None:
    with patch("runner.streaming.record_counter.LONGEST_RECORD_BYTES", 99):
        assert fault_of(b"@r\n" + b"A" * 100) == "is not FASTQ: record 1 has no end"


def test_pairs_with_equal_bases_are_counted_by_blocks() -> None:
    first = counted(b"@r\nAC\n+\nII\n" * 7)
    second = counted(b"@r\nAC\n+\nI5\n" * 6 + b"@r\nAG\n+\nII\n")
    with patch("runner.streaming.mate_counts.BLOCK_READS", BLOCK):
        found = totals([(first, second), (first, first)])
    assert found["identical_mates"] == 6 + 7
    assert found["reads_in"] == 28
    assert found["q30_bases"] == 28 * 2 - 6
    assert (found["quality_min"], found["quality_max"]) == (ord("5"), ord("I"))


def test_reads_without_any_base_have_no_quality() -> None:
    found = totals([(counted(b"@r\n\n+\n\n"), counted(b"@r\n\n+\n\n"))])
    assert found["reads_in"] == 2
    assert "quality_min" not in found


@given(st.lists(st.integers(0, 70_000), min_size=1, max_size=9), st.booleans(), st.integers(0, 99))
def test_long_and_short_reads_side_by_side_are_counted(
    lengths: list[int], is_dos: bool, cut: int
) -> None:
    lines = [(b"ACGTN" * 14_000)[:length] for length in lengths]
    qualities = [(b"!5?I~" * 14_000)[:length] for length in lengths]
    both = zip(lines, qualities, strict=True)
    text = b"".join(b"@r\n%s\n+\n%s\n" % record for record in both)
    counts = counted(text.replace(b"\n", b"\r\n") if is_dos else text, [cut * 1_000])
    all_qualities = b"".join(qualities)
    assert (counts.reads, counts.bases) == (len(lengths), sum(lengths))
    assert counts.q30_bases == sum(all_qualities.count(one) for one in (b"?", b"I", b"~"))
    assert counts.quality_min == min(all_qualities, default=255)
    assert counts.quality_max == max(all_qualities, default=0)
    assert list(counts.sequences) == checksums(lines)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_good_records_are_never_looked_at_one_by_one(end: bytes) -> None:
    """That takes ten times as long: trimmed reads, CRLF and soft-masked bases need it not."""
    records = [b"@r%d/1 1:N:0:AC\n%s\n+\n%s\n" % (n, b"AcGnR" * n, b"F#,:?" * n) for n in range(90)]
    with patch(
        "runner.streaming.record_counter.RecordCounter._look_at_each", side_effect=AssertionError
    ):
        assert counted(b"".join(records).replace(b"\n", end), [77, 3_000]).reads == 90
