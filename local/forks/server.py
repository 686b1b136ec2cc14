"""The fork server: one small process that has loaded a program's libraries and forks it on demand.

`python -P server.py DESCRIPTOR PROGRAM`: the program is the path of a module with two functions,
`prepare()`, called once before any fork, and `run(message)`, a forked process' whole life. Run by
its path, and so is the program: nothing of this project is imported but what the program asks for.

It has one thread, so that forking is safe, and one socket to the runtime, on which JSON lines go:
in `{"start": id, …}` (with the descriptor that takes the process' output; the rest is for the
program) and `{"kill": id}`; out `{"started": id, "pid": …}` and `{"ended": id, "status": …}`. When
the socket closes, everything ends.
"""

import contextlib
import ctypes
import gc
import importlib.util
import json
import os
import select
import signal
import socket
import sys
from types import ModuleType
from typing import Any

PR_SET_PDEATHSIG = 1
COLLECT_AFTER_OBJECTS = 50_000
"""With Python's own 700 the collector runs all the time and finds little: a tenth of the processor
time of a small sample."""


class ForkServer:
    """Forks processes on request, and tells when they end."""

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
        """Return only in a forked process, with the message that asked for it."""
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


def die_with(parent: int) -> None:
    """Have Linux kill this process when the fork server dies, however it dies."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the call
        os.kill(os.getpid(), signal.SIGKILL)


def load(path: str) -> ModuleType:
    """The program, by its path."""
    spec = importlib.util.spec_from_file_location("program", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python module")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(descriptor: str, path: str) -> None:
    """Load the program, then fork until the runtime ends."""
    program = load(path)
    program.prepare()
    gc.collect()
    gc.freeze()  # what is loaded stays shared: the collector no longer writes to it
    gc.set_threshold(COLLECT_AFTER_OBJECTS)
    server = os.getpid()
    message = ForkServer(socket.socket(fileno=int(descriptor))).serve()
    die_with(server)
    program.run(message)


if __name__ == "__main__":
    main(*sys.argv[1:])
