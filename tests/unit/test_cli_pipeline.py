"""`seqdrop pipeline new` and `check`: each mistake is told with its file and line."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer

from cli import stack
from cli.faults import CommandFailed
from cli.pipeline_check import check
from cli.pipeline_new import new
from seqdrop.domain.measures import FORMATS
from seqdrop.domain.pipeline_check import OF_EACH, OF_WORKFLOWS, TEXTS, VARIABLES
from seqdrop.domain.reference import PARTS
from seqdrop.yaml_file import load_yaml
from tests.lab import PROJECT

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project's own files, to which pipelines are added."""
    copied = Path(shutil.copytree(PROJECT / "pipelines", tmp_path / "pipelines"))
    monkeypatch.setattr(stack, "PIPELINES", copied)
    return copied


@pytest.fixture
def mine(folder: Path, capsys: Capture) -> Path:
    """A new pipeline's file."""
    new("mine")
    capsys.readouterr()
    return folder / "mine.yaml"


def change(path: Path, old: str, new_words: str) -> int:
    """Writes other words in place of the first such ones; the line where they begin."""
    before, found, after = path.read_text().partition(old)
    assert found, f"{path} has no {old!r}"
    path.write_text(before + new_words + after)
    load_yaml.cache_clear()  # a command reads each file once
    return before.count("\n") + 1


def refused(*names: str) -> None:
    """Checks, and ends with 1."""
    with pytest.raises(typer.Exit) as ended:
        check(list(names))
    assert ended.value.exit_code == 1


def document(capsys: Capture, *names: str) -> Any:
    """What a check without mistakes prints for scripts."""
    check(list(names), json=True)
    return json.loads(capsys.readouterr().out)


def test_a_new_pipeline_has_no_mistake_and_no_warning(mine: Path, capsys: Capture) -> None:
    assert mine.is_file()
    found = document(capsys, "mine")
    assert (found["mistakes"], found["warnings"]) == ([], [])


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Mine", "use lower-case letters"),
        ("-mine", "use lower-case letters"),
        ("../mine", "use lower-case letters"),
        ("", "use lower-case letters"),
        ("m" * 41, "at most 40"),
        ("assays", "assays.yaml is another file"),
        ("wgs", "an assay is called 'wgs'"),
        ("germline-cpu", "is there already"),
    ],
)
def test_a_name_that_can_not_be_or_is_taken_is_refused(folder: Path, name: str, says: str) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(CommandFailed) as told:
        new(name)
    assert says in str(told.value)
    assert "\n" not in str(told.value)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


MISTAKES = [
    ("{pair.r1}", "{pair.r3}", "{pair.r3} in '{pair.r3}' is unknown"),
    ("vcpus: 16", "vcpus: 64", "vcpus is 64 for 60 GiB of FASTQ, and no host"),
    ("memory_mib: {base: 28000}", "memory_mib: {base: 300000}", "memory_mib is 300,000 for"),
    ("scratch_mib: {base: 0, per_input_gib: 3072}", "scratch_mib: {base: 2000000}", "ScratchGib"),
    ("- {name: variants.vcf.gz.tbi}", "- {name: calls.tsv}", "no step names {out}/calls.tsv"),
    ("- {name: variants.vcf.gz.tbi}", "- {name: qc/}", "nothing makes qc/"),
    (
        "- {name: alignment.bam.bai}",
        '- {name: a.bai, source: "{tmp}/made.bai"}',
        "no step names {tmp}/made.bai",
    ),
    ('"{in}/alignment.bam"]', '"{in}/aligned.bam"]', "aligned.bam is no output of the stages"),
    ('"{in}/alignment.bam"]', '"{in}/flagstat.json"]', "inputs does not name flagstat.json"),
    ("reference: [sequence]", "reference: [sequense]", "no reference has a part 'sequense'"),
    ("needs: [align]", "needs: [aline]", "'aline', which is not a stage"),
    ("queue: cpu", "queue: gpu", "Invalid enum value 'gpu'"),
]


@pytest.mark.parametrize(("old", "new_words", "says"), MISTAKES, ids=[m[2] for m in MISTAKES])
def test_a_mistake_is_told_with_its_file_and_line(
    mine: Path, capsys: Capture, old: str, new_words: str, says: str
) -> None:
    line = change(mine, old, new_words)
    refused("mine")
    told = [one for one in capsys.readouterr().err.splitlines() if says in one]
    assert len(told) == 1
    assert told[0].startswith(f"seqdrop: {mine}, line {line}: ")


def test_several_mistakes_are_all_told(mine: Path, capsys: Capture) -> None:
    lines = {change(mine, "vcpus: 16", "vcpus: 64"), change(mine, "[sequence]", "[genes]")}
    refused("mine")
    told = capsys.readouterr().err.splitlines()
    assert {int(one.partition("line ")[2].partition(":")[0]) for one in told} == lines


def test_a_script_gets_the_mistakes_as_a_document(mine: Path, capsys: Capture) -> None:
    change(mine, "vcpus: 16", "vcpus: 64")
    with pytest.raises(typer.Exit):
        check(["mine"], json=True)
    answer = capsys.readouterr()
    found = json.loads(answer.out)
    assert answer.err == ""
    assert len(found["mistakes"]) == 1
    assert found["pipelines"] == []


