"""Faults on demand: blocked queues and containers that do not start, by tags of a queue."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.batch.blocked import REASONS
from local.batch.faults import BLOCKED, NO_REASON, NOT_STARTED
from seqdrop.domain.blocked import REMEDIES, blocked_text, code_of
from tests.integration.batch.lab import Lab, open_lab

PULL_LIMIT = "CannotPullContainerError: toomanyrequests: Rate exceeded"


@pytest.fixture
def lab(server: str, tmp_path: Path) -> Iterator[Lab]:
    with open_lab(server, tmp_path, {"cpu": 2}) as opened:
        yield opened


def queue_arn(lab: Lab) -> str:
    """The queue of all jobs here."""
    return str(lab.batch.describe_job_queues(jobQueues=["q"])["jobQueues"][0]["jobQueueArn"])


def tag(lab: Lab, **tags: str) -> None:
    """Tags of the queue; their names come with a colon for the first underscore."""
    named = {name.replace("_", ":", 1).replace("_", "-"): value for name, value in tags.items()}
    lab.batch.tag_resource(resourceArn=queue_arn(lab), tags=named)


def untag(lab: Lab, *names: str) -> None:
    lab.batch.untag_resource(resourceArn=queue_arn(lab), tagKeys=list(names))


def blocked_events(lab: Lab) -> str:
    """The URL of a queue that gets the events of blocked queues."""
    url = lab.client("sqs").create_queue(QueueName="blocked")["QueueUrl"]
    events = lab.client("events")
    pattern = json.dumps({"detail-type": ["Batch Job Queue Blocked"]})
    events.put_rule(Name="blocked", EventPattern=pattern)
    arn = "arn:aws:sqs:eu-west-1:123456789012:blocked"
    events.put_targets(Rule="blocked", Targets=[{"Id": "1", "Arn": arn}])
    return str(url)


OF_SEQDROP = {"NO_HOST", "BREAKER_OPEN"}
"""Reasons that Batch does not give."""


def test_every_reason_of_batch_can_be_played_and_is_known() -> None:
    assert {code_of(reason) for reason in REASONS} == REMEDIES.keys() - OF_SEQDROP


@pytest.mark.parametrize("reason", REASONS)
def test_a_queue_is_blocked_for_a_reason_until_it_is_not(lab: Lab, reason: str) -> None:
    url = blocked_events(lab)
    tag(lab, local_blocked=reason)
    stuck = lab.submit("true")
    job: dict[str, Any] = lab.describe(stuck)
    assert job["status"] == "RUNNABLE"
    assert code_of(blocked_text(job["status"], job["statusReason"])) == reason
    (message,) = lab.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
    assert json.loads(message["Body"])["detail"]["statusReason"] == job["statusReason"]
    untag(lab, BLOCKED)
    assert lab.wait(stuck)["status"] == "SUCCEEDED"
    assert lab.wait(lab.submit("true"))["status"] == "SUCCEEDED"


def test_a_queue_may_be_blocked_without_a_word(lab: Lab) -> None:
    tag(lab, local_blocked=NO_REASON)
    stuck = lab.submit("true")
    assert lab.describe(stuck)["status"] == "RUNNABLE"
    assert "statusReason" not in lab.describe(stuck)
    tag(lab, local_blocked="UNDETERMINED")
    assert lab.describe(stuck)["statusReason"].startswith("UNDETERMINED - ")
    tag(lab, local_blocked=NO_REASON)
    assert "statusReason" not in lab.describe(stuck), "Batch has no reason any more"
    lab.batch.cancel_job(jobId=stuck, reason="enough")
    assert lab.wait(stuck)["statusReason"] == "enough"


def test_a_container_that_does_not_start_has_a_reason_and_no_exit_code(lab: Lab) -> None:
    tag(lab, local_not_started=PULL_LIMIT)
    event = lab.wait(lab.submit("true", retryStrategy={"attempts": 2}))
    assert (event["status"], event["statusReason"]) == ("FAILED", "Task failed to start")
    assert [each["container"]["reason"] for each in event["attempts"]] == [PULL_LIMIT] * 2
    assert "exitCode" not in event["container"]
    assert "startedAt" not in event
    assert "RUNNING" not in lab.states(event["jobId"])
    untag(lab, NOT_STARTED)
    assert lab.wait(lab.submit("true"))["status"] == "SUCCEEDED"


def test_so_many_attempts_are_played_and_the_next_goes_its_own_way(lab: Lab) -> None:
    tag(lab, local_not_started=PULL_LIMIT, local_times="1")
    event = lab.wait(lab.submit("true", retryStrategy={"attempts": 3}))
    assert event["status"] == "SUCCEEDED"
    assert [each["container"].get("exitCode") for each in event["attempts"]] == [None, 0]
    tag(lab, local_times="1")
    assert lab.wait(lab.submit("true"))["status"] == "FAILED"
    assert lab.wait(lab.submit("true"))["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("played", "code", "status_reason", "reason"),
    [
        ("137; Essential container in task exited; OutOfMemoryError: Container killed due to "
         "memory usage", 137, "Essential container in task exited",
         "OutOfMemoryError: Container killed due to memory usage"),
        ("; Host EC2 (instance i-0123456789abcdef0) terminated.", None,
         "Host EC2 (instance i-0123456789abcdef0) terminated.", None),
    ],
)  # fmt: skip
def test_an_attempt_ends_in_the_words_that_are_asked_for(
    lab: Lab, played: str, code: int | None, status_reason: str, reason: str | None
) -> None:
    tag(lab, local_ended=played)
    event = lab.wait(lab.submit("true"))
    assert (event["status"], event["statusReason"]) == ("FAILED", status_reason)
    container = event["attempts"][0]["container"]
    assert (container.get("exitCode"), container.get("reason")) == (code, reason)
    assert event["attempts"][0]["startedAt"]
