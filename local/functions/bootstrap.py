"""What a forked process does to become a function: AWS's own bootstrap, with its libraries loaded.

Run by its path in the fork server, which imports nothing of this project: what a function may
import is its own folder, its layers, and what Lambda's own runtime brings. Having those libraries
loaded once makes a cold start a fork (tens of milliseconds), and their memory is shared.
"""

import importlib
import os
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
SERVICES = ("batch", "dynamodb", "s3", "sqs", "stepfunctions")
"""What functions make clients of: the models are a third of a function's start."""
_DATA = ("endpoints", "partitions", "sdk-default-configuration", "_retry")


def prepare() -> None:
    """Load the libraries, and into boto3's default session what it looks up for clients."""
    for name in PRELOADED:
        importlib.import_module(name)
    boto3 = importlib.import_module("boto3")
    boto3.setup_default_session()  # reads no setting yet: they are of each function's environment
    loader = boto3.DEFAULT_SESSION._session.get_component("data_loader")
    for name in _DATA:
        loader.load_data(name)
    for service in SERVICES:
        for kind in ("service-2", "endpoint-rule-set-1", "paginators-1"):
            loader.load_service_model(service, kind)


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


def run(message: dict[str, Any]) -> None:
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
