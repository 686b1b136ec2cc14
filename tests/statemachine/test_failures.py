"""Each class of failure through the real machine: what follows on it, and what the end says."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from seqdrop.domain.failure import RULES, FailureClass
from seqdrop.domain.records import Job
from tests.statemachine.bench import Bench, entered

ENDED = "Essential container in task exited"
PULL = "CannotPullContainerError: "
GONE = "; Host EC2 (instance i-0123456789abcdef0) terminated."
STAGES, WAVES = 3, 2


class Failure(NamedTuple):
    """How a stage is made to fail: by the words of its tool, or by an end that Batch tells."""

    failure: str
    stage: str = "count"
    words: str = ""
    times: int = 1
    played: Mapping[str, str] = MappingProxyType({})


PASSING = [
    Failure("SpotReclaimed", played={"ENDED": GONE, "TIMES": "3"}),
    Failure("HostFailed", played={"ENDED": f"137; {ENDED}", "TIMES": "1"}),
    Failure("HostFailed", "right", played={"ENDED": GONE, "TIMES": "3"}),
    Failure(
        "OutOfMemory",
        played={
            "ENDED": f"137; {ENDED}; OutOfMemoryError: Container killed due to memory usage",
            "TIMES": "1",
        },
    ),
    Failure("OutOfMemory", "left", "samtools sort: couldn't allocate memory for bam_mem"),
    Failure("DiskFull", "left", "write failed: No space left on device"),
    Failure("NeverStarted", played={"NOT_STARTED": f"{PULL}toomanyrequests", "TIMES": "1"}),
    Failure(
        "JobVanished", played={"ENDED": "; CannotInspectContainerError: timed out", "TIMES": "1"}
    ),
    Failure("TransferFailed", played={"ENDED": f"31; {ENDED}", "TIMES": "1"}),
    Failure("BadBoard", "right", "**  An issue has been detected with the dragen card.", 2),
    Failure("LicenceUnavailable", "right", "Failed to connect to the license server"),
]
"""Failures that pass: as often as they are played, and then all goes well."""

FINAL = [
    Failure("BadInput", played={"ENDED": f"10; {ENDED}"}),
    Failure("ToolFailed", "left", "something of its own", 9),
    Failure("TimedOut", played={"ENDED": "137; Job attempt duration exceeded timeout"}),
    Failure("ImageMissing", played={"NOT_STARTED": f"{PULL}manifest for x:1 not found"}),
    Failure("BadPlan", played={"ENDED": f"40; {ENDED}"}),
    Failure("DiskFull", "left", "write failed: No space left on device", 9),
]
"""Failures that end a run, at once or when what may follow has failed alike."""


def kind_of(failure: Failure) -> str:
    """The queue that the stage's jobs go to."""
    return "fpga-genome" if failure.stage == "right" else "cpu"


def jobs_of(bench: Bench, sample: str, stage: str, assay: str = "quick") -> list[Job]:
    """The stage's jobs, in their order."""
    return [job for job in bench.lab.jobs(sample, assay) if job.stage == stage]


def errors_of(bench: Bench, sample: str) -> list[str]:
    """The errors that the machine's tasks got."""
    events = bench.history(sample)
    return [e["taskFailedEventDetails"]["error"] for e in events if e["type"] == "TaskFailed"]


def execution_of(bench: Bench, sample: str) -> Any:
    """The newest run's execution, once it has ended."""
    run = bench.lab.runs(sample, "quick")[-1]
    stepfunctions = bench.lab.client("stepfunctions")

    def ended() -> Any:
        found = stepfunctions.describe_execution(executionArn=run.execution)
        return found["status"] != "RUNNING" and found

    return bench.lab.wait_until(ended)


def test_every_class_is_played_but_those_that_have_tests_of_their_own() -> None:
    played = {each.failure for each in (*PASSING, *FINAL)}
    own = {"StuckInQueue", "LicenceExhausted", "Stopped", "Moved"}  # hosts, breakers, priorities
    assert played == set(FailureClass) - own


