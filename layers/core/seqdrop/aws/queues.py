"""SQS: messages to ourselves in the queue that register_upload reads."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from seqdrop.aws.catalog.layout import job_parameter
from seqdrop.domain.errors import Transient
from seqdrop.domain.expectation import Expectation, ManifestVersion
from seqdrop.domain.identity import AnalysisId, JobOwner, ObjectName, ReferenceId
from seqdrop.domain.manifest import SampleEntry

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

LONGEST_DELAY_SECONDS = 900
"""SQS' own limit; who waits longer looks then, and sends the next message."""
MAX_MESSAGE_BYTES = 262_144
"""Of one message, and of all that are sent in one request. SQS takes 1 MiB in most regions since
2025; this is what it takes everywhere."""
_AT_ONCE = 10
LOG_DELAY_SECONDS = 60
"""Docker sends the last lines of a container when it has ended; that takes seconds."""


class Recheck(msgspec.Struct, frozen=True, tag_field="seqdrop", tag="recheck"):
    """Asks whether an analysis may start now."""

    sample: str
    assay: str
    generation: int | None = None

    @property
    def analysis(self) -> AnalysisId:
        """The analysis that is to be looked at."""
        return AnalysisId(self.sample, self.assay)


class LookAt(msgspec.Struct, frozen=True, tag_field="seqdrop", tag="look"):
    """Asks for a look at an object as it is now."""

    object: ObjectName
    tries: int = 0
    """How often it could not be read before."""


class NextInLine(msgspec.Struct, frozen=True, tag_field="seqdrop", tag="next"):
    """Asks for the next run of a project, which may have room for one."""

    project: str


class SampleOfManifest(msgspec.Struct, frozen=True, tag_field="seqdrop", tag="manifest-sample"):
    """What one version of a manifest says of one analysis; without an entry, nothing any more."""

    manifest: ManifestVersion
    analysis: AnalysisId
    entry: SampleEntry | None = None


class FileOfManifest(msgspec.Struct, frozen=True, tag_field="seqdrop", tag="manifest-file"):
    """What one version of a manifest says of one object."""

    said: Expectation


class NamedInRefused(msgspec.Struct, frozen=True, tag_field="seqdrop", tag="manifest-refused"):
    """Objects that a manifest names which can't be used as it stands."""

    manifest: ManifestVersion
    objects: tuple[ObjectName, ...]


Message = Recheck | LookAt | NextInLine | SampleOfManifest | FileOfManifest | NamedInRefused


class UploadsQueue:
    """Sends messages to the queue that register_upload reads."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client = client
        self._url = queue_url

    def recheck(
        self, analysis: AnalysisId, generation: int | None = None, delay_seconds: int = 0
    ) -> None:
        """Asks for a look later; with a generation, only if that is still the analysis' own."""
        self.send(Recheck(analysis.sample, analysis.assay, generation), delay_seconds)

    def send(self, message: Message, delay_seconds: int = 0) -> None:
        """Sends one message; a longer wait than SQS can is cut."""
        self._client.send_message(
            QueueUrl=self._url,
            MessageBody=_text(message),
            DelaySeconds=min(delay_seconds, LONGEST_DELAY_SECONDS),
        )

    def send_all(self, messages: Sequence[Message]) -> None:
        """Sends all messages, in few requests. Raises Transient where SQS did not take them all."""
        for batch in _batches(list(map(_text, messages))):
            entries: list[SendMessageBatchRequestEntryTypeDef] = [
                {"Id": str(number), "MessageBody": text} for number, text in enumerate(batch)
            ]
            answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
            if failed := answer.get("Failed"):
                raise Transient(f"SQS did not take {len(failed)} messages: {failed[0]['Code']}")


def size_of(message: Message) -> int:
    """Bytes of a message, of which a queue takes MAX_MESSAGE_BYTES."""
    return len(_text(message).encode())


def _text(message: Message) -> str:
    return msgspec.json.encode(message).decode()


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """Pieces that one request takes, by their number and by their bytes."""
    batch: list[str] = []
    size = 0
    for text in texts:
        length = len(text.encode())
        if batch and (len(batch) == _AT_ONCE or size + length > MAX_MESSAGE_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += length
    if batch:
        yield batch


class CopyLog(msgspec.Struct, frozen=True, tag_field="seqdrop", tag="copy-log"):
    """Asks for copies of what a job wrote; ``job`` is as Batch jobs carry their owners."""

    job: str


class ReferenceReady(msgspec.Struct, frozen=True, tag_field="seqdrop", tag="reference-ready"):
    """Asks which analyses a version of a reference makes stale."""

    reference: ReferenceId


class JobEventsQueue:
    """Sends messages to the queue that record_job_event reads."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client = client
        self._url = queue_url

    def copy_log(self, owner: JobOwner) -> None:
        """Asks for copies of a job's logs, once CloudWatch has had time to get their ends."""
        body = msgspec.json.encode(CopyLog(job_parameter(owner))).decode()
        self._client.send_message(
            QueueUrl=self._url, MessageBody=body, DelaySeconds=LOG_DELAY_SECONDS
        )

    def reference_ready(self, reference: ReferenceId) -> None:
        """Tells that a version of a reference can be used."""
        body = msgspec.json.encode(ReferenceReady(reference)).decode()
        self._client.send_message(QueueUrl=self._url, MessageBody=body)
