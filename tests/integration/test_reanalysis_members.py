"""Members of a reanalysis: counted once whatever comes twice, and what their runs' ends come to."""

import dataclasses
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seqdrop.aws.catalog.layout import job_item
from seqdrop.domain.blueprint import encode_blueprint
from seqdrop.domain.comparison.report import Change, Kind, Report, Side, Tally, Verdict
from seqdrop.domain.cost import micros
from seqdrop.domain.errors import Conflict
from seqdrop.domain.identity import AnalysisId, ReferenceId, RunId, StageOf
from seqdrop.domain.pipeline import COMPARE
from seqdrop.domain.reanalysis.estimate import add_up
from seqdrop.domain.reanalysis.plan import Member, Plan
from seqdrop.domain.reanalysis.record import (
    Compared,
    Limits,
    MemberState,
    MemberStatus,
    Reanalysis,
    ReanalysisStatus,
)
from seqdrop.domain.reanalysis.scope import Scope
from seqdrop.domain.records import (
    Analysis,
    AnalysisStatus,
    Run,
    RunOptions,
    RunStatus,
    StageRun,
)
from seqdrop.domain.task import Task
from seqdrop.flow.reanalysis.members import ReanalysisMembers
from seqdrop.flow.reanalysis.planner import Planned
from tests.cloud_support import RESULTS, START, Cloud, open_cloud
from tests.domain_support import analysis as analysis_of
from tests.domain_support import blueprint, change_to, lane_pair, run_of
from tests.domain_support import job as job_of

NAME = "again"
TINY = ReferenceId("tiny", "1")
FROZEN = encode_blueprint(blueprint())
BEFORE = run_of(blueprint(), parts={"sequence": "s1"}, reference="tiny/1")
REPLACE = msgspec.structs.replace
ENDS = (
    MemberStatus.MADE, MemberStatus.FAILED, MemberStatus.LEFT_OUT, MemberStatus.DEFERRED,
)  # fmt: skip


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    with open_cloud(tmp_path, monkeypatch) as cloud:
        yield cloud


# Counts and budgets


@dataclass
class Ledger:
    """A reanalysis in the catalog, and what it should come to."""

    cloud: Cloud
    budget_micros: int | None = 200
    spent: int = 0
    history: list[Reanalysis] = field(default_factory=list)

    def __post_init__(self) -> None:
        budget = None if self.budget_micros is None else self.budget_micros / 1_000_000
        begun = Reanalysis(
            NAME, Scope("tiny", "2"), ReanalysisStatus.RUNNING,
            limits=Limits(budget_usd=budget), left_micros=self.budget_micros or 0,
        )  # fmt: skip
        self.cloud.catalog.reanalyses.add(begun, START)

    @property
    def now(self) -> Reanalysis:
        """The reanalysis as it is."""
        found = self.cloud.catalog.reanalyses.get(NAME)
        assert found is not None
        return found

    @property
    def members(self) -> list[MemberState]:
        """Its members as they are."""
        return list(self.cloud.catalog.reanalyses.members(NAME))

    def member(self, sample: str) -> MemberState | None:
        """One of them."""
        return self.cloud.catalog.reanalyses.member(NAME, AnalysisId(sample, "wgs"))

    def begin(
        self, sample: str, reserved: int, of: Reanalysis | None = None, **given: Any
    ) -> MemberState:
        """A run of a member is to begin. Raises Conflict."""
        before = self.member(sample)
        state = MemberState(NAME, sample, "wgs", reserved_micros=reserved, **given)
        self.cloud.catalog.reanalyses.begin(of or self.now, before, state)
        return state

    def end(self, member: MemberState, status: MemberStatus, cost: int = 0) -> None:
        """A member ends. Raises Conflict."""
        after = REPLACE(member, status=status, cost_micros=cost)
        self.cloud.catalog.reanalyses.end(member, after)
        self.spent += cost

    def stop(self) -> None:
        """Somebody stops it."""
        self.move(ReanalysisStatus.STOPPED)

    def resume(self) -> None:
        """It goes on as another attempt, with what its budget has left."""
        there = self.now
        left = (self.budget_micros or 0) - there.spent_micros - there.reserved_micros
        self.move(ReanalysisStatus.RUNNING, attempt=there.attempt + 1, left_micros=left)

    def move(self, status: ReanalysisStatus, **sets: Any) -> None:
        """It has another status."""
        self.cloud.catalog.reanalyses.move(self.now, status, START, who="test", **sets)

    def check(self) -> None:
        """Holds its counters against its members, and against what was spent."""
        there, members = self.now, self.members
        self.history.append(there)
        counted = {
            status: sum(member.status is status for member in members) for status in MemberStatus
        }
        assert counted == {
            MemberStatus.GOING_ON: there.going_on,
            MemberStatus.MADE: there.made,
            MemberStatus.FAILED: there.failed,
            MemberStatus.LEFT_OUT: there.left_out,
            MemberStatus.DEFERRED: there.deferred,
        }
        kept = [one.reserved_micros for one in members if one.status is MemberStatus.GOING_ON]
        assert there.reserved_micros == sum(kept)
        assert there.spent_micros == self.spent
        if self.budget_micros is not None:
            whole = there.left_micros + there.reserved_micros + there.spent_micros
            assert whole == self.budget_micros


