"""Faults injected into the real machine: each ends in the right state, analysed at most once."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from moto.batch.responses import BatchResponse

from seqdrop.aws.queues import UploadsQueue
from seqdrop.composition import now
from seqdrop.domain.identity import AnalysisId
from seqdrop.domain.records import RunOptions
from tests.statemachine.bench import Bench


class Gate:
    """Holds a call of the Batch API, before or after it has its effect."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()

    def hold(self) -> None:
        """The first caller waits; later ones go through."""
        if not self.reached.is_set():
            self.reached.set()
            self.open.wait(30)


@contextmanager
def gated_submissions(*, before: Gate | None = None, after: Gate | None = None) -> Iterator[None]:
    """SubmitJob passes the gates."""
    submit: Callable[[Any], str] = BatchResponse.submitjob

    def gated(response: Any) -> str:
        if before:
            before.hold()
        answer = submit(response)
        if after:
            after.hold()
        return answer

    BatchResponse.submitjob = gated
    try:
        yield
    finally:
        BatchResponse.submitjob = submit
        for gate in (before, after):
            if gate:
                gate.open.set()


def kill_function(bench: Bench, name: str) -> bool:
    """Kills every worker of a function, in whatever it does; the host gives them no more calls.

    Returns whether there was any.
    """
    deployed = next(f for f in bench.lab.runtime.deployment.functions if name in f.name)  # type: ignore[union-attr]  # it runs
    host = bench.lab.runtime.host
    killed = set(host.pids(deployed.name))
    for pid in killed:
        with suppress(ProcessLookupError):  # it ended by itself meanwhile
            os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + 30
    while killed & set(host.pids(deployed.name)):
        assert time.monotonic() < end, "the host does not see that its workers are dead"
        time.sleep(0.01)
    return bool(killed)


def rerun(bench: Bench, sample: str, options: RunOptions | None = None) -> None:
    """What ``seqdrop rerun`` does."""
    analysis = bench.lab.analysis(sample, "quick")
    assert analysis is not None
    bench.lab.catalog.analyses.release(analysis, "test", options or RunOptions(), now())
    url = bench.lab.runtime.outputs["UploadsQueueUrl"]
    UploadsQueue(bench.lab.client("sqs"), url).recheck(analysis.id)


def assert_analysed_once(bench: Bench, sample: str) -> None:
    bench.lab.wait_for(sample, "quick", "ANALYSED")
    assert [run.status for run in bench.lab.runs(sample, "quick")] == ["SUCCEEDED"]
    assert (bench.starts("count"), bench.starts("left"), bench.starts("right")) == (1, 1, 1)


def test_lost_job_events_cost_an_interval_and_never_a_run(bench: Bench) -> None:
    sample, events = bench.new_sample(), bench.lab.client("events")
    rule = next(r["Name"] for r in events.list_rules()["Rules"] if "JobEvents" in r["Name"])
    events.disable_rule(Name=rule)
    try:
        bench.drop_pair(sample)
        assert_analysed_once(bench, sample)
    finally:
        events.enable_rule(Name=rule)


def test_job_that_outlasts_its_first_poll_is_polled_again(bench: Bench) -> None:
    sample, events = bench.new_sample(), bench.lab.client("events")
    rule = next(r["Name"] for r in events.list_rules()["Rules"] if "JobEvents" in r["Name"])
    events.disable_rule(Name=rule)
    try:
        bench.hold("count")
        bench.drop_pair(sample)
        bench.pid("count")

        def polled_twice() -> bool:
            entered = [
                e["stateEnteredEventDetails"]["name"]
                for e in bench.history(sample)
                if e["type"] == "TaskStateEntered"
            ]
            return entered.count("PollJob") >= 2

        bench.lab.wait_until(polled_twice)
        bench.let_go("count")
        assert_analysed_once(bench, sample)
    finally:
        events.enable_rule(Name=rule)


def test_function_killed_before_batch_has_the_job_submits_it_once(bench: Bench) -> None:
    sample, gate = bench.new_sample(), Gate()
    with gated_submissions(before=gate):
        bench.drop_pair(sample)
        assert gate.reached.wait(30)
        kill_function(bench, "submit-job")
    assert_analysed_once_whatever_was_submitted(bench, sample)


