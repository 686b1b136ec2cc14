"""The check of the reads in a process for each mate: what it finds, and what ends it."""

import gzip
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen, run

import pytest

from seqdrop.domain.failure import FailureClass
from seqdrop.domain.lanes import worst_lanes
from seqdrop.domain.metrics import metrics_of
from seqdrop.domain.pipeline import Output
from seqdrop.domain.plan import ReadPair, StagePlan
from seqdrop.domain.qc import Verdict, judge
from tests.integration.runner.test_faults import failed
from tests.runner_support import BUCKET, RunnerLab, a_stage, fastq, outcomes, pipe

GOOD = fastq(400)
R1 = "R1 of lane L.1 (key in/L.1_R1.fastq.gz) is not FASTQ: record 401 "
END_BLOCK = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
BLOCKED = b"\x1f\x8b\x08\x04" + bytes(6) + b"\x06\0BC\x02\0"
"""How a block of blocked gzip begins; its size, which nobody here reads, follows."""


def files_stage(script: str, lab: RunnerLab) -> StagePlan:
    """A stage whose tool finds the reads on disk, as DRAGEN does."""
    lab.tool("board", f'#!/bin/sh\n[ "$1" = --version ] && exit\n{script}\n')
    steps = (pipe(["board", "{tmp}/fastq_list.csv"], stdout="{out}/said"),)
    return a_stage(steps=steps, outputs=(Output("said"),), reads="files", measures={})


@pytest.mark.parametrize("how", ["stream", "files"])
@pytest.mark.parametrize(
    ("record", "why"),
    [
        (b"@" + b"n" * 255 + b"\nA\n+\nI\n", "has a name of 255 characters"),
        (b"@\nA\n+\nI\n", "has no name"),
        (b"@r\nA\n+\n\x1f\n", "has characters that are not qualities (! to ~): 0x1F"),
        (b"@r\nA1\n+\nII\n", "has characters that are not bases: 1"),
        (b"\n@r\nA\n+\nI\n", "begins with a blank line"),
    ],
)
def test_a_record_that_no_tool_takes_is_named(
    lab: RunnerLab, how: str, record: bytes, why: str
) -> None:
    pair = lab.pair(gzip.compress(GOOD + record), gzip.compress(fastq(401, 2)))
    message = failed(lab, FailureClass.BAD_INPUT, a_stage(reads=how), pairs=(pair,))
    assert message.startswith(R1 + why)


@pytest.mark.parametrize("how", ["stream", "files"])
@pytest.mark.parametrize("at", [201, 3_333])
def test_the_record_where_the_mates_part_is_named(lab: RunnerLab, how: str, at: int) -> None:
    other = fastq(4_000, 2).replace(b"@r%d/2" % (at - 1), b"@q/2")
    pair = lab.pair(gzip.compress(fastq(4_000)), gzip.compress(other))
    message = failed(lab, FailureClass.BAD_INPUT, a_stage(reads=how), pairs=(pair,))
    parted = f"hold different reads from record {at:,} on (r{at - 1} and q)"
    assert message.startswith(f"R1 and R2 of lane L.1 {parted}: send both again")


def test_line_ends_and_blank_ends_change_no_count(lab: RunnerLab) -> None:
    texts = (fastq(50).replace(b"\n", b"\r\n")[:-2], fastq(50, 2) + b"\n\r\n\n\n\n")
    pair = lab.pair(*map(gzip.compress, texts))
    assert lab.run(lab.plan(_counting(), pairs=(pair,))).returncode == 0
    counts = _counts(lab)
    assert (counts["reads_in"], counts["bases_in"]) == (100, 2_000)


def test_reads_without_bases_are_counted_wherever_they_are(lab: RunnerLab) -> None:
    nothing = b"@e\n\n+\n\n"
    text = gzip.compress(nothing + fastq(5) + nothing + fastq(5) + nothing)
    assert lab.run(lab.plan(_counting(), pairs=(lab.pair(text, text),))).returncode == 0
    counts = _counts(lab)
    assert (counts["reads_in"], counts["bases_in"]) == (26, 400)


def test_blocked_files_without_their_end_block_are_counted(lab: RunnerLab) -> None:
    whole = _blocked(fastq(9))
    pairs = (lab.pair(whole, whole[: -len(END_BLOCK)]), lab.pair(lane="L.2"))
    assert lab.run(lab.plan(_counting(), pairs=pairs)).returncode == 0
    assert _counts(lab)["without_end_block"] == 1


