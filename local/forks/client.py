"""The fork server as the runtime sees it."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

LOG = logging.getLogger(__name__)

_SERVER = Path(__file__).with_name("server.py")
_STOP_SECONDS = 10


class Forks:
    """A fork server, which is started with its first process; may be used by any thread."""

    def __init__(
        self,
        program: Path,
        environment: Mapping[str, str],
        ended: Callable[[str, int], None],
        started: Callable[[str, int], None] = lambda _name, _pid: None,
    ) -> None:
        """``environment`` is the server's own; what a process sees is in its message.

        ``started`` is told a process' name and pid, ``ended`` its name and exit code (below zero:
        its signal), both on a thread of the fork server's own. Processes die with their server.
        """
        self._program = program
        self._environment = dict(environment)
        if sys.platform == "darwin":  # its libraries refuse to run after a fork unless told
            self._environment |= {"OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES", "no_proxy": "*"}
        self._ended, self._started = ended, started
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        # Held open until the answer: macOS loses a descriptor that is closed on the way.
        self._outputs: dict[str, int] = {}
        self._names: set[str] = set()
        self.pids: dict[str, int] = {}

    def start(self) -> None:
        """Start the server if there is none; what is asked while it loads waits in the socket."""
        with self._lock:
            self._ensure_started()

    def fork(self, name: str, message: Mapping[str, Any], output: int) -> None:
        """Start a process; `output` takes what it prints, and is closed here."""
        with self._lock:
            self._ensure_started()
            self._outputs[name] = output
            self._names.add(name)
            self._send({**message, "start": name}, [output])

    def kill(self, name: str) -> None:
        """Kill a process; the fork server knows whether its pid is still its own."""
        with self._lock:
            self._send({"kill": name}, [])

    def stop(self) -> None:
        """End every process and the fork server, and wait for that; nobody is told."""
        with self._lock:
            control, self._control = self._control, None
            reader, self._reader = self._reader, None
            if control:
                control.shutdown(socket.SHUT_RDWR)
        if reader:
            reader.join()

    def _ensure_started(self) -> None:
        if self._control:
            return
        ours, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-X", "utf8", _SERVER, str(theirs.fileno()), self._program],
            pass_fds=[theirs.fileno()],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # no terminal: its processes write theirs in blocks, too
            start_new_session=True,  # Ctrl-C is for the runtime, which then ends this
        )
        theirs.close()
        self._control = ours
        self._reader = threading.Thread(
            target=self._read, args=(ours, self._process), name="forks", daemon=True
        )
        self._reader.start()

    def _send(self, message: Mapping[str, Any], descriptors: list[int]) -> None:
        if not self._control:
            return
        try:
            data = json.dumps(message).encode() + b"\n"
            sent = socket.send_fds(self._control, [data], descriptors)
            self._control.sendall(data[sent:])
        except (BrokenPipeError, ConnectionResetError):
            return  # it died: the reader sees that, and says that its processes are lost

    def _read(self, control: socket.socket, process: "subprocess.Popen[bytes]") -> None:
        rest = b""
        while data := _received(control):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self._hear(json.loads(line))
        _reap(process)
        with self._lock:
            died, names = self._control is control, [*self._names]
            if died:
                self._control = self._reader = None
            control.close()
            for output in self._outputs.values():
                os.close(output)
            self._outputs.clear()
            self._names.clear()
            self.pids.clear()
        if died:
            LOG.error("the fork server of %s has died, and its processes", self._program.name)
            for name in names:
                self._ended(name, -signal.SIGKILL)

    def _hear(self, message: dict[str, Any]) -> None:
        if "started" in message:
            name, pid = message["started"], message["pid"]
            self.pids[name] = pid
            os.close(self._outputs.pop(name))
            self._started(name, pid)
        else:
            name = message["ended"]
            self._names.discard(name)
            self._ended(name, message["status"])
            self.pids.pop(name, None)


def _received(control: socket.socket) -> bytes:
    try:
        return control.recv(1 << 16)
    except ConnectionResetError:  # it died with something unread
        return b""


def _reap(process: "subprocess.Popen[bytes]") -> None:
    """Its end of the socket is closed: it has ended, or is about to."""
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
