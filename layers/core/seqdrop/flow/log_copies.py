"""Copies of jobs' logs: CloudWatch keeps them for a time, results are kept with all about them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from seqdrop.aws.catalog import Catalog
from seqdrop.aws.catalog.layout import timestamp
from seqdrop.aws.job_logs import JobLogs, LogEvent, Page
from seqdrop.aws.objects import Objects
from seqdrop.domain.errors import Transient
from seqdrop.domain.identity import JobOwner

_TIME = re.compile(r"^(\d{4}-\d\d-\d\dT[\d:.]{12}Z) ", re.MULTILINE)
"""Begins each event; a message may go over several lines."""
LONGEST_BYTES = 4 * 1024 * 1024
"""Of a copy: ten messages of three attempts each have a function's 30 seconds."""
TOO_LONG = "(the rest was too long to be copied)"


@dataclass(frozen=True)
class LogCopies:
    """A log is copied a while after its job's end, when CloudWatch has its last lines."""

    catalog: Catalog
    objects: Objects
    logs: JobLogs

    def copy(self, owner: JobOwner) -> list[str]:
        """Copies what each attempt of a job wrote beside its plan; returns the copies' keys.

        One that is there stays as it is: CloudWatch may have forgotten a part of it since. Raises
        Transient where the catalog does not know of the job's end yet.
        """
        job = self.catalog.jobs.get(owner)
        if job is None or not job.has_ended:
            raise Transient(f"the end of {owner} is not recorded yet")
        streams = dict.fromkeys(one.log_stream for one in job.attempts if one.log_stream)
        keys = {log_key(job.folder, job.stage, stream): stream for stream in streams}
        there = self.objects.sizes(job.bucket, f"{job.folder}logs/") if keys else {}
        missing = [key for key in keys if key.removeprefix(f"{job.folder}logs/") not in there]
        bodies = {key: _text(self.logs.pages(keys[key])) for key in missing}
        return [key for key, body in bodies.items() if self._put(job.bucket, key, body)]

    def _put(self, bucket: str, key: str, body: bytes) -> bool:
        return bool(body) and self.objects.put_new(bucket, key, body)


def log_key(folder: str, stage: str, stream: str) -> str:
    """The key of the copy of one attempt's log, in the bucket of its run's plan."""
    return f"{folder}logs/{stage}.{stream.rpartition('/')[2]}.log"


def _text(pages: Iterable[Page]) -> bytes:
    """The lines of a log with their times; of one that is too long, the first of them."""
    lines: list[bytes] = []
    size = 0
    for event in (event for page in pages for event in page.events):
        line = _line(event)
        size += len(line)
        if size > LONGEST_BYTES:
            lines.append(_line(LogEvent(event.time, TOO_LONG)))
            break
        lines.append(line)
    return b"".join(lines)


def _line(event: LogEvent) -> bytes:
    time = timestamp(datetime.fromtimestamp(event.time / 1_000, UTC))
    return f"{time} {event.message}\n".encode()


def read_copy(body: bytes) -> list[LogEvent]:
    """The events of a copy."""
    parts = _TIME.split(body.decode("utf-8", "replace"))[1:]
    return [
        LogEvent(round(datetime.fromisoformat(time).timestamp() * 1_000), message.rstrip("\n"))
        for time, message in zip(parts[::2], parts[1::2], strict=True)
    ]
