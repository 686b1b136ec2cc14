"""Step Functions on moto: what its interpreter lacks to run state machines in earnest.

Each patch is small and rebinds only what it names; `install` applies them all, once.
"""

import logging
import os
from collections.abc import Callable
from typing import Any

from moto.core.config import default_user_config
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_lambda,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackPoolManager
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import boto_client, json_path
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.responses import StepFunctionResponse

from local.executions.answers import pass_on_what_responses_drop
from local.executions.beginnings import be_whole_when_listed
from local.executions.clients import CALLERS, keep_clients
from local.executions.endings import (
    PutEvent,
    StatusChanges,
    emit_status_changes,
    stay_ended,
    stop_at_once,
)
from local.executions.maps import COMPONENT, play_caps
from local.executions.parsing import parse_definitions_once, parse_paths_once
from local.executions.tasks import name_unanswered_functions, renew_tokens

_PATCHED: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (Execution, ("__init__", "start", "stop")),
    (ExecutionWorker, ("_get_evaluation_environment",)),
    (BaseExecutionWorkerCommunication, ("_reflect_execution_status",)),
    (Environment, ("set_stop", "set_timed_out", "set_error")),
    (ExecutionState, ("_evaluate_with_timeout",)),
    (state_task_service_lambda.StateTaskServiceLambda, ("_from_error",)),
    (
        StepFunctionResponse,
        ("get_execution_history", "send_task_failure", "stop_execution", "describe_execution"),
    ),
    (CallbackPoolManager, ("notify", "heartbeat")),
    (AmazonStateLanguageParser, ("parse",)),
    (boto_client, ("boto3",)),
    *((module, ("boto_client_for",)) for module in CALLERS),
    (json_path, ("parse",)),
    (COMPONENT, ("_map_run",)),
)
_STOCK = tuple((o, name, vars(o)[name]) for o, names in _PATCHED for name in names)
_patched: set[Callable[..., Any]] = set()


def configure(port: int) -> None:
    """Has moto execute state machines, whose tasks call the server at this port."""
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    os.environ["MOTO_PORT"] = str(port)


def install(put_event: PutEvent | None = None) -> None:
    """Applies every patch once; `put_event` takes the status events (default: moto's own bus)."""
    # The interpreter calls every failed or stopped state an error of its own, in pages of text.
    logging.getLogger("moto.stepfunctions.parser.asl").setLevel(logging.CRITICAL)
    StatusChanges.put_event = staticmethod(put_event or _default_bus())
    patches = (
        be_whole_when_listed,
        emit_status_changes,
        stop_at_once,
        stay_ended,
        renew_tokens,
        name_unanswered_functions,
        pass_on_what_responses_drop,
        keep_clients,
        play_caps,
        parse_definitions_once,
        parse_paths_once,
    )
    for patch in patches:
        if patch not in _patched:
            patch()
            _patched.add(patch)


def uninstall() -> None:
    """Gives moto its own functions back."""
    for owner, name, stock in _STOCK:
        setattr(owner, name, stock)
    _patched.clear()


def _default_bus() -> PutEvent:
    from local import eventbridge

    return eventbridge.put_event
