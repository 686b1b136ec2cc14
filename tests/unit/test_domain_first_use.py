"""Threads that decode a type at its first use: in a process of its own, for it may die of it."""

import subprocess
import sys

RACE = """
import sys
from threading import Barrier, Thread

import msgspec

from seqdrop.domain.first_use import worked_out

sys.setswitchinterval(1e-6)
NAMES = [f"f{number}" for number in range(20)]
TEXT = msgspec.json.encode({name: {"g": 4} for name in NAMES})


def new_type():
    inner = [(name, msgspec.defstruct(name, [("g", int | None, None)])) for name in NAMES]
    return msgspec.defstruct("Outer", inner)


def decode(kind, barrier, found):
    barrier.wait()
    found.append(msgspec.json.decode(TEXT, type=worked_out(kind)).f19.g)


for _ in range(300):
    kind, barrier, found = new_type(), Barrier(4), []
    threads = [Thread(target=decode, args=(kind, barrier, found)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [4] * 4
"""


def test_threads_that_use_a_type_first_all_decode_it() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", RACE], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
