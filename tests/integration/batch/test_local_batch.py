"""Batch jobs as processes: what they are given, what they leave, how they end."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from moto.core.base_backend import BackendDict

from tests.integration.batch.lab import PATH, Lab, eventually, open_lab
from tests.processes import lives

STATES = ["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"]
PRINT_ENVIRONMENT = "import os; [print(k, v, sep='=') for k, v in sorted(os.environ.items())]"

SLEEP_AT_FIRST = """
import os, time
if os.environ["AWS_BATCH_JOB_ATTEMPT"] == "1":
    print(os.getpid())
    time.sleep(600)
"""


def pid_of(lab: Lab, job_id: str) -> int:
    """The process id that a job printed as its first line."""
    stream = lab.wait(job_id, "RUNNING")["container"]["logStreamName"]
    eventually(lambda: bool(lab.log(stream)))
    return int(lab.log(stream)[0])


def test_a_job_goes_through_every_state_in_order(lab: Lab) -> None:
    job_id = lab.submit("true")
    lab.wait(job_id)
    assert lab.states(job_id) == [*STATES, "SUCCEEDED"]


def test_the_event_and_the_description_tell_the_same(lab: Lab) -> None:
    job_id = lab.submit(
        "echo",
        "Ref::what",
        parameters={"what": "hello"},
        tags={"Project": "p"},
        containerOverrides={
            "environment": [{"name": "A", "value": "1"}],
            "resourceRequirements": [{"type": "MEMORY", "value": "2048"}],
        },
    )
    event = lab.wait(job_id)
    assert event["tags"] == {"Project": "p", "resourceArn": event["jobArn"]}
    assert event["jobQueue"].endswith(":job-queue/q")
    assert event["jobDefinition"].endswith(":job-definition/tool:1")
    assert event["parameters"] == {"what": "hello"}
    container = event["container"]
    assert (container["exitCode"], container["command"]) == (0, ["echo", "Ref::what"])
    assert container["environment"] == [{"name": "A", "value": "1"}]
    assert {"type": "MEMORY", "value": "2048"} in container["resourceRequirements"]
    assert container["logStreamName"].startswith("tool/default/")
    (attempt,) = event["attempts"]
    assert attempt["container"]["exitCode"] == 0
    assert attempt["startedAt"] <= attempt["stoppedAt"] <= event["stoppedAt"]
    assert event["createdAt"] <= event["startedAt"] <= event["stoppedAt"]
    described = lab.describe(job_id)
    assert described == lab.describe(job_id), "asking must not change the answer"
    assert {key: described[key] for key in event if key != "tags"} == {
        key: value for key, value in event.items() if key != "tags"
    }


def test_a_job_sees_only_its_own_environment(lab: Lab, tmp_path: Path) -> None:
    lab.define("env", [], containerProperties={"environment": [{"name": "A", "value": "old"}]})
    job_id = lab.python(
        PRINT_ENVIRONMENT,
        jobDefinition="env",
        containerOverrides={"environment": [{"name": "A", "value": "new"}]},
    )
    lines = lab.log(lab.wait(job_id)["container"]["logStreamName"])
    assert [line for line in lines if not line.startswith("LC_CTYPE=")] == [
        "A=new",
        "AWS_ACCESS_KEY_ID=job.env",
        "AWS_BATCH_CE_NAME=cpu-main",
        "AWS_BATCH_JOB_ATTEMPT=1",
        f"AWS_BATCH_JOB_ID={job_id}",
        "AWS_BATCH_JQ_NAME=q",
        f"HOME={tmp_path}",
        f"PATH={PATH}",
    ]


@pytest.mark.parametrize("text", ["; $(touch x)", "`id`", "a 'b' \"c\"\n*", "Ref::other", ""])
def test_a_parameter_stays_one_argument_whatever_it_holds(lab: Lab, text: str) -> None:
    program = "import sys, os; print(ascii(sys.argv[1:]), os.listdir())"
    command = [sys.executable, "-I", "-S", "-c", program, "Ref::sample", "--x=Ref::sample/Ref::no"]
    lab.define("args", command, parameters={"sample": "default", "other": "other"})
    job_id = lab.submit(jobDefinition="args", parameters={"sample": text})
    lines = lab.log(lab.wait(job_id)["container"]["logStreamName"])
    assert lines == [f"{[text, f'--x={text}/Ref::no']!a} []"]


def test_a_definition_gives_default_parameters(lab: Lab) -> None:
    lab.define("hello", ["echo", "Ref::what"], parameters={"what": "default"})
    job_id = lab.submit(jobDefinition="hello")
    assert lab.log(lab.wait(job_id)["container"]["logStreamName"]) == ["default"]


def test_lines_can_be_read_while_the_job_runs(lab: Lab) -> None:
    job_id = lab.python(SLEEP_AT_FIRST)
    assert lives(pid_of(lab, job_id))
    lab.batch.terminate_job(jobId=job_id, reason="enough")


def test_output_and_errors_arrive_in_order_without_empty_lines(lab: Lab) -> None:
    program = "import os; os.write(1, b'one\\n\\n'); os.write(2, b'two\\n'); os.write(1, b'\\xff')"
    job_id = lab.python(program)
    assert lab.log(lab.wait(job_id)["container"]["logStreamName"]) == ["one", "two", "\ufffd"]


def test_a_log_configuration_names_group_and_stream(lab: Lab) -> None:
    options = {"awslogs-group": "/seqdrop/jobs", "awslogs-stream-prefix": "runner"}
    lab.define(
        "own-log",
        ["echo", "hi"],
        containerProperties={"logConfiguration": {"logDriver": "awslogs", "options": options}},
    )
    stream = lab.wait(lab.submit(jobDefinition="own-log"))["container"]["logStreamName"]
    assert stream.startswith("runner/default/")
    assert lab.log(stream, "/seqdrop/jobs") == ["hi"]


def test_a_missing_executable_fails_the_attempt(lab: Lab) -> None:
    event = lab.wait(lab.submit("no-such-tool"))
    assert (event["status"], event["statusReason"]) == ("FAILED", "Task failed to start")
    assert event["container"]["reason"].startswith("CannotStartContainerError: ")
    assert "exitCode" not in event["container"]


def test_a_process_killed_from_outside_ends_as_137_and_is_tried_again(lab: Lab) -> None:
    job_id = lab.python(SLEEP_AT_FIRST, retryStrategy={"attempts": 2})
    os.kill(pid_of(lab, job_id), signal.SIGKILL)
    event = lab.wait(job_id)
    assert event["status"] == "SUCCEEDED"
    assert [each["container"]["exitCode"] for each in event["attempts"]] == [137, 0]


def test_a_reset_of_the_server_ends_its_jobs(lab: Lab) -> None:
    job_id = lab.python(SLEEP_AT_FIRST)
    pid = pid_of(lab, job_id)
    BackendDict.reset()
    eventually(lambda: not lives(pid))
    assert lab.jobs([job_id]) == []


def test_a_jobs_children_end_with_it(lab: Lab) -> None:
    program = "import subprocess; print(subprocess.Popen(['sleep', '600']).pid)"
    event = lab.wait(lab.python(program))
    (child,) = lab.log(event["container"]["logStreamName"])
    assert event["status"] == "SUCCEEDED"
    eventually(lambda: not lives(int(child)))


def test_nothing_is_left_after_a_shutdown(server: str, tmp_path: Path) -> None:
    stubborn = """
        import os, signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print(os.getpid())
        open("work", "w").close()
        time.sleep(600)
    """
    with open_lab(server, tmp_path, {"cpu": 2}, grace_seconds=0.2) as lab:
        jobs = [lab.python(textwrap.dedent(stubborn)) for _ in range(3)]
        pids = [pid_of(lab, job_id) for job_id in jobs[:2]]
    assert not any(lives(pid) for pid in pids)
    assert list(tmp_path.iterdir()) == []


RUNTIME = """
import sys, time
from pathlib import Path
from tests.integration.batch.lab import open_lab, open_server
with open_server() as endpoint, open_lab(endpoint, Path(sys.argv[1]), {"cpu": 1}) as lab:
    job = lab.submit("sleep", "600")
    lab.wait(job, "RUNNING")
    print("ready", flush=True)
    time.sleep(600)
"""


def test_nothing_outlives_a_runtime_that_was_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUNTIME, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as runtime:
        assert runtime.stdout is not None
        assert runtime.stdout.readline() == "ready\n"
        workers = [
            int(link.parent.name)
            for link in Path("/proc").glob("[0-9]*/cwd")
            if _below(link, tmp_path)
        ]
        runtime.kill()
    assert len(workers) == 1
    eventually(lambda: not any(map(lives, workers)) and not any(tmp_path.iterdir()))


def _below(link: Path, folder: Path) -> bool:
    try:
        return link.readlink().is_relative_to(folder)
    except OSError:
        return False  # another user's process, or one that has just ended
