"""Reference files are fetched once a host, whatever becomes of the jobs that fetch them."""

import hashlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from runner.host_files import FOLDER
from seqdrop.domain.failure import EXIT_CODES, FailureClass
from seqdrop.domain.pipeline import Output
from seqdrop.domain.plan import RunPlan
from tests.faulty_store import Faults, faulty_store
from tests.forks import Ended
from tests.runner_support import REFERENCES, RunnerLab, a_stage, outcomes, pipe, prefix_of

GENOME = b">chr1\n" + b"ACGT" * 20_000 + b"\n"
SHA256 = hashlib.sha256(GENOME).hexdigest()


@pytest.fixture
def faults(lab: RunnerLab) -> Iterator[Faults]:
    """A store that counts, and fails as it is told to; the lab's runners ask it."""
    with faulty_store(lab.environment["AWS_ENDPOINT_URL"]) as (endpoint, faults):
        lab.environment["AWS_ENDPOINT_URL"] = endpoint
        faults.holding = f"/{REFERENCES}/"
        yield faults


def a_job(
    lab: RunnerLab,
    key: str = "k",
    content: bytes = GENOME,
    run: dict[str, Any] | None = None,
    **more: Any,
) -> RunPlan:
    """A job that reads a reference file; with another key it is another one."""
    given = {
        "steps": (pipe(["cat", "{ref}/genome.fa"], stdout="{out}/read"),),
        "outputs": (Output("read"),),
        "reads": "",
        "measures": {},
        "reference_files": (lab.reference("genome.fa", content),),
    }
    stage = a_stage(**{**given, **more})
    stage = structs.replace(stage, key=key, prefix=f"S1/wgs/align/{key}/1/")
    return lab.plan(stage, **(run or {}))


def kept(lab: RunnerLab) -> Path:
    """The host's folder."""
    return lab.scratch / FOLDER


def names(lab: RunnerLab) -> set[str]:
    """What it holds beside locks."""
    return {path.name for path in kept(lab).iterdir() if path.suffix != ".lock"}


def lines(ended: Ended, outcome: str) -> list[dict[str, Any]]:
    """The log lines of one outcome."""
    return [line for line in outcomes(ended.stdout) if line["outcome"] == outcome]


def read_right(lab: RunnerLab, ended: Ended, key: str = "k", content: bytes = GENOME) -> None:
    """The job ended well, and its tool has read the right file."""
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert lab.read(prefix_of("align").replace("/k/", f"/{key}/") + "read") == content


def ended(process: "subprocess.Popen[str]") -> Ended:
    """A process that was started, at its end."""
    out, err = process.communicate(timeout=60)
    return Ended(process.returncode, out, err)


def until(condition: Callable[[], bool]) -> None:
    """Waits for something that another process does."""
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it never came")


def test_a_second_job_of_a_host_asks_the_store_for_no_reference(
    lab: RunnerLab, faults: Faults
) -> None:
    first = lab.run(a_job(lab))
    read_right(lab, first)
    assert faults.asked_of(f"/{REFERENCES}/") == 1
    assert lines(first, "references_staged")[0]["bytes_fetched"] == len(GENOME)
    second = lab.run(a_job(lab, "k2"))
    read_right(lab, second, "k2")
    assert faults.asked_of(f"/{REFERENCES}/") == 1
    (line,) = lines(second, "references_staged")
    assert (line["from_host"], line["bytes_saved"], line["fetched"]) == (1, len(GENOME), 0)
    assert names(lab) == {SHA256}
    found = (kept(lab) / SHA256).stat()
    assert (found.st_mode & 0o777, found.st_nlink) == (0o444, 1)


def test_what_a_tool_writes_beside_a_reference_stays_in_its_job(lab: RunnerLab) -> None:
    lab.tool("index", '#!/bin/sh\n[ "$1" = --version ] && exit\nwc -c <$1 >$1.fai\ncat $1.fai\n')
    plan = a_job(
        lab,
        steps=(pipe(["index", "{ref}/genome.fa"], stdout="{out}/read"),),
        outputs=(Output("read"), Output("genome.fa.fai", source="{ref}/genome.fa.fai")),
    )
    assert lab.run(plan).returncode == 0
    assert names(lab) == {SHA256}


