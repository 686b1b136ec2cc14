"""The AWS endpoint: moto's server, in this process, on a loopback port."""

import functools
import logging
import socket
import tempfile
import threading
from pathlib import Path

from flask import Flask, Response, request
from moto.server import DomainDispatcherApplication, create_backend_app

from local.authorization import Authorizer
from local.calls import recorded
from local.connections import Server
from local.loopback import ThisMachineOnly
from local.wsgi import error_body
from seqdrop import disk

LOG = logging.getLogger(__name__)
HOST = "127.0.0.1"
_LOOK_SECONDS = 0.05  # how long a stop may go unseen
NO_SPACE = "InsufficientStorage"
"""The code of the answer where the disk is full."""


class PortInUse(Exception):
    """Something listens on the port already."""


def _backend(service: str) -> Flask:
    """moto's application for a service; a call that moto lacks is one answer, not a traceback."""
    if service == "moto_api":
        return _no_control()
    app: Flask = create_backend_app(service)
    app.after_request_funcs.clear()  # flask_cors, for web pages: none is answered
    app.register_error_handler(NotImplementedError, _lacking)
    app.register_error_handler(OSError, _no_space)
    return app


def _no_control() -> Flask:
    """In place of moto's control paths: `/moto-api/reset` would empty the runtime for anybody."""
    app = Flask("moto", static_folder=None)
    app.register_error_handler(404, lambda _: _refused("moto's control paths are off"))
    return app


def _refused(message: str) -> Response:
    body, kind = error_body(request.content_type or "", "AccessDenied", message)
    return Response(body, 403, content_type=kind)


def _lacking(error: NotImplementedError) -> Response:
    """501 in the words of the service's protocol."""
    message = f"the embedded runtime does not play this ({error})"
    body, kind = error_body(request.content_type or "", "NotImplemented", message)
    return Response(body, 501, content_type=kind)


def _no_space(error: OSError) -> Response:
    """507, which clients do not try again by themselves, where moto's objects have filled the disk.

    Objects that are too large for memory are in files of the folder for temporary files.
    """
    if not disk.is_full(error):
        raise error
    place = disk.describe(Path(tempfile.gettempdir()))
    message = f"no space is left for {place}: make space there, then do this again"
    LOG.error("%s %s: %s", request.method, request.path, message)
    body, kind = error_body(request.content_type or "", NO_SPACE, message)
    return Response(body, 507, content_type=kind)


class _Dispatcher(DomainDispatcherApplication):  # type: ignore[misc]  # moto has no types
    """moto's, without a listing of its package's folder, under a lock, for each request."""

    get_backend_for_host = functools.lru_cache(maxsize=512)(
        DomainDispatcherApplication.get_backend_for_host
    )


class Endpoint:
    """moto's server for every AWS service, on one port."""

    def __init__(self, port: int) -> None:
        if port and _answers(port):
            raise PortInUse(
                f"port {port} is in use: end what listens there, or choose another with --port"
            )
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # not a line for each request
        app = ThisMachineOnly(recorded(Authorizer(_Dispatcher(_backend))))
        self._server = Server(HOST, port, app)
        self.port: int = self._server.port
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_LOOK_SECONDS,), daemon=True
        )

    @property
    def url(self) -> str:
        """The value for AWS_ENDPOINT_URL."""
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        """Begins to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stops answering, and frees the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
