"""Objects in S3: what was uploaded, plans and results."""

from typing import IO, TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import ClientError

from seqdrop.aws.object_answers import (
    archive_of,
    checksums_of,
    content_checksum,
    fingerprints_of,
    raise_if_archived,
    raise_refusal,
)
from seqdrop.domain.identity import ObjectName
from seqdrop.domain.plan import (
    RunPlan,
    StageResult,
    StoredObject,
    decode_plan,
    decode_result,
    encode,
)
from seqdrop.domain.sameness import Fingerprints, Part, Sameness, Verdict, compare

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_GONE = {"404", "NoSuchKey", "NoSuchVersion", "405", "MethodNotAllowed"}
_DENIED = "403"
"""To HEAD, whose answers have no code of their own."""
_PARTS_AT_ONCE = 1_000
"""S3's own limit."""
_EXISTS = {"PreconditionFailed", "412", "ConditionalRequestConflict", "409"}


class UploadedObject(msgspec.Struct, frozen=True):
    """An object as the bucket describes it."""

    object: StoredObject
    etag: str
    fingerprints: Fingerprints
    """What tells its content from another's, without its parts."""

    @property
    def version(self) -> str:
        """Tells it from others under its key, in a bucket without versions too."""
        return self.object.version_id or self.etag


class Objects:
    """Reads and writes whole small objects, and looks at large ones."""

    def __init__(self, client: "S3Client") -> None:
        self._client = client

    def head(self, bucket: str, key: str, version_id: str = "") -> UploadedObject | None:
        """Size and content checksum of an object, be it archived or not; None where it is gone.

        Raises LockedObject where it may not be looked at.
        """
        answer = self._head(bucket, key, version_id)
        if answer is None:
            return None
        etag = answer["ETag"].strip('"')
        found_version = answer.get("VersionId", "")
        stored = StoredObject(
            bucket,
            key,
            answer["ContentLength"],
            "" if found_version == "null" else found_version,
            content_checksum(answer, etag),
        )
        return UploadedObject(stored, etag, fingerprints_of(answer, etag))

    def check_readable(self, object_: StoredObject) -> None:
        """Raises ArchivedObject, and LockedObject as far as it shows without reading."""
        answer = self._head(object_.bucket, object_.key, object_.version_id)
        if answer:
            name = ObjectName(object_.bucket, object_.key)
            raise_if_archived(answer, name, object_.version_id)

    def archive_of(self, object_: StoredObject) -> str:
        """The archive that an object has to be restored from first; "" where it can be read.

        Raises LockedObject where it may not be looked at.
        """
        answer = self._head(object_.bucket, object_.key, object_.version_id)
        return archive_of(answer, ObjectName(object_.bucket, object_.key)) if answer else ""

    def same_content(self, one: UploadedObject, other: UploadedObject) -> Sameness:
        """Whether both are the same bytes; the parts are asked for only where nothing else tells.

        Needs s3:GetObjectAttributes then, or s3:GetObjectVersionAttributes for a version.
        """
        said = compare(one.fingerprints, other.fingerprints)
        may_tell = one.fingerprints.may_have_parts or other.fingerprints.may_have_parts
        if said.verdict is not Verdict.UNKNOWN or not may_tell:
            return said
        return compare(self._with_parts(one), self._with_parts(other))

    def first_bytes(self, object_: StoredObject, length: int) -> bytes:
        """The beginning of an object, at most ``length`` bytes.

        Raises ArchivedObject or LockedObject where it can't be read until somebody acts.
        """
        if object_.size == 0:
            return b""
        try:
            answer = self._client.get_object(
                Bucket=object_.bucket, Key=object_.key, Range=f"bytes=0-{length - 1}",
                **_version(object_.version_id),
            )  # fmt: skip
        except ClientError as error:
            if error.response["Error"]["Code"] == "InvalidObjectState":
                self.check_readable(object_)  # HEAD tells, too, whether it is being restored
            raise_refusal(error, ObjectName(object_.bucket, object_.key), object_.version_id)
            raise
        return answer["Body"].read()

    def _head(self, bucket: str, key: str, version_id: str) -> dict[str, Any] | None:
        try:
            return dict(
                self._client.head_object(
                    Bucket=bucket, Key=key, ChecksumMode="ENABLED", **_version(version_id)
                )
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _GONE:
                return None
            if code == _DENIED:
                self._ask_why(ObjectName(bucket, key), version_id)
            raise_refusal(error, ObjectName(bucket, key), version_id)
            raise

    def _ask_why(self, name: ObjectName, version_id: str) -> None:
        """An answer to HEAD has no body, so no reason; one to GET has."""
        try:
            self._client.get_object(
                Bucket=name.bucket, Key=name.key, Range="bytes=0-0", **_version(version_id)
            )["Body"].close()
        except ClientError as error:
            raise_refusal(error, name, version_id)
            raise

    def _with_parts(self, one: UploadedObject) -> Fingerprints:
        if not one.fingerprints.may_have_parts:
            return one.fingerprints
        parts: list[Part] = []
        marker = 0
        while True:
            page = self._parts_after(one.object, marker)
            parts += [Part(part["Size"], checksums_of(part)) for part in page.get("Parts", [])]
            if not page.get("IsTruncated"):
                return msgspec.structs.replace(one.fingerprints, parts=tuple(parts))
            marker = page["NextPartNumberMarker"]

    def _parts_after(self, object_: StoredObject, marker: int) -> dict[str, Any]:
        try:
            answer = self._client.get_object_attributes(
                Bucket=object_.bucket, Key=object_.key, ObjectAttributes=["ObjectParts"],
                MaxParts=_PARTS_AT_ONCE, PartNumberMarker=marker, **_version(object_.version_id),
            )  # fmt: skip
        except ClientError as error:
            raise_refusal(error, ObjectName(object_.bucket, object_.key), object_.version_id)
            raise
        return dict(answer.get("ObjectParts", {}))

    def get(self, bucket: str, key: str, version_id: str = "") -> bytes | None:
        """A small object whole; None where there is none. Raises Unreadable."""
        try:
            answer = self._client.get_object(Bucket=bucket, Key=key, **_version(version_id))
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return None
            raise_refusal(error, ObjectName(bucket, key), version_id)
            raise
        return answer["Body"].read()

    def put_once(self, bucket: str, key: str, body: bytes) -> bytes:
        """Writes an object that never changes; returns what is there: ours, or who came first's."""
        if self.put_new(bucket, key, body):
            return body
        there = self.get(bucket, key)
        return body if there is None else there

    def put_new(self, bucket: str, key: str, body: bytes) -> bool:
        """Writes an object that never changes; False where there is one."""
        try:
            self._client.put_object(
                Bucket=bucket, Key=key, Body=body, IfNoneMatch="*", ContentType="application/json"
            )
        except ClientError as error:
            if error.response["Error"]["Code"] not in _EXISTS:
                raise
            return False
        return True

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Writes an object in place of the one that is there."""
        self._client.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")

    def put_file(self, bucket: str, key: str, file: IO[bytes]) -> None:
        """Writes what an open file holds, in place of the object that is there."""
        self._client.put_object(Bucket=bucket, Key=key, Body=file, ContentType="application/json")

    def erase(self, bucket: str, key: str) -> bool:
        """Deletes an object with all of its versions; whether there was any.

        The newest goes last: else an older one would count for a moment.
        """
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=bucket, Prefix=key
        )
        found = [
            (one["IsLatest"], one["VersionId"])
            for page in pages
            for one in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            if one["Key"] == key
        ]
        for _, version in sorted(found):
            self._client.delete_object(Bucket=bucket, Key=key, VersionId=version)
        return bool(found)

    def describe_results(self, bucket: str, prefix: str, result: StageResult) -> list[StoredObject]:
        """The objects of a stage's results, with the checksums that its runner recorded."""
        return [
            StoredObject(bucket, f"{prefix}{file.name}", file.bytes, sha256=file.sha256)
            for file in result.files
        ]

    def read_plan(self, bucket: str, folder: str) -> RunPlan | None:
        """The plan of a run; None where it has none yet."""
        body = self.get(bucket, f"{folder}plan.json")
        return decode_plan(body) if body is not None else None

    def freeze_plan(self, bucket: str, plan: RunPlan) -> RunPlan:
        """Writes a plan unless there is one; returns the one that counts."""
        return decode_plan(self.put_once(bucket, f"{plan.folder}plan.json", encode(plan)))

    def read_result(self, bucket: str, prefix: str, stage: str) -> StageResult | None:
        """What marks a stage's results as good; None where they are not there."""
        body = self.get(bucket, f"{prefix}{stage}.json")
        return decode_result(body) if body is not None else None

    def result_numbers(self, bucket: str, prefix: str, stage: str) -> tuple[list[int], list[int]]:
        """The numbers under one stage key: all that hold anything, and those that are good."""
        seen: set[int] = set()
        good: set[int] = set()
        for key in self.sizes(bucket, prefix):
            number, _, name = key.partition("/")
            seen.add(int(number))
            if name == f"{stage}.json":
                good.add(int(number))
        return sorted(seen), sorted(good)

    def sizes(self, bucket: str, prefix: str) -> dict[str, int]:
        """Names below a prefix, and their sizes in bytes."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return {
            item["Key"].removeprefix(prefix): item["Size"]
            for page in pages
            for item in page.get("Contents", [])
        }


def _version(version_id: str) -> dict[str, Any]:
    return {"VersionId": version_id} if version_id else {}