def test_function_killed_before_it_recorded_the_job_takes_it_over(bench: Bench) -> None:
    sample, gate = bench.new_sample(), Gate()
    bench.hold("count")
    with gated_submissions(after=gate):
        bench.drop_pair(sample)
        assert gate.reached.wait(30)
        kill_function(bench, "submit-job")
    bench.let_go("count")
    assert_analysed_once(bench, sample)


def assert_analysed_once_whatever_was_submitted(bench: Bench, sample: str) -> None:
    """A call that was under way when its caller died may still have its effect: a spare job.

    It is ended as soon as it is seen, and it publishes nothing.
    """
    bench.lab.wait_for(sample, "quick", "ANALYSED")
    assert [run.status for run in bench.lab.runs(sample, "quick")] == ["SUCCEEDED"]
    jobs = {job.stage: job.status for job in bench.lab.jobs(sample, "quick")}
    assert jobs == {"count": "SUCCEEDED", "left": "SUCCEEDED", "right": "SUCCEEDED"}


def test_job_that_ends_before_its_submission_was_recorded_still_wakes_the_run(bench: Bench) -> None:
    sample, gate, lab = bench.new_sample(), Gate(), bench.lab
    with gated_submissions(after=gate):
        bench.drop_pair(sample)
        assert gate.reached.wait(30)
        lab.wait_until(lambda: [j for j in lab.jobs(sample, "quick") if j.status == "SUCCEEDED"])
    assert_analysed_once(bench, sample)


def kill_the_job_of(bench: Bench, stage: str) -> None:
    """Kills the runner of the stage's job that waits, with its tools."""
    process = bench.pid(stage)
    bench.hold(stage)  # so that the next job tells a process of its own
    os.killpg(os.getpgid(process), signal.SIGKILL)


def test_job_process_that_is_killed_is_followed_by_another(bench: Bench) -> None:
    sample = bench.new_sample()
    bench.hold("left")
    bench.drop_pair(sample)
    kill_the_job_of(bench, "left")
    bench.pid("left")
    bench.let_go("left")
    bench.lab.wait_for(sample, "quick", "ANALYSED")
    jobs = [job for job in bench.lab.jobs(sample, "quick") if job.stage == "left"]
    assert [(job.status, job.failure_class) for job in jobs] == [
        ("FAILED", "HostFailed"), ("SUCCEEDED", ""),
    ]  # fmt: skip


def test_job_process_that_is_killed_each_time_fails_the_run_and_a_rerun_resumes(
    bench: Bench,
) -> None:
    sample, lab = bench.new_sample(), bench.lab
    bench.hold("left")
    bench.drop_pair(sample)
    for _ in range(3):
        kill_the_job_of(bench, "left")
    analysis = lab.wait_for(sample, "quick", "FAILED")
    assert "left" in analysis.why
    failed = [j.failure_class for j in lab.jobs(sample, "quick") if j.stage == "left"]
    assert failed == ["HostFailed"] * 3
    bench.let_go("left")
    rerun(bench, sample)
    lab.wait_for(sample, "quick", "ANALYSED")
    assert [run.status for run in lab.runs(sample, "quick")] == ["FAILED", "SUCCEEDED"]
    assert bench.starts("count") == 1
    stages = {stage.stage: stage.reused for stage in lab.runs(sample, "quick")[1].stages}
    assert stages["count"] is True
    assert stages["left"] is False


def test_failed_stage_ends_its_siblings_and_says_why(bench: Bench) -> None:
    sample, lab = bench.new_sample(), bench.lab
    bench.break_("left")
    bench.hold("right")
    bench.drop_pair(sample)
    analysis = lab.wait_for(sample, "quick", "FAILED")
    assert "told to fail" in analysis.why
    lab.wait_until(lambda: not lab.live_batch_jobs())
    lab.wait_until(lambda: all(job.has_ended for job in lab.jobs(sample, "quick")))
    assert not analysis.active_run


@pytest.mark.parametrize("stage", ["count", "left"])
def test_stop_in_mid_job_aborts_the_run_and_ends_its_jobs(bench: Bench, stage: str) -> None:
    sample, lab = bench.new_sample(), bench.lab
    bench.hold(stage)
    bench.drop_pair(sample)
    bench.pid(stage)
    run = lab.runs(sample, "quick")[-1]
    lab.client("stepfunctions").stop_execution(executionArn=run.execution, cause="by a test")
    analysis = lab.wait_for(sample, "quick", "HELD")
    assert "by a test" in analysis.why
    lab.wait_until(lambda: not lab.live_batch_jobs())
    assert [run.status for run in lab.runs(sample, "quick")] == ["ABORTED"]
    bench.let_go(stage)
    rerun(bench, sample)
    lab.wait_for(sample, "quick", "ANALYSED")
    assert bench.starts(stage) == 2


