"""What Batch jobs write, line by line into CloudWatch Logs."""

import os
import threading
import time
from dataclasses import dataclass
from typing import IO

from moto.logs.models import logs_backends

_CHUNK_BYTES = 64 * 1024
_LINE_BYTES = 256 * 1024 - 26  # a log event's limit, less what the service adds to it
# Two jobs that make the same group at once would lose the first one's stream.
_making = threading.Lock()


@dataclass(frozen=True)
class LogStream:
    """Where one attempt's output goes."""

    account: str
    region: str
    group: str
    name: str

    def create(self) -> None:
        """Make the stream, and its group if this is the first, so that readers find it empty."""
        backend = logs_backends[self.account][self.region]
        with _making:
            backend.ensure_log_group(self.group)
            backend.ensure_log_stream(self.group, self.name)

    def copy_from(self, output: IO[bytes]) -> None:
        """Store lines as they come until the output ends."""
        rest, last_timestamp = b"", 0
        while chunk := os.read(output.fileno(), _CHUNK_BYTES):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) >= _LINE_BYTES:
                lines, rest = [*lines, rest], b""
            last_timestamp = self._store(lines, last_timestamp)
        self._store([rest], last_timestamp)

    def _store(self, lines: list[bytes], not_before: int) -> int:
        timestamp = max(not_before, time.time_ns() // 1_000_000)
        events = [
            {"timestamp": timestamp, "message": part.decode("utf-8", "replace")}
            for line in lines
            for part in _parts(line.rstrip(b"\r"))
        ]
        backend = logs_backends[self.account][self.region]
        group = backend.groups.get(self.group)
        # A stream that was deleted meanwhile must not stop the reading: the job would block.
        if events and group is not None and self.name in group.streams:
            backend.put_log_events(self.group, self.name, events)
        return timestamp


def _parts(line: bytes) -> list[bytes]:
    """An empty line gives no event, as with Docker's log driver; a huge one gives several."""
    return [line[start : start + _LINE_BYTES] for start in range(0, len(line), _LINE_BYTES)]
