"""The rules' patterns against the examples in AWS's own documentation of each event."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from moto.events.models import EventPattern

from tests.infrastructure.stack import made_of_type, of_type

EVENTS = Path(__file__).with_name("events")
STACK = "lab"
ARN = "arn:aws:{service}:us-east-1:123456789012:{name}"


def resolved(value: Any) -> Any:
    """A pattern as CloudFormation would leave it."""
    if isinstance(value, list):
        return [resolved(v) for v in value]
    if not isinstance(value, dict):
        return value
    if "Ref" in value:
        name: str = value["Ref"]
        if name == "UploadsBucket":
            return "lab-uploads"
        queue: str = of_type("AWS::Batch::JobQueue")[name]["JobQueueName"]["Fn::Sub"]
        queue = queue.replace("${AWS::StackName}", STACK)
        return ARN.format(service="batch", name=f"job-queue/{queue}")
    if "Fn::Sub" in value:
        text: str = value["Fn::Sub"]
        for name, known in (
            ("Partition", "aws"), ("Region", "us-east-1"),
            ("AccountId", "123456789012"), ("StackName", STACK),
        ):  # fmt: skip
            text = text.replace(f"${{AWS::{name}}}", known)
        return text
    return {k: resolved(v) for k, v in value.items()}


def matches(rule: str, event: dict[str, Any]) -> bool:
    """Whether a rule takes an event."""
    rules = made_of_type("AWS::Events::Rule", EnableFpga="true")
    pattern = resolved(rules[rule]["EventPattern"])
    return bool(EventPattern.load(json.dumps(pattern)).matches_event(event))


def event(name: str, **detail: Any) -> dict[str, Any]:
    """A documented example, with some of its detail changed."""
    example: dict[str, Any] = deepcopy(json.loads((EVENTS / f"{name}.json").read_text("utf-8")))
    example["detail"] |= detail
    return example


OF_OBJECTS = ("object_created", "object_deleted", "object_expired", "object_restored")


@pytest.mark.parametrize("example", OF_OBJECTS)
@pytest.mark.parametrize("bucket", ["lab-uploads", "another"])
def test_what_comes_and_goes_is_taken_of_the_uploads_bucket_alone(
    example: str, bucket: str
) -> None:
    told = event(example, bucket={"name": bucket})
    assert matches("UploadsRule", told) is (bucket == "lab-uploads")


@pytest.mark.parametrize(
    "reason", ["PutObject", "POST Object", "CopyObject", "CompleteMultipartUpload"]
)
def test_a_new_object_is_taken_however_it_was_written(reason: str) -> None:
    told = event("object_created", bucket={"name": "lab-uploads"}, reason=reason)
    assert matches("UploadsRule", told)


@pytest.mark.parametrize(
    "kind", ["Object Tags Added", "Object Restore Initiated", "Object Storage Class Changed"]
)
def test_what_changes_no_reads_is_not_taken(kind: str) -> None:
    told = event("object_created", bucket={"name": "lab-uploads"}) | {"detail-type": kind}
    assert not matches("UploadsRule", told)


@pytest.mark.parametrize("kind", ["cpu", "fpga-genome", "fpga-exome"])
@pytest.mark.parametrize("priority", ["urgent", "routine", "bulk"])
def test_jobs_of_every_queue_of_the_stack_are_taken(kind: str, priority: str) -> None:
    queue = ARN.format(service="batch", name=f"job-queue/{STACK}-{kind}-{priority}")
    for example in ("job_state_change", "job_queue_blocked"):
        assert matches("JobEventsRule", event(example, jobQueue=queue))


@pytest.mark.parametrize("example", ["job_state_change", "job_queue_blocked"])
def test_jobs_of_other_stacks_are_not_taken(example: str) -> None:
    assert not matches("JobEventsRule", event(example))


@pytest.mark.parametrize(
    ("status", "taken"),
    [
        ("FAILED", True),
        ("TIMED_OUT", True),
        ("ABORTED", True),
        ("RUNNING", False),
        ("SUCCEEDED", False),
    ],
)
def test_executions_that_ended_badly_are_taken(status: str, taken: bool) -> None:
    machine = ARN.format(service="states", name=f"stateMachine:{STACK}-analyse-sample")
    ended = event("execution_status_change", stateMachineArn=machine, status=status)
    assert matches("ExecutionEndsRule", ended) is taken


def test_executions_of_other_machines_are_not_taken() -> None:
    assert not matches("ExecutionEndsRule", event("execution_status_change"))
