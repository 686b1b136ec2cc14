"""Tasks of a state machine: their tokens, and what functions that do not answer are called."""

import functools
from collections.abc import Callable
from typing import Any

from moto.stepfunctions.parser.api import TaskTimedOut
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import (
    CustomErrorName,
)
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_lambda,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackConsumerTimeout,
    CallbackPoolManager,
)

# What Lambda says of a function that gave no answer, and Step Functions calls Lambda.Unknown.
UNANSWERED = frozenset({"Sandbox.Timedout", "Runtime.ExitError"})


def renew_tokens() -> None:
    """Gives each try of a task a token of its own, which is dead once the try has ended.

    Stock moto keeps the token through retries, so that the second try ends at once with the
    first one's answer, and it takes answers for tasks that timed out long ago.
    """
    evaluate = ExecutionState._evaluate_with_timeout

    @functools.wraps(evaluate)
    def evaluate_with_own_token(state: Any, env: Any) -> None:
        endpoint = _endpoint(env)
        if endpoint and endpoint.consumer_error:
            env.callback_pool_manager.add(env.states.context_object.update_task_token())
            endpoint = _endpoint(env)
        try:
            evaluate(state, env)
        finally:
            if endpoint:
                endpoint.report(CallbackConsumerTimeout())

    ExecutionState._evaluate_with_timeout = evaluate_with_own_token
    for name in ("notify", "heartbeat"):
        setattr(CallbackPoolManager, name, _refusing(getattr(CallbackPoolManager, name)))


def _refusing(answer: Callable[..., bool]) -> Callable[..., bool]:
    """Returns what refuses dead tokens as AWS does; moto means to, and fails on the way."""

    @functools.wraps(answer)
    def answer_live(pool: Any, callback_id: str, **kwargs: Any) -> bool:
        endpoint = pool.get(callback_id)
        if endpoint and endpoint.consumer_error:
            message = "Task Timed Out: 'Provided task does not exist anymore'"
            raise TaskTimedOut(message, "TaskTimedOut")
        return answer(pool, callback_id=callback_id, **kwargs)

    return answer_live


def _endpoint(env: Any) -> Any:
    """Returns what waits for the token of the state that is being evaluated, if it has one."""
    task = env.states.context_object.context_object_data.get("Task")
    return env.callback_pool_manager.get(task["Token"]) if task else None


def name_unanswered_functions() -> None:
    """Calls a function's time-out or crash Lambda.Unknown; stock moto shows Lambda's own word."""
    service = state_task_service_lambda.StateTaskServiceLambda
    from_error = service._from_error

    @functools.wraps(from_error)
    def named_as_on_aws(state: Any, env: Any, ex: Exception) -> Any:
        failure = from_error(state, env, ex)
        details = failure.event_details.get("taskFailedEventDetails") or {}
        if details.get("error") in UNANSWERED:
            details["error"] = "Lambda.Unknown"
            failure.error_name = CustomErrorName("Lambda.Unknown")
        return failure

    service._from_error = named_as_on_aws
