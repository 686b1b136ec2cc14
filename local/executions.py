"""Step Functions on moto: what its interpreter lacks for state machines that are lived with.

Each patch is small and rebinds only what it names; `install` applies them all, once.
"""

import copy
import functools
import json
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config
from moto.core.config import default_user_config
from moto.core.responses import ActionResult, EmptyResult
from moto.stepfunctions.parser.api import ExecutionStatus, TaskTimedOut
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
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped, ProgramTimedOut
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.responses import StepFunctionResponse

# What Lambda says of a function that gave no answer, and Step Functions calls Lambda.Unknown.
UNANSWERED = frozenset({"Sandbox.Timedout", "Runtime.ExitError"})
DETAIL_TYPE = "Step Functions Execution Status Change"
# Connections that a cached client keeps: each task that waits for its function holds one.
CONNECTIONS = 100
STARTING_SECONDS = 5.0

PutEvent = Callable[..., None]
_patched: set[Callable[..., Any]] = set()


def configure(port: int) -> None:
    """Have moto execute state machines, and their tasks call the server at this port."""
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    os.environ["MOTO_PORT"] = str(port)


def install(put_event: PutEvent | None = None) -> None:
    """Apply every patch once; `put_event` takes the status events (default: moto's own bus)."""
    _StatusChanges.put_event = staticmethod(put_event or _default_bus())
    patches = (
        emit_status_changes,
        stop_at_once,
        stay_ended,
        renew_tokens,
        name_unanswered_functions,
        pass_on_what_responses_drop,
        keep_clients,
    )
    for patch in patches:
        if patch not in _patched:
            patch()
            _patched.add(patch)


def _default_bus() -> PutEvent:
    from local import eventbridge

    return eventbridge.put_event


class _StatusChanges:
    """The events of executions, each exactly once."""

    put_event: PutEvent
    lock = threading.Lock()

    @classmethod
    def emit(cls, execution: Any, status: str) -> None:
        stopped = execution.stop_date
        output = execution.output if status == "SUCCEEDED" else None
        detail = {
            "executionArn": execution.exec_arn,
            "stateMachineArn": execution.state_machine.arn,
            "name": execution.name,
            "status": status,
            "startDate": int(execution.start_date.timestamp() * 1000),
            "stopDate": int(stopped.timestamp() * 1000) if stopped else None,
            "input": execution.execution_input,
            "inputDetails": {"included": True},
            "output": json.dumps(output, separators=(",", ":")) if status == "SUCCEEDED" else None,
            "outputDetails": {"included": True} if status == "SUCCEEDED" else None,
            "error": execution.error,
            "cause": execution.cause,
        }
        cls.put_event(
            execution.account_id,
            execution.region_name,
            source="aws.states",
            detail_type=DETAIL_TYPE,
            resources=[execution.exec_arn],
            detail=detail,
        )


def emit_status_changes() -> None:
    """Send an event when an execution starts and when it ends; stock moto sends none."""
    start = Execution.start
    reflect = BaseExecutionWorkerCommunication._reflect_execution_status

    @functools.wraps(start)
    def start_and_tell(execution: Any) -> None:
        execution.exec_status = ExecutionStatus.RUNNING  # who gets the event may look it up
        _StatusChanges.emit(execution, "RUNNING")
        start(execution)

    @functools.wraps(reflect)
    def reflect_and_tell(communication: Any) -> None:
        execution = communication.execution
        with _StatusChanges.lock:  # the interpreter's end may meet StopExecution's
            if execution.status != "RUNNING":
                return
            # Worked out on a copy: who sees the new status also sees the output and the date.
            ended = copy.copy(communication)
            ended.execution = copy.copy(execution)
            reflect(ended)
            status = vars(ended.execution).pop("exec_status")
            vars(execution).update(vars(ended.execution))
            execution.exec_status = status
        _StatusChanges.emit(execution, execution.status)

    Execution.start = start_and_tell
    BaseExecutionWorkerCommunication._reflect_execution_status = reflect_and_tell


