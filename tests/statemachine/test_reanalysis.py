"""Reanalyses on the real machine: under limits, stopped and resumed, killed, and beside others."""

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from cli.stack import Outputs
from seqdrop.composition import Composition, now
from seqdrop.domain.identity import AnalysisId
from seqdrop.domain.reanalysis.record import (
    Limits,
    MemberState,
    MemberStatus,
    Reanalysis,
    ReanalysisStatus,
)
from seqdrop.domain.reanalysis.scope import LeftOut, Scope
from seqdrop.domain.records import AnalysisStatus, RunStatus
from tests.lab import fasta, make_genome, pair
from tests.statemachine.bench import Bench
from tests.statemachine.test_faults import kill_function

REFERENCE, ASSAY = "again", "again"
ENDED = ("DONE", "STOPPED", "FAILED", "REJECTED", "PLANNED")
MOST_KILLS = 5
"""Of one function: the state machine tries six times again, and then rightly gives up."""


@dataclass
class Desk:
    """Where somebody publishes versions of a reference and orders reanalyses."""

    bench: Bench
    versions: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    newest: str = ""

    def __post_init__(self) -> None:
        settings = Outputs("seqdrop", self.bench.lab.runtime.outputs, {})
        self.flows = Composition(settings, self.bench.lab.client)

    def publish(self) -> str:
        """A version with another sequence."""
        self.newest = str(next(self.versions))
        genome = make_genome(5_000, seed=1_000 + int(self.newest))
        self.bench.lab.add_reference(REFERENCE, fasta(genome), version=self.newest)
        return self.newest

    def analysed(self, project: str, *samples: str, assay: str = ASSAY) -> list[str]:
        """Samples of a project, analysed with the newest version."""
        self.drop(project, *samples, assay=assay)
        for sample in samples:
            self.bench.lab.wait_for(sample, assay, "ANALYSED")
        return list(samples)

    def drop(self, project: str, *samples: str, assay: str = ASSAY) -> None:
        """Drops samples and the manifest that names them."""
        named: list[dict[str, Any]] = []
        for number, sample in enumerate(samples):
            r1, r2 = pair(50, seed=hash(sample) % 10_000 + number, flowcell=f"H{sample}")
            files = {"lane": "L001", "r1": f"{sample}_R1.fastq.gz", "r2": f"{sample}_R2.fastq.gz"}
            self.bench.lab.drop(f"{project}/{files['r1']}", r1)
            self.bench.lab.drop(f"{project}/{files['r2']}", r2)
            named.append({"sample": sample, "assay": assay, "project": project, "files": [files]})
        self.bench.lab.drop_manifest(f"{project}/{samples[0]}.manifest.json", *named)

    def begin(self, project: str, *, plan_only: bool = False, **limits: Any) -> str:
        """Orders the reanalysis of a project with the newest version; its id."""
        name = f"{project}-{self.newest}"
        scope = Scope(REFERENCE, self.newest, project=project)
        given = Limits(**{"canaries": 1, **limits})
        self.flows.reanalysis_orders.start(name, scope, given, "test", plan_only=plan_only)
        return name

    def get(self, name: str) -> Reanalysis:
        """A reanalysis as it is."""
        found = self.bench.lab.catalog.reanalyses.get(name)
        assert found is not None
        return found

    def members(self, name: str) -> dict[str, MemberState]:
        """Its members by sample."""
        return {one.sample: one for one in self.bench.lab.catalog.reanalyses.members(name)}

    def wait(self, name: str, *statuses: str) -> Reanalysis:
        """Waits until it has one of some statuses, or has ended."""

        def reached() -> Reanalysis | None:
            found = self.bench.lab.catalog.reanalyses.get(name)
            return found if found and found.status in {*statuses, *ENDED} else None

        def describe() -> str:
            shown = [self.get(name), *self.members(name).values()]
            return "\n".join([*map(str, shown), *self.bench.lab.complaints()])

        found: Reanalysis = self.bench.lab.wait_until(reached, describe=describe)
        assert found.status in statuses, describe()
        return found

    def approve(self, name: str) -> None:
        """Waits for its canaries, and approves."""
        self.wait(name, "AWAITING_APPROVAL")
        self.flows.reanalysis_orders.approve(name, "a person")

    def references(self, *samples: str) -> list[str]:
        """The versions that the current runs of samples have used."""
        found = []
        for sample in samples:
            analysis = self.bench.lab.analysis(sample, ASSAY)
            assert analysis is not None
            assert analysis.current_run is not None
            run = self.bench.lab.catalog.runs.get(analysis.current_run)
            assert run is not None
            found.append(run.reference.partition("/")[2])
        return found

    def live_executions(self, name: str) -> list[str]:
        """Executions of it, and of its members' runs, that go on."""
        client, outputs = self.bench.lab.client("stepfunctions"), self.bench.lab.runtime.outputs
        machines = outputs["ReanalyseStateMachine"], outputs["AnalyseSampleStateMachine"]
        runs = {one.run_id.execution_name for one in self.members(name).values() if one.run_id}
        return [
            one["name"]
            for machine in machines
            for one in client.list_executions(stateMachineArn=machine, statusFilter="RUNNING")[
                "executions"
            ]
            if one["name"].startswith(name) or one["name"] in runs
        ]


