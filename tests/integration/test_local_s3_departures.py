"""What the embedded runtime tells of objects that go and come back, over HTTP.

The tests named `test_stock_…` fail once moto no longer has the fault; the patch can then go.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.moto_api._internal.models import moto_api_backend

from local import s3_departures, s3_events
from tests.integration.test_local_s3_events import ACCOUNT, Cloud

NAME = {"Bucket": "versioned", "Key": "wes/K1_R1.fastq.gz"}


@pytest.fixture
def stock(endpoint: str) -> Iterator[Cloud]:
    """Buckets whose departures moto tells in its own way; of events in general it has ours."""
    s3_events.install()
    yield Cloud(endpoint)
    s3_events.uninstall()
    moto_api_backend.reset()


@pytest.fixture
def cloud(stock: Cloud) -> Iterator[Cloud]:
    s3_departures.install()
    yield stock
    s3_departures.uninstall()


def put(cloud: Cloud, body: bytes = b"1", **more: Any) -> str:
    """A new version; its event is taken out of the queue."""
    version: str = cloud.s3.put_object(**NAME, Body=body, **more)["VersionId"]
    cloud.events()
    return version


def told(cloud: Cloud) -> list[tuple[str, str, str]]:
    """What was told: the kind of event or deletion, the reason, the version."""
    return [
        (
            e["detail"].get("deletion-type", e["detail-type"]),
            e["detail"].get("reason", ""),
            e["detail"]["object"].get("version-id", ""),
        )
        for e in cloud.events()
    ]


def test_stock_does_not_tell_that_a_marker_hides_an_object(stock: Cloud) -> None:
    """Fails once moto needs no `delete_object` patch for the sake of markers."""
    put(stock)
    stock.s3.delete_object(**NAME)
    assert told(stock) == []


def test_stock_does_not_tell_that_one_of_two_versions_is_gone(stock: Cloud) -> None:
    """Fails once moto needs no `delete_object` patch for the sake of versions."""
    first = put(stock)
    put(stock, b"2")
    stock.s3.delete_object(**NAME, VersionId=first)
    assert told(stock) == []


def test_a_delete_marker_is_told_in_the_documented_shape(cloud: Cloud) -> None:
    # Source: "EventBridge event message structure" in the S3 user guide.
    put(cloud)
    marker = cloud.s3.delete_object(**NAME)["VersionId"]
    (event,) = cloud.events()
    detail = event["detail"]
    assert event["detail-type"] == "Object Deleted"
    assert re.fullmatch(r"[0-9A-F]{16}", detail.pop("request-id"))
    assert re.fullmatch(r"[0-9A-F]+", detail["object"].pop("sequencer"))
    assert detail == {
        "version": "0",
        "event-version": "1.0",
        "bucket": {"name": "versioned"},
        "object": {
            "key": NAME["Key"],
            "etag": "d41d8cd98f00b204e9800998ecf8427e",
            "version-id": marker,
        },
        "requester": ACCOUNT,
        "source-ip-address": "127.0.0.1",
        "reason": "DeleteObject",
        "deletion-type": "Delete Marker Created",
    }


def test_each_version_that_goes_is_told_and_so_is_a_marker_that_goes(cloud: Cloud) -> None:
    first, second = put(cloud), put(cloud, b"2")
    marker = cloud.s3.delete_object(**NAME)["VersionId"]
    cloud.s3.delete_object(**NAME, VersionId=first)
    cloud.s3.delete_object(**NAME, VersionId=marker)
    cloud.s3.delete_objects(
        Bucket="versioned",
        Delete={"Objects": [{"Key": NAME["Key"], "VersionId": second}]},
    )
    assert told(cloud) == [
        ("Delete Marker Created", "DeleteObject", marker),
        ("Permanently Deleted", "DeleteObject", first),
        ("Permanently Deleted", "DeleteObject", marker),
        ("Permanently Deleted", "DeleteObject", second),
    ]


def test_deleting_what_is_not_there_tells_nothing(cloud: Cloud) -> None:
    put(cloud)
    cloud.s3.delete_object(**NAME, VersionId="another")
    cloud.s3.delete_object(Bucket="plain", Key="nothing")
    assert told(cloud) == []


def test_a_deletion_comes_after_the_write_before_it(cloud: Cloud) -> None:
    cloud.s3.put_object(**NAME, Body=b"1")
    cloud.s3.delete_object(**NAME)
    cloud.s3.put_object(**NAME, Body=b"2")
    events = cloud.events()
    assert [e["detail-type"] for e in events] == [
        "Object Created",
        "Object Deleted",
        "Object Created",
    ]
    sequencers = [e["detail"]["object"]["sequencer"] for e in events]
    assert sequencers == sorted(sequencers)


@pytest.mark.parametrize(
    ("bucket", "deletion"),
    [("versioned", "Delete Marker Created"), ("plain", "Permanently Deleted")],
)
def test_an_expired_object_was_removed_by_s3_itself(
    cloud: Cloud, bucket: str, deletion: str
) -> None:
    cloud.s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    cloud.events()
    s3_departures.expire(ACCOUNT, bucket, "a")
    (event,) = cloud.events()
    assert event["detail-type"] == "Object Deleted"
    assert event["detail"]["reason"] == "Lifecycle Expiration"
    assert event["detail"]["deletion-type"] == deletion
    assert event["detail"]["requester"] == "s3.amazonaws.com"
    assert "source-ip-address" not in event["detail"]
    with pytest.raises(ClientError, match="404"):
        cloud.s3.head_object(Bucket=bucket, Key="a")


def restore(cloud: Cloud, version: str) -> None:
    cloud.s3.restore_object(**NAME, VersionId=version, RestoreRequest={"Days": 2})


def test_stock_restores_the_newest_version_and_tells_no_end_of_it(stock: Cloud) -> None:
    """Fails once moto needs no `restore_object` patch."""
    old = put(stock, StorageClass="GLACIER")
    new = put(stock, b"2", StorageClass="GLACIER")
    restore(stock, old)
    assert told(stock) == [("Object Restore Initiated", "", new)]


def test_an_archived_version_can_be_read_once_its_restore_is_told(cloud: Cloud) -> None:
    old = put(cloud, StorageClass="GLACIER")
    new = put(cloud, b"2", StorageClass="GLACIER")
    with pytest.raises(ClientError, match="InvalidObjectState"):
        cloud.s3.get_object(**NAME, VersionId=old)
    restore(cloud, old)
    initiated, completed = cloud.events()
    assert cloud.s3.get_object(**NAME, VersionId=old)["Body"].read() == b"1"
    with pytest.raises(ClientError, match="InvalidObjectState"):
        cloud.s3.get_object(**NAME, VersionId=new)
    assert initiated["detail-type"] == "Object Restore Initiated"
    assert initiated["detail"]["requester"] == ACCOUNT
    assert completed["detail-type"] == "Object Restore Completed"
    detail = completed["detail"]
    del detail["request-id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", detail.pop("restore-expiry-time"))
    assert detail == {
        "version": "0",
        "event-version": "1.0",
        "bucket": {"name": "versioned"},
        "object": {
            "key": NAME["Key"],
            "size": 1,
            "etag": "c4ca4238a0b923820dcc509a6f75849b",
            "version-id": old,
        },
        "requester": "s3.amazonaws.com",
        "source-storage-class": "GLACIER",
    }


def test_what_is_in_no_archive_is_not_restored(cloud: Cloud) -> None:
    version = put(cloud)
    with pytest.raises(ClientError, match="InvalidObjectState"):
        restore(cloud, version)
    assert told(cloud) == []
