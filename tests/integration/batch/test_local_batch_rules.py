"""Batch's rules: who runs first, what is tried again, what ends a job, what is refused."""

import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.batch.retry import AttemptEnd, RetryStrategy
from tests.integration.batch.lab import SIZES, Lab, eventually, open_lab

FAIL = ("false",)
FOREVER = ("sleep", "600")


@pytest.fixture
def lab(server: str, tmp_path: Path) -> Iterator[Lab]:
    with open_lab(server, tmp_path, {"cpu": 1, "cpu-wide": 3}) as opened:
        yield opened


def started_order(lab: Lab, jobs: dict[str, str]) -> list[str]:
    """Names of jobs in the order in which they came to run."""
    details = [lab.wait(job_id) for job_id in jobs]
    return [jobs[each["jobId"]] for each in sorted(details, key=lambda each: each["startedAt"])]


def all_succeeded(lab: Lab, job_ids: list[str]) -> bool:
    return {job["status"] for job in lab.jobs(job_ids)} == {"SUCCEEDED"}


def refusal(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**request)
    assert caught.value.response["Error"]["Code"] == "ClientException"
    return str(caught.value.response["Error"]["Message"])


def test_higher_priority_first_and_in_order_within_a_queue(lab: Lab) -> None:
    lab.queue("urgent", "cpu-main", priority=10)
    blocker = lab.submit(*FOREVER)
    lab.wait(blocker, "RUNNING")
    # Longer than the clock's unit, so that the order of the starts can be told.
    nap = ("sleep", "0.01")
    jobs = {lab.submit(*nap): "first", lab.submit(*nap): "second"}
    jobs |= {lab.submit(*nap, jobQueue="urgent"): "urgent"}
    assert [lab.describe(job_id)["status"] for job_id in jobs] == ["RUNNABLE"] * 3
    lab.batch.terminate_job(jobId=blocker, reason="make room")
    assert started_order(lab, jobs) == ["urgent", "first", "second"]


def test_queues_of_one_environment_share_its_slots(lab: Lab) -> None:
    wide = lab.environment("cpu-wide")
    for name in ("a", "b"):
        lab.queue(name, wide)
    jobs = [lab.submit(*FOREVER, jobQueue=name) for name in ("a", "b", "a", "b")]
    for job_id in jobs[:3]:
        lab.wait(job_id, "RUNNING")
    assert lab.describe(jobs[3])["status"] == "RUNNABLE"
    lab.batch.terminate_job(jobId=jobs[0], reason="make room")
    assert lab.wait(jobs[3], "RUNNING")


def test_a_disabled_environment_keeps_its_jobs_until_it_is_enabled(lab: Lab) -> None:
    lab.batch.update_compute_environment(computeEnvironment="cpu-main", state="DISABLED")
    job_id = lab.submit("true")
    assert lab.wait(job_id, "RUNNABLE")
    assert lab.describe(job_id)["status"] == "RUNNABLE"
    lab.batch.update_compute_environment(computeEnvironment="cpu-main", state="ENABLED")
    assert lab.wait(job_id)["status"] == "SUCCEEDED"


def test_hundreds_of_jobs_can_wait_without_a_thread_each(lab: Lab) -> None:
    lab.mute()
    lab.queue("bulk", lab.environment("cpu-wide"))
    lab.batch.update_compute_environment(computeEnvironment="cpu-wide", state="DISABLED")
    before = threading.active_count()
    jobs = [lab.submit("true", jobQueue="bulk") for _ in range(300)]
    assert threading.active_count() < before + 10
    lab.batch.update_compute_environment(computeEnvironment="cpu-wide", state="ENABLED")
    for start in range(0, 300, 100):
        eventually(partial(all_succeeded, lab, jobs[start : start + 100]))