def stop_at_once() -> None:
    """Have StopExecution end an execution at once; stock moto lets a parked one wait it out."""

    def waking(end: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(end)
        def end_and_wake(env: Any, *args: Any, **kwargs: Any) -> None:
            end(env, *args, **kwargs)
            if not env.is_frame():
                for endpoint in list(env.callback_pool_manager._pool.values()):
                    endpoint.interrupt_all()

        return end_and_wake

    Environment.set_stop = waking(Environment.set_stop)
    Environment.set_timed_out = waking(Environment.set_timed_out)
    Execution.stop = _stop


def stay_ended() -> None:
    """Keep what is stopped or timed out from failing afterwards; stock moto lets it.

    Its threads unwind through a task that was cut off, or find no next state: without this, a
    Catch would turn a stop into a failure, and the history would show time-outs that never were.
    """
    evaluate = ExecutionState._evaluate_with_timeout
    set_error = Environment.set_error

    @functools.wraps(evaluate)
    def evaluate_while_running(state: Any, env: Any) -> None:
        try:
            evaluate(state, env)
        except Exception:
            if env.is_running():
                raise

    @functools.wraps(set_error)
    def set_error_unless_over(env: Any, error: Any) -> None:
        with env._state_mutex:
            if not isinstance(env._program_state, (ProgramStopped, ProgramTimedOut)):
                set_error(env, error=error)

    ExecutionState._evaluate_with_timeout = evaluate_while_running
    Environment.set_error = set_error_unless_over


def _stop(execution: Any, stop_date: datetime, error: str | None, cause: str | None) -> None:
    """Stop an execution and tell so, without waiting for the interpreter's threads."""
    latest = time.monotonic() + STARTING_SECONDS
    while execution.status == "RUNNING" and time.monotonic() < latest:
        env = execution.exec_worker.env
        if env and env.is_running():
            env.set_stop(stop_date=stop_date, error=error, cause=cause)
        if env and isinstance(env.program_state(), ProgramStopped):
            execution.error, execution.cause = error or None, cause or None
            BaseExecutionWorkerCommunication(execution)._reflect_execution_status()
            return
        time.sleep(0.01)  # it is only being started, or has this moment come to its own end


def renew_tokens() -> None:
    """Give each try of a task a token of its own, which is dead once the try has ended.

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
    """Return what refuses dead tokens as AWS does; moto means to, and fails on the way."""

    @functools.wraps(answer)
    def answer_live(pool: Any, callback_id: str, **kwargs: Any) -> bool:
        endpoint = pool.get(callback_id)
        if endpoint and endpoint.consumer_error:
            message = "Task Timed Out: 'Provided task does not exist anymore'"
            raise TaskTimedOut(message, "TaskTimedOut")
        return answer(pool, callback_id=callback_id, **kwargs)

    return answer_live


def _endpoint(env: Any) -> Any:
    """Return what waits for the token of the state that is being evaluated, if it has one."""
    task = env.states.context_object.context_object_data.get("Task")
    return env.callback_pool_manager.get(task["Token"]) if task else None


def name_unanswered_functions() -> None:
    """Call a function's time-out or crash Lambda.Unknown; stock moto shows Lambda's own word."""
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


def pass_on_what_responses_drop() -> None:
    """Honour parameters that moto's request handlers leave out."""
    StepFunctionResponse.get_execution_history = _get_execution_history
    StepFunctionResponse.send_task_failure = _send_task_failure
    StepFunctionResponse.stop_execution = _stop_execution
    describe_execution = StepFunctionResponse.describe_execution

    @functools.wraps(describe_execution)
    def describe_with_stop_date(response: Any) -> ActionResult:
        answer = describe_execution(response)
        arn = response._get_param("executionArn")
        execution = response.stepfunction_backend.describe_execution(arn)
        if execution.status == "TIMED_OUT":
            answer.result["stopDate"] = execution.stop_date
        return answer

    StepFunctionResponse.describe_execution = describe_with_stop_date


def _get_execution_history(response: Any) -> ActionResult:
    arn = response._get_param("executionArn")
    events = list(response.stepfunction_backend.get_execution_history(arn)["events"])
    if response._get_param("reverseOrder"):
        events.reverse()
    first = int(response._get_param("nextToken") or 0)
    # Zero stands for the default, as on AWS.
    end = first + (int(response._get_param("maxResults") or 0) or 100)
    page = {"events": events[first:end]}
    return ActionResult({**page, "nextToken": str(end)} if end < len(events) else page)


def _send_task_failure(response: Any) -> EmptyResult:
    token, error, cause = map(response._get_param, ("taskToken", "error", "cause"))
    response.stepfunction_backend.send_task_failure(token, error=error, cause=cause)
    return EmptyResult()


def _stop_execution(response: Any) -> ActionResult:
    arn, error, cause = map(response._get_param, ("executionArn", "error", "cause"))
    execution = response.stepfunction_backend.describe_execution(arn)
    execution.stop(stop_date=datetime.now(UTC), error=error, cause=cause)
    return ActionResult({"stopDate": execution.stop_date})


def keep_clients() -> None:
    """Keep the boto3 clients of state tasks; stock moto makes one for each task of each state."""
    boto_client.boto3 = _KeptClients()


class _KeptClients:
    """Stands for the module `boto3` where moto makes its clients."""

    def __init__(self) -> None:
        self._clients: dict[tuple[Any, ...], Any] = {}
        self._lock = threading.Lock()

    def client(self, config: Config, **settings: Any) -> Any:
        """Return the client for these settings, made at the first call."""
        key = tuple(sorted(settings.items()))
        with self._lock:
            if key not in self._clients:
                pooled = config.merge(Config(max_pool_connections=CONNECTIONS))
                self._clients[key] = boto3.client(config=pooled, **settings)
            return self._clients[key]
