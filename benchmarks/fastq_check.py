"""The check of the reads: against inflating alone, and what an FPGA host waits for it."""

import gzip
import io
import logging
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from isal import isal_zlib

from benchmarks.measure import Measure
from local.demo.genome import haplotypes, make_genome, plant_variants
from local.demo.reads import Lane, write_lane
from runner.streaming.fastq import CHUNK_BYTES, checked_text
from runner.streaming.record_counter import RecordCounter
from seqdrop.domain.pipeline import Output
from seqdrop.domain.plan import RunPlan, StagePlan
from tests.runner_support import RunnerLab, a_stage, empty, pipe, s3_server

AIM, ROUNDS = 1.6, 7
STAGE_ROUNDS = 3
_BASES, _DEPTH = 1_000_000, 30.0
_COPIES = 6
_BOARD = """\
#!/bin/sh
[ "$1" = --version ] && echo "board 1 (simulated)" && exit
for mate in "$@"; do gzip -dc "$mate" | cksum & done
wait
"""
"""Stands in for DRAGEN: it works on both files on all cores, and about as long as the checks."""


def measure() -> Iterator[Measure]:
    """Processor time of one mate's check, and the seconds of an FPGA stage with and without."""
    with tempfile.TemporaryDirectory(prefix="seqdrop-bench-") as name:
        folder = Path(name)
        paths = (folder / "R1.fastq.gz", folder / "R2.fastq.gz")
        genome = make_genome(1, {"chr1": _BASES})
        person = haplotypes(genome, plant_variants(genome, 1), 1)
        write_lane(person, paths, Lane("HBENCHDSX7", 1), depth=_DEPTH, seed=1)
        r1, r2 = (path.read_bytes() for path in paths)
        yield _against_inflating("reads of one length", r1)
        yield _against_inflating("every seventh read trimmed", _trimmed(r1, every=7))
        yield _against_inflating("all reads trimmed", _trimmed(r1, every=1))
        yield _against_inflating("CRLF", _with_crlf(r1))
        yield _wait_of_a_stage(folder, r1 * _COPIES, r2 * _COPIES)


def _against_inflating(what: str, content: bytes) -> Measure:
    rounds = [(_seconds(_inflate, content), _seconds(_check, content)) for _ in range(ROUNDS)]
    inflating, checking = (min(seconds) for seconds in zip(*rounds, strict=True))
    text = len(gzip.decompress(content)) / 1e6
    note = (
        f"{len(content) / 1e6 / checking:.0f} MB of gzip a second, {text / checking:.0f} MB of "
        f"text; the check alone {text / (checking - inflating):.0f} MB of text"
    )
    against = f"inflating it with isal alone, processor time, best of {ROUNDS}"
    name = f"check of one mate, {what}"
    return Measure(name, checking * 1e3, "ms", inflating * 1e3, against, AIM, (note,))


def _seconds(work: Callable[[bytes], None], content: bytes) -> float:
    begun = time.thread_time()
    work(content)
    return time.thread_time() - begun


def _inflate(content: bytes) -> None:
    reader, buffer = isal_zlib._GzipReader(io.BytesIO(content), CHUNK_BYTES), bytearray(CHUNK_BYTES)
    while reader.readinto(buffer):
        pass


def _check(content: bytes) -> None:
    for _ in checked_text(io.BytesIO(content), RecordCounter()):
        pass


def _trimmed(content: bytes, every: int) -> bytes:
    """Some reads are shorter, as trimmers leave them."""
    lines = gzip.decompress(content).split(b"\n")
    for first in range(0, len(lines) - 4, 4 * every):
        for line in (first + 1, first + 3):
            lines[line] = lines[line][: 40 + first % 100]
    return gzip.compress(b"\n".join(lines), 1)


def _with_crlf(content: bytes) -> bytes:
    return gzip.compress(gzip.decompress(content).replace(b"\n", b"\r\n"), 1)


def _wait_of_a_stage(folder: Path, r1: bytes, r2: bytes) -> Measure:
    """The same files and the same board twice: as reads that are checked, and just fetched."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with s3_server() as (client, environment):
        rounds = []
        for number in range(STAGE_ROUNDS):
            place = folder / str(number)
            place.mkdir()
            lab = RunnerLab(place, client, environment)
            lab.tool("board", _BOARD)
            rounds.append(_both_stages(lab, r1, r2))
            empty(client)
    fetched, checked, waited = (min(seconds) for seconds in zip(*rounds, strict=True))
    size = (len(r1) + len(r2)) / 1e6
    notes = (
        f"{checked - fetched:+.2f} s beyond the stage without checks, {size:.0f} MB of gzip",
        f"of them {waited:.2f} s after the stand-in had ended, the others while it ran (aim: 0 s)",
    )
    against = f"the same files fetched, the same stand-in, no check, best of {STAGE_ROUNDS}"
    return Measure("FPGA stage with checks", checked, "s", fetched, against, 1.0, notes)


def _both_stages(lab: RunnerLab, r1: bytes, r2: bytes) -> tuple[float, float, float]:
    """Seconds without the checks, with them, and of those the ones after the tool's end."""
    pair = lab.pair(r1, r2)
    files = tuple(  # without a checksum: nothing is checked, and the host keeps nothing
        lab.reference(f"{number}.gz", content, sha256="") for number, content in enumerate((r1, r2))
    )
    fetched = _board_stage("fetched", "ref/0.gz", "ref/1.gz", reference_files=files)
    checked = _board_stage("checked", "{pair.r1}", "{pair.r2}", reads="files")
    plan = lab.plan(fetched, checked, pairs=(pair,))
    alone, _ = _run(lab, plan, "fetched")
    return alone, *_run(lab, plan, "checked")


def _board_stage(name: str, *files: str, **given: Any) -> StagePlan:
    steps = (pipe(["board", *files], each=name == "checked", stdout="{out}/said"),)
    given = {"reads": "", "measures": {}, **given}
    return a_stage(name, steps=steps, outputs=(Output("said"),), **given)


def _run(lab: RunnerLab, plan: RunPlan, stage: str) -> tuple[float, float]:
    ended = lab.run(plan, stage)
    result = lab.result(stage)
    if result is None:
        raise RuntimeError(ended.stderr)
    begin, end = (datetime.fromisoformat(text) for text in (result.started, result.ended))
    return (end - begin).total_seconds(), result.timings.get("checks_after_tools", 0.0)
