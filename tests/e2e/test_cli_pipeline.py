"""A lab writes a pipeline, checks it and tries it, as its shell runs the commands."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command import Command
from tests.lab import PROJECT, fasta, make_genome, pair

FOLDERS = (
    "cli", "containers", "functions", "infrastructure", "layers", "local", "pipelines",
    "statemachine",
)  # fmt: skip
_SECONDS = 110
BROKEN = """\
name: broken
description: counts the lines of the reads
stages:
  count:
    queue: cpu
    reads: files
    size: {vcpus: 1, memory_mib: {base: 100}, seconds: {base: 1}}
    steps:
      - for_each: read_pair
        pipe: [[PROGRAM, "{pair.r1}", "{pair.r2}"]]
        stdout: "{tmp}/{pair.id}.txt"
      - pipe: [[touch, "{out}/counts.txt"]]
    outputs: [{name: counts.txt}]
  genes:
    queue: cpu
    needs: [count]
    when: annotation
    size: {vcpus: 1, memory_mib: {base: 100}, seconds: {base: 1}}
    steps: [{pipe: [[cat, "{in}/counts.txt"]], stdout: "{out}/genes.txt"}]
    outputs: [{name: genes.txt}]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, whose pipelines are the lab's own."""
    copied = tmp_path_factory.mktemp("copy") / "project"
    for folder in FOLDERS:
        shutil.copytree(PROJECT / folder, copied / folder)
    shutil.copy(PROJECT / "template.yaml", copied)
    return copied


@pytest.fixture
def command(project: Path, tmp_path: Path) -> Iterator[Command]:
    """The copy's command, in a folder of its own; no folder of a trial may be left."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    command = Command(tmp_path)
    command.environment |= {"PYTHONPATH": str(project), "TMPDIR": str(temporary)}
    yield command
    assert [path.name for path in temporary.glob("seqdrop-test-*")] == []


def ended(command: Command, *arguments: str) -> tuple[int, str, str]:
    """How a command of the copy ends: exit code, output and errors."""
    process = command.start(*arguments)
    try:
        out, err = process.communicate(timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        process.terminate()
        out, err = process.communicate(timeout=60)
        raise AssertionError(out + err) from None
    return process.returncode, out, err


def test_a_new_pipeline_is_checked_and_runs_as_it_is(project: Path, command: Command) -> None:
    code, said, _ = ended(command, "pipeline", "new", "mine")
    assert (code, (project / "pipelines/mine.yaml").is_file()) == (0, True)
    assert "next: seqdrop pipeline check mine" in said
    code, _, err = ended(command, "pipeline", "new", "mine")
    assert (code, len(err.splitlines())) == (1, 1)
    code, said, err = ended(command, "pipeline", "check", "mine")
    assert (code, err) == (0, "")
    assert "variants.vcf.gz" in said
    code, said, err = ended(command, "pipeline", "test", "mine", "--json")
    assert (code, err) == (0, "")
    trial = json.loads(said)
    assert (trial["status"], trial["succeeded"], trial["why"]) == ("SUCCEEDED", True, [])
    assert [(one["stage"], one["status"]) for one in trial["stages"]] == [
        ("align", "SUCCEEDED"), ("call", "SUCCEEDED")
    ]  # fmt: skip
    align, call = trial["stages"]
    assert align["tools"].keys() == {"bwa", "samtools"}
    assert align["seconds"] > 0
    assert {one["name"] for one in call["outputs"]} == {"variants.vcf.gz", "variants.vcf.gz.tbi"}
    assert all(one["bytes"] > 0 for one in call["outputs"])


@pytest.fixture
def own(tmp_path: Path) -> tuple[str, ...]:
    """Reads and a reference of the lab's own, as arguments: smaller, and so sooner done."""
    genome = make_genome(4_000)
    (tmp_path / "own.fa").write_bytes(fasta(genome))
    for mate, body in zip((1, 2), pair(genome=genome), strict=True):
        (tmp_path / f"own_R{mate}.fastq.gz").write_bytes(body)
    return "own_R1.fastq.gz", "own_R2.fastq.gz", "--reference", "own.fa"


def test_a_tool_that_writes_nothing_is_told_with_the_reason_and_the_log(
    project: Path, command: Command, own: tuple[str, ...]
) -> None:
    (project / "pipelines/broken.yaml").write_text(BROKEN.replace("PROGRAM", "cat"))
    code, out, err = ended(command, "pipeline", "test", "broken", *own)
    assert code == 1
    assert "  count: the tools ended well, but their output counts.txt is empty\n" in err
    assert "the last lines of count's log:" in err
    assert err.endswith("broken: the run is FAILED\n")
    assert "genes was not run: its `when: annotation` is false" in out


def test_a_pipeline_with_a_mistake_is_not_tried(project: Path, command: Command) -> None:
    path = project / "pipelines/wrong.yaml"
    path.write_text(BROKEN.replace("broken", "wrong").replace("[count]", "[cuont]"))
    try:
        code, out, err = ended(command, "pipeline", "test", "wrong")
    finally:
        path.unlink()
    assert (code, out) == (1, "")
    assert err.startswith(f"seqdrop: {path}, line 16: stage 'genes' needs 'cuont'")


def test_reads_without_their_reference_are_wrong_usage(command: Command, tmp_path: Path) -> None:
    for name in ("R1.fq", "R2.fq"):
        (tmp_path / name).touch()
    code, _, err = ended(command, "pipeline", "test", "germline-cpu", "R1.fq", "R2.fq")
    assert code == 2
    assert "give reads and their reference together" in err


def test_ctrl_c_ends_a_trial_and_leaves_nothing(
    project: Path, command: Command, own: tuple[str, ...]
) -> None:
    text = BROKEN.replace("broken", "endless")
    text = text.replace('[PROGRAM, "{pair.r1}", "{pair.r2}"]', '[sleep, "99"]')
    path = project / "pipelines/endless.yaml"
    path.write_text(text)
    try:
        process = command.start("pipeline", "test", "endless", *own)
        assert process.stdout is not None
        assert any("count RUNNING" in line for line in process.stdout)
        os.kill(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        path.unlink()
    assert (process.returncode, err) == (130, "stopped: nothing is left running\n")
