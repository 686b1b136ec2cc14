"""The first bytes of a FASTQ file: its form, and what its first read's name tells."""

import gzip
import shutil
import subprocess
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.errors import MismatchedMates, UnreadableFastq
from seqdrop.domain.fastq import (
    HEAD_BYTES,
    check_mates,
    check_read_number,
    read_head,
)
from seqdrop.domain.fastq_record import MAX_NAME_LENGTH
from seqdrop.domain.no_reads import NoReads
from seqdrop.domain.read_name import FastqHead, lane_prefix

HEADERS = [
    # Illumina, Casava 1.8 and later
    ("M01:7:000000000-A1B2C:1:1101:15589:1334 1:N:0:ACGT",
     FastqHead("M01:7:000000000-A1B2C:1:1101:15589:1334", "000000000-A1B2C", "1", "R1", "ACGT")),
    ("A00217:76:HFLT3DSXX:3:1101:1108:1000 2:Y:18:ATCACG+TTAGGC",
     FastqHead("A00217:76:HFLT3DSXX:3:1101:1108:1000", "HFLT3DSXX", "3", "R2", "ATCACG+TTAGGC")),
    ("A00217:76:HFLT3DSXX:3:1101:1108:1000 2:N:0:12",
     FastqHead("A00217:76:HFLT3DSXX:3:1101:1108:1000", "HFLT3DSXX", "3", "R2")),
    ("A00217:76:HFLT3DSXX:3:1101:1108:1000 1:N:0",
     FastqHead("A00217:76:HFLT3DSXX:3:1101:1108:1000", "HFLT3DSXX", "3", "R1")),
    # with a UMI as an eighth field
    ("A0:76:HFLT3DSXX:3:1101:1108:1000:ACGTAC 1:N:0:1",
     FastqHead("A0:76:HFLT3DSXX:3:1101:1108:1000:ACGTAC", "HFLT3DSXX", "3", "R1")),
    # with another character for the blank
    ("A0:76:HFLT3DSXX:3:1101:1108:1000_1:N:0:ACGTAC",
     FastqHead("A0:76:HFLT3DSXX:3:1101:1108:1000_1:N:0:ACGTAC", "HFLT3DSXX", "3", "R1", "ACGTAC")),
    ("A0:76:HFLT3DSXX:3:1101:1108:1000:2:N:0:",
     FastqHead("A0:76:HFLT3DSXX:3:1101:1108:1000:2:N:0:", "HFLT3DSXX", "3", "R2")),
    # before Casava 1.8: no flowcell
    ("HWUSI-EAS100R:6:73:941:1973#0/1", FastqHead("HWUSI-EAS100R:6:73:941:1973#0", "", "6", "R1")),
    ("HWI-EAS209_0006_FC706VJ:5:58:5894:21141#ATCACG/2",
     FastqHead("HWI-EAS209_0006_FC706VJ:5:58:5894:21141#ATCACG", "", "5", "R2", "ATCACG")),
    # Element
    ("AV240405:run_X:2427443373:2:10102:0013:0001 1:N:0:AC",
     FastqHead("AV240405:run_X:2427443373:2:10102:0013:0001", "2427443373", "2", "R1")),
    # ENA and SRA: the name before, or none
    ("ERR1755085.1 1/1", FastqHead("ERR1755085.1", read="R1")),
    ("ERR3239334.1 A00217:76:HFLT3DSXX:1:1101:1108:1000/2",
     FastqHead("ERR3239334.1", "HFLT3DSXX", "1", "R2")),
    ("ERR3239334.1 A00217:76:HFLT3DSXX:1:1101:1108:1000 2:N:0:ACGTACGT",
     FastqHead("ERR3239334.1", "HFLT3DSXX", "1", "R2", "ACGTACGT")),
    ("ERR000589.1 EAS139_45:5:1:2:111/1", FastqHead("ERR000589.1", "", "5", "R1")),
    ("SRR001666.1 071112_SLXA-EAS1_s_7:5:1:817:345 length=36",
     FastqHead("SRR001666.1", "", "5")),
    ("SRR1.1 1 length=150", FastqHead("SRR1.1")),
    ("SRR1.1", FastqHead("SRR1.1")),
    ("SRR1.7.2 7 length=150", FastqHead("SRR1.7.2", read="R2")),
    ("DRR000001.1.1 3060N:7:1:1115:330 length=36", FastqHead("DRR000001.1.1", "", "7", "R1")),
    # BGI and MGI
    ("FCC0U42ACXX:3:1101:1239:2191#CGATGTAT/1",
     FastqHead("FCC0U42ACXX:3:1101:1239:2191#CGATGTAT", "C0U42ACXX", "3", "R1", "CGATGTAT")),
    ("V300019058L3C001R0010000000/1",
     FastqHead("V300019058L3C001R0010000000", "V300019058", "3", "R1")),
    ("E100000001L1C001R00300000001/2",
     FastqHead("E100000001L1C001R00300000001", "E100000001", "1", "R2")),
    ("CL100013884L2C001R001_1/1", FastqHead("CL100013884L2C001R001_1", "CL100013884", "2", "R1")),
    ("FP200000001L01C001R00100000001/1",
     FastqHead("FP200000001L01C001R00100000001", "FP200000001", "1", "R1")),
    # samtools fastq with tags after tabs
    ("read1/2\tBC:Z:ACGT-TTAA", FastqHead("read1", read="R2", barcode="ACGT+TTAA")),
    # long reads, simulators, and what only looks like a lane
    ("m64011_190830_220126/1/ccs", FastqHead("m64011_190830_220126/1/ccs")),
    ("chr1_100_500_0:0:0_0:0:0_0/1", FastqHead("chr1_100_500_0:0:0_0:0:0_0", read="R1")),
    ("sim:0:1:2:3", FastqHead("sim:0:1:2:3")),
    ("sample:1:x:2:3", FastqHead("sample:1:x:2:3")),
    # characters that may not stand in a key
    ("M:1:A B#C/../D;$(x):1:1:1:1", FastqHead("M:1:A")),
    ("M:1:A#/..;$(x):1:1:1:1", FastqHead("M:1:A#/..;$(x):1:1:1:1")),
]  # fmt: skip


