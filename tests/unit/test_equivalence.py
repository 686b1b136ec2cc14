"""The rules of a test of equivalence: what may be compared, and what figures are made of."""

from typing import Any

import pytest

from seqdrop.domain.comparison.report import Change as CallChange
from seqdrop.domain.comparison.report import Kind, Metric, Report, Side, Tally
from seqdrop.domain.comparison.report import Verdict as OfCalls
from seqdrop.domain.equivalence.checks import comparable, differences, has_same_basis
from seqdrop.domain.equivalence.figures import (
    concordance_of,
    cost,
    efforts,
    group_of,
    job_seconds,
    metrics_compared,
    spread,
    took,
    wall_seconds,
)
from seqdrop.domain.equivalence.judging import SIMULATED, judge, judge_pair
from seqdrop.domain.equivalence.report import (
    Asked,
    Change,
    Concordance,
    Difference,
    Effort,
    Missing,
    Of,
    Verdict,
)
from seqdrop.domain.equivalence.sides import is_release, is_side, side_of
from seqdrop.domain.identity import RunId, StageOf
from seqdrop.domain.plan import StoredObject
from seqdrop.domain.provenance import Part
from seqdrop.domain.records import Attempt, Job, Run, StageRun
from tests.domain_support import job
from tests.equivalence_support import COMMANDS, lane, pair, record, result, side, stored

AMIS = Asked(Change.AMI, "ami-0f1", "ami-0f2")
PIPELINES = Asked(Change.PIPELINE, "one", "two")


def never(one: StoredObject, other: StoredObject) -> bool:
    """S3 can't tell."""
    return False


def found(of: Of, a: Any, b: Any) -> list[Difference]:
    return [one for one in differences(a, b, never) if one.of is of]


# ── Which run is a side


@pytest.mark.parametrize(
    ("change", "wanted", "expected"),
    [
        (Change.PIPELINE, "germline-cpu", True),
        (Change.PIPELINE, "germline", False),
        (Change.ASSAY, "wgs", True),
        (Change.ASSAY, "w", False),
        (Change.IMAGE, "lab/cpu@sha256:aa11", True),
        (Change.IMAGE, "sha256:bb", True),
        (Change.IMAGE, "aa1", True),
        (Change.IMAGE, "a11", False),
        (Change.IMAGE, "lab/cpu", False),
        (Change.AMI, "ami-0f2", True),
        (Change.AMI, "ami-0f", True),
        (Change.AMI, "ami-0f3", False),
        (Change.DRAGEN, "4.4", True),
        (Change.DRAGEN, "4", True),
        (Change.DRAGEN, "4.4.6", True),
        (Change.DRAGEN, "4.3", False),
    ],
)
def test_a_run_is_of_a_side_by_what_is_recorded(
    change: Change, wanted: str, expected: bool
) -> None:
    made = record(
        results={"dragen": result("dragen", dragen="dragen Version 07.031.732.4.4.6")},
    )
    assert is_side(change, wanted, made) is expected


@pytest.mark.parametrize(
    ("said", "wanted", "expected"),
    [
        ("dragen Version 07.021.609.3.9.5", "3.9", True),
        ("dragen Version 07.021.609.3.90.5", "3.9", False),
        ("dragen Version 07.021.609.3.9.5", "609", False),
        ("dragen Version 07.021.609.3.9.5", "9.5", False),
        ("DRAGEN 4.4.4", "4.4", True),
        ("DRAGEN 4.4.4", "4.4.4.1", False),
        ("", "4.4", False),
        ("unknown", "4.4", False),
    ],
)
def test_a_release_is_named_by_whole_numbers(said: str, wanted: str, expected: bool) -> None:
    assert is_release(said, wanted) is expected


def test_a_comparison_that_a_reanalysis_added_is_no_tool_of_the_run() -> None:
    made = record(results={"compare": result("compare", python="3.11"), **record().results})
    assert side_of(made, None).tools == {"bwa": "0.7.17"}


