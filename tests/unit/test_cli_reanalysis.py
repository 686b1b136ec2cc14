"""What a person reads of a reanalysis: who is affected, what it costs, what came out."""

import json
from typing import Any

import msgspec
import pytest

from cli import reanalysis as command
from cli.reanalysis_view import say_members, say_reanalysis
from seqdrop.domain.reanalysis.estimate import Estimate, Spread, StageEstimate, add_up
from seqdrop.domain.reanalysis.plan import Archived, Group, Member, Omitted, Plan
from seqdrop.domain.reanalysis.record import (
    Compared,
    Limits,
    MemberState,
    MemberStatus,
    Reanalysis,
    ReanalysisStatus,
)
from seqdrop.domain.reanalysis.scope import WORDS, LeftOut, Scope
from seqdrop.domain.reanalysis.staleness import Stale

BUCKET = "lab-results"
NOTHING = add_up((), 0.0)
Out = pytest.CaptureFixture[str]


def reanalysis(**given: Any) -> Reanalysis:
    """A reanalysis of a reference."""
    return Reanalysis("GRCh38-2-ask", Scope("GRCh38", "2"), **given)


def group(**given: Any) -> Group:
    """Analyses of which the consequences are stale."""
    values: dict[str, Any] = {
        "assay": "wgs", "pipeline": "germline-cpu", "reference": "GRCh38/2",
        "stale": Stale(("annotate",), ("annotation",)), "reused": ("align", "call"),
        "analyses": 1_200, "examples": ("NA1", "NA2"),
    }  # fmt: skip
    return Group(**{**values, **given})


def plan(*groups: Group, **given: Any) -> Plan:
    """A plan with what it takes."""
    usd, hours = Spread(900.0, 1_234.5, 2_000.0), Spread(10.0, 20.0, 30.0)
    stages = (StageEstimate("wgs", "annotate", 1_200, 0, usd, hours),)
    values: dict[str, Any] = {
        "omitted": (), "up_to_date": 34, "estimate": Estimate(usd, hours, 0.0, 0.5, stages),
    }  # fmt: skip
    return Plan(Scope("GRCh38", "2"), groups, **{**values, **given})


def member(sample: str, **given: Any) -> MemberState:
    """A member."""
    return MemberState("GRCh38-2-ask", sample, "wgs", **given)


def said(capsys: Out, one: Reanalysis) -> str:
    """What is said of it."""
    say_reanalysis(one)
    return capsys.readouterr().out


def said_of_members(capsys: Out, one: Reanalysis, *members: MemberState) -> list[str]:
    """What is said of its members, by lines."""
    say_members(one, members, BUCKET)
    return capsys.readouterr().out.splitlines()


# The plan


def test_one_that_is_being_planned_says_no_more_than_that(capsys: Out) -> None:
    assert said(capsys, reanalysis()) == "GRCh38-2-ask (reference GRCh38 2) is PLANNING\n"


def test_a_plan_of_nobody_says_so_and_of_how_many_nothing_has_changed(capsys: Out) -> None:
    empty = Plan(Scope("GRCh38", "2"), (), (), 0, NOTHING)
    status = ReanalysisStatus.PLANNED
    text = said(capsys, reanalysis(status=status, plan=empty, why="nothing is to be made anew"))
    assert text.splitlines() == [
        "GRCh38-2-ask (reference GRCh38 2) is PLANNED: nothing is to be made anew",
        "nothing is to be made anew",
    ]


def test_a_plan_says_who_is_affected_which_stages_and_what_it_costs(capsys: Out) -> None:
    text = said(capsys, reanalysis(status=ReanalysisStatus.PLANNED, plan=plan(group())))
    lines = text.splitlines()
    assert "1,200 analyses are to be made anew; up to date: 34" in lines
    (row,) = [line for line in lines if line.startswith("wgs")]
    for word in ("1,200", "GRCh38/2", "annotation", "annotate", "align, call", "NA1, NA2, …"):
        assert word in row
    assert "estimate: $1,234.50 ($900.00 to $2,000.00); 20.0 hours (10.0 to 30.0) of jobs" in lines
    assert "about 30.0 hours with 20 runs at once, if none waits for a host" in lines
    assert "by the pipeline's own figures, for want of jobs to go by: wgs annotate" in lines
    assert lines[-1] == "`seqdrop reanalysis resume GRCh38-2-ask` begins it"


