"""The runner and its host: what it says of it, and what it does when EC2 takes it back."""

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from seqdrop.domain.failure import EXIT_CODES, FailureClass
from seqdrop.domain.host_facts import HostFacts
from seqdrop.domain.pipeline import Output
from seqdrop.domain.plan import RunPlan
from tests.host_support import FACTS, TIME, machine
from tests.runner_support import RunnerLab, a_stage, outcomes, pipe

KNOWN = HostFacts(**FACTS)


@pytest.fixture
def host(lab: RunnerLab, tmp_path: Path) -> Path:
    """A folder in which the host says what it is."""
    folder = tmp_path / "host"
    folder.mkdir()
    (folder / "host.json").write_text(json.dumps(FACTS))
    lab.environment |= {
        "SEQDROP_HOST": str(folder), "AWS_BATCH_JOB_ID": "job-1", "AWS_BATCH_JOB_ATTEMPT": "2",
    }  # fmt: skip
    return folder


def one_tool(lab: RunnerLab, script: str) -> RunPlan:
    lab.tool("tool", f'#!/bin/sh\n[ "$1" = --version ] && exit\n{script}\n')
    steps = (pipe(["tool"], stdout="{out}/y"),)
    stage = a_stage(steps=steps, outputs=(Output("y"),), measures={}, reads="")
    return lab.plan(stage)


def test_results_say_where_they_were_made_and_by_which_attempt(lab: RunnerLab, host: Path) -> None:
    ended = lab.run(one_tool(lab, "echo well"))
    result = lab.result()
    assert result is not None, ended.stderr
    assert result.host == KNOWN
    assert result.is_of("job-1", 2)
    assert not result.is_of("job-1", 3)
    (published,) = [line for line in outcomes(ended.stdout) if line["outcome"] == "published"]
    said = {name: published[name] for name in ("instance_id", "instance_type", "market")}
    assert said == {name: FACTS[name] for name in said}


def test_so_does_a_failure(lab: RunnerLab, host: Path) -> None:
    plan = one_tool(lab, "exit 7")
    lab.run(plan)
    assert lab.failure(plan).host == KNOWN


@pytest.mark.parametrize("text", [None, "", '{"instance_id": "i-0', '{"market": 7}', "\xff"])
def test_a_host_that_says_nothing_useful_is_left_out(
    lab: RunnerLab, host: Path, text: str | None
) -> None:
    (host / "host.json").unlink()
    if text is not None:
        (host / "host.json").write_text(text, "latin-1")
    assert lab.run(one_tool(lab, "echo well")).returncode == 0
    result = lab.result()
    assert result is not None
    assert result.host is None


def waiting(lab: RunnerLab, folder: Path) -> "subprocess.Popen[str]":
    """A runner whose tool runs and does not end by itself."""
    ready = folder / "ready"
    process = lab.start(one_tool(lab, f"echo begun; touch {ready}; exec sleep 600"))
    deadline = time.monotonic() + 60
    while not ready.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process


def test_on_a_host_that_ec2_takes_back_a_job_says_so_and_leaves_nothing(
    lab: RunnerLab, tmp_path: Path
) -> None:
    """The host's own program ends the job."""
    with machine(tmp_path / "machine") as own:
        lab.environment["SEQDROP_HOST"] = str(own.folder / "host")
        with own.program():
            own.until(own.host_file.exists)
            process = waiting(lab, tmp_path)
            own.start_container("job", pid=process.pid)
            own.take_back()
            out, _ = process.communicate(timeout=60)
            own.end_container("job")
    assert process.returncode == EXIT_CODES[FailureClass.SPOT_RECLAIMED]
    (reclaimed,) = [line for line in outcomes(out) if line["outcome"] == "host_reclaimed"]
    assert (reclaimed["at"], reclaimed["stage"]) == (TIME, "align")
    assert (lab.left_behind(), lab.result()) == ([], None)


def test_a_job_that_is_stopped_on_a_host_that_stays_says_no_such_thing(
    lab: RunnerLab, host: Path, tmp_path: Path
) -> None:
    process = waiting(lab, tmp_path)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143


BAD_BOARD = 'echo "Dragen board is in a bad state - running dragen_reset" >&2; exit 1'


def board(lab: RunnerLab, script: str) -> RunPlan:
    lab.tool("dragen", f'#!/bin/sh\n[ "$1" = --version ] && exit\n{script}\n')
    steps = (pipe(["dragen"], stdout="{out}/y"),)
    return lab.plan(a_stage(steps=steps, outputs=(Output("y"),), measures={}, reads=""))


@pytest.mark.parametrize("reset", ["exit 1", "exit 0"])
def test_a_bad_board_that_no_reset_mends_is_the_last_job_s_of_its_host(
    lab: RunnerLab, host: Path, tmp_path: Path, reset: str
) -> None:
    requests = tmp_path / "requests"
    requests.mkdir()
    lab.environment["SEQDROP_REQUESTS"] = str(requests)
    lab.tool("dragen_reset", f"#!/bin/sh\n{reset}\n")
    ended = lab.run(board(lab, BAD_BOARD))
    assert ended.returncode == EXIT_CODES[FailureClass.BAD_BOARD], ended.stderr
    assert "board is in a bad state" in (requests / "drain").read_text()


def test_a_board_that_a_reset_mends_keeps_its_host(
    lab: RunnerLab, host: Path, tmp_path: Path
) -> None:
    requests = tmp_path / "requests"
    requests.mkdir()
    lab.environment["SEQDROP_REQUESTS"] = str(requests)
    lab.tool("dragen_reset", f"#!/bin/sh\ntouch {tmp_path}/mended\n")
    plan = board(lab, f"[ -e {tmp_path}/mended ] && echo well && exit\n{BAD_BOARD}")
    assert lab.run(plan).returncode == 0
    assert not list(requests.iterdir())


@pytest.mark.parametrize("requests", ["", "missing"])
def test_where_nobody_can_be_asked_a_bad_board_is_told_all_the_same(
    lab: RunnerLab, tmp_path: Path, requests: str
) -> None:
    lab.environment["SEQDROP_REQUESTS"] = requests and str(tmp_path / requests)
    lab.tool("dragen_reset", "#!/bin/sh\nexit 1\n")
    plan = board(lab, BAD_BOARD)
    assert lab.run(plan).returncode == EXIT_CODES[FailureClass.BAD_BOARD]
    assert lab.failure(plan).failure_class is FailureClass.BAD_BOARD
