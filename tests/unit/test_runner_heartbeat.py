"""The heartbeat of a stage: what it says, how often, and that it can't fail the stage."""

import json
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from runner import heartbeat
from runner.faults import StageFault
from runner.heartbeat import Heartbeat, beating
from runner.log import OutcomeLog
from runner.settings import Settings
from runner.streaming.reads import Reads
from runner.streaming.tally import Tally
from runner.usage import Usage, cpu_seconds
from seqdrop.domain.failure import FailureClass
from seqdrop.domain.progress import StageProgress, read_progress

MINUTE = 60.0


class Writes(list[StageProgress]):
    """What was written; the first so many writes fail."""

    def __init__(self, failures: int = 0) -> None:
        super().__init__()
        self.tries, self.failures = 0, failures

    def __call__(self, body: bytes) -> None:
        self.tries += 1
        if self.tries <= self.failures:
            raise StageFault(FailureClass.TRANSFER_FAILED, "no way to the bucket")
        progress = read_progress(body)
        assert progress
        self.append(progress)


def reads_of(done: int, of: int, reads: int = 0, *, on_disk: bool = False) -> Reads:
    """What the heartbeat asks of reads."""
    found = SimpleNamespace(read_so_far=lambda: (done, reads), bytes_all=of, on_disk=on_disk)
    return cast(Reads, found)


def a_heartbeat(
    folder: Path, reads: Reads, write: Callable[[bytes], None] | None = None, **given: Any
) -> Heartbeat:
    settings = Settings(folder, folder, "job-1", "2", dragen_licence="")
    usage = Usage(folder, memory_bytes_now=3 << 20, scratch_bytes_now=5 << 20)
    log = OutcomeLog({"stage": "align"})
    return Heartbeat("align", 4, reads, usage, 2, settings, log, write, **given)


@pytest.fixture(autouse=True)
def heard(caplog: pytest.LogCaptureFixture) -> None:
    """What the runner's log says is caught, also after a test that has set it up."""
    logging.getLogger("seqdrop.runner").propagate = True
    caplog.set_level(logging.INFO, "seqdrop.runner")


def lines(caplog: pytest.LogCaptureFixture, outcome: str) -> list[dict[str, Any]]:
    found = [json.loads(record.getMessage()) for record in caplog.records]
    return [line for line in found if line["outcome"] == outcome]


def test_a_beat_tells_what_the_stage_takes_and_how_much_of_its_reads_is_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ten_minutes_ago = time.monotonic() - 600
    a_heartbeat(tmp_path, reads_of(250, 1000, 80), begun=ten_minutes_ago).beat()
    (line,) = lines(caplog, "progress")
    assert (line["stage"], line["memory_mib"], line["scratch_mib"]) == ("align", 3, 5)
    assert (line["bytes_read"], line["bytes_all"], line["reads"]) == (250, 1000, 80)
    assert (line["fraction"], line["seconds"]) == (0.25, 600)
    assert line["scratch_free_mib"] > 0
    assert line["cpu_percent"] >= 0
    assert line["ends_at"].endswith("Z")


def test_a_stage_without_reads_counts_its_steps(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    beats = a_heartbeat(tmp_path, reads_of(0, 0))
    beats.note_steps(1)
    beats.beat()
    (line,) = lines(caplog, "progress")
    assert (line["steps_done"], line["steps"], line["fraction"]) == (1, 4, 0.25)
    assert "reads" not in line
    assert beats.progress().reads is None


def test_the_end_of_a_tool_that_reads_files_by_itself_is_not_guessed(tmp_path: Path) -> None:
    begun = time.monotonic() - 600
    streamed = a_heartbeat(tmp_path, reads_of(250, 1000), begun=begun).progress()
    on_disk = a_heartbeat(tmp_path, reads_of(250, 1000, on_disk=True), begun=begun).progress()
    assert streamed.ends_at
    assert (on_disk.ends_at, on_disk.fraction) == (None, 0.25)


def test_the_object_is_written_at_the_first_beat_and_then_every_five_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, writes = [0.0], Writes()
    monkeypatch.setattr(heartbeat, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    beats = a_heartbeat(tmp_path, reads_of(1, 10), writes, begun=0.0)
    written = []
    for minute in range(1, 13):
        clock[0] = minute * MINUTE
        beats.beat()
        written.append(len(writes))
    assert [written.index(number) + 1 for number in (1, 2, 3)] == [1, 6, 11]
    assert {(one.job_id, one.job_attempt) for one in writes} == {("job-1", 2)}


def test_a_write_that_fails_is_logged_once_and_tried_at_the_next_beat(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    writes = Writes(failures=2)
    beats = a_heartbeat(tmp_path, reads_of(1, 10), writes)
    for _ in range(4):
        beats.beat()
    assert (writes.tries, len(writes)) == (3, 1)
    (line,) = lines(caplog, "progress_not_written")
    assert line["message"] == "no way to the bucket"


def test_whatever_goes_wrong_in_a_beat_the_stage_goes_on_and_so_do_the_beats(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.01)
    tries = []

    def broken() -> tuple[int, int]:
        tries.append(1)
        raise ZeroDivisionError

    reads = reads_of(0, 10)
    reads.read_so_far = broken  # type: ignore[method-assign]
    with beating(a_heartbeat(tmp_path, reads)):
        end = time.monotonic() + 10
        while len(tries) < 3 and time.monotonic() < end:
            time.sleep(0.01)
    assert len(tries) >= 3
    assert len(lines(caplog, "heartbeat_failed")) == 1


def test_a_beat_that_hangs_in_the_network_does_not_keep_the_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.01)
    monkeypatch.setattr(heartbeat, "_LAST_BEAT_SECONDS", 0.05)
    reads, hangs = reads_of(1, 10), []

    def hang(_: bytes) -> None:
        hangs.append(1)
        time.sleep(20)

    begun = time.monotonic()
    with beating(a_heartbeat(tmp_path, reads, hang)):
        while not hangs and time.monotonic() < begun + 10:
            time.sleep(0.01)
    assert hangs
    assert time.monotonic() - begun < 10


def test_a_tally_is_seen_by_the_process_that_made_it_and_never_counts_back() -> None:
    tally = Tally()
    pid = os.fork()
    if pid == 0:
        tally.note(1 << 40, 7)
        tally.note(5, 1)  # the file is read once more
        os._exit(0)
    os.waitpid(pid, 0)
    assert (tally.compressed_bytes, tally.reads) == (1 << 40, 7)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_cpu_time_is_that_of_all_processes_those_that_ended_too() -> None:
    before = cpu_seconds()
    pid = os.fork()
    if pid == 0:
        end = time.process_time() + 0.3
        while time.process_time() < end:
            pass
        os._exit(0)
    os.waitpid(pid, 0)
    assert cpu_seconds() - before >= 0.25
