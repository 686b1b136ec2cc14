"""How executions begin: whole before anything can find them.

Stock moto lists an execution first, and gives it a status, a worker and an environment afterwards.
Who lists executions meanwhile, or looks for a task's token in all that run, fails.
"""

import functools
from typing import Any

from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.backend.execution import Execution
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker


def be_whole_when_listed() -> None:
    """Gives each execution its status, worker and environment as soon as it is made."""
    init = Execution.__init__
    make_environment = ExecutionWorker._get_evaluation_environment

    @functools.wraps(make_environment)
    def made_once(worker: Any) -> Environment:
        if worker.env is None:
            worker.env = make_environment(worker)
        return worker.env

    @functools.wraps(init)
    def init_whole(execution: Any, *args: Any, **kwargs: Any) -> None:
        init(execution, *args, **kwargs)
        execution.exec_worker = execution._get_start_execution_worker()
        made_once(execution.exec_worker)
        execution.exec_status = ExecutionStatus.RUNNING

    def start(execution: Any) -> None:
        execution.exec_worker.start()

    ExecutionWorker._get_evaluation_environment = made_once
    Execution.__init__ = init_whole
    Execution.start = start