def test_a_group_of_which_nothing_stays_has_a_dash(capsys: Out) -> None:
    only = group(reused=(), analyses=1, examples=("NA1",))
    (row,) = [
        line for line in said(capsys, reanalysis(plan=plan(only))).splitlines()
        if line.startswith("wgs")
    ]  # fmt: skip
    assert row.split()[-2:] == ["-", "NA1"]


def test_many_groups_have_a_row_each(capsys: Out) -> None:
    groups = [group(assay=f"assay{number}", analyses=number) for number in range(1, 41)]
    lines = said(capsys, reanalysis(plan=plan(*groups))).splitlines()
    assert "820 analyses are to be made anew; up to date: 34" in lines
    assert [line.split()[0] for line in lines if line.startswith("assay")] == [
        one.assay for one in groups
    ]


def test_that_dragen_maps_again_and_what_its_licence_takes_is_said(capsys: Out) -> None:
    usd = Spread(1.0, 2.0, 3.0)
    estimate = Estimate(usd, usd, 93e9, 1.0, ())
    text = said(capsys, reanalysis(plan=plan(group(runs_whole=True), estimate=estimate)))
    assert "wgs: DRAGEN maps again, too: calling from its own BAM is not validated" in text
    assert "; 93.0 gigabases of DRAGEN's licence" in text
    assert "by the pipeline's own figures" not in text


def test_that_what_workflows_tasks_cost_is_not_known_is_said(capsys: Out) -> None:
    usd = Spread(1.0, 2.0, 3.0)
    stage = StageEstimate("wgs", "workflow", 3, 0, usd, usd, without_tasks=True)
    text = said(
        capsys, reanalysis(plan=plan(group(), estimate=Estimate(usd, usd, 0, 1.0, (stage,))))
    )
    assert "NOT in the estimate: workflows' tasks, of which nothing is known: wgs workflow" in text


def test_a_stage_that_is_not_run_any_more_is_said(capsys: Out) -> None:
    stale = Stale((), ("pipeline or image",), ("annotate",))
    lines = said(capsys, reanalysis(plan=plan(group(stale=stale)))).splitlines()
    assert "wgs: without annotate, which its runs have had" in lines
    (row,) = [line for line in lines if "GRCh38/2" in line]
    assert "pipeline or image" in row


def test_files_in_an_archive_are_told_with_their_price(capsys: Out) -> None:
    away = Archived(looked_at=50, archived=5, analyses=120, gib=7_200.4, usd=216.0)
    text = said(capsys, reanalysis(plan=plan(group(), archived=away)))
    assert (
        "FASTQ in an archive: 5 of 50 that were looked at, so about 120 analyses and 7,200 GiB in "
        "all; to restore them costs about $216.00"
    ) in text
    none = Archived(looked_at=50, archived=0, analyses=0, gib=0.0, usd=0.0)
    assert "archive" not in said(capsys, reanalysis(plan=plan(group(), archived=none)))


@pytest.mark.parametrize("groups", [(), (group(),)])
def test_who_is_left_out_is_said_with_the_reason(capsys: Out, groups: tuple[Group, ...]) -> None:
    held = Omitted(LeftOut.HELD, WORDS[LeftOut.HELD], 7, ("NA1", "NA2", "NA3", "NA4", "NA5"))
    gone = Omitted(LeftOut.NOT_POSSIBLE, "there is no assay 'x'", 1, ("NA9",))
    text = said(capsys, reanalysis(plan=plan(*groups, omitted=(held, gone))))
    first = "left out 7: held: a person must act first (NA1, NA2, NA3, NA4, NA5, …)"
    assert text.splitlines()[-2:] == [first, "left out 1: there is no assay 'x' (NA9)"]


# How far it is


