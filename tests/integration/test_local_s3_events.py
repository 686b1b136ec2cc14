"""S3's events and conditional writes in the embedded runtime, over HTTP.

The tests named `test_stock_…` fail once moto no longer has the fault; the patch can then go.
"""

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from threading import Barrier, BrokenBarrierError
from typing import Any

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError
from moto.moto_api._internal.models import moto_api_backend
from moto.s3 import notifications
from moto.s3.responses import S3Response

from local import s3_events

ACCOUNT, REGION = "123456789012", "us-east-1"
PART_BYTES = 5 * 1024 * 1024
TRANSFER = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES)


class Cloud:
    """Two buckets, one of them versioned, whose events arrive in one queue."""

    def __init__(self, endpoint: str) -> None:
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        at: dict[str, Any] = {"region_name": REGION, "endpoint_url": endpoint, **keys}
        self.s3: Any = boto3.client("s3", **at)
        self.sqs: Any = boto3.client("sqs", **at)
        events: Any = boto3.client("events", **at)
        for bucket in ("versioned", "plain"):
            self.s3.create_bucket(Bucket=bucket)
            self.s3.put_bucket_notification_configuration(
                Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
            )
        self.s3.put_bucket_versioning(
            Bucket="versioned", VersioningConfiguration={"Status": "Enabled"}
        )
        self.queue = self.sqs.create_queue(QueueName="events")["QueueUrl"]
        events.put_rule(Name="uploads", EventPattern=json.dumps({"source": ["aws.s3"]}))
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:events"
        events.put_targets(Rule="uploads", Targets=[{"Id": "queue", "Arn": arn}])

    def events(self) -> list[dict[str, Any]]:
        """All that the queue holds, taken out of it."""
        taken: list[dict[str, Any]] = []
        while found := self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in found:
                taken.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return taken

    def upload_in_parts(self, key: str) -> None:
        content = BytesIO(b"ACGT" * (PART_BYTES // 4 + 1))
        self.s3.upload_fileobj(content, "versioned", key, Config=TRANSFER)


@pytest.fixture
def cloud(endpoint: str) -> Iterator[Cloud]:
    yield Cloud(endpoint)
    s3_events.uninstall()
    moto_api_backend.reset()


@pytest.fixture
def patches() -> Iterator[None]:
    s3_events.install()
    yield
    s3_events.uninstall()


def test_an_object_created_event_has_the_documented_shape(cloud: Cloud, patches: None) -> None:
    # Source: "EventBridge event message structure" in the S3 user guide.
    put = cloud.s3.put_object(Bucket="versioned", Key="wes/a b+ö_R1.fastq.gz", Body=b"hello")
    (event,) = cloud.events()
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", event.pop("id"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event.pop("time"))
    assert re.fullmatch(r"[0-9A-F]{16}", event["detail"].pop("request-id"))
    assert re.fullmatch(r"[0-9A-F]+", event["detail"]["object"].pop("sequencer"))
    assert event == {
        "version": "0",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": ACCOUNT,
        "region": REGION,
        "resources": ["arn:aws:s3:::versioned"],
        "detail": {
            "version": "0",
            "event-version": "1.0",
            "bucket": {"name": "versioned"},
            "object": {
                "key": "wes/a b+ö_R1.fastq.gz",
                "size": 5,
                "etag": "5d41402abc4b2a76b9719d911017c592",
                "version-id": put["VersionId"],
            },
            "requester": ACCOUNT,
            "source-ip-address": "127.0.0.1",
            "reason": "PutObject",
        },
    }


def test_stock_events_are_not_in_awss_shape(cloud: Cloud) -> None:
    """Fails once moto needs no `_send_event_bridge_message` patch."""
    cloud.s3.put_object(Bucket="plain", Key="a", Body=b"1")
    cloud.s3.put_object(Bucket="plain", Key="a", Body=b"2")
    created = [e["detail"] for e in cloud.events() if e["detail-type"] == "Object Created"]
    first, second = (detail["object"] for detail in created)
    assert first["sequencer"] == second["sequencer"]
    assert "etag" not in first
    assert first["version-id"] == "null"
    assert created[0]["reason"] == "ObjectCreated"


def test_a_bucket_without_versions_gives_no_version_id(cloud: Cloud, patches: None) -> None:
    cloud.s3.put_object(Bucket="plain", Key="a", Body=b"1")
    (event,) = cloud.events()
    assert "version-id" not in event["detail"]["object"]


def test_each_way_of_writing_is_told_once_with_its_reason(cloud: Cloud, patches: None) -> None:
    cloud.upload_in_parts("parts")
    source = {"Bucket": "versioned", "Key": "parts"}
    cloud.s3.copy_object(Bucket="plain", Key="copy", CopySource=source)
    cloud.s3.delete_object(Bucket="plain", Key="copy")
    told = [
        (e["detail-type"], e["detail"]["object"]["key"], e["detail"]["reason"])
        for e in cloud.events()
    ]
    assert told == [
        ("Object Created", "parts", "CompleteMultipartUpload"),
        ("Object Created", "copy", "CopyObject"),
        ("Object Deleted", "copy", "DeleteObject"),
    ]


def test_stock_tells_of_a_multipart_upload_twice_and_of_tags(cloud: Cloud) -> None:
    """Fails once moto needs no `key_response` patch for the sake of single events."""
    cloud.upload_in_parts("parts")
    assert [event["detail-type"] for event in cloud.events()] == [
        "Object Created",
        "Object Tags Added",
        "Object Created",
    ]


def test_tags_that_were_set_are_told(cloud: Cloud, patches: None) -> None:
    cloud.s3.put_object(Bucket="plain", Key="a", Body=b"1")
    tags = {"TagSet": [{"Key": "project", "Value": "p"}]}
    cloud.s3.put_object_tagging(Bucket="plain", Key="a", Tagging=tags)
    assert [event["detail-type"] for event in cloud.events()] == [
        "Object Created",
        "Object Tags Added",
    ]


def algorithms_when_told(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[Any]:
    """What an object's checksum algorithm is when its event reaches this function."""
    seen: list[Any] = []
    stock: Callable[..., Any] = getattr(module, name)

    def look(*args: Any, **kwargs: Any) -> Any:
        from moto.s3.models import s3_backends

        seen.append(s3_backends[ACCOUNT]["aws"].get_object("plain", "a").checksum_algorithm)
        return stock(*args, **kwargs)

    monkeypatch.setattr(module, name, look)
    return seen


def test_stock_tells_of_an_object_before_its_checksum_is_there(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails once moto needs no `key_response` patch for the sake of whole objects."""
    seen = algorithms_when_told(monkeypatch, notifications, "_send_event_bridge_message")
    cloud.s3.put_object(Bucket="plain", Key="a", Body=b"1")
    assert seen[0] is None


def test_an_object_is_told_of_when_its_checksum_is_there(
    cloud: Cloud, patches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = algorithms_when_told(monkeypatch, s3_events, "put_event")
    cloud.s3.put_object(Bucket="plain", Key="a", Body=b"1")
    assert seen == ["CRC32"]


def test_sequencers_rise_in_the_order_of_the_writes(cloud: Cloud, patches: None) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(
            threads.map(
                lambda n: cloud.s3.put_object(Bucket="versioned", Key="a", Body=b"%d" % n),
                range(24),
            )
        )
    versions = cloud.s3.list_object_versions(Bucket="versioned")["Versions"]
    objects = [event["detail"]["object"] for event in cloud.events()]
    objects.sort(key=lambda told: told["sequencer"])
    assert len({told["sequencer"] for told in objects}) == 24
    assert objects[-1]["version-id"] == next(v["VersionId"] for v in versions if v["IsLatest"])


@pytest.fixture
def both_look_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody who looked whether the object is there writes before another has looked too."""
    barrier = Barrier(2)
    stock = S3Response._get_checksum

    def get_checksum(*args: Any) -> Any:
        try:
            barrier.wait(timeout=0.5)
        except BrokenBarrierError:
            return stock(*args)
        return stock(*args)

    monkeypatch.setattr(S3Response, "_get_checksum", get_checksum)


def wins(cloud: Cloud, times: int) -> int:
    def won(number: int) -> bool:
        try:
            cloud.s3.put_object(Bucket="plain", Key="lock", Body=b"%d" % number, IfNoneMatch="*")
        except ClientError as refusal:
            assert refusal.response["Error"]["Code"] == "PreconditionFailed"
            return False
        return True

    with ThreadPoolExecutor(times) as threads:
        return sum(threads.map(won, range(times)))


def test_stock_conditional_put_is_won_twice(cloud: Cloud, both_look_first: None) -> None:
    """Fails once moto needs no lock around `put_object` and its like."""
    assert wins(cloud, 2) == 2


def test_a_conditional_put_is_won_once_even_if_both_look_first(
    cloud: Cloud, patches: None, both_look_first: None
) -> None:
    assert wins(cloud, 2) == 1


def test_an_object_that_is_there_refuses_conditional_writes(cloud: Cloud, patches: None) -> None:
    cloud.s3.put_object(Bucket="plain", Key="lock", Body=b"1")
    assert wins(cloud, 1) == 0
    where = {"Bucket": "plain", "Key": "lock"}
    upload = cloud.s3.create_multipart_upload(**where)["UploadId"]
    part = cloud.s3.upload_part(**where, UploadId=upload, PartNumber=1, Body=b"2")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    with pytest.raises(ClientError, match="PreconditionFailed"):
        cloud.s3.complete_multipart_upload(
            **where, UploadId=upload, MultipartUpload=parts, IfNoneMatch="*"
        )
    assert cloud.s3.get_object(**where)["Body"].read() == b"1"


def test_a_range_of_an_older_version_can_be_read(cloud: Cloud, patches: None) -> None:
    old = cloud.s3.put_object(Bucket="versioned", Key="a", Body=b"0123456789")["VersionId"]
    cloud.s3.put_object(Bucket="versioned", Key="a", Body=b"abcdefghij")
    read = cloud.s3.get_object(Bucket="versioned", Key="a", VersionId=old, Range="bytes=2-4")
    assert read["Body"].read() == b"234"
    assert read["ContentRange"] == "bytes 2-4/10"


def test_stock_head_hides_that_a_checksum_is_of_parts(cloud: Cloud) -> None:
    """Fails once moto needs no `head_object` patch."""
    cloud.upload_in_parts("parts")
    head = cloud.s3.head_object(Bucket="versioned", Key="parts", ChecksumMode="ENABLED")
    assert "ChecksumType" not in head
    assert "-" not in head["ChecksumCRC32"]


def test_head_tells_an_objects_checksum_from_that_of_parts(cloud: Cloud, patches: None) -> None:
    cloud.upload_in_parts("parts")
    cloud.s3.put_object(Bucket="versioned", Key="whole", Body=b"hello", ChecksumAlgorithm="SHA256")
    parts = cloud.s3.head_object(Bucket="versioned", Key="parts", ChecksumMode="ENABLED")
    assert parts["ChecksumType"] == "COMPOSITE"
    assert parts["ChecksumCRC32"].endswith("-2")
    whole = cloud.s3.head_object(Bucket="versioned", Key="whole", ChecksumMode="ENABLED")
    assert whole["ChecksumType"] == "FULL_OBJECT"
    assert whole["ChecksumSHA256"] == "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="
