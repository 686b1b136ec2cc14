"""What is wrong in pipelines, assays and prices is told with file and line, before any run."""

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import typer
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cli.library_check import mistakes_in_library, require_good_library
from seqdrop.domain.errors import InvalidPipeline
from seqdrop.library import Library
from tests.lab import PROJECT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The project's own files, to be spoiled."""
    return Path(shutil.copytree(PROJECT / "pipelines", tmp_path / "pipelines"))


def change(path: Path, old: str, new: str) -> int:
    """Writes other words in place of the first such ones in a file; the line of the last one."""
    before, found, after = path.read_text().partition(old)
    assert found, f"{path} has no {old!r}"
    path.write_text(before + new + after)
    return (before + new).count("\n") + 1


def test_the_project_s_own_files_are_right(folder: Path) -> None:
    assert mistakes_in_library(folder) == []
    require_good_library(folder)


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (
            "assays.yaml",
            "default: wgs",
            "default: wgx",
            "the default 'wgx' is not one of the assays",
        ),
        ("assays.yaml", "targets: exome", "colour: red", "unknown field `colour`"),
        ("assays.yaml", "\n  wes:", "\n  ..:", "assay ..: its name must have letters"),
        ("assays.yaml", "\n  wes:", "\n  a#b:", "assay a#b: its name must have letters"),
        (
            "assays.yaml",
            "warn_below: 30,",
            "warn_below: 3,",
            "bounds of mean_depth do not rise",
        ),
        ("assays.yaml", "warn_below: 30,", "warn_below: !!bool maybe,", "maybe, which is no bool"),
        ("assays.yaml", "{rule: manifest}", "{rule: never}", "Invalid enum value 'never'"),
        ("assays.yaml", "breadth_20x: {warn_below: 0.9", "breadth_20x: {warn_below: x", "`float"),
        ("assays.yaml", "breadth_20x", "breadth_21x", "assay wes: qc limits 'breadth_21x'"),
        ("assays.yaml", "pipeline: exome-fpga", "pipeline: exome", "there is no pipeline 'exome'"),
        ("assays.yaml", "targets: exome", "floors: {none: x}", "floors names 'none'"),
        ("assays.yaml", "targets: exome", "calling: {min_gq: 7}", "calling sets 'min_gq'"),
        ("assays.yaml", "targets: exome", "fallback: wgx", "fallback 'wgx' is not one of"),
        ("assays.yaml", "targets: exome", "fallback: wgs", "fallback 'wgs' needs an FPGA, too"),
        ("assays.yaml", "targets: exome", "fallback: amplicon", "has another targets: 'amplicon'"),
        ("assays.yaml", "targets: amplicon", "fallback: wgs-cpu", "it needs no fallback"),
        ("names.yaml", "(?P<sample>.+)_R?(?P<read>[12])", "(?P<sample>.+)", "(?P<read>…)"),
        ("names.yaml", "(?P<sample>.+)_R?(?P<read>[12])", "(.+)*(?P<read>1)", "repeats a group"),
        ("names.yaml", "{sample: Hm2,", "{sample: Hm3,", "sample: Hm2, segment: 001, not"),
        ("names.yaml", "description: Illumina's", "colour: red", "unknown field `colour`"),
        ("prices.yaml", "per: vcpu", "per: day", "Invalid enum value 'day'"),
        ("prices.yaml", "usd_per_hour: 0.0662", "usd_per_hour: -.inf", "give a number"),
        ("projects.yaml", "default: {}", "default: {runs_at_once: 0}", "`int` >= 1"),
        ("projects.yaml", "default: {}", "default: {usd_a_month: -1}", "`float` > 0"),
        ("projects.yaml", "projects: {}", "projects: {a: {runs: 3}}", "unknown field `runs`"),
        ("references.yaml", "- {name: genome.fa.amb}", "- {nam: genome.fa.amb}", "field `nam`"),
        ("references.yaml", "{out}/genome.dict", "{outt}/genome.dict", "{outt} in"),
        ("germline-cpu.yaml", "name: germline-cpu", "name: germline", "its name is 'germline'"),
        ("germline-cpu.yaml", "[sequence, bwa]", "[sequence, bwt]", "makes the index 'bwt'"),
        ("germline-cpu.yaml", "needs: [align]", "needs: [aline]", "'aline', which is not a stage"),
        ("germline-cpu.yaml", "when: mark_duplicates", "when: marked", "when: 'marked' is none"),
        ("germline-cpu.yaml", "image: report", "image: reprt", "has no image 'reprt' (there"),
        ("germline-fpga.yaml", "fpga-genome", "fpga-genome\n    image: cpu", "of its FPGA queue"),
        ("images.yaml", "slots: [report", "slots: [Report", "matching regex"),
        ("images.yaml", "approved: {}", 'approved: {cpu: ["sha256:1"]}', "matching regex"),
        ("images.yaml", "slots: [", "slots: [a, b, c, d, ", "length <= 8"),
        ("germline-cpu.yaml", "{pair.r1}", "{pair.r3}", "{pair.r3} in"),
        ("germline-cpu.yaml", "vcpus: 16", "vcpus: many", "Expected `int | object`, got `str`"),
        ("germline-cpu.yaml", "flagstat.json: flagstat", "x: flagstat", "measures 'x'"),
        ("germline-cpu.yaml", "  breadth_1x", "  breadth_2x", "qc limits 'breadth_2x'"),
        ("germline-cpu.yaml", "\n  call:\n", "\n  Call:\n", "its name must be"),
    ],
)
def test_a_mistake_is_told_with_its_file_and_line(
    folder: Path, file: str, old: str, new: str, says: str
) -> None:
    line = change(folder / file, old, new) - new.endswith("\n")
    told = [each for each in mistakes_in_library(folder) if says in each]
    assert told, mistakes_in_library(folder)
    # A pipeline that stands on another has its limits, too, and is named beside it.
    assert len(told) == 1 or file == "germline-cpu.yaml"
    assert all(each.startswith(f"{folder}/{file}, line {line}: ") for each in told)