@pytest.mark.parametrize(
    ("old", "new_words"),
    [
        ('"{out}/variants.vcf.gz", "-"]', '"--output={out}/variants.vcf.gz", "-"]'),
        ('-o, "{out}/variants.vcf.gz", "-"]', 'sh, -c, "x > {out}/variants.vcf.gz; y"]'),
        ("- {name: variants.vcf.gz.tbi}", "- {name: left.txt, source: left.txt}"),
        ('"{in}/alignment.bam"]', '"{in}/alignment"]'),
        ('"{in}/alignment.bam"]', '"{in}/stages/align.json"]'),
        ('"{in}/alignment.bam"]', '"{in}"]'),
        ('"{in}/alignment.bam"]', '"{in}/{sample}.bam"]'),
    ],
)
def test_what_a_tool_may_name_by_itself_is_no_mistake(
    mine: Path, capsys: Capture, old: str, new_words: str
) -> None:
    change(mine, old, new_words)
    assert document(capsys, "mine")["mistakes"] == []


def test_a_program_that_its_image_does_not_mention_is_a_warning(
    mine: Path, capsys: Capture
) -> None:
    line = change(mine, "[bwa, mem,", "[bwa-mem2, mem,")
    (warning,) = document(capsys, "mine")["warnings"]
    assert warning.startswith(f"{mine}, line {line}: stage align: containers/cpu/Dockerfile does")
    assert "'bwa-mem2'" in warning


def test_a_program_is_looked_for_in_the_image_that_the_stage_names(
    mine: Path, capsys: Capture
) -> None:
    change(mine, "needs: [align]", "needs: [align]\n    image: report")
    (warning,) = document(capsys, "mine")["warnings"]
    assert "containers/report/Dockerfile does not mention 'bcftools'" in warning


def test_mistakes_of_other_files_are_told_only_where_no_pipeline_is_named(
    mine: Path, capsys: Capture
) -> None:
    change(mine.parent / "assays.yaml", "default: wgs", "default: none")
    assert document(capsys, "mine")["mistakes"] == []
    refused()
    assert "assays.yaml, line " in capsys.readouterr().err


def test_a_file_that_is_no_yaml_is_told_once(mine: Path, capsys: Capture) -> None:
    line = change(mine, "needs: [align]", "needs: [align")
    refused("mine")
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith(f"seqdrop: {mine}, line ")
    assert f"begins in line {line}" in told


def test_a_mistake_in_the_base_is_told_for_a_pipeline_that_has_it(
    mine: Path, capsys: Capture
) -> None:
    (mine.parent / "other.yaml").write_text("name: other\nbase: mine\n")
    line = change(mine, "vcpus: 16", "vcpus: 64")
    refused("other")
    told = capsys.readouterr().err.splitlines()
    assert [one.partition(": stage")[0] for one in told] == [f"seqdrop: {mine}, line {line}"]


def test_a_pipeline_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(CommandFailed, match="there is no pipeline 'mien' \\(there are: exome"):
        check(["mien"])
    assert folder.is_dir()


def test_without_mistakes_it_says_what_the_pipeline_is(mine: Path, capsys: Capture) -> None:
    change(mine, "- {name: variants.vcf.gz.tbi}", "- {name: variants.vcf.gz.tbi, when: targets}")
    (found,) = document(capsys, "mine")["pipelines"]
    stages = [(one["stage"], one["wave"], one["image"]) for one in found["stages"]]
    assert stages == [("align", 1, "cpu"), ("call", 2, "cpu")]
    align, call = found["stages"]
    assert (align["vcpus"], align["scratch_mib"]) == (16, 60 * 3072)
    assert align["expected_seconds"] == 120 + 60 * 700
    assert call["outputs"] == ["variants.vcf.gz", "variants.vcf.gz.tbi (when targets)"]
    check(["mine"])
    said = capsys.readouterr().out
    assert "for a human genome at 30x, 60 GiB of FASTQ" in said
    assert "180.0 GiB" in said


def test_the_project_s_own_pipelines_have_no_mistake_and_no_warning(
    folder: Path, capsys: Capture
) -> None:
    found = document(capsys)
    assert (found["mistakes"], found["warnings"]) == ([], [])
    there = {one["pipeline"] for one in found["pipelines"]}
    assert there == {
        "exome-fpga", "germline-cpu", "germline-dragen-software", "germline-fpga",
        "germline-isaac-strelka", "panel-fpga", "sarek",
    }  # fmt: skip
    assert folder.is_dir()


def test_the_page_for_labs_has_every_word_that_a_pipeline_may_use() -> None:
    page = (PROJECT / "docs/pipelines.md").read_text("utf-8")
    words = page.partition("## All words")[2]
    placeholders = TEXTS.union(OF_WORKFLOWS, *OF_EACH.values())
    assert [name for name in sorted(placeholders) if f"`{{{name}}}`" not in words] == []
    for known in (VARIABLES, FORMATS, PARTS):
        assert [name for name in sorted(known) if f"`{name}`" not in words] == []
