"""`seqdrop upload`: options that contradict each other are refused before anything is asked."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import upload_options
from cli.faults import CommandFailed
from cli.main import app
from cli.upload import _refuse_if_held
from seqdrop.domain.expectation import Placement
from seqdrop.domain.identity import AnalysisId, ObjectName


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


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--reference", "work/measles.fa"], "is a file, and a reference has a name: add it with"),
        (["--reference", "measles.fa"], "is a file, and a reference has a name: add it with"),
        (["--reference", "measles/"], "is neither NAME nor NAME/VERSION: names have letters"),
        (["--reference", "gone/measles/1"], "is neither NAME nor NAME/VERSION"),
        (["--reference", "my measles"], "is neither NAME nor NAME/VERSION"),
        (["--assay", "a b"], "'a b' is no name: names have letters"),
        (["--pipeline", "x/y", "--reference", "measles"], "'x/y' is no name: names have letters"),
        (["--project", "p" * 65], "a line of at most 64 characters"),
        (["--project", "a\nb"], "a line of at most 64 characters"),
    ],
)
def test_what_can_be_no_name_is_said_of_its_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("work").mkdir()
    for name in ("A_R1.fastq.gz", "work/measles.fa", "measles.fa"):
        Path(name).write_bytes(b"x")
    ended = CliRunner().invoke(app, ["upload", "A_R1.fastq.gz", *options])
    assert ended.exit_code == 2
    said = " ".join(ended.output.split())
    assert f"Invalid value for {options[-2]}" in said or "Invalid value for --pipeline" in said
    assert says in said


def test_a_file_here_of_a_references_name_is_no_hindrance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("measles").write_bytes(b"x")
    assert upload_options._reference("measles") == ("measles", "")
    assert upload_options._reference("measles.fa/1") == ("measles.fa", "1")
    assert upload_options._reference("") == ("", "")


def test_no_file_is_sent_after_a_manifest_that_the_deployment_can_not_use() -> None:
    taken = Placement(ObjectName("b", "m.manifest.json"), "v", note="manifest")
    _refuse_if_held({"m.manifest.json": taken})
    held = Placement(
        ObjectName("b", "m.manifest.json"), "v", AnalysisId("unplaced-1", "wgs"), note="m: no JSON"
    )
    with pytest.raises(CommandFailed, match="m: no JSON; none of the files was uploaded"):
        _refuse_if_held({"m.manifest.json": held})
