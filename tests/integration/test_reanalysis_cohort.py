"""The runs of a reanalysis, begun one by one while a lab deploys, pauses and resumes."""

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from seqdrop.aws.catalog.layout import (
    analysis_attributes,
    analysis_key,
    blueprint_item,
    file_item,
    run_item,
    status_attributes,
    uses_item,
)
from seqdrop.composition import Composition
from seqdrop.domain.blueprint import encode_blueprint
from seqdrop.domain.errors import InvalidInput
from seqdrop.domain.identity import AnalysisId, ReferenceId, RunId, StageOf
from seqdrop.domain.reanalysis.plan import Member
from seqdrop.domain.reanalysis.record import (
    Limits,
    MemberState,
    MemberStatus,
    Reanalysis,
    ReanalysisStatus,
)
from seqdrop.domain.reanalysis.scope import Scope
from seqdrop.domain.records import Analysis, AnalysisStatus, Attempt, Run, RunOptions, RunStatus
from seqdrop.flow.reanalysis.planner import Planned, ReanalysisPlanner
from seqdrop.flow.reanalysis.reporting import CanariesFailed
from seqdrop.flow.reanalysis.runs import Begun, Busy, Lasting, ReanalysisRuns
from tests.cloud_support import START, Cloud, Parts, open_cloud
from tests.domain_support import IMAGES, lane_pair, part, reference, run_of
from tests.domain_support import job as job_of

NAME, ASSAY = "again", "wgs"
REPLACE = msgspec.structs.replace
ASSAYS = """
default: wgs
assays:
  wgs: {{pipeline: quick, reference: tiny, qc: {{reads: {{fail_below: {least}}}}}}}
"""
OTHER_IMAGE: dict[str, Any] = {"images": {**IMAGES, "cpu": "cpu@sha256:9"}}
OTHER_LIMITS: dict[str, Any] = {"least": 20}


@dataclass
class Machine:
    """The state machine of reanalyses: what it was told."""

    started: list[str] = field(default_factory=list)
    answers: list[tuple[str, str]] = field(default_factory=list)
    caps: list[int] = field(default_factory=list)
    has_cohort: bool = False

    def start(self, name: str, _reanalysis: str, _attempt: int) -> None:
        """Starts an execution."""
        self.started.append(name)

    def stop(self, _name: str, _cause: str) -> None:
        """Stops an execution."""

    def set_cap(self, _name: str, in_flight: int) -> bool:
        """Changes the cap of a cohort that is under way."""
        self.caps += [in_flight] if self.has_cohort else []
        return self.has_cohort

    def succeed(self, token: str, output: dict[str, str]) -> None:
        """Wakes a state."""
        self.answers.append((token, output["outcome"]))

    def send(self, _kind: str, _detail: object) -> None:
        """Tells people."""


