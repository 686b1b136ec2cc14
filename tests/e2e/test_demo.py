"""The demo as a newcomer runs it: on a machine without bwa, samtools or bcftools."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab import PROJECT

TOOLS = {
    "bwa", "samtools", "bcftools", "mosdepth", "dragen", "isaac-align", "strelka2-germline",
}  # fmt: skip
SECONDS_AT_MOST = 600
"""Only so that a demo that hangs ends: it takes half a minute."""


@dataclass(frozen=True)
class Demo:
    """A demo that has ended."""

    code: int
    shown: str
    kept: Path
    scratch: Path

    def rows(self) -> list[str]:
        """The lines of the table of recall and precision."""
        return [line for line in self.shown.splitlines() if line.endswith("%")]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    kept, scratch = tmp_path_factory.mktemp("kept"), tmp_path_factory.mktemp("scratch")
    ended = subprocess.run(
        [sys.executable, "-m", "local.demo", "--keep", str(kept)],
        cwd=PROJECT,
        env={
            **os.environ,
            "PATH": str(path_without_tools(tmp_path_factory.mktemp("bin"))),
            "TMPDIR": str(scratch),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS_AT_MOST,
        check=False,
    )
    return Demo(ended.returncode, ended.stdout, kept, scratch)


def path_without_tools(bare: Path) -> Path:
    """All commands of this machine but those that the pipelines' tools go by."""
    for folder in filter(None, os.environ["PATH"].split(os.pathsep)):
        for command in Path(folder).glob("*"):
            link = bare / command.name
            if command.name not in TOOLS and not link.is_symlink():
                link.symlink_to(command)
    return bare


def test_the_demo_finds_what_was_planted_through_both_queues(demo: Demo) -> None:
    assert demo.code == 0, demo.shown
    found = {tuple(row.split()[:2]) for row in demo.rows()}
    assert found == {("ADA", "fpga-genome"), ("BEN", "cpu")}
    shares = [float(share.rstrip("%")) for row in demo.rows() for share in row.split()[-2:]]
    assert len(shares) == 8
    assert min(shares) >= 99


def test_the_demo_marks_what_a_stand_in_made(demo: Demo) -> None:
    marked = [row.split()[0] for row in demo.rows() if "(stand-in)" in row]
    assert marked == ["ADA", "ADA"]
    assert "STAND-IN: ADA went through the FPGA queue" in demo.shown


def test_the_demo_keeps_the_results_and_leaves_nothing_else(demo: Demo) -> None:
    kept = {path.name.split(".")[0] for path in demo.kept.glob("results/*.variants.vcf.gz")}
    assert kept == {"ADA", "BEN"}
    assert list(demo.scratch.iterdir()) == []
    processes = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert str(demo.scratch) not in processes.stdout


def test_the_demo_is_plain_text_in_a_pipe(demo: Demo) -> None:
    assert "\x1b" not in demo.shown
    assert max(map(len, demo.shown.splitlines())) < 200
