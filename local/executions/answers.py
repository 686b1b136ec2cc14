"""Parameters that moto's request handlers leave out."""

import functools
from datetime import UTC, datetime
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.stepfunctions.responses import StepFunctionResponse


def pass_on_what_responses_drop() -> None:
    """Honours parameters that moto's request handlers leave out."""
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