def gz(text: bytes) -> bytes:
    """Gzip that is the same at any time, so that the names of the tests are."""
    return gzip.compress(text, mtime=0)


RECORD = b"@M01:7:HX:1:1:1:1 1:N:0:1\nACGT\n+\nFFFF\n"


def head(text: bytes) -> FastqHead:
    """The head of gzipped text."""
    data = gz(text)
    return head_of(data[:HEAD_BYTES], len(data))


def head_of(data: bytes, size: int) -> FastqHead:
    """The head of a file with reads."""
    found = read_head(data, size)
    assert isinstance(found, FastqHead)
    return found


@pytest.mark.parametrize(("header", "expected"), HEADERS)
def test_the_names_of_the_fields_sequencers_are_read(header: str, expected: FastqHead) -> None:
    found = head(f"@{header}\nACGT\n+\nFFFF\n".encode())
    assert found == expected


@pytest.mark.parametrize(
    "text",
    [
        RECORD,
        RECORD.removesuffix(b"\n"),
        RECORD.replace(b"\n", b"\r\n"),
        RECORD * 1_000,
    ],
)
def test_line_ends_do_not_matter(text: bytes) -> None:
    assert head(text).flowcell == "HX"


def test_a_record_over_several_gzip_members_is_read() -> None:
    data = b"".join(gz(RECORD[i : i + 7]) for i in range(0, len(RECORD), 7))
    assert head_of(data, len(data)).lane == "1"