@pytest.mark.parametrize("damage", [b"changed" + GENOME[7:], GENOME[:-1], b""])
def test_a_file_that_was_changed_or_cut_on_disk_is_fetched_again_and_said_so(
    lab: RunnerLab, faults: Faults, damage: bytes
) -> None:
    read_right(lab, lab.run(a_job(lab)))
    path = kept(lab) / SHA256
    path.chmod(0o644)
    path.write_bytes(damage)
    second = lab.run(a_job(lab, "k2"))
    read_right(lab, second, "k2")
    assert faults.asked_of(f"/{REFERENCES}/") == 2
    assert lines(second, "reference_damaged")[0]["sha256"] == SHA256
    assert path.read_bytes() == GENOME


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_job_that_dies_while_it_fetches_leaves_nothing_that_the_next_takes_for_whole(
    lab: RunnerLab, faults: Faults, number: signal.Signals
) -> None:
    faults.stall = True
    process = lab.start(a_job(lab))
    assert faults.stalled.wait(60)
    until(lambda: f"{SHA256}.part" in names(lab))
    process.send_signal(number)
    ended(process)
    assert names(lab) == (set() if number is signal.SIGTERM else {f"{SHA256}.part"})
    faults.stall = False
    faults.go_on.set()
    second = ended(lab.start(a_job(lab, "k2")))
    read_right(lab, second, "k2")
    assert names(lab) == {SHA256}


def test_two_jobs_at_once_fetch_a_file_once(lab: RunnerLab, faults: Faults) -> None:
    faults.stall = True
    first = lab.start(a_job(lab))
    assert faults.stalled.wait(60)
    second = lab.start(a_job(lab, "k2"))
    until(lambda: faults.asked_of("/k2/1/align.json") > 0)
    time.sleep(0.5)  # it waits for the first by now
    faults.stall = False
    faults.go_on.set()
    both = ended(first), ended(second)
    read_right(lab, both[0])
    read_right(lab, both[1], "k2")
    assert faults.asked_of(f"/{REFERENCES}/") == 1
    assert [lines(one, "references_staged")[0]["from_host"] for one in both] == [0, 1]


def test_many_jobs_that_start_together_fetch_a_file_once(lab: RunnerLab, faults: Faults) -> None:
    folders = [f"S1/wgs/runs/abc/{number}/" for number in range(1, 5)]
    plans = [a_job(lab, f"k{n}", run={"attempt": n, "folder": f}) for n, f in enumerate(folders, 1)]
    for process in [lab.start(plan) for plan in plans]:
        assert ended(process).returncode == 0
    assert faults.asked_of(f"/{REFERENCES}/") == 1
    assert names(lab) == {SHA256}


def test_a_job_takes_over_where_the_one_that_it_waited_for_dies(
    lab: RunnerLab, faults: Faults
) -> None:
    faults.stall = True
    first = lab.start(a_job(lab))
    assert faults.stalled.wait(60)
    second = lab.start(a_job(lab, "k2"))
    until(lambda: faults.asked_of("/k2/1/align.json") > 0)
    time.sleep(0.5)
    faults.stall = False
    first.kill()
    ended(first)
    read_right(lab, ended(second), "k2")


def test_a_store_that_fails_and_breaks_off_is_asked_again(lab: RunnerLab, faults: Faults) -> None:
    faults.fail, faults.cut = 2, 2
    read_right(lab, lab.run(a_job(lab)))
    assert faults.asked_of(f"/{REFERENCES}/") == 5
    assert names(lab) == {SHA256}


def test_an_object_with_other_content_leaves_nothing_on_the_host(lab: RunnerLab) -> None:
    changed = lab.reference("genome.fa", GENOME[::-1], SHA256)
    ended = lab.run(a_job(lab, reference_files=(changed,)))
    assert ended.returncode == EXIT_CODES[FailureClass.TRANSFER_FAILED]
    assert names(lab) == set()


def _file(folder: Path) -> None:
    folder.write_bytes(b"")


def _link(folder: Path) -> None:
    folder.symlink_to("/")


def _of_another_user(folder: Path) -> None:
    folder.mkdir()
    os.chown(folder, 12345, 12345)


ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as other users")


@pytest.mark.parametrize("make", [_file, _link, pytest.param(_of_another_user, marks=ROOT)])
def test_a_folder_that_can_not_be_used_costs_a_fetch_and_is_told(
    lab: RunnerLab, make: Callable[[Path], None]
) -> None:
    make(kept(lab))
    first = lab.run(a_job(lab))
    read_right(lab, first)
    assert lines(first, "references_not_shared")
    if kept(lab).is_dir() and not kept(lab).is_symlink():
        assert names(lab) == set()


