"""The state machines as they are written: timeouts, named retries, catches, nothing unreachable."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from seqdrop.domain import errors
from seqdrop.domain.failure import RULES, FailureClass
from seqdrop.domain.next_job import MOST_JOBS
from seqdrop.flow.reanalysis.runs import Busy
from seqdrop.flow.recording import NO_JOB_LEFT
from tests.infrastructure.stack import (
    MACHINES,
    PROJECT,
    all_states,
    functions,
    levels,
    machine,
    of_type,
)

STATES = {f"{of} {name}": state for of in MACHINES for name, state in all_states(of).items()}
ALL_TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
TASKS = {name: state for name, state in all_states().items() if state["Type"] == "Task"}
"""Of the machine that analyses a sample."""
OF_PEOPLE = {"ReportReanalysis"}
"""A task after which nothing more can be told: its execution fails, and the sweep closes it."""
RESOURCES = {"analyse_sample": "AnalyseSampleStateMachine", "reanalyse": "ReanalyseStateMachine"}
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


@pytest.mark.parametrize("name", MACHINES)
def test_it_is_short_enough_to_be_read(name: str) -> None:
    assert len(MACHINES[name].read_text("utf-8").splitlines()) <= 210


def test_it_ends_by_itself_where_nothing_else_does() -> None:
    longest_job = 7 * 24 * 3_600
    assert machine()["TimeoutSeconds"] > longest_job
    approval = all_states("reanalyse")["AskApproval"]["TimeoutSeconds"]
    assert approval == 14 * 24 * 3_600
    assert machine("reanalyse")["TimeoutSeconds"] > approval + 30 * 24 * 3_600


@pytest.mark.parametrize("of", MACHINES)
def test_every_state_is_reached_and_leads_to_one_that_is_there(of: str) -> None:
    for level in levels(machine(of)):
        reached, open_ = set(), {level["StartAt"]}
        while open_:
            name = open_.pop()
            reached.add(name)
            open_ |= nexts(level["States"][name]) - reached
        assert reached == set(level["States"])


def test_every_state_goes_on_or_ends() -> None:
    for name, state in STATES.items():
        ends = state.get("End") or state["Type"] in {"Fail", "Succeed", "Choice"}
        assert bool(ends) != ("Next" in state), name


@pytest.mark.parametrize("name", ALL_TASKS)
def test_every_task_has_a_timeout(name: str) -> None:
    assert {"TimeoutSeconds", "TimeoutSecondsPath"} & ALL_TASKS[name].keys()


@pytest.mark.parametrize("name", ALL_TASKS)
def test_every_task_retries_only_named_errors_with_jitter(name: str) -> None:
    throttles, faults, *_ = ALL_TASKS[name]["Retry"]
    assert throttles["ErrorEquals"] == [THROTTLED]
    assert {THROTTLED, "States.ALL"}.isdisjoint(faults["ErrorEquals"])
    for retry in ALL_TASKS[name]["Retry"]:
        assert retry["JitterStrategy"] == "FULL"
    assert 1 <= faults["MaxAttempts"] <= 10
    assert faults["MaxDelaySeconds"] <= 60


def delays(retry: dict[str, Any]) -> Iterator[float]:
    """The longest delay before each try; full jitter takes anything from none to all of it."""
    delay = retry["IntervalSeconds"]
    for _ in range(retry["MaxAttempts"]):
        yield min(delay, retry["MaxDelaySeconds"])
        delay *= retry["BackoffRate"]


@pytest.mark.parametrize("name", ALL_TASKS)
def test_a_task_waits_an_hour_for_a_free_execution(name: str) -> None:
    throttles, *_ = ALL_TASKS[name]["Retry"]
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
    assert len({str(task["Retry"][:2]) for task in ALL_TASKS.values()}) == 1
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


@pytest.mark.parametrize("name", ALL_TASKS)
def test_every_task_catches(name: str) -> None:
    assert ("Catch" in ALL_TASKS[name]) != (name.split()[1] in OF_PEOPLE)


@pytest.mark.parametrize("name", STATES)
def test_every_error_that_is_named_is_awss_or_one_of_ours(name: str) -> None:
    state = STATES[name]
    named = errors_named(state, "Retry") | errors_named(state, "Catch")
    assert named <= OF_AWS | OURS | set(FailureClass) | {Busy.__name__}


def test_what_is_retried_is_transient() -> None:
    (retried,) = {frozenset(errors_named(task, "Retry")) & OURS for task in ALL_TASKS.values()}
    assert retried == {errors.Transient.__name__}
    assert issubclass(Busy, errors.Transient)


def test_every_function_gets_the_ids_of_the_run_from_the_execution_itself() -> None:
    for task in TASKS.values():
        payload = task["Parameters"]["Payload"]
        assert payload["run.$"] == "$$.Execution.Input"
        assert payload["execution.$"] == "$$.Execution.Id"
    text = MACHINES["analyse_sample"].read_text("utf-8")
    assert "$.sample" not in text
    assert "$.run_key" not in text


def test_whatever_goes_wrong_ends_in_record_failure() -> None:
    for name in ("PlanRun", "RunWaves", "FinishRun"):
        last = all_states()[name]["Catch"][-1]
        assert (last["ErrorEquals"], last["Next"]) == (["States.ALL"], "RecordFailure")


def function_of(task: dict[str, Any]) -> str:
    """The logical id of the function that a task calls."""
    arn = str(task["Parameters"]["FunctionName"])
    return arn.removeprefix("${").removesuffix("Arn}")


@pytest.mark.parametrize("name", ALL_TASKS)
def test_every_task_is_a_function_of_the_same_name(name: str) -> None:
    """A canary is reanalysed as any sample is."""
    of, state = name.split()
    function = function_of(ALL_TASKS[name])
    assert function == f"{state.replace('Canary', 'Sample')}Function"
    assert function in functions()
    resource = of_type("AWS::Serverless::StateMachine")[RESOURCES[of]]
    substitution = resource["DefinitionSubstitutions"][f"{function}Arn"]
    assert substitution == {"Fn::GetAtt": [function, "Arn"]}


@pytest.mark.parametrize("of", MACHINES)
def test_it_may_call_exactly_the_functions_that_it_names(of: str) -> None:
    resource = of_type("AWS::Serverless::StateMachine")[RESOURCES[of]]
    (grant,) = [
        statement
        for statement in resource["Policies"][0]["Statement"]
        if statement["Action"] == "lambda:InvokeFunction"
    ]
    called = {function_of(task) for name, task in ALL_TASKS.items() if name.split()[0] == of}
    assert {r["Fn::GetAtt"][0] for r in grant["Resource"]} == called


def test_members_of_a_reanalysis_never_fail_their_map() -> None:
    """On AWS one failed child fails the whole of it."""
    for level in levels(machine("reanalyse")):
        tasks = [state for state in level["States"].values() if state["Type"] == "Task"]
        if level is not machine("reanalyse"):
            assert tasks
            assert all(task["Catch"][-1]["ErrorEquals"] == ["States.ALL"] for task in tasks)
            assert not [s for s in level["States"].values() if s["Type"] == "Fail"]


def test_a_cohort_is_a_map_that_starts_its_own_machine_so_many_times_at_once() -> None:
    cohort = all_states("reanalyse")["RunCohort"]
    assert cohort["ItemProcessor"]["ProcessorConfig"] == {
        "Mode": "DISTRIBUTED", "ExecutionType": "STANDARD",
    }  # fmt: skip
    assert cohort["MaxConcurrencyPath"] == "$.in_flight"
    ask = all_states("reanalyse")["AskApproval"]
    assert ask["Next"] == "PlanReanalysis", "a person may have changed the cap since it was planned"
    resource = of_type("AWS::Serverless::StateMachine")["ReanalyseStateMachine"]
    granted = {
        action
        for statement in resource["Policies"][0]["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str)
                       else statement["Action"])
    }  # fmt: skip
    own = {"states:StartExecution", "states:DescribeExecution", "states:StopExecution"}
    assert own | {"s3:GetObject"} <= granted


def test_names_read_as_sentences() -> None:
    for name, state in ((name.split()[1], state) for name, state in STATES.items()):
        assert name[0].isupper()
        assert name.isalnum()
        if state["Type"] == "Choice":
            assert name.startswith("Is")


def test_no_state_catches_into_itself() -> None:
    # On moto such a state would end as a success; and there a run would never be polled twice.
    assert not [n for n, s in STATES.items() if n.split()[1] in nexts(s)]