def refused(call: Callable[..., object], *given: object) -> bool:
    """Whether a call is in conflict with what is there."""
    try:
        call(*given)
    except Conflict:
        return True
    return False


@pytest.mark.parametrize(("seed", "budget"), [(1, 200), (2, 60), (3, None)])
def test_counts_and_money_add_up_whatever_comes_twice_or_late(
    cloud: Cloud, seed: int, budget: int | None
) -> None:
    ledger, chance = Ledger(cloud, budget), random.Random(seed)
    ledger.check()
    done = 0
    for _ in range(90):
        sample = f"S{chance.randrange(4)}"
        there = ledger.member(sample)
        going_on = there is not None and there.status is MemberStatus.GOING_ON
        match chance.choice(["begin", "begin", "end", "end", "stop", "resume", "late"]):
            case "begin" if not going_on:
                wanted, left = chance.randrange(50), ledger.now.left_micros
                if not refused(ledger.begin, sample, wanted):
                    done += 1
                    assert budget is None or wanted <= left
                    again = MemberState(NAME, sample, "wgs", reserved_micros=wanted)
                    assert refused(cloud.catalog.reanalyses.begin, ledger.now, there, again)
            case "late" if not going_on:  # of an attempt that may be over by now
                old = chance.choice(ledger.history)
                same = (old.attempt, old.status) == (ledger.now.attempt, ledger.now.status)
                assert same or refused(ledger.begin, sample, 1, old)
            case "end" if there is not None:
                status, cost = chance.choice(ENDS), chance.randrange(70)
                assert refused(ledger.end, there, status, cost) is not going_on
                assert refused(ledger.end, there, chance.choice(ENDS), cost)
                done += going_on
            case "stop" if ledger.now.status.live:
                ledger.stop()
            case "resume" if not ledger.now.status.live:
                ledger.resume()
        ledger.check()
    assert done >= 4, "runs have begun and ended"


def test_a_budget_is_kept_to_the_last_millionth_and_not_beyond(cloud: Cloud) -> None:
    ledger = Ledger(cloud, 100)
    ledger.begin("S1", 60)
    assert refused(ledger.begin, "S2", 41)
    ledger.check()
    assert ledger.member("S2") is None
    ledger.begin("S2", 40)
    ledger.begin("S3", 0)
    assert (ledger.now.left_micros, ledger.now.reserved_micros) == (0, 100)
    ledger.check()


def test_what_a_run_did_not_cost_may_be_kept_for_another(cloud: Cloud) -> None:
    ledger = Ledger(cloud, 100)
    first = ledger.begin("S1", 100)
    assert refused(ledger.begin, "S2", 1)
    ledger.end(first, MemberStatus.MADE, 30)
    ledger.begin("S2", 70)
    ledger.check()


def test_after_a_run_that_cost_more_than_was_kept_no_other_begins(cloud: Cloud) -> None:
    ledger = Ledger(cloud, 100)
    ledger.end(ledger.begin("S1", 90), MemberStatus.FAILED, 150)
    ledger.check()
    assert ledger.now.left_micros == -50
    assert refused(ledger.begin, "S2", 0)
    ledger.check()