@pytest.fixture(scope="module")
def made(shared_bench: Bench) -> Desk:
    return Desk(shared_bench)


@pytest.fixture
def desk(bench: Bench, made: Desk) -> Desk:
    """The desk, with a version that samples are analysed with until a test publishes the next."""
    assert bench is made.bench
    if not made.newest:
        made.publish()
    return made


def test_canaries_move_nothing_until_somebody_approves_and_then_all_is_moved(desk: Desk) -> None:
    samples = desk.analysed("whole", "w1", "w2", "w3")
    before = desk.references(*samples)
    desk.publish()
    name = desk.begin("whole")
    waiting = desk.wait(name, "AWAITING_APPROVAL")
    (canary,) = desk.members(name).values()
    assert (canary.status, canary.canary) == (MemberStatus.MADE, True)
    assert desk.references(*samples) == before
    there = desk.bench.lab.analysis(canary.sample, ASSAY)
    assert there is not None
    assert (there.status, there.active_run) == (AnalysisStatus.ANALYSED, None)
    assert waiting.plan is not None
    (group,) = waiting.plan.groups
    assert (group.stale.stages, group.stale.causes) == (("count", "left", "right"), ("sequence",))
    starts = desk.bench.starts("count")
    desk.approve(name)
    done = desk.wait(name, "DONE")
    assert (done.made, done.failed, done.left_out, done.going_on) == (3, 0, 0, 0)
    assert done.approved_by == "a person"
    assert desk.references(*samples) == [desk.newest] * 3
    assert desk.bench.starts("count") == starts + 2, "the canary's results were taken"
    for sample in samples:
        old, new = desk.bench.lab.runs(sample, ASSAY)
        assert (old.status, new.status) == (RunStatus.SUCCEEDED, RunStatus.SUCCEEDED)
        assert new.priority == "bulk"
        folder = desk.bench.lab.client("s3").list_objects_v2(
            Bucket=desk.bench.lab.results, Prefix=old.stages[0].prefix
        )
        assert folder["KeyCount"], "the old results stay"
    spent = sum(member.cost_micros for member in desk.members(name).values())
    assert (done.spent_micros, done.reserved_micros) == (spent, 0)
    assert spent > 0


def test_a_rejected_one_moves_nothing(desk: Desk) -> None:
    samples = desk.analysed("rejected", "r1", "r2")
    before = desk.references(*samples)
    desk.publish()
    name = desk.begin("rejected")
    desk.wait(name, "AWAITING_APPROVAL")
    desk.flows.reanalysis_orders.reject(name, "worse", "a person")
    rejected = desk.wait(name, "REJECTED")
    desk.bench.lab.wait_until(lambda: not desk.live_executions(name))
    assert desk.get(name) == rejected
    assert rejected.why == "worse"
    assert desk.references(*samples) == before


