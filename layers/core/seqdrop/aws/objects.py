"""Objects in S3: what was uploaded, plans and results."""

from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import ClientError

from seqdrop.domain.plan import RunPlan, StageResult, StoredObject, decode_plan, encode

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_GONE = {"404", "NoSuchKey", "NoSuchVersion", "405", "MethodNotAllowed"}
_EXISTS = {"PreconditionFailed", "412", "ConditionalRequestConflict", "409"}


class UploadedObject(msgspec.Struct, frozen=True):
    """An object as the bucket describes it."""

    object: StoredObject
    etag: str

    @property
    def version(self) -> str:
        """Tells it from others under its key, in a bucket without versions too."""
        return self.object.version_id or self.etag


class Objects:
    """Reads and writes whole small objects, and looks at large ones."""

    def __init__(self, client: "S3Client") -> None:
        self._client = client

    def head(self, bucket: str, key: str, version_id: str = "") -> UploadedObject | None:
        """Size and content checksum of an object; None where it is gone."""
        version = {"VersionId": version_id} if version_id else {}
        try:
            answer: dict[str, Any] = dict(
                self._client.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED", **version)  # type: ignore[arg-type]  # VersionId or nothing
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return None
            raise
        etag = answer["ETag"].strip('"')
        found_version = answer.get("VersionId", "")
        stored = StoredObject(
            bucket,
            key,
            answer["ContentLength"],
            "" if found_version == "null" else found_version,
            _content_checksum(answer, etag),
        )
        return UploadedObject(stored, etag)

    def first_bytes(self, object_: StoredObject, length: int) -> bytes:
        """The beginning of an object, at most ``length`` bytes."""
        if object_.size == 0:
            return b""
        version = {"VersionId": object_.version_id} if object_.version_id else {}
        answer = self._client.get_object(
            Bucket=object_.bucket, Key=object_.key, Range=f"bytes=0-{length - 1}", **version  # type: ignore[arg-type]  # VersionId or nothing
        )  # fmt: skip
        return answer["Body"].read()

    def get(self, bucket: str, key: str, version_id: str = "") -> bytes | None:
        """A small object whole; None where there is none."""
        version = {"VersionId": version_id} if version_id else {}
        try:
            return self._client.get_object(Bucket=bucket, Key=key, **version)["Body"].read()  # type: ignore[arg-type]  # VersionId or nothing
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return None
            raise

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
        return msgspec.json.decode(body, type=StageResult) if body is not None else None

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


def _content_checksum(answer: dict[str, Any], etag: str) -> str:
    """The best that the bucket knows of the whole content.

    A checksum of the parts' checksums (COMPOSITE) depends on how the file was cut: not used.
    """
    if answer.get("ChecksumType", "FULL_OBJECT") == "FULL_OBJECT":
        for name in ("SHA256", "CRC64NVME", "CRC32"):
            if value := answer.get(f"Checksum{name}"):
                return f"{name.lower()}:{value}"
    return f"etag:{etag}"