def test_an_empty_first_member_is_passed_over() -> None:
    data = gz(b"") + gz(RECORD)
    assert head_of(data, len(data)).lane == "1"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "the file is empty: upload the right file .* a manifest .* that leaves it out"),
        (RECORD, "not gzip"),
        (b"PK\x03\x04zip", "not gzip but zip .* `unzip -p FILE"),
        (b"BZh91AY", "not gzip but bzip2 .* `bzcat FILE"),
        (b"\x28\xb5\x2f\xfdzstd", "not gzip but Zstandard .* `zstdcat FILE"),
        (gz(b"") * 4_000, "nothing in the first 64 KiB of the gzip file"),
        (gz(b"")[:-1], "cut off"),
        (gz(b"BAM\x01\0\0\0\0"), "does not begin with @ but as BAM does"),
        (gz(RECORD)[:12], "ends within its first|nothing in"),
        (gz(b"@r\nAC\n"), "ends within its first FASTQ record"),
        (gz(b">r\nACGT\n+\nFFFF\n"), "first FASTQ record does not begin with @ but with >, as FA"),
        (gz(b">r\nACGT\n"), "first FASTQ record does not begin with @ but with >, as FASTA"),
        (gz(b"\xef\xbb\xbf" + RECORD), "does not begin with @ but with a byte order mark"),
        (gz(b"\xef\xbb\xbf" + RECORD[:30]), "does not begin with @ but with a byte order mark"),
        (gz(RECORD.replace(b"\n", b"\r") * 9), r"CR alone .* `zcat FILE \| tr '\\r' '\\n'"),
        (gz(RECORD.replace(b"\n", b"\r")[:-1]), "the file has CR alone as its line ends"),
        (gz(b"@r\r"), "ends within its first FASTQ record"),
        (gz(b"@r\nACGT\nACG\n+\nFFFF\nFFF\n"), "has no \\+ line after its bases, .* wrapped"),
        (gz(b"@r\nACGT\n\n+\nFFFF\n"), "has no \\+ line$"),
        (gz(b"@r\n\nACGT\n+\nFFFF\n"), "has no \\+ line$"),
        (gz(b"@r\nACGT\n@r\nFFFF\n"), "has no \\+ line$"),
        (gz(b"@r\nACGT\n-\nFFFF\n"), "has no \\+ line"),
        (gz(b"a\nb\nc\nd\n"), "does not begin with @"),
        (gz(b"@r\nACGT\n+\nFFF\n"), "4 bases and 3 qualities"),
        (gz(b"\n@r\nA\n+\nF\n"), "begins with a blank line"),
        (gz(b"@\nA\n+\nF\n"), "has no name"),
        (gz(b"@r\nT012.\n+\nFFFFF\n"), "not bases: \\. 0 1 2"),
        (b"\x1f\x8b" + b"\xff" * 60, "broken at its start"),
        (gz(b"@" + b"n" * 300_000 + b"\nA\n+\nF\n"), "SAM allows 254"),
    ],
)
def test_what_is_no_fastq_says_what_it_is(data: bytes, why: str) -> None:
    with pytest.raises(UnreadableFastq, match=why):
        read_head(data[:HEAD_BYTES], len(data))


@pytest.mark.parametrize(
    "data",
    [
        gz(b""),
        gz(b"") * 3,
        bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000"),  # of BGZF
        gz(b"") + bytes(20),
        gz(b"") + b"\r\n",
        gz(b"\r\n\n"),
    ],
)
def test_a_whole_file_without_a_read_is_no_fault(data: bytes) -> None:
    assert read_head(data, len(data)) == NoReads()


def test_a_small_file_that_inflates_to_much_is_refused_without_its_memory() -> None:
    deflate = zlib.compressobj(9, wbits=31)
    data = b"".join(deflate.compress(b"\0" * (1 << 20)) for _ in range(40)) + deflate.flush()
    assert len(data) < HEAD_BYTES
    with pytest.raises(UnreadableFastq, match="ends within its first"):
        read_head(data, len(data))