def test_how_far_it_is_and_what_is_spent_is_said(capsys: Out) -> None:
    one = reanalysis(
        status=ReanalysisStatus.RUNNING, made=1_000, failed=2, left_out=3, going_on=4,
        spent_micros=1_500_000, left_micros=8_250_000, limits=Limits(budget_usd=10.0),
    )  # fmt: skip
    assert (
        "made anew 1,000, failed 2, left out 3, going on 4; spent $1.5000 of $10.00, and $8.2500 "
        "are left"
    ) in said(capsys, one)
    assert "going on 4, deferred 5; spent" in said(capsys, msgspec.structs.replace(one, deferred=5))
    without = msgspec.structs.replace(one, limits=Limits())
    assert "spent $1.5000\n" in said(capsys, without)


@pytest.mark.parametrize(
    "counts", [{"made": 1}, {"failed": 1}, {"left_out": 1}, {"going_on": 1}, {"deferred": 1}]
)
def test_whatever_has_become_of_one_is_counted(capsys: Out, counts: dict[str, int]) -> None:
    assert "made anew" in said(capsys, reanalysis(**counts))
    assert "made anew" not in said(capsys, reanalysis())


@pytest.mark.parametrize(
    ("status", "do"),
    [
        (ReanalysisStatus.PLANNED, "`seqdrop reanalysis resume GRCh38-2-ask` begins it"),
        (
            ReanalysisStatus.AWAITING_APPROVAL,
            "`seqdrop approve GRCh38-2-ask --attempt 1`, or `seqdrop reject GRCh38-2-ask "
            "--reason TEXT`",
        ),
        (
            ReanalysisStatus.STOPPED,
            "`seqdrop reanalysis resume GRCh38-2-ask` goes on where it was",
        ),
        (ReanalysisStatus.FAILED, "`seqdrop reanalysis resume GRCh38-2-ask` goes on where it was"),
    ],
)
def test_the_last_line_is_what_a_person_can_do(
    capsys: Out, status: ReanalysisStatus, do: str
) -> None:
    one = reanalysis(status=status, why="for a reason", plan=plan(group()))
    lines = said(capsys, one).splitlines()
    assert lines[0].endswith(f"is {status}: for a reason")
    assert lines[-1] == do


@pytest.mark.parametrize("status", list(ReanalysisStatus))
def test_whatever_it_is_it_can_be_said(capsys: Out, status: ReanalysisStatus) -> None:
    for of in (None, Plan(Scope(image="cpu"), (), (), 0, NOTHING), plan(group())):
        assert str(status) in said(capsys, reanalysis(status=status, plan=of))


# Its members


def test_of_no_members_nothing_is_said(capsys: Out) -> None:
    assert said_of_members(capsys, reanalysis()) == []


def test_canaries_come_first_and_then_what_may_have_to_be_amended(capsys: Out) -> None:
    changed = Compared("different", "two genotypes differ", 2, 0, "NA3/compare/")
    more = Compared("different", "", 9, 1, "NA4/compare/")
    one = reanalysis(canaries=(Member("NA5", "wgs"),), amended=2, uncertain=1)
    lines = said_of_members(
        capsys, one,
        member("NA1", status=MemberStatus.FAILED, why="align: no disk"),
        member("NA2"),
        member("NA3", status=MemberStatus.MADE, compared=changed),
        member("NA4", status=MemberStatus.MADE, compared=more),
        member("NA5", status=MemberStatus.MADE, compared=Compared("identical")),
    )  # fmt: skip
    rows = [line.split() for line in lines if line.startswith("NA") and "s3://" not in line]
    assert [row[0] for row in rows] == ["NA5", "NA4", "NA3", "NA1", "NA2"]
    assert rows[0][2:5] == ["canary", "MADE", "identical"]
    assert rows[2][2:] == ["MADE", "different", "2", "two", "genotypes", "differ"]
    assert rows[3][2:] == ["FAILED", "-", "0", "align:", "no", "disk"]
    assert lines[-4:] == [
        "reportable variants have changed in 2 analyses: look whether their reports have to be "
        "amended",
        "in 1 analyses some calls could not be compared: look at them by hand",
        "NA4 (wgs): s3://lab-results/NA4/compare/comparison.html",
        "NA3 (wgs): s3://lab-results/NA3/compare/comparison.html",
    ]


