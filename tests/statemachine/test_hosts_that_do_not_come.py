"""Queues that are blocked, through the real machine."""

import pytest

from local.batch.blocked import REASONS
from local.batch.faults import NO_REASON
from seqdrop.domain.blocked import REMEDIES
from tests.statemachine.bench import Bench
from tests.statemachine.test_faults import assert_analysed_once
from tests.statemachine.test_faults_seen_late import job_events_lost


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
    assert (job.status, job.failure_class) == ("FAILED", "StuckInQueue")
    assert (job.blocked_reason, job.attempts) == ("", ())


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
