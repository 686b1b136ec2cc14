"""A function as it was deployed, and one invocation of it."""

import asyncio
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


class HostError(Exception):
    """An invocation that never reached a function."""


class UnknownFunction(HostError):
    """No function has this name."""


class TooManyRequests(HostError):
    """The function's reserved concurrency is in use, or what the account has for all others."""


class HostStopped(HostError):
    """The host has been stopped."""


@dataclass(frozen=True)
class FunctionSpec:
    """A function as it was deployed; `code_dir` holds its handler, `python_path` its layers."""

    name: str
    arn: str
    code_dir: Path
    handler: str = "handler.handler"
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: float = 3.0
    memory_mib: int = 128
    python_path: tuple[Path, ...] = ()
    reserved_concurrency: int | None = None


@dataclass(frozen=True)
class Invocation:
    """What came of an invocation; with `error`, the payload is Lambda's error object."""

    payload: bytes
    error: bool
    log_tail: str = ""


@dataclass(eq=False)
class Call:
    """An invocation on its way."""

    payload: bytes
    outcome: "asyncio.Future[Invocation]"
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    since: float = field(default_factory=time.monotonic)

    def resolve(self, payload: bytes, error: bool, log_tail: str) -> None:
        """Answers the caller."""
        if not self.outcome.done():
            self.outcome.set_result(Invocation(payload, error, log_tail))

    def fail(self, kind: str, reason: str, log_tail: str) -> None:
        """Answers the caller with an error of Lambda's own."""
        message = f"RequestId: {self.request_id} Error: {reason}"
        error = {"errorType": kind, "errorMessage": message}
        self.resolve(json.dumps(error).encode(), True, log_tail)
