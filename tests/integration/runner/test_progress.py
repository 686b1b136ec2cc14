"""How far a stage is, as its runner says it while it runs."""

import json
import subprocess
import sys
import time

import msgspec
import pytest

from seqdrop.aws.objects import Objects
from seqdrop.domain.plan import RunPlan, encode
from seqdrop.domain.progress import StageProgress, read_progress
from seqdrop.stage_progress import with_progress
from tests.progress_support import progress_of, running_sample
from tests.runner_support import BUCKET, RunnerLab, a_stage, outcomes

KEY = "S1/wgs/runs/abc/1/align.progress.json"
QUICK = """\
import sys
from runner import heartbeat
from runner.main import main
heartbeat.BEAT_SECONDS = heartbeat.PUBLISH_SECONDS = 0.05
sys.exit(main())
"""
SLOW = """\
#!/bin/sh
[ "$1" = --version ] && echo "align 1.0" && exit
while [ ! -e {go_on} ]; do sleep 0.02; done
cat "$1" "$2"
"""


def quick_runner(lab: RunnerLab, plan: RunPlan) -> "subprocess.Popen[str]":
    """The runner, its heart beating much faster."""
    return subprocess.Popen(
        [sys.executable, "-c", QUICK, f"s3://{BUCKET}/{plan.folder}plan.json", "align"],
        env=lab.environment | {"AWS_BATCH_JOB_ID": "job-1", "AWS_BATCH_JOB_ATTEMPT": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until_there(lab: RunnerLab) -> StageProgress:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if body := lab.read(KEY):
            progress = read_progress(body)
            assert progress, body
            return progress
        time.sleep(0.05)
    raise AssertionError("no progress was written")


@pytest.mark.parametrize("how", ["stream", "files"])
def test_a_stage_that_runs_says_how_much_of_its_reads_is_read(lab: RunnerLab, how: str) -> None:
    go_on = lab.scratch.parent / "go-on"
    lab.tool("align", SLOW.format(go_on=go_on))
    pair = lab.pair()
    process = quick_runner(lab, lab.plan(a_stage(reads=how), pairs=(pair,)))
    first = until_there(lab)
    assert first.bytes_all == sum(file.size for file in pair.files)
    assert (first.stage, first.job_id, first.job_attempt) == ("align", "job-1", 1)
    go_on.touch()
    out, err = process.communicate(timeout=60)
    # Gzipped files can't be aligned by the small aligner; their checks have been through by then.
    assert process.returncode == (0 if how == "stream" else 20), err
    last = [line for line in outcomes(out) if line["outcome"] == "progress"][-1]
    assert last["bytes_all"] == first.bytes_all
    if how == "files":
        assert (last["bytes_read"], last["reads"]) == (first.bytes_all, 100)


def test_show_finds_what_the_runner_has_written(lab: RunnerLab) -> None:
    objects, view = Objects(lab.client), running_sample("S1", "abc", job_id="job-1")
    assert progress_of(with_progress(view, objects, BUCKET)) is None, "nothing is there yet"
    go_on = lab.scratch.parent / "go-on"
    lab.tool("align", SLOW.format(go_on=go_on))
    process = quick_runner(lab, lab.plan(a_stage(), pairs=(lab.pair(),)))
    until_there(lab)
    shown = progress_of(with_progress(view, objects, BUCKET))
    go_on.touch()
    process.communicate(timeout=60)
    assert shown
    assert shown.at > "2026"
    assert 0 <= shown.fraction <= 1
    lab.client.put_object(Bucket=BUCKET, Key=KEY, Body=b"")
    assert progress_of(with_progress(view, objects, BUCKET)) is None, "an empty object"


def test_progress_names_no_sample(lab: RunnerLab) -> None:
    go_on = lab.scratch.parent / "go-on"
    lab.tool("align", SLOW.format(go_on=go_on))
    process = quick_runner(lab, lab.plan(a_stage(), pairs=(lab.pair(),)))
    until_there(lab)
    document = json.loads(lab.read(KEY) or b"{}")
    go_on.touch()
    process.communicate(timeout=60)
    assert document.keys() <= set(StageProgress.__struct_fields__)
    assert "S1" not in json.dumps(document)
    assert lab.read(KEY), "it stays"


def test_a_short_stage_writes_no_progress(lab: RunnerLab) -> None:
    ended = lab.run(lab.plan(a_stage(), pairs=(lab.pair(),)))
    assert ended.returncode == 0
    assert lab.read(KEY) is None


def test_a_job_that_makes_an_index_writes_no_progress(lab: RunnerLab) -> None:
    """Its role may write nothing but its results and why it failed beside a reference."""
    go_on = lab.scratch.parent / "go-on"
    lab.tool("align", SLOW.format(go_on=go_on))
    plan = lab.plan(a_stage(), pairs=(lab.pair(),))
    stages = [msgspec.structs.replace(one, prefix="G/1/indexes/align/") for one in plan.stages]
    elsewhere = RunPlan(
        "G", "reference", "1", 1, "G/1/", "references", tuple(stages), "", plan.pairs
    )
    lab.client.put_object(Bucket=BUCKET, Key="G/1/plan.json", Body=encode(elsewhere))
    process = quick_runner(lab, elsewhere)
    time.sleep(1.5)
    go_on.touch()
    out, _ = process.communicate(timeout=60)
    assert [line for line in outcomes(out) if line["outcome"] == "progress"]
    assert lab.read("G/1/align.progress.json") is None
