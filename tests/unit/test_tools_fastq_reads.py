"""FASTQ cut into bwa's chunks."""

import gzip
from pathlib import Path

import pytest

from local.tools.fastq_reads import BadFastq, count_reads, read_chunks


def fastq(path: Path, lengths: list[int], *, tail: str = "") -> str:
    text = "".join(
        f"@r{n}{tail}\n{'A' * n_bases}\n+\n{'I' * n_bases}\n" for n, n_bases in enumerate(lengths)
    )
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return str(path)


def chunk_sizes(paths: list[str], bases: int) -> list[int]:
    return [chunk.reads for chunk in read_chunks(paths, bases)]


def test_pairs_are_cut_where_their_bases_reach_the_size(tmp_path: Path) -> None:
    one, two = fastq(tmp_path / "1", [10] * 7), fastq(tmp_path / "2.gz", [10] * 7)
    assert chunk_sizes([one, two], 40) == [4, 4, 4, 2]
    assert chunk_sizes([one, two], 41) == [6, 6, 2]
    assert chunk_sizes([one, two], 1) == [2] * 7
    assert chunk_sizes([one, two], 1000) == [14]


def test_single_reads_are_cut_at_even_counts(tmp_path: Path) -> None:
    one = fastq(tmp_path / "1", [10] * 9)
    assert chunk_sizes([one], 30) == [4, 4, 1]
    assert chunk_sizes([one], 10) == [2, 2, 2, 2, 1]


def test_cuts_do_not_depend_on_how_the_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths = [5 + n % 40 for n in range(200)]
    paths = [fastq(tmp_path / "1", lengths), fastq(tmp_path / "2", lengths[::-1])]
    whole = chunk_sizes(paths, 333)
    monkeypatch.setattr("local.tools.fastq_reads.BLOCK_BYTES", 70)
    assert chunk_sizes(paths, 333) == whole
    assert chunk_sizes(paths[:1], 100) == [chunk.reads for chunk in read_chunks(paths[:1], 100)]


def test_names_lose_comments_and_mate_numbers(tmp_path: Path) -> None:
    one, two = fastq(tmp_path / "1", [4], tail="/1 x"), fastq(tmp_path / "2", [4], tail="/2\ty")
    (chunk,) = read_chunks([one, two], 100)
    assert [lines[0] for lines in chunk.mates] == [b"@r0\n", b"@r0\n"]


def test_line_ends_of_windows_and_a_missing_last_one_are_mended(tmp_path: Path) -> None:
    path = tmp_path / "1"
    path.write_bytes(b"@r\r\nACGT\r\n+\r\nIIII")
    (chunk,) = read_chunks([str(path)], 100)
    assert chunk.mates == ([b"@r\n", b"ACGT\n", b"+\n", b"IIII\n"],)


def test_a_shorter_mate_ends_the_chunks_and_fails_the_count(tmp_path: Path) -> None:
    paths = [fastq(tmp_path / "1", [10] * 5), fastq(tmp_path / "2", [10] * 4)]
    assert chunk_sizes(paths, 1000) == [8]
    with pytest.raises(BadFastq, match="2: has fewer reads"):
        count_reads(paths)


def test_reads_and_bases_are_counted(tmp_path: Path) -> None:
    paths = [fastq(tmp_path / "1", [10, 20]), fastq(tmp_path / "2.gz", [5, 5])]
    assert count_reads(paths) == (4, 40)
    assert count_reads(paths[:1]) == (2, 30)
    assert count_reads([fastq(tmp_path / "empty", [])]) == (0, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"@r\nAC\n+\nII\n@s\nAC\n", "ends inside a record"),
        (b">r\nAC\n+\nII\n", "not FASTQ"),
        (b"@r\nAC\nII\n+\n", "not FASTQ"),
        (b"@r\nAC\n+\nIII\n", "differ in length"),
    ],
)
def test_what_is_not_whole_fastq_is_refused(tmp_path: Path, text: bytes, message: str) -> None:
    path = tmp_path / "bad"
    path.write_bytes(text)
    with pytest.raises(BadFastq, match=message):
        count_reads([str(path)])


def test_a_cut_gzip_file_is_refused(tmp_path: Path) -> None:
    path = Path(fastq(tmp_path / "1.gz", list(range(1, 90))))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BadFastq, match=r"1\.gz"):
        count_reads([str(path)])
