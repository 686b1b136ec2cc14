"""Real reads through the embedded runtime in containers, held against the same in processes."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pysam
import pytest

from cli.deployment import PROJECT
from seqdrop.library import Library
from tests.docker_support import Docker
from tests.e2e.command import Command, up
from tests.tools_support import SHARED_DATA

MEASLES = SHARED_DATA / "measles"
CALLS = ("variants.vcf.gz", "variants.g.vcf.gz")

pytestmark = pytest.mark.skipif(not MEASLES.is_dir(), reason="the real data is not here")


def analysed(folder: Path, engine: str) -> Iterator[tuple[Command, dict[str, Any]]]:
    """A runtime in which the measles sample was analysed."""
    folder.mkdir()
    with up(Command(folder), folder / "runtime", "--engine", engine) as (_, ready):
        command = Command(folder, ready["endpoint"])
        command.good("reference", "add", "measles", "1", str(MEASLES / "measles.fa"))
        reads = sorted(map(str, MEASLES.glob("*.fastq.gz")))
        choice = ("--pipeline", "germline-cpu", "--reference", "measles")
        command.good("upload", *reads, "--sample", "Hm2", *choice)
        command.good("wait", "Hm2", "--timeout", "110")
        yield command, ready


@pytest.fixture(scope="module")
def contained(
    docker: Docker, images: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Command, dict[str, Any]]]:
    """All CPU jobs are containers."""
    yield from analysed(tmp_path_factory.mktemp("contained") / "desk", "docker")


def downloaded(command: Command, folder: Path) -> dict[str, Path]:
    """Every result by its plain name."""
    said = command.ask("results", "Hm2", "--download", str(folder))
    return {one["name"]: Path(one["path"]) for one in said["files"]}


def records(path: Path) -> list[str]:
    """The lines of a VCF or an alignment without its header."""
    if path.name.endswith(".bam"):
        with pysam.AlignmentFile(str(path)) as reads:
            return [read.to_string() for read in reads]
    with gzip.open(path, "rt") as text:
        return [line for line in text if not line.startswith("#")]


def test_every_stage_ran_in_a_container_of_its_image(
    docker: Docker, contained: tuple[Command, dict[str, Any]], images: dict[str, str]
) -> None:
    command, ready = contained
    assert ready["images"].items() <= images.items()
    (run,) = command.ask("show", "Hm2")["analyses"][0]["runs"]
    assert (run["status"], run["simulated"]) == ("SUCCEEDED", False)
    asked = ("--filter", "event=start", "--filter", "label=seqdrop", "--format", "{{.From}}")
    began = docker.good("events", "--since", "15m", "--until", "0s", *asked).split()
    library = Library(str(PROJECT / "pipelines"))
    stages = library.pipeline("germline-cpu").stages
    ran = [stages[stage["stage"]].image_name for stage in run["stages"]]
    assert {"cpu", "report"} == set(ran)
    for name in set(ran):
        assert began.count(images[name]) >= ran.count(name), began


def test_containers_give_the_records_of_processes(
    contained: tuple[Command, dict[str, Any]], tmp_path: Path
) -> None:
    """The same tools of the same versions: where the machine's own are others, they may differ."""
    command, _ = contained
    inside = downloaded(command, tmp_path / "inside")
    for other, _ in analysed(tmp_path / "desk", "process"):
        outside = downloaded(other, tmp_path / "outside")
        assert inside.keys() == outside.keys()
        for name in (*CALLS, "alignment.bam"):
            assert records(inside[name]) == records(outside[name]), name
    assert len(records(inside["variants.vcf.gz"])) > 80


def test_one_image_gives_the_same_bytes_again(
    contained: tuple[Command, dict[str, Any]], tmp_path: Path
) -> None:
    command, _ = contained
    before = command.ask("results", "Hm2")
    command.good("rerun", "Hm2", "--fresh")
    command.good("wait", "Hm2", "--timeout", "110")
    after = command.ask("results", "Hm2")
    assert before["run"] != after["run"]
    sums = [
        {one["name"]: one["sha256"] for one in said["files"] if one["name"] != "report.html"}
        for said in (before, after)
    ]
    assert sums[0] == sums[1]
