"""The fork server: one small process that has AWS's libraries loaded and forks every function.

It is run by its path, with `python -P`, and imports nothing of this project: what a function may
import is its own folder, its layers, and what Lambda's own runtime brings. Having those libraries
loaded once makes a cold start a fork (tens of milliseconds), and their memory is shared.

It has one thread, so that forking is safe, and one socket to the runtime, on which JSON lines go:
in `{"start": id, "handler": …, "environment": {…}, "path": […], "directory": …}` (with the
descriptor that takes the worker's output) and `{"kill": id}`; out `{"started": id, "pid": …}` and
`{"ended": id, "status": …}`. When the socket closes, everything ends.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import time
from types import ModuleType
from typing import Any

PRELOADED = (
    "boto3",
    "botocore.client",
    "botocore.endpoint",
    "botocore.httpsession",
    "http.client",
    "simplejson",
    "aws_lambda_powertools",
    "msgspec",
)
PR_SET_PDEATHSIG = 1


class ForkServer:
    """Forks workers on request, and tells when they end."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._received = b""
        self._outputs: list[int] = []
        self._pids: dict[str, int] = {}
        # A child's end must wake the select: its signal writes a byte here.
        self._wake, self._waker = socket.socketpair()
        self._wake.setblocking(False)
        self._waker.setblocking(False)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> dict[str, Any]:
        """Return only in a forked worker, with what it is to run."""
        while True:
            ready, _, _ = select.select([self._control, self._wake], [], [])
            if self._wake in ready:
                with contextlib.suppress(BlockingIOError):
                    self._wake.recv(4096)
                self._report_ended()
            if self._control in ready:
                for message in self._messages():
                    if "kill" in message:
                        self._kill(message["kill"])
                    elif self._fork(message):
                        return message

    def _messages(self) -> list[dict[str, Any]]:
        try:
            data, outputs, _, _ = socket.recv_fds(self._control, 1 << 16, 16)
        except ConnectionResetError:  # the runtime went before it read what we had to tell
            data, outputs = b"", []
        self._outputs += outputs
        if not data:
            self._end()
        *lines, self._received = (self._received + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def _fork(self, message: dict[str, Any]) -> bool:
        output = self._outputs.pop(0)
        pid = os.fork()
        if pid == 0:
            self._become_worker(output)
            return True
        os.close(output)
        self._pids[message["start"]] = pid
        self._tell({"started": message["start"], "pid": pid})
        return False

    def _become_worker(self, output: int) -> None:
        """Let go of what is the fork server's, in the child."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        for held in (self._control, self._wake, self._waker):
            held.close()
        for other in self._outputs:  # of workers still to be forked
            os.close(other)
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for standard in (1, 2):
            os.dup2(output, standard)
        os.close(output)

    def _report_ended(self) -> None:
        for worker, pid in list(self._pids.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self._pids[worker]
                self._tell({"ended": worker, "status": os.waitstatus_to_exitcode(status)})

    def _tell(self, message: dict[str, Any]) -> None:
        # A runtime that is gone is seen at the next read.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._control.sendall(json.dumps(message).encode() + b"\n")

    def _kill(self, worker: str) -> None:
        """End a worker and what it started: each leads a process group of its own."""
        pid = self._pids.get(worker)
        if pid is None:
            return
        for kill in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                kill(pid, signal.SIGKILL)

    def _end(self) -> None:
        for worker in list(self._pids):
            self._kill(worker)
        for pid in self._pids.values():
            os.waitpid(pid, 0)
        sys.exit(0)


class PortableRuntimeClient(ModuleType):
    """What awslambdaric's own C client does, for systems that it is not built for (macOS)."""

    def __init__(self, address: str) -> None:
        super().__init__("runtime_client")
        http = importlib.import_module("http.client")
        self._connection = http.HTTPConnection(address)

    def initialize_client(self, user_agent: str) -> None:
        """Take the name that the bootstrap gives itself; the Runtime API has no use for it."""

    def next(self) -> tuple[bytes, dict[str, Any]]:
        """Wait for the next invocation: its event and its headers."""
        body, headers = self._call("GET", "next")
        deadline = int(headers["Lambda-Runtime-Deadline-Ms"])
        return body, {**headers, "Lambda-Runtime-Deadline-Ms": deadline}

    def post_invocation_result(
        self, request: str, body: bytes, content_type: str, _id: str | None = None
    ) -> None:
        """Give the handler's answer."""
        self._call("POST", f"{request}/response", body, {"Content-Type": content_type})

    def post_error(self, request: str, body: str, _fault: str, _id: str | None = None) -> None:
        """Give the handler's error."""
        self._call("POST", f"{request}/error", body.encode())

    def _call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[bytes, dict[str, str]]:
        path = f"/2018-06-01/runtime/invocation/{path}"
        self._connection.request(method, path, body, headers or {})
        answer = self._connection.getresponse()
        return answer.read(), dict(answer.getheaders())


def die_with(parent: int) -> None:
    """Have Linux kill this process when the fork server dies, however it dies."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the call
        os.kill(os.getpid(), signal.SIGKILL)


def run_function(message: dict[str, Any]) -> None:
    """Turn this process into the function: its environment, its path, then AWS's bootstrap."""
    os.environ.clear()
    os.environ.update(message["environment"])
    time.tzset()
    sys.path[:0] = message["path"]
    os.chdir(message["directory"])
    if message["portable_client"]:
        sys.modules["runtime_client"] = PortableRuntimeClient(os.environ["AWS_LAMBDA_RUNTIME_API"])
    # Only now: the bootstrap and its C client read the environment while they are imported.
    bootstrap = importlib.import_module("awslambdaric.__main__")
    bootstrap.main(["awslambdaric", message["handler"]])


def main() -> None:
    """Load the libraries, then fork until the runtime ends."""
    for name in PRELOADED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what is loaded stays shared: the collector no longer writes to it
    server = os.getpid()
    message = ForkServer(socket.socket(fileno=int(sys.argv[1]))).serve()
    die_with(server)
    run_function(message)


if __name__ == "__main__":
    main()
