"""A record of the AWS calls that functions and jobs make, to be held against their policies.

Each function, job and state machine signs with an access key id that names it. The
record is a folder with a file for each runtime, a line of JSON for each thing that was needed:
who, the action, the resource.
"""

import io
import json
import os
import threading
import uuid
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from local.actions import Need, Request, needs_of
from local.roles import FUNCTION, JOB, MACHINE, START
from local.wsgi import App, Environ, StartResponse

CALLS_FOLDER = "SEQDROP_CALLS_FOLDER"
"""The environment variable that turns recording on, and says where to."""

Call = tuple[str, str, str]
"""Who, the action, the resource."""


def recorded(app: App) -> App:
    """The app with a recorder before it, if the environment asks for one."""
    record = record_of_environment()
    return Recorder(app, record) if record else app


def record_of_environment() -> "CallRecord | None":
    """The record of this process, if the environment asks for one."""
    folder = os.environ.get(CALLS_FOLDER)
    return _record_in(Path(folder)) if folder else None


@cache
def _record_in(folder: Path) -> "CallRecord":
    return CallRecord(folder)


def read_calls(folder: Path) -> set[Call]:
    """Everything that was recorded in a folder."""
    lines = (line for path in folder.glob("*.jsonl") for line in path.read_text().splitlines())
    return {tuple(json.loads(line)) for line in lines}


class CallRecord:
    """A file for the calls of one process; each is written once."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"{uuid.uuid4()}.jsonl"
        self._seen: set[Call] = set()
        self._lock = threading.Lock()

    def write(self, who: str, needs: Iterable[Need]) -> None:
        """Adds what somebody needed, as far as it is new."""
        calls = {(who, action, resource) for action, resource in needs}
        with self._lock:
            if new := calls - self._seen:
                self._seen |= new
                with self._path.open("a", encoding="utf-8") as lines:
                    lines.writelines(f"{json.dumps(call)}\n" for call in sorted(new))


class Recorder:
    """A WSGI app before another one, that writes down what signed requests need."""

    def __init__(self, app: App, record: CallRecord) -> None:
        self._app = app
        self._record = record

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Passes a request on; what it needs is written when its status is known."""
        signed = signed_request(environ)
        if signed is None:
            return self._app(environ, start_response)
        who, request = signed

        def answer(status: str, *rest: Any) -> Any:
            self._record.write(who, needs_of(request.answered(int(status[:3]))))
            return start_response(status, *rest)

        return self._app(environ, answer)


def signed_request(environ: Environ) -> tuple[str, Request] | None:
    """The function, job or state machine that signed a request, and the request; else None."""
    query = dict(parse_qsl(environ["QUERY_STRING"], keep_blank_values=True))
    signed = _signature(environ.get("HTTP_AUTHORIZATION", ""), query)
    if signed is None or not signed[0].startswith((FUNCTION, JOB, START, MACHINE)):
        return None
    who, region, service = signed
    body = b"" if service == "s3" else _take_body(environ)
    return who, _request(environ, service, region, body)


def _signature(authorization: str, query: Mapping[str, str]) -> tuple[str, str, str] | None:
    """Access key id, region and service of a request that is signed, in its header or URL."""
    _, _, rest = authorization.partition("Credential=")
    if older := query.get("AWSAccessKeyId"):  # as boto3 signs S3's URLs, unless told otherwise
        return older, "", "s3"
    scope = (rest.partition(",")[0] or query.get("X-Amz-Credential", "")).split("/")
    if len(scope) != 5:  # key, day, region, service, aws4_request
        return None
    key, _, region, service, _ = scope
    return key, region, service


def _take_body(environ: Environ) -> bytes:
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)  # for whoever reads it next
    return body


def _request(environ: Environ, service: str, region: str, body: bytes) -> Request:
    headers = {
        name.removeprefix("HTTP_").lower().replace("_", "-"): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    return Request(
        service=service,
        region=region,
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"].encode("latin1").decode("utf-8", "replace"),  # WSGI
        query=dict(parse_qsl(environ["QUERY_STRING"], keep_blank_values=True)),
        headers=headers,
        body=body,
    )