@dataclass
class Lab:
    """Analyses that were made with version 1 of a reference, and a reanalysis with version 2."""

    cloud: Cloud
    folder: Path
    machine: Machine = field(default_factory=Machine)
    flows: Composition = field(init=False)
    before: dict[str, RunId] = field(default_factory=dict)
    releases: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        second = reference(version="2", parts={"sequence": part("genome.fa", "s2")})
        self.cloud.catalog.references.add(second, "test", START)
        self.deploy()

    def deploy(self, *, least: int = 10, images: dict[str, str] = IMAGES) -> None:
        """Another release of the functions, with a limit of QC and the images of its jobs."""
        release = (
            self.folder / f"release-{next(self.releases)}"
        )  # files are read once by their names
        release.mkdir()
        for file in self.folder.glob("*.yaml"):
            (release / file.name).write_text(file.read_text())
        (release / "assays.yaml").write_text(ASSAYS.format(least=least))
        here = {"references_bucket": "references", "image_names": frozenset({"cpu"})}
        settings = self.cloud.settings | here | {"images": images, "pipelines_dir": str(release)}
        self.flows = Parts(self.cloud, SimpleNamespace(**settings))
        fakes = {"tokens": self.machine, "reanalysis_executions": self.machine}
        vars(self.flows).update(fakes, alerts=self.machine)

    def analysed(self, *samples: str, project: str = "") -> list[Member]:
        """Samples whose current run has used version 1, and whose QC was good."""
        for sample in samples:
            files = lane_pair(sample=sample)
            bare = Analysis(
                sample, ASSAY, 2, status=AnalysisStatus.ANALYSED, project=project,
                files_seen=frozenset(one.seen for one in files),
            )  # fmt: skip
            self.write(*map(file_item, files))
            claiming, first = self.flows.claiming, reference()
            config = claiming.library.assay_of(bare)
            frozen = claiming.blueprint_of(bare, config, first)
            run = run_of(
                frozen, status=RunStatus.SUCCEEDED, qc="PASS", pipeline=frozen.pipeline,
                reference=frozen.reference, parts=frozen.parts, recipe=frozen.recipe,
                made=frozen.made, input_bytes=100, claimed="2026-02-01T00:00:00.000Z",
            )  # fmt: skip
            pk, sk = analysis_key(bare.id)
            analysis = REPLACE(bare, current_run=run.id)
            status = status_attributes(bare.id, bare.status, START)
            self.write(
                {"pk": pk, "sk": sk, **analysis_attributes(analysis), **status},
                run_item(run), blueprint_item(run.id, encode_blueprint(frozen)),
                *(uses_item(run, name) for name in run.parts),
            )  # fmt: skip
            self.before[sample] = run.id
        return [Member(sample, ASSAY) for sample in samples]

    def write(self, *items: dict[str, Any]) -> None:
        """Puts items as they are."""
        table = self.cloud.catalog.runs._table
        table.transact([table.put_write(item) for item in items])

    # What people and the state machine do

    def order(self, **limits: Any) -> dict[str, Any]:
        """Somebody asks for the reanalysis; it is planned."""
        given = Limits(**{"canaries": 1, **limits})
        scope = Scope("tiny", "2")
        self.flows.reanalysis_orders.start(NAME, scope, given, "a person", plan_only=False)
        return self.plan()

    def plan(self) -> dict[str, Any]:
        """The machine plans it, or reads the plan again."""
        return self.flows.reanalysis_planning.plan(NAME, self.now.attempt)

    def resume(self) -> dict[str, Any]:
        """Somebody resumes it; it is planned anew."""
        self.flows.reanalysis_orders.resume(NAME, self.now.limits, "a person")
        return self.plan()

    def approve(self) -> None:
        """The machine asks for an approval, and a person gives it."""
        self.flows.reanalysis_reporting.ask_approval(NAME, self.now.attempt, "approval")
        self.flows.reanalysis_orders.approve(NAME, "a person")

    def begin(self, member: Member, *, canary: bool = False, last: bool = False) -> str:
        """The machine begins a member; what comes of it."""
        attempt, token = self.now.attempt, f"{member.sample}-{self.now.attempt}"
        return self.flows.cohort.begin(NAME, attempt, member, token, canary=canary, last=last)

    def report(self, *, last: bool = False) -> dict[str, Any]:
        """A pass over the cohort has ended."""
        reporting = self.flows.reanalysis_reporting
        return reporting.report(NAME, self.now.attempt, None, last=last)

    def end(self, member: Member, qc: str = "PASS") -> Run:
        """The run of a member that goes on comes to its end."""
        active = self.analysis(member).active_run
        run = self.cloud.catalog.runs.get(active) if active else None
        assert run is not None, f"no run of {member} goes on"
        reasons = ("FAIL: reads",) if qc == "FAIL" else ()
        ended = REPLACE(run, status=RunStatus.SUCCEEDED, qc=qc, qc_reasons=reasons, cost_usd=1.0)
        assert self.flows.closing._close(ended, AnalysisStatus.ANALYSED, why="")
        return ended

    def make_canary(self, qc: str = "PASS") -> tuple[Member, Run]:
        """The one canary is begun, and its run ends."""
        (canary,) = self.now.canaries
        assert self.begin(canary, canary=True) == MemberStatus.GOING_ON
        return canary, self.end(canary, qc)

    def fail(self, error: Exception) -> None:
        """The machine reports that one of its states has failed."""
        failure = {"Error": type(error).__name__, "Cause": str(error)}
        self.flows.reanalysis_reporting.report(NAME, self.now.attempt, failure)

    # What is there

    @property
    def now(self) -> Reanalysis:
        """The reanalysis as it is."""
        found = self.cloud.catalog.reanalyses.get(NAME)
        assert found is not None
        return found

    def member(self, member: Member) -> MemberState:
        """A member as it is."""
        found = self.cloud.catalog.reanalyses.member(NAME, member.id)
        assert found is not None
        return found

    def analysis(self, member: Member) -> Analysis:
        """An analysis as it is."""
        found = self.cloud.catalog.analyses.get(AnalysisId(member.sample, member.assay))
        assert found is not None
        return found

    @property
    def moved(self) -> set[str]:
        """Samples whose current run is another one than at first."""
        return {
            sample
            for sample, run in self.before.items()
            if self.analysis(Member(sample, ASSAY)).current_run != run
        }


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    with open_cloud(tmp_path, monkeypatch) as cloud:
        yield Lab(cloud, tmp_path)