# ── What must be the same


def test_the_same_run_differs_in_nothing() -> None:
    assert differences(record(), record(), never) == ()
    assert has_same_basis(record(), record(), never)


@pytest.mark.parametrize(
    "other",
    [
        lane(r1="crc32:other"),
        lane(r2="crc32:other"),
        lane(2, r1="crc32:other", r2="crc32:another"),
    ],
    ids=["R1", "R2", "another lane"],
)
def test_other_bytes_are_another_input(other: Any) -> None:
    changed = record(inputs=(other,))
    assert found(Of.INPUT, record(), changed)
    assert not has_same_basis(record(), changed, never)


def test_a_lane_that_one_side_lacks_is_named() -> None:
    more = lane(2, "crc32:three", "crc32:four")
    two = record(inputs=(lane(), more))
    [missing] = found(Of.INPUT, two, record())
    assert (missing.what, missing.b) == ("lane HXY.2", "not there")
    [added] = found(Of.INPUT, record(), two)
    assert (added.what, added.a) == ("lane HXY.2", "not there")


def test_the_same_bytes_under_another_key_or_lane_are_the_same_input() -> None:
    copied = record(inputs=(lane(7),))
    assert found(Of.INPUT, record(), copied) == []


def test_one_lane_is_never_taken_for_two() -> None:
    assert len(found(Of.INPUT, record(), record(inputs=(lane(1), lane(2))))) == 1


def test_s3_is_asked_only_where_the_recorded_checksums_can_not_tell() -> None:
    asked: list[tuple[str, str]] = []

    def is_same(one: StoredObject, other: StoredObject) -> bool:
        asked.append((one.checksum, other.checksum))
        return True

    parts = record(inputs=(lane(r1="etag:abc-2"),))
    assert has_same_basis(record(), parts, is_same)
    assert asked == [("crc32:one", "etag:abc-2")]
    asked.clear()
    assert not has_same_basis(record(), record(inputs=(lane(r1="crc32:other"),)), is_same)
    shorter = lane()
    shorter = type(shorter)(shorter.id, shorter.read_group, stored("r1", "etag:x", 99), shorter.r2)
    assert not has_same_basis(record(), record(inputs=(shorter,)), is_same)
    assert asked == []


def test_a_run_that_recorded_no_inputs_is_not_comparable() -> None:
    [told] = found(Of.INPUT, record(), record(inputs=()))
    assert told.b == "not recorded"


def test_a_part_of_the_reference_with_other_content_is_a_difference() -> None:
    other = record(reference="GRCh38/2", parts={"sequence": "s2", "targets:wes": "t1"})
    [told] = found(Of.REFERENCE, record(), other)
    assert (told.what, told.a, told.b) == ("sequence", "GRCh38/1: s1", "GRCh38/2: s2")


def test_of_one_version_a_part_that_one_side_does_not_use_is_none() -> None:
    assert found(Of.REFERENCE, record(), record(parts={"sequence": "s1"})) == []
    other = record(reference="GRCh38/2", parts={"sequence": "s1"})
    assert [one.what for one in found(Of.REFERENCE, record(), other)] == ["targets:wes"]


