"""State machines on moto, with real functions, behave as those on AWS."""

import json
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.awslambda.models import lambda_backends
from moto.core.config import default_user_config
from moto.events.models import events_backends
from moto.iam.models import iam_backends
from moto.server import ThreadedMotoServer
from moto.sqs.models import sqs_backends
from moto.stepfunctions.parser.asl.eval.program_state import ProgramError, ProgramStopped
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.parser.backend.execution import Execution
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from local import executions
from local.executions.endings import StatusChanges, end_all
from local.functions import FunctionHost, FunctionSpec, install, uninstall

ACCOUNT, REGION = "123456789012", "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/states"

HANDLER = """
import os, time
from pathlib import Path

class Transient(Exception):
    pass

def handler(event, context):
    folder = Path(event["folder"])
    tries = len(list(folder.glob("try*")))
    (folder / f"try{tries}.tmp").write_text(event.get("token", ""))
    (folder / f"try{tries}.tmp").rename(folder / f"try{tries}")
    if tries < event.get("failures", 0):
        raise Transient("not yet")
    if event.get("exit"):
        os._exit(1)
    time.sleep(event.get("sleep", 0))
    return {"tries": tries + 1}
"""

StatusEvent = dict[str, Any]


class Machines:
    """Makes and runs state machines."""

    def __init__(self, sfn: Any, folder: Path) -> None:
        self.sfn = sfn
        self.folder = folder
        self.events: list[StatusEvent] = []

    def start(self, states: dict[str, Any], data: Any = None, **top: Any) -> str:
        """Start an execution of these states, from the first one."""
        definition = {"StartAt": next(iter(states)), "States": states, **top}
        machine = self.sfn.create_state_machine(
            # Its own in the session: an earlier test's late event is not to be taken for one of it.
            name=f"machine-{uuid.uuid4()}",
            definition=json.dumps(definition),
            roleArn=ROLE,
        )
        arn: str = self.sfn.start_execution(
            stateMachineArn=machine["stateMachineArn"],
            name="one",
            input=json.dumps(data if data is not None else {"folder": str(self.folder)}),
        )["executionArn"]
        return arn

    def ended(self, arn: str) -> Any:
        """Wait for an execution's end, and describe it."""
        until(lambda: self.sfn.describe_execution(executionArn=arn)["status"] != "RUNNING")
        return self.sfn.describe_execution(executionArn=arn)

    def token(self, number: int = 0) -> str:
        """Wait for a try of a function, and return the token that it was given."""
        path = self.folder / f"try{number}"
        until(path.exists)
        return path.read_text()

    def statuses(self, arn: str) -> list[str]:
        """Return the statuses that events told of an execution."""
        return [e["detail"]["status"] for e in self.events if e["resources"] == [arn]]


def until(condition: Callable[[], Any]) -> Any:
    for _ in range(1500):
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("it never came true")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = dict(default_user_config["stepfunctions"])
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MOTO_PORT", "0")
        executions.configure(port)
        server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
        server.start()
        yield f"http://127.0.0.1:{port}"
        server.stop()
    default_user_config["stepfunctions"] = settings


@pytest.fixture(scope="module")
def host(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FunctionHost]:
    code_dir = tmp_path_factory.mktemp("work")
    (code_dir / "handler.py").write_text(HANDLER)
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:work"
    spec = FunctionSpec("work", arn, code_dir, timeout_seconds=1)
    host = FunctionHost([spec], endpoint_url=endpoint)
    host.start()
    iam_backends[ACCOUNT]["aws"].create_role("work", "{}", "/", None, "", [], None)
    lambda_backends[ACCOUNT][REGION].create_function(
        {
            "FunctionName": "work",
            "Runtime": "python3.13",
            "Role": f"arn:aws:iam::{ACCOUNT}:role/work",
            "Handler": "handler.handler",
            "Code": {"ZipFile": ""},
        }
    )
    yield host
    host.stop()
    lambda_backends[ACCOUNT][REGION].reset()
    iam_backends[ACCOUNT]["aws"].reset()


@pytest.fixture
def stock(
    endpoint: str, host: FunctionHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Machines]:
    """Give state machines on stock moto, but for its functions."""
    executions.uninstall()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    install(host)
    sfn = boto3.client("stepfunctions", endpoint_url=endpoint, region_name=REGION)
    yield Machines(sfn, tmp_path)
    for execution in stepfunctions_parser_backends[ACCOUNT][REGION]._get_executions("RUNNING"):
        execution.exec_worker.env.set_stop(None, None, None)
    stepfunctions_parser_backends[ACCOUNT][REGION].reset()
    executions.uninstall()
    uninstall()