@given(st.binary(max_size=300), st.integers(0, 300))
def test_any_bytes_are_read_or_refused_and_nothing_else(data: bytes, cut: int) -> None:
    for candidate in (data, b"\x1f\x8b" + data, gz(data)[:cut]):
        try:
            found = read_head(candidate, len(candidate))
        except UnreadableFastq:
            continue
        assert isinstance(found, NoReads) or len(found.read_name) <= MAX_NAME_LENGTH


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=120))
def test_flowcell_and_lane_can_always_stand_in_a_key(header: str) -> None:
    found = head(f"@r{header}\nACGT\n+\nFFFF\n".encode())
    assert found.lane == "" or found.lane.isdecimal()
    assert set(found.flowcell) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
    )
    assert len(found.flowcell) <= 32


@pytest.mark.parametrize(("said", "wanted"), [("R1", "R1"), ("R2", "R2"), ("", "R1"), ("", "R2")])
def test_a_read_number_that_fits_or_is_not_told_is_fine(said: str, wanted: str) -> None:
    check_read_number(FastqHead("r", read=said), wanted)


def test_swapped_mates_are_seen() -> None:
    with pytest.raises(MismatchedMates, match="seem to be swapped"):
        check_read_number(FastqHead("r", read="R2"), "R1")


def test_mates_begin_with_the_same_read() -> None:
    check_mates("r1", "r1", "lane 1")
    with pytest.raises(MismatchedMates, match="R1 and R2 of lane 3 begin with different reads"):
        check_mates("r1", "r2", "lane 3")


NUMBERED = [
    ("SRR1.7.1", "SRR1.7.2"),
    ("ERR1755085.100.1", "ERR1755085.100.2"),
]


@pytest.mark.parametrize(("r1", "r2"), NUMBERED)
def test_mates_that_fastq_dump_numbered_are_told_from_other_reads(r1: str, r2: str) -> None:
    with pytest.raises(MismatchedMates, match=r"of lane 3 differ by \.1 and \.2 .*fastq-dump -I"):
        check_mates(r1, r2, "lane 3")


@pytest.mark.parametrize(
    ("r1", "r2"),
    [
        ("SRR1.1", "SRR1.2"),  # two spots: without their ends all names would be the same
        ("SRR1.7.1", "SRR1.8.2"),
        ("SRR1.7.1", "SRR1.7.1.2"),
        ("SRR1.7.2", "SRR1.7.1"),
        ("SRR1.7.1", "SRR1.7.3"),
        ("A:7.1", "A:7.2"),
    ],
)
def test_other_reads_are_not_taken_for_numbered_mates(r1: str, r2: str) -> None:
    with pytest.raises(MismatchedMates, match="begin with different reads"):
        check_mates(r1, r2, "lane 3")


@pytest.mark.skipif(shutil.which("awk") is None, reason="needs awk")
@pytest.mark.parametrize("comment", [b"", b" 7.1 length=4", b"\tBC:Z:AC.1"])
def test_the_remedy_for_numbered_mates_changes_their_names_alone(comment: bytes) -> None:
    mates = []
    for name in NUMBERED[0]:
        with pytest.raises(MismatchedMates) as caught:
            check_mates(*NUMBERED[0], "lane 3")
        program = str(caught.value).split("awk '")[1].split("'")[0]
        text = b"@%b%b\nACGT\n+%b\n.1.2\n" % (name.encode(), comment, name.encode())
        mended = subprocess.run(["awk", program], input=text, capture_output=True, check=True)
        assert mended.stdout.split(b"\n")[1:] == text.split(b"\n")[1:]
        assert mended.stdout.split(b"\n")[0].split()[1:] == comment.split()
        mates.append(head(mended.stdout).read_name)
    assert mates == ["SRR1.7", "SRR1.7"]


JOINED = ("A0:76:HX:3:1101:1:1_1:N:0:ACGTAC", "A0:76:HX:3:1101:1:1_2:N:0:ACGTAC")