def test_an_index_of_the_same_parts_is_told_apart_from_them() -> None:
    files = {"align": (Part("s3://refs/GRCh38/1/indexes/genome.fa.bwt", 5, "i2"),)}
    changed = record(files=files)
    [told] = found(Of.INDEX, record(), changed)
    assert told.what == "indexes/genome.fa.bwt"
    assert has_same_basis(record(), changed, never)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("bwa mem -t 16 -K 100 ref/genome.fa", "bwa mem -t {threads} -K 100 ref/genome.fa"),
        ("bcftools view -t chr1 in.vcf", "bcftools view -t chr1 in.vcf"),
        ("cat a | mosdepth -t 4 x", "cat a | mosdepth -t {threads} x"),
        ("bwa mem x | samtools sort -t RG", "bwa mem x | samtools sort -t RG"),
        ("samtools index -@ 3 a.bam", "samtools index -@ {threads} a.bam"),
        (
            "seqdrop-tool join --version 0.1 --run 0a --stage 1b --simulated false --reference r/1",
            "seqdrop-tool join --version {version} --run {run} --stage {stage} --simulated "
            "{simulated} --reference r/1",
        ),
        ("othertool --run 5", "othertool --run 5"),
        ("samtools reheader -c 'grep -v ^@PG' -", "samtools reheader -c 'grep -v ^@PG' -"),
        ("tool 'cut off", "tool 'cut off"),
    ],
)
def test_what_may_differ_in_a_command_line_is_left_out(command: str, expected: str) -> None:
    assert comparable(command) == expected


def test_command_lines_are_compared_stage_by_stage_and_line_by_line() -> None:
    before = {"call": result("call", "first", "calls --min-qual 20", "last")}
    after = {"call": result("call", "first", "calls --min-qual 40", "last", "one more")}
    told = found(Of.COMMAND, record(results=before), record(results=after))
    assert [(one.what, one.a, one.b) for one in told] == [
        ("call, line 2", "calls --min-qual 20", "calls --min-qual 40"),
        ("call, line 4", "not there", "one more"),
    ]


def test_a_stage_of_one_side_alone_is_one_difference() -> None:
    [told] = found(Of.COMMAND, record(), record(results={"align": record().results["align"]}))
    assert (told.what, told.a, told.b) == ("stage call", "1 command lines", "not there")


def test_settings_are_listed_but_for_the_assay_s_own_name() -> None:
    told = found(
        Of.SETTING,
        record(settings={"assay": "a", "targets": True, "min_qual": "20"}),
        record(settings={"assay": "b", "targets": False, "min_qual": "20", "more": "1"}),
    )
    assert [(one.what, one.a, one.b) for one in told] == [
        ("more", "not set", "1"),
        ("targets", "true", "false"),
    ]


# ── Time and cost


def ended(prefix: str, **given: Any) -> Job:
    owner = StageOf(RunId("NA1", "wgs", "0a1b", 1), "align")
    return job(owner, prefix=prefix, status="SUCCEEDED", **given)


def run(*stages: StageRun, **given: Any) -> Run:
    return Run("NA1", "wgs", "0a1b", 1, 1, stages=stages, **given)


def stage(name: str, *, reused: bool = False, prefix: str = "") -> StageRun:
    return StageRun(name, "key", prefix or f"{name}/1/", "lab-cpu-routine", reused)


def test_what_a_stage_took_is_its_last_attempt_without_those_that_were_lost() -> None:
    lost = Attempt(seconds=1_000, cost_usd=5.0)
    good = Attempt(seconds=60, cost_usd=0.1)
    assert took(ended("x", attempts=(lost, good), cost_usd=5.1)) == (60, 0.1)
    head = ended("x", attempts=(lost, good), cost_usd=5.1, queue="lab-nextflow-routine")
    assert took(head) == (60, None), "its tasks cost more"


@pytest.mark.parametrize("given", [None, job(StageOf(RunId("a", "b", "c", 1), "d"))])
def test_of_a_job_that_is_not_there_or_not_done_nothing_is_known(given: Job | None) -> None:
    assert took(given) == (None, None)


def test_a_stage_that_was_taken_over_has_the_figures_of_the_job_that_made_it() -> None:
    jobs = [ended("align/1/", attempts=(Attempt(seconds=100, cost_usd=1.0),))]
    [told] = efforts(run(stage("align")), run(stage("align", reused=True)), jobs)
    assert (told.a_seconds, told.b_seconds, told.b_usd) == (100, 100, 1.0)
    assert (told.a_taken_over, told.b_taken_over) == (False, True)