@pytest.mark.parametrize("failure", PASSING, ids=lambda each: f"{each.failure}-{each.stage}")
def test_a_failure_that_passes_costs_one_job_and_no_state(bench: Bench, failure: Failure) -> None:
    sample = bench.new_sample()
    if failure.words:
        bench.break_(failure.stage, failure.words, failure.times)
    with bench.playing(kind_of(failure), **failure.played):
        bench.drop_pair(sample)
        bench.lab.wait_for(sample, "quick", "ANALYSED")
    first, second = jobs_of(bench, sample, failure.stage)
    assert (first.status, first.failure_class) == ("FAILED", failure.failure)
    assert first.action == RULES[FailureClass(failure.failure)].action
    assert (second.status, second.earlier) == ("SUCCEEDED", (failure.failure,))
    assert second.name == f"{first.name}_2"
    assert errors_of(bench, sample) == [failure.failure]
    states = entered(bench, sample)
    if "PollJob" not in states:  # no event came so late that Batch was asked
        assert len(states) == 3 + WAVES + STAGES
    if failure.failure == "SpotReclaimed":
        assert len(first.attempts) == 3, "Batch itself has tried so often"
        assert {attempt.host for attempt in first.attempts} == {"i-0123456789abcdef0"}
        assert second.queue.endswith("-cpu-ondemand")
    else:
        assert second.queue == first.queue
    larger = failure.failure in {"OutOfMemory", "DiskFull"}
    assert second.memory_mib == (2 if larger else 1) * first.memory_mib
    described = bench.lab.client("batch").describe_jobs(jobs=[second.job_id])["jobs"][0]
    assert str(second.memory_mib) in json.dumps(described)
    if failure.failure == "BadBoard":
        assert bench.resets() == 1, "its runner resets it once before it gives up"


@pytest.mark.parametrize("failure", FINAL, ids=lambda each: f"{each.failure}-{each.stage}")
def test_a_failure_that_lasts_ends_the_run_with_its_own_error_and_cause(
    bench: Bench, failure: Failure
) -> None:
    sample = bench.new_sample()
    if failure.words:
        bench.break_(failure.stage, failure.words, failure.times)
    held = failure.failure == "BadInput"
    with bench.playing(kind_of(failure), **failure.played):
        bench.drop_pair(sample)
        analysis = bench.lab.wait_for(sample, "quick", "HELD" if held else "FAILED")
        execution = execution_of(bench, sample)
    jobs = jobs_of(bench, sample, failure.stage)
    rule = RULES[FailureClass(failure.failure)]
    assert len(jobs) == 1 + rule.jobs
    assert {job.failure_class for job in jobs} == {failure.failure}
    assert jobs[-1].action == ("hold" if held else "fail")
    assert execution["status"] == "FAILED"
    assert execution["error"] == failure.failure
    why = f"{failure.stage}: {jobs[-1].message}"
    assert execution["cause"] == why
    assert bench.lab.runs(sample, "quick")[-1].failure == why
    assert why in (*analysis.holds.values(), analysis.why)


def test_a_job_that_a_person_ends_in_batch_is_not_tried_again(bench: Bench) -> None:
    sample = bench.new_sample()
    bench.hold("count")
    bench.drop_pair(sample)
    bench.pid("count")
    (job,) = jobs_of(bench, sample, "count")
    bench.lab.client("batch").terminate_job(jobId=job.job_id, reason="it was the wrong sample")
    analysis = bench.lab.wait_for(sample, "quick", "FAILED")
    (job,) = jobs_of(bench, sample, "count")
    assert (job.failure_class, job.action) == ("Stopped", "fail")
    assert execution_of(bench, sample)["error"] == "Stopped"
    assert "it was the wrong sample" in analysis.why
