"""The state machine as it is written: timeouts, named retries, catches, and nothing unreachable."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from seqdrop.domain import errors
from seqdrop.domain.failure import RULES, FailureClass
from seqdrop.domain.next_job import MOST_JOBS
from seqdrop.flow.recording import NO_JOB_LEFT
from tests.infrastructure.stack import (
    MACHINE,
    PROJECT,
    all_states,
    functions,
    levels,
    machine,
    of_type,
)

TASKS = {name: state for name, state in all_states().items() if state["Type"] == "Task"}
OF_AWS = {
    "States.ALL",
    "States.Timeout",
    "Sandbox.Timedout",
    "Lambda.Unknown",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.TooManyRequestsException",
}
THROTTLED = "Lambda.TooManyRequestsException"
HISTORY_EVENTS = 25_000
"""As many as an execution may have."""
EVENTS_OF_A_TRY = 3
"""TaskScheduled, TaskStarted and TaskFailed."""
OURS = {
    name
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.SeqdropError)
}


def errors_named(state: dict[str, Any], kind: str) -> set[str]:
    """What a state's Retry or Catch names."""
    return {name for rule in state.get(kind, []) for name in rule["ErrorEquals"]}


def nexts(state: dict[str, Any]) -> set[str]:
    """Where a state may go on to."""
    found = {state[key] for key in ("Next", "Default") if key in state}
    found |= {choice["Next"] for choice in state.get("Choices", [])}
    return found | {catch["Next"] for catch in state.get("Catch", [])}


def test_it_is_short_enough_to_be_read() -> None:
    assert len(MACHINE.read_text("utf-8").splitlines()) <= 180


def test_it_ends_by_itself_where_nothing_else_does() -> None:
    longest_job = 7 * 24 * 3_600
    assert machine()["TimeoutSeconds"] > longest_job


def test_every_state_is_reached_and_leads_to_one_that_is_there() -> None:
    for level in levels(machine()):
        reached, open_ = set(), {level["StartAt"]}
        while open_:
            name = open_.pop()
            reached.add(name)
            open_ |= nexts(level["States"][name]) - reached
        assert reached == set(level["States"])


def test_every_state_goes_on_or_ends() -> None:
    for name, state in all_states().items():
        ends = state.get("End") or state["Type"] in {"Fail", "Succeed", "Choice"}
        assert bool(ends) != ("Next" in state), name


@pytest.mark.parametrize("name", TASKS)
def test_every_task_has_a_timeout(name: str) -> None:
    assert {"TimeoutSeconds", "TimeoutSecondsPath"} & TASKS[name].keys()


@pytest.mark.parametrize("name", TASKS)
def test_every_task_retries_only_named_errors_with_jitter(name: str) -> None:
    throttles, faults, *_ = TASKS[name]["Retry"]
    assert throttles["ErrorEquals"] == [THROTTLED]
    assert {THROTTLED, "States.ALL"}.isdisjoint(faults["ErrorEquals"])
    for retry in TASKS[name]["Retry"]:
        assert retry["JitterStrategy"] == "FULL"
    assert 1 <= faults["MaxAttempts"] <= 10
    assert faults["MaxDelaySeconds"] <= 60


def delays(retry: dict[str, Any]) -> Iterator[float]:
    """The longest delay before each try; full jitter takes anything from none to all of it."""
    delay = retry["IntervalSeconds"]
    for _ in range(retry["MaxAttempts"]):
        yield min(delay, retry["MaxDelaySeconds"])
        delay *= retry["BackoffRate"]


@pytest.mark.parametrize("name", TASKS)
def test_a_task_waits_an_hour_for_a_free_execution(name: str) -> None:
    throttles, *_ = TASKS[name]["Retry"]
    longest = list(delays(throttles))
    expected, deviation = sum(longest) / 2, math.sqrt(sum(d * d for d in longest) / 12)
    assert expected - 4 * deviation >= 3_600, "one wait in thirty thousand is shorter"
    assert longest[0] <= 5, "a task whose turn comes soon is not kept"


@pytest.mark.parametrize("failure", [one for one in FailureClass if RULES[one].jobs])
def test_a_person_is_told_how_long_the_pause_before_another_job_may_be(
    failure: FailureClass,
) -> None:
    (retry,) = (r for r in TASKS["SubmitJob"]["Retry"] if failure in r["ErrorEquals"])
    assert RULES[failure].longest_pause == retry["MaxDelaySeconds"]


