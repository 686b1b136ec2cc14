"""A function and its workers as the runtime sees them: each one's life, Runtime API and log.

All of it runs on one event loop (the host's), and needs no locks for that.
"""

import asyncio
import os
import secrets
import signal
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from local.forks.client import Forks
from local.functions.calls import Call, FunctionSpec
from local.functions.failures import report, report_failure, report_logged_error
from local.functions.log import WorkerLog
from local.functions.runtime_api import RuntimeApi
from local.roles import function_key

INIT_SECONDS = 10  # what Lambda gives a function to load


class Function:
    """A function, its workers and the calls that wait for one."""

    def __init__(
        self, spec: FunctionSpec, endpoint_url: str, settle: "Callable[[Worker | None], None]"
    ) -> None:
        """``settle`` gives waiting calls to workers; it is told of one that has become idle."""
        self.spec = spec
        self.environment = _environment(spec, endpoint_url)
        self.workers: list[Worker] = []
        self.waiting: deque[Call] = deque()
        self.open_calls = 0
        self.settle = settle

    def idle(self) -> "list[Worker]":
        """Returns the workers that wait for an invocation."""
        return [worker for worker in self.workers if worker.state == "idle"]

    def take_waiting(self) -> Call | None:
        """Takes the call that has waited longest, for a worker that could not start."""
        return self.waiting.popleft() if self.waiting else None


def _environment(spec: FunctionSpec, endpoint_url: str) -> dict[str, str]:
    """Returns all that a function sees: nothing of the runtime's own environment goes to it."""
    region = spec.arn.split(":")[3]
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", os.defpath]),
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        # Without these, boto3 would read the settings of whoever runs the runtime.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": function_key(spec.name),
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_SESSION_TOKEN": "local",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{python}",
        "AWS_LAMBDA_FUNCTION_NAME": spec.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory_mib),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "LAMBDA_TASK_ROOT": str(spec.code_dir),
        "_HANDLER": spec.handler,
        **spec.environment,
    }


class Worker:
    """One process of a function: `starting`; `idle`, `busy` and `done` in turn; `gone`."""

    def __init__(self, function: Function, forks: Forks) -> None:
        self.id = secrets.token_hex(16)
        self.state = "starting"
        self.last_used = self._since = time.monotonic()
        self._function = function
        self._forks = forks
        self._call: Call | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._api = RuntimeApi(self.ready, self.answered, self.init_failed)
        self._init_ms = 0.0
        spec = function.spec
        stream = time.strftime("%Y/%m/%d/[$LATEST]", time.gmtime()) + self.id
        self._log = WorkerLog(spec.arn, spec.name, stream, self._heard)

    async def start(self, portable_client: bool) -> None:
        """Forks the process, which then asks for its first invocation."""
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
        """Hands over an invocation, and starts its clock."""
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
        """Ends the process, and no longer counts it among the function's."""
        self._clear_timer()
        if self.state != "gone":
            self.state = "gone"
            self._function.workers.remove(self)
            self._forks.kill(self.id)

    def ready(self) -> None:
        """Hears that the worker waits for an invocation."""
        if self.state == "gone":
            return
        if self.state == "starting":
            self._init_ms = (time.monotonic() - self._since) * 1000
        self._clear_timer()
        self.state, self.last_used = "idle", time.monotonic()
        self._function.settle(self)

    def answered(self, request_id: str, payload: bytes, error: bool) -> None:
        """Hears an invocation's outcome."""
        call = self._call
        if call and call.request_id == request_id:
            self._clear_timer()
            self.state, self.last_used = "done", time.monotonic()  # until it asks for the next
            if error:
                report_failure(self._function.spec.name, call.payload, payload)
            call.resolve(payload, error, self._report(call))

    def init_failed(self, payload: bytes) -> None:
        """Hears that the function's module could not be loaded: one waiting call is told."""
        self.leave()
        call = self._function.take_waiting()
        report_failure(self._function.spec.name, call.payload if call else b"", payload)
        if call:
            self._log.read()
            call.resolve(payload, True, self._log.take_tail())
        self._function.settle(None)

    def ended(self, status: int) -> None:
        """Hears that the process is gone; a call that it served, or would have, fails."""
        self._fail("Runtime.ExitError", _exit_reason(status))
        self._log.read()
        self._log.close()
        self._api.close()

    def _heard(self, line: str) -> None:
        """Hears a line that the function printed, while its call is still known."""
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
        self._function.settle(None)

    def _report(self, call: Call) -> str:
        """Writes the lines that end an invocation's log, and returns that log's tail."""
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
    """Says why a process ended, in Lambda's words."""
    if status == 0:
        return "Runtime exited without providing a reason"
    if status > 0:
        return f"Runtime exited with error: exit status {status}"
    return f"Runtime exited with error: signal: {(signal.strsignal(-status) or '').lower()}"


def _peak_memory_mib(pid: int | None) -> int | None:
    """Returns a process's peak memory, where the system tells (Linux)."""
    if sys.platform != "linux" or pid is None:
        return None
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:  # it has just ended
        return None
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")), None)
