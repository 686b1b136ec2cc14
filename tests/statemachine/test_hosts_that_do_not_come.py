"""Queues that are blocked, and containers that do not start, through the real machine."""

import pytest

from local.batch.blocked import REASONS
from local.batch.faults import NO_REASON
from seqdrop.domain.blocked import REMEDIES, remedy_of
from tests.statemachine.bench import Bench
from tests.statemachine.test_faults import assert_analysed_once
from tests.statemachine.test_faults_seen_late import job_events_lost

PULL_LIMIT = (
    "CannotPullContainerError: pull image manifest has been retried 7 times: toomanyrequests: "
    "Rate exceeded"
)
NO_IMAGE = (
    "CannotPullContainerError: Error response from daemon: manifest for "
    "111122223333.dkr.ecr/seqdrop/cpu:1 not found: manifest unknown"
)


@pytest.mark.parametrize("reason", REASONS)
def test_a_run_whose_queue_is_blocked_fails_and_says_why_and_what_to_do(
    bench: Bench, reason: str
) -> None:
    sample, lab = bench.new_sample(), bench.lab
    with bench.playing(BLOCKED=reason):
        bench.drop_pair(sample)
        lab.wait_until(lambda: [j for j in lab.jobs(sample, "quick") if j.blocked_reason])
        why = lab.wait_for(sample, "quick", "FAILED").why
    assert why.startswith("count: got no host in ")
    assert f": {reason} - " in why
    assert REMEDIES[reason].do in why
    assert "\n" not in why
    (job,) = lab.jobs(sample, "quick")
    assert (job.status, job.failure_class) == ("FAILED", remedy_of(reason).failure)
    assert (job.blocked_reason, job.attempt_seconds) == ("", ())


@pytest.mark.parametrize("reason", ["UNDETERMINED", NO_REASON])
def test_a_run_is_not_left_waiting_though_no_event_tells_of_its_job(
    bench: Bench, reason: str
) -> None:
    sample, lab = bench.new_sample(), bench.lab
    with job_events_lost(bench), bench.playing(BLOCKED=reason):
        bench.drop_pair(sample)
        why = lab.wait_for(sample, "quick", "FAILED").why
    code = "NO_HOST" if reason == NO_REASON else reason
    assert f": {code} - " in why
    assert REMEDIES[code].do in why


def test_a_queue_that_goes_on_in_time_costs_its_run_nothing(bench: Bench) -> None:
    sample, lab = bench.new_sample(), bench.lab
    with bench.playing(BLOCKED="CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY"):
        bench.drop_pair(sample)
        lab.wait_until(lambda: [j for j in lab.jobs(sample, "quick") if j.blocked_reason])
    assert_analysed_once(bench, sample)
    assert not [job for job in lab.jobs(sample, "quick") if job.blocked_reason]


def test_a_job_that_waits_behind_a_running_one_is_left_alone(bench: Bench) -> None:
    first, second, lab = bench.new_sample(), bench.new_sample(), bench.lab
    bench.hold("count")
    bench.drop_pair(first)
    bench.pid("count")
    with bench.playing(BLOCKED=NO_REASON):
        bench.drop_pair(second)
        lab.wait_until(lambda: lab.jobs(second, "quick"))
        lab.wait_until(lambda: polls_of(bench, second) >= 2)
        assert [job.status for job in lab.jobs(second, "quick")] == ["RUNNABLE"]
        bench.let_go("count")
    lab.wait_for(first, "quick", "ANALYSED")
    lab.wait_for(second, "quick", "ANALYSED")


def polls_of(bench: Bench, sample: str) -> int:
    """How often the run's execution has asked Batch."""
    entered = [
        event["stateEnteredEventDetails"]["name"]
        for event in bench.history(sample)
        if event["type"] == "TaskStateEntered"
    ]
    return entered.count("PollJob")


@pytest.mark.parametrize("kind", ["cpu", "fpga-genome"])
def test_a_pull_that_goes_well_the_second_time_costs_an_attempt(bench: Bench, kind: str) -> None:
    sample, lab = bench.new_sample(), bench.lab
    with bench.playing(kind, NOT_STARTED=PULL_LIMIT, NOT_STARTED_ATTEMPTS="1"):
        bench.drop_pair(sample)
        lab.wait_for(sample, "quick", "ANALYSED")
    attempts = {len(j.attempt_seconds) for j in lab.jobs(sample, "quick") if f"-{kind}-" in j.queue}
    assert attempts == {2}


@pytest.mark.parametrize(
    ("text", "failure", "attempts"), [(PULL_LIMIT, "host", 3), (NO_IMAGE, "plan", 1)]
)
def test_a_container_that_never_starts_fails_its_run_in_ecs_words(
    bench: Bench, text: str, failure: str, attempts: int
) -> None:
    sample, lab = bench.new_sample(), bench.lab
    with bench.playing(NOT_STARTED=text):
        bench.drop_pair(sample)
        why = lab.wait_for(sample, "quick", "FAILED").why
    assert why == f"count: Task failed to start; {text}"
    (job,) = lab.jobs(sample, "quick")
    assert (job.failure_class, len(job.attempt_seconds)) == (failure, attempts)
    assert (job.exit_code, job.cost_usd) == (None, 0)
