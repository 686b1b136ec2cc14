"""An account with few executions: all that is throttled waits, nothing is lost or given up."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl

from tests.e2e.ingest import (
    VISIBILITY_SECONDS,
    running_executions,
    tried_again_after,
    wait_until_quiet,
)
from tests.lab import Lab
from tests.statemachine.bench import Bench

SETTINGS = {"account_concurrency": 3}
TIMES_FASTER = 180
"""Outages are played so much faster: a queue's visibility timeout is a second then."""
OUTAGE_SECONDS = 30 * 60


@contextmanager
def outage(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Others in the account use all executions, from the block's begin for so long.

    From then on the state machine waits less between tries, to the end of the test.
    """
    host = lab.runtime.host
    sleep = SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / TIMES_FASTER))
    monkeypatch.setattr(retrier_decl, "time", sleep)
    with tried_again_after(lab, VISIBILITY_SECONDS // TIMES_FASTER):
        host.account_concurrency = 0
        end = time.monotonic() + OUTAGE_SECONDS / TIMES_FASTER
        yield
        time.sleep(max(0.0, end - time.monotonic()))
    host.account_concurrency = SETTINGS["account_concurrency"]


def has_a_job(lab: Lab, sample: str) -> bool:
    return any(job.job_id for job in lab.jobs(sample, "quick"))


def drop_all(bench: Bench, samples: list[str]) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(bench.drop_pair, samples))


def throttles(bench: Bench, sample: str) -> int:
    """How often a task of the sample's run was throttled."""
    details = [e.get("taskFailedEventDetails", {}) for e in bench.history(sample)]
    return sum(detail.get("error") == "Lambda.TooManyRequestsException" for detail in details)


def assert_each_is_analysed_once(bench: Bench, samples: list[str]) -> None:
    for sample in samples:
        bench.lab.wait_for(sample, "quick", "ANALYSED", "FAILED", "HELD", seconds=120)
    wait_until_quiet(bench.lab)  # of the dead-letter queues too
    ends = {sample: [run.status for run in bench.lab.runs(sample, "quick")] for sample in samples}
    assert ends == {sample: ["SUCCEEDED"] for sample in samples}


def test_a_burst_of_samples_is_analysed_with_three_executions(bench: Bench) -> None:
    deployment = bench.lab.runtime.deployment
    assert deployment is not None
    assert {source.max_concurrency for source in deployment.sources} == {2}, "the template's own"
    samples = [bench.new_sample() for _ in range(12)]
    drop_all(bench, samples)
    assert_each_is_analysed_once(bench, samples)
    assert sum(throttles(bench, sample) for sample in samples) > 0, "nothing had to wait"


def test_half_an_hour_without_executions_costs_time_and_nothing_else(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = bench.lab
    begun, coming = ([bench.new_sample() for _ in range(4)] for _ in range(2))
    stopped = bench.new_sample()
    bench.hold("count")
    drop_all(bench, [*begun, stopped])
    lab.wait_until(lambda: all(has_a_job(lab, sample) for sample in (*begun, stopped)))
    with outage(lab, monkeypatch):
        run = lab.runs(stopped, "quick")[-1]
        lab.client("stepfunctions").stop_execution(executionArn=run.execution, cause="a test")
        bench.let_go("count")
        drop_all(bench, coming)
    assert not any(lab.analysis(sample, "quick") for sample in coming), "nothing was called"
    assert_each_is_analysed_once(bench, begun + coming)
    assert min(throttles(bench, sample) for sample in begun) > 0
    assert lab.wait_for(stopped, "quick", "HELD").why == "stopped: a test"
    assert not running_executions(lab)
