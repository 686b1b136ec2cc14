"""Service events on the embedded event bus: who gets them, and what their body is."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.events.models import events_backends

from local.eventbridge import put_event

ACCOUNT, REGION = "123456789012", "eu-west-1"
QUEUE_ARN = f"arn:aws:batch:{REGION}:{ACCOUNT}:job-queue/cpu-bulk"


class Bus:
    """A mocked region with SQS queues behind rules."""

    def __init__(self) -> None:
        session = boto3.Session("x", "x", region_name=REGION)
        self.sqs = session.client("sqs")
        self.events = session.client("events")

    def queue(self, name: str) -> str:
        self.sqs.create_queue(QueueName=name)
        return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"

    def rule(self, name: str, pattern: dict[str, Any], *arns: str, **target: Any) -> None:
        self.events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        targets: list[Any] = [{"Id": str(i), "Arn": arn, **target} for i, arn in enumerate(arns)]
        self.events.put_targets(Rule=name, Targets=targets)

    def bodies(self, name: str) -> list[dict[str, Any]]:
        url = self.sqs.get_queue_url(QueueName=name)["QueueUrl"]
        answer = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


@pytest.fixture
def bus() -> Iterator[Bus]:
    with mock_aws():
        yield Bus()


def put(detail: dict[str, Any]) -> None:
    put_event(
        ACCOUNT,
        REGION,
        source="aws.batch",
        detail_type="Batch Job State Change",
        resources=["arn:aws:batch:job/1"],
        detail=detail,
        time=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    )


def test_a_queue_gets_the_whole_event(bus: Bus) -> None:
    bus.rule("all", {"source": ["aws.batch"]}, bus.queue("jobs"))
    detail = {"status": "FAILED", "container": {"command": ["echo", "<id> <detail-type> {}"]}}
    put(detail)
    (body,) = bus.bodies("jobs")
    assert body.pop("id")
    assert body == {
        "version": "0",
        "detail-type": "Batch Job State Change",
        "source": "aws.batch",
        "account": ACCOUNT,
        "time": "2026-01-02T03:04:05Z",
        "region": REGION,
        "resources": ["arn:aws:batch:job/1"],
        "detail": detail,
    }


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"jobQueue": [QUEUE_ARN]}, 1),
        ({"jobQueue": [QUEUE_ARN + "-other"]}, 0),
        ({"jobQueue": [{"prefix": QUEUE_ARN[:-5]}]}, 1),
        ({"status": [{"anything-but": ["SUBMITTED", "RUNNABLE"]}]}, 1),
        ({"status": [{"anything-but": ["FAILED"]}]}, 0),
        ({"status": ["SUCCEEDED", "FAILED"], "container": {"exitCode": [1, 2]}}, 1),
        ({"container": {"exitCode": [{"numeric": [">", 2]}]}}, 0),
        ({"container": {"reason": [{"exists": False}]}}, 1),
        ({"names": ["b"]}, 1),
        ({"names": ["c"]}, 0),
    ],
)
def test_patterns_are_honoured(bus: Bus, pattern: dict[str, Any], expected: int) -> None:
    bus.rule("some", {"source": ["aws.batch"], "detail": pattern}, bus.queue("jobs"))
    put(
        {
            "jobQueue": QUEUE_ARN,
            "status": "FAILED",
            "container": {"exitCode": 2},
            "names": ["a", "b"],
        }
    )
    assert len(bus.bodies("jobs")) == expected


def test_a_disabled_rule_delivers_nothing(bus: Bus) -> None:
    bus.rule("all", {"source": ["aws.batch"]}, bus.queue("jobs"))
    bus.events.disable_rule(Name="all")
    put({"status": "FAILED"})
    assert bus.bodies("jobs") == []


def test_each_target_gets_its_copy(bus: Bus) -> None:
    bus.rule("all", {"source": ["aws.batch"]}, bus.queue("one"), bus.queue("two"))
    put({"status": "FAILED"})
    assert [len(bus.bodies(name)) for name in ("one", "two")] == [1, 1]


def test_a_missing_queue_costs_only_its_own_copy(bus: Bus) -> None:
    gone = f"arn:aws:sqs:{REGION}:{ACCOUNT}:gone"
    bus.rule("a", {"source": ["aws.batch"]}, gone, DeadLetterConfig={"Arn": bus.queue("dead")})
    bus.rule("b", {"source": ["aws.batch"]}, bus.queue("jobs"))
    put({"status": "FAILED"})
    assert [len(bus.bodies(name)) for name in ("dead", "jobs")] == [1, 1]


def test_an_input_transformer_shapes_the_body(bus: Bus) -> None:
    shape = {"InputPathsMap": {"s": "$.detail.status"}, "InputTemplate": '{"was": "<s>"}'}
    bus.rule("all", {"source": ["aws.batch"]}, bus.queue("jobs"), InputTransformer=shape)
    put({"status": "FAILED"})
    assert bus.bodies("jobs") == [{"was": "FAILED"}]


def stock_event(**detail: Any) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "1",
        "detail-type": "Batch Job State Change",
        "source": "aws.batch",
        "account": ACCOUNT,
        "time": 0.0,
        "region": REGION,
        "resources": [],
        "detail": detail,
        "ingestion-time": 0.0,
    }


def test_stock_moto_loses_the_account_and_rewrites_details(bus: Bus) -> None:
    """Fails once bodies can be left to `Rule.send_to_targets`."""
    bus.rule("all", {"source": ["aws.batch"]}, bus.queue("jobs"))
    rule = events_backends[ACCOUNT][REGION].event_buses["default"].rules["all"]
    rule.send_to_targets(stock_event(command="<id>"))
    (body,) = bus.bodies("jobs")
    assert "account" not in body
    assert body["detail"] == {"command": "1"}


def test_stock_moto_delivers_for_disabled_rules(bus: Bus) -> None:
    """Fails once the check of a rule's state can be left to `Rule.send_to_targets`."""
    bus.rule("all", {"source": ["aws.batch"]}, bus.queue("jobs"))
    bus.events.disable_rule(Name="all")
    rule = events_backends[ACCOUNT][REGION].event_buses["default"].rules["all"]
    rule.send_to_targets(stock_event(status="FAILED"))
    assert len(bus.bodies("jobs")) == 1
