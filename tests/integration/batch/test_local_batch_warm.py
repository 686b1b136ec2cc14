"""Jobs that start from a warm runner: the same for the job as if its command had been started."""

import os
import re
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from local.batch.warm import RUNNER, can_start_warm
from seqdrop.domain.failure import EXIT_CODES, FailureClass
from seqdrop.domain.identity import RunId
from seqdrop.domain.pipeline import Step
from seqdrop.domain.plan import RunPlan, encode
from tests.integration.batch.lab import REGION, Lab, eventually, open_lab
from tests.processes import lives
from tests.runner_support import BUCKET, a_stage, pipe

FOLDER = RunId("S1", "wgs", "abc", 1).folder
EXECUTED = {"PYTHONNOUSERSITE": "1"}
"""Decides how Python starts, so that a job with it is started as a command."""
PLACE: Any = {"LocationConstraint": REGION}
KEYBOARD = re.compile(r"(?<=SigIgn:\t0{15})[0246]$")
"""SIGINT and SIGQUIT: a shell has its background jobs ignore them, and a test may be in one."""
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
STATUS = "^(Sig(Blk|Ign|Cgt)|ShdPnd|Cap|NoNewPrivs|Seccomp:|Umask|Uid|Gid|Groups)"
SLEEP = pipe(["sleep", "600"])


@pytest.fixture(scope="module")
def lab(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One Batch for all tests, as the process that jobs are forked from is there for all."""
    with open_lab(server, tmp_path_factory.mktemp("batch"), {"cpu": 2}) as opened:
        yield opened


def variables(lab: Lab, more: dict[str, str]) -> list[dict[str, str]]:
    """What a runner needs to reach the lab's store."""
    given = {
        "AWS_ENDPOINT_URL": lab.endpoint,
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": REGION,
        **more,
    }
    return [{"name": name, "value": value} for name, value in given.items()]


def put_plan(lab: Lab, *steps: Step) -> str:
    """A plan of one stage without outputs, in the lab's store; its URI."""
    stage = a_stage(steps=steps, outputs=(), reads="", measures={})
    key = str(uuid.uuid4())
    stage = msgspec.structs.replace(stage, key=key, prefix=f"S1/wgs/{stage.stage}/{key}/1/")
    plan = RunPlan(
        sample="S1", assay="wgs", run_key="abc", attempt=1, folder=FOLDER, pipeline="p",
        stages=(stage,), pairs=(),
    )  # fmt: skip
    s3 = lab.client("s3")
    if not s3.list_buckets()["Buckets"]:
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=PLACE)
    s3.put_object(Bucket=BUCKET, Key=f"{FOLDER}plan.json", Body=encode(plan))
    return f"s3://{BUCKET}/{FOLDER}plan.json"


def run(lab: Lab, uri: str, **environment: str) -> str:
    """A job of the runner; its id."""
    overrides = {"environment": variables(lab, environment)}
    return lab.submit("seqdrop-runner", uri, "align", containerOverrides=overrides)


def process_of(job_id: str) -> int:
    """The process that works in a job's own folder."""
    found: list[int] = []

    def look() -> bool:
        for link in Path("/proc").glob("[0-9]*/cwd"):
            try:
                here = job_id in str(link.readlink())
            except OSError:  # another user's, or it has just ended
                continue
            if here:
                found.append(int(link.parent.name))
        return bool(found)

    eventually(look)
    return found[0]


def is_forked(pid: int) -> bool:
    """Whether a process was forked from the server of warm runners."""
    return b"warm_program.py" in Path(f"/proc/{pid}/cmdline").read_bytes()


def parent_of(pid: int) -> int:
    """What a process was forked from."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def end(lab: Lab, job_id: str) -> dict[str, Any]:
    """A job's last event, once it has been told to end."""
    lab.batch.terminate_job(jobId=job_id, reason="enough")
    return lab.wait(job_id)


def sleeping(lab: Lab, **environment: str) -> tuple[str, int]:
    """A job that is in the middle of its work, and its process."""
    job_id = run(lab, put_plan(lab, SLEEP), **environment)
    pid = process_of(job_id)
    eventually(lambda: bool(sleepers(pid)))
    return job_id, pid


def sleepers(pid: int) -> list[int]:
    """What a process has started."""
    answer = subprocess.run(["pgrep", "-P", str(pid), "sleep"], capture_output=True, check=False)
    return [int(line) for line in answer.stdout.split()]


def test_a_runner_is_forked_and_one_whose_python_is_told_how_to_start_is_not(lab: Lab) -> None:
    job_id, pid = sleeping(lab)
    assert is_forked(pid)
    end(lab, job_id)
    job_id, pid = sleeping(lab, **EXECUTED)
    assert not is_forked(pid)
    end(lab, job_id)


def test_jobs_are_forked_from_a_process_with_one_thread(lab: Lab) -> None:
    """A lock that another thread held at the fork would never be let go."""
    job_id, pid = sleeping(lab)
    assert len(list(Path(f"/proc/{parent_of(pid)}/task").iterdir())) == 1
    end(lab, job_id)


def test_tools_see_what_they_see_of_a_runner_that_was_started_as_a_command(
    lab: Lab, tmp_path: Path
) -> None:
    """Variables, folders, standard input, open files, limits, signals and rights."""
    show = "env | sort; readlink /proc/self/fd/0; ls -l /proc/self/fd | wc -l; ulimit -a; umask"
    steps = pipe(["sh", "-c", show]), pipe(["grep", "-E", STATUS, "/proc/self/status"])
    said = {}
    for kind, more in (("warm", {}), ("executed", EXECUTED)):
        own = tmp_path / kind
        own.mkdir()
        given = {"TMPDIR": str(own), "LANG": "C.UTF-8", "SAMPLE": "é", **more}
        event = lab.wait(run(lab, put_plan(lab, *steps), **given))
        assert event["container"]["exitCode"] == 0
        lines = lab.log(event["container"]["logStreamName"])
        compared = (KEYBOARD.sub("-", line) for line in filter(comparable, lines))
        said[kind] = {UUID.sub("", line.replace(str(own), "OWN")) for line in compared}
    assert "sh: SAMPLE=é" in said["warm"]
    assert "sh: PWD=OWN/" in said["warm"]
    assert said["warm"] == said["executed"]