def test_mates_with_their_comments_joined_to_their_names_are_told_from_other_reads() -> None:
    with pytest.raises(MismatchedMates, match="since the blank before it was replaced") as caught:
        check_mates(*JOINED, "lane 3")
    assert "not each other's mates" not in str(caught.value)
    with pytest.raises(MismatchedMates, match="not each other's mates"):
        check_mates(JOINED[0], JOINED[1].replace(":1_2", ":9_2"), "lane 3")


@pytest.mark.skipif(shutil.which("awk") is None, reason="needs awk")
def test_the_remedy_for_joined_comments_makes_mates_of_them() -> None:
    with pytest.raises(MismatchedMates) as caught:
        check_mates(*JOINED, "lane 3")
    program = str(caught.value).split("awk '")[1].split("'")[0]
    for name in JOINED:
        text = f"@{name}\nACGT\n+\n1:N:\n".encode()
        mended = subprocess.run(["awk", program], input=text, capture_output=True, check=True)
        assert mended.stdout == b"@A0:76:HX:3:1101:1:1\nACGT\n+\n1:N:\n"


@pytest.mark.parametrize(("r1", "r2"), [("x_7_1", "x_7_2"), ("x.7/R1", "x.7/R2"), ("A:1", "A:2")])
def test_names_that_may_be_numbered_mates_are_not_said_to_be_none(r1: str, r2: str) -> None:
    with pytest.raises(MismatchedMates, match="unless their last numbers are the mates'"):
        check_mates(r1, r2, "lane 3")


@pytest.mark.parametrize(("header", "expected"), HEADERS)
def test_what_all_names_of_a_lane_begin_with_ends_behind_the_lane(
    header: str, expected: FastqHead
) -> None:
    prefix = lane_prefix(expected.read_name.encode())
    if not expected.lane or header[:3] in {"ERR", "SRR", "DRR"}:
        assert prefix == b""  # archives' names are without one
    else:
        assert expected.read_name.encode().startswith(prefix)
        assert prefix.rstrip(b":").endswith(expected.lane.encode())


LONG = b"".join(zlib.crc32(b"%d" % n).to_bytes(4, "big") for n in range(90_000)).hex().encode()
LONG = LONG.translate(bytes(b"ACGT"[n % 4] for n in range(256)))
"""Bases that do not pack well, as those of a read of 720 kb."""


@pytest.mark.parametrize("qualities", [LONG, b"I" * len(LONG)])
def test_a_read_that_is_longer_than_the_head_is_no_fault(qualities: bytes) -> None:
    data = gz(b"@long/1 x\n" + LONG + b"\n+\n" + qualities + b"\n")
    assert len(data) > 2 * HEAD_BYTES
    assert head_of(data[:HEAD_BYTES], len(data)) == FastqHead("long", read="R1")


@pytest.mark.parametrize("seen", [100_000, len(LONG) + 11, len(LONG) + 500])
def test_it_does_not_matter_where_in_the_first_record_the_head_ends(seen: int) -> None:
    packer = zlib.compressobj(wbits=31)
    text = b"@long\n" + LONG + b"\n+\n" + LONG + b"\n"
    data = packer.compress(text[:seen]) + packer.flush(zlib.Z_SYNC_FLUSH)
    assert read_head(data, 10**9) == FastqHead("long")


@pytest.mark.parametrize(
    ("begin", "why"),
    [
        (b">contig\n", "does not begin with @ but with >"),
        (b"@ name\n", "has no name"),
        (b"@protein\nMKVL", "characters that are not bases: E F I L"),
        (b"@two lines\nACGT\n", "has no \\+ line after its bases, .* wrapped"),
        (b"@old mac\rACGT\r+\r", "the file has CR alone as its line ends"),
    ],
)
def test_what_is_seen_of_a_long_first_record_is_looked_at(begin: bytes, why: str) -> None:
    tail = LONG.replace(b"A", b"E").replace(b"C", b"F").replace(b"T", b"I")
    data = gz(begin + (tail + b"L" if begin.startswith(b"@p") else LONG))
    with pytest.raises(UnreadableFastq, match=why):
        read_head(data[:HEAD_BYTES], len(data))
