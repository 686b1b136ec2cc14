"""`seqdrop redrive` against a runtime: letters go back, and what they ask for is done."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Command
from tests.lab import pair
from tests.statemachine.bench import Bench, open_bench


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with open_bench(tmp_path_factory.mktemp("redrive")) as bench:
        yield bench


@pytest.fixture
def command(bench: Bench, tmp_path: Path) -> Command:
    return Command(tmp_path, bench.lab.runtime.url)


def queue_url(bench: Bench, name: str) -> str:
    answer = bench.lab.client("cloudformation").list_stack_resources(StackName="seqdrop")
    (url,) = [
        r["PhysicalResourceId"]
        for r in answer["StackResourceSummaries"]
        if r["LogicalResourceId"] == name
    ]
    return str(url)


def put(bench: Bench, queue: str, body: Any, **attributes: str) -> None:
    bench.lab.client("sqs").send_message(
        QueueUrl=queue_url(bench, queue),
        MessageBody=body if isinstance(body, str) else json.dumps(body),
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        },
    )


def created(bench: Bench, key: str) -> dict[str, Any]:
    return {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {
            "bucket": {"name": bench.lab.uploads},
            "object": {"key": key, "etag": "0" * 32, "size": 1, "sequencer": "1"},
        },
    }


def by_name(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {queue["queue"]: queue for queue in document["queues"]}


def lost_upload(bench: Bench, key: str, body: bytes) -> dict[str, Any]:
    """A stored file whose event the functions never saw; the event."""
    s3 = bench.lab.client("s3")
    bucket = bench.lab.uploads
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    try:
        answer = s3.put_object(Bucket=bucket, Key=key, Body=body)
    finally:
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
    event = created(bench, key)
    event["detail"]["object"] |= {
        "etag": answer["ETag"].strip('"'),
        "size": len(body),
        "version-id": answer["VersionId"],
    }
    return event


def test_a_redriven_letter_is_handled_as_if_it_had_just_come(
    bench: Bench, command: Command
) -> None:
    r1, r2 = pair(50)
    put(bench, "UploadsDeadLetters", lost_upload(bench, "NA7_R1.fastq.gz", r1))
    bench.lab.drop("NA7_R2.fastq.gz", r2)
    bench.lab.wait_for("NA7", "quick", "RECEIVING")
    moved = by_name(command.ask("redrive"))["UploadsDeadLetters"]
    assert (moved["messages"], moved["moved"], moved["left"]) == (1, 1, 0)
    assert moved["to"] == "UploadsQueue"
    bench.lab.wait_for("NA7", "quick", "ANALYSED")
    again = by_name(command.ask("redrive", "UploadsDeadLetters"))
    assert [(q["messages"], q["moved"]) for q in again.values()] == [(0, 0)]


def test_a_dry_run_says_what_letters_are_about_and_leaves_them(
    bench: Bench, command: Command
) -> None:
    put(bench, "UploadsDeadLetters", {"seqdrop": "recheck", "sample": "NA8", "assay": "quick"})
    put(bench, "UploadsDeadLetters", created(bench, "wes/NA 8_R1.fastq.gz"))
    put(
        bench, "JobEventsDeadLetters",
        {"detail-type": "Batch Job State Change", "detail": {"jobName": "j-1", "status": "FAILED"}},
    )  # fmt: skip
    for _ in range(2):  # looking changes nothing
        found = by_name(command.ask("redrive", "--dry-run"))
        assert sorted(one["about"] for one in found["UploadsDeadLetters"]["letters"]) == [
            "NA8 (quick)",
            f"s3://{bench.lab.uploads}/wes/NA 8_R1.fastq.gz",
        ]
        assert [one["about"] for one in found["JobEventsDeadLetters"]["letters"]] == [
            "job j-1 FAILED"
        ]
    said = command.good("redrive", "--dry-run", "UploadsDeadLetters")
    assert said.splitlines()[0] == "UploadsDeadLetters: 2 messages"
    assert "NA8 (quick)" in said
    for name in ("UploadsDeadLetters", "JobEventsDeadLetters"):
        bench.lab.client("sqs").purge_queue(QueueUrl=queue_url(bench, name))


def test_what_eventbridge_could_not_deliver_goes_where_it_was_meant_to(
    bench: Bench, command: Command
) -> None:
    r1, r2 = pair(50)
    sqs = bench.lab.client("sqs")
    target = sqs.get_queue_attributes(
        QueueUrl=queue_url(bench, "UploadsQueue"), AttributeNames=["QueueArn"]
    )["Attributes"]["QueueArn"]
    bench.lab.drop("NA9_R1.fastq.gz", r1)
    bench.lab.wait_for("NA9", "quick", "RECEIVING")
    put(
        bench, "UndeliveredEvents", lost_upload(bench, "NA9_R2.fastq.gz", r2),
        TARGET_ARN=target, ERROR_CODE="NO_PERMISSIONS", ERROR_MESSAGE="not allowed",
    )  # fmt: skip
    said = command.good("redrive", "UndeliveredEvents", "--dry-run")
    assert "NO_PERMISSIONS: not allowed" in said
    assert command.good("redrive", "UndeliveredEvents") == "UndeliveredEvents: 1 moved\n"
    bench.lab.wait_for("NA9", "quick", "ANALYSED")


def test_a_letter_for_a_queue_that_is_not_the_stacks_stays(bench: Bench, command: Command) -> None:
    put(bench, "UndeliveredEvents", "who?", TARGET_ARN="arn:aws:sqs:us-east-1:123456789012:other")
    put(bench, "UndeliveredEvents", "nobody", TARGET_ARN="arn:aws:lambda:us-east-1:1:function:f")
    ended = command.run("redrive", "UndeliveredEvents")
    assert ended.returncode == 1
    assert "UndeliveredEvents: 2 stay" in ended.stdout
    bench.lab.client("sqs").purge_queue(QueueUrl=queue_url(bench, "UndeliveredEvents"))


def test_a_queue_that_is_not_there_is_answered_with_those_that_are(command: Command) -> None:
    said = command.bad("redrive", "Uploads")
    assert "there is no dead-letter queue 'Uploads'" in said
    assert "UploadsDeadLetters" in said