def test_without_a_budget_any_run_may_begin(cloud: Cloud) -> None:
    ledger = Ledger(cloud, None)
    for number in range(3):
        ledger.begin(f"S{number}", 1_000_000_000)
    ledger.check()


@pytest.mark.parametrize("status", [one for one in ReanalysisStatus if not one.may_begin_runs])
def test_a_reanalysis_begins_nothing_where_it_was_moved_meanwhile(
    cloud: Cloud, status: ReanalysisStatus
) -> None:
    ledger = Ledger(cloud)
    seen = ledger.now
    ledger.move(status)
    assert refused(ledger.begin, "S1", 1, seen)
    assert ledger.members == []
    ledger.check()


def test_an_earlier_attempt_begins_nothing_any_more(cloud: Cloud) -> None:
    ledger = Ledger(cloud)
    seen = ledger.now
    ledger.stop()
    ledger.resume()
    assert refused(ledger.begin, "S1", 1, seen)
    ledger.begin("S1", 1)
    ledger.check()


@pytest.mark.parametrize("status", ENDS)
def test_a_member_of_an_earlier_attempt_is_counted_over(cloud: Cloud, status: MemberStatus) -> None:
    ledger = Ledger(cloud)
    ledger.end(ledger.begin("S1", 50), status, 10)
    ledger.stop()
    ledger.resume()
    again = ledger.begin("S1", 20)
    ledger.check()
    there = ledger.now
    ended = there.made + there.failed + there.left_out + there.deferred
    assert (there.going_on, ended) == (1, 0)
    ledger.end(again, MemberStatus.MADE, 5)
    ledger.check()
    assert (ledger.now.made, ledger.now.spent_micros) == (1, 15), "both runs were paid for"


def test_what_is_waited_with_is_kept_beside_the_run(cloud: Cloud) -> None:
    ledger = Ledger(cloud)
    begun = ledger.begin("S1", 1)
    with_run = cloud.catalog.reanalyses.wait_with(begun, "t1", "abc#2")
    assert (with_run.token, with_run.run) == ("t1", "abc#2")
    newer = cloud.catalog.reanalyses.wait_with(with_run, "t2")
    assert (newer.token, newer.run) == ("t2", "abc#2")
    assert refused(ledger.end, begun, MemberStatus.LEFT_OUT), "it has a run by now"
    nobody = MemberState(NAME, "S9", "wgs")
    assert refused(cloud.catalog.reanalyses.wait_with, nobody, "t1")
    ledger.check()


def test_moves_are_for_who_has_read_the_newest(cloud: Cloud) -> None:
    ledger = Ledger(cloud)
    seen = ledger.now
    ledger.stop()
    with pytest.raises(Conflict):
        cloud.catalog.reanalyses.move(seen, ReanalysisStatus.DONE, START, who="test")
    assert ledger.now.status is ReanalysisStatus.STOPPED


def test_a_name_is_given_once_and_the_newest_is_listed_first(cloud: Cloud) -> None:
    for name in ("one", "two"):
        cloud.catalog.reanalyses.add(Reanalysis(name, Scope("tiny", "2")), cloud.clock())
    with pytest.raises(Conflict):
        cloud.catalog.reanalyses.add(Reanalysis("one", Scope("tiny", "3")), cloud.clock())
    assert [one.id for one in cloud.catalog.reanalyses.all()] == ["two", "one"]


def test_a_late_end_of_an_earlier_attempt_ends_no_newer_one(cloud: Cloud) -> None:
    ledger = Ledger(cloud)
    first = ledger.begin("S1", 50, started="2026-03-01T12:00:00.000Z")
    ledger.end(first, MemberStatus.LEFT_OUT)
    ledger.stop()
    ledger.resume()
    ledger.begin("S1", 20, started="2026-03-02T12:00:00.000Z")
    refused(ledger.end, first, MemberStatus.LEFT_OUT)
    ledger.check()


@dataclass
class Ending:
    """A planner during whose work a member of the attempt before comes to its end."""

    ledger: Ledger
    member: MemberState
    cost: int

    def plan(self, scope: Scope, _take: Callable[[Member], None]) -> Planned:
        """A plan of nobody."""
        self.ledger.end(self.member, MemberStatus.MADE, self.cost)
        return Planned(Plan(scope, (), (), 0, add_up((), 0.0)), [])


