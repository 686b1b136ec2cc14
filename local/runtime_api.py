"""One worker of a function as the runtime sees it: its Runtime API, its log and its life.

All of it runs on one event loop (the host's), and needs no locks for that.
"""

import asyncio
import os
import secrets
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.logs.models import logs_backends

from local.worker import Forks

if TYPE_CHECKING:
    from local.functions import Call, Function

INIT_SECONDS = 10  # what Lambda gives a function to load
LOG_FLUSH_SECONDS = 0.1
LOG_TAIL_BYTES = 4096
# The bootstrap sends an error's trace in a header, of up to 1 MiB.
HEADERS_LIMIT_BYTES = 1 << 21
INVOCATION = "/2018-06-01/runtime/invocation/"
INIT_ERROR = "/2018-06-01/runtime/init/error"


class RuntimeApi:
    """Lambda's Runtime API for one worker, on a port of its own: the port tells who calls."""

    def __init__(self, worker: "Worker") -> None:
        self._worker = worker
        self._waiting: asyncio.StreamWriter | None = None
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> str:
        """Listen, and return the address for AWS_LAMBDA_RUNTIME_API."""
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, limit=HEADERS_LIMIT_BYTES
        )
        host, port = self._server.sockets[0].getsockname()
        return f"{host}:{port}"

    def deliver(self, payload: bytes, headers: dict[str, str]) -> None:
        """Answer the worker's `next`; only for one that said it is ready."""
        waiting, self._waiting = self._waiting, None
        if waiting:
            waiting.write(_answer("200 OK", payload, headers))

    def close(self) -> None:
        """Stop listening and drop the worker's connections."""
        if self._server:
            self._server.close()
        for writer in self._writers:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                method, path, length = _parsed(await reader.readuntil(b"\r\n\r\n"))
                self._handle(method, path, await reader.readexactly(length), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()  # the worker ended, which the fork server reports with its reason
        finally:
            self._writers.discard(writer)

    def _handle(self, method: str, path: str, body: bytes, writer: asyncio.StreamWriter) -> None:
        if (method, path) == ("GET", f"{INVOCATION}next"):
            self._waiting = writer
            self._worker.ready()
            return
        request_id, _, outcome = path.removeprefix(INVOCATION).partition("/")
        known = path == INIT_ERROR or outcome in ("response", "error")
        writer.write(_answer("202 Accepted" if known else "404 Not Found", b"", {}))
        if path == INIT_ERROR:
            self._worker.init_failed(body)
        elif known:
            self._worker.answered(request_id, body, error=outcome == "error")


def _answer(status: str, body: bytes, headers: dict[str, str]) -> bytes:
    """Return a whole answer, so that it leaves in one write."""
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def _parsed(head: bytes) -> tuple[str, str, int]:
    """Return a request's method, path and body length."""
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(":", 1) for line in lines if ":" in line)
    method, path, _ = first.split(" ", 2)
    return method, path, int(headers.get("content-length", "0"))


class WorkerLog:
    """A worker's log stream: what it prints and Lambda's own lines, sent to moto in batches."""

    def __init__(self, function_arn: str, function_name: str, stream: str) -> None:
        self.group, self.stream = f"/aws/lambda/{function_name}", stream
        region, account = function_arn.split(":")[3:5]
        self._backend = logs_backends[account][region]
        self._pending: list[dict[str, Any]] = []
        self._partial = b""
        self._tail: list[str] = []
        self._loop = asyncio.get_running_loop()
        self._output, self.descriptor = os.pipe()
        os.set_blocking(self._output, False)
        self._loop.add_reader(self._output, self.read)

    def read(self) -> None:
        """Take what the worker has printed until now."""
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
                self.write(line.decode(errors="replace"))

    def write(self, line: str) -> None:
        """Add one line (the bootstrap joins the lines of a trace by carriage returns)."""
        message = line.replace("\r", "\n")
        if not self._pending:
            self._loop.call_later(LOG_FLUSH_SECONDS, self._flush)
        self._pending.append({"timestamp": int(time.time() * 1000), "message": message})
        self._tail.append(message)

    def take_tail(self) -> str:
        """Return the last lines since this was last asked."""
        lines, self._tail = self._tail, []
        return "\n".join(lines)[-LOG_TAIL_BYTES:]

    def close(self) -> None:
        """Stop reading, and send what is left."""
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
        self._log = WorkerLog(spec.arn, spec.name, stream)

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

    def run(self, call: "Call") -> None:
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
            call.resolve(payload, error, self._report(call))

    def init_failed(self, payload: bytes) -> None:
        """Hear that the function's module could not be loaded: one waiting call is told."""
        self.leave()
        call = self._function.take_waiting()
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

    def _timed_out(self) -> None:
        seconds = self._function.spec.timeout_seconds
        self._fail("Sandbox.Timedout", f"Task timed out after {seconds:.2f} seconds")

    def _fail(self, kind: str, reason: str) -> None:
        call = self._call
        if not call and self.state == "starting":
            call = self._function.take_waiting()
        self.leave()
        if call:
            self._log.read()
            self._log.write(f"{call.request_id} {reason}")
            call.fail(kind, reason, self._report(call))
        self._function.settle()

    def _report(self, call: "Call") -> str:
        """Write the lines that end an invocation's log, and return that log's tail."""
        self._call = None
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
