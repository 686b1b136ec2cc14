"""Keys and blueprints: content decides, and nothing else does."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.blueprint import Blueprint, pair_files, read_group
from seqdrop.domain.errors import IdenticalFiles, MismatchedMates, ReferenceNotReady
from seqdrop.domain.identity import AnalysisId, FileIdentity
from seqdrop.domain.keys import STAGE_KEY_LENGTH, digest
from seqdrop.domain.pipeline import Assay, Calling, Linear, Pipeline, Size, Step
from seqdrop.domain.plan import StoredObject, encode
from seqdrop.domain.records import FastqFile
from seqdrop.domain.reference import ReferenceState
from seqdrop.library import Library
from tests.domain_support import (
    IMAGES,
    blueprint,
    fastq,
    lane_pair,
    part,
    pipeline,
    reference,
)
from tests.lab import PROJECT

FILES = [*lane_pair("1"), *lane_pair("2"), *lane_pair("1", flowcell="HZZ", library="lib2")]
GENES = {"sequence": part("genome.fa", "s1"), "annotation": part("genes.gff3", "a1")}
REPLACE = msgspec.structs.replace


def changed_stage(name: str, **given: Any) -> Pipeline:
    """The pipeline with something changed in one stage."""
    stages = pipeline().stages
    return REPLACE(pipeline(), stages={**stages, name: REPLACE(stages[name], **given)})


@given(st.permutations(FILES))
def test_a_run_key_is_the_same_for_every_order_of_files(files: list[FastqFile]) -> None:
    assert blueprint(files=files) == blueprint(files=FILES)


@given(st.integers(0, len(FILES) - 1), st.text("0123456789abcdef", min_size=1), st.booleans())
def test_a_run_key_changes_with_any_byte(index: int, content: str, longer: bool) -> None:
    changed = list(FILES)
    stored = changed[index].object
    changed[index] = REPLACE(
        changed[index],
        object=REPLACE(stored, size=stored.size + 1)
        if longer
        else REPLACE(stored, checksum=f"crc64nvme:{content}"),
    )
    assert blueprint(files=changed).run_key != blueprint(files=FILES).run_key


@given(st.sets(st.sampled_from(["1", "2", "3", "4"]), min_size=1))
def test_a_run_key_tells_every_set_of_lanes_apart(lanes: set[str]) -> None:
    files = [file for lane in lanes for file in lane_pair(lane)]
    key = blueprint(files=files).run_key
    assert (key == blueprint().run_key) == (lanes == {"1", "2"})


@pytest.mark.parametrize(
    "given",
    [
        {"analysis": AnalysisId("NA2", "wgs")},
        {"analysis": AnalysisId("NA1", "wes")},
        {"images": {**IMAGES, "cpu": "cpu@sha256:9"}},
        {"reference": reference(parts={"sequence": part("genome.fa", "s2")})},
        {"reference": reference(parts=GENES)},
        {"assay": Assay("germline", "tiny", duplicates="none"),
         "pipeline": changed_stage("call", steps=(Step(pipe=(("x",),), when="mark_duplicates"),))},
        {"pipeline": changed_stage("align", steps=(Step(pipe=(("align", "-k"),)),))},
        {"pipeline": changed_stage("call", needs=())},
        {"files": [*lane_pair("1", library="x"), *lane_pair("2")]},
    ],
)  # fmt: skip
def test_whatever_decides_the_results_changes_the_run_key(given: dict[str, Any]) -> None:
    assert blueprint(**given).run_key != blueprint().run_key


@pytest.mark.parametrize(
    "given",
    [
        {"images": {**IMAGES, "fpga-exome": "another"}},
        {"reference": reference(version="2", bases=7, created="later")},
        {"reference": reference(indexes={"bwa": (part("genome.fa.bwt", "i9"),)})},
        {"assay": Assay("germline", "tiny", "1", priority="urgent", poll_factor=9)},
        {"pipeline": changed_stage("align", size=Size(96, Linear(9), Linear(9)))},
        {"files": [fastq(r, lane) for lane in "21" for r in ("R2", "R1")]},
    ],
)
def test_what_changes_no_result_changes_no_key(given: dict[str, Any]) -> None:
    assert blueprint(**given).run_key == blueprint().run_key


def with_md5(md5: str) -> list[FastqFile]:
    """Two lanes, whose first file a manifest gives an MD5 for."""
    first, *others = [*lane_pair("1"), *lane_pair("2")]
    return [REPLACE(first, object=REPLACE(first.object, md5=md5)), *others]


def test_results_of_files_that_nobody_checked_are_none_of_files_that_were() -> None:
    plain, right, wrong = (blueprint(files=with_md5(md5)) for md5 in ("", "a" * 32, "0" * 32))
    assert plain.run_key == blueprint().run_key
    assert len({one.run_key for one in (plain, right, wrong)}) == 3
    for name in plain.stage_keys:
        assert len({one.stage_keys[name] for one in (plain, right, wrong)}) == 3


def test_what_is_a_control_is_judged_anew_and_nothing_is_aligned_for_it() -> None:
    control, sample = blueprint(control=True), blueprint()
    assert control.run_key != sample.run_key
    assert control.stage_keys == sample.stage_keys


def test_a_new_annotation_costs_the_annotation_stage_alone() -> None:
    before = blueprint(reference=reference(parts=GENES)).stage_keys
    newer = {**GENES, "annotation": part("genes.gff3", "a2")}
    after = blueprint(reference=reference(parts=newer)).stage_keys
    assert {name for name in before if before[name] != after[name]} == {"annotate"}


def test_a_changed_stage_changes_all_that_need_it() -> None:
    before = blueprint(reference=reference(parts=GENES)).stage_keys
    steps = (Step(pipe=(("call", "--other"),)),)
    after = blueprint(
        reference=reference(parts=GENES), pipeline=changed_stage("call", steps=steps)
    ).stage_keys
    assert {name for name in before if before[name] != after[name]} == {"call", "annotate"}


def test_target_regions_are_in_the_keys_of_the_stages_that_use_them() -> None:
    parts = {"sequence": part("genome.fa", "s1"), "targets:panel": part("targets.bed", "t1")}
    plain = blueprint(reference=reference(parts=parts))
    panel = blueprint(
        reference=reference(parts=parts), assay=Assay("germline", "tiny", targets="panel")
    )
    assert panel.stage_keys["align"] == plain.stage_keys["align"]
    assert panel.stage_keys["call"] != plain.stage_keys["call"]
    assert panel.parts == {"sequence": "s1", "targets:panel": "t1"}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"state": ReferenceState.PREPARING}, "is PREPARING; when it is ready, rerun"),
        ({"state": ReferenceState.FAILED, "why": "no disk"}, "is FAILED: no disk"),
        ({"parts": {}}, "has no sequence"),
        ({"indexes": {}}, "has no bwa index: add a version"),
        (
            {"state": ReferenceState.RETIRED, "why": "wrong contigs"},
            r"tiny 1 was retired \(wrong contigs\): name another version",
        ),
    ],
)
def test_a_reference_that_can_not_be_used_says_why(given: dict[str, Any], why: str) -> None:
    with pytest.raises(ReferenceNotReady, match=why):
        blueprint(reference=reference(**given))


def test_an_assay_whose_target_regions_are_missing_says_how_to_add_them() -> None:
    with pytest.raises(ReferenceNotReady, match=r"add a version of it with panel\.bed"):
        blueprint(assay=Assay("germline", "tiny", targets="panel"))


def test_mates_that_begin_with_different_reads_name_their_lane() -> None:
    files = [fastq("R1", "3", first_read="a"), fastq("R2", "3", first_read="b")]
    with pytest.raises(MismatchedMates, match="R1 and R2 of lane 3 on flowcell HXY begin with"):
        pair_files("NA1", files)


def test_r1_sent_as_r2_is_held_with_both_names() -> None:
    files = [fastq(read, "3", first_read="a", content="x") for read in ("R1", "R2")]
    why = r"_R2_001.fastq.gz is the same file as \S+_R1_001.fastq.gz .*: upload the right R2"
    with pytest.raises(IdenticalFiles, match=why):
        pair_files("NA1", files)


def test_a_file_that_came_for_two_lanes_is_held() -> None:
    first, second = lane_pair("1"), lane_pair("2", first_read="q")
    again = [REPLACE(second[0], object=first[0].object), second[1]]
    with pytest.raises(IdenticalFiles, match=r"which is R1 of lane 1 .*: each lane needs a file"):
        pair_files("NA1", [*first, *again])


@pytest.mark.parametrize(
    "name", ["M1:1:HXY:3:1101:1000:2000", "SRR1.1", "V300019058L3C001R0010000000"]
)
def test_the_same_reads_packed_anew_are_no_second_lane(name: str) -> None:
    lanes = [*lane_pair("1", first_read=name), *lane_pair("2", first_read=name)]
    why = rf"begins with the same read \({name}\) as \S+, which is R1 of lane 1 .*: each lane needs"
    with pytest.raises(IdenticalFiles, match=why):
        pair_files("NA1", lanes)


@pytest.mark.parametrize("name", ["read1", "1", "HWUSI-EAS100R:6:73:941:1973"])
def test_lanes_may_begin_with_a_read_name_that_many_have(name: str) -> None:
    lanes = [*lane_pair("1", first_read=name), *lane_pair("2", first_read=name)]
    assert len(pair_files("NA1", lanes)) == 2


def test_files_without_a_checksum_are_not_taken_for_the_same() -> None:
    files = [REPLACE(file, object=StoredObject("up", file.object.key, 9)) for file in lane_pair()]
    assert len(pair_files("NA1", files)) == 1


def test_lanes_libraries_and_segments_are_told_apart_by_their_ids() -> None:
    extra = lane_pair("1", segment="002", first_read="q")
    ids = [pair.id for pair in pair_files("NA1", [*FILES, *extra])]
    assert ids == ["HXY.1", "HXY.1.002", "HXY.2", "HZZ.1.lib2"]


def test_two_segments_of_a_lane_are_one_read_group() -> None:
    pairs = pair_files("NA1", [*lane_pair("1"), *lane_pair("1", segment="002", first_read="q")])
    assert len({pair.read_group for pair in pairs}) == 1


def test_a_read_group_names_lane_library_and_sample() -> None:
    identity = FileIdentity("lib2", "HZZ", "1", "R1", "001")
    expected = "@RG\\tID:HZZ.1.lib2\\tPU:HZZ.1\\tLB:lib2\\tSM:NA1\\tPL:ILLUMINA"
    assert read_group("NA1", identity) == expected


def test_a_blueprint_reads_back_as_it_was_written() -> None:
    frozen = blueprint(reference=reference(parts=GENES))
    assert msgspec.json.decode(encode(frozen), type=Blueprint) == frozen


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_a_digest_does_not_depend_on_the_order_of_names(value: dict[str, Any]) -> None:
    backwards = dict(reversed(value.items()))
    assert digest(value) == digest(backwards)
    assert len(digest(value)) == STAGE_KEY_LENGTH


def test_another_caller_costs_calling_anew_and_another_format_of_the_reads_all_of_it() -> None:
    library = Library(str(PROJECT / "pipelines"))

    def keys(**chosen: Any) -> tuple[dict[str, str], str]:
        assay = Assay("germline-cpu", "tiny", calling=Calling(min_mapq=20), **chosen)
        frozen = blueprint(
            assay=assay,
            pipeline=library.pipeline("germline-cpu"),
            reference=reference(indexes={"bwa": (), "sequence": ()}),
        )
        assert frozen.recipe.keys() == frozen.stage_keys.keys()
        return frozen.stage_keys, frozen.calling

    plain, calling = keys()
    by_freebayes, other = keys(caller="freebayes")
    changed = {name for name in plain if plain[name] != by_freebayes[name]}
    assert changed == {"call", "report"}
    assert calling != other
    as_cram, _ = keys(alignment="cram")
    assert {name for name in plain if plain[name] != as_cram[name]} == plain.keys()
