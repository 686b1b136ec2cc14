"""Lambda's Runtime API, on the host's event loop."""

import asyncio
from collections.abc import Callable

# The bootstrap sends an error's trace in a header, of up to 1 MiB.
HEADERS_LIMIT_BYTES = 1 << 21
INVOCATION = "/2018-06-01/runtime/invocation/"
INIT_ERROR = "/2018-06-01/runtime/init/error"


class RuntimeApi:
    """Lambda's Runtime API for one worker, on a port of its own: the port tells who calls."""

    def __init__(
        self,
        ready: Callable[[], None],
        answered: Callable[[str, bytes, bool], None],
        init_failed: Callable[[bytes], None],
    ) -> None:
        """Tells of each request of the worker.

        `ready` asks for an invocation, `answered` gives its outcome (request id, payload, whether
        it is an error), `init_failed` the error of a module that could not be loaded.
        """
        self._ready, self._answered, self._init_failed = ready, answered, init_failed
        self._waiting: asyncio.StreamWriter | None = None
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> str:
        """Listens, and returns the address for AWS_LAMBDA_RUNTIME_API."""
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, limit=HEADERS_LIMIT_BYTES
        )
        host, port = self._server.sockets[0].getsockname()
        return f"{host}:{port}"

    def deliver(self, payload: bytes, headers: dict[str, str]) -> None:
        """Answers the worker's `next`; only for one that said it is ready."""
        waiting, self._waiting = self._waiting, None
        if waiting:
            waiting.write(_answer("200 OK", payload, headers))

    def close(self) -> None:
        """Stops listening and drops the worker's connections."""
        if self._server:
            self._server.close()
        for writer in self._writers:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                method, path, headers = _parsed(await reader.readuntil(b"\r\n\r\n"))
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                if _is_of_web_page(headers):
                    writer.write(_answer("403 Forbidden", b"", {}))
                else:
                    self._handle(method, path, body, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()  # the worker ended, which the fork server reports with its reason
        finally:
            self._writers.discard(writer)

    def _handle(self, method: str, path: str, body: bytes, writer: asyncio.StreamWriter) -> None:
        if (method, path) == ("GET", f"{INVOCATION}next"):
            self._waiting = writer
            self._ready()
            return
        request_id, _, outcome = path.removeprefix(INVOCATION).partition("/")
        known = path == INIT_ERROR or outcome in ("response", "error")
        writer.write(_answer("202 Accepted" if known else "404 Not Found", b"", {}))
        if path == INIT_ERROR:
            self._init_failed(body)
        elif known:
            self._answered(request_id, body, outcome == "error")


def _answer(status: str, body: bytes, headers: dict[str, str]) -> bytes:
    """Returns a whole answer, so that it leaves in one write."""
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def _parsed(head: bytes) -> tuple[str, str, dict[str, str]]:
    """Returns a request's method, path and headers."""
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    method, path, _ = first.split(" ", 2)
    return method, path, {name.lower(): value.strip() for name, value in pairs}


def _is_of_web_page(headers: dict[str, str]) -> bool:
    """Tells what a browser sends, which could take a worker's event (see `local/loopback.py`)."""
    here = headers.get("host", "").startswith("127.0.0.1:")
    return not here or "origin" in headers or "sec-fetch-site" in headers