def test_of_two_who_begin_the_same_the_second_is_told_and_changes_nothing(lab: Lab) -> None:
    start, scope = lab.flows.reanalysis_orders.start, Scope("tiny", "2")
    assert start(NAME, scope, Limits(in_flight=5), "ada", plan_only=False) is None
    first = lab.now
    assert start(NAME, scope, Limits(in_flight=9), "bob", plan_only=True) == first
    assert (first.by, first.limits.in_flight, first.plan_only) == ("ada", 5, False)
    assert first.created
    assert lab.now == first
    assert lab.machine.started == [f"{NAME}-1"] * 2, "whoever was first may have died before it"


def test_who_begins_another_one_under_the_same_name_is_refused(lab: Lab) -> None:
    start = lab.flows.reanalysis_orders.start
    start(NAME, Scope(pipeline="quick"), Limits(), "ada", plan_only=False)
    with pytest.raises(InvalidInput, match="was begun by ada, of pipeline quick"):
        start(NAME, Scope(assay="quick"), Limits(), "bob", plan_only=False)
    assert lab.now.scope == Scope(pipeline="quick")


def cap(lab: Lab, in_flight: int) -> None:
    """Somebody changes how many runs go on at once."""
    lab.flows.reanalysis_orders.set_cap(NAME, in_flight, "a person")


def test_a_cap_that_is_given_before_the_cohort_counts_for_it(lab: Lab) -> None:
    lab.analysed("S1", "S2")
    lab.order(in_flight=20)
    cap(lab, 7)
    lab.make_canary()
    lab.flows.reanalysis_reporting.ask_approval(NAME, 1, "approval")
    cap(lab, 3)
    lab.flows.reanalysis_orders.approve(NAME, "a person")
    following = lab.plan()
    assert (following["next"], following["in_flight"]) == ("cohort", 3)
    assert lab.machine.caps == []


@dataclass
class Meanwhile:
    """A planner during whose work something happens."""

    planner: ReanalysisPlanner
    happen: Callable[[], None]

    def plan(self, scope: Scope, take: Callable[[Member], None]) -> Planned:
        """The plan, and what happens."""
        planned = self.planner.plan(scope, take)
        self.happen()
        return planned


def test_a_cap_that_is_given_while_it_is_planned_counts_too(lab: Lab) -> None:
    lab.analysed("S1", "S2")
    planning = lab.flows.reanalysis_planning
    planner: Any = Meanwhile(planning.planner, lambda: cap(lab, 4))
    vars(lab.flows)["reanalysis_planning"] = dataclasses.replace(planning, planner=planner)
    assert lab.order(in_flight=20)["in_flight"] == 4


