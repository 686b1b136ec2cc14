"""Plans: what is run, what is taken as it is, in which order, and how long it may take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from seqdrop.domain.blueprint import check_approved
from seqdrop.domain.errors import ImageNotApproved, ImageNotHere, QueueNotHere
from seqdrop.domain.job_definitions import JobDefinitions
from seqdrop.domain.pipeline import Assay, Linear, Output, Pipeline, Size
from seqdrop.domain.plan import RunPlan, decode_plan, encode
from seqdrop.domain.plan_making import (
    LONGEST_POLL_SECONDS,
    LONGEST_TIMEOUT_SECONDS,
    SHORTEST_TIMEOUT_SECONDS,
    make_plan,
    poll_seconds,
    reusable_stages,
    timeout_seconds,
)
from seqdrop.domain.records import RunOptions
from tests.domain_support import IMAGES, blueprint, lane_pair, part, reference, run_of, stage
from tests.workflows import stage_of as workflow_stage

PARTS = {"sequence": part("genome.fa", "s1"), "annotation": part("genes.gff3", "a1")}
FROZEN = blueprint(reference=reference(parts=PARTS))
ALL = {"align", "call", "annotate"}
DIAMOND = blueprint(
    pipeline=Pipeline(
        "diamond",
        "test",
        {
            "first": stage("a"),
            "left": stage("b", needs=("first",)),
            "right": stage("c", needs=("first",), queue="fpga-genome"),
            "last": stage("d", needs=("left", "right")),
        },
    )
)


def plan(good: dict[str, int] | None = None) -> RunPlan:
    """The plan of the frozen blueprint; every new result would be the fifth."""
    return make_plan(
        FROZEN,
        run_of(FROZEN),
        bucket="results",
        good=good or {},
        next_number=dict.fromkeys(ALL, 5),
        shortest_poll_seconds=60,
    )


def test_tries_go_on_in_one_work_folder_until_one_goes_well() -> None:
    frozen = blueprint(pipeline=Pipeline("w", "test", {"workflow": workflow_stage(reference=[])}))

    def work(
        number: int, good: dict[str, int], options: RunOptions | None = None, begun: int = 0
    ) -> str:
        run = run_of(frozen)
        run = structs.replace(run, options=options) if options else run
        made = make_plan(
            frozen, run, bucket="results", good=good, next_number={"workflow": number},
            shortest_poll_seconds=60, begun={"workflow": begun},
        )  # fmt: skip
        return made.stage("workflow").work

    first = work(1, {})
    assert first.startswith("_work/")
    assert first.endswith("/1/")
    assert work(2, {}) == work(3, {}) == first
    anew = work(4, {"workflow": 3}, RunOptions(fresh=True))
    assert anew.endswith("/4/")
    assert work(5, {"workflow": 3}, RunOptions(from_stage="workflow")).endswith("/5/")
    assert work(3, {}, RunOptions(fresh=True)).endswith("/3/"), "the tries before it failed"
    assert work(4, {}, begun=3) == work(5, {}, begun=3) == work(3, {}, RunOptions(fresh=True))
    assert work(6, {"workflow": 5}, RunOptions(fresh=True), begun=3).endswith("/6/")
    assert work(7, {"workflow": 6}, begun=3).endswith("/7/")
    assert [one.work for one in plan().stages] == [""] * 3


@pytest.mark.parametrize(
    ("complete", "options", "reused"),
    [
        (set(), RunOptions(), set()),
        (ALL, RunOptions(), ALL),
        ({"align"}, RunOptions(), {"align"}),
        ({"call", "annotate"}, RunOptions(), set()),
        ({"align", "annotate"}, RunOptions(), {"align"}),
        (ALL, RunOptions(fresh=True), set()),
        (ALL, RunOptions(from_stage="call"), {"align"}),
        (ALL, RunOptions(from_stage="annotate"), {"align", "call"}),
        ({"align"}, RunOptions(from_stage="annotate"), {"align"}),
    ],
)
def test_good_results_are_taken_unless_something_before_them_is_new(
    complete: set[str], options: RunOptions, reused: set[str]
) -> None:
    assert reusable_stages(FROZEN, run_of(FROZEN, options=options), complete) == reused


@given(st.sets(st.sampled_from(sorted(DIAMOND.stages))))
def test_no_stage_is_reused_whose_needs_are_run_again(complete: set[str]) -> None:
    reused = reusable_stages(DIAMOND, run_of(DIAMOND), complete)
    assert reused <= complete
    assert all(set(DIAMOND.stages[name].needs) <= reused for name in reused)


def test_a_plan_runs_its_stages_in_waves_and_leaves_out_what_is_there() -> None:
    assert plan().waves == (("align",), ("call",), ("annotate",))
    resumed = plan(good={"align": 2})
    assert resumed.waves == (("call",), ("annotate",))
    assert resumed.stage("align").reused
    assert plan(good=dict.fromkeys(ALL, 1)).waves == ()


def test_results_are_never_written_where_some_are_already() -> None:
    resumed = plan(good={"align": 2})
    assert resumed.stage("align").prefix.endswith(f"{FROZEN.stage_keys['align']}/2/")
    assert resumed.stage("call").prefix.endswith(f"{FROZEN.stage_keys['call']}/5/")


def test_a_stage_that_does_not_apply_is_not_in_the_plan() -> None:
    assert set(blueprint().stages) == {"align", "call"}


def test_an_unknown_stage_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        plan().stage("polish")


def test_a_plan_reads_back_as_it_was_written() -> None:
    assert decode_plan(encode(plan(good={"align": 2}))) == plan(good={"align": 2})


def test_a_plan_says_nothing_of_who_the_patient_is() -> None:
    assert "project" not in RunPlan.__struct_fields__


@pytest.mark.parametrize(
    ("expected_seconds", "allowed"),
    [(1, SHORTEST_TIMEOUT_SECONDS), (1_000, 6_000), (10**6, LONGEST_TIMEOUT_SECONDS)],
)
def test_an_attempt_may_take_several_times_what_it_should(
    expected_seconds: int, allowed: int
) -> None:
    sized = stage(size=Size(1, Linear(1), Linear(expected_seconds)))
    assert timeout_seconds(sized, 0) == allowed


@pytest.mark.parametrize(
    ("expected_seconds", "factor", "shortest", "waits"),
    [(100, 1.5, 60, 150), (1, 1.5, 60, 60), (10**6, 1.5, 60, LONGEST_POLL_SECONDS), (1, 1, 1, 1)],
)
def test_an_event_is_waited_for_about_as_long_as_the_stage_takes(
    expected_seconds: int, factor: float, shortest: int, waits: int
) -> None:
    assert poll_seconds(expected_seconds, factor, shortest) == waits


def test_more_input_is_given_more_time() -> None:
    larger = blueprint(files=lane_pair("1", size=2**30))
    plans = [
        make_plan(
            frozen, run_of(frozen), bucket="b", good={}, next_number={"align": 1, "call": 1},
            shortest_poll_seconds=1,
        )
        for frozen in (blueprint(), larger)
    ]  # fmt: skip
    assert [p.stage("align").expected_seconds for p in plans] == [61, 260]


def test_a_stage_keeps_the_job_definition_of_its_claim() -> None:
    deployed = JobDefinitions("lab", {"cpu": "3.5.7", "fpga-exome": "9.9.9"})
    frozen = blueprint(definitions=deployed)
    assert frozen.definitions == {"align": "lab-cpu-reads:3", "call": "lab-cpu-results:5"}
    plan = make_plan(
        frozen, run_of(frozen), bucket="results", good={},
        next_number=dict.fromkeys(frozen.stages, 1), shortest_poll_seconds=60,
    )  # fmt: skip
    assert {stage.stage: stage.definition for stage in plan.stages} == frozen.definitions


def test_the_job_definition_decides_no_key() -> None:
    assert (
        blueprint(definitions=JobDefinitions("lab", {"cpu": "3.3.3"})).run_key
        == blueprint().run_key
    )


def test_what_decides_the_calls_is_every_stage_that_makes_them_and_none_that_follows() -> None:
    def calling(small: str = "small", large: str = "large", **images: str) -> str:
        calls = (Output("variants.vcf.gz"),)
        stages = {
            "align": stage("align"),
            "small": stage(small, needs=("align",), outputs=calls, when="targets"),
            "large": stage(large, needs=("align",), outputs=calls, queue="fpga-genome"),
            "annotate": stage("annotate", needs=("large",), queue="fpga-exome"),
        }
        parts = {**PARTS, "targets:kit": part("kit.bed", "t1")}
        return blueprint(
            pipeline=Pipeline("p", "test", stages), assay=Assay("p", "tiny", targets="kit"),
            reference=reference(parts=parts), images={**IMAGES, **images},
        ).calling  # fmt: skip

    others = [
        calling(small="another"),
        calling(large="another"),
        calling(cpu="another@sha256:1"),
        calling(**{"fpga-genome": "another@sha256:1"}),
    ]
    assert len({calling(), *others}) == 5
    assert calling(**{"fpga-exome": "another@sha256:1"}) == calling()


def test_a_pipeline_on_a_queue_that_is_not_here_is_refused_with_what_to_do() -> None:
    pipeline = Pipeline("genome", "test", {"map": stage("a", queue="fpga-genome")})
    with pytest.raises(QueueNotHere) as refusal:
        blueprint(pipeline=pipeline, images={"cpu": "cpu@sha256:1"})
    assert str(refusal.value) == (
        "this deployment has no fpga-genome queue, which the pipeline genome needs: choose an "
        "assay on CPU, or deploy with EnableFpga=true; then rerun the sample"
    )


def test_a_stage_runs_in_the_image_that_it_names() -> None:
    pipeline = Pipeline("p", "test", {"map": stage("a"), "page": stage("b", image="report")})
    images = {"cpu": "cpu@sha256:1", "report": "report@sha256:2"}
    definitions = JobDefinitions("seqdrop", {"cpu": "1.1.1", "report": "3.4.5", "snpeff": "1.1.1"})
    frozen = blueprint(pipeline=pipeline, images=images, definitions=definitions)
    assert frozen.images == images
    stages = make_plan(
        frozen, run_of(frozen), bucket="results", good={}, shortest_poll_seconds=60,
        next_number=dict.fromkeys(frozen.stages, 1),
    ).stages  # fmt: skip
    plans = {one.stage: one for one in stages}
    assert (plans["map"].image, plans["map"].definition) == (
        "cpu@sha256:1",
        "seqdrop-cpu-results:1",
    )
    assert (plans["page"].image, plans["page"].definition) == (
        "report@sha256:2", "seqdrop-report-results:4",
    )  # fmt: skip
    other = blueprint(pipeline=pipeline, images={**images, "report": "report@sha256:3"})
    assert frozen.stage_keys["map"] == other.stage_keys["map"]
    assert frozen.stage_keys["page"] != other.stage_keys["page"]


def test_an_image_that_is_not_here_is_refused_with_what_to_do() -> None:
    pipeline = Pipeline("p", "test", {"page": stage("a", image="report")})
    with pytest.raises(ImageNotHere, match="has no image report, which the pipeline p needs: "):
        blueprint(pipeline=pipeline, images={"cpu": "cpu@sha256:1"})


def test_only_an_approved_digest_runs_where_any_is_listed() -> None:
    one, two = (f"sha256:{digit * 64}" for digit in "12")
    images = {"fpga-genome": f"lab/dragen@{one}|ami-1|host", "cpu": f"lab/cpu@{two}"}
    frozen = blueprint(images=images)
    for approved in ({}, {"cpu": [two]}, {"cpu": [one, two], "report": [one]}):
        check_approved(frozen, approved)
    fpga = blueprint(
        pipeline=Pipeline("genome", "test", {"map": stage("a", queue="fpga-genome")}), images=images
    )
    check_approved(fpga, {"fpga-genome": [one]})
    for of, name in ((frozen, "cpu"), (fpga, "fpga-genome")):
        with pytest.raises(ImageNotApproved) as refusal:
            check_approved(of, {name: []})
        assert f"the image {name} of this deployment is sha256:" in str(refusal.value)
        assert "approve it in pipelines/images.yaml" in str(refusal.value)


def test_a_stage_that_is_left_out_needs_no_queue() -> None:
    stages = {"map": stage("a"), "more": stage("b", queue="fpga-exome", when="annotation")}
    frozen = blueprint(pipeline=Pipeline("p", "test", stages), images={"cpu": "cpu@sha256:1"})
    assert set(frozen.stages) == {"map"}


@pytest.mark.parametrize(
    ("vcpus", "gib", "wanted"),
    [
        (16, 100, 16),
        (Linear(2, per_input_gib=0.2, limit=16), 10, 4),
        (Linear(2, per_input_gib=0.2, limit=16), 500, 16),
        (Linear(0, per_input_gib=0.1), 0, 1),
    ],
)
def test_vcpus_grow_with_the_input_where_a_stage_says_so(
    vcpus: int | Linear, gib: int, wanted: int
) -> None:
    assert Size(vcpus, Linear(1), Linear(1)).vcpus_of(gib * 2**30) == wanted