def test_waiting_for_executions_leaves_a_history_room_for_the_run() -> None:
    throttles, *_ = TASKS["SubmitJob"]["Retry"]
    texts = [path.read_text("utf-8") for path in (PROJECT / "pipelines").glob("*.yaml")]
    most_stages = max(len(yaml.safe_load(text).get("stages") or ()) for text in texts)
    tasks = most_stages + len(TASKS)  # each throttled to its end once
    assert tasks * throttles["MaxAttempts"] * EVENTS_OF_A_TRY <= HISTORY_EVENTS / 4


def test_all_tasks_retry_alike_and_submit_job_by_the_classes_of_failures_too() -> None:
    assert len({str(task["Retry"][:2]) for task in TASKS.values()}) == 1
    assert {name for name, task in TASKS.items() if len(task["Retry"]) > 2} == {"SubmitJob"}


def test_a_failure_that_another_job_may_follow_on_is_retried_by_name_and_after_a_poll_too() -> None:
    of_classes = TASKS["SubmitJob"]["Retry"][2:]
    retried = [name for retry in of_classes for name in retry["ErrorEquals"]]
    followed = {failure for failure, rule in RULES.items() if rule.action.tries_again}
    assert sorted(retried) == sorted(followed)
    for retry in of_classes:  # no rule of the table is cut short
        assert retry["MaxAttempts"] >= max(RULES[name].jobs for name in retry["ErrorEquals"])
        assert retry["MaxAttempts"] == MOST_JOBS - 1
    late, again = TASKS["PollJob"]["Catch"]
    assert (late["ErrorEquals"], late["Next"]) == (["States.Timeout"], "IsIntervalLong")
    assert (set(again["ErrorEquals"]), again["Next"]) == (followed, "SubmitJob")
    assert NO_JOB_LEFT not in {*retried, *again["ErrorEquals"]}


@pytest.mark.parametrize("name", TASKS)
def test_every_task_catches(name: str) -> None:
    assert TASKS[name]["Catch"]


@pytest.mark.parametrize("name", all_states())
def test_every_error_that_is_named_is_awss_or_one_of_ours(name: str) -> None:
    state = all_states()[name]
    named = errors_named(state, "Retry") | errors_named(state, "Catch")
    assert named <= OF_AWS | OURS | set(FailureClass)


def test_what_is_retried_is_transient() -> None:
    (retried,) = {frozenset(errors_named(task, "Retry")) & OURS for task in TASKS.values()}
    assert retried == {errors.Transient.__name__}


def test_every_function_gets_the_ids_of_the_run_from_the_execution_itself() -> None:
    for task in TASKS.values():
        payload = task["Parameters"]["Payload"]
        assert payload["run.$"] == "$$.Execution.Input"
        assert payload["execution.$"] == "$$.Execution.Id"
    text = MACHINE.read_text("utf-8")
    assert "$.sample" not in text
    assert "$.run_key" not in text


def test_whatever_goes_wrong_ends_in_record_failure() -> None:
    for name in ("PlanRun", "RunWaves", "FinishRun"):
        last = all_states()[name]["Catch"][-1]
        assert (last["ErrorEquals"], last["Next"]) == (["States.ALL"], "RecordFailure")


@pytest.mark.parametrize("name", TASKS)
def test_every_task_is_a_function_of_the_same_name(name: str) -> None:
    arn = TASKS[name]["Parameters"]["FunctionName"]
    assert arn == f"${{{name}FunctionArn}}"
    assert f"{name}Function" in functions()
    (resource,) = of_type("AWS::Serverless::StateMachine").values()
    substitution = resource["DefinitionSubstitutions"][f"{name}FunctionArn"]
    assert substitution == {"Fn::GetAtt": [f"{name}Function", "Arn"]}


def test_it_may_call_exactly_the_functions_that_it_names() -> None:
    (resource,) = of_type("AWS::Serverless::StateMachine").values()
    (grant,) = [
        statement
        for statement in resource["Policies"][0]["Statement"]
        if statement["Action"] == "lambda:InvokeFunction"
    ]
    assert {r["Fn::GetAtt"][0] for r in grant["Resource"]} == {f"{name}Function" for name in TASKS}


def test_names_read_as_sentences() -> None:
    for name, state in all_states().items():
        assert name[0].isupper()
        assert name.isalnum()
        if state["Type"] == "Choice":
            assert name.startswith("Is")


def test_no_state_catches_into_itself() -> None:
    # On moto such a state would end as a success; and there a run would never be polled twice.
    assert not [n for n, s in all_states().items() if n in nexts(s)]