def test_a_job_that_is_gone_is_unknown_and_so_is_the_run_s_total() -> None:
    jobs = [ended("align/1/", attempts=(Attempt(seconds=100, cost_usd=1.0),))]
    both = run(stage("align"), stage("call"))
    told = efforts(both, both, jobs)
    assert [one.a_seconds for one in told] == [100, None]
    assert job_seconds(pair(efforts=told)) == (None, None)
    assert cost(pair(efforts=told)) == (None, None)


def test_a_stage_of_one_side_counts_in_its_own_total_alone() -> None:
    told = (Effort("a", 10, 5, 1.0, 2.0), Effort("b", 20, None, 3.0, None, in_b=False))
    assert job_seconds(pair(efforts=told)) == (30, 5)
    assert cost(pair(efforts=told)) == (4.0, 2.0)
    *_, alone = group_of("wgs", [pair(efforts=told), pair("NA2", efforts=told)]).stages
    assert (alone.stage, alone.only, alone.only_seconds, alone.only_usd) == ("b", "A", 40, 6.0)
    unknown = Effort("b", None, 3.0, None, None, in_a=False)
    *_, alone = group_of("wgs", [pair(efforts=(unknown,))]).stages
    assert (alone.only, alone.only_seconds, alone.only_usd) == ("B", 3.0, None)


def test_the_comparison_of_a_reanalysis_is_no_part_of_what_a_run_took() -> None:
    assert [e.stage for e in efforts(run(stage("a"), stage("compare")), run(stage("a")), [])] == [
        "a"
    ]


def test_the_wall_time_of_a_run_that_took_results_over_is_unknown() -> None:
    times = {"started": "2026-01-01T00:00:00.000Z", "ended": "2026-01-01T00:01:00.000Z"}
    assert wall_seconds(run(stage("a"), **times)) == 60
    assert wall_seconds(run(stage("a", reused=True), **times)) is None
    assert wall_seconds(run(stage("a"))) is None


def test_a_spread_is_over_the_samples_of_which_both_sides_are_known() -> None:
    told = spread([(10.0, 5.0), (30.0, 30.0), (None, 1.0), (1.0, None)])
    assert told is not None
    assert (told.samples, told.a, told.b) == (2, 40, 35)
    assert (told.low, told.high) == (1, 2)
    assert told.ratio == pytest.approx(40 / 35)
    assert told.change == pytest.approx(-0.125)
    assert spread([(None, 1.0)]) is None


# ── Calls, metrics and groups


def report(verdict: OfCalls = OfCalls.DIFFERENT, **given: Any) -> Report:
    return Report(verdict, "Because.", Side("a", "NA1"), Side("b", "NA1"), **given)


def test_concordance_counts_what_is_rewritten_as_had_by_both() -> None:
    tallies = (
        Tally("all", Kind.SNV, 90, 5, {CallChange.ONLY_A: 3, CallChange.GENOTYPE: 2}),
        Tally("all", Kind.COMPLEX, 0, 0),
        Tally("targets", Kind.SNV, 1, 0),
    )
    assert concordance_of(report(tallies=tallies)) == (Concordance(Kind.SNV, 95, 100),)


def test_metrics_that_depend_on_other_runs_are_left_out() -> None:
    metrics = (Metric("reads", 1, 1), Metric("identity_sites", None, 90, within=False))
    assert [one.name for one in metrics_compared(report(metrics=metrics))] == ["reads"]


