"""How soon `seqdrop local up` is ready."""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Measure

AIM_SECONDS = 6.0
ROUNDS = 3
_STOP_SECONDS = 30


def measure() -> Iterator[Measure]:
    """From the command to its line with `ready`; the median of a few starts."""
    seconds = [_start() for _ in range(ROUNDS)]
    figure, against = statistics.median(seconds), f"the aim; median of {ROUNDS}"
    yield Measure("local up is ready", figure, "s", AIM_SECONDS, against)


def _start() -> float:
    with tempfile.TemporaryDirectory(prefix="seqdrop-bench-") as folder:
        begun = time.monotonic()
        up = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "local", "up", "--port", "0", "--dir", folder],
            cwd=Path(__file__).resolve().parent.parent,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            for line in up.stdout or ():
                if "ready" in line:
                    return time.monotonic() - begun
            raise RuntimeError(f"`seqdrop local up` ended with {up.wait()} before it was ready")
        finally:
            up.send_signal(signal.SIGINT)
            up.wait(_STOP_SECONDS)
