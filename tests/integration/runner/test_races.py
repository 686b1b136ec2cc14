"""Two jobs at once, and jobs that are stopped in the middle."""

import ctypes
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from seqdrop.domain.pipeline import Output
from seqdrop.domain.plan import StageResult, encode
from tests.runner_support import (
    BUCKET,
    RunnerLab,
    a_stage,
    outcomes,
    pipe,
    prefix_of,
)


def test_good_results_are_never_written_over(lab: RunnerLab) -> None:
    plan = lab.plan(a_stage(), pairs=(lab.pair(),))
    theirs = encode(StageResult(stage="align", key="k", files=(), tools={}))
    lab.client.put_object(Bucket=BUCKET, Key=f"{prefix_of('align')}align.json", Body=theirs)
    ended = lab.run(plan)
    assert ended.returncode == 0
    assert outcomes(ended.stdout)[-1]["outcome"] == "already_published"
    assert lab.read(f"{prefix_of('align')}align.json") == theirs


def test_results_that_another_job_published_meanwhile_stay(lab: RunnerLab) -> None:
    theirs = encode(StageResult(stage="align", key="k", files=(), tools={}))
    waiting = lab.scratch.parent / "waiting"
    lab.tool(
        "wait-here",
        '#!/bin/sh\n[ "$1" = --version ] && exit\n'
        f"echo x\ntouch {waiting}\nwhile [ -e {waiting} ]; do sleep 0.02; done\n",
    )
    stage = a_stage(
        steps=(pipe(["wait-here"], stdout="{out}/y"),),
        outputs=(Output("y"),),
        reads="",
        measures={},
    )
    process = lab.start(lab.plan(stage))
    _until(waiting)
    lab.client.put_object(Bucket=BUCKET, Key=f"{prefix_of('align')}align.json", Body=theirs)
    waiting.unlink()
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert outcomes(out)[-1]["outcome"] == "published_by_another_job"
    assert lab.read(f"{prefix_of('align')}align.json") == theirs
    assert lab.read(f"{prefix_of('align')}y") is None


def _to_process(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)


def _to_another_thread(pid: int) -> None:
    """As the kernel may: the main thread waits on, and no call of its own is interrupted."""
    time.sleep(0.1)  # it waits for the tool by now
    threads = (int(path.name) for path in Path(f"/proc/{pid}/task").iterdir())
    another = next(thread for thread in threads if thread != pid)
    assert ctypes.CDLL(None, use_errno=True).tgkill(pid, another, signal.SIGTERM) == 0


@pytest.mark.parametrize(
    ("trap", "send"),
    [("", _to_process), ("trap '' TERM\n", _to_process), ("", _to_another_thread)],
)
def test_a_stop_request_leaves_no_process_and_no_file(
    lab: RunnerLab, trap: str, send: Callable[[int], None]
) -> None:
    pids = lab.scratch.parent / "pids"
    script = f'[ "$1" = --version ] && exit\n{trap}sleep 600 &\necho $$ $! >{pids}.new\n'
    lab.tool("align", f"#!/bin/sh\n{script}mv {pids}.new {pids}\nwait\nwait\n")
    process = lab.start(lab.plan(a_stage(), pairs=(lab.pair(),)))
    _until(pids)
    send(process.pid)
    process.communicate(timeout=60)
    assert process.returncode == 143
    assert not lab.left_behind()
    for pid in pids.read_text().split():
        assert not _runs(int(pid)), "a tool was left behind"


def _until(path: Path) -> None:
    for _ in range(3000):
        if path.exists():
            return
        time.sleep(0.01)
    raise AssertionError(f"{path} never came")


def _runs(pid: int) -> bool:
    """Whether it is there and not merely waiting for its parent to take notice."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"
