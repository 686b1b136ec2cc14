"""The embedded Batch with a Docker engine: what containers are given, and how they end."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docker_support import Docker
from tests.integration.batch.lab import Lab, eventually, open_lab, open_server

IMAGE = "lab/tool@sha256:1"
OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """moto's endpoint."""
    with open_server() as endpoint:
        yield endpoint


@pytest.fixture
def lab(server: str, docker: Docker, base: str, tmp_path: Path) -> Iterator[Lab]:
    """A Batch whose image is a plain Debian; afterwards no container is left."""
    image = docker.good("image", "inspect", "--format", "{{.Id}}", base).strip()
    with open_lab(server, tmp_path, {"cpu": 2}, 1, images={IMAGE: image}) as opened:
        yield opened
    assert names(docker) == []


def names(docker: Docker) -> list[str]:
    """The containers of jobs that the engine has, running or not."""
    said = docker.good("ps", "--all", "--filter", "label=seqdrop", "--format", "{{.Names}}")
    return said.split()


def run(lab: Lab, *command: str, **properties: Any) -> dict[str, Any]:
    """A job's last event."""
    lab.define("job", list(command), containerProperties={"image": IMAGE, **properties})
    return lab.wait(lab.submit(jobDefinition="job"))


def output(lab: Lab, event: dict[str, Any]) -> list[str]:
    """What the job wrote."""
    return lab.log(event["container"]["logStreamName"])


def test_a_job_runs_in_its_image_and_both_its_outputs_are_its_log(lab: Lab) -> None:
    event = run(lab, "sh", "-c", "echo out; cat /etc/debian_version; echo err >&2; exit 3")
    assert (event["status"], event["container"]["exitCode"]) == ("FAILED", 3)
    assert event["statusReason"] == "Essential container in task exited"
    lines = output(lab, event)
    assert {"out", "err"} < set(lines)
    assert any(line.startswith("12") for line in lines), lines


def test_a_job_gets_its_own_variables_its_user_and_nothing_of_this_machine_s(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THIS_SHELL", "x")
    given = [{"name": "GIVEN", "value": "1"}]
    event = run(lab, "sh", "-c", "id -u; env", user="65534:65534", environment=given)
    user, *variables = output(lab, event)
    names_ = {line.partition("=")[0] for line in variables}
    assert user == "65534"
    assert {"GIVEN", "AWS_BATCH_JOB_ID", "AWS_BATCH_JOB_ATTEMPT", "AWS_BATCH_JQ_NAME"} < names_
    assert not {"SECRET_OF_THIS_SHELL", "TMPDIR"} & names_


def test_memory_is_bounded_as_batch_bounds_it_and_its_words_say_so(lab: Lab) -> None:
    sizes = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "32"}]
    eat = ["sh", "-c", "head -c 200m /dev/zero | tail; exit 5"]
    event = run(lab, *eat, resourceRequirements=sizes)
    assert event["status"] == "FAILED"
    assert event["container"]["reason"] == OUT_OF_MEMORY
    assert event["attempts"][-1]["container"]["reason"] == OUT_OF_MEMORY


def test_limits_memory_of_its_own_and_scratch_are_the_definition_s(lab: Lab) -> None:
    script = """
        awk '/^Max (processes|open files)/ {print $(NF - 2)}' /proc/self/limits
        grep -c ' /run/seqdrop tmpfs' /proc/mounts
        touch /scratch/mine && stat -c %a /scratch
        cat /sys/fs/cgroup/cpu.weight 2>/dev/null || cat /sys/fs/cgroup/cpu/cpu.shares
    """
    event = run(
        lab, "sh", "-c", textwrap.dedent(script), user="65534:65534",
        ulimits=[{"name": "nofile", "softLimit": 7_000, "hardLimit": 7_000},
                 {"name": "nproc", "softLimit": 900, "hardLimit": 900}],
        volumes=[{"name": "scratch", "host": {"sourcePath": "/scratch"}}],
        mountPoints=[{"sourceVolume": "scratch", "containerPath": "/scratch"}],
        linuxParameters={
            "initProcessEnabled": True,
            "tmpfs": [{"containerPath": "/run/seqdrop", "size": 1, "mountOptions": ["nosuid"]}],
        },
    )  # fmt: skip
    lines = output(lab, event)
    assert event["status"] == "SUCCEEDED", lines
    assert lines[:4] == ["900", "7000", "1", "1777"], lines
    assert lines[4] in {"1024", "39"}, (
        "what Docker makes of a vCPU's shares, by the kernel's version"
    )


def test_a_program_that_is_not_in_the_image_is_told_as_the_agent_tells_it(lab: Lab) -> None:
    event = run(lab, "no-such-program")
    assert event["status"] == "FAILED"
    assert event["statusReason"] == "Task failed to start"
    assert event["container"]["reason"].startswith("CannotStartContainerError: Error response")
    assert "no-such-program" in event["container"]["reason"]


def test_a_stopped_job_is_asked_first_and_then_killed(lab: Lab) -> None:
    stubborn = "trap 'echo asked' TERM; echo ready; while :; do sleep 0.1; done"
    lab.define("job", ["sh", "-c", stubborn], containerProperties={"image": IMAGE})
    job = lab.submit(jobDefinition="job")
    stream = lab.wait(job, "RUNNING")["container"]["logStreamName"]
    eventually(lambda: lab.log(stream) == ["ready"])
    lab.batch.terminate_job(jobId=job, reason="enough")
    event = lab.wait(job)
    assert (event["status"], event["statusReason"]) == ("FAILED", "enough")
    assert (event["container"]["exitCode"], lab.log(stream)) == (137, ["ready", "asked"])


def test_a_definition_with_another_image_stays_a_process(lab: Lab) -> None:
    lab.define("job", [sys.executable, "-c", "print('here')"])
    event = lab.wait(lab.submit(jobDefinition="job"))
    assert output(lab, event) == ["here"]


DIES = """
import sys, time
from pathlib import Path
from tests.integration.batch.lab import open_lab, open_server
folder, image = Path(sys.argv[1]), sys.argv[2]
with open_server() as server, open_lab(server, folder, {"cpu": 1}, images={"i": image}) as lab:
    lab.define("job", ["sleep", "600"], containerProperties={"image": "i"})
    lab.wait(lab.submit(jobDefinition="job"), "RUNNING")
    print("running", flush=True)
    time.sleep(600)
"""


def test_a_runtime_that_is_killed_leaves_no_container(
    docker: Docker, base: str, tmp_path: Path
) -> None:
    runtime = subprocess.Popen(
        [sys.executable, "-c", DIES, str(tmp_path), base], stdout=subprocess.PIPE, text=True
    )
    assert runtime.stdout
    assert runtime.stdout.readline() == "running\n"
    assert len(names(docker)) == 1
    os.kill(runtime.pid, signal.SIGKILL)
    runtime.wait()
    eventually(lambda: names(docker) == [])
