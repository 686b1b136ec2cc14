"""How executions end: an event once, without delay, and no change afterwards."""

import copy
import functools
import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped, ProgramTimedOut
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

DETAIL_TYPE = "Step Functions Execution Status Change"
STARTING_SECONDS = 5.0

PutEvent = Callable[..., None]


class StatusChanges:
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
    """Sends an event when an execution starts and when it ends; stock moto sends none."""
    start = Execution.start
    reflect = BaseExecutionWorkerCommunication._reflect_execution_status

    @functools.wraps(start)
    def start_and_tell(execution: Any) -> None:
        StatusChanges.emit(execution, "RUNNING")
        start(execution)

    @functools.wraps(reflect)
    def reflect_and_tell(communication: Any) -> None:
        execution = communication.execution
        with StatusChanges.lock:  # the interpreter's end may meet StopExecution's
            if execution.status != "RUNNING":
                return
            # Worked out on a copy: who sees the new status also sees the output and the date.
            ended = copy.copy(communication)
            ended.execution = copy.copy(execution)
            reflect(ended)
            status = vars(ended.execution).pop("exec_status")
            vars(execution).update(vars(ended.execution))
            execution.exec_status = status
        StatusChanges.emit(execution, execution.status)

    Execution.start = start_and_tell
    BaseExecutionWorkerCommunication._reflect_execution_status = reflect_and_tell


def stop_at_once() -> None:
    """Has StopExecution end an execution at once; stock moto lets a parked one wait it out."""

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
    """Keeps what is stopped or timed out from failing afterwards; stock moto lets it.

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


def end_all(cause: str) -> None:
    """Stops what still runs: its threads would go on in the next runtime of this process."""
    for account in stepfunctions_parser_backends.values():
        for backend in account.values():
            for execution in backend._get_executions(ExecutionStatus.RUNNING):
                execution.stop(stop_date=datetime.now(UTC), error=None, cause=cause)


def _stop(execution: Any, stop_date: datetime, error: str | None, cause: str | None) -> None:
    """Stops an execution and tells so, without waiting for the interpreter's threads."""
    latest = time.monotonic() + STARTING_SECONDS
    while execution.status == "RUNNING" and time.monotonic() < latest:
        env = execution.exec_worker.env
        if env.is_running():
            env.set_stop(stop_date=stop_date, error=error, cause=cause)
        if isinstance(env.program_state(), ProgramStopped):
            execution.error, execution.cause = error or None, cause or None
            BaseExecutionWorkerCommunication(execution)._reflect_execution_status()
            return
        time.sleep(0.01)  # it is only being started, or has this moment come to its own end