def test_of_many_members_the_first_are_listed_and_all_are_counted(capsys: Out) -> None:
    compared = Compared("different", "", 1, 0, "folder/")
    members = [
        member(f"NA{number:03}", status=MemberStatus.MADE, compared=compared)
        for number in range(1_100)
    ]
    lines = said_of_members(capsys, reanalysis(amended=1_100), *members)
    assert "and 1,070 more: --json has all" in lines
    assert any("changed in 1,100 analyses: look whether" in line for line in lines)
    assert len(lines) == 1 + 30 + 1 + 1 + 30


def test_where_nothing_reportable_has_changed_nobody_is_asked_to_amend(capsys: Out) -> None:
    lines = said_of_members(capsys, reanalysis(), member("NA1", compared=Compared("identical")))
    assert not [line for line in lines if "amended" in line]


def test_what_comes_from_outside_moves_no_cursor(capsys: Out) -> None:
    lines = said_of_members(capsys, reanalysis(), member("NA1", why="\x1b[2Jgone"))
    assert "\x1b" not in "".join(lines)
    assert "\x1b" not in said(capsys, reanalysis(why="\x1b[2Jgone"))


# As JSON


def test_a_document_has_no_token_and_all_counts() -> None:
    one = reanalysis(
        status=ReanalysisStatus.AWAITING_APPROVAL, token="secret-token", plan=plan(group()),
        made=2, spent_micros=5, canaries=(Member("NA1", "wgs"),),
    )  # fmt: skip
    text = json.dumps(command.document(one))
    assert "secret-token" not in text
    assert "token" not in json.loads(text)
    found = json.loads(text)
    assert (found["id"], found["status"]) == ("GRCh38-2-ask", "AWAITING_APPROVAL")
    assert (found["made"], found["failed"], found["left_out"], found["going_on"]) == (2, 0, 0, 0)
    assert (found["reserved_micros"], found["spent_micros"]) == (0, 5)
    assert found["canaries"] == [{"sample": "NA1", "assay": "wgs"}]
    assert found["plan"]["groups"][0]["stale"]["stages"] == ["annotate"]


def test_one_that_is_only_begun_is_a_document_too() -> None:
    found = command.document(reanalysis())
    assert found["scope"] == {"reference": "GRCh38", "version": "2"}
    assert "plan" not in found
    assert json.loads(json.dumps(found)) == found


# What is given and what is kept


def test_who_comes_second_in_the_same_second_is_told_who_was_first() -> None:
    first = reanalysis(by="ada", created="2026-03-01T12:00:07.123Z")
    said = command._already_begun(first)
    assert said.startswith("GRCh38-2-ask was already begun by ada at 2026-03-01 12:00:07 UTC: ")
    planned = command._already_begun(msgspec.structs.replace(first, plan_only=True))
    assert "12:00:07 UTC, for the plan alone: " in planned


def test_limits_are_those_before_but_for_what_is_given() -> None:
    before = Limits(canaries=5, in_flight=7, failed_fraction=0.3, budget_usd=9.0)
    assert command._limits(None, None, None, None, before) == before
    assert command._limits(0.0, None, 0, 0.0, before) == Limits(0, 7, 0.0, 0.0)
    assert command._limits(None, None, None, None) == Limits()


@pytest.mark.parametrize(
    ("one", "row"),
    [
        (reanalysis(), ("GRCh38-2-ask", "PLANNING", "-", "0", "0", "0", "$0.00", "")),
        (
            reanalysis(
                status=ReanalysisStatus.STOPPED, plan=plan(group()), made=1, failed=2, left_out=3,
                spent_micros=1_234_567_890, why="stopped by a person",
            ),
            ("GRCh38-2-ask", "STOPPED", "1,200", "1", "2", "3", "$1,234.57", "stopped by a person"),
        ),
    ],
)  # fmt: skip
def test_each_is_a_row_of_the_list(one: Reanalysis, row: tuple[str, ...]) -> None:
    assert command._row(one) == row
