"""When a pipeline's runs begin no more, and when they do again."""

import pytest

from seqdrop.domain.failure import FailureClass
from seqdrop.domain.gate import SAME_IN_A_ROW, Gate
from seqdrop.domain.identity import IndexOf, ReferenceId, RunId, StageOf
from seqdrop.domain.pipeline_gate import after_end, asked, gate_of_pipeline, pipeline_of
from seqdrop.domain.records import Job
from tests.domain_support import job as job_of

FREE = Gate(gate_of_pipeline("germline-cpu"))
NOON, LATER, EVENING = (f"2026-03-01T{hour}:00:00.000Z" for hour in (12, 13, 20))


def ended(
    sample: str, stage: str = "align", failure: str = "ToolFailed", at: str = LATER, **given: str
) -> Job:
    status = "FAILED" if failure else "SUCCEEDED"
    action = given.get("action", "fail")
    owner = StageOf(RunId(sample, "wgs", "abc", 1), stage)
    return job_of(
        owner, status=status, failure_class=failure, action=action, ended=at, message="bwa\nboom"
    )


def after(*jobs: Job, gate: Gate = FREE, now: str = NOON) -> Gate:
    for job in jobs:
        gate = after_end(gate, job, now)
    return gate


def shut() -> Gate:
    return after(*(ended(f"S{number}") for number in range(SAME_IN_A_ROW)))


def test_as_many_samples_in_a_row_that_fail_alike_shut_it() -> None:
    jobs = [ended(f"S{number}") for number in range(SAME_IN_A_ROW)]
    assert after(*jobs[:-1]).is_free
    found = after(*jobs)
    assert (found.state, found.failure) == ("shut", "ToolFailed in stage align")
    assert found.why.startswith("ToolFailed in stage align: a tool failed")
    assert found.why.endswith("; boom")
    assert not found.is_told
    assert found.probe_at == "2026-03-01T12:15:00.000Z"
    assert (pipeline_of(found), pipeline_of(Gate("cpu"))) == ("germline-cpu", "")


@pytest.mark.parametrize(
    "between",
    [
        ended("X", failure=""),
        ended("X", failure="OutOfMemory"),
        ended("X", stage="call"),
    ],
    ids=["the stage succeeds", "it fails otherwise", "another stage fails"],
)
def test_what_comes_in_between_begins_the_count_anew(between: Job) -> None:
    jobs = [ended(f"S{number}") for number in range(SAME_IN_A_ROW)]
    assert after(*jobs[:-1], between, jobs[-1]).is_free


@pytest.mark.parametrize(
    "job",
    [
        ended("X", stage="call", failure=""),
        ended("X", failure="BadInput"),
        ended("X", failure="SpotReclaimed"),
        ended("X", action="again"),
        job_of(IndexOf(ReferenceId("r", "1"), "bwa"), status="FAILED", ended=LATER),
    ],
    ids=["another stage", "a sample's own", "a host's", "one that is followed", "an index"],
)
def test_what_says_nothing_of_the_stage_changes_nothing(job: Job) -> None:
    four = after(*(ended(f"S{number}") for number in range(SAME_IN_A_ROW - 1)))
    assert after(job, gate=four) == four
    assert after(job, gate=shut()) == shut()


def test_a_sample_that_fails_again_and_again_counts_once() -> None:
    assert after(*[ended("S1")] * 20).is_free


def test_one_run_is_let_through_as_a_probe_when_it_is_time() -> None:
    gate = shut()
    assert asked(gate, LATER.replace("13", "12")) == (gate, False)
    probed, may_begin = asked(gate, LATER)
    assert (probed.state, may_begin) == ("probed", True)
    assert asked(probed, LATER) == (probed, False), "one, not two"
    again, may_begin = asked(probed, EVENING)
    assert may_begin, "nobody knows what became of the first"
    assert again.probe_at > EVENING
    assert asked(FREE, LATER) == (FREE, True)


def test_a_probe_whose_stage_succeeds_frees_it_and_one_that_fails_alike_doubles_the_pause() -> None:
    probed, _ = asked(shut(), LATER)
    assert after(ended("P", failure="", at=EVENING), gate=probed, now=EVENING).is_free
    worse = after(ended("P", at=EVENING), gate=probed, now=EVENING)
    assert (worse.state, worse.shuts, worse.is_told) == ("shut", 2, True)
    assert worse.probe_at == "2026-03-01T20:30:00.000Z"
    assert after(ended("P", "call", at=EVENING), gate=probed, now=EVENING) == probed


def test_old_news_says_nothing() -> None:
    gate = shut()
    assert after(ended("X", failure="", at=NOON), gate=gate) == gate


@pytest.mark.parametrize("failure", FailureClass)
def test_no_failure_of_a_host_or_licence_shuts_a_pipeline(failure: FailureClass) -> None:
    gate = after(*(ended(f"S{number}", failure=failure) for number in range(SAME_IN_A_ROW)))
    of_pipeline = {"ToolFailed", "BadPlan", "OutOfMemory", "DiskFull", "TimedOut"}
    assert gate.is_free is (failure not in of_pipeline)