def test_a_cap_that_the_cohort_may_have_missed_is_refused_and_can_be_given_again(lab: Lab) -> None:
    lab.analysed("S1", "S2")
    lab.order()
    lab.make_canary()
    lab.approve()
    with pytest.raises(InvalidInput, match="give the order again in a moment"):
        cap(lab, 5)
    lab.machine.has_cohort = True
    cap(lab, 5)
    assert (lab.machine.caps, lab.plan()["in_flight"]) == ([5], 5)


def test_who_is_stopped_before_the_cohort_is_reported(lab: Lab) -> None:
    lab.analysed("S1", "S2")
    lab.order()
    lab.make_canary()
    lab.approve()
    lab.flows.reanalysis_orders.stop(NAME, "stopped", "a person")
    assert lab.plan()["next"] == "report"


def test_a_member_that_would_lose_a_stage_by_now_is_left_out_with_the_reason(lab: Lab) -> None:
    (member,) = lab.analysed("S1")
    lab.order(canaries=0)
    lab.approve()
    before = lab.cloud.catalog.runs.get(lab.before["S1"])
    assert before is not None
    recipe, parts = {**before.recipe, "annotate": "key"}, {**before.parts, "annotation": "a1"}
    lab.write(run_item(REPLACE(before, recipe=recipe, parts=parts)))
    assert lab.begin(member) == MemberStatus.LEFT_OUT
    assert "tiny 2 has no annotation, and the run has annotate" in lab.member(member).why
    assert lab.moved == set()


# Canaries, and what was deployed since


def test_a_canary_whose_qc_was_fail_is_not_good_in_the_next_attempt_either(lab: Lab) -> None:
    lab.analysed("S1", "S2")
    lab.order()
    canary, run = lab.make_canary("FAIL")
    with pytest.raises(CanariesFailed, match="its QC is FAIL, and was PASS"):
        lab.approve()
    lab.fail(CanariesFailed("its QC is FAIL"))
    assert lab.now.status is ReanalysisStatus.FAILED
    assert lab.resume()["next"] == "canaries"
    assert lab.begin(canary, canary=True) == MemberStatus.FAILED
    assert lab.member(canary).run == run.id.short
    with pytest.raises(CanariesFailed, match="its QC is FAIL, and was PASS"):
        lab.approve()
    assert (lab.moved, lab.now.spent_micros) == (set(), 1_000_000)


def test_a_canary_whose_qc_was_fail_is_not_adopted_by_the_cohort(lab: Lab) -> None:
    lab.analysed("S1", "S2")
    lab.order()
    canary, _ = lab.make_canary("FAIL")
    lab.fail(CanariesFailed("its QC is FAIL"))
    limits = REPLACE(lab.now.limits, canaries=0)
    lab.flows.reanalysis_orders.resume(NAME, limits, "a person")
    lab.plan()
    lab.approve()
    assert lab.begin(canary) == MemberStatus.FAILED
    assert lab.moved == set()


@pytest.mark.parametrize("deployed", [OTHER_IMAGE, OTHER_LIMITS])
def test_canaries_of_another_making_are_made_anew(lab: Lab, deployed: dict[str, Any]) -> None:
    lab.analysed("S1", "S2")
    lab.order()
    canary, old = lab.make_canary()
    lab.flows.reanalysis_orders.stop(NAME, "stopped", "a person")
    lab.deploy(**deployed)
    assert lab.resume()["next"] == "canaries"
    assert lab.begin(canary, canary=True) == MemberStatus.GOING_ON
    new = lab.end(canary)
    assert new.id != old.id
    lab.approve()
    assert lab.begin(canary) == MemberStatus.MADE
    assert lab.analysis(canary).current_run == new.id