def test_a_failing_canary_stops_everything_and_moves_nothing(desk: Desk) -> None:
    samples = desk.analysed("canary", "c1", "c2", "c3")
    before = desk.references(*samples)
    desk.publish()
    desk.bench.break_("left", "no such thing")
    name = desk.begin("canary")
    failed = desk.wait(name, "FAILED")
    assert "no such thing" in failed.why
    assert len(desk.members(name)) == 1
    assert desk.references(*samples) == before
    for sample in samples:
        there = desk.bench.lab.analysis(sample, ASSAY)
        assert there is not None
        assert (there.status, there.why) == (AnalysisStatus.ANALYSED, "")
    desk.bench.mend("left")
    desk.flows.reanalysis_orders.resume(name, desk.get(name).limits, "test")
    desk.approve(name)
    done = desk.wait(name, "DONE")
    assert (done.made, done.failed, done.attempt) == (3, 0, 2)


def test_one_child_fails_and_the_cohort_finishes(desk: Desk) -> None:
    samples = desk.analysed("child", "f1", "f2", "f3", "f4")
    desk.publish()
    name = desk.begin("child")
    desk.wait(name, "AWAITING_APPROVAL")
    desk.bench.break_("left", times=1)
    desk.approve(name)
    done = desk.wait(name, "DONE")
    assert (done.made, done.failed) == (3, 1)
    assert sorted(desk.references(*samples)).count(desk.newest) == 3
    for member in desk.members(name).values():
        before = [run for run in desk.bench.lab.runs(member.sample, ASSAY) if run.run_key]
        assert len(before) == 2, "one run each"
    (failed,) = [one for one in desk.members(name).values() if one.status == "FAILED"]
    assert "told to fail" in failed.why
    assert desk.bench.lab.analysis(failed.sample, ASSAY).status == "ANALYSED"  # type: ignore[union-attr]  # it is there


def test_a_budget_of_half_the_estimate_stops_at_it_and_says_so(desk: Desk) -> None:
    samples = desk.analysed("budget", *[f"b{number}" for number in range(6)])
    desk.publish()
    planned = desk.wait(desk.begin("budget", plan_only=True), "PLANNED")
    assert planned.plan is not None
    whole = planned.plan.estimate.usd.expected
    assert whole > 0
    limits = Limits(canaries=1, in_flight=1, budget_usd=whole / 2)
    desk.flows.reanalysis_orders.resume(planned.id, limits, "test")
    desk.approve(planned.id)
    stopped = desk.wait(planned.id, "STOPPED")
    assert "its budget of" in stopped.why
    desk.bench.lab.wait_until(lambda: not desk.live_executions(planned.id))
    after = desk.get(planned.id)
    assert 1 <= after.made < 6
    assert after.spent_micros <= whole / 2 * 1_000_000 * 1.5, "what ran cost what it cost"
    assert (after.going_on, after.reserved_micros) == (0, 0)
    moved = desk.references(*samples).count(desk.newest)
    assert moved == after.made
    limits = Limits(canaries=1, budget_usd=whole * 100)
    desk.flows.reanalysis_orders.resume(planned.id, limits, "test")
    done = desk.wait(planned.id, "DONE")
    assert done.made == 6
    assert desk.references(*samples) == [desk.newest] * 6


def test_a_budget_that_ends_among_the_canaries_leaves_nobody_waiting(desk: Desk) -> None:
    desk.analysed("poor", *[f"q{number}" for number in range(4)])
    desk.publish()
    planned = desk.wait(desk.begin("poor", plan_only=True), "PLANNED")
    assert planned.plan is not None
    each = planned.plan.estimate.usd.expected / 4
    limits = Limits(canaries=3, budget_usd=each * 1.5)
    desk.flows.reanalysis_orders.resume(planned.id, limits, "test")
    stopped = desk.wait(planned.id, "STOPPED")
    assert "its budget of" in stopped.why
    desk.bench.lab.wait_until(lambda: not desk.live_executions(planned.id))
    after = desk.get(planned.id)
    assert (after.status, after.going_on, after.reserved_micros) == (stopped.status, 0, 0)


