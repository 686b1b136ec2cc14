"""The boto3 clients of state tasks."""

import threading
from typing import Any

import boto3
from botocore.config import Config
from moto.stepfunctions.parser.asl.utils import boto_client

from local.roles import MACHINE

# Connections that a cached client keeps: each task that waits for its function holds one.
CONNECTIONS = 100


def keep_clients() -> None:
    """Keeps the boto3 clients of state tasks; stock moto makes one for each task of each state."""
    boto_client.boto3 = _KeptClients()


class _KeptClients:
    """Stands for the module `boto3` where moto makes its clients."""

    def __init__(self) -> None:
        self._clients: dict[tuple[Any, ...], Any] = {}
        self._lock = threading.Lock()

    def client(self, config: Config, **settings: Any) -> Any:
        """Returns the client for these settings, made at the first call."""
        settings["aws_access_key_id"] = MACHINE  # it may do what the machines' role grants
        key = tuple(sorted(settings.items()))
        with self._lock:
            if key not in self._clients:
                pooled = config.merge(Config(max_pool_connections=CONNECTIONS))
                self._clients[key] = boto3.client(config=pooled, **settings)
            return self._clients[key]
