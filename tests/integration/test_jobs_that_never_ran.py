"""Jobs that end before, or beside, their program: what is said of them, and who tries again."""

from typing import Any, NamedTuple

import msgspec
import pytest

from local.batch.retry import AttemptEnd, RetryStrategy
from seqdrop.domain.failure import StageFailure
from seqdrop.domain.plan import encode
from tests.infrastructure.stack import of_type
from tests.run_support import Bench

NOT_STARTED = "Task failed to start"
PULL = "CannotPullContainerError: "
IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/x:1"
DEFINITIONS = of_type("AWS::Batch::JobDefinition")


class End(NamedTuple):
    """How an attempt ends, and what is right."""

    status_reason: str
    reason: str
    exit_code: int | None
    failure: str
    again: bool


REPORTED = [  # texts from issues of nextflow, of other pipelines, and of the ECS agent
    End(NOT_STARTED, f"{PULL}pull image manifest has been retried 7 time(s): toomanyrequests: "
        "Rate exceeded", None, "host", True),
    End(NOT_STARTED, f"{PULL}failed to register layer: write /usr/lib/x.so: no space left on "
        "device", None, "host", True),
    End(NOT_STARTED, "DockerTimeoutError: Could not transition to created; timed out after "
        "waiting 4m0s", None, "host", True),
    End(NOT_STARTED, "CgroupError: Agent could not create task's platform resources",
        None, "host", True),
    End(NOT_STARTED, "ResourceInitializationError: unable to pull secrets or registry auth: i/o "
        "timeout", None, "host", True),
    End(NOT_STARTED, f"{PULL}manifest for {IMAGE} not found", None, "plan", False),
    End(NOT_STARTED, "CannotInspectContainerError: Could not transition to inspecting; timed out "
        "after waiting 30s", None, "host", True),
    End("Essential container in task exited",
        "OutOfMemoryError: Container killed due to memory usage", 137, "lost", False),
    End("Host EC2 (instance i-00000000000000000) terminated.", "", None, "lost", True),
]  # fmt: skip
numbered = pytest.mark.parametrize("end", REPORTED, ids=range(1, 10))


def event_of(bench: Bench, end: End) -> dict[str, Any]:
    """Batch's event of a job whose last attempt ended so."""
    ended: dict[str, Any] = {"containerInstanceArn": "arn:host", "taskArn": "arn:task"}
    if end.reason:
        ended["reason"] = end.reason
    if end.exit_code is not None:
        ended["exitCode"] = end.exit_code
    attempt = {"container": ended, "statusReason": end.status_reason, "stoppedAt": 61_000}
    return bench.event(
        "FAILED", attempts=[attempt], container=ended, statusReason=end.status_reason,
        stoppedAt=61_000,
    )  # fmt: skip


@numbered
def test_the_class_and_the_words_of_a_job_are_what_batch_knows(submitted: Bench, end: End) -> None:
    event = event_of(submitted, end)
    assert submitted.cloud.deliver("record_job_event", event, event) == []
    job = submitted.job
    assert job.failure_class == end.failure
    assert (end.reason or end.status_reason) in job.message
    assert set(submitted.cloud.executions.answers) == {
        ("token", f"JobFailed: align: {job.message}")
    }


@pytest.mark.parametrize("definition", DEFINITIONS)
@numbered
def test_batch_tries_again_where_that_may_help(definition: str, end: End) -> None:
    strategy = DEFINITIONS[definition]["RetryStrategy"]
    rules = [
        {name[0].lower() + name[1:]: value for name, value in rule.items()}
        for rule in strategy["EvaluateOnExit"]
    ]
    given = {"attempts": strategy["Attempts"], "evaluateOnExit": rules}
    attempt = AttemptEnd(end.exit_code, end.status_reason, end.reason or None)
    assert RetryStrategy.from_request(given).wants_another(attempt, 1) is end.again


def test_out_of_memory_names_what_the_stage_asks_for(submitted: Bench) -> None:
    submitted.cloud.deliver("record_job_event", event_of(submitted, REPORTED[7]))
    assert submitted.job.message == (
        "out of memory: it was killed at the 100 MiB that its stage asks for (Essential container "
        "in task exited; OutOfMemoryError: Container killed due to memory usage, exit code 137)"
    )


def test_a_tool_that_was_killed_for_its_memory_under_a_live_runner_is_told_so(
    submitted: Bench,
) -> None:
    words = msgspec.convert(
        {"failure_class": "tool", "message": "bwa was killed by signal 9 (Killed)"}, StageFailure
    )
    submitted.put(f"{submitted.folder}align.failure.json", encode(words))
    submitted.cloud.deliver(
        "record_job_event", event_of(submitted, REPORTED[7]._replace(exit_code=20))
    )
    assert submitted.job.failure_class == "lost"
    assert submitted.job.message.startswith("out of memory: it was killed at the 100 MiB")
    assert submitted.job.message.endswith("; bwa was killed by signal 9 (Killed)")


def test_a_wrong_file_stays_the_files_fault_whatever_else_was_killed(submitted: Bench) -> None:
    words = msgspec.convert({"failure_class": "input", "message": "R2 is short"}, StageFailure)
    submitted.put(f"{submitted.folder}align.failure.json", encode(words))
    submitted.cloud.deliver(
        "record_job_event", event_of(submitted, REPORTED[7]._replace(exit_code=10))
    )
    assert (submitted.job.failure_class, submitted.job.message) == ("input", "R2 is short")
