"""Lanes of one file through the runner: reads without mates, and reads with both mates in it."""

import gzip

import pytest
from msgspec import structs

from seqdrop.domain.failure import FailureClass
from seqdrop.domain.pipeline import Output
from seqdrop.domain.plan import ReadPair
from tests.integration.runner.test_faults import failed
from tests.runner_support import RunnerLab, a_stage, fastq, pipe, prefix_of


def single(lab: RunnerLab, content: bytes | None = None, lane: str = "L.1") -> ReadPair:
    return structs.replace(lab.pair(content, lane=lane), r2=None)


STEPS = (
    pipe(["cat", "{pair.r1}"], each=True, stdout="{tmp}/{pair.id}"),
    pipe(["cat", "{tmp}/L.1"], stdout="{out}/reads"),
)
OUTPUTS = (Output("reads"),)


@pytest.mark.parametrize("how", ["stream", "files"])
def test_they_are_read_whole_and_counted(lab: RunnerLab, how: str) -> None:
    stage = a_stage(steps=STEPS, outputs=OUTPUTS, measures={}, reads=how)
    pairs = (single(lab), single(lab, gzip.compress(fastq(30, 1)), lane="L.2"))
    assert lab.run(lab.plan(stage, pairs=pairs)).returncode == 0
    result = lab.result()
    assert result is not None
    assert result.counts["reads_in"] == 80
    assert "identical_mates" not in result.counts
    assert {lane: counts["reads_in"] for lane, counts in result.lanes.items()} == {
        "L.1": 50, "L.2": 30,
    }  # fmt: skip
    assert all("r2_quality_max" not in counts for counts in result.lanes.values())
    read = lab.read(prefix_of("align") + "reads") or b""
    assert (read if how == "stream" else gzip.decompress(read)) == fastq(50, 1)


def test_the_list_for_dragen_names_no_mate(lab: RunnerLab) -> None:
    steps = (*STEPS[:1], pipe(["cat", "{tmp}/fastq_list.csv"], stdout="{out}/reads"))
    stage = a_stage(steps=steps, outputs=OUTPUTS, measures={}, reads="files")
    assert lab.run(lab.plan(stage, pairs=(single(lab),))).returncode == 0
    row = (lab.read(prefix_of("align") + "reads") or b"").decode().splitlines()[1].split(",")
    assert row[0] == "L.1"
    assert row[4].endswith("L.1_R1.fastq.gz")
    assert row[5] == ""


@pytest.mark.parametrize("how", ["stream", "files"])
@pytest.mark.parametrize(
    ("content", "why"),
    [
        (gzip.compress(fastq(50, 1))[:-20], "R1 of lane L.1"),
        (gzip.compress(b"@a\nACGT\n+\nII\n"), "R1 of lane L.1"),
        (b"no gzip", "R1 of lane L.1"),
    ],
    ids=["cut off", "no FASTQ", "no gzip"],  # a gzip's bytes have the time in them
)
def test_a_broken_file_holds_the_sample(lab: RunnerLab, how: str, content: bytes, why: str) -> None:
    stage = a_stage(steps=STEPS, outputs=OUTPUTS, measures={}, reads=how)
    assert why in failed(lab, FailureClass.BAD_INPUT, stage, pairs=(single(lab, content),))


def test_a_tool_that_leaves_early_is_found_out(lab: RunnerLab) -> None:
    many = gzip.compress(fastq(50_000, 1), 1)
    steps = (pipe(["head", "-n", "4", "{pair.r1}"], each=True, stdout="{out}/reads"),)
    stage = a_stage(steps=steps, outputs=OUTPUTS, measures={})
    message = failed(lab, FailureClass.TOOL_FAILED, stage, pairs=(single(lab, many),))
    assert "ended without reading all of R1" in message


def test_a_tool_that_crashes_is_the_tool_s_fault(lab: RunnerLab) -> None:
    many = gzip.compress(fastq(50_000, 1), 1)
    lab.tool("crash", '#!/bin/sh\n[ "$1" = --version ] && echo 1 && exit\nhead -n 4 "$1"\nexit 3\n')
    steps = (pipe(["crash", "{pair.r1}"], each=True, stdout="{out}/reads"),)
    stage = a_stage(steps=steps, outputs=OUTPUTS, measures={})
    message = failed(lab, FailureClass.TOOL_FAILED, stage, pairs=(single(lab, many),))
    assert "crash ended with exit code 3" in message


def test_a_step_that_wants_a_mate_is_the_plan_s_mistake(lab: RunnerLab) -> None:
    steps = (pipe(["cat", "{pair.r1}", "{pair.r2}"], each=True, stdout="{out}/reads"),)
    stage = a_stage(steps=steps, outputs=OUTPUTS, measures={})
    message = failed(lab, FailureClass.BAD_PLAN, stage, pairs=(single(lab),))
    assert "{pair.r2} in lane L.1, whose reads are single" in message


def interleaved(lab: RunnerLab, *records: bytes, lane: str = "L.1") -> ReadPair:
    both = fastq(50, 1).splitlines(keepends=True), fastq(50, 2).splitlines(keepends=True)
    made = [b"".join(m[n : n + 4]) for n in range(0, 200, 4) for m in both] if not records else []
    content = gzip.compress(b"".join(records or made))
    return structs.replace(lab.pair(content, lane=lane), r2=None, interleaved=True)


BOTH = (
    pipe(["paste", "{pair.r1}", "{pair.r2}"], each=True, stdout="{tmp}/{pair.id}"),
    pipe(["cat", "{tmp}/L.1"], stdout="{out}/reads"),
)


def test_mates_of_one_file_reach_the_tool_as_two(lab: RunnerLab) -> None:
    stage = a_stage(steps=BOTH, outputs=OUTPUTS, measures={})
    assert lab.run(lab.plan(stage, pairs=(interleaved(lab),))).returncode == 0
    read = (lab.read(prefix_of("align") + "reads") or b"").splitlines()
    one, two = ([line.split(b"\t")[n] for line in read] for n in (0, 1))
    assert (one, two) == (fastq(50, 1).splitlines(), fastq(50, 2).splitlines())
    result = lab.result()
    assert result is not None
    assert result.counts["reads_in"] == 100
    assert result.counts["identical_mates"] == 50  # these mates have the same bases
    assert result.lanes["L.1"]["reads_in"] == 100


def record(name: str) -> bytes:
    return f"@{name}\nACGT\n+\nIIII\n".encode()


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["a", "a", "b"], "has 1 reads, R1 has 2"),
        (["a", "b", "c", "d"], "hold different reads from record 1 on (a and b)"),
        (["a", "a", "b", "c"], "hold different reads from record 2 on (b and c)"),
    ],
)
def test_a_file_that_is_not_interleaved_holds_the_sample(
    lab: RunnerLab, names: list[str], why: str
) -> None:
    stage = a_stage(steps=BOTH, outputs=OUTPUTS, measures={})
    pair = interleaved(lab, *map(record, names))
    assert why in failed(lab, FailureClass.BAD_INPUT, stage, pairs=(pair,))


def test_a_stage_that_wants_files_can_t_have_them(lab: RunnerLab) -> None:
    stage = a_stage(steps=BOTH, outputs=OUTPUTS, measures={}, reads="files")
    message = failed(lab, FailureClass.BAD_PLAN, stage, pairs=(interleaved(lab),))
    assert "lane L.1 is interleaved" in message