def test_a_canary_that_was_judged_otherwise_than_was_approved_is_not_promoted(lab: Lab) -> None:
    lab.analysed("S1", "S2")
    lab.order()
    canary, old = lab.make_canary()
    lab.flows.reanalysis_orders.stop(NAME, "stopped", "a person")
    lab.deploy(**OTHER_LIMITS)
    limits = REPLACE(lab.now.limits, canaries=0)
    lab.flows.reanalysis_orders.resume(NAME, limits, "a person")
    lab.plan()
    lab.approve()
    assert lab.begin(canary) == MemberStatus.GOING_ON
    assert lab.end(canary, "FAIL").id != old.id
    assert (lab.member(canary).status, lab.moved) == (MemberStatus.FAILED, set())


@pytest.mark.parametrize("deployed", [OTHER_IMAGE, OTHER_LIMITS])
def test_a_deploy_in_the_middle_of_the_cohort_stops_it(lab: Lab, deployed: dict[str, Any]) -> None:
    members = lab.analysed("S1", "S2", "S3", "S4")
    lab.order()
    canary, made = lab.make_canary()
    lab.approve()
    first, second, third = [one for one in members if one != canary]
    lab.begin(first)
    lab.deploy(**deployed)
    assert lab.begin(second) == "STOPPED"
    stopped = lab.now
    assert stopped.status is ReanalysisStatus.STOPPED
    assert "made, or judged, otherwise than was planned" in stopped.why
    assert "were deployed since" in stopped.why
    assert (lab.member(second).status, lab.member(second).why) == (
        MemberStatus.LEFT_OUT, stopped.why,
    )  # fmt: skip
    assert lab.begin(third) == "STOPPED"
    lab.begin(canary)
    assert lab.analysis(canary).current_run in {made.id, lab.before[canary.sample]}
    run = lab.end(first)
    assert lab.analysis(first).current_run == run.id, "as it was approved, it comes to its end"
    assert lab.moved <= {first.sample, canary.sample}
    assert (lab.now.going_on, lab.now.reserved_micros) == (0, 0)


def test_after_such_a_deploy_nothing_moves_until_it_is_approved_again(lab: Lab) -> None:
    members = lab.analysed("S1", "S2", "S3")
    lab.order()
    canary, _ = lab.make_canary()
    lab.approve()
    lab.deploy(**OTHER_IMAGE)
    other = next(one for one in members if one != canary)
    lab.begin(other)
    assert lab.resume()["next"] == "canaries"
    lab.make_canary()
    assert lab.moved == set()
    lab.approve()
    lab.begin(other)
    run = lab.end(other)
    assert lab.analysis(other).current_run == run.id


# Members that something keeps from their runs


def begun_without_canaries(lab: Lab, **limits: Any) -> None:
    """A cohort that is approved."""
    lab.order(canaries=0, **limits)
    lab.approve()


def pause(lab: Lab, project: str) -> None:
    """Somebody pauses a project."""
    lab.cloud.catalog.projects.pause(project, "ada", "a talk with them", lab.cloud.clock())


def counts(lab: Lab) -> tuple[int, int, int, int]:
    """Members that go on, are made, left out, deferred."""
    there = lab.now
    return (there.going_on, there.made, there.left_out, there.deferred)


def listed(lab: Lab, following: dict[str, Any]) -> list[Member]:
    """The members of the pass that follows."""
    body = lab.cloud.objects.get(following["bucket"], following["key"])
    return msgspec.json.decode(body or b"[]", type=list[Member])


def occupied(lab: Lab, member: Member) -> Run:
    """Another run of an analysis goes on, that of files which came, say."""
    analysis = lab.analysis(member)
    before = lab.cloud.catalog.runs.get(lab.before[member.sample])
    assert before is not None
    run = REPLACE(before, run_key="f" * 24, status=RunStatus.CLAIMED, options=RunOptions())
    frozen = lab.cloud.catalog.runs.blueprint(before)
    tiny = ReferenceId("tiny", "1")
    lab.cloud.catalog.runs.claim(analysis, run, frozen, tiny, lab.cloud.clock())
    return run


