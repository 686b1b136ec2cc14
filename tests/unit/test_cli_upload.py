"""`seqdrop upload`: options that contradict each other are refused before anything is asked."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app


@pytest.mark.parametrize(
    "options",
    [
        ["A_R1.fastq.gz", "--sample", "A"],
        ["A_R1.fastq.gz", "--assay", "wes"],
        ["A_R1.fastq.gz", "--pipeline", "germline", "--reference", "tiny"],
        ["A_R1.fastq.gz", "--project", "p"],
        ["A_R1.fastq.gz", "--priority", "bulk"],
        ["--manifest", "run.json"],
    ],
    ids=lambda options: options[-2],
)
def test_a_mate_that_comes_later_goes_with_names_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("A_R1.fastq.gz", "run.json"):
        Path(name).write_bytes(b"x")
    ended = CliRunner().invoke(app, ["upload", *options, "--partial"])
    assert ended.exit_code == 2
    assert (
        "--partial goes with files that are known by their names: leave out --sample, --assay and "
        "--manifest"
    ) in " ".join(ended.output.split())


@pytest.mark.parametrize("paths", [[""], ["A_R1.fastq.gz", ""]])
def test_an_empty_path_is_not_this_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paths: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("A_R1.fastq.gz").write_bytes(b"x")
    ended = CliRunner().invoke(app, ["upload", *paths])
    assert ended.exit_code == 2
    assert "a path is empty: give a file" in ended.output


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    ended = CliRunner().invoke(app, ["upload", str(tmp_path / "gone")])
    assert ended.exit_code == 2
    assert "does not exist" in " ".join(ended.output.split())
