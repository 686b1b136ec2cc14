"""Connections to the endpoint: they stay, and one request never spoils the next."""

import http.client
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest

from local.connections import Server
from local.wsgi import App, Environ, StartResponse

LARGE = 300_000


def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Does what the path says."""
    what, body = environ["PATH_INFO"], b"none read"
    if what == "/fail":
        raise ValueError("a fault of the app")
    if what in ("/read", "/wrong"):
        length = environ.get("CONTENT_LENGTH")
        body = environ["wsgi.input"].read(int(length) if length else -1)
    headers = {
        "/wrong": [("Content-Length", str(len(body) + 5))],
        "/head": [("Content-Length", "12345")],
    }.get(what, [])
    start_response("204 No Content" if what == "/none" else "200 OK", headers)
    return [] if what in ("/none", "/head") else [body]


@contextmanager
def serving(app: App) -> Iterator[Server]:
    """A server on a free port."""
    server = Server("127.0.0.1", 0, app)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def connection() -> Iterator[http.client.HTTPConnection]:
    """A connection to the app."""
    with serving(app) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        yield connection
        connection.close()


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None
) -> tuple[int, bytes, str | None]:
    connection.request(method, path, body)
    answer = connection.getresponse()
    return answer.status, answer.read(), answer.getheader("Connection")


def test_one_connection_serves_many_requests(connection: http.client.HTTPConnection) -> None:
    connection.connect()
    first = connection.sock
    for number in range(20):
        body = str(number).encode()
        assert ask(connection, "POST", "/read", body) == (200, body, None)
    assert connection.sock is first


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_an_answer_without_a_body_ends_where_it_should(
    connection: http.client.HTTPConnection, method: str
) -> None:
    path, status = ("/head", 200) if method == "HEAD" else ("/none", 204)
    assert ask(connection, method, path) == (status, b"", None)
    assert ask(connection, "POST", "/read", b"next") == (200, b"next", None)


def test_a_body_that_the_app_did_not_read_is_no_request(
    connection: http.client.HTTPConnection,
) -> None:
    body = b"GET /fail HTTP/1.1\r\n\r\n" * LARGE
    assert ask(connection, "PUT", "/leave", body) == (200, b"none read", None)
    assert ask(connection, "POST", "/read", b"next") == (200, b"next", None)


def test_a_fault_of_the_app_is_answered_and_ends_the_connection_alone(
    connection: http.client.HTTPConnection,
) -> None:
    assert ask(connection, "POST", "/fail", b"x") == (500, b"", "close")
    assert ask(connection, "POST", "/read", b"next") == (200, b"next", None)


def test_an_answer_of_another_length_than_it_says_ends_the_connection(
    connection: http.client.HTTPConnection,
) -> None:
    with pytest.raises(http.client.IncompleteRead):
        ask(connection, "POST", "/wrong", b"x")


def test_a_body_in_chunks_is_read_and_ends_the_connection(
    connection: http.client.HTTPConnection,
) -> None:
    connection.request("POST", "/read", iter([b"a", b"bc"]), encode_chunked=True)
    answer = connection.getresponse()
    assert (answer.read(), answer.getheader("Connection")) == (b"abc", "close")


def test_who_asks_whether_to_go_on_is_told_before_the_answer(
    connection: http.client.HTTPConnection,
) -> None:
    with socket.create_connection((connection.host, connection.port), timeout=10) as client:
        head = "POST /read HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        client.sendall(head.encode())
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"ab")
        assert client.recv(1000).endswith(b"\r\n\r\nab")


def test_who_asks_for_the_end_of_the_connection_gets_it(
    connection: http.client.HTTPConnection,
) -> None:
    connection.request("POST", "/read", b"x", {"Connection": "close"})
    assert connection.getresponse().getheader("Connection") == "close"


def test_a_server_that_stops_hangs_up() -> None:
    with serving(app) as server:
        client = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        client.sendall(b"POST /read HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx")
        assert client.recv(1000).endswith(b"x")
    assert client.recv(1) == b""
    client.close()


def test_a_client_that_goes_with_its_answer_before_it_sent_all_is_no_fault(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with serving(app) as server:
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
                client.sendall(b"PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\nbegun")
                assert client.recv(1_000).startswith(b"HTTP/1.1 200 OK")
    assert "Traceback" not in capfd.readouterr().err
