"""What S3 is asked about an object that came again, is archived, or is locked."""

import base64
import hashlib
import zlib
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from seqdrop.aws.objects import Objects, UploadedObject
from seqdrop.domain.errors import ArchivedObject, LockedObject
from seqdrop.domain.plan import StoredObject
from seqdrop.domain.sameness import Verdict

DATA = b"@r\nACGT\n+\nFFFF\n"


@pytest.fixture
def client() -> Iterator[Any]:
    with mock_aws():
        client: Any = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="uploads")
        yield client


def seen(client: Any, key: str) -> UploadedObject:
    found = Objects(client).head("uploads", key)
    assert found
    return found


def crc32(data: bytes) -> str:
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def put_in_parts(client: Any, key: str, parts: list[bytes], **given: str) -> None:
    """A multipart upload."""
    begun = client.create_multipart_upload(Bucket="uploads", Key=key, **given)
    made = []
    for number, content in enumerate(parts, 1):
        answer = client.upload_part(
            Bucket="uploads", Key=key, UploadId=begun["UploadId"], PartNumber=number, Body=content
        )
        made.append({"PartNumber": number, "ETag": answer["ETag"]})
    client.complete_multipart_upload(
        Bucket="uploads", Key=key, UploadId=begun["UploadId"], MultipartUpload={"Parts": made}
    )


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA256", "SHA1"])
def test_the_same_bytes_with_other_checksums_are_the_same_by_their_etags(
    client: Any, algorithm: str
) -> None:
    client.put_object(Bucket="uploads", Key="a", Body=DATA, ChecksumAlgorithm=algorithm)
    client.put_object(Bucket="uploads", Key="b", Body=DATA, ChecksumAlgorithm="CRC32")
    client.put_object(Bucket="uploads", Key="c", Body=DATA[::-1], ChecksumAlgorithm="CRC32")
    objects = Objects(client)
    same = objects.same_content(seen(client, "a"), seen(client, "b"))
    other = objects.same_content(seen(client, "a"), seen(client, "c"))
    assert (same.verdict, other.verdict) == (Verdict.SAME, Verdict.DIFFERENT)