@pytest.fixture
def machines(stock: Machines) -> Machines:
    """Give state machines with every patch; status events are kept in `events`."""

    def put_event(account: str, region: str, **event: Any) -> None:
        assert (account, region, event["source"]) == (ACCOUNT, REGION, "aws.states")
        assert event["detail_type"] == "Step Functions Execution Status Change"
        stock.events.append(event)

    executions.install(put_event)
    return stock


def work(**settings: Any) -> dict[str, Any]:
    """Return a state that calls the function with the state's input."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "work", "Payload.$": "$"},
        "OutputPath": "$.Payload",
        "End": True,
        **settings,
    }


def park(**settings: Any) -> dict[str, Any]:
    """Return a state that gives the function a token and waits for it."""
    payload = {"folder.$": "$.folder", "token.$": "$$.Task.Token", "failures.$": "$.failures"}
    state = work(
        Resource="arn:aws:states:::lambda:invoke.waitForTaskToken",
        Parameters={"FunctionName": "work", "Payload": payload},
        TimeoutSeconds=60,
        **settings,
    )
    del state["OutputPath"]
    return state


def parked(machines: Machines, failures: int = 0) -> dict[str, Any]:
    return {"folder": str(machines.folder), "failures": failures}


def retry(*errors: str, **settings: Any) -> list[dict[str, Any]]:
    return [{"ErrorEquals": list(errors), "IntervalSeconds": 1, "MaxAttempts": 3, **settings}]


def history(machines: Machines, arn: str, **settings: Any) -> list[str]:
    answer = machines.sfn.get_execution_history(executionArn=arn, **settings)
    return [event["type"] for event in answer["events"]]


def test_an_execution_calls_a_real_function(machines: Machines) -> None:
    ended = machines.ended(machines.start({"Work": work()}))
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"]) == {"tries": 1}


def test_an_error_is_retried_by_its_class_name(machines: Machines) -> None:
    jitter = {"JitterStrategy": "FULL", "MaxDelaySeconds": 2, "BackoffRate": 2}
    state = work(Retry=retry("Transient", **jitter))
    ended = machines.ended(machines.start({"Work": state}, parked(machines, failures=1)))
    assert json.loads(ended["output"]) == {"tries": 2}


@pytest.mark.parametrize("fault", [{"exit": 1}, {"sleep": 30}])
def test_a_function_that_gives_no_answer_is_lambda_unknown(
    machines: Machines, fault: dict[str, int]
) -> None:
    catch = [{"ErrorEquals": ["Lambda.Unknown"], "Next": "Caught"}]
    states = {"Work": work(Catch=catch), "Caught": {"Type": "Pass", "End": True}}
    ended = machines.ended(machines.start(states, {"folder": str(machines.folder), **fault}))
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"])["Error"] == "Lambda.Unknown"


def test_stock_moto_shows_lambdas_own_word_for_a_crash(stock: Machines) -> None:
    """Fails once moto says Lambda.Unknown: `name_unanswered_functions` may then go."""
    arn = stock.start({"Work": work()}, {"folder": str(stock.folder), "exit": 1})
    assert stock.ended(arn)["error"] == "Runtime.ExitError"


def test_a_token_brings_the_answer(machines: Machines) -> None:
    arn = machines.start({"Park": park()}, parked(machines))
    machines.sfn.send_task_success(taskToken=machines.token(), output='{"good": true}')
    assert json.loads(machines.ended(arn)["output"]) == {"good": True}


def test_a_function_that_raises_inside_a_token_task_fails_it_by_name(machines: Machines) -> None:
    arn = machines.start({"Park": park()}, parked(machines, failures=9))
    ended = machines.ended(arn)
    assert (ended["status"], ended["error"]) == ("FAILED", "Transient")


def test_a_token_task_is_retried_by_the_functions_error(machines: Machines) -> None:
    state = park(Retry=retry("Transient"))
    arn = machines.start({"Park": state}, parked(machines, failures=1))
    machines.sfn.send_task_success(taskToken=machines.token(1), output="{}")
    assert machines.ended(arn)["status"] == "SUCCEEDED"


def fail_then_succeed(machines: Machines) -> Any:
    arn = machines.start({"Park": park(Retry=retry("Spot"))}, parked(machines))
    machines.sfn.send_task_failure(taskToken=machines.token(), error="Spot", cause="reclaimed")
    machines.sfn.send_task_success(taskToken=machines.token(1), output='{"try": 2}')
    return machines.ended(arn)


def test_each_try_has_a_token_of_its_own(machines: Machines) -> None:
    assert json.loads(fail_then_succeed(machines)["output"]) == {"try": 2}
    assert machines.token(0) != machines.token(1)


def test_stock_moto_ends_a_second_try_with_the_first_ones_answer(stock: Machines) -> None:
    """Fails once moto renews tokens: half of `renew_tokens` may then go."""
    arn = stock.start({"Park": park(Retry=retry("Spot", MaxAttempts=1))}, parked(stock))
    stock.sfn.send_task_failure(taskToken=stock.token(), error="Spot")
    assert stock.ended(arn)["status"] == "FAILED"
    assert stock.token(0) == stock.token(1)


def test_a_failure_keeps_its_cause(machines: Machines) -> None:
    arn = machines.start({"Park": park()}, parked(machines))
    machines.sfn.send_task_failure(taskToken=machines.token(), error="Spot", cause="reclaimed")
    ended = machines.ended(arn)
    assert (ended["error"], ended["cause"]) == ("Spot", "reclaimed")


def test_stock_moto_drops_the_cause_of_a_failure(stock: Machines) -> None:
    """Fails once moto keeps it: `_send_task_failure` may then go."""
    arn = stock.start({"Park": park()}, parked(stock))
    stock.sfn.send_task_failure(taskToken=stock.token(), error="Spot", cause="reclaimed")
    assert "cause" not in stock.ended(arn)


def time_out_and_answer(machines: Machines) -> str:
    """Answer a token after its task timed out, and return the execution, which then waits."""
    state = {**park(Catch=[{"ErrorEquals": ["States.Timeout"], "Next": "Wait"}])}
    state["TimeoutSecondsPath"] = "$.seconds"
    del state["TimeoutSeconds"]
    states = {"Park": state, "Wait": {"Type": "Wait", "Seconds": 60, "End": True}}
    arn = machines.start(states, {**parked(machines), "seconds": 1})
    until(lambda: "WaitStateEntered" in history(machines, arn))
    machines.sfn.send_task_success(taskToken=machines.token(), output="{}")
    return arn


def test_a_token_is_dead_after_its_task_timed_out(machines: Machines) -> None:
    with pytest.raises(ClientError, match="TaskTimedOut"):
        time_out_and_answer(machines)


def test_stock_moto_takes_an_answer_after_the_time_out(stock: Machines) -> None:
    """Fails once moto refuses it: half of `renew_tokens` may then go."""
    assert time_out_and_answer(stock)


def test_a_second_answer_to_a_token_is_refused(machines: Machines) -> None:
    states = {"Park": park(Next="Wait"), "Wait": {"Type": "Wait", "Seconds": 60, "End": True}}
    del states["Park"]["End"]
    arn = machines.start(states, parked(machines))
    machines.sfn.send_task_success(taskToken=machines.token(), output="{}")
    until(lambda: "WaitStateEntered" in history(machines, arn))
    with pytest.raises(ClientError, match="TaskTimedOut"):
        machines.sfn.send_task_success(taskToken=machines.token(), output="{}")


def stop_parked(machines: Machines, **settings: Any) -> str:
    arn = machines.start({"Park": park(**settings)}, parked(machines))
    machines.token()
    until(lambda: "TaskSubmitted" in history(machines, arn))
    machines.sfn.stop_execution(executionArn=arn, error="Stopped", cause="by hand")
    return arn


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"Retry": retry("States.ALL")},
        {"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Park"}]},
    ],
)
def test_stopping_ends_a_parked_execution_at_once(
    machines: Machines, settings: dict[str, Any]
) -> None:
    threads = set(threading.enumerate())
    arn = stop_parked(machines, **settings)
    ended = machines.sfn.describe_execution(executionArn=arn)
    assert (ended["status"], ended["error"], ended["cause"]) == ("ABORTED", "Stopped", "by hand")
    assert ended["stopDate"] >= ended["startDate"]
    until(lambda: history(machines, arn)[-1] == "ExecutionAborted")
    assert "TaskTimedOut" not in history(machines, arn)
    until(lambda: not interpreters(set(threading.enumerate()) - threads))
    assert machines.sfn.describe_execution(executionArn=arn)["status"] == "ABORTED"
    assert machines.statuses(arn) == ["RUNNING", "ABORTED"]
    with pytest.raises(ClientError, match="InvalidToken"):
        machines.sfn.send_task_success(taskToken=machines.token(), output="{}")


def interpreters(threads: set[threading.Thread]) -> list[threading.Thread]:
    """Return the threads that evaluate state machines."""
    marks = ("_execution_logic", "eval", "_exec_and_notify")
    return [thread for thread in threads if any(mark in thread.name for mark in marks)]


def test_stock_moto_lets_a_parked_execution_run_on(stock: Machines) -> None:
    """Fails once moto stops it: `stop_at_once` may then go."""
    arn = stop_parked(stock)
    time.sleep(0.3)
    assert stock.sfn.describe_execution(executionArn=arn)["status"] == "RUNNING"


def fail_after_a_stop(machines: Machines) -> Any:
    machines.start({"Wait": {"Type": "Wait", "Seconds": 60, "End": True}})
    (execution,) = stepfunctions_parser_backends[ACCOUNT][REGION]._get_executions("RUNNING")
    env = until(lambda: execution.exec_worker.env)
    until(env.is_running)
    env.set_stop(None, None, None)
    env.set_error({"error": "States.Runtime"})
    return env.program_state()


def test_what_is_stopped_does_not_fail_afterwards(machines: Machines) -> None:
    assert isinstance(fail_after_a_stop(machines), ProgramStopped)


def test_stock_moto_lets_fail_what_is_stopped(stock: Machines) -> None:
    """Fails once moto keeps a stop a stop: `stay_ended` may then go."""
    assert isinstance(fail_after_a_stop(stock), ProgramError)


def test_stopping_ends_what_waits_inside_of_maps(machines: Machines) -> None:
    inner = {"StartAt": "Park", "States": {"Park": park()}}
    stages = {"Type": "Map", "ItemProcessor": inner, "ItemsPath": "$.stages", "End": True}
    outer = {"StartAt": "Stages", "States": {"Stages": stages}}
    waves = {"Type": "Map", "ItemProcessor": outer, "ItemsPath": "$.waves", "End": True}
    waves |= {"MaxConcurrency": 1, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Failed"}]}
    states = {"Waves": waves, "Failed": {"Type": "Pass", "End": True}}
    stage = parked(machines)
    threads = set(threading.enumerate())
    arn = machines.start(states, {"waves": [{"stages": [stage, stage]}, {"stages": [stage]}]})
    machines.token(1)
    machines.sfn.stop_execution(executionArn=arn)
    assert machines.sfn.describe_execution(executionArn=arn)["status"] == "ABORTED"
    until(lambda: not interpreters(set(threading.enumerate()) - threads))
    assert machines.sfn.describe_execution(executionArn=arn)["status"] == "ABORTED"
    assert not (machines.folder / "try2").exists()


def test_an_execution_may_be_stopped_as_soon_as_it_was_started(machines: Machines) -> None:
    states = {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}
    for _ in range(10):  # whichever way the interpreter goes just then
        arn = machines.start(states)
        machines.sfn.stop_execution(executionArn=arn)
        assert machines.ended(arn)["status"] == "ABORTED"
        assert machines.statuses(arn) == ["RUNNING", "ABORTED"]


def test_a_token_is_answered_while_another_execution_is_being_started(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of its start: it is told of already, and its interpreter has not begun."""
    first = machines.ended(machines.start({"Pass": {"Type": "Pass", "End": True}}))
    parking = machines.start({"Park": park()}, parked(machines))
    token = machines.token()
    put_event = StatusChanges.put_event

    def answer_first(*told: Any, detail: StatusEvent, **more: Any) -> None:
        if detail["status"] == "RUNNING":
            machines.sfn.send_task_success(taskToken=token, output="{}")
        put_event(*told, detail=detail, **more)

    monkeypatch.setattr(StatusChanges, "put_event", staticmethod(answer_first))
    machines.sfn.start_execution(stateMachineArn=first["stateMachineArn"], name="another")
    assert machines.ended(parking)["status"] == "SUCCEEDED"