FILES = sorted((PROJECT / "pipelines").glob("*.yaml"))


def values(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    """Every scalar of a document that is a value."""
    if isinstance(node, yaml.ScalarNode):
        yield node
    children = [v for _, v in node.value] if isinstance(node, yaml.MappingNode) else node.value
    if isinstance(node, yaml.CollectionNode):
        for child in children:
            yield from values(child)


@given(file=st.sampled_from(FILES), pick=st.integers(0, 10_000))
@settings(deadline=None)
def test_a_value_of_a_wrong_type_is_told_in_its_line_wherever_it_is(file: Path, pick: int) -> None:
    text = file.read_text()
    document = yaml.compose(text, yaml.SafeLoader)
    assert document
    there = list(values(document))
    assume(there)
    value = there[pick % len(there)]
    start, end = value.start_mark, value.end_mark
    assume(value.tag != "tag:yaml.org,2002:null")
    with TemporaryDirectory() as folder:
        shutil.copytree(file.parent, folder, dirs_exist_ok=True)
        (Path(folder) / file.name).write_text(f"{text[: start.index]}{{x: 1}}{text[end.index :]}")
        library = Library(folder)
        readers = {
            "assays": library.all_assays, "names": library.names, "prices": library.prices,
            "projects": library.projects,
        }  # fmt: skip
        with pytest.raises(InvalidPipeline) as told:
            readers.get(file.stem, partial(library.unchecked, file.stem))()
    assert str(told.value).startswith(f"{file.name}, line {start.line + 1}: ")


def test_all_mistakes_are_told_and_none_twice(folder: Path) -> None:
    first = change(folder / "assays.yaml", "breadth_20x", "breadth_21x")
    second = change(folder / "assays.yaml", "reporting_breadth", "reporting_width")
    change(folder / "prices.yaml", "cpu:", "cqu:")
    told = mistakes_in_library(folder)
    assert [each for each in told if "assays.yaml" in each] == [
        each
        for line in (first, second)
        for each in told
        if each.startswith(f"{folder}/assays.yaml, line {line}: ")
    ]
    unpriced = [each for each in told if "no price for its queue, cpu" in each]
    assert {each.split(",")[0].rpartition("/")[2] for each in unpriced} == {
        "germline-cpu.yaml", "germline-dragen-software.yaml", "germline-fpga.yaml",
        "germline-isaac-strelka.yaml", "references.yaml", "sarek.yaml",
    }  # fmt: skip
    assert len(told) == len(set(told))


def test_a_file_that_is_no_yaml_is_told_once(folder: Path) -> None:
    line = change(folder / "germline-cpu.yaml", "qc:", "qc: [")
    (told,) = mistakes_in_library(folder)
    assert told.startswith(f"{folder}/germline-cpu.yaml, line ")
    assert f": while parsing a flow sequence that begins in line {line}, did not find " in told


def test_a_file_without_end_of_brackets_is_told_and_no_crash(folder: Path) -> None:
    (folder / "assays.yaml").write_text("[" * 3_000 + "]" * 3_000)
    assert mistakes_in_library(folder) == [f"{folder}/assays.yaml is nested too deeply"]


def test_a_mistake_in_a_base_is_told_in_the_base_s_file(folder: Path) -> None:
    (folder / "own.yaml").write_text(
        "name: own\nbase: germline-cpu\nstages:\n  call:\n    when: umi\n"
    )
    told = mistakes_in_library(folder)
    assert [each.partition(" is none of")[0] for each in told] == [
        f"{folder}/own.yaml, line 5: stage call: when: 'umi'"
    ]


@pytest.mark.parametrize(
    ("old", "new"), [("reads: files", "reads: twice"), ("reads: files", "reads: [")]
)
def test_a_base_that_can_not_be_read_is_told_once(folder: Path, old: str, new: str) -> None:
    change(folder / "germline-fpga.yaml", old, new)
    (told,) = mistakes_in_library(folder)
    assert told.startswith(f"{folder}/germline-fpga.yaml, line ")


@pytest.mark.parametrize("file", ["assays", "prices", "references"])
def test_a_file_that_is_not_there_is_told(folder: Path, file: str) -> None:
    (folder / f"{file}.yaml").unlink()
    assert mistakes_in_library(folder) == [f"{folder}/{file}.yaml: No such file or directory"]


def test_a_command_ends_with_a_line_for_each_mistake(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(folder / "assays.yaml", "breadth_20x", "breadth_21x")
    change(folder / "prices.yaml", "per: vcpu", "per: day")
    with pytest.raises(typer.Exit) as ended:
        require_good_library(folder)
    assert ended.value.exit_code == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert all(line.startswith(f"seqdrop: {folder}/") for line in said)
