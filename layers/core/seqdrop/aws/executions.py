"""Step Functions: start a run's execution once, stop it; answer the tokens of its states."""

from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import ClientError

from seqdrop.domain.identity import ReanalysisInput, RunId

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_NOBODY_WAITS = {"TaskDoesNotExist", "TaskTimedOut", "InvalidToken"}
_GO_ON = {"RUNNING", "PENDING_REDRIVE"}
_MAX_CAUSE = 32_768


class ExecutionState(msgspec.Struct, frozen=True):
    """What Step Functions says of an execution."""

    status: str
    cause: str = ""
    """Why it ended, where it did not succeed."""

    @property
    def goes_on(self) -> bool:
        """Whether its run may still be closed by it."""
        return self.status in _GO_ON


class _Machine:
    """Executions of one state machine, by their names."""

    def __init__(self, client: "SFNClient", state_machine_arn: str) -> None:
        self._client = client
        self._arn = state_machine_arn

    def _start(self, name: str, given: Any) -> None:
        """Starts one; one that was started before is left as it is."""
        try:
            self._client.start_execution(
                stateMachineArn=self._arn, name=name, input=msgspec.json.encode(given).decode()
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
                raise

    def _describe(self, name: str) -> ExecutionState | None:
        """One execution; None where Step Functions knows none.

        That is so before it was started, and from 90 days after its end.
        """
        try:
            found = self._client.describe_execution(executionArn=self._arn_of(name))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionDoesNotExist":
                raise
            return None
        return ExecutionState(found["status"], found.get("cause") or found.get("error") or "")

    def _stop(self, name: str, cause: str) -> bool:
        """Stops one; False where it was never started."""
        try:
            self._client.stop_execution(
                executionArn=self._arn_of(name), error="Stopped", cause=cause
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionDoesNotExist":
                raise
            return False
        return True

    def _arn_of(self, name: str) -> str:
        return self._arn.replace(":stateMachine:", ":execution:") + f":{name}"


class Executions(_Machine):
    """Executions of the state machine that analyses samples: one for each run."""

    def start(self, run: RunId) -> None:
        """Starts a run's execution; one that was started before is left as it is."""
        self._start(run.execution_name, run)

    def describe(self, run: RunId) -> ExecutionState | None:
        """A run's execution; None where Step Functions knows none."""
        return self._describe(run.execution_name)

    def stop(self, run: RunId, cause: str) -> bool:
        """Stops a run's execution; False where it was never started."""
        return self._stop(run.execution_name, cause)


class ReanalysisExecutions(_Machine):
    """Executions of the state machine of reanalyses, each by its name."""

    def start(self, name: str, reanalysis: str, attempt: int) -> None:
        """Starts one; one that was started before is left as it is."""
        self._start(name, ReanalysisInput(reanalysis, attempt))

    def describe(self, name: str) -> ExecutionState | None:
        """One execution; None where Step Functions knows none."""
        return self._describe(name)

    def stop(self, name: str, cause: str) -> None:
        """Stops one; one that is not there, or has ended, stays so."""
        self._stop(name, cause)

    def set_cap(self, name: str, in_flight: int) -> bool:
        """How many runs go on at once from now on; False where it has no cohort under way.

        0 would be no limit at all: callers never give it.
        """
        try:
            runs = self._client.list_map_runs(executionArn=self._arn_of(name))["mapRuns"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionDoesNotExist":
                raise
            return False
        live = [run["mapRunArn"] for run in runs if not run.get("stopDate")]
        for run in live:
            self._client.update_map_run(mapRunArn=run, maxConcurrency=max(1, in_flight))
        return bool(live)


class _FunctionError(msgspec.Struct):
    errorMessage: str  # noqa: N815  # Lambda's own name


def function_message(cause: str) -> str | None:
    """The message in what Lambda gives as a function's error; None of any other cause."""
    try:
        return msgspec.json.decode(cause, type=_FunctionError).errorMessage
    except msgspec.DecodeError:
        return None


class TaskTokens:
    """What a state of any execution waits with."""

    def __init__(self, client: "SFNClient") -> None:
        self._client = client

    def succeed(self, token: str, output: dict[str, str]) -> None:
        """Answers a token; if nobody waits for it any more, that is fine."""
        try:
            self._client.send_task_success(
                taskToken=token, output=msgspec.json.encode(output).decode()
            )
        except ClientError as error:
            self._pass_if_nobody_waits(error)

    def fail(self, token: str, error_name: str, cause: str) -> None:
        """Answers a token with an error; if nobody waits for it any more, that is fine."""
        try:
            self._client.send_task_failure(
                taskToken=token, error=error_name, cause=cause[:_MAX_CAUSE]
            )
        except ClientError as error:
            self._pass_if_nobody_waits(error)

    @staticmethod
    def _pass_if_nobody_waits(error: ClientError) -> None:
        if error.response["Error"]["Code"] not in _NOBODY_WAITS:
            raise error