def test_members_of_a_paused_project_are_deferred_and_all_others_go_on(lab: Lab) -> None:
    paused = lab.analysed("S1", "S2", project="trio")
    (other,) = lab.analysed("S3", project="duo")
    begun_without_canaries(lab, budget_usd=100.0)
    pause(lab, "trio")
    assert [lab.begin(one) for one in (*paused, other)] == ["DEFERRED", "DEFERRED", "GOING_ON"]
    assert ("S1-1", "DEFERRED") in lab.machine.answers, "its slot is free"
    assert "project trio: paused by ada since" in lab.member(paused[0]).why
    lab.end(other)
    assert counts(lab) == (0, 1, 0, 2)
    assert (lab.now.reserved_micros, lab.now.left_micros) == (0, 99_000_000)
    following = lab.report()
    assert (following["status"], following["last"]) == ("RUNNING", True)
    assert listed(lab, following) == paused
    assert [lab.begin(one, last=True) for one in paused] == ["DEFERRED", "DEFERRED"]
    stopped = lab.report(last=True)
    assert stopped["status"] == "STOPPED"
    assert stopped["why"].startswith("2 of 3 were deferred: project trio: paused by ada since")
    assert lab.moved == {other.sample}


def test_who_was_deferred_is_made_anew_when_somebody_resumes(lab: Lab) -> None:
    (member,) = lab.analysed("S1", project="trio")
    begun_without_canaries(lab)
    pause(lab, "trio")
    lab.begin(member)
    lab.report(last=True)
    lab.cloud.catalog.projects.resume("trio")
    assert lab.resume()["next"] == "cohort", "it was approved before"
    assert lab.begin(member) == MemberStatus.GOING_ON
    run = lab.end(member)
    assert lab.report()["status"] == "DONE"
    assert lab.analysis(member).current_run == run.id
    assert counts(lab) == (0, 1, 0, 0)


def test_while_another_run_goes_on_a_member_lets_others_go_first(lab: Lab) -> None:
    busy, other = lab.analysed("S1", "S2")
    begun_without_canaries(lab)
    run = occupied(lab, busy)
    assert [lab.begin(busy), lab.begin(other)] == ["DEFERRED", "GOING_ON"]
    lab.end(other)
    assert listed(lab, lab.report()) == [busy]
    with pytest.raises(Busy, match="goes on: its reanalysis comes after it"):
        lab.begin(busy, last=True)
    assert counts(lab) == (1, 1, 0, 0)
    lab.flows.closing._close(
        REPLACE(run, status=RunStatus.SUCCEEDED, qc="PASS"), AnalysisStatus.ANALYSED, why=""
    )
    assert lab.begin(busy, last=True) == MemberStatus.GOING_ON
    lab.end(busy)
    assert lab.report(last=True)["status"] == "DONE"


def test_an_execution_of_the_release_before_has_one_pass(lab: Lab) -> None:
    (member,) = lab.analysed("S1", project="trio")
    begun_without_canaries(lab)
    pause(lab, "trio")
    lab.begin(member)
    ids = {"reanalysis": NAME, "attempt": 1}
    state = {"next": "cohort", "bucket": "results", "key": "list", "in_flight": 20}
    event: dict[str, Any] = {
        "reanalysis": ids,
        "execution": "arn",
        "state": state | {"last": False},
    }
    assert lab.cloud.call("report_reanalysis", event)["status"] == "RUNNING"
    assert lab.cloud.call("report_reanalysis", event | {"state": state})["status"] == "STOPPED"


def test_a_share_of_a_project_is_waited_for_where_one_stands(lab: Lab) -> None:
    (lab.folder / "projects.yaml").write_text("projects: {trio: {runs_at_once: 1}}")
    lab.deploy()
    first, second = lab.analysed("S1", "S2", project="trio")
    begun_without_canaries(lab)
    lab.begin(first)
    with pytest.raises(Busy, match="as many runs go on as may at once"):
        lab.begin(second)
    lab.end(first)
    assert lab.begin(second) == MemberStatus.GOING_ON


