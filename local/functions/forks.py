"""The fork server as the runtime sees it."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_FORK_SERVER = Path(__file__).with_name("fork_server.py")


class Forks:
    """The fork server as the runtime sees it; used on one event loop."""

    def __init__(self, ended: Callable[[str, int], None], lost: Callable[[], None]) -> None:
        self._ended = ended
        self._lost = lost
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._received = b""
        self._outputs: dict[str, int] = {}
        self.pids: dict[str, int] = {}

    def start(self) -> None:
        """Start the process; what is asked of it while it loads waits in the socket."""
        self._control, theirs = socket.socketpair()
        environment = {"PATH": os.defpath, "LANG": "C.UTF-8"}
        if sys.platform == "darwin":  # its libraries refuse to run after a fork unless told
            environment |= {"OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES", "no_proxy": "*"}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-X", "utf8", str(_FORK_SERVER), str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the runtime, which then ends this
        )
        theirs.close()
        asyncio.get_running_loop().add_reader(self._control, self._read)

    def fork(self, worker_id: str, message: dict[str, Any], output: int) -> None:
        """Start a worker; `output` takes what it prints, and is closed here."""
        if not self._control:
            self.start()
        # It is held open until the answer: macOS loses a descriptor that is closed on the way.
        self._outputs[worker_id] = output
        self._send({"start": worker_id, **message}, [output])

    def kill(self, worker_id: str) -> None:
        """Kill a worker; the fork server knows whether its pid is still its own."""
        self._send({"kill": worker_id}, [])

    def stop(self) -> None:
        """End every worker and the fork server, and wait for that."""
        if self._control:
            asyncio.get_running_loop().remove_reader(self._control)
            self._control.close()
            self._control = None
        if self._process:
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._close_outputs()

    def _send(self, message: dict[str, Any], descriptors: list[int]) -> None:
        if not self._control:
            return
        try:
            data = json.dumps(message).encode() + b"\n"
            sent = socket.send_fds(self._control, [data], descriptors)
            self._control.sendall(data[sent:])
        except (BrokenPipeError, ConnectionResetError):
            return  # it died: the loop reads that, and says that its workers are lost

    def _read(self) -> None:
        data = self._control.recv(1 << 16) if self._control else b""
        if not data:
            self.stop()
            self._lost()
            return
        *lines, self._received = (self._received + data).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "started" in message:
                self.pids[message["started"]] = message["pid"]
                os.close(self._outputs.pop(message["started"]))
            else:
                self._ended(message["ended"], message["status"])
                self.pids.pop(message["ended"], None)

    def _close_outputs(self) -> None:
        for output in self._outputs.values():
            os.close(output)
        self._outputs.clear()
        self.pids.clear()
