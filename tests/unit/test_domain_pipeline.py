"""Pipelines as data: what a lab may write, and what each mistake in it is answered with."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.commands import Filler, MatePaths
from runner.faults import StageFault
from seqdrop.domain.errors import InvalidPipeline, UnknownAssay, UnknownPipeline
from seqdrop.domain.pipeline import Args, Calling, Limit, Linear, Step, waves_of
from seqdrop.domain.plan import ReadPair
from seqdrop.library import Library
from tests.domain_support import analysis, stored

STAGE = """
    queue: cpu
    size: {vcpus: 1, memory_mib: {base: 1}, seconds: {base: 1}}
    steps: [{pipe: [[tool, "{out}/a"]]}]
    outputs: [{name: a}]
"""


def library_of(folder: Path, **files: str) -> Library:
    """A lab's own files."""
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return Library(str(folder))


def pipeline_text(stage: str = STAGE, **needs: str) -> str:
    """A pipeline with one stage, or with stages that need others."""
    stages = "".join(f"  {n}:{stage}    needs: {need}\n" for n, need in needs.items())
    return f"name: p\ndescription: d\nstages:\n{stages or f'  one:{stage}'}"


def test_a_pipeline_is_read_in_the_order_of_its_file(tmp_path: Path) -> None:
    text = pipeline_text(second="[first]", first="[]")
    assert list(library_of(tmp_path, p=text).pipeline("p").stages) == ["second", "first"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (pipeline_text(a="[b]", b="[a]"), "in a circle: (a needs b needs a|b needs a needs b)$"),
        (pipeline_text(a="[a]"), "need each other in a circle: a needs a$"),
        (pipeline_text(a="[b]"), "stage 'a' needs 'b', which is not a stage"),
        (pipeline_text(STAGE.replace("cpu", "gpu")), "Invalid enum value 'gpu'"),
        (pipeline_text(STAGE + "    reads: twice\n"), "Invalid enum value 'twice'"),
        (pipeline_text(STAGE + "    colour: red\n"), "unknown field `colour`"),
        (
            pipeline_text(STAGE.replace("vcpus: 1", "vcpus: many")),
            "Expected `int | object`, got `str`",
        ),
        (pipeline_text(STAGE.replace("[[tool", "[['rm -rf', 7")), "Expected `str | object`"),
        ("name: p", "missing required field `description`"),
        ("- a list", "Expected `object`, got `array`"),
        ("a: [", "^p.yaml, line 2: while parsing"),
        ("", "Expected `object`, got `null`"),
        ("!!python/object/apply:os.system [true]", "could not determine a constructor"),
    ],
)
def test_each_mistake_in_a_pipeline_is_named(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(InvalidPipeline, match=why):
        library_of(tmp_path, p=text).pipeline("p")


TWICE = """
default: a
assays:
  a:
    pipeline: p
    qc:
      mean_depth: {fail_below: 30}
    floors: {}
    qc:
      mapped_fraction: {fail_below: 0.5}
"""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (TWICE, "line 9: the key 'qc' of assays.a is given already in line 6: keep one"),
        ("default: a\n'default': b\n", "line 2: the key 'default' is given already in line 1"),
        (
            "default: a\nassays:\n  a: {pipeline: p}\n  a: {pipeline: q}\n",
            "line 4: the key 'a' of assays is given already in line 3: keep one",
        ),
        (
            "default: a\nassays:\n  a: {calling: {min_depth: 1,\n    min_depth: 2}}\n",
            "line 4: the key 'min_depth' of assays.a.calling is given already in line 3",
        ),
        (
            "default: a\nassays:\n  a: {calling: {min_depth: 1, min_depth: 1}}\n",
            "line 3: the key 'min_depth' of assays.a.calling is given already in line 3",
        ),
    ],
)
def test_a_key_given_twice_is_refused_with_both_lines(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(InvalidPipeline, match=re.escape(f"assays.yaml, {why}")):
        library_of(tmp_path, assays=text).assays()


def test_a_key_given_twice_deep_in_a_pipeline_or_its_base_is_refused(tmp_path: Path) -> None:
    text = pipeline_text(STAGE.replace("vcpus: 1,", "vcpus: 1, vcpus: 8,"))
    library = library_of(tmp_path, p=text, q="name: q\nbase: p\n")
    for name in ("p", "q"):
        with pytest.raises(InvalidPipeline, match=r"p\.yaml, line 6: the key 'vcpus' of stages\."):
            library.pipeline(name)


def test_anchors_and_merged_keys_are_no_keys_given_twice(tmp_path: Path) -> None:
    text = """
        default: a
        assays:
          a: &a {pipeline: p, qc: &qc {reads: {fail_below: 1}}}
          b: {<<: *a, pipeline: q}
          c: {pipeline: p, qc: *qc}
    """
    found = library_of(tmp_path, assays=text).assays()
    assert [(one.pipeline, one.qc) for one in found.values()] == [
        (name, {"reads": Limit(fail_below=1)}) for name in ("p", "q", "p")
    ]


@pytest.mark.parametrize(
    "number", [".nan", ".inf", "-.Inf", "9.0e+999", "!!float nan", "!!float x"]
)
def test_a_limit_that_is_no_number_is_refused_by_name(tmp_path: Path, number: str) -> None:
    limit = f"qc: {{mean_depth: {{warn_below: 9.5, fail_below: {number}}}}}\n"
    library = library_of(tmp_path, p=pipeline_text() + limit, assays="default: a\n" + limit)
    with pytest.raises(InvalidPipeline, match=r"^p\.yaml, line 9: qc\.mean_depth\.fail_below is "):
        library.pipeline("p")
    with pytest.raises(InvalidPipeline, match=r"^assays\.yaml, line 2: qc\.mean_depth\.fail_below"):
        library.assays()


@pytest.mark.parametrize("factor", ["0", "-1.5", "1000.5"])
def test_the_time_between_looks_at_a_job_is_bounded(tmp_path: Path, factor: str) -> None:
    text = f"default: a\nassays: {{a: {{pipeline: p, poll_factor: {factor}}}}}"
    with pytest.raises(InvalidPipeline, match=r"Expected `float` .* at `\$\.assays.*poll_factor"):
        library_of(tmp_path, assays=text).assays()


BASE = pipeline_text(STAGE + "    reads: files\n") + "dragen: '4.4'\nqc: {reads: {warn_below: 9}}\n"


def test_a_pipeline_on_a_base_says_only_what_differs(tmp_path: Path) -> None:
    own = """
        name: q
        base: p
        description: other
        qc: {reads: {fail_below: 1}, q30_fraction: {warn_below: 0.5}}
        stages: {one: {queue: fpga-exome, size: {seconds: {base: 7}}}}
    """
    library = library_of(tmp_path, p=BASE, q=own)
    base, found = library.pipeline("p"), library.pipeline("q")
    assert (found.name, found.description, found.dragen) == ("q", "other", "4.4")
    assert found.qc == {
        "reads": Limit(warn_below=9, fail_below=1),
        "q30_fraction": Limit(warn_below=0.5),
    }
    one = base.stages["one"]
    size = msgspec.structs.replace(one.size, seconds=Linear(7))
    expected = msgspec.structs.replace(one, queue="fpga-exome", size=size)
    assert found.stages == {"one": expected}
    assert library.pipeline("p") == base, "the base is as it was"


@pytest.mark.parametrize(
    ("own", "why"),
    [
        ("base: x", "its base 'x' is not another pipeline"),
        ("base: q", "its base 'q' is not another pipeline"),
        ("base: assays", "its base 'assays' is not another pipeline"),
        ("base: [p]", "is not another pipeline"),
        ("base: ../p", "is not another pipeline"),
        ("base: r", "may not have a base of its own"),
        ("base: p\nstages: {two: {queue: cpu}}", r"missing required field `size`"),
        ("base: p\nstages: {one: {colour: red}}", "unknown field `colour`"),
        ("base: p\nstages: none", "Expected `object`, got `str`"),
        ("base: p\nbases: x", "unknown field `bases`"),
    ],
)
def test_each_mistake_in_a_pipeline_on_a_base_is_named(tmp_path: Path, own: str, why: str) -> None:
    library = library_of(tmp_path, p=BASE, q=f"name: q\n{own}", r="name: r\nbase: p", assays="{}")
    with pytest.raises(InvalidPipeline, match=rf"^q\.yaml, line \d: .*{why}"):
        library.pipeline("q")


def test_an_unknown_pipeline_is_answered_with_those_that_there_are(tmp_path: Path) -> None:
    library = library_of(tmp_path, p=pipeline_text(), q=pipeline_text(), prices="{}")
    with pytest.raises(UnknownPipeline, match=r"no pipeline 'x' \(there are: p, q\)"):
        library.pipeline("x")


@pytest.mark.parametrize(
    "text", [b"#\nname: \xd7", b"#\nname: 2026-13-45", b'#\nname: !!int "x"', b"#\na: \t- b"]
)
def test_what_yaml_can_not_read_is_refused_with_the_file(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "p.yaml").write_bytes(text)
    with pytest.raises(InvalidPipeline, match=r"^p\.yaml, line 2: "):
        Library(str(tmp_path)).pipeline("p")


@pytest.mark.parametrize("name", ["prices", "assays", "references", "../p", "/etc/passwd", ""])
def test_a_manifest_can_name_no_other_file_as_a_pipeline(tmp_path: Path, name: str) -> None:
    library = library_of(tmp_path, prices="{}", assays="{}", references=pipeline_text())
    with pytest.raises(UnknownPipeline):
        library.pipeline(name)


def test_an_unknown_assay_is_answered_with_those_that_there_are(tmp_path: Path) -> None:
    assays = "default: wgs\nassays: {wgs: {pipeline: p}, panel: {pipeline: p}}"
    library = library_of(tmp_path, assays=assays.replace("wgs", "wes"))
    with pytest.raises(UnknownAssay, match=r"no assay 'wgs' \(there are: panel, wes\)"):
        library.assay_of(analysis())


def test_a_manifests_own_pipeline_and_reference_make_an_assay(tmp_path: Path) -> None:
    chosen = analysis(pipeline="p", reference="r", reference_version="2")
    assay = library_of(tmp_path, assays="default: x\nassays: {}").assay_of(chosen)
    assert (assay.pipeline, assay.reference, assay.reference_version) == ("p", "r", "2")


@pytest.mark.parametrize(
    ("linear", "gib", "expected"),
    [
        (Linear(60), 5, 60),
        (Linear(60, 10), 5, 110),
        (Linear(60, 10, 100), 5, 100),
        (Linear(0.5), 0, 1),
    ],
)
def test_a_quantity_grows_with_the_input_up_to_its_limit(
    linear: Linear, gib: int, expected: int
) -> None:
    assert linear.of(gib * 2**30) == expected


GRAPHS = st.integers(1, 8).flatmap(
    lambda count: st.fixed_dictionaries(
        {
            f"s{n}": st.sets(st.sampled_from([f"s{m}" for m in range(n)] or ["s"]))
            for n in range(count)
        }
    )
)


@given(GRAPHS.map(lambda g: {n: tuple(needs - {"s"}) for n, needs in g.items()}))
def test_every_stage_is_in_one_wave_after_all_that_it_needs(
    stages: dict[str, tuple[str, ...]],
) -> None:
    waves = waves_of(stages)
    at = {name: number for number, wave in enumerate(waves) for name in wave}
    assert sorted(name for wave in waves for name in wave) == sorted(stages)
    assert all(at[need] < at[name] for name, needs in stages.items() for need in needs)
    assert all(wave == sorted(wave, key=list(stages).index) for wave in waves)
    assert all(at[name] == 0 or any(at[n] == at[name] - 1 for n in stages[name]) for name in stages)


def test_of_a_circle_its_own_stages_are_named_each_with_what_it_needs() -> None:
    """Neither what comes before a circle nor what waits for it is to blame."""
    circle = {"map": ("sort",), "sort": ("call",), "call": ("map", "trim")}
    stages = {**circle, "trim": (), "qc": ("map",)}
    with pytest.raises(InvalidPipeline) as told:
        waves_of(stages)
    named = str(told.value).partition("circle: ")[2].split(" needs ")
    assert sorted(named[1:]) == ["call", "map", "sort"]
    assert all(need in stages[name] for name, need in pairwise(named))


def filler(sample: str = "NA1", read_group: str = "@RG", path: str = "scratch/r1") -> Filler:
    """What a runner fills placeholders with."""
    pair = ReadPair("HX.1", read_group, stored("a", "1"), stored("b", "2"))
    texts = {"sample": sample, "out": "/out"}
    mates = MatePaths(Path("/j", path), Path("/j/r2"))
    return Filler(Path("/j"), texts, {"targets": False}, {"HX.1": (pair, mates)})


def arguments(given: Filler, *command: str | Args, **step: Any) -> list[str]:
    """The one command that a step comes to."""
    (pipe,) = given.pipes(Step(pipe=(command,), **step))
    return pipe.commands[0]


@given(st.text(max_size=60), st.text(max_size=60))
def test_what_a_user_wrote_never_makes_two_arguments(sample: str, group: str) -> None:
    command = ("tool", "-s", "{sample}", "{sample}.{pair.id}", "{pair.read_group}", "{pair.r1}")
    found = arguments(filler(sample, group), *command, for_each="read_pair")
    assert found == ["tool", "-s", sample, f"{sample}.HX.1", group, "scratch/r1"]


@pytest.mark.parametrize(
    ("text", "step", "why"),
    [
        ("{colour}", {}, "unknown placeholder {colour}"),
        ("{pair.colour}", {"for_each": "read_pair"}, "unknown placeholder {pair.colour}"),
        ("{pair.r1}", {}, "outside of for_each: read_pair"),
    ],
)
def test_an_unknown_placeholder_is_the_plans_fault(
    text: str, step: dict[str, Any], why: str
) -> None:
    with pytest.raises(StageFault, match=why):
        arguments(filler(), "tool", text, **step)


def test_a_placeholder_in_a_users_text_stays_text() -> None:
    assert arguments(filler("{out}"), "tool", "{sample}") == ["tool", "{out}"]


def test_arguments_with_a_condition_are_left_out_where_it_is_false() -> None:
    bed = Args(args=("-T", "{out}/targets.bed"), when="targets")
    assert arguments(filler(), "tool", bed) == ["tool"]


@pytest.mark.parametrize(
    "calling",
    [
        {"max_depth": 0},
        {"min_depth": -1},
        {"gvcf_depths": [0, 10]},
        {"insert_size": "300;rm"},
        {"insert_size": "300,200,1000,1,5"},
        {"min_qual": "high"},
        {"depth": 3},
    ],
)
def test_a_calling_setting_that_can_not_be_is_refused(calling: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(calling, Calling)


def test_blocks_end_at_the_least_depth_that_is_a_call_too() -> None:
    assert Calling(min_depth=7, gvcf_depths=(20, 10)).variables["gvcf_depths"] == "1,7,10,20"
    assert Calling(min_depth=0).variables["gvcf_depths"] == "1,10,20,30"