def test_a_job_waits_for_the_jobs_that_it_depends_on(lab: Lab) -> None:
    before = lab.submit(*FOREVER)
    after = lab.submit("true", dependsOn=[{"jobId": before}])
    assert lab.describe(after)["status"] == "PENDING"
    lab.batch.terminate_job(jobId=before, reason="no")
    assert lab.wait(after)["statusReason"] == "Dependent Job failed"
    good = lab.submit("true")
    assert lab.wait(lab.submit("true", dependsOn=[{"jobId": good}]))["status"] == "SUCCEEDED"


def test_a_failing_job_is_tried_again_as_often_as_asked(lab: Lab) -> None:
    job_id = lab.python(
        "import os, sys; sys.exit(os.environ['AWS_BATCH_JOB_ATTEMPT'] != '3')",
        retryStrategy={"attempts": 5},
    )
    event = lab.wait(job_id)
    assert event["status"] == "SUCCEEDED"
    assert [each["container"]["exitCode"] for each in event["attempts"]] == [1, 1, 0]
    assert len({each["container"]["logStreamName"] for each in event["attempts"]}) == 3
    again = ["RUNNABLE", "STARTING", "RUNNING"]
    assert lab.states(job_id) == ["SUBMITTED", "PENDING", *again * 3, "SUCCEEDED"]


def test_the_definitions_rules_decide_on_another_attempt(lab: Lab) -> None:
    rules = [{"onExitCode": "7", "action": "EXIT"}, {"onExitCode": "*", "action": "RETRY"}]
    strategy = {"attempts": 3, "evaluateOnExit": rules}
    lab.define("strict", list(FAIL), retryStrategy=strategy)
    assert len(lab.wait(lab.submit(jobDefinition="strict"))["attempts"]) == 3
    seven = lab.wait(lab.python("raise SystemExit(7)", jobDefinition="strict"))
    assert len(seven["attempts"]) == 1


@pytest.mark.parametrize(
    ("rule", "again"),
    [
        ({"onStatusReason": "Host EC2*", "action": "EXIT"}, False),
        ({"onStatusReason": "Host EC2", "action": "EXIT"}, True),
        ({"onStatusReason": "Host EC2*", "onExitCode": "1", "action": "EXIT"}, True),
        ({"onReason": "*", "action": "exit"}, False),
        ({"onReason": "OutOfMemory*", "action": "EXIT"}, True),
        ({"onReason": "*", "action": "RETRY"}, True),
    ],
)
def test_retry_rules_match_by_their_start(rule: dict[str, str], again: bool) -> None:
    end = AttemptEnd(None, "Host EC2 (instance i-1) terminated.")
    strategy = RetryStrategy.from_request({"attempts": 2, "evaluateOnExit": [rule]})
    assert strategy.wants_another(end, 1) is again
    assert not strategy.wants_another(end, 2)


def test_a_job_beyond_its_time_limit_fails_for_good(lab: Lab) -> None:
    job_id = lab.submit(
        *FOREVER, timeout={"attemptDurationSeconds": 1}, retryStrategy={"attempts": 3}
    )
    event = lab.wait(job_id)
    assert event["statusReason"] == "Job attempt duration exceeded timeout"
    assert [each["container"]["exitCode"] for each in event["attempts"]] == [143]
    assert event["timeout"] == {"attemptDurationSeconds": 1}


def test_a_running_job_can_be_terminated(lab: Lab) -> None:
    job_id = lab.submit(*FOREVER, retryStrategy={"attempts": 3})
    lab.wait(job_id, "RUNNING")
    lab.batch.cancel_job(jobId=job_id, reason="too late for this")
    lab.batch.terminate_job(jobId=job_id, reason="wrong sample")
    event = lab.wait(job_id)
    assert (event["status"], event["statusReason"]) == ("FAILED", "wrong sample")
    assert (len(event["attempts"]), event["container"]["exitCode"]) == (1, 143)


@pytest.mark.parametrize("call", ["terminate_job", "cancel_job"])
def test_a_queued_job_ends_without_having_run(lab: Lab, call: str) -> None:
    lab.wait(lab.submit(*FOREVER), "RUNNING")
    job_id = lab.submit("true")
    getattr(lab.batch, call)(jobId=job_id, reason="not needed")
    event = lab.wait(job_id)
    assert (event["status"], event["statusReason"]) == ("FAILED", "not needed")
    assert (event["attempts"], "startedAt" in event) == ([], False)


