"""One worker of a function as the runtime sees it: its life, its Runtime API and its log.

All of it runs on one event loop (the host's), and needs no locks for that.
"""

import asyncio
import secrets
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from local.forks.client import Forks
from local.functions.calls import Call
from local.functions.failures import report, report_failure, report_logged_error
from local.functions.log import WorkerLog
from local.functions.runtime_api import RuntimeApi

if TYPE_CHECKING:
    from local.functions.host import Function

INIT_SECONDS = 10  # what Lambda gives a function to load


class Worker:
    """One process of a function: `starting`; `idle`, `busy` and `done` in turn; `gone`."""

    def __init__(self, function: "Function", forks: Forks) -> None:
        self.id = secrets.token_hex(16)
        self.state = "starting"
        self.last_used = self._since = time.monotonic()
        self._function = function
        self._forks = forks
        self._call: Call | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._api = RuntimeApi(self)
        self._init_ms = 0.0
        spec = function.spec
        stream = time.strftime("%Y/%m/%d/[$LATEST]", time.gmtime()) + self.id
        self._log = WorkerLog(spec.arn, spec.name, stream, self._heard)

    async def start(self, portable_client: bool) -> None:
        """Fork the process, which then asks for its first invocation."""
        spec = self._function.spec
        own = {
            "AWS_LAMBDA_RUNTIME_API": await self._api.open(),
            "AWS_LAMBDA_LOG_GROUP_NAME": self._log.group,
            "AWS_LAMBDA_LOG_STREAM_NAME": self._log.stream,
        }
        message = {
            "handler": spec.handler,
            "environment": self._function.environment | own,
            "path": [str(spec.code_dir), *map(str, spec.python_path)],
            "directory": str(spec.code_dir),
            "portable_client": portable_client,
        }
        self._forks.fork(self.id, message, self._log.descriptor)
        self._set_timer(INIT_SECONDS + spec.timeout_seconds)

    def run(self, call: Call) -> None:
        """Hand over an invocation, and start its clock."""
        spec = self._function.spec
        self.state, self._call, self._since = "busy", call, time.monotonic()
        self._log.read()
        self._log.take_tail()
        self._log.write(f"START RequestId: {call.request_id} Version: $LATEST")
        self._set_timer(spec.timeout_seconds)
        trace = f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": call.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + spec.timeout_seconds) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": spec.arn,
            "Lambda-Runtime-Trace-Id": f"{trace};Parent={secrets.token_hex(8)};Sampled=0",
        }
        self._api.deliver(call.payload, headers)

    def leave(self) -> None:
        """End the process, and no longer count it among the function's."""
        self._clear_timer()
        if self.state != "gone":
            self.state = "gone"
            self._function.workers.remove(self)
            self._forks.kill(self.id)

    def ready(self) -> None:
        """Hear that the worker waits for an invocation."""
        if self.state == "gone":
            return
        if self.state == "starting":
            self._init_ms = (time.monotonic() - self._since) * 1000
        self._clear_timer()
        self.state, self.last_used = "idle", time.monotonic()
        self._function.settle(self)

    def answered(self, request_id: str, payload: bytes, error: bool) -> None:
        """Hear an invocation's outcome."""
        call = self._call
        if call and call.request_id == request_id:
            self._clear_timer()
            self.state, self.last_used = "done", time.monotonic()  # until it asks for the next
            if error:
                report_failure(self._function.spec.name, call.payload, payload)
            call.resolve(payload, error, self._report(call))

    def init_failed(self, payload: bytes) -> None:
        """Hear that the function's module could not be loaded: one waiting call is told."""
        self.leave()
        call = self._function.take_waiting()
        report_failure(self._function.spec.name, call.payload if call else b"", payload)
        if call:
            self._log.read()
            call.resolve(payload, True, self._log.take_tail())
        self._function.settle()

    def ended(self, status: int) -> None:
        """Hear that the process is gone; a call that it served, or would have, fails."""
        self._fail("Runtime.ExitError", _exit_reason(status))
        self._log.read()
        self._log.close()
        self._api.close()

    def _heard(self, line: str) -> None:
        """Hear a line that the function printed, while its call is still known."""
        event = self._call.payload if self._call else b""
        report_logged_error(self._function.spec.name, event, line)

    def _timed_out(self) -> None:
        seconds = self._function.spec.timeout_seconds
        self._fail("Sandbox.Timedout", f"Task timed out after {seconds:.2f} seconds")

    def _fail(self, kind: str, reason: str) -> None:
        call, loading = self._call, self.state == "starting"
        if not call and loading:
            call = self._function.take_waiting()
        self.leave()
        if call or loading:
            event = call.payload if call else b""
            report(self._function.spec.name, event, kind, reason)
        if call:
            self._log.read()
            self._log.write(f"{call.request_id} {reason}")
            call.fail(kind, reason, self._report(call))
        self._function.settle()

    def _report(self, call: Call) -> str:
        """Write the lines that end an invocation's log, and return that log's tail."""
        duration_ms = (time.monotonic() - self._since) * 1000
        memory_mib = _peak_memory_mib(self._forks.pids.get(self.id))
        report = [
            f"REPORT RequestId: {call.request_id}",
            f"Duration: {duration_ms:.2f} ms",
            f"Billed Duration: {int(duration_ms) + 1} ms",
            f"Memory Size: {self._function.spec.memory_mib} MB",
            *([f"Max Memory Used: {memory_mib} MB"] if memory_mib else []),
            *([f"Init Duration: {self._init_ms:.2f} ms"] if self._init_ms else []),
        ]
        self._init_ms = 0.0
        self._log.read()
        self._call = None  # only now: an error that it logged is told with whose event it had
        self._log.write(f"END RequestId: {call.request_id}")
        self._log.write("\t".join(report))
        return self._log.take_tail()

    def _set_timer(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._timed_out)

    def _clear_timer(self) -> None:
        if self._timer:
            self._timer.cancel()


def _exit_reason(status: int) -> str:
    """Say why a process ended, in Lambda's words."""
    if status == 0:
        return "Runtime exited without providing a reason"
    if status > 0:
        return f"Runtime exited with error: exit status {status}"
    return f"Runtime exited with error: signal: {(signal.strsignal(-status) or '').lower()}"


def _peak_memory_mib(pid: int | None) -> int | None:
    """Return a process's peak memory, where the system tells (Linux)."""
    if sys.platform != "linux" or pid is None:
        return None
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:  # it has just ended
        return None
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")), None)