def test_a_group_sums_its_samples_and_names_where_a_figure_is_farthest() -> None:
    wide = (Metric("mean_depth", 30, 20, within=False), Metric("only_in_a", 1, None, within=False))
    told = group_of("wgs", [pair("NA1"), pair("NA2", metrics=wide)])
    assert told.concordance[0] == Concordance(Kind.SNV, 7_000_000, 7_000_000)
    by_name = {one.name: one for one in told.metrics}
    depth = by_name["mean_depth"]
    assert (depth.identical, depth.within, depth.differ) == (1, 0, 1)
    assert (depth.sample, depth.a, depth.b) == ("NA2", 30, 20)
    assert by_name["only_in_a"].differ == 1
    assert by_name["ts_tv"].within == 1
    assert told.jobs is not None
    assert told.jobs.samples == 2
    assert told.jobs.ratio == pytest.approx(3_300 / 1_780)
    assert told.cost is not None
    assert told.cost.change == pytest.approx(1.9 / 1.7 - 1)


def test_what_is_not_comparable_is_in_no_figure() -> None:
    told = group_of("wgs", [pair(verdict=Verdict.NOT_COMPARABLE)])
    assert (told.samples, told.concordance, told.jobs, told.cost) == (1, (), None, None)
    assert told.verdicts == {Verdict.NOT_COMPARABLE: 1}


# ── Verdicts


@pytest.mark.parametrize("verdict", OfCalls)
def test_a_sample_has_the_verdict_of_its_calls(verdict: OfCalls) -> None:
    told = judge_pair("NA1", (side(), side()), (), report(verdict))
    assert (told.verdict, told.why, told.assay) == (Verdict(verdict.value), "Because.", "wgs")


def test_two_assays_are_a_group_of_their_own() -> None:
    told = judge_pair("NA1", (side(), side(assay="wgs-cpu")), (), report())
    assert told.assay == "wgs → wgs-cpu"


def test_without_the_same_files_nothing_is_compared() -> None:
    other = Difference(Of.INPUT, "lane 1", "a", "b")
    told = judge_pair("NA1", (side(), side()), (COMMANDS, other), None)
    assert told.verdict is Verdict.NOT_COMPARABLE
    assert told.why == "The runs are not of the same: its FASTQ files differ."


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ("identical identical", "identical"),
        ("identical equivalent", "equivalent"),
        ("equivalent unresolved", "unresolved"),
        ("unresolved different identical", "different"),
        ("different not_comparable", "not_comparable"),
    ],
)
def test_the_gravest_verdict_is_that_of_all(verdicts: str, expected: str) -> None:
    pairs = [pair(f"NA{n}", verdict=Verdict(one)) for n, one in enumerate(verdicts.split())]
    assert judge(AMIS, pairs, []).verdict == expected


def test_a_sample_without_a_side_leaves_it_open() -> None:
    missing = [Missing("NA9", "wgs", "it has no run")]
    told = judge(AMIS, [pair()], missing)
    assert told.verdict is Verdict.UNRESOLVED
    assert "1 could not be compared, since a side is missing" in told.why
    assert judge(AMIS, [pair(verdict=Verdict.DIFFERENT)], missing).verdict is Verdict.DIFFERENT


def test_command_lines_are_blamed_where_they_should_be_the_same() -> None:
    pairs = [pair(differences=(COMMANDS,)), pair("NA2")]
    assert "Command lines differ in 1 of them" in judge(AMIS, pairs, []).why
    assert "Command lines" not in judge(PIPELINES, pairs, []).why


@pytest.mark.parametrize("of", ["a", "b"])
def test_a_stand_in_on_one_side_is_said_in_the_verdict_s_line(of: str) -> None:
    given: Any = {of: side(simulated=True)}
    told = judge(AMIS, [pair(**given)], [])
    assert told.simulated
    assert told.why.endswith(f"{SIMULATED}.")
    assert SIMULATED not in judge(AMIS, [pair()], []).why


def test_a_sample_under_several_assays_is_counted_by_analyses() -> None:
    told = judge(AMIS, [pair(), pair(assay="wes")], [])
    assert told.why.startswith("2 analyses compared: 2 equivalent")
    assert [group.name for group in told.groups] == ["wgs", "wes"]
    assert told.whole.samples == 2
