"""The lanes of a DRAGEN command line: read groups and files."""

from pathlib import Path

import pytest

from local.tools.dragen_lanes import Lane, lanes_of
from local.tools.dragen_options import WrongUse, parse

HEADER = "RGID,RGSM,RGLB,Lane,Read1File,Read2File"


def lanes(folder: Path, *rows: str) -> list[Lane]:
    """The lanes of a list; its files are beside it."""
    path = folder / "list.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    for row in rows:
        for name in row.split(",")[4:]:
            (folder / name).touch()
    words = ["-r", str(folder), "--output-directory", str(folder), "--output-file-prefix=P"]
    return lanes_of(parse([*words, "--fastq-list", str(path), "--fastq-list-sample-id", "S"]))


def test_each_row_of_the_sample_is_a_lane(tmp_path: Path) -> None:
    first, second = lanes(tmp_path, "a,S,lib,1,1a,1b", "b,S,lib,2,2a,2b", "c,T,lib,3,3a,3b")
    assert first.read_group == {"PL": "ILLUMINA", "ID": "a", "SM": "S", "LB": "lib", "PU": "a.1"}
    assert first.files == (str(tmp_path / "1a"), str(tmp_path / "1b"))
    assert second.read_group_line == "@RG\\tPL:ILLUMINA\\tID:b\\tSM:S\\tLB:lib\\tPU:b.2"


def test_segments_of_a_lane_are_one_read_group(tmp_path: Path) -> None:
    first, second = lanes(tmp_path, "a,S,lib,1,1a,1b", "a,S,lib,1,2a,2b")
    assert first.read_group == second.read_group
    assert first.files != second.files


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["a,S,lib,1,1a,1b", "a,S,another,1,2a,2b"], "one RGID to different read groups"),
        (["a,T,lib,1,1a,1b"], "has no sample S"),
        (["a,S,l\tib,1,1a,1b"], "neither tabs"),
    ],
)
def test_a_list_that_cannot_be_followed_is_refused(
    tmp_path: Path, rows: list[str], message: str
) -> None:
    with pytest.raises(WrongUse, match=message):
        lanes(tmp_path, *rows)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    words = ["-r", str(tmp_path), "--output-directory", str(tmp_path), "--output-file-prefix=P"]
    options = parse([*words, "-1", "nosuch.fq", "--RGID", "a", "--RGSM", "S"])
    with pytest.raises(WrongUse, match=r"the input nosuch\.fq does not exist"):
        lanes_of(options)