def comparable(line: str) -> bool:
    """Whether a line of the log is to be the same for two jobs."""
    if line.startswith("{"):
        return False
    own = ("AWS_BATCH_JOB_ID", "PYTHONNOUSERSITE", "LC_CTYPE")  # the last is Python's, without LANG
    return line.removeprefix("sh: ").partition("=")[0] not in own


@pytest.mark.parametrize("more", [{}, EXECUTED], ids=["warm", "executed"])
def test_the_exit_code_is_the_runners(lab: Lab, more: dict[str, str]) -> None:
    failed = put_plan(lab, pipe(["false"]))
    assert exit_code(lab, run(lab, failed, **more)) == EXIT_CODES[FailureClass.TOOL_FAILED]
    assert exit_code(lab, run(lab, "s3://no/plan", **more)) == EXIT_CODES[FailureClass.BAD_PLAN]
    assert exit_code(lab, run(lab, "no-uri", **more)) == 2


def exit_code(lab: Lab, job_id: str) -> int:
    return int(lab.wait(job_id)["container"]["exitCode"])


@pytest.mark.parametrize("more", [{}, EXECUTED], ids=["warm", "executed"])
def test_a_stop_ends_the_runner_and_its_tools(lab: Lab, more: dict[str, str]) -> None:
    job_id, pid = sleeping(lab, **more)
    tools = sleepers(pid)
    assert end(lab, job_id)["container"]["exitCode"] == 128 + signal.SIGTERM
    eventually(lambda: not any(map(lives, [pid, *tools])))


def test_a_job_that_is_killed_leaves_the_others(lab: Lab) -> None:
    (first, its_pid), second = sleeping(lab), run(lab, f"s3://{BUCKET}/{FOLDER}plan.json")
    other = process_of(second)
    os.kill(its_pid, signal.SIGKILL)
    assert exit_code(lab, first) == 137
    assert lives(other)
    end(lab, second)


def test_jobs_end_with_the_process_that_they_were_forked_from_and_the_next_has_another(
    lab: Lab,
) -> None:
    job_id, pid = sleeping(lab)
    tools = sleepers(pid)
    server = parent_of(pid)
    os.kill(server, signal.SIGKILL)
    assert exit_code(lab, job_id) == 137
    eventually(lambda: not any(map(lives, [pid, *tools])))
    job_id = run(lab, f"s3://{BUCKET}/{FOLDER}plan.json")
    pid = process_of(job_id)
    assert is_forked(pid)
    end(lab, job_id)


class _Asked(BaseHTTPRequestHandler):
    """Notes who asks, and has nothing."""

    signed: list[str]

    def do_GET(self) -> None:
        self.signed.append(self.headers["Authorization"])
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def asked() -> Iterator[tuple[str, list[str]]]:
    """A store without objects: its endpoint, and the signatures of what it was asked."""
    signed: list[str] = []
    handler = type("Asked", (_Asked,), {"signed": signed})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", signed
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_each_job_signs_as_itself_and_asks_where_its_variables_say(lab: Lab) -> None:
    """What the warm runner has looked up may hold no key, region or endpoint."""
    for name, region in (("one", "eu-west-1"), ("two", "us-west-2")):
        lab.define(name, [])
        with asked() as (endpoint, signed):
            more = {"AWS_ENDPOINT_URL": endpoint, "AWS_DEFAULT_REGION": region}
            lab.wait(
                lab.submit(
                    "seqdrop-runner", "s3://b/plan.json", "align", jobDefinition=name,
                    containerOverrides={"environment": variables(lab, more)},
                )
            )  # fmt: skip
        assert signed
        for authorization in signed:
            key, _, of_region, *_ = authorization.partition("Credential=")[2].split("/")
            assert (key, of_region) == (f"job.{name}", region)


def test_only_this_environments_runner_is_warm(tmp_path: Path) -> None:
    assert can_start_warm(str(RUNNER), {"PATH": "/bin", "AWS_REGION": "r"})
    assert not can_start_warm(str(tmp_path / RUNNER.name), {})
    for name in ("PYTHONPATH", "LD_PRELOAD", "OPENBLAS_NUM_THREADS"):
        assert not can_start_warm(str(RUNNER), {name: "1"})


RUNTIME = """
import sys
from pathlib import Path
from tests.integration.batch.lab import open_lab, open_server
from tests.integration.batch.test_local_batch_warm import sleeping
with open_server() as endpoint, open_lab(endpoint, Path(sys.argv[1]), {"cpu": 1}) as lab:
    print(sleeping(lab)[1], flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("ended", ["killed", "stopped"])
def test_neither_jobs_nor_what_they_are_forked_from_outlive_the_runtime(
    tmp_path: Path, ended: str
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUNTIME, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as runtime:
        assert runtime.stdout is not None
        pid = int(runtime.stdout.readline())
        assert is_forked(pid)
        processes = [pid, parent_of(pid), *sleepers(pid)]
        if ended == "killed":
            runtime.kill()
        else:
            runtime.communicate()
            assert not any(map(lives, processes)), "it did not wait for their end"
    assert len(processes) == 3
    eventually(lambda: not any(map(lives, processes)))
    eventually(lambda: not any(tmp_path.iterdir()))