def test_what_lasts_longer_than_a_share_lets_others_go_first(lab: Lab) -> None:
    (lab.folder / "projects.yaml").write_text("projects: {trio: {usd_a_month: 0.01}}")
    lab.deploy()
    (member,) = lab.analysed("S1", project="trio")
    begun_without_canaries(lab)
    job = job_of(
        StageOf(lab.before["S1"], "align"), project="trio", status="SUCCEEDED",
        attempts=(Attempt(3_600, cost_usd=1.0),), ended="2026-03-01T00:00:00.000Z",
    )  # fmt: skip
    lab.cloud.catalog.costs._table.transact([lab.cloud.catalog.costs.count_write(job)])
    assert lab.begin(member) == "DEFERRED"
    with pytest.raises(Busy, match="by its project or its assay"):
        lab.begin(member, last=True)


def test_a_canary_waits_where_it_stands(lab: Lab) -> None:
    lab.analysed("S1", project="trio")
    lab.order()
    pause(lab, "trio")
    (canary,) = lab.now.canaries
    with pytest.raises(Busy, match="paused by ada"):
        lab.begin(canary, canary=True)
    assert counts(lab) == (1, 0, 0, 0)


def test_who_is_deferred_twice_is_counted_once_and_answered_again(lab: Lab) -> None:
    (member,) = lab.analysed("S1", project="trio")
    begun_without_canaries(lab, budget_usd=5.0)
    pause(lab, "trio")
    assert [lab.begin(member) for _ in range(3)] == ["DEFERRED"] * 3
    assert counts(lab) == (0, 0, 0, 1)
    assert lab.now.left_micros == 5_000_000
    assert lab.machine.answers.count(("S1-1", "DEFERRED")) == 3
    first = lab.report()
    assert lab.report() == first, "a report may come twice"


@dataclass
class Racing:
    """Runs that begin while another call for the same member does something."""

    runs: ReanalysisRuns
    happen: Callable[[Begun], None]

    def begin(self, reanalysis: Reanalysis, wanted: AnalysisId, *, canary: bool) -> Begun:
        """Begins one, and something happens."""
        begun = self.runs.begin(reanalysis, wanted, canary=canary)
        self.happen(begun)
        return begun


def race(lab: Lab, member: Member, happen: Callable[[Begun], None]) -> None:
    """A call for a member, during which something happens; it is to be given again."""
    cohort = lab.flows.cohort
    runs: Any = Racing(cohort.runs, happen)
    racing = dataclasses.replace(cohort, runs=runs)
    with pytest.raises(Busy):
        racing.begin(NAME, 1, member, "late", canary=False, last=False)


def test_a_run_that_another_call_has_begun_is_not_deferred(lab: Lab) -> None:
    (member,) = lab.analysed("S1")
    begun_without_canaries(lab)

    def claimed_by_another(begun: Begun) -> None:
        assert begun.run is not None
        there = lab.member(member)
        lab.cloud.catalog.reanalyses.wait_with(there, "first", begun.run.short)
        raise Lasting("no room")

    race(lab, member, claimed_by_another)
    assert counts(lab) == (1, 0, 0, 0)
    assert lab.begin(member) == MemberStatus.GOING_ON
    lab.end(member)
    assert (counts(lab), lab.now.spent_micros) == ((0, 1, 0, 0), 1_000_000)


def test_a_run_that_began_while_another_call_deferred_it_is_taken_up(lab: Lab) -> None:
    (member,) = lab.analysed("S1")
    begun_without_canaries(lab)

    def deferred_by_another(_begun: Begun) -> None:
        there = lab.member(member)
        after = REPLACE(there, status=MemberStatus.DEFERRED, why="no room")
        lab.cloud.catalog.reanalyses.end(there, after)

    race(lab, member, deferred_by_another)
    assert counts(lab) == (0, 0, 0, 1)
    assert lab.begin(member) == MemberStatus.GOING_ON
    lab.end(member)
    assert (counts(lab), lab.now.spent_micros) == ((0, 1, 0, 0), 1_000_000)
    assert lab.report()["status"] == "DONE"
