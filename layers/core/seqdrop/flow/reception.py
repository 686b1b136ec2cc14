"""The queue of uploads: each message goes to the flow that it is for, and none fails unseen."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from seqdrop.aws.events import UploadMessage
from seqdrop.aws.queues import (
    FileOfManifest,
    LookAt,
    NamedInRefused,
    NextInLine,
    Recheck,
    SampleOfManifest,
)
from seqdrop.domain.identity import ObjectName
from seqdrop.domain.naming import UploadKind, upload_kind
from seqdrop.domain.object_events import ObjectGone, ObjectRestored
from seqdrop.domain.upload import Upload
from seqdrop.flow.claiming import Claiming
from seqdrop.flow.intake import Intake
from seqdrop.flow.manifests import Manifests

TRIED_AGAIN_SECONDS = 180
"""When a message that failed comes again: the queue's VisibilityTimeout."""


@dataclass(frozen=True)
class Reception:
    """Any message may come twice, late or out of order."""

    intake: Intake
    manifests: Manifests
    claiming: Claiming
    now: Callable[[], datetime]

    def receive(self, message: UploadMessage) -> str:
        """Does what a message asks for; returns what came of it, for the log.

        Where that fails, the analysis that it is about says so until it is tried again.
        """
        try:
            return self._receive(message)
        except Exception as error:
            if object_ := _object_of(message):
                self._tell(object_, error)
            raise

    def _receive(self, message: UploadMessage) -> str:
        match message:
            case Recheck():
                status = self.claiming.advance(message.analysis, message.generation)
                return f"{message.analysis} is {status or 'gone, or has changed since'}"
            case NextInLine():
                return self.claiming.next_in_line(message.project)
            case LookAt():
                return self.intake.look(message.object, tries=message.tries)
            case SampleOfManifest() | FileOfManifest() | NamedInRefused():
                return self._receive_of_manifest(message)
        return self._receive_event(message)

    def _receive_of_manifest(
        self, message: SampleOfManifest | FileOfManifest | NamedInRefused
    ) -> str:
        match message:
            case SampleOfManifest():
                return self.manifests.apply(message)
            case FileOfManifest():
                return self.manifests.apply_to_file(message.said)
        return self.manifests.keep_back(message)

    def _receive_event(self, event: Upload | ObjectGone | ObjectRestored) -> str:
        """Whatever an event tells, the object is looked at as it is now."""
        object_ = ObjectName(event.bucket, event.key)
        if upload_kind(event.key) is not UploadKind.MANIFEST:
            version = event.version if isinstance(event, Upload) else ""
            expired = isinstance(event, ObjectGone) and event.by_lifecycle
            return self.intake.look(object_, version, has_expired=expired)
        if isinstance(event, ObjectGone):
            return self.manifests.forget(object_)
        if isinstance(event, ObjectRestored):
            return self.manifests.receive(Upload(event.bucket, event.key, event.version_id))
        return self.manifests.receive(event)

    def _tell(self, object_: ObjectName, error: Exception) -> None:
        """Puts a fault on the analysis in words; the fault itself is raised by who calls this."""
        again = self.now() + timedelta(seconds=TRIED_AGAIN_SECONDS)
        said = f"is being processed, next try about {again:%H:%M} UTC ({error})"
        self.intake.tell_trouble(object_, said)


def _object_of(message: UploadMessage) -> ObjectName | None:
    """The object that a message is about, if it is about one."""
    match message:
        case Upload() | LookAt():
            return message.object
        case ObjectGone() | ObjectRestored():
            return ObjectName(message.bucket, message.key)
        case FileOfManifest():
            return message.said.object
    return None