def test_pairs_with_the_same_bases_in_both_mates_are_counted(lab: RunnerLab) -> None:
    others = fastq(1_500).replace(b"ACGT", b"TTGA")
    changed = fastq(1_500, 2).replace(b"@r1499/2\nACGT", b"@r1499/2\nAAAA")
    pairs = (
        lab.pair(gzip.compress(fastq(1_500)), gzip.compress(changed)),
        lab.pair(gzip.compress(fastq(1_500)), gzip.compress(others), lane="L.2"),
    )
    assert lab.run(lab.plan(_counting(), pairs=pairs)).returncode == 0
    assert _counts(lab)["identical_mates"] == 1_000


@pytest.mark.parametrize("how", ["stream", "files"])
def test_one_lane_of_several_with_r1_under_both_names_is_seen(lab: RunnerLab, how: str) -> None:
    """R1 is packed anew under R2's name in one lane; three good ones would hide it."""
    r1, r2 = fastq(2_000), fastq(2_000, 2).replace(b"ACGT", b"TTGA")
    pairs = [lab.pair(gzip.compress(r1), gzip.compress(r2), lane=f"L.{n}") for n in (1, 2, 4)]
    again = gzip.compress(fastq(300)), gzip.compress(fastq(300, 2), 1)
    pairs.insert(2, lab.pair(*again, lane="L.3"))
    stage = files_stage("echo ok", lab) if how == "files" else _counting()
    assert lab.run(lab.plan(stage, pairs=tuple(pairs))).returncode == 0
    result = lab.result()
    assert result is not None
    metrics = metrics_of([result], duplicates_marked=True)
    assert (metrics["reads"], metrics["identical_mates_fraction"]) == (12_600, 1.0)
    found = judge(metrics, {}, lanes=worst_lanes([result]))
    assert found.verdict is Verdict.FAIL
    assert "worst in lane L.3" in found.lines[0]


def test_one_mate_with_qualities_of_old_instruments_is_seen(lab: RunnerLab) -> None:
    old = fastq(200, 2).replace(b"I", b"h").replace(b"ACGT", b"TTGA")
    pairs = (
        lab.pair(gzip.compress(fastq(200)), gzip.compress(old), lane="L.1"),
        lab.pair(
            gzip.compress(fastq(200).replace(b"IIII", b"#III")),
            gzip.compress(fastq(200, 2)),
            lane="L.2",
        ),
    )
    assert lab.run(lab.plan(_counting(), pairs=pairs)).returncode == 0
    result = lab.result()
    assert result is not None
    metrics = metrics_of([result], duplicates_marked=True)
    assert metrics["phred64"] == 1.0
    assert worst_lanes([result])["phred64"].place == "lane L.1"


def test_a_tool_on_files_starts_before_they_are_checked(lab: RunnerLab) -> None:
    """The tool would wait for ever; the fault that ends it is a second's work away."""
    begun = lab.scratch.parent / "begun"
    stage = files_stage(f"touch {begun}; sleep 600", lab)
    bad = gzip.compress(fastq(20_000), 1) * 100 + gzip.compress(b"no record\n" * 4)
    pair = lab.pair(bad, gzip.compress(fastq(20_000, 2), 1) * 100)
    message = failed(lab, FailureClass.BAD_INPUT, stage, pairs=(pair,))
    assert message.endswith("record 2,000,001 does not begin with @")
    assert begun.exists()


def test_a_tool_that_fails_on_a_bad_file_is_not_to_blame(lab: RunnerLab) -> None:
    text = fastq(90_000) + b"no record\n" * 4
    pair = lab.pair(gzip.compress(text, 1), gzip.compress(fastq(90_001, 2), 1))
    message = failed(lab, FailureClass.BAD_INPUT, files_stage("exit 7", lab), pairs=(pair,))
    assert message.endswith("record 90,001 does not begin with @")
    right = failed(lab, FailureClass.TOOL_FAILED, files_stage("exit 7", lab), pairs=(lab.pair(),))
    assert right == "board ended with exit code 7"


