"""What a reanalysis is expected to take, and the stage that compares its runs with those before."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqdrop.domain.blueprint import Blueprint
from seqdrop.domain.identity import RunId, StageOf
from seqdrop.domain.pipeline import COMPARE, Assay, Output, Pipeline
from seqdrop.domain.plan import LocalFile, StoredObject
from seqdrop.domain.reanalysis.comparing import (
    files_of_reference,
    stages_to_compare,
    with_comparison,
)
from seqdrop.domain.reanalysis.estimate import (
    LEAST_JOBS,
    History,
    Reckoned,
    Sampled,
    Spread,
    StageEstimate,
    add_up,
    hours_of_run,
    reckon,
)
from seqdrop.domain.reanalysis.plan import Group, Plan
from seqdrop.domain.reanalysis.scope import Scope
from seqdrop.domain.reanalysis.staleness import Stale, target_of
from seqdrop.domain.records import Attempt, Job
from seqdrop.library import Library
from tests.domain_support import blueprint, pipeline, reference, stage
from tests.domain_support import job as job_of
from tests.tools_support import ROOT

RECKONED = Reckoned(usd=7.0, hours=2.0)
GIB = 2**30
REPLACE = msgspec.structs.replace


# Whose jobs are looked at

RUNS = st.lists(
    st.builds(
        RunId,
        st.from_regex(r"S[0-9]{1,3}", fullmatch=True),
        st.sampled_from(["wgs", "wes", "panel"]),
        st.just("0" * 24),
        st.just(1),
    ),
    max_size=40,
    unique_by=lambda run: run.analysis,
)


@settings(max_examples=60)
@given(RUNS, st.integers(1, 8), st.randoms())
def test_the_same_few_of_each_assay_are_chosen_in_whatever_order_they_come(
    runs: list[RunId], most: int, chance: Any
) -> None:
    shuffled = list(runs)
    chance.shuffle(shuffled)
    first, second = Sampled(most), Sampled(most)
    for run in runs:
        first.offer(run)
    for run in shuffled:
        second.offer(run)
    assert first.chosen == second.chosen
    assert len(set(first.chosen)) == len(first.chosen)
    for assay in ("wgs", "wes", "panel"):
        there = [run for run in runs if run.assay == assay]
        chosen = [run for run in first.chosen if run.assay == assay]
        assert len(chosen) == min(most, len(there))
        assert set(chosen) <= set(there)


def test_one_more_sample_changes_the_choice_by_one_at_most() -> None:
    sampled = Sampled(5)
    before: set[RunId] = set()
    for number in range(200):
        sampled.offer(RunId(f"S{number}", "wgs", "0" * 24, 1))
        now = set(sampled.chosen)
        assert len(before - now) <= 1
        before = now


# What the jobs of a stage take


def ended(
    usd: float | None, hours: float, *, stage: str = "align", status: str = "SUCCEEDED",
    bases: int = 0,
) -> Job:  # fmt: skip
    """A job that has ended, in two attempts."""
    owner = StageOf(RunId("NA1", "wgs", "0" * 24, 1), stage)
    attempts = (Attempt(seconds=hours * 900), Attempt(seconds=hours * 2_700))
    return job_of(owner, status=status, cost_usd=usd, attempts=attempts, dragen_bases=bases)


def history(*jobs: Job, input_bytes: int = 0) -> History:
    """What is known of an assay."""
    seen = History()
    seen.add("wgs", input_bytes, jobs)
    return seen


@pytest.mark.parametrize("number", range(LEAST_JOBS))
def test_with_few_jobs_the_pipelines_own_figures_are_taken(number: int) -> None:
    found = history(*[ended(100.0, 50.0)] * number).estimate("wgs", "align", 10, RECKONED)
    assert found == StageEstimate(
        "wgs", "align", 10, 0, Spread(70.0, 70.0, 70.0), Spread(20.0, 20.0, 20.0)
    )


def test_what_failed_or_never_ran_says_nothing_of_what_is_to_come() -> None:
    owner = StageOf(RunId("NA1", "wgs", "0" * 24, 1), "align")
    others = [
        ended(9.0, 9.0, status="FAILED"),
        ended(9.0, 9.0, status="RUNNING"),
        job_of(owner, status="SUCCEEDED", cost_usd=9.0),
    ]
    found = history(*others * 5).estimate("wgs", "align", 1, RECKONED)
    assert (found.seen, found.usd.expected) == (0, 7.0)


def test_jobs_of_another_stage_or_assay_count_for_themselves() -> None:
    seen = history(*[ended(1.0, 1.0)] * 3)
    assert seen.estimate("wgs", "align", 1, RECKONED).seen == 3
    assert seen.estimate("wgs", "call", 1, RECKONED).seen == 0
    assert seen.estimate("wes", "align", 1, RECKONED).seen == 0


def test_what_jobs_took_is_their_mean_with_the_lowest_and_the_highest_tenth() -> None:
    jobs = [ended(float(usd), usd / 10, bases=1_000) for usd in range(1, 12)]
    found = history(*jobs).estimate("wgs", "align", 4, RECKONED)
    assert (found.jobs, found.seen) == (4, 11)
    assert found.usd == Spread(8.0, 24.0, 40.0)
    figures = (found.hours.low, found.hours.expected, found.hours.high)
    assert figures == pytest.approx((0.8, 2.4, 4.0)), "all attempts of a job count"
    assert found.dragen_bases == pytest.approx(4_000)


def test_a_job_of_which_nobody_knows_the_cost_is_for_nothing() -> None:
    found = history(*[ended(None, 1.0)] * 3).estimate("wgs", "align", 2, RECKONED)
    assert found.usd == Spread(0.0, 0.0, 0.0)
    assert found.hours.expected == pytest.approx(2.0)


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1_000), min_size=LEAST_JOBS, max_size=20), st.integers(1, 100))
def test_so_many_jobs_take_so_many_times_one(usd: list[float], number: int) -> None:
    seen = history(*[ended(one, one) for one in usd])
    one, many = (seen.estimate("wgs", "align", jobs, RECKONED) for jobs in (1, number))
    for single, all_ in ((one.usd, many.usd), (one.hours, many.hours)):
        assert all_.expected == pytest.approx(single.expected * number)
        assert single.low <= single.high
        assert (all_.low, all_.high) == pytest.approx((single.low * number, single.high * number))


def test_what_is_expected_is_not_more_than_the_most() -> None:
    jobs = [ended(1.0, 1.0) for _ in range(19)] + [ended(1_000.0, 1.0)]
    found = history(*jobs).estimate("wgs", "align", 1, RECKONED)
    assert found.usd.low <= found.usd.expected <= found.usd.high


def test_the_files_of_an_assay_are_as_large_as_those_that_are_known() -> None:
    seen = History()
    for size in (2 * GIB, 4 * GIB, 0):
        seen.add("wgs", size, ())
    assert seen.mean_bytes("wgs") == 3 * GIB
    assert seen.mean_bytes("wes") == 0


def test_a_stage_is_reckoned_by_its_size_and_its_price() -> None:
    library = Library(str(ROOT / "pipelines"))
    align = library.pipeline("germline-cpu").stages["align"]
    nothing, much = (reckon(align, size * GIB, library.prices(), 1_000) for size in (0, 60))
    assert nothing.hours == pytest.approx(120 / 3600)
    assert much.hours == pytest.approx((120 + 60 * 700) / 3600)
    assert much.usd / nothing.usd == pytest.approx(much.hours / nothing.hours, rel=1e-3)


# What a run takes, and all of them


def of_stage(name: str, hours: float, jobs: int = 1, assay: str = "wgs") -> StageEstimate:
    """The jobs of a stage, each of which takes so many hours, and as many USD."""
    each = Spread(hours / 2, hours, hours * 2).times(jobs)
    return StageEstimate(assay, name, jobs, 5, each, each, dragen_bases=10.0 * jobs)


def side_by_side() -> Pipeline:
    """A stage, then two side by side, then one more."""
    stages = {
        "align": stage("align"),
        "call": stage("call", needs=("align",)),
        "qc": stage("qc", needs=("align",)),
        "report": stage("report", needs=("call", "qc")),
    }
    return Pipeline("germline", "test", stages)


def test_a_run_takes_the_longest_stage_of_each_wave() -> None:
    target = target_of(blueprint(pipeline=side_by_side(), files=()))
    each = {"align": 5.0, "call": 2.0, "qc": 3.0, "report": 1.0}
    stages = {name: of_stage(name, hours, jobs=7) for name, hours in each.items()}
    assert hours_of_run(target, stages) == pytest.approx(5 + 3 + 1)
    del stages["align"], stages["qc"]
    assert hours_of_run(target, stages) == pytest.approx(2 + 1), "what stays takes no time"
    assert hours_of_run(target, {}) == 0


def test_all_stages_of_all_assays_are_added_up() -> None:
    parts = [of_stage("align", 4.0, 3), of_stage("call", 1.0, 3), of_stage("align", 2.0, 1, "wes")]
    found = add_up(parts, 2.5)
    assert found.usd == found.hours == Spread(8.5, 17.0, 34.0)
    assert (found.dragen_bases, found.run_hours, found.stages) == (70.0, 2.5, tuple(parts))


def test_nothing_takes_nothing() -> None:
    found = add_up((), 0.0)
    assert (found.usd, found.hours, found.wall_hours(0, 20)) == (
        Spread(0.0, 0.0, 0.0), Spread(0.0, 0.0, 0.0), 0.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("analyses", "in_flight", "hours"),
    [(0, 20, 0.0), (1, 20, 3.0), (20, 20, 3.0), (21, 20, 6.0), (5, 1, 15.0), (40, 20, 6.0)],
)
def test_so_many_at_once_take_turns(analyses: int, in_flight: int, hours: float) -> None:
    assert add_up((), 3.0).wall_hours(analyses, in_flight) == pytest.approx(hours)


def test_a_run_of_an_assay_costs_what_all_of_its_groups_cost_as_a_mean() -> None:
    def group(assay: str, analyses: int, *stages: str) -> Group:
        return Group(assay, "germline", "tiny/2", Stale(stages, ("x",)), (), analyses, ())

    parts = [of_stage("align", 4.0, 3), of_stage("call", 1.0, 3), of_stage("call", 1.0, 1)]
    parts.append(of_stage("call", 9.0, 2, "wes"))
    groups = (group("wgs", 3, "align", "call"), group("wgs", 1, "call"), group("wes", 2, "call"))
    plan = Plan(Scope("tiny", "2"), groups, (), 0, add_up(parts, 0.0))
    assert plan.analyses == 6
    assert plan.usd_by_assay == pytest.approx({"wgs": 16.0 / 4, "wes": 9.0})


# The stage that compares a run with the one before

COMPARING = stage("compare", queue="cpu", outputs=(Output("comparison.json"),))
CALLS = ("variants.vcf.gz", "variants.vcf.gz.tbi")


def object_of(name: str, content: str) -> StoredObject:
    """An object, known by its SHA-256."""
    return StoredObject("results", name, 10, sha256=content)


def calling_pipeline() -> Pipeline:
    """One whose second stage makes calls."""
    whole = pipeline()
    call = REPLACE(whole.stages["call"], outputs=tuple(Output(name) for name in CALLS))
    return REPLACE(whole, stages={**whole.stages, "call": call})


def calling_run(sequence: str = "s2", targets: str = "t2") -> Blueprint:
    """A run that makes calls, on a sequence and on target regions."""
    parts = {
        "sequence": LocalFile("genome.fa", object_of("r/genome.fa", sequence)),
        "targets:kit": LocalFile("targets.bed", object_of("r/targets.bed", targets)),
    }
    return blueprint(
        pipeline=calling_pipeline(),
        reference=reference(parts=parts),
        assay=Assay("germline", "tiny", targets="kit"),
    )


BEFORE = {
    "genome.fa": object_of("r/old.fa", "s1"),
    "targets.bed": object_of("r/old.bed", "t2"),
    "run.json": object_of("runs/run.json", "r1"),
    "variants.vcf.gz": object_of("call/variants.vcf.gz", "v1"),
    "variants.vcf.gz.tbi": object_of("call/variants.vcf.gz.tbi", "x1"),
}


def compared(run: Blueprint, before: dict[str, StoredObject], **given: Any) -> Blueprint:
    """The run with its comparison."""
    values: dict[str, Any] = {"image": "tools@1", "definition": "definition:1"}
    return with_comparison(run, COMPARING, before, **(values | given))


def fetched(run: Blueprint) -> dict[str, str]:
    """What its comparison fetches of references and of the run before: path and content."""
    return {file.path: file.object.sha256 for file in run.files[COMPARE]}


def test_only_stages_that_make_calls_can_be_compared() -> None:
    assert stages_to_compare(calling_run()) == ["call"]
    assert stages_to_compare(blueprint()) == []


def test_a_comparison_comes_after_all_stages_and_takes_their_calls() -> None:
    found = compared(calling_run(), BEFORE).stages[COMPARE]
    assert found.needs == ("align", "call")
    assert found.inputs == CALLS
    assert (found.steps, found.outputs) == (COMPARING.steps, COMPARING.outputs)


def test_what_both_runs_have_alike_is_fetched_once() -> None:
    assert fetched(compared(calling_run(), BEFORE)) == {
        "genome.fa": "s2",
        "targets.bed": "t2",
        "before/genome.fa": "s1",
        "before/run.json": "r1",
        "before/variants.vcf.gz": "v1",
        "before/variants.vcf.gz.tbi": "x1",
    }


def test_files_whose_content_nobody_knows_are_fetched_both() -> None:
    unknown = {"genome.fa": StoredObject("references", "r/genome.fa", 10)}
    assert "before/genome.fa" in fetched(compared(calling_run(sequence=""), unknown))


def test_a_chain_is_fetched_as_it_is_named() -> None:
    chain = LocalFile("before.chain", object_of("r/chain", "c"))
    assert fetched(compared(calling_run(), BEFORE, chain=[chain]))["before.chain"] == "c"


def test_a_comparison_adds_its_image_and_changes_nothing_else() -> None:
    plain = calling_run()
    found = compared(REPLACE(plain, images={"fpga-genome": "d@1"}), BEFORE)
    assert found.images == {"fpga-genome": "d@1", "cpu": "tools@1"}
    assert found.definitions["compare"] == "definition:1"
    assert found.run_key == plain.run_key
    assert {name: key for name, key in found.stage_keys.items() if name != COMPARE} == (
        plain.stage_keys
    )
    assert {name: one for name, one in found.stages.items() if name != COMPARE} == plain.stages
    assert (found.parts, found.pairs, found.reference) == (
        plain.parts, plain.pairs, plain.reference,
    )  # fmt: skip


@pytest.mark.parametrize("name", [name for name in BEFORE if name != "targets.bed"])
def test_another_run_before_is_another_comparison(name: str) -> None:
    other = {**BEFORE, name: object_of("elsewhere", "other")}
    keys = {
        compared(calling_run(), before).stage_keys[COMPARE]
        for before in (BEFORE, other, {n: o for n, o in BEFORE.items() if n != name})
    }
    assert len(keys) == 3


def test_another_run_now_is_another_comparison() -> None:
    one, other = (compared(calling_run(s), BEFORE).stage_keys[COMPARE] for s in ("s2", "s3"))
    assert one != other


def test_where_the_files_before_lie_decides_nothing() -> None:
    moved = {name: object_of(f"elsewhere/{name}", o.sha256) for name, o in BEFORE.items()}
    one, other = (compared(calling_run(), of).stage_keys[COMPARE] for of in (BEFORE, moved))
    assert one == other


def test_another_image_is_another_comparison() -> None:
    keys = {compared(calling_run(), BEFORE, image=i).stage_keys[COMPARE] for i in "ab"}
    assert len(keys) == 2


def test_the_sequence_and_the_targets_of_a_run_are_found_by_their_paths() -> None:
    found = files_of_reference(calling_run())
    assert {name: one.sha256 for name, one in found.items()} == {
        "genome.fa": "s2", "targets.bed": "t2",
    }  # fmt: skip
