"""Lambda functions as worker processes under AWS's own runtime client."""

from local.functions.api import install, uninstall
from local.functions.calls import (
    FunctionSpec,
    HostError,
    HostStopped,
    Invocation,
    TooManyRequests,
    UnknownFunction,
)
from local.functions.host import FunctionHost

__all__ = [
    "FunctionHost",
    "FunctionSpec",
    "HostError",
    "HostStopped",
    "Invocation",
    "TooManyRequests",
    "UnknownFunction",
    "install",
    "uninstall",
]
