"""The audit trail's copy: each event once, under the same key however often it comes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seqdrop.aws.catalog.table import wire
from tests.cloud_support import Cloud, open_cloud
from tests.lab import reads

AUDIT = "audit"


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    monkeypatch.setenv("AUDIT_BUCKET", AUDIT)
    with open_cloud(tmp_path, monkeypatch) as cloud:
        cloud.s3.create_bucket(Bucket=AUDIT)
        yield cloud


def record(
    kind: str, before: dict[str, Any] | None, after: dict[str, Any] | None, number: int = 1
) -> dict[str, Any]:
    """A stream's record, as AWS documents it."""
    item = after or before or {}
    images = {"NewImage": after, "OldImage": before}
    return {
        "eventID": f"id-{number}",
        "eventName": kind,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_772_366_400,
            "Keys": {name: wire(item[name]) for name in ("pk", "sk")},
            **{n: {k: wire(v) for k, v in i.items()} for n, i in images.items() if i is not None},
            "SequenceNumber": f"{number:021}",
            "SizeBytes": 100,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/catalog/stream/1",
    }


def copied(cloud: Cloud) -> dict[str, Any]:
    """What is in the audit bucket, by key."""
    listed = cloud.s3.list_objects_v2(Bucket=AUDIT).get("Contents", [])
    bodies = {o["Key"]: cloud.s3.get_object(Bucket=AUDIT, Key=o["Key"])["Body"] for o in listed}
    return {key: json.loads(body.read()) for key, body in bodies.items()}


def copy(cloud: Cloud, *records: dict[str, Any]) -> list[str]:
    """Hands records to the function; returns from which on they are to come again."""
    answer = cloud.call("copy_audit", {"Records": list(records)})
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def events_of_a_sample(cloud: Cloud) -> list[dict[str, Any]]:
    for mate in (1, 2):
        cloud.upload(f"NA1_{mate}.fastq.gz", reads(5, mate=mate))
    events = cloud.catalog.analyses.events("NA1")
    assert len(events) >= 3  # two files and the claim
    return events


def test_every_event_of_the_trail_is_copied_whole_and_doubles_change_nothing(cloud: Cloud) -> None:
    events = events_of_a_sample(cloud)
    records = [record("INSERT", None, event, n) for n, event in enumerate(events)]
    assert copy(cloud, *records) == []
    first = copied(cloud)
    assert copy(cloud, *reversed(records)) == []
    assert copied(cloud) == first
    assert sorted(first.values(), key=lambda e: str(e["sk"])) == events
    assert {key.partition("/")[0] for key in first} == {"NA1"}


def test_a_change_of_an_event_is_told_beside_the_event(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    event = events_of_a_sample(cloud)[0]
    changed = {**event, "who": "nobody"}
    copy(cloud, record("INSERT", None, event, 1))
    copy(cloud, record("MODIFY", event, changed, 2), record("REMOVE", changed, None, 3))
    kept = copied(cloud)
    (key,) = (key for key, body in kept.items() if body == event)
    stem = key.removesuffix(".json")
    assert kept[f"{stem}.{2:021}.json"] == {"change": "MODIFY", "before": event, "after": changed}
    assert kept[f"{stem}.{3:021}.json"] == {"change": "REMOVE", "before": changed, "after": None}
    assert caplog.text.count("an audit event was changed") == 2


def test_an_event_under_the_longest_key_that_a_table_takes_is_copied(cloud: Cloud) -> None:
    event = {"pk": "EVENTS#REFERENCE#a/b", "sk": "2026-03-01T12:00:00.000Z#" + "ü" * 500, "n": 1}
    assert copy(cloud, record("INSERT", None, event)) == []
    ((key, body),) = copied(cloud).items()
    assert key.startswith("REFERENCE%23a%2Fb/2026-03-01T12:00:00.000Z-")
    assert body == event


@pytest.mark.filterwarnings("ignore:No application metrics to publish")
def test_what_can_not_be_copied_comes_again_from_there_on(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    event = events_of_a_sample(cloud)[0]
    cloud.s3.delete_bucket(Bucket=AUDIT)
    assert copy(cloud, record("INSERT", None, event, 7)) == [f"{7:021}"]
    assert "message failed" in caplog.text
