"""A manifest whose files came before it, each twice, below a run's folder: nothing lost or doubled.

``SEQDROP_LANES`` says how many lanes it names; a lane has two files, a sample two lanes.
"""

import itertools
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.measure import Measure
from tests.e2e.ingest import PIPELINES, messages, wait_until_quiet
from tests.lab import Lab, pair
from tests.statemachine.bench import open_bench

LANES = int(os.environ.get("SEQDROP_LANES", "100"))
_LANES_OF_A_SAMPLE = 2
_RUN = "run1/"
_PLAIN_LANES_AT_MOST = 200
_AT_ONCE = 8
_SECONDS_AT_MOST = 3 * 3_600.0
_AIM_RATIO = 3.0
"""Each file comes twice and is then taken elsewhere, where the others come once and stay."""


def measure() -> Iterator[Measure]:
    """Raises RuntimeError where a sample was lost or run twice, or a message is left."""
    plain = _names("N", min(LANES, _PLAIN_LANES_AT_MOST))
    samples = _names("M", LANES)
    with (
        tempfile.TemporaryDirectory(prefix="seqdrop-bench-") as folder,
        open_bench(Path(folder), PIPELINES) as bench,
    ):
        begun = time.monotonic()
        _upload(bench.lab, plain, "")
        wait_until_quiet(bench.lab, _SECONDS_AT_MOST)
        once = (time.monotonic() - begun) * len(samples) / len(plain)
        _check(bench.lab, plain)
        begun = time.monotonic()
        for _ in range(2):
            _upload(bench.lab, samples, _RUN)
        bench.lab.drop("many.manifest.json", _manifest(samples))
        wait_until_quiet(bench.lab, _SECONDS_AT_MOST)
        seconds = time.monotonic() - begun
        _check(bench.lab, samples)
    name = f"{LANES:,} lanes that came twice before their manifest"
    notes = (
        f"{4 * LANES:,} uploads, {len(samples):,} samples started once each, no dead letter",
        f"by their names: {len(plain):,} samples were measured; the time is scaled to all of them",
    )
    yield Measure(name, seconds, "s", once, "as many by their names", _AIM_RATIO, notes)


def _names(letter: str, lanes: int) -> list[str]:
    return [f"{letter}{number}" for number in range(lanes // _LANES_OF_A_SAMPLE)]


def _keys(samples: list[str], folder: str) -> Iterator[tuple[str, str, int, int]]:
    """Sample, key, lane and mate of each file."""
    lanes = range(1, _LANES_OF_A_SAMPLE + 1)
    for sample, lane, mate in itertools.product(samples, lanes, (1, 2)):
        yield sample, f"{folder}{sample}_S1_L{lane:03}_R{mate}_001.fastq.gz", lane, mate


def _upload(lab: Lab, samples: list[str], folder: str) -> None:
    mates = {lane: pair(20, lane=lane) for lane in range(1, _LANES_OF_A_SAMPLE + 1)}
    lab.client("s3")  # clients may be used by several threads, but not made by them
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        files = ((key, mates[lane][mate - 1]) for _, key, lane, mate in _keys(samples, folder))
        list(pool.map(lambda file: lab.drop(*file), files))


def _manifest(samples: list[str]) -> bytes:
    files: dict[str, dict[int, dict[str, str]]] = {sample: {} for sample in samples}
    for sample, key, lane, mate in _keys(samples, _RUN):
        files[sample].setdefault(lane, {})[f"r{mate}"] = key
    entries = [
        {"sample": sample, "assay": "quick", "files": list(lanes.values())}
        for sample, lanes in files.items()
    ]
    return json.dumps({"samples": entries}).encode()


def _check(lab: Lab, samples: list[str]) -> None:
    statuses = Counter(str(a.status) for s in samples if (a := lab.analysis(s, "quick")))
    runs = Counter(len(lab.runs(sample, "quick")) for sample in samples)
    left = messages(lab)
    if statuses != {"ANALYSED": len(samples)} or runs != {1: len(samples)} or left:
        raise RuntimeError(f"statuses {statuses}, runs a sample {runs}, messages left {left}")
