"""Messages of the queue of uploads, by the examples in AWS's own documentation."""

import json
from pathlib import Path

import msgspec
import pytest

from seqdrop.aws.events import read_upload_message
from seqdrop.aws.queues import Recheck
from seqdrop.domain.object_events import ObjectGone, ObjectRestored
from seqdrop.domain.upload import Upload

EVENTS = Path(__file__).parents[1] / "infrastructure/events"
BUCKET, KEY = "amzn-s3-demo-bucket1", "example-key"


def example(name: str) -> str:
    """A documented event, as it stands in the queue."""
    return (EVENTS / f"{name}.json").read_text("utf-8")


def test_a_new_object_is_an_upload() -> None:
    version, etag = "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e", "b1946ac92492d2347c6235b4d2611184"
    expected = Upload(BUCKET, KEY, version, "617f08299329d189", etag, "2021-11-12T00:00:00Z")
    assert read_upload_message(example("object_created")) == expected


def test_an_object_that_a_person_deletes_is_gone() -> None:
    assert read_upload_message(example("object_deleted")) == ObjectGone(
        BUCKET, KEY, "1QW9g1Z99LUNbvaaYVpW9xDlOLU.qxgF"
    )


def test_an_object_that_expired_is_told_from_one_that_was_deleted() -> None:
    assert read_upload_message(example("object_expired")) == ObjectGone(
        BUCKET,
        KEY,
        "mtB0cV.jejK63XkRNceanNMC.qXPWLeK",
        by_lifecycle=True,
    )


def test_a_bucket_without_versions_gives_no_version() -> None:
    event = json.loads(example("object_deleted"))
    del event["detail"]["object"]["version-id"]
    gone = read_upload_message(json.dumps(event))
    assert isinstance(gone, ObjectGone)
    assert gone.version_id == ""


def test_an_object_that_came_back_from_an_archive_is_restored() -> None:
    expected = ObjectRestored(BUCKET, KEY, "KKsjUC1.6gIjqtvhfg5AdMI0eCePIiT3")
    assert read_upload_message(example("object_restored")) == expected


def test_a_message_to_ourselves_is_a_look_at_an_analysis() -> None:
    body = msgspec.json.encode(Recheck("S1", "wgs", 3)).decode()
    assert read_upload_message(body) == Recheck("S1", "wgs", 3)


@pytest.mark.parametrize("body", ["{}", "text", '{"detail": {}}'])
def test_what_is_no_message_is_refused(body: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        read_upload_message(body)


def test_an_event_that_no_rule_lets_through_is_refused_by_its_name() -> None:
    event = json.loads(example("object_created")) | {"detail-type": "Object Tags Added"}
    with pytest.raises(msgspec.DecodeError, match="Object Tags Added"):
        read_upload_message(json.dumps(event))