def test_a_tool_s_own_fault_does_not_wait_for_all_checks(lab: RunnerLab) -> None:
    """The checks would take some seconds; the host gives them a hundredth."""
    plan = lab.plan(
        files_stage("exit 7", lab),
        pairs=(lab.pair(*(gzip.compress(fastq(20_000, n), 1) * 300 for n in (1, 2))),),
    )
    program = (
        "import runner.main, runner.stage as s; s.SECONDS_FOR_CAUSE = 0.01; runner.main.main()"
    )
    command = [sys.executable, "-c", program, f"s3://{BUCKET}/{plan.folder}plan.json", "align"]
    ended = run(
        command, env=lab.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert lab.failure(plan).message == "board ended with exit code 7", ended.stderr
    (given_up,) = [o for o in outcomes(ended.stdout) if o["outcome"] == "checks_given_up"]
    assert 0 < given_up["seconds"] < 2


def test_a_file_on_disk_that_is_gone_is_the_input_s_fault(lab: RunnerLab) -> None:
    pair = lab.pair()
    lab.client.delete_object(Bucket=pair.r1.bucket, Key=pair.r1.key, VersionId=pair.r1.version_id)
    message = failed(lab, FailureClass.BAD_INPUT, files_stage("exit 0", lab), pairs=(pair,))
    assert "is gone (NoSuch" in message


@pytest.mark.parametrize("how", ["stream", "files"])
def test_a_mate_s_process_that_is_killed_is_the_host_s_fault(lab: RunnerLab, how: str) -> None:
    runner, processes = _with_held_mates(lab, how)
    os.kill(processes[0], signal.SIGKILL)
    out, _ = runner.communicate(timeout=60)
    assert runner.returncode == 30, out
    message = lab.failure(lab.plan(_held(lab, how))).message
    assert message == (
        "the process that checks R1 of lane L.1 (key in/L.1_R1.fastq.gz) "
        "was killed by signal 9 (Killed)"
    )
    _assert_gone(processes)


@pytest.mark.parametrize("how", ["stream", "files"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_mates_processes_end_with_the_runner(
    lab: RunnerLab, how: str, number: signal.Signals
) -> None:
    runner, processes = _with_held_mates(lab, how)
    tools = set(_children(runner.pid)) - set(processes)
    os.kill(runner.pid, number)
    runner.wait(60)
    if number is signal.SIGTERM:
        assert runner.returncode == 143
        assert not list(lab.scratch.iterdir())
    elif how == "files":
        for pid in processes:
            os.kill(pid, signal.SIGCONT)
    _assert_gone(processes)
    for tool in tools:  # after a SIGKILL nobody ends them but Batch, or here the test
        if Path(f"/proc/{tool}").exists():
            os.kill(tool, signal.SIGKILL)
    runner.communicate()


def _counting() -> StagePlan:
    steps = (pipe(["align", "{pair.r1}", "{pair.r2}"], each=True, stdout="{out}/y"),)
    return a_stage(steps=steps, outputs=(Output("y"),), measures={})


def _counts(lab: RunnerLab) -> dict[str, int]:
    result = lab.result()
    assert result is not None
    return result.counts


def _blocked(text: bytes) -> bytes:
    plain = gzip.compress(text, mtime=0)
    size = len(plain) + 8 - 1
    return BLOCKED + size.to_bytes(2, "little") + plain[10:] + END_BLOCK


def _held(lab: RunnerLab, how: str) -> StagePlan:
    """A stage in which both mates' processes are held: nobody reads, or nothing comes to read."""
    script = (
        f'#!/bin/sh\n[ "$1" = --version ] && exit\ntouch {lab.scratch.parent}/begun\nsleep 600\n'
    )
    lab.tool("align", script)
    return a_stage(reads=how)


def _with_held_mates(lab: RunnerLab, how: str) -> tuple[Popen[str], list[int]]:
    stage = _held(lab, how)
    reads = gzip.compress(fastq(20_000, length=80), 1) * 100  # a second's work
    pair: ReadPair = lab.pair(reads, reads)
    runner = lab.start(lab.plan(stage, pairs=(pair,)))
    begun = lab.scratch.parent / "begun"
    for _ in range(3_000):
        if begun.exists():
            break
        time.sleep(0.01)
    assert begun.exists(), "the tool never ran"
    processes = [pid for pid in _children(runner.pid) if b"runner.main" in _command(pid)]
    assert len(processes) == 2
    if how == "files":  # they would be through too soon
        for pid in processes:
            os.kill(pid, signal.SIGSTOP)
    return runner, sorted(processes)


def _children(pid: int) -> Iterator[int]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            yield int(path.parent.name)


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _assert_gone(pids: list[int]) -> None:
    for _ in range(300):
        if not any(_runs(pid) for pid in pids):
            return
        time.sleep(0.02)
    raise AssertionError("a mate's process was left behind")


def _runs(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"
