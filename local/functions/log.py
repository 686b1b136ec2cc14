"""What a worker prints, as a log stream."""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from typing import Any

from moto.logs.models import logs_backends

LOG = logging.getLogger(__name__)
LOG_FLUSH_SECONDS = 0.1
LOG_TAIL_BYTES = 4096


class WorkerLog:
    """A worker's log stream: what it prints and Lambda's own lines, sent to moto in batches.

    Each line that the worker prints is also told to ``heard``, and all go to the runtime's log.
    """

    def __init__(
        self, function_arn: str, function_name: str, stream: str, heard: Callable[[str], None]
    ) -> None:
        self.group, self.stream = f"/aws/lambda/{function_name}", stream
        region, account = function_arn.split(":")[3:5]
        self._backend = logs_backends[account][region]
        self._heard = heard
        self._pending: list[dict[str, Any]] = []
        self._partial = b""
        self._tail: list[str] = []
        self._loop = asyncio.get_running_loop()
        self._output, self.descriptor = os.pipe()
        os.set_blocking(self._output, False)
        self._loop.add_reader(self._output, self.read)

    def read(self) -> None:
        """Takes what the worker has printed until now."""
        while self._output >= 0:
            try:
                data = os.read(self._output, 1 << 16)
            except BlockingIOError:
                return
            if not data:
                self.close()
                return
            *lines, self._partial = (self._partial + data).split(b"\n")
            for line in lines:
                text = line.decode(errors="replace")
                self.write(text)
                self._heard(text)

    def write(self, line: str) -> None:
        """Adds one line (the bootstrap joins the lines of a trace by carriage returns)."""
        message = line.replace("\r", "\n")
        if not self._pending:
            self._loop.call_later(LOG_FLUSH_SECONDS, self._flush)
        self._pending.append({"timestamp": int(time.time() * 1000), "message": message})
        self._tail.append(message)
        LOG.info("%s %s", self.group, message)

    def take_tail(self) -> str:
        """Returns the last lines since this was last asked."""
        lines, self._tail = self._tail, []
        return "\n".join(lines)[-LOG_TAIL_BYTES:]

    def close(self) -> None:
        """Stops reading, and sends what is left."""
        if self._output < 0:
            return
        self._loop.remove_reader(self._output)
        os.close(self._output)
        self._output = -1
        if self._partial:
            self.write(self._partial.decode(errors="replace"))
        self._flush()

    def _flush(self) -> None:
        pending, self._pending = self._pending, []
        if pending:
            self._backend.ensure_log_group(self.group)
            self._backend.ensure_log_stream(self.group, self.stream)
            self._backend.put_log_events(self.group, self.stream, pending)
