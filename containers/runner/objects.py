"""The object store, as the runner sees it: whole small objects, checked streams, uploads."""

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

from botocore.exceptions import BotoCoreError, ClientError

from runner.faults import StageFault
from seqdrop.domain.failure import FailureClass

if TYPE_CHECKING:
    from botocore.session import Session
    from mypy_boto3_s3 import S3Client

ONE_PUT_BYTES = 64 * 2**20
"""Larger files go up in parts, several at once."""
PART_BYTES = 32 * 2**20
CLAIM_TRIES = 5

_GONE = ("NoSuchKey", "NoSuchVersion", "NoSuchBucket", "404")
_TAKEN = ("PreconditionFailed", "412")
_TAKEN_JUST_NOW = ("ConditionalRequestConflict", "409")


@cache
def _session() -> "Session":
    """Of botocore itself: importing boto3 costs each job 60 ms, for nothing that is used here."""
    from botocore.session import get_session

    return get_session()


def look_up_s3() -> None:
    """Have S3's model and endpoint rules read, once for this process and all forked from it.

    They are kept by the session, which must not see credentials yet: it would keep those too.
    """
    nobody = "none"
    _session().create_client(
        "s3", region_name="us-east-1", aws_access_key_id=nobody, aws_secret_access_key=nobody
    )


def make_client() -> "S3Client":
    """One S3 client for all threads of the job, patient with a store that is busy."""
    from botocore.config import Config

    config = Config(
        retries={"mode": "standard", "max_attempts": 6},
        max_pool_connections=64,
        connect_timeout=10,
        read_timeout=60,
        tcp_keepalive=True,
        # What is read here is checked against the plan's own checksums, and by gzip's.
        response_checksum_validation="when_required",
    )
    return cast("S3Client", _session().create_client("s3", config=config))


def error_code(error: ClientError) -> str:
    """The name that S3 gives to what went wrong."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_gone(error: ClientError) -> bool:
    """Whether there is no such object, or no longer."""
    return error_code(error) in _GONE


@contextmanager
def transfers(doing: str) -> Iterator[None]:
    """Errors of the object store, after the client's own retries, as a TRANSFER fault."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise StageFault(FailureClass.TRANSFER_FAILED, f"{doing}: {error}") from error


class Objects:
    """Objects by bucket and key."""

    def __init__(self, client: "S3Client") -> None:
        """The client is shared by all threads."""
        self.client = client

    def read(self, bucket: str, key: str) -> bytes | None:
        """A small object's content; None where there is none."""
        with transfers(f"reading s3://{bucket}/{key}"):
            try:
                return self.client.get_object(Bucket=bucket, Key=key)["Body"].read()
            except ClientError as error:
                if is_gone(error):
                    return None
                raise

    def write(self, bucket: str, key: str, content: bytes) -> None:
        """Writes a small JSON object, over an earlier one if need be."""
        with transfers(f"writing s3://{bucket}/{key}"):
            self.client.put_object(
                Bucket=bucket, Key=key, Body=content, ContentType="application/json"
            )

    def write_new(self, bucket: str, key: str, content: bytes) -> bool:
        """Writes a small JSON object unless one is there; returns whether it did."""
        with transfers(f"writing s3://{bucket}/{key}"):
            for tries_left in reversed(range(CLAIM_TRIES)):
                try:
                    self.client.put_object(
                        Bucket=bucket,
                        Key=key,
                        Body=content,
                        ContentType="application/json",
                        IfNoneMatch="*",
                    )
                except ClientError as error:
                    if error_code(error) in _TAKEN:
                        return False
                    if error_code(error) not in _TAKEN_JUST_NOW or not tries_left:
                        raise
                else:
                    return True
        return False

    def upload(self, path: Path, bucket: str, key: str) -> str:
        """Uploads a file; returns its SHA-256 (hex), which S3 has checked or holds beside it."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
        metadata = {"sha256": digest.hexdigest()}
        with transfers(f"uploading s3://{bucket}/{key}"):
            if path.stat().st_size > ONE_PUT_BYTES:
                self._upload_in_parts(path, bucket, key, metadata)
                return digest.hexdigest()
            with path.open("rb") as file:
                self.client.put_object(
                    Bucket=bucket,
                    Key=key,
                    Body=file,
                    ChecksumSHA256=base64.b64encode(digest.digest()).decode(),
                    Metadata=metadata,
                )
        return digest.hexdigest()

    def _upload_in_parts(self, path: Path, bucket: str, key: str, metadata: dict[str, str]) -> None:
        """Each part with its own CRC32: S3 has no SHA-256 over the whole of several parts."""
        from s3transfer.manager import TransferConfig, TransferManager

        config = TransferConfig(
            multipart_threshold=ONE_PUT_BYTES,
            multipart_chunksize=PART_BYTES,
            max_request_concurrency=8,
        )
        given = {"ChecksumAlgorithm": "CRC32", "Metadata": metadata}
        with TransferManager(self.client, config) as manager:
            manager.upload(str(path), bucket, key, extra_args=given).result()
