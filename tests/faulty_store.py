"""A store of objects between a runner and the real one: it counts, fails, cuts and stalls."""

import http.client
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from urllib.parse import urlsplit

_OF_ONE_CONNECTION = {"transfer-encoding", "connection", "content-length"}


@dataclass
class Faults:
    """What is done to GETs of keys that hold a text; and how many came, by path."""

    holding: str = ""
    fail: int = 0
    """So many are answered by 500."""
    cut: int = 0
    """Of so many only half the body comes."""
    stall: bool = False
    """Half the body comes, and the rest when ``go_on`` is set."""
    stalled: Event = field(default_factory=Event)
    go_on: Event = field(default_factory=Event)
    asked: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    def of(self, path: str) -> str:
        """What is to be done to one GET: "", "fail", "cut" or "stall"."""
        with self._lock:
            self.asked[path] += 1
            if not self.holding or self.holding not in path:
                return ""
            if self.fail:
                self.fail -= 1
                return "fail"
            if self.cut:
                self.cut -= 1
                return "cut"
            return "stall" if self.stall else ""

    def asked_of(self, text: str) -> int:
        """How many GETs were of paths that hold a text."""
        with self._lock:
            return sum(count for path, count in self.asked.items() if text in path)


class Proxy(ThreadingHTTPServer):
    """Hands requests on to the real store."""

    def __init__(self, host: str, faults: Faults) -> None:
        """``host`` is the real store's, with its port."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.host, self.faults = host, faults


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def log_message(self, *_: object) -> None:
        """Nothing: the tests look at what was counted."""

    def do_GET(self) -> None:
        fault = self.server.faults.of(self.path)
        if fault == "fail":
            self._answer(500, [], b"")
            return
        with suppress(OSError):  # the runner has gone
            self._answer(*self._forwarded(), fault)

    def do_PUT(self) -> None:
        self._answer(*self._forwarded())

    def _forwarded(self) -> tuple[int, list[tuple[str, str]], bytes]:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        given = {name: text for name, text in self.headers.items() if name.lower() != "expect"}
        with closing(http.client.HTTPConnection(self.server.host, timeout=60)) as connection:
            connection.request(self.command, self.path, sent, given)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()

    def _answer(
        self, status: int, headers: list[tuple[str, str]], body: bytes, fault: str = ""
    ) -> None:
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in _OF_ONE_CONNECTION:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if not fault:
            self.wfile.write(body)
            return
        half = len(body) // 2
        self.close_connection = True
        self.wfile.write(body[:half])
        self.wfile.flush()
        if fault == "stall":
            self.server.faults.stalled.set()
            self.server.faults.go_on.wait(60)
            self.wfile.write(body[half:])


@contextmanager
def faulty_store(endpoint: str) -> Iterator[tuple[str, Faults]]:
    """An endpoint before the real one, and the faults that it makes."""
    faults = Faults()
    server = Proxy(urlsplit(endpoint).netloc, faults)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", faults
    finally:
        faults.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()