def test_stop_before_a_submission_was_recorded_leaves_no_job(bench: Bench) -> None:
    sample, gate, lab = bench.new_sample(), Gate(), bench.lab
    bench.hold("count")
    with gated_submissions(before=gate):
        bench.drop_pair(sample)
        assert gate.reached.wait(30)
        run = lab.runs(sample, "quick")[-1]
        lab.client("stepfunctions").stop_execution(executionArn=run.execution, cause="early")
        lab.wait_for(sample, "quick", "HELD")
    lab.wait_until(lambda: [j for j in lab.jobs(sample, "quick") if j.job_id])
    lab.wait_until(lambda: not lab.live_batch_jobs())
    assert [run.status for run in lab.runs(sample, "quick")] == ["ABORTED"]


def test_run_claimed_by_somebody_who_died_is_started_by_the_next_look(bench: Bench) -> None:
    sample, lab = bench.new_sample(), bench.lab
    from moto.stepfunctions.responses import StepFunctionResponse

    start, gate = StepFunctionResponse.start_execution, Gate()

    def dies(response: Any) -> Any:
        if not gate.reached.is_set():
            gate.reached.set()
            gate.open.wait(30)
            raise ConnectionError("nobody is there to hear the answer")
        return start(response)

    StepFunctionResponse.start_execution = dies
    try:
        bench.drop_pair(sample)
        assert gate.reached.wait(30)
        kill_function(bench, "register-upload")
        gate.open.set()
        assert lab.runs(sample, "quick")[0].status == "CLAIMED"
        UploadsQueue(lab.client("sqs"), lab.runtime.outputs["UploadsQueueUrl"]).recheck(
            AnalysisId(sample, "quick")
        )
        assert_analysed_once(bench, sample)
    finally:
        StepFunctionResponse.start_execution = start


def test_fresh_writes_the_next_result_beside_the_old_one(bench: Bench) -> None:
    sample, lab = bench.new_sample(), bench.lab
    bench.drop_pair(sample)
    lab.wait_for(sample, "quick", "ANALYSED")
    rerun(bench, sample, RunOptions(fresh=True))
    lab.wait_until(lambda: len(lab.runs(sample, "quick")) == 2)
    lab.wait_for(sample, "quick", "ANALYSED")
    first, second = lab.runs(sample, "quick")
    assert first.run_key == second.run_key
    assert {s.prefix.split("/")[-2] for s in first.stages} == {"1"}
    assert {s.prefix.split("/")[-2] for s in second.stages} == {"2"}


def test_rerun_from_a_stage_runs_it_and_what_needs_it(bench: Bench) -> None:
    sample, lab = bench.new_sample(), bench.lab
    bench.drop_pair(sample)
    lab.wait_for(sample, "quick", "ANALYSED")
    rerun(bench, sample, RunOptions(from_stage="left"))
    lab.wait_until(lambda: len(lab.runs(sample, "quick")) == 2)
    lab.wait_for(sample, "quick", "ANALYSED")
    reused = {stage.stage: stage.reused for stage in lab.runs(sample, "quick")[1].stages}
    assert reused == {"count": True, "left": False, "right": True}


def test_a_job_that_is_being_submitted_as_its_run_fails_is_ended_with_it(bench: Bench) -> None:
    sample, lab, before = bench.new_sample(), bench.lab, Gate()
    bench.hold("count")
    bench.drop_pair(sample)
    bench.pid("count")
    for stage in ("left", "right"):  # whichever is held, the other one fails
        bench.break_(stage)
    with gated_submissions(before=before):
        bench.let_go("count")
        lab.wait_for(sample, "quick", "FAILED")
        held = [job for job in lab.jobs(sample, "quick") if not job.has_ended]
        assert [(job.status, job.job_id) for job in held] == [("SUBMITTING", "")]
    lab.wait_until(lambda: all(job.has_ended for job in lab.jobs(sample, "quick")))
    assert not lab.live_batch_jobs()