def test_what_was_aborted_in_the_middle_goes_on_and_runs_no_stage_twice(desk: Desk) -> None:
    samples = desk.analysed("abort", "a1", "a2", "a3", "a4")
    desk.publish()
    name = desk.begin("abort", in_flight=2)
    desk.wait(name, "AWAITING_APPROVAL")
    before = desk.bench.starts("count")
    desk.bench.hold("left")
    desk.approve(name)
    desk.bench.pid("left")
    desk.bench.lab.wait_until(lambda: desk.get(name).going_on == 2)
    desk.bench.lab.wait_until(lambda: desk.bench.starts("count") == before + 2)
    desk.flows.reanalysis_orders.stop(name, "stopped by a person", "a person")
    end = time.monotonic() + 60
    while desk.live_executions(name) or desk.bench.lab.live_batch_jobs():
        assert time.monotonic() < end, desk.live_executions(name)
        time.sleep(0.2)
    stopped = desk.get(name)
    assert (stopped.status, stopped.why) == (ReanalysisStatus.STOPPED, "stopped by a person")
    desk.bench.lab.wait_until(lambda: desk.get(name).going_on == 0)
    for sample in samples:
        assert desk.bench.lab.analysis(sample, ASSAY).status == "ANALYSED"  # type: ignore[union-attr]  # it is there
    desk.bench.let_go("left")
    desk.flows.reanalysis_orders.resume(name, desk.get(name).limits, "test")
    done = desk.wait(name, "DONE")
    assert (done.made, done.failed, done.left_out) == (4, 0, 0)
    assert desk.references(*samples) == [desk.newest] * 4
    assert desk.bench.starts("count") == before + 3, "each of the others was counted once"


def test_who_resumes_at_once_loses_nobody(desk: Desk) -> None:
    samples = desk.analysed("once", "e1", "e2", "e3")
    desk.publish()
    name = desk.begin("once", in_flight=2)
    desk.wait(name, "AWAITING_APPROVAL")
    desk.bench.hold("left")
    desk.approve(name)
    desk.bench.lab.wait_until(lambda: desk.get(name).going_on == 2)
    desk.bench.pid("left")
    desk.flows.reanalysis_orders.stop(name, "by mistake", "a person")
    desk.flows.reanalysis_orders.resume(name, desk.get(name).limits, "a person")
    desk.bench.let_go("left")
    done = desk.wait(name, "DONE")
    assert (done.made, done.failed, done.left_out, done.going_on) == (3, 0, 0, 0)
    assert desk.references(*samples) == [desk.newest] * 3


def test_a_new_sample_finishes_before_the_cohort(desk: Desk) -> None:
    desk.analysed("first", "n1", "n2", "n3", "n4")
    desk.publish()
    name = desk.begin("first", in_flight=1)
    desk.approve(name)
    desk.bench.lab.wait_until(lambda: desk.get(name).going_on == 1)
    desk.drop("first", "n5")
    desk.bench.lab.wait_for("n5", ASSAY, "ANALYSED")
    assert desk.get(name).status is ReanalysisStatus.RUNNING
    done = desk.wait(name, "DONE")
    assert done.made == 4
    newest = desk.bench.lab.runs("n5", ASSAY)[-1]
    last = max(member.ended for member in desk.members(name).values())
    assert newest.ended < last


def test_what_is_held_withdrawn_or_off_is_left_out(desk: Desk) -> None:
    desk.analysed("left", "l1", "l2", "l3")
    desk.analysed("left", "l4", assay="never")
    for sample in ("l2", "l3"):
        analysis = AnalysisId(sample, ASSAY)
        desk.bench.lab.catalog.analyses.hold(analysis, "stopped", "a person said so", now())
    held = desk.bench.lab.analysis("l3", ASSAY)
    assert held is not None
    from seqdrop.domain.inputs import dismissed
    from seqdrop.domain.intake import AnalysisChange

    after = dismissed(held, "consent withdrawn")
    change = AnalysisChange(held.id, held, after, "dismissed", "consent withdrawn")
    desk.bench.lab.catalog.analyses.change(change, "dismiss", now())
    desk.publish()
    name = desk.begin("left")
    desk.approve(name)
    done = desk.wait(name, "DONE")
    assert done.made == 1
    assert done.plan is not None
    assert {one.reason: one.examples for one in done.plan.omitted} == {
        LeftOut.HELD: ("l2",), LeftOut.WITHDRAWN: ("l3",), LeftOut.POLICY: ("l4",),
    }  # fmt: skip


