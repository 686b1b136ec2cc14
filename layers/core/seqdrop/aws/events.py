"""Events of AWS services as they come out of our queues, typed."""

from datetime import datetime
from typing import Any

import msgspec

from seqdrop.aws.batch_detail import read_state
from seqdrop.aws.catalog.layout import timestamp
from seqdrop.aws.queues import CopyLog, Message, ReferenceReady
from seqdrop.domain.identity import ReanalysisInput, RunId
from seqdrop.domain.object_events import ObjectGone, ObjectRestored
from seqdrop.domain.records import JobState
from seqdrop.domain.upload import Upload

UploadMessage = Upload | ObjectGone | ObjectRestored | Message
"""What the queue of uploads holds."""


class _Bucket(msgspec.Struct):
    name: str


class _Object(msgspec.Struct):
    key: str
    etag: str = ""
    sequencer: str = ""
    version_id: str = msgspec.field(name="version-id", default="")


class _ObjectDetail(msgspec.Struct):
    bucket: _Bucket
    object: _Object
    reason: str = ""


class _ObjectEvent(msgspec.Struct):
    detail: _ObjectDetail
    kind: str = msgspec.field(name="detail-type", default="Object Created")
    time: str = ""


class _JobEvent(msgspec.Struct):
    detail: dict[str, Any]
    kind: str = msgspec.field(name="detail-type", default="")
    time: str = ""


class ExecutionEnd(msgspec.Struct, frozen=True):
    """An execution that failed, timed out or was stopped."""

    status: str
    input: str
    cause: str | None = None
    error: str | None = None

    @property
    def of(self) -> RunId | ReanalysisInput:
        """The run that it was to make, or the reanalysis that it was."""
        fields: dict[str, Any] = msgspec.json.decode(self.input, type=dict[str, Any])
        is_run = "run_key" in fields
        return (
            msgspec.convert(fields, RunId) if is_run else msgspec.convert(fields, ReanalysisInput)
        )


class _ExecutionStatusChange(msgspec.Struct):
    detail: ExecutionEnd


def read_upload_message(body: str) -> UploadMessage:
    """What the queue of uploads holds: an event of S3, or a message to ourselves.

    Raises msgspec.DecodeError for anything else: it goes to the dead letters.
    """
    if '"seqdrop"' in body[:20]:
        message: Message = msgspec.json.decode(body, type=Message)
        return message
    event = msgspec.json.decode(body, type=_ObjectEvent)
    bucket, found = event.detail.bucket.name, event.detail.object
    match event.kind:
        case "Object Created":
            return Upload(
                bucket, found.key, found.version_id, found.sequencer, found.etag, event.time
            )
        case "Object Deleted":
            expired = event.detail.reason == "Lifecycle Expiration"
            return ObjectGone(bucket, found.key, found.version_id, by_lifecycle=expired)
        case "Object Restore Completed":
            return ObjectRestored(bucket, found.key, found.version_id)
    raise msgspec.ValidationError(f"S3 event {event.kind!r}: the queue of uploads takes none such")


def read_job_event(body: str) -> JobState:
    """A ``Batch Job State Change`` event, or a ``Batch Job Queue Blocked`` event.

    The second tells of the job at the head of the queue, as it is: RUNNABLE, and why.
    """
    event = msgspec.json.decode(body, type=_JobEvent)
    told = timestamp(datetime.fromisoformat(event.time)) if event.time else ""
    state = msgspec.structs.replace(read_state(event.detail), told=told)
    if event.kind != "Batch Job Queue Blocked":
        return state
    why = event.detail.get("statusReason") or "UNDETERMINED - Batch gives no reason"
    return msgspec.structs.replace(state, reason="", blocked=why)


def read_job_message(body: str) -> JobState | CopyLog | ReferenceReady:
    """What the queue of job events holds: an event of Batch, or a message to ourselves.

    Raises msgspec.DecodeError for anything else: it goes to the dead letters.
    """
    if '"seqdrop"' in body[:20]:
        message: CopyLog | ReferenceReady = msgspec.json.decode(body, type=CopyLog | ReferenceReady)
        return message
    return read_job_event(body)


def read_execution_end(body: str) -> ExecutionEnd:
    """A ``Step Functions Execution Status Change`` event."""
    return msgspec.json.decode(body, type=_ExecutionStatusChange).detail
