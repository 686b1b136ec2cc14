"""What AWS answers when it can't: one error for the state machine to retry."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from seqdrop.domain.errors import Transient

_REFUSALS = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
P = ParamSpec("P")
R = TypeVar("R")


def faults_are_transient(handler: Callable[P, R]) -> Callable[P, R]:
    """Gives every fault of an AWS call the one name that the state machines retry.

    What the domain understands was translated before; what is left is throttling, time-outs and
    refusals, each under the class name of its own service. A refusal may pass as well: a grant
    that was made just now takes a while to reach every service.
    """

    @wraps(handler)
    def translated(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return handler(*args, **kwargs)
        except (ClientError, BotoCoreError) as error:
            raise Transient(_text(error)) from error

    return translated


def _text(error: ClientError | BotoCoreError) -> str:
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, ClientError) and error.response["Error"]["Code"] in _REFUSALS:
        return f"{text}; `seqdrop doctor` asks IAM what the stack's roles lack"
    return text
