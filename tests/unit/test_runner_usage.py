"""What a stage takes of memory and scratch, seen from outside its tools."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from runner.usage import watched

MIB = 2**20


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_memory_is_that_of_all_processes_at_once(tmp_path: Path) -> None:
    hold = f"import sys, time; held = b'x' * {40 * MIB}; print(flush=True); time.sleep(60)"
    with watched(tmp_path) as usage:
        usage.look()
        before = usage.memory_bytes
        tools = [
            subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE) for _ in range(3)
        ]
        for tool in tools:
            assert tool.stdout
            tool.stdout.readline()
        usage.look()
        for tool in tools:
            tool.kill()
            tool.communicate()
        usage.look()
    assert usage.memory_bytes - before > 120 * MIB
    assert usage.memory_mib >= usage.memory_bytes // MIB, "what has ended was there"


def test_scratch_is_what_files_took_at_the_most(tmp_path: Path) -> None:
    with watched(tmp_path) as usage:
        (tmp_path / "tmp").mkdir()
        (tmp_path / "tmp" / "sorted.bam").write_bytes(b"x" * 3 * MIB)
        (tmp_path / "out.bam").write_bytes(b"x" * 2 * MIB)
        usage.look()
        (tmp_path / "tmp" / "sorted.bam").unlink()
        usage.look()
    assert usage.scratch_mib == 5


def test_it_is_looked_at_by_itself_until_the_block_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.usage._LOOK_SECONDS", 0.01)
    with watched(tmp_path) as usage:
        (tmp_path / "a").write_bytes(b"x" * MIB)
        end = time.monotonic() + 10
        while not usage.scratch_bytes and time.monotonic() < end:
            time.sleep(0.01)
    assert usage.scratch_mib == 1
    (tmp_path / "b").write_bytes(b"x" * 9 * MIB)
    time.sleep(0.05)
    assert usage.scratch_mib == 1