def test_the_whole_checksum_of_parts_is_compared_with_that_of_one_piece(client: Any) -> None:
    parts = [bytes(5 * 2**20), b"rest"]
    put_in_parts(client, "a", parts, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    client.put_object(Bucket="uploads", Key="b", Body=b"".join(parts), ChecksumAlgorithm="CRC32")
    said = Objects(client).same_content(seen(client, "a"), seen(client, "b"))
    assert said.verdict is Verdict.SAME


def test_an_etag_under_a_kms_key_is_no_md5(client: Any) -> None:
    client.put_object(Bucket="uploads", Key="a", Body=DATA, ServerSideEncryption="aws:kms")
    client.put_object(Bucket="uploads", Key="b", Body=DATA, ServerSideEncryption="AES256")
    assert "MD5" not in seen(client, "a").fingerprints.whole
    md5 = base64.b64encode(hashlib.md5(DATA, usedforsecurity=False).digest()).decode()
    assert seen(client, "b").fingerprints.whole["MD5"] == md5


PIECES = [b"first", b"second", b"third"]
WHOLE = b"".join(PIECES)


def head_answer(**more: Any) -> dict[str, Any]:
    """What S3 says of the whole, put in parts under a KMS key."""
    return {
        "ContentLength": len(WHOLE), "ETag": '"0123-3"', "ServerSideEncryption": "aws:kms", **more,
    }  # fmt: skip


def part(number: int) -> dict[str, Any]:
    piece = PIECES[number - 1]
    return {"PartNumber": number, "Size": len(piece), "ChecksumCRC32": crc32(piece)}


@pytest.fixture
def stubbed(client: Any) -> Iterator[tuple[Objects, Stubber]]:
    """Answers that moto does not give, held against the service's own model."""
    with Stubber(client) as stub:
        yield Objects(client), stub
        stub.assert_no_pending_responses()


@pytest.mark.parametrize("version", ["", "v1"])
def test_the_crcs_of_all_pages_of_parts_are_combined(
    stubbed: tuple[Objects, Stubber], version: str
) -> None:
    objects, stub = stubbed
    of_version = {"VersionId": version} if version else {}
    composite = head_answer(ChecksumCRC32="AAAAAA==-3", ChecksumType="COMPOSITE", **of_version)
    whole = head_answer(ChecksumCRC32=crc32(WHOLE), ChecksumType="FULL_OBJECT")
    stub.add_response("head_object", composite)
    stub.add_response("head_object", whole)
    asked = {
        "Bucket": "uploads", "Key": "a", "ObjectAttributes": ["ObjectParts"], "MaxParts": 1000,
        **of_version,
    }  # fmt: skip
    for marker, numbers, more in ((0, [1, 2], True), (2, [3], False)):
        page = {"IsTruncated": more, "NextPartNumberMarker": max(numbers),
                "Parts": [part(number) for number in numbers]}  # fmt: skip
        stub.add_response(
            "get_object_attributes", {"ObjectParts": page}, {**asked, "PartNumberMarker": marker}
        )
    one, other = objects.head("uploads", "a", version), objects.head("uploads", "b")
    assert one
    assert other
    assert objects.same_content(one, other).verdict is Verdict.SAME


def test_parts_that_s3_does_not_tell_leave_it_unknown(stubbed: tuple[Objects, Stubber]) -> None:
    objects, stub = stubbed
    stub.add_response("head_object", head_answer(ChecksumSHA256="AAAA-3", ChecksumType="COMPOSITE"))
    stub.add_response("head_object", head_answer(ChecksumCRC64NVME="AAAAAAAAAAA="))
    stub.add_response("get_object_attributes", {"ObjectParts": {"TotalPartsCount": 3}})
    one, other = objects.head("uploads", "a"), objects.head("uploads", "b")
    assert one
    assert other
    said = objects.same_content(one, other)
    assert said.verdict is Verdict.UNKNOWN
    assert "SHA256 of parts of one, CRC64NVME of the other" in said.why


def test_an_archived_object_is_described_but_not_read_until_it_is_restored(client: Any) -> None:
    client.put_object(Bucket="uploads", Key="cold", Body=DATA, StorageClass="GLACIER")
    objects, stored = Objects(client), seen(client, "cold").object
    for look in (lambda: objects.first_bytes(stored, 4), lambda: objects.check_readable(stored)):
        with pytest.raises(
            ArchivedObject, match=r"s3://uploads/cold is archived \(GLACIER\): restore"
        ):
            look()
    client.restore_object(Bucket="uploads", Key="cold", RestoreRequest={"Days": 14})
    assert objects.first_bytes(stored, 4) == DATA[:4]
    objects.check_readable(stored)


def test_an_object_that_is_being_restored_says_so(stubbed: tuple[Objects, Stubber]) -> None:
    objects, stub = stubbed
    stub.add_client_error("get_object", "InvalidObjectState", "not valid", 403)
    stub.add_response(
        "head_object", head_answer(StorageClass="GLACIER", Restore='ongoing-request="true"')
    )
    with pytest.raises(ArchivedObject, match="is being restored: wait"):
        objects.first_bytes(StoredObject("uploads", "a", 4), 4)


def test_a_head_that_is_refused_learns_from_get_why(stubbed: tuple[Objects, Stubber]) -> None:
    objects, stub = stubbed
    stub.add_client_error("head_object", "403", "Forbidden", 403)
    stub.add_client_error("get_object", "AccessDenied", "not authorized: kms:Decrypt on k", 403)
    with pytest.raises(LockedObject, match="allow kms:Decrypt"):
        objects.head("uploads", "a")


def test_a_head_that_is_refused_for_our_own_credentials_is_no_fault_of_the_object(
    stubbed: tuple[Objects, Stubber],
) -> None:
    objects, stub = stubbed
    stub.add_client_error("head_object", "403", "Forbidden", 403)
    stub.add_client_error("get_object", "ExpiredToken", "The provided token has expired", 400)
    with pytest.raises(stub.client.exceptions.ClientError, match="ExpiredToken"):
        objects.head("uploads", "a")


def test_a_locked_object_is_named_by_get_too(stubbed: tuple[Objects, Stubber]) -> None:
    objects, stub = stubbed
    said = "The ciphertext refers to a customer master key that does not exist"
    stub.add_client_error("get_object", "AccessDenied", said, 403)
    with pytest.raises(LockedObject, match="s3://uploads/a may not be read"):
        objects.first_bytes(StoredObject("uploads", "a", 4), 4)
