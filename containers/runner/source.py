"""An object read as a stream that survives broken connections."""

from threading import Event
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from runner.faults import StageFault, Stopped
from runner.objects import error_code, is_gone
from seqdrop.domain.errors import ArchivedObject
from seqdrop.domain.failure import FailureClass
from seqdrop.domain.identity import ObjectName
from seqdrop.domain.plan import StoredObject
from seqdrop.domain.unreadable import refused

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

TRIES = 5
"""In a row without a byte: bwa may leave a stream alone for minutes, and S3 hangs up then."""
FIRST_WAIT_SECONDS = 0.2
_QUOTE = '"'


class ObjectStream:
    """Reads bytes ``start`` to ``end`` of an object, always of one and the same version."""

    def __init__(
        self,
        client: "S3Client",
        stored: StoredObject,
        stop: Event,
        *,
        span: tuple[int, int] | None = None,
        gone: FailureClass = FailureClass.BAD_PLAN,
    ) -> None:
        """``gone`` says whose fault it is when the object is not there any more, or is locked."""
        self._client, self._stored, self._stop, self._gone = client, stored, stop, gone
        self._position, self._end = span or (0, stored.size)
        self._etag = ""
        if not stored.version_id and stored.checksum.startswith("etag:"):
            self._etag = f'"{stored.checksum.removeprefix("etag:").strip(_QUOTE)}"'
        self._body: StreamingBody | None = None
        self._failures = 0

    @property
    def position(self) -> int:
        """How many bytes of the object have been read, or passed over."""
        return self._position

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes; none at the end. Breaks are mended from the byte reached."""
        while self._position < self._end:
            if self._stop.is_set():
                raise Stopped
            try:
                if self._body is None:
                    self._body = self._open()
                data = self._body.read(min(size, self._end - self._position))
            except (BotoCoreError, ClientError, OSError) as error:
                self._wait_after(error)
                continue
            if data:
                self._position += len(data)
                self._failures = 0
                return data
            self._wait_after(ConnectionError("the connection ended early"))
        return b""

    def close(self) -> None:
        """Drops the connection; what it still holds is not wanted."""
        if self._body is not None:
            self._body.close()
            self._body = None

    def _open(self) -> "StreamingBody":
        wanted: dict[str, Any] = {"Bucket": self._stored.bucket, "Key": self._stored.key}
        if self._stored.version_id:
            wanted["VersionId"] = self._stored.version_id
        if self._etag:
            wanted["IfMatch"] = self._etag
        whole = (self._position, self._end) == (0, self._stored.size)
        if not whole:
            wanted["Range"] = f"bytes={self._position}-{self._end - 1}"
        answer = self._client.get_object(**wanted)
        self._etag = answer["ETag"]
        if answer["ContentLength"] != self._end - self._position:
            found = answer["ContentLength"]
            raise self._changed(f"{found:,} bytes came, {self._end - self._position:,} expected")
        return answer["Body"]

    def _wait_after(self, error: Exception) -> None:
        """Back off after a passing error; raise what won't pass."""
        self.close()
        if isinstance(error, ClientError):
            self._raise_if_final(error)
        self._failures += 1
        if self._failures >= TRIES:
            message = f"reading {self._name} failed {TRIES} times: {error}"
            raise StageFault(FailureClass.TRANSFER_FAILED, message) from error
        self._stop.wait(FIRST_WAIT_SECONDS * 2 ** (self._failures - 1))

    def _raise_if_final(self, error: ClientError) -> None:
        code = error_code(error)
        if is_gone(error):
            raise StageFault(self._gone, f"{self._name} is gone ({code})") from error
        if code in ("PreconditionFailed", "412", "InvalidRange"):
            raise self._changed(code) from error
        self._raise_if_unreadable(error)
        if error.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
            raise StageFault(
                FailureClass.TRANSFER_FAILED, f"reading {self._name}: {error}"
            ) from error

    def _raise_if_unreadable(self, error: ClientError) -> None:
        """An archived object is a person's to restore; of a locked one the same move is asked for
        as of one that is gone.
        """
        name = ObjectName(self._stored.bucket, self._stored.key)
        meaning = refused(name, self._stored.version_id, error.response)
        if meaning:
            is_archived = isinstance(meaning, ArchivedObject)
            whose = FailureClass.BAD_INPUT if is_archived else self._gone
            raise StageFault(whose, str(meaning)) from error

    def _changed(self, how: str) -> StageFault:
        message = f"{self._name} is not what the plan froze: it was replaced ({how})"
        return StageFault(FailureClass.TRANSFER_FAILED, message)

    @property
    def _name(self) -> str:
        version = self._stored.version_id
        suffix = f" (version {version})" if version else ""
        return f"s3://{self._stored.bucket}/{self._stored.key}{suffix}"