def test_a_job_that_has_ended_stays_as_it_is(lab: Lab) -> None:
    job_id = lab.submit("true")
    lab.wait(job_id)
    lab.batch.terminate_job(jobId=job_id, reason="too late")
    assert lab.describe(job_id)["status"] == "SUCCEEDED"


def test_jobs_are_listed_by_name_and_by_status(lab: Lab) -> None:
    lab.queue("other", "cpu-main")
    lab.wait(lab.submit(*FOREVER, jobName="running"), "RUNNING")
    names = ["NA1-align", "na1-ALIGN", "NA1-align-2", "NA2"]
    ids = [lab.submit("true", jobName=name) for name in names]

    def named(value: str, queue: str = "q") -> list[str]:
        filters = [{"name": "JOB_NAME", "values": [value]}]
        found = lab.batch.list_jobs(jobQueue=queue, filters=filters)["jobSummaryList"]
        return [summary["jobName"] for summary in found]

    assert named("NA1-ALIGN") == names[1::-1]
    assert named("na1*") == names[2::-1]
    assert named("NA1-align", "other") == []
    running = lab.batch.list_jobs(jobQueue="q")["jobSummaryList"]
    assert [summary["jobName"] for summary in running] == ["running"]
    pages = lab.batch.get_paginator("list_jobs").paginate(
        jobQueue="q", jobStatus="RUNNABLE", PaginationConfig={"PageSize": 3}
    )
    sizes = [[each["jobId"] for each in page["jobSummaryList"]] for page in pages]
    assert sizes == [ids[:0:-1], ids[:1]]


def test_a_summary_tells_how_the_job_ended(lab: Lab) -> None:
    job_id = lab.submit(*FAIL)
    lab.wait(job_id)
    (summary,) = lab.batch.list_jobs(jobQueue="q", jobStatus="FAILED")["jobSummaryList"]
    assert (summary["jobId"], summary["container"]) == (job_id, {"exitCode": 1})
    assert summary["createdAt"] <= summary["startedAt"] <= summary["stoppedAt"]


def test_unknown_jobs_are_absent_from_the_answer(lab: Lab) -> None:
    job_id = lab.submit("true")
    found = lab.batch.describe_jobs(jobs=["nowhere", job_id])["jobs"]
    assert [job["jobId"] for job in found] == [job_id]
    refusal(lab.batch.describe_jobs, jobs=[str(number) for number in range(101)])


@pytest.mark.parametrize(
    "request_",
    [
        {"jobName": "a b"},
        {"jobName": "-a"},
        {"jobName": "a" * 129},
        {"jobQueue": "nowhere"},
        {"jobDefinition": "nothing"},
        {"jobDefinition": "tool:7"},
        {"retryStrategy": {"attempts": 11}},
        {"arrayProperties": {"size": 2}},
        {"parameters": {"large": "x" * 31_000}},
    ],
)
def test_a_request_that_aws_refuses_is_refused(lab: Lab, request_: dict[str, Any]) -> None:
    good = {"jobName": "a", "jobQueue": "q", "jobDefinition": "tool"}
    refusal(lab.batch.submit_job, **{**good, **request_})


def test_a_disabled_queue_takes_no_jobs(lab: Lab) -> None:
    lab.batch.update_job_queue(jobQueue="q", state="DISABLED")
    assert "DISABLED" in refusal(
        lab.batch.submit_job, jobName="a", jobQueue="q", jobDefinition="tool"
    )


def test_a_name_means_the_newest_active_revision(lab: Lab) -> None:
    command = [sys.executable, "-c", ""]
    lab.define("tool", command)
    newest = lab.define("tool", command)
    lab.batch.deregister_job_definition(jobDefinition=newest)
    assert lab.describe(lab.submit(jobDefinition="tool"))["jobDefinition"].endswith("/tool:2")
    assert lab.describe(lab.submit())["container"]["resourceRequirements"] == SIZES