@pytest.mark.parametrize("cost", [10, 90])
def test_what_ends_while_another_attempt_is_planned_is_not_lost(cloud: Cloud, cost: int) -> None:
    ledger = Ledger(cloud, 200)
    going_on = ledger.begin("S1", 50)
    ledger.stop()
    ledger.move(ReanalysisStatus.PLANNING, attempt=2, left_micros=150)
    ledger.check()
    planner: Any = Ending(ledger, going_on, cost)
    dataclasses.replace(cloud.flows.reanalysis_planning, planner=planner).plan(NAME, 2)
    ledger.check()


# What the end of a run comes to


@dataclass
class Tokens:
    """Who was woken, and with what."""

    answers: list[tuple[str, str, str]] = field(default_factory=list)

    def succeed(self, token: str, output: dict[str, str]) -> None:
        """Keeps the token, and what came of its member."""
        self.answers.append((token, output["outcome"], output["why"]))


@dataclass
class Desk:
    """An analysis with a current run, and a reanalysis of it."""

    cloud: Cloud
    tokens: Tokens
    before: Run

    @property
    def members(self) -> ReanalysisMembers:
        """What is told of ends."""
        return self.cloud.flows.reanalysis_members

    @property
    def analysis(self) -> Analysis:
        """The analysis as it is."""
        found = self.cloud.catalog.analyses.get(self.before.id.analysis)
        assert found is not None
        return found

    @property
    def reanalysis(self) -> Reanalysis:
        """The reanalysis as it is."""
        found = self.cloud.catalog.reanalyses.get(NAME)
        assert found is not None
        return found

    @property
    def member(self) -> MemberState:
        """Its member as it is."""
        found = self.cloud.catalog.reanalyses.member(NAME, self.before.id.analysis)
        assert found is not None
        return found

    @property
    def uses(self) -> set[str]:
        """The content that the index says is used."""
        items = self.cloud.catalog.analyses.partition("NA1")
        return {item["by_reference_pk"] for item in items if str(item["sk"]).startswith("USES#")}

    def claim(self, *, canary: bool = False) -> Run:
        """Claims the run of the member."""
        analysis = self.analysis
        run = REPLACE(
            BEFORE, run_key="f" * 24, generation=analysis.generation, parts={"sequence": "s2"},
            supersedes=analysis.current_run, reference="tiny/2",
            options=RunOptions(reanalysis=NAME, waits_for="approval" if canary else ""),
        )  # fmt: skip
        self.cloud.catalog.runs.claim(analysis, run, FROZEN, TINY, self.cloud.clock())
        return run

    def begin(self, *, canary: bool = False) -> Run:
        """Begins the member, and its run; somebody waits for it with a token."""
        state = MemberState(NAME, "NA1", "wgs", canary=canary, reserved_micros=5_000_000)
        self.cloud.catalog.reanalyses.begin(self.reanalysis, None, state)
        run = self.claim(canary=canary)
        self.cloud.catalog.reanalyses.wait_with(state, "token", run.id.short)
        return run

    def close(self, run: Run, status: RunStatus = RunStatus.SUCCEEDED, **given: Any) -> None:
        """A run ends as it would by the flow that closes runs."""
        ended = REPLACE(run, status=status, **({"qc": "PASS", "cost_usd": 3.0} | given))
        good = status is RunStatus.SUCCEEDED
        analysis = AnalysisStatus.ANALYSED if good else AnalysisStatus.FAILED
        why = "; ".join(ended.qc_reasons) if good else ended.failure
        assert self.cloud.flows.closing._close(ended, analysis, why=why)

    def spend(self, run: Run, *costs: float) -> None:
        """Writes jobs of a run with what they cost."""
        table = self.cloud.catalog.runs._table
        for number, usd in enumerate(costs, 1):
            job = job_of(StageOf(run.id, "align", number), status="FAILED", cost_usd=usd)
            table.transact([table.put_write(job_item(job))])

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Members: going on, made, failed, left out."""
        there = self.reanalysis
        return (there.going_on, there.made, there.failed, there.left_out)

    @property
    def money(self) -> tuple[int, int, int]:
        """Millionths of a USD: kept, spent, left."""
        there = self.reanalysis
        return (there.reserved_micros, there.spent_micros, there.left_micros)


@pytest.fixture
def desk(cloud: Cloud) -> Desk:
    return make_desk(cloud)


def make_desk(cloud: Cloud, **of_before: Any) -> Desk:
    """An analysis whose current run is WARN, and a reanalysis with ten USD."""
    tokens = Tokens()
    vars(cloud.flows).update(tokens=tokens)
    cloud.catalog.analyses.change(change_to(analysis_of(*lane_pair())), "test", START)
    desk = Desk(cloud, tokens, BEFORE)
    given = {"status": RunStatus.SUCCEEDED, "qc": "WARN", "qc_reasons": ("WARN: depth",)}
    desk.before = REPLACE(BEFORE, generation=desk.analysis.generation, **(given | of_before))
    cloud.catalog.runs.claim(
        desk.analysis, REPLACE(desk.before, status=RunStatus.CLAIMED), FROZEN, TINY, cloud.clock()
    )
    cloud.catalog.runs.close(
        desk.before, desk.analysis, AnalysisStatus.ANALYSED, cloud.clock(),
        why="; ".join(desk.before.qc_reasons),
    )  # fmt: skip
    limits = Limits(budget_usd=10.0)
    begun = Reanalysis(
        NAME, Scope("tiny", "2"), ReanalysisStatus.RUNNING, limits=limits, left_micros=10_000_000
    )
    cloud.catalog.reanalyses.add(begun, cloud.clock())
    return desk


def as_before(desk: Desk) -> bool:
    """Whether the analysis is as its current run has left it."""
    there = desk.analysis
    return (there.status, there.why, there.current_run, there.active_run, there.options) == (
        AnalysisStatus.ANALYSED, "; ".join(desk.before.qc_reasons), desk.before.id, None, None,
    ) and desk.uses == {"PART#s1"} and not there.holds  # fmt: skip


def test_a_run_of_the_cohort_that_ended_well_takes_the_place_of_the_one_before(desk: Desk) -> None:
    run = desk.begin()
    desk.close(run, qc_reasons=("WARN: duplicates",))
    there = desk.analysis
    assert (there.status, there.current_run, there.active_run) == ("ANALYSED", run.id, None)
    assert there.why == "WARN: duplicates"
    assert desk.uses == {"PART#s2"}
    assert (desk.member.status, desk.member.cost_micros) == (MemberStatus.MADE, 3_000_000)
    assert desk.counts == (0, 1, 0, 0)
    assert desk.money == (0, 3_000_000, 7_000_000)
    assert desk.tokens.answers == [("token", "MADE", "WARN: duplicates")]


def test_a_canary_that_ended_well_leaves_all_as_it_was(desk: Desk) -> None:
    run = desk.begin(canary=True)
    assert desk.analysis.status is AnalysisStatus.ANALYSING
    desk.close(run)
    assert as_before(desk)
    assert (desk.member.status, desk.member.run) == (MemberStatus.MADE, run.id.short)
    assert desk.tokens.answers == [("token", "MADE", "")]


@pytest.mark.parametrize("canary", [True, False])
@pytest.mark.parametrize(
    ("status", "member", "why", "counts"),
    [
        (RunStatus.FAILED, MemberStatus.FAILED, "align: no disk", (0, 0, 1, 0)),
        (RunStatus.ABORTED, MemberStatus.LEFT_OUT, "its run was stopped", (0, 0, 0, 1)),
    ],
)
def test_a_run_that_ended_badly_leaves_all_as_it_was(
    desk: Desk, *, status: RunStatus, member: MemberStatus, why: str,
    counts: tuple[int, int, int, int], canary: bool,
) -> None:  # fmt: skip
    run = desk.begin(canary=canary)
    desk.spend(run, 1.5, 0.25)
    desk.close(run, status, failure="align: no disk")
    assert as_before(desk)
    assert (desk.member.status, desk.member.why, desk.member.cost_micros) == (
        member, why, 1_750_000,
    )  # fmt: skip
    assert desk.counts == counts
    assert desk.money == (0, 1_750_000, 8_250_000)
    assert desk.tokens.answers == [("token", member, why)]


@pytest.mark.parametrize("canary", [True, False])
def test_a_run_whose_qc_fails_takes_no_place_of_one_that_was_better(
    desk: Desk, canary: bool
) -> None:
    run = desk.begin(canary=canary)
    desk.close(run, qc="FAIL", qc_reasons=("FAIL: mapped",))
    assert as_before(desk)
    why = "its QC is FAIL, and was WARN: FAIL: mapped"
    assert (desk.member.status, desk.member.why) == (MemberStatus.FAILED, why)
    assert (desk.counts, desk.money[1]) == ((0, 0, 1, 0), 3_000_000)
    assert desk.tokens.answers == [("token", "FAILED", why)]
    found = desk.cloud.catalog.runs.get(run.id)
    assert found is not None
    assert (found.status, found.qc) == (RunStatus.SUCCEEDED, "FAIL"), "the run itself is whole"


def test_a_run_whose_qc_fails_as_it_did_before_takes_its_place(cloud: Cloud) -> None:
    desk = make_desk(cloud, qc="FAIL", qc_reasons=("FAIL: depth",))
    run = desk.begin()
    desk.close(run, qc="FAIL", qc_reasons=("FAIL: mapped",))
    assert (desk.analysis.current_run, desk.analysis.why) == (run.id, "FAIL: mapped")
    assert desk.member.status is MemberStatus.MADE


def test_an_end_that_is_told_twice_counts_once(desk: Desk) -> None:
    run = desk.begin()
    desk.close(run)
    member, counts, money = desk.member, desk.counts, desk.money
    for _ in range(3):
        desk.members.run_ended(run)
    assert (desk.member, desk.counts, desk.money) == (member, counts, money)
    assert set(desk.tokens.answers) == {("token", "MADE", "")}, "an answer may come again"


def test_an_end_that_comes_before_anybody_waits_is_found_by_who_does(desk: Desk) -> None:
    state = MemberState(NAME, "NA1", "wgs", reserved_micros=5_000_000)
    desk.cloud.catalog.reanalyses.begin(desk.reanalysis, None, state)
    run = desk.claim()
    desk.close(run)
    assert desk.member.status is MemberStatus.GOING_ON
    assert desk.tokens.answers == []
    desk.cloud.catalog.reanalyses.wait_with(state, "token", run.id.short)
    desk.members.run_ended(run)
    assert (desk.member.status, desk.counts) == (MemberStatus.MADE, (0, 1, 0, 0))
    assert desk.tokens.answers == [("token", "MADE", "")]


def test_who_waits_with_a_newer_token_is_woken_with_that(desk: Desk) -> None:
    run = desk.begin()
    desk.cloud.catalog.reanalyses.wait_with(desk.member, "newer")
    desk.close(run)
    assert desk.tokens.answers == [("newer", "MADE", "")]


def test_a_run_that_goes_on_is_no_end(desk: Desk) -> None:
    run = desk.begin()
    desk.members.run_ended(run)
    assert (desk.member.status, desk.tokens.answers) == (MemberStatus.GOING_ON, [])


def test_the_end_of_another_run_is_nothing_to_a_member(desk: Desk) -> None:
    run = desk.begin()
    other = RunId("NA1", "wgs", "e" * 24, 1)
    desk.cloud.catalog.reanalyses.wait_with(desk.member, "token", other.short)
    desk.close(run)
    desk.members.run_ended(desk.before)
    assert (desk.member.status, desk.tokens.answers) == (MemberStatus.GOING_ON, [])


def test_a_comparison_is_kept_with_its_member(desk: Desk) -> None:
    run = desk.begin(canary=True)
    prefix = "NA1/wgs/compare/k/1/"
    report = Report(
        Verdict.DIFFERENT, "two genotypes differ", Side("a", "NA1"), Side("b", "NA1"),
        tallies=(Tally("all", Kind.SNV, changes={Change.UNRESOLVED: 3}),), reportable_total=2,
    )  # fmt: skip
    body = msgspec.json.encode(report)
    desk.cloud.s3.put_object(Bucket=RESULTS, Key=f"{prefix}comparison.json", Body=body)
    desk.close(run, stages=(StageRun(COMPARE, "k", prefix, "cpu"),))
    assert desk.member.compared == Compared("different", "two genotypes differ", 2, 3, prefix)
    assert (desk.reanalysis.amended, desk.reanalysis.uncertain) == (1, 1)


@pytest.mark.parametrize(
    ("status", "canary"),
    [(RunStatus.SUCCEEDED, True), (RunStatus.SUCCEEDED, False), (RunStatus.FAILED, False)],
)
def test_of_inputs_that_have_changed_a_run_says_nothing(
    desk: Desk, status: RunStatus, canary: bool
) -> None:
    run = desk.begin(canary=canary)
    desk.cloud.catalog.analyses.hold(run.id.analysis, "object-1", "R2 is empty", START)
    held = desk.analysis
    desk.close(run, status, failure="stopped")
    there = desk.analysis
    assert (there.status, there.holds, there.why) == (held.status, held.holds, held.why)
    assert (there.current_run, there.active_run) == (desk.before.id, None)
    assert desk.uses == {"PART#s1"}
    assert desk.member.status is not MemberStatus.GOING_ON
    assert desk.counts[0] == 0
    assert any('"recheck"' in message for message in desk.cloud.messages()), "they get their turn"


def test_a_run_that_a_person_stops_leaves_no_hold_behind(desk: Desk) -> None:
    run = desk.begin()
    desk.cloud.flows.closing.end(run.id, "ABORTED", "stopped by a person", "a person")
    assert as_before(desk)
    assert desk.counts == (0, 0, 0, 1)
    assert desk.tokens.answers == [("token", "LEFT_OUT", "its run was stopped")]


def test_a_run_of_which_a_stage_failed_is_told_with_the_reason(desk: Desk) -> None:
    run = desk.begin()
    desk.cloud.flows.closing.fail(run.id, "SubmitFailed", "no such queue")
    assert as_before(desk)
    assert desk.member.status is MemberStatus.FAILED
    assert "no such queue" in desk.member.why
    assert micros(None) == desk.member.cost_micros


def test_a_member_that_failed_has_cost_what_its_tasks_have_too(desk: Desk) -> None:
    run = desk.begin()
    desk.spend(run, 1.5)
    task = Task(run.id, "align", "task-1", "FAILED", ended="2026-01-01T00:00:00.000Z", cost_usd=2.0)
    desk.cloud.catalog.tasks.record(task)
    desk.close(run, RunStatus.FAILED, failure="align: no disk")
    assert desk.member.cost_micros == 3_500_000
    assert desk.money == (0, 3_500_000, 6_500_000)


def test_a_run_of_no_reanalysis_closes_as_ever(desk: Desk) -> None:
    analysis = desk.analysis
    run = REPLACE(
        BEFORE, run_key="d" * 24, generation=analysis.generation, supersedes=analysis.current_run
    )
    desk.cloud.catalog.runs.claim(analysis, run, FROZEN, TINY, desk.cloud.clock())
    desk.close(run, RunStatus.FAILED, failure="no disk")
    there = desk.analysis
    assert (there.status, there.why, there.current_run) == ("FAILED", "no disk", desk.before.id)
    assert desk.tokens.answers == []


def test_a_run_that_moved_nothing_since_files_came_is_not_said_to_be_made(desk: Desk) -> None:
    run = desk.begin()
    desk.cloud.catalog.analyses.hold(run.id.analysis, "object-1", "R2 is empty", START)
    desk.close(run)
    assert desk.analysis.current_run == desk.before.id
    assert desk.member.status is not MemberStatus.MADE


def test_an_approved_canary_is_adopted_and_what_it_uses_is_found(desk: Desk) -> None:
    run = desk.begin(canary=True)
    desk.close(run, qc_reasons=("WARN: duplicates",))
    ended = desk.cloud.catalog.runs.get(run.id)
    assert ended is not None
    desk.cloud.catalog.runs.adopt(desk.analysis, ended, TINY, desk.cloud.clock())
    there = desk.analysis
    assert (there.current_run, there.why) == (run.id, "WARN: duplicates")
    assert desk.uses == {"PART#s2"}