def test_functions_that_are_killed_at_any_step_go_on(desk: Desk) -> None:
    samples = desk.analysed("killed", "k1", "k2", "k3")
    desk.publish()
    chance, over = random.Random(5), threading.Event()
    names = ("plan-reanalysis", "reanalyse-sample", "ask-approval", "report-reanalysis",
             "finish-run")  # fmt: skip
    kills: Counter[str] = Counter()

    def kill() -> None:
        while not over.wait(0.4):
            name = chance.choice(names)
            if kills[name] < MOST_KILLS:
                kills[name] += kill_function(desk.bench, name)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        name = desk.begin("killed")
        desk.approve(name)
        time.sleep(3)
    finally:
        over.set()
        killer.join()
    assert kills["plan-reanalysis"], "nothing was killed: this has shown nothing"
    done = desk.wait(name, "DONE")
    assert (done.made, done.failed, done.going_on) == (3, 0, 0)
    assert desk.references(*samples) == [desk.newest] * 3
    for sample in samples:
        assert len(desk.bench.lab.runs(sample, ASSAY)) == 2


def test_of_two_over_the_same_sample_the_second_waits_and_finds_it_done(desk: Desk) -> None:
    samples = desk.analysed("two", "t1", "t2")
    desk.publish()
    desk.bench.hold("left")
    first = desk.begin("two", canaries=2)
    desk.bench.lab.wait_until(lambda: len(desk.members(first)) == 2)
    scope = Scope(REFERENCE, desk.newest, assay=ASSAY, project="two")
    desk.flows.reanalysis_orders.start(
        "two-again", scope, Limits(canaries=1), "test", plan_only=False
    )
    desk.bench.lab.wait_until(lambda: len(desk.members("two-again")) == 1)
    desk.bench.let_go("left")
    desk.approve(first)
    desk.wait(first, "DONE")
    # The second's canary was made beside the first's, or found it so.
    second = desk.wait("two-again", "AWAITING_APPROVAL", "FAILED")
    if second.status is ReanalysisStatus.AWAITING_APPROVAL:
        desk.approve("two-again")
        second = desk.wait("two-again", "DONE")
        assert second.failed == 0
    assert desk.references(*samples) == [desk.newest] * 2
    for sample in samples:
        assert desk.bench.lab.analysis(sample, ASSAY).status == "ANALYSED"  # type: ignore[union-attr]  # it is there


def test_the_cap_changes_while_it_runs(desk: Desk) -> None:
    desk.analysed("cap", *[f"p{number}" for number in range(5)])
    desk.publish()
    name = desk.begin("cap", in_flight=1)
    desk.wait(name, "AWAITING_APPROVAL")
    desk.flows.reanalysis_orders.set_cap(name, 2, "test")
    desk.bench.hold("left")
    desk.approve(name)
    desk.bench.lab.wait_until(lambda: desk.get(name).going_on == 2)
    desk.flows.reanalysis_orders.set_cap(name, 3, "test")
    desk.bench.lab.wait_until(lambda: desk.get(name).going_on == 3)
    desk.bench.let_go("left")
    assert desk.wait(name, "DONE").made == 5


def test_who_is_of_a_paused_project_is_deferred_until_somebody_resumes(desk: Desk) -> None:
    samples = desk.analysed("paused", "z1", "z2", "z3")
    desk.publish()
    name = desk.begin("paused")
    desk.wait(name, "AWAITING_APPROVAL")
    projects = desk.bench.lab.catalog.projects
    projects.pause("paused", "ada", "", now())
    desk.approve(name)
    stopped = desk.wait(name, "STOPPED")
    assert stopped.why.startswith("2 of 3 were deferred: project paused: paused by ada since")
    assert (stopped.made, stopped.deferred, stopped.going_on) == (1, 2, 0)
    projects.resume("paused")
    desk.flows.reanalysis_orders.resume(name, desk.get(name).limits, "test")
    done = desk.wait(name, "DONE")
    assert (done.made, done.deferred) == (3, 0)
    assert desk.references(*samples) == [desk.newest] * 3


def test_a_version_that_is_ready_is_planned_for_by_itself_and_people_are_told(desk: Desk) -> None:
    desk.analysed("told", "o1")
    version = desk.publish()
    planned = desk.wait(f"{REFERENCE}-{version}-ask", "PLANNED")
    assert planned.plan is not None
    assert planned.plan.analyses >= 1
    assert planned.by == "seqdrop"
    reference = desk.bench.lab.catalog.references.versions(REFERENCE)
    assert not [one for one in reference if one.to_announce]
