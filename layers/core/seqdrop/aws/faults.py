"""What AWS answers when it can't: one error for the state machine to retry."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from seqdrop.domain.errors import Transient

P = ParamSpec("P")
R = TypeVar("R")


def faults_are_transient(handler: Callable[P, R]) -> Callable[P, R]:
    """Gives every fault of an AWS call the one name that the state machines retry.

    What the domain understands was translated before; what is left is throttling, time-outs and
    refusals, each under the class name of its own service.
    """

    @wraps(handler)
    def translated(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return handler(*args, **kwargs)
        except (ClientError, BotoCoreError) as error:
            raise Transient(f"{type(error).__name__}: {error}") from error

    return translated
