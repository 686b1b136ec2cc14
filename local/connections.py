"""HTTP connections that stay open for the next request, as AWS's clients expect.

Werkzeug's own handler closes each after one answer: a connection, a thread and a wait for every
request, which was a sixth of what one costs.
"""

import logging
import socket
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from werkzeug.exceptions import ClientDisconnected
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wsgi import LimitedStream

from local.wsgi import App, Environ

LOG = logging.getLogger(__name__)

_CHUNK_BYTES = 1 << 16
_BODILESS = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}


class Server(ThreadedWSGIServer):  # type: ignore[misc]  # Werkzeug's types are not followed
    """A thread for each connection; those that are open when it stops are closed."""

    request_queue_size = 128

    def __init__(self, host: str, port: int, app: App) -> None:
        super().__init__(host, port, app, handler=_Handler)
        self.connections: set[socket.socket] = set()

    def server_close(self) -> None:
        """Free the port, and hang up on whoever is still connected."""
        super().server_close()
        for connection in [*self.connections]:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError as gone:
                LOG.debug("a connection was closed already: %r", gone)


class _Handler(WSGIRequestHandler):  # type: ignore[misc]
    """One connection, request after request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or an answer waits 40 ms for the client's acknowledgement

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        super().finish()

    def run_wsgi(self) -> None:
        """Answer one request; what the app left of its body is read, so that the next begins."""
        environ = self.make_environ()
        body = LimitedStream(self.rfile, int(self.headers.get("Content-Length") or 0))
        if environ.get("wsgi.input_terminated"):  # chunked: where it ends is not known beforehand
            self.close_connection = True
        else:
            environ["wsgi.input"] = body
        try:
            answer = _answer(self.server.app, environ)
        except Exception:  # the app's own fault; the client is told so, and the log has the rest
            LOG.exception("%s %s", self.command, self.path)
            answer = "500 Internal Server Error", [], b""
            self.close_connection = True
        self._send(*answer)
        try:
            while not self.close_connection and body.read(_CHUNK_BYTES):
                pass
        except ClientDisconnected:  # it has its answer, and did not care to send the rest
            self.close_connection = True

    def _send(self, status: str, headers: list[tuple[str, str]], content: bytes) -> None:
        """Send head and body in one piece, the length said in any case."""
        lengths = [value for name, value in headers if name.lower() == "content-length"]
        code = int(status[:3])
        bodiless = self.command == "HEAD" or code < 200 or code in _BODILESS
        if not lengths and not bodiless:
            headers = [*headers, ("Content-Length", str(len(content)))]
        elif lengths and not bodiless and int(lengths[0]) != len(content):
            self.close_connection = True  # only its end tells the client where the answer ends
        ending = [("Connection", "close")] if self.close_connection else []
        known = {name.lower() for name, _ in headers}
        stated = [("Date", self.date_time_string()), ("Server", self.server_version)]
        own = [(name, value) for name, value in stated if name.lower() not in known]
        lines = [f"HTTP/1.1 {status}", *(f"{n}: {v}" for n, v in [*own, *headers, *ending])]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        self.connection.sendall(head if bodiless else head + content)


def _answer(app: App, environ: Environ) -> tuple[str, list[tuple[str, str]], bytes]:
    """What an app answers, whole."""
    answered: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
        answered[:] = [status, headers]

    pieces: Iterable[bytes] = app(environ, start_response)
    try:
        content = b"".join(pieces)
    finally:
        if close := getattr(pieces, "close", None):
            close()
    status, headers = answered
    return status, headers, content