def test_an_execution_is_whole_before_it_is_listed(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = machines.ended(machines.start({"Pass": {"Type": "Pass", "End": True}}))
    seen: list[str] = []

    def look(execution: Any) -> None:
        listed = machines.sfn.list_executions(stateMachineArn=first["stateMachineArn"])
        seen.extend(one["status"] for one in listed["executions"])
        start(execution)

    start = Execution.start
    monkeypatch.setattr(Execution, "start", look)
    machines.sfn.start_execution(stateMachineArn=first["stateMachineArn"], name="another")
    assert sorted(seen) == ["RUNNING", "SUCCEEDED"]


def test_a_runtime_that_stops_leaves_no_execution(machines: Machines) -> None:
    threads = set(threading.enumerate())
    begun = machines.start({"Park": park(Retry=retry("States.ALL"))}, parked(machines))
    machines.token()
    over = machines.start({"Pass": {"Type": "Pass", "End": True}})
    machines.ended(over)
    end_all("the runtime stops")
    ended = machines.ended(begun)
    assert (ended["status"], ended["cause"]) == ("ABORTED", "the runtime stops")
    until(lambda: not interpreters(set(threading.enumerate()) - threads))
    assert machines.statuses(over) == ["RUNNING", "SUCCEEDED"]


def test_an_end_is_told_once_with_input_and_output(machines: Machines) -> None:
    arn = machines.start({"Work": work()})
    ended = machines.ended(arn)
    until(lambda: len(machines.statuses(arn)) == 2)
    running, succeeded = (event["detail"] for event in machines.events)
    assert running["status"] == "RUNNING"
    assert running["stopDate"] is None
    assert running["output"] is None
    assert succeeded == {
        "executionArn": arn,
        "stateMachineArn": ended["stateMachineArn"],
        "name": "one",
        "status": "SUCCEEDED",
        "startDate": int(ended["startDate"].timestamp() * 1000),
        "stopDate": succeeded["stopDate"],
        "input": json.dumps({"folder": str(machines.folder)}),
        "inputDetails": {"included": True},
        "output": '{"tries":1}',
        "outputDetails": {"included": True},
        "error": None,
        "cause": None,
    }
    assert succeeded["stopDate"] >= succeeded["startDate"]


@pytest.mark.parametrize(
    ("state", "status", "error"),
    [
        ({"Type": "Fail", "Error": "Bad", "Cause": "input"}, "FAILED", "Bad"),
        ({"Type": "Wait", "Seconds": 60, "End": True}, "TIMED_OUT", None),
    ],
)
def test_failures_and_time_outs_are_told(
    machines: Machines, state: dict[str, Any], status: str, error: str | None
) -> None:
    arn = machines.start({"State": state}, TimeoutSeconds=1)
    ended = machines.ended(arn)
    until(lambda: len(machines.statuses(arn)) == 2)
    detail = machines.events[-1]["detail"]
    assert (detail["status"], detail["error"]) == (status, error)
    assert ended["stopDate"]


@pytest.fixture
def told() -> Iterator[Any]:
    """Give a queue to which a rule sends the status events of executions."""
    queue = sqs_backends[ACCOUNT][REGION].create_queue("told")
    events = events_backends[ACCOUNT][REGION]
    events.put_rule("told", event_pattern=json.dumps({"source": ["aws.states"]}))
    events.put_targets("told", None, [{"Id": "1", "Arn": queue.queue_arn}])
    yield queue
    events.remove_targets("told", None, ["1"])
    events.delete_rule("told", None)
    sqs_backends[ACCOUNT][REGION].delete_queue("told")


def test_rules_get_the_status_events(stock: Machines, told: Any) -> None:
    executions.install()
    stock.ended(stock.start({"Work": work()}))
    until(lambda: len(told._messages) == 2)
    statuses = [json.loads(message.body)["detail"]["status"] for message in told._messages]
    assert statuses == ["RUNNING", "SUCCEEDED"]


def test_stock_moto_tells_nobody_of_executions(stock: Machines, told: Any) -> None:
    """Fails once moto sends status events: `emit_status_changes` may then go."""
    stock.ended(stock.start({"Work": work()}))
    time.sleep(0.2)
    assert not told._messages


def test_the_history_is_read_from_either_end_and_in_pages(machines: Machines) -> None:
    arn = machines.start({"Work": work()})
    machines.ended(arn)
    whole = history(machines, arn)
    assert whole[0] == "ExecutionStarted"
    assert history(machines, arn, reverseOrder=True) == whole[::-1]
    assert history(machines, arn, reverseOrder=True, maxResults=1) == ["ExecutionSucceeded"]
    pages = machines.sfn.get_paginator("get_execution_history").paginate(
        executionArn=arn, PaginationConfig={"PageSize": 2}
    )
    assert [event["type"] for page in pages for event in page["events"]] == whole


def test_stock_moto_reads_the_history_one_way(stock: Machines) -> None:
    """Fails once moto honours the order: `_get_execution_history` may then go."""
    arn = stock.start({"Work": work()})
    stock.ended(arn)
    assert history(stock, arn, reverseOrder=True, maxResults=1)[0] == "ExecutionStarted"


def test_state_tasks_share_a_client(machines: Machines) -> None:
    first, second = (boto_client.boto_client_for(REGION, "lambda") for _ in range(2))
    assert first is second
    assert first is not boto_client.boto_client_for(REGION, "sqs")


@pytest.mark.usefixtures("stock")
def test_stock_moto_makes_a_client_for_each_task() -> None:
    """Fails once moto keeps its clients: `keep_clients` may then go."""
    first, second = (boto_client.boto_client_for(REGION, "lambda") for _ in range(2))
    assert first is not second
