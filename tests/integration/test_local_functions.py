"""Lambda functions run in worker processes."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.awslambda.models import lambda_backends
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends
from moto.server import ThreadedMotoServer

from local.functions import (
    FunctionHost,
    FunctionSpec,
    HostStopped,
    TooManyRequests,
    UnknownFunction,
    install,
    uninstall,
)
from tests.processes import lives

ACCOUNT, REGION = "123456789012", "us-east-1"

HANDLER = """
import os, subprocess, sys, time

class Transient(Exception):
    pass

def handler(event, context):
    print("working on", event)
    if "wait_for" in event:
        open(event["started"], "w").write(str(os.getpid()))
        while not os.path.exists(event["wait_for"]):
            time.sleep(0.01)
    if "raise" in event:
        raise Transient(event["raise"])
    if "exit" in event:
        os._exit(event["exit"])
    if "spawn" in event:
        child = subprocess.Popen(["sleep", "60"])
        open(event["spawn"], "w").write(str(child.pid))
        time.sleep(60)
    return {
        "pid": os.getpid(),
        "environment": dict(os.environ),
        "request": context.aws_request_id,
        "left": context.get_remaining_time_in_millis(),
        "arn": context.invoked_function_arn,
        "modules": sorted(sys.modules),
    }
"""

Start = Callable[..., FunctionHost]


def arn(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


def spec(folder: Path, name: str, code: str = HANDLER, **settings: Any) -> FunctionSpec:
    code_dir = folder / name
    code_dir.mkdir()
    (code_dir / "handler.py").write_text(textwrap.dedent(code))
    return FunctionSpec(name, arn(name), code_dir, **settings)


@pytest.fixture
def start() -> Iterator[Start]:
    hosts = []

    def started(*specs: FunctionSpec, **settings: Any) -> FunctionHost:
        host = FunctionHost(specs, endpoint_url="http://127.0.0.1:9", **settings)
        hosts.append(host)
        host.start()
        return host

    yield started
    for host in hosts:
        host.stop()


def call(host: FunctionHost, name: str, event: dict[str, Any] | None = None) -> Any:
    invocation = host.invoke(name, json.dumps(event or {}).encode())
    return json.loads(invocation.payload)


def until(condition: Callable[[], Any]) -> Any:
    for _ in range(1000):
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("it never came true")


def written(path: Path) -> Any:
    return until(lambda: path.exists() and path.read_text())


def log_lines(name: str) -> list[str]:
    group = logs_backends[ACCOUNT][REGION].groups.get(f"/aws/lambda/{name}")
    streams = group.streams.values() if group else []
    return [event.message for stream in streams for event in stream.events]


@pytest.mark.parametrize("portable_client", [False, True])
def test_a_function_answers_as_on_lambda(
    start: Start, tmp_path: Path, portable_client: bool
) -> None:
    if not portable_client and sys.platform != "linux":
        pytest.skip("the bootstrap's C client is for Linux")
    host = start(spec(tmp_path, "echo", timeout_seconds=5), portable_client=portable_client)
    answer = call(host, "echo")
    assert answer["arn"] == arn("echo")
    assert 4000 < answer["left"] <= 5000
    assert call(host, "echo")["pid"] == answer["pid"]


def test_a_function_sees_its_own_environment_and_no_other(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "somebodys")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    host = start(spec(tmp_path, "echo", environment={"TABLE": "catalog"}, memory_mib=256))
    seen = call(host, "echo")["environment"]
    assert {"AWS_PROFILE", "PYTHONPATH", "HOME", "USER"}.isdisjoint(seen)
    assert seen["TABLE"] == "catalog"
    assert seen["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert seen["LAMBDA_TASK_ROOT"] == str(tmp_path / "echo")
    assert seen["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9"


def test_a_worker_has_no_project_code_loaded(start: Start, tmp_path: Path) -> None:
    modules = set(call(start(spec(tmp_path, "echo")), "echo")["modules"])
    assert "boto3" in modules
    assert {"local", "seqdrop", "moto", "functions"}.isdisjoint(modules)


def test_layers_can_be_imported(start: Start, tmp_path: Path) -> None:
    layer = tmp_path / "layer"
    layer.mkdir()
    (layer / "shared_thing.py").write_text("VALUE = 7")
    code = "import shared_thing\ndef handler(event, context): return shared_thing.VALUE"
    assert call(start(spec(tmp_path, "one", code, python_path=(layer,))), "one") == 7


def test_a_raised_error_has_its_class_name(start: Start, tmp_path: Path) -> None:
    host = start(spec(tmp_path, "echo"))
    invocation = host.invoke("echo", b'{"raise": "try later"}')
    error = json.loads(invocation.payload)
    assert invocation.error
    assert (error["errorType"], error["errorMessage"]) == ("Transient", "try later")
    assert "handler.py" in error["stackTrace"][0]


def test_a_function_that_takes_too_long_is_killed(start: Start, tmp_path: Path) -> None:
    host = start(spec(tmp_path, "slow", timeout_seconds=0.5))
    child = tmp_path / "child"
    invocation = host.invoke("slow", json.dumps({"spawn": str(child)}).encode())
    error = json.loads(invocation.payload)
    assert invocation.error
    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"].endswith(" Error: Task timed out after 0.50 seconds")
    assert error["errorMessage"].startswith("RequestId: ")
    until(lambda: not lives(int(child.read_text())))
    assert call(host, "slow")["arn"] == arn("slow")


def test_a_worker_killed_in_mid_call_is_seen_and_replaced(start: Start, tmp_path: Path) -> None:
    host = start(spec(tmp_path, "echo", timeout_seconds=60))
    started = tmp_path / "started"
    event = {"started": str(started), "wait_for": str(tmp_path / "never")}
    with ThreadPoolExecutor() as pool:
        running = pool.submit(call, host, "echo", event)
        os.kill(int(written(started)), signal.SIGKILL)
        error = running.result()
    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].endswith(" Error: Runtime exited with error: signal: killed")
    assert call(host, "echo")["pid"] != int(started.read_text())


@pytest.mark.parametrize(
    ("status", "reason"),
    [(3, "Runtime exited with error: exit status 3"), (0, "Runtime exited without providing a")],
)
def test_a_function_that_exits_is_an_error(
    start: Start, tmp_path: Path, status: int, reason: str
) -> None:
    error = call(start(spec(tmp_path, "echo")), "echo", {"exit": status})
    assert error["errorType"] == "Runtime.ExitError"
    assert reason in error["errorMessage"]


def test_a_module_that_does_not_load_is_named(start: Start, tmp_path: Path) -> None:
    host = start(
        spec(tmp_path, "missing", "import no_such_module"),
        spec(tmp_path, "broken", "1 / 0"),
    )
    for _ in range(2):
        assert call(host, "missing")["errorType"] == "Runtime.ImportModuleError"
        assert call(host, "broken")["errorType"] == "ZeroDivisionError"


def test_calls_that_wait_get_a_second_worker_and_the_third_queues(
    start: Start, tmp_path: Path
) -> None:
    host = start(spec(tmp_path, "echo", timeout_seconds=60), max_workers_per_function=2)
    go = tmp_path / "go"
    events = [{"started": str(tmp_path / str(n)), "wait_for": str(go)} for n in range(3)]
    with ThreadPoolExecutor() as pool:
        running = [pool.submit(call, host, "echo", event) for event in events]
        until(lambda: sum((tmp_path / str(n)).exists() for n in range(3)) == 2)
        assert len(host.pids("echo")) == 2
        go.touch()
        pids = {answer.result()["pid"] for answer in running}
    assert len(pids) == 2


def test_the_cap_takes_the_idle_worker_that_was_used_longest_ago(
    start: Start, tmp_path: Path
) -> None:
    host = start(*(spec(tmp_path, name) for name in "abc"), max_workers=2)
    call(host, "b")
    call(host, "a")
    call(host, "c")
    assert [len(host.pids(name)) for name in "abc"] == [1, 0, 1]
    assert call(host, "b")["arn"] == arn("b")


def test_a_function_that_waits_for_another_never_deadlocks_at_the_cap(
    start: Start, tmp_path: Path
) -> None:
    host = start(*(spec(tmp_path, name, timeout_seconds=60) for name in "ab"), max_workers=1)
    started, go = tmp_path / "started", tmp_path / "go"
    with ThreadPoolExecutor() as pool:
        outer = pool.submit(call, host, "a", {"started": str(started), "wait_for": str(go)})
        written(started)
        call(host, "b")
        go.touch()
        outer.result()


def test_reserved_concurrency_is_a_limit(start: Start, tmp_path: Path) -> None:
    host = start(spec(tmp_path, "echo", timeout_seconds=60, reserved_concurrency=1))
    started, go = tmp_path / "started", tmp_path / "go"
    with ThreadPoolExecutor() as pool:
        running = pool.submit(call, host, "echo", {"started": str(started), "wait_for": str(go)})
        written(started)
        with pytest.raises(TooManyRequests):
            host.invoke("echo", b"{}")
        go.touch()
        running.result()
    assert call(host, "echo")["arn"] == arn("echo")


def test_an_accounts_executions_are_shared_by_all_functions_and_counted_until_they_answer(
    start: Start, tmp_path: Path
) -> None:
    specs = [spec(tmp_path, name, timeout_seconds=60) for name in "abc"]
    host = start(*specs, account_concurrency=2)
    started, go = [tmp_path / f"started-{name}" for name in "ab"], tmp_path / "go"
    with ThreadPoolExecutor() as pool:
        running = []
        for name, path in zip("ab", started, strict=True):
            event = {"started": str(path), "wait_for": str(go)}
            running.append(pool.submit(call, host, name, event))
            written(path)
        for name in "abc":
            with pytest.raises(TooManyRequests):
                host.invoke(name, b"{}")
        go.touch()
        for one in running:
            one.result()
    assert call(host, "c")["arn"] == arn("c")
    host.account_concurrency = 0
    with pytest.raises(TooManyRequests):
        host.invoke("c", b"{}")
    host.account_concurrency = None
    assert call(host, "c")["arn"] == arn("c")


def test_what_is_reserved_for_a_function_is_nobody_elses(start: Start, tmp_path: Path) -> None:
    host = start(
        spec(tmp_path, "mine", timeout_seconds=60, reserved_concurrency=1),
        spec(tmp_path, "other", timeout_seconds=60),
        account_concurrency=2,
    )
    started, go = tmp_path / "started", tmp_path / "go"
    with ThreadPoolExecutor() as pool:
        running = pool.submit(call, host, "other", {"started": str(started), "wait_for": str(go)})
        written(started)
        with pytest.raises(TooManyRequests):
            host.invoke("other", b"{}")
        assert call(host, "mine")["arn"] == arn("mine")
        go.touch()
        running.result()


def test_logs_go_to_the_functions_group_as_lambda_writes_them(start: Start, tmp_path: Path) -> None:
    host = start(spec(tmp_path, "logs-of-mine"))
    invocation = host.invoke("logs-of-mine", b'{"raise": "no"}')
    lines = until(lambda: [x for x in log_lines("logs-of-mine") if x.startswith("REPORT")])
    lines = log_lines("logs-of-mine")
    request = json.loads(invocation.payload)["requestId"]
    assert lines[0] == f"START RequestId: {request} Version: $LATEST"
    assert lines[1] == "working on {'raise': 'no'}"
    assert lines[2].startswith("[ERROR] Transient: no\nTraceback")
    assert lines[3] == f"END RequestId: {request}"
    assert lines[4].startswith(f"REPORT RequestId: {request}\tDuration: ")
    assert "working on" in invocation.log_tail


def test_nothing_runs_after_stop_and_waiting_calls_are_told(start: Start, tmp_path: Path) -> None:
    host = start(*(spec(tmp_path, name, timeout_seconds=60) for name in "ab"))
    started = tmp_path / "started"
    event = {"started": str(started), "wait_for": str(tmp_path / "never")}
    with ThreadPoolExecutor() as pool:
        running = pool.submit(call, host, "a", event)
        written(started)
        call(host, "b")
        pids = host.pids("a") + host.pids("b")
        host.stop()
        with pytest.raises(HostStopped):
            running.result()
    assert len(pids) == 2
    assert not any(lives(pid) for pid in pids)
    with pytest.raises(HostStopped):
        host.invoke("a", b"{}")


def test_workers_die_with_a_runtime_that_is_killed(tmp_path: Path) -> None:
    function = spec(tmp_path, "echo")
    program = f"""
        import sys, time
        from pathlib import Path
        from local.functions import FunctionHost, FunctionSpec
        spec = FunctionSpec("echo", {function.arn!r}, Path({str(function.code_dir)!r}))
        host = FunctionHost([spec], endpoint_url="http://127.0.0.1:9")
        host.start()
        host.invoke("echo", b"{{}}")
        Path({str(tmp_path / "pid")!r}).write_text(str(host.pids("echo")[0]))
        time.sleep(60)
    """
    path = os.pathsep.join(filter(None, sys.path))
    runtime = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], env={**os.environ, "PYTHONPATH": path}
    )
    worker = int(written(tmp_path / "pid"))
    runtime.kill()
    runtime.wait()
    until(lambda: not lives(worker))


def test_a_fork_server_that_dies_is_replaced(start: Start, tmp_path: Path) -> None:
    host = start(spec(tmp_path, "echo"))
    before = call(host, "echo")["pid"]
    process = host._forks._process
    assert process
    process.kill()
    until(lambda: not host.pids("echo"))
    assert call(host, "echo")["pid"] != before


def test_an_asynchronous_invocation_is_tried_again(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.functions.host.ASYNC_RETRY_SECONDS", (0.01, 0.01))
    tries = tmp_path / "tries"
    code = f"""
        def handler(event, context):
            with open({str(tries)!r}, "a") as file:
                file.write("x")
            if len(open({str(tries)!r}).read()) < 3:
                raise ValueError
    """
    host = start(spec(tmp_path, "flaky", code))
    host.invoke_later("flaky", b"{}")
    until(lambda: tries.exists() and tries.read_text() == "xxx")


SAMPLE = {"run": {"sample": "Hm2"}}


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name == "local.functions.failures"]


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ({"raise": "twice"}, "Transient: twice"),
        ({"exit": 3}, "Runtime.ExitError: Runtime exited with error: exit status 3"),
        (
            {"started": "/dev/null", "wait_for": "/never"},
            "Sandbox.Timedout: Task timed out after 0.50 seconds",
        ),
    ],
)
def test_an_error_that_reaches_lambda_is_told(
    start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture, event: Any, error: str
) -> None:
    host = start(spec(tmp_path, "f", timeout_seconds=0.5))
    call(host, "f", {})
    assert told(caplog) == []
    call(host, "f", event | SAMPLE)
    assert told(caplog) == [f"f: {error} (sample Hm2)"]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import nothing_there", "Runtime.ImportModuleError: Unable to import module 'handler': "),
        ("import os; os._exit(1)", "Runtime.ExitError: Runtime exited with error: exit status 1"),
    ],
)
def test_a_function_that_can_not_load_is_told_before_it_is_called(
    start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture, code: str, error: str
) -> None:
    host = start(spec(tmp_path, "f", code))
    until(lambda: told(caplog))
    assert told(caplog)[0].startswith(f"f: {error}")
    call(host, "f", SAMPLE)
    assert told(caplog)[1].endswith("(sample Hm2)")


def test_an_error_that_a_function_logs_is_told_and_a_runtime_that_ends_tells_nothing(
    start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    code = """
        import json

        def handler(event, context):
            print(json.dumps({"level": "ERROR", "message": "one failed"}))
            print(json.dumps({"level": "INFO", "message": "one passed"}))
    """
    host = start(spec(tmp_path, "f", code))
    call(host, "f", SAMPLE)
    assert told(caplog) == ["f: one failed (sample Hm2)"]
    host.stop()
    assert told(caplog) == ["f: one failed (sample Hm2)"]


@pytest.fixture
def endpoint() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def client(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    yield boto3.client("lambda", endpoint_url=endpoint, region_name=REGION)
    lambda_backends[ACCOUNT][REGION].reset()


@pytest.fixture
def stock_invoke() -> Iterator[None]:
    uninstall()
    yield
    uninstall()


def deploy(name: str) -> None:
    roles = iam_backends[ACCOUNT]["aws"]
    if not any(role.name == "any" for role in roles.roles.values()):
        roles.create_role("any", "{}", "/", None, "", {}, None)
    lambda_backends[ACCOUNT][REGION].create_function(
        {
            "FunctionName": name,
            "Runtime": "python3.13",
            "Role": f"arn:aws:iam::{ACCOUNT}:role/any",
            "Handler": "handler.handler",
            "Code": {"ZipFile": ""},
            "Publish": False,
        }
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:80"},
    ],
)
def test_a_web_page_gets_no_function_s_event(
    start: Start, tmp_path: Path, headers: dict[str, str]
) -> None:
    host = start(spec(tmp_path, "echo"))
    before = call(host, "echo")
    address = before["environment"]["AWS_LAMBDA_RUNTIME_API"]
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.request("GET", "/2018-06-01/runtime/invocation/next", headers=headers)
    assert connection.getresponse().status == 403
    connection.close()
    assert call(host, "echo")["pid"] == before["pid"]


@pytest.mark.usefixtures("stock_invoke")
def test_the_api_invokes_the_host(
    start: Start, client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stock moto wants Docker. Fails once it runs handlers without: `install` may then go."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere")
    deploy("echo")
    stock = client.invoke(FunctionName="echo", Payload=b"{}")
    assert "FunctionError" in stock, "moto runs functions itself: install() may go"

    install(start(spec(tmp_path, "echo", reserved_concurrency=1, timeout_seconds=60)))
    answer = client.invoke(FunctionName="echo", Payload=b"{}", LogType="Tail")
    assert json.loads(answer["Payload"].read())["arn"] == arn("echo")
    assert "FunctionError" not in answer
    assert answer["LogResult"]
    failed = client.invoke(FunctionName="echo", Payload=b'{"raise": "x"}')
    assert failed["FunctionError"] == "Unhandled"
    assert json.loads(failed["Payload"].read())["errorType"] == "Transient"


@pytest.mark.usefixtures("stock_invoke")
def test_the_api_answers_in_lambdas_ways(
    start: Start, client: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("echo", "elsewhere"):
        deploy(name)
    install(start(spec(tmp_path, "echo", reserved_concurrency=1, timeout_seconds=60)))
    started, go = tmp_path / "started", tmp_path / "go"
    event = json.dumps({"started": str(started), "wait_for": str(go)})
    queued = client.invoke(FunctionName="echo", Payload=event, InvocationType="Event")
    assert queued["StatusCode"] == 202
    written(started)
    with pytest.raises(ClientError, match="TooManyRequestsException") as throttled:
        client.invoke(FunctionName="echo", Payload=json.dumps(SAMPLE))
    assert "echo: TooManyRequestsException: Rate Exceeded. (sample Hm2)" in told(caplog)
    assert throttled.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    go.touch()
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.invoke(FunctionName="elsewhere", Payload=b"{}")


def test_an_unknown_function_is_refused(start: Start) -> None:
    with pytest.raises(UnknownFunction):
        start().invoke("nobody", b"{}")


def test_many_threads_may_call_at_once(start: Start, tmp_path: Path) -> None:
    host = start(*(spec(tmp_path, name) for name in "abc"), max_workers=3)
    before = set(threading.enumerate())
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: call(host, "abc"[n % 3])["arn"], range(150)))
    assert answers == [arn("abc"[n % 3]) for n in range(150)]
    assert set(threading.enumerate()) <= before, "no thread is left"
