"""The boto3 clients of state tasks: each signs as the role of its own state machine."""

import threading
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any

import boto3
from botocore.config import Config
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval import (
    resource_eval_s3,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.result_writer import (
    resource_eval as result_writer,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.utils import boto_client

from local.roles import machine_key

# Connections that a cached client keeps: each task that waits for its function holds one.
CONNECTIONS = 100
CALLERS = (lambda_eval_utils, resource_eval_s3, result_writer.resource_eval_s3)
"""Modules of moto's that make clients: for tasks that invoke functions, and for maps that read
their list, and write their results."""
_role: ContextVar[str] = ContextVar("_role", default="")


def keep_clients() -> None:
    """Keeps the boto3 clients of state tasks; stock moto makes one for each task of each state."""
    boto_client.boto3 = _KeptClients()
    for module in CALLERS:
        module.boto_client_for = _signed(boto_client.boto_client_for)


def _signed(make: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a client that may do what the machine's role grants; stock moto drops the role."""

    @wraps(make)
    def make_signed(region: str, service: str, state_credentials: Any = None) -> Any:
        token = _role.set(state_credentials.role_arn if state_credentials else "")
        try:
            return make(region, service, state_credentials)
        finally:
            _role.reset(token)

    return make_signed


class _KeptClients:
    """Stands for the module `boto3` where moto makes its clients."""

    def __init__(self) -> None:
        self._clients: dict[tuple[Any, ...], Any] = {}
        self._lock = threading.Lock()

    def client(self, config: Config, **settings: Any) -> Any:
        """Returns the client for these settings, made at the first call."""
        settings["aws_access_key_id"] = machine_key(_role.get())
        key = tuple(sorted(settings.items()))
        with self._lock:
            if key not in self._clients:
                pooled = config.merge(Config(max_pool_connections=CONNECTIONS))
                self._clients[key] = boto3.client(config=pooled, **settings)
            return self._clients[key]
