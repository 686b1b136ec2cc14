"""What a person is told of an object that is there and can't be read."""

import shlex
from typing import Any

import pytest

from seqdrop.domain.errors import ArchivedObject, InvalidInput, LockedObject, Unreadable
from seqdrop.domain.identity import ObjectName
from seqdrop.domain.unreadable import archived, refused

NAME = ObjectName("up", "run 1/it's_R1.fastq.gz")


def refusal(code: str, message: str = "", **more: str) -> Unreadable | None:
    """What an answer of S3's means."""
    answer: dict[str, Any] = {"Error": {"Code": code, "Message": message}, **more}
    return refused(NAME, "v1", answer)


@pytest.mark.parametrize(
    ("storage_class", "tier", "request_"),
    [
        ("GLACIER", "", "Days=14"),
        ("DEEP_ARCHIVE", "", "Days=14"),
        ("INTELLIGENT_TIERING", "ARCHIVE_ACCESS", "{}"),
        ("INTELLIGENT_TIERING", "DEEP_ARCHIVE_ACCESS", "{}"),
    ],
)
def test_an_archived_object_comes_with_the_command_that_restores_it(
    storage_class: str, tier: str, request_: str
) -> None:
    found = archived(NAME, "v1", storage_class=storage_class, tier=tier)
    assert isinstance(found, ArchivedObject)
    assert f"s3://up/{NAME.key} (version v1) is archived ({tier or storage_class})" in str(found)
    command = str(found).split("`")[1]
    assert shlex.split(command) == [
        "aws", "s3api", "restore-object", "--bucket", "up", "--key", NAME.key,
        "--version-id", "v1", "--restore-request", request_,
    ]  # fmt: skip


@pytest.mark.parametrize("storage_class", ["", "STANDARD", "GLACIER_IR", "INTELLIGENT_TIERING"])
def test_what_s3_reads_at_once_is_not_archived(storage_class: str) -> None:
    assert archived(NAME, storage_class=storage_class) is None


def test_a_restored_object_is_read_and_one_that_is_being_restored_is_waited_for() -> None:
    done = 'ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT"'
    assert archived(NAME, storage_class="GLACIER", restore=done) is None
    under_way = archived(NAME, storage_class="GLACIER", restore='ongoing-request="true"')
    assert "is being restored: wait until S3 has done so" in str(under_way)


@pytest.mark.parametrize(
    ("more", "request_"),
    [
        ({"StorageClass": "GLACIER"}, "Days=14"),
        ({}, "Days=14"),
        ({"StorageClass": "INTELLIGENT_TIERING", "AccessTier": "ARCHIVE_ACCESS"}, "'{}'"),
        ({"StorageClass": "INTELLIGENT_TIERING"}, "'{}'"),
    ],
)
def test_gets_own_refusal_of_an_archived_object_says_the_same(
    more: dict[str, str], request_: str
) -> None:
    found = refusal("InvalidObjectState", "not valid for the object's storage class", **more)
    assert isinstance(found, ArchivedObject)
    assert f"--restore-request {request_}`" in str(found)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("AccessDenied", "The ciphertext refers to a customer master key that does not exist"),
        ("AccessDenied", "User: x is not authorized to perform: kms:Decrypt on resource: y"),
        ("KMS.DisabledException", "k is disabled."),
        ("KMS.NotFoundException", "k is not there"),
    ],
)
def test_an_object_under_a_key_names_the_keys_policy(code: str, message: str) -> None:
    found = refusal(code, message)
    assert isinstance(found, LockedObject)
    assert isinstance(found, InvalidInput)
    assert NAME.uri in str(found)
    assert message in str(found)
    assert "kms:Decrypt" in found.to_mend.removeprefix(found.fact)


@pytest.mark.parametrize("code", ["AccessDenied", "AllAccessDisabled", "403"])
def test_an_object_that_may_not_be_read_names_the_buckets_policy(code: str) -> None:
    found = refusal(code, "Access Denied")
    assert isinstance(found, LockedObject)
    assert "the bucket's policy" in str(found)


@pytest.mark.parametrize(
    "code",
    ["ExpiredToken", "InvalidAccessKeyId", "SlowDown", "InternalError", "KMS.ThrottlingException"],
)
def test_what_passes_or_is_our_own_fault_is_no_fault_of_the_objects(code: str) -> None:
    assert refusal(code) is None
