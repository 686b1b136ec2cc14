"""Step Functions on moto: what its interpreter lacks for state machines that are lived with.

Each patch is small and rebinds only what it names; `install` applies them all, once.
"""

import logging
import os
from collections.abc import Callable
from typing import Any

from moto.core.config import default_user_config

from local.executions.answers import pass_on_what_responses_drop
from local.executions.clients import keep_clients
from local.executions.endings import (
    PutEvent,
    StatusChanges,
    emit_status_changes,
    stay_ended,
    stop_at_once,
)
from local.executions.parsing import parse_definitions_once
from local.executions.tasks import name_unanswered_functions, renew_tokens

_patched: set[Callable[..., Any]] = set()


def configure(port: int) -> None:
    """Have moto execute state machines, and their tasks call the server at this port."""
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    os.environ["MOTO_PORT"] = str(port)


def install(put_event: PutEvent | None = None) -> None:
    """Apply every patch once; `put_event` takes the status events (default: moto's own bus)."""
    # The interpreter calls every failed or stopped state an error of its own, in pages of text.
    logging.getLogger("moto.stepfunctions.parser.asl").setLevel(logging.CRITICAL)
    StatusChanges.put_event = staticmethod(put_event or _default_bus())
    patches = (
        emit_status_changes,
        stop_at_once,
        stay_ended,
        renew_tokens,
        name_unanswered_functions,
        pass_on_what_responses_drop,
        keep_clients,
        parse_definitions_once,
    )
    for patch in patches:
        if patch not in _patched:
            patch()
            _patched.add(patch)


def _default_bus() -> PutEvent:
    from local import eventbridge

    return eventbridge.put_event
