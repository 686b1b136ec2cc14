"""The window of `local up`: one line for an error, few for one that comes again and again."""

import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.window import DiskWatch, LogFile, Window, one_line, watch
from seqdrop import disk


def record(message: str, *, level: int = logging.ERROR, error: Exception | None = None) -> (
    logging.LogRecord
):  # fmt: skip
    info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("x", level, "x.py", 1, message, (), info)


@pytest.mark.parametrize(
    ("message", "error", "line"),
    [
        ("plan-run: KeyError: 'x'", None, "plan-run: KeyError: 'x'"),
        (
            "Error on request:\nTraceback (most recent call last):\n  File x\nValueError: of it\n",
            None,
            "Error on request: ValueError: of it",
        ),
        ("a task failed", ValueError("two\nlines"), "a task failed: ValueError: two lines"),
        ("", None, ""),
    ],
)
def test_an_error_is_one_line_without_its_trace(
    message: str, error: Exception | None, line: str
) -> None:
    assert one_line(record(message, error=error)) == line


def test_an_error_that_comes_again_is_told_at_the_1st_10th_and_100th_time() -> None:
    said: list[str] = []
    window = Window(said.append, clock=lambda: 0.0)
    for _ in range(150):
        window.handle(record("the same"))
    window.handle(record("another"))
    assert [line[9:] for line in said] == [
        "the same", "the same (10 times)", "the same (100 times)", "another"
    ]  # fmt: skip


def test_of_many_errors_that_differ_a_minute_shows_a_few_and_how_many_there_were() -> None:
    said: list[str] = []
    clock = [1_000.0]
    window = Window(said.append, clock=lambda: clock[0])
    for number in range(20_000):
        window.handle(record(f"object {number} is not there" + "x" * 100_000))
    assert len(said) == 31
    assert max(map(len, said)) < 600
    assert said[-1] == "many errors: for a minute they are in runtime.log alone"
    clock[0] += 61
    window.handle(record("another"))
    assert said[-2:] == ["(19970 more errors are in runtime.log)", said[-1]]
    assert said[-1].endswith(" another")


def test_an_error_is_told_anew_after_ten_quiet_minutes() -> None:
    said: list[str] = []
    clock = [0.0]
    window = Window(said.append, clock=lambda: clock[0])
    for now in (0.0, 599.0, 1198.0, 1799.0, 1800.0):
        clock[0] = now
        window.handle(record("the same"))
    assert len(said) == 2, "the 1st, and the one after 601 s"


def test_what_is_no_error_is_not_told() -> None:
    said: list[str] = []
    logger = logging.Logger("x")
    logger.addHandler(Window(said.append))
    logger.warning("slow")
    assert said == []
    logger.error("bad")
    assert len(said) == 1


def test_a_window_that_runs_for_long_forgets_old_errors() -> None:
    said: list[str] = []
    clock = [0.0]
    window = Window(said.append, clock=lambda: clock[0])
    for number in range(1001):
        window.handle(record(f"error {number}"))
    said.clear()
    clock[0] = 100.0  # the next minute
    window.handle(record("error 1"))
    assert said == [], "it is one of the last thousand"
    window.handle(record("error 0"))
    assert said[-1][9:] == "error 0", "told as if it were the first"


@pytest.fixture
def untouched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Logging and the hooks of Python as they were."""
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers, root.level = handlers, level


@pytest.mark.usefixtures("untouched")
def test_a_thread_that_fails_is_told_and_its_trace_is_in_the_log(tmp_path: Path) -> None:
    (tmp_path / "runtime.log").write_text("of the one before")
    said: list[str] = []
    path = watch(tmp_path, said.append)

    def fail() -> None:
        raise ValueError("of a thread")

    thread = threading.Thread(target=fail, name="poller")
    thread.start()
    thread.join()
    assert [line[9:] for line in said] == ["poller has ended: ValueError: of a thread"]
    log = path.read_text()
    assert "of the one before" not in log
    assert 'raise ValueError("of a thread")' in log


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_log_that_finds_no_room_is_told_once_and_ends_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said: list[str] = []
    log = LogFile(Path("/dev/full"), said.append)
    log.maxBytes = 0  # a device is never rotated
    for _ in range(3):
        log.handle(record("an error"))
    assert said == ["the log /dev/full lacks lines from here on: no space is left on the disk"]
    assert capsys.readouterr().err == ""


def test_a_disk_that_is_almost_full_is_told_once_until_it_had_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    space = DiskWatch(tmp_path, said.append)
    for free in (256, 255, 3, 300, 0):
        monkeypatch.setattr(disk, "free_mib", lambda _, free=free: free)
        space.look()
    assert len(said) == 2
    assert f"almost no space is left for {tmp_path} (the disk at /" in said[0]
    assert "has 255 MiB free): make space" in said[0]