@ROOT
def test_a_file_of_another_user_is_copied_and_checked(lab: RunnerLab, faults: Faults) -> None:
    read_right(lab, lab.run(a_job(lab)))
    for path in (kept(lab), kept(lab) / SHA256):
        os.chown(path, 12345, 12345)
    second = lab.run(a_job(lab, "k2"))
    read_right(lab, second, "k2")
    assert lines(second, "references_staged")[0]["from_host"] == 1
    (kept(lab) / SHA256).write_bytes(GENOME[::-1])
    third = lab.run(a_job(lab, "k3"))
    read_right(lab, third, "k3")
    assert lines(third, "reference_damaged")
    assert faults.asked_of(f"/{REFERENCES}/") == 2


def test_a_link_or_a_pipe_in_place_of_a_file_is_removed(lab: RunnerLab) -> None:
    makers: tuple[Callable[[Path], None], ...] = (_link, os.mkfifo)
    for number, make in enumerate(makers):
        kept(lab).mkdir(exist_ok=True)
        (kept(lab) / SHA256).unlink(missing_ok=True)
        make(kept(lab) / SHA256)
        read_right(lab, lab.run(a_job(lab, f"k{number}")), f"k{number}")
        assert not (kept(lab) / SHA256).is_symlink()
        assert (kept(lab) / SHA256).read_bytes() == GENOME


@pytest.fixture
def small_disk(lab: RunnerLab) -> Iterator[int]:
    """The scratch is a disk of 4 MiB."""
    made = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m,mode=1777", "tmpfs", str(lab.scratch)],
        check=False, capture_output=True,
    ).returncode == 0  # fmt: skip
    if not made:
        pytest.skip("no disk can be mounted here")
    yield 4 * 2**20
    subprocess.run(["umount", str(lab.scratch)], check=True)


def counting(lab: RunnerLab, key: str, content: bytes, **more: Any) -> RunPlan:
    """A job that writes next to nothing beside its reference."""
    count = pipe(["wc", "-c", "{ref}/genome.fa"], stdout="{out}/read")
    return a_job(lab, key, content, steps=(count,), **more)


def test_a_full_disk_is_told_before_anything_is_fetched(
    lab: RunnerLab, faults: Faults, small_disk: int
) -> None:
    plan = counting(lab, "k", bytes(small_disk * 5 // 4))
    ended = lab.run(plan)
    assert ended.returncode == EXIT_CODES[FailureClass.DISK_FULL]
    assert "raise ScratchGib" in lab.failure(plan).message
    assert faults.asked_of(f"/{REFERENCES}/") == 0
    assert names(lab) == set()


def test_what_no_job_uses_makes_room_for_what_one_needs(lab: RunnerLab, small_disk: int) -> None:
    first, second = (bytes([letter]) * (small_disk * 3 // 5) for letter in b"AB")
    assert lab.run(counting(lab, "k1", first)).returncode == 0
    ended = lab.run(counting(lab, "k2", second))
    assert ended.returncode == 0
    assert lines(ended, "reference_evicted")[0]["sha256"] == hashlib.sha256(first).hexdigest()
    assert names(lab) == {hashlib.sha256(second).hexdigest()}


def test_what_a_stage_says_that_it_takes_is_less_by_what_the_host_has(
    lab: RunnerLab, small_disk: int
) -> None:
    content = bytes(small_disk * 3 // 5)
    assert lab.run(counting(lab, "k1", content)).returncode == 0
    assert lab.run(counting(lab, "k2", content, scratch_mib=3)).returncode == 0


def test_a_disk_that_fills_up_meanwhile_is_told_and_the_next_job_works(
    lab: RunnerLab, faults: Faults, small_disk: int
) -> None:
    content = bytes(small_disk // 2)
    faults.stall = True
    plan = counting(lab, "k1", content)
    process = lab.start(plan)
    assert faults.stalled.wait(60)
    until((kept(lab) / f"{hashlib.sha256(content).hexdigest()}.part").exists)
    filler = lab.scratch / "filler"
    filler.write_bytes(bytes(small_disk * 3 // 4))
    faults.stall = False
    faults.go_on.set()
    assert ended(process).returncode == EXIT_CODES[FailureClass.DISK_FULL]
    assert lab.failure(plan).message.startswith("the disk is full")
    assert names(lab) == set()
    filler.unlink()
    assert lab.run(counting(lab, "k2", content)).returncode == 0
