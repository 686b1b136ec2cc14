"""Our images: built from their recipes, and jobs run in them as Batch runs them."""

import gzip
import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.deployment import PROJECT
from cli.supply_chain import SYFT, sbom_command
from seqdrop.domain.failure import EXIT_CODES, FailureClass
from seqdrop.domain.pipeline import Output
from seqdrop.domain.plan import RunPlan
from seqdrop.library import Library
from tests.containers.conftest import BUILT
from tests.docker_support import Docker
from tests.runner_support import (
    BUCKET,
    ROOT,
    RunnerLab,
    a_stage,
    empty,
    fastq,
    outcomes,
    pipe,
    s3_server,
)

STAGE = a_stage(
    steps=(
        pipe(
            ["samtools", "import", "-1", "{pair.r1}", "-2", "{pair.r2}", "-o",
             "{tmp}/{pair.id}.bam"],
            each=True,
        ),
        pipe(["cp", "{tmp}/L.1.bam", "{out}/alignment.bam"]),
        pipe(
            ["samtools", "flagstat", "-O", "json", "{out}/alignment.bam"],
            stdout="{out}/flagstat.json",
        ),
    ),
    outputs=(Output("alignment.bam"), Output("flagstat.json")),
)  # fmt: skip


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[RunnerLab]:
    """A store, and plans in it."""
    with s3_server() as server:
        yield RunnerLab(tmp_path, *server)
        empty(server[0])


NAMES = [recipe.name for recipe in BUILT]
LARGE = {"snpeff", "report", "dragen"}
"""Java, and MultiQC's plots: these may be larger than 400 MB."""
LABELS = {"title", "version", "licenses", "source", "description"}


def run_in_image(
    docker: Docker, image: str, lab: RunnerLab, plan: RunPlan
) -> subprocess.CompletedProcess[str]:
    given = {name: value for name, value in lab.environment.items() if name.startswith("AWS_")}
    variables = [word for name, value in given.items() for word in ("--env", f"{name}={value}")]
    return docker.run(
        "run", "--rm", "--network", "host", *variables, image,
        "seqdrop-runner", f"s3://{BUCKET}/{plan.folder}plan.json", "align",
    )  # fmt: skip


def shell_in(docker: Docker, image: str, *command: str) -> subprocess.CompletedProcess[str]:
    """A command beside the entry point, as only who builds an image runs it."""
    program, *rest = command
    return docker.run("run", "--rm", "--network", "host", "--entrypoint", program, image, *rest)


def test_a_job_publishes_what_it_made(
    docker: Docker, images: dict[str, str], lab: RunnerLab
) -> None:
    ended = run_in_image(docker, images["cpu"], lab, lab.plan(STAGE, pairs=(lab.pair(),)))
    assert ended.returncode == 0, ended.stderr
    result = lab.result()
    assert result is not None
    assert {file.name for file in result.files} == {"alignment.bam", "flagstat.json"}
    assert (result.counts["reads_in"], result.metrics["primary_out"]) == (100, 100)
    assert result.tools["samtools"].startswith("samtools 1.")
    assert not result.simulated


def test_a_bad_file_s_class_is_the_container_s_exit_code(
    docker: Docker, images: dict[str, str], lab: RunnerLab
) -> None:
    cut = gzip.compress(fastq(50, 2))[:-9]
    plan = lab.plan(STAGE, pairs=(lab.pair(r2=cut),))
    ended = run_in_image(docker, images["cpu"], lab, plan)
    assert ended.returncode == EXIT_CODES[FailureClass.BAD_INPUT]
    assert outcomes(ended.stdout)[-1]["failure_class"] == FailureClass.BAD_INPUT


@pytest.mark.parametrize("name", NAMES)
def test_it_has_every_program_that_its_stages_call(
    docker: Docker, images: dict[str, str], name: str
) -> None:
    library = Library(str(ROOT / "pipelines"))
    pipelines = [*map(library.pipeline, library.pipeline_names()), library.reference_indexes()]
    stages = [stage for one in pipelines for stage in one.stages.values()]
    wanted = sorted(
        str(command[0])
        for stage in [*stages, library.comparison()]
        if stage.image_name == name
        for step in stage.steps
        for command in step.pipe
    )
    check = 'for program in "$@"; do command -v "$program" || { echo "no $program"; exit 1; }; done'
    ended = shell_in(docker, images[name], "sh", "-c", check, "sh", "seqdrop-runner", *wanted)
    assert ended.returncode == 0, ended.stdout


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_the_runner_alone_and_without_privilege(
    docker: Docker, images: dict[str, str], name: str
) -> None:
    assert shell_in(docker, images[name], "id", "-u").stdout.strip() == "65534"
    for command in (["sh", "-c", "echo got in"], ["seqdrop-runner", "sh", "-c"], []):
        ended = docker.run("run", "--rm", "--network", "host", images[name], *command)
        assert "got in" not in ended.stdout
        assert "usage: seqdrop-runner" in ended.stdout + ended.stderr
    assert shell_in(docker, images[name], "sh", "-c", "command -v dragen").returncode == 127
    python = ["env", "PYTHONPATH=/opt/seqdrop/packages", "/opt/seqdrop/bin/python"]
    ended = shell_in(docker, images[name], *python, "-c", "import local")
    assert "No module named 'local'" in ended.stderr, "what plays tools is in no image"


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_is_and_is_no_larger_than_it_must(
    docker: Docker, images: dict[str, str], name: str
) -> None:
    found = json.loads(docker.good("image", "inspect", images[name]))[0]
    labels = found["Config"]["Labels"]
    said = {each.removeprefix("org.opencontainers.image."): labels[each] for each in labels}
    assert said.keys() >= LABELS
    assert all(said.values())
    assert said["title"] == f"seqdrop/{name}"
    assert found["Size"] <= 400e6 or name in LARGE


VERSIONS = {
    "cpu": {
        "bwa": "bwa 2>&1 | sed -n 's/^Version: //p'",
        "samtools": "samtools --version | sed -n '1s/samtools //p'",
        "bcftools": "bcftools --version | sed -n '1s/bcftools //p'",
        "freebayes": "freebayes --version | sed -n 's/^version: *v//p'",
        "mosdepth": "mosdepth --version | sed 's/mosdepth //'",
    },
    "report": {"MultiQC": "multiqc --version | sed 's/.*version //'"},
    "snpeff": {
        "snpEff": "snpEff --version | cut -f 2",
        "bcftools": "bcftools --version | sed -n '1s/bcftools //p'",
    },
}


@pytest.mark.parametrize("name", NAMES)
def test_its_tools_are_of_the_versions_that_its_label_says(
    docker: Docker, images: dict[str, str], name: str
) -> None:
    label = '{{index .Config.Labels "org.opencontainers.image.version"}}'
    said = docker.good("image", "inspect", "--format", label, images[name]).strip()
    for tool, ask in VERSIONS[name].items():
        answer = shell_in(docker, images[name], "sh", "-c", ask).stdout.strip()
        version = re.search(rf"{tool} (\S+?)(?:,|$)", said)
        assert version, said
        assert answer.startswith(version[1]), f"{tool} says {answer!r}"


WITH_ARCHIVE = [
    ("strelka2", "strelka-2.9.10.centos6_x86_64.tar.bz2"),
    ("isaac", "isaac-04.18.11.09.tar.gz"),
    ("dragen", "edico-4.4.4-1.el8.x86_64.rpm"),
    ("dragen", "dragen-softwaremode-4.4.4-1.el8.x86_64.rpm"),
    ("nextflow", "nextflow-25.10.0-dist"),
]


def unpacked(folder: Path, name: str) -> subprocess.CompletedProcess[str]:
    """What the step of a recipe does with an archive folder."""
    recipe = (PROJECT / "containers" / name / "Dockerfile").read_text("utf-8")
    pattern = re.search(r"^ARG ARCHIVE=(\S+)$", recipe, re.MULTILINE)
    assert pattern
    script = PROJECT / "containers/runner/unpack-archive"
    return subprocess.run(
        ["sh", str(script), str(folder), pattern[1], str(folder / "there")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(("name", "archive"), WITH_ARCHIVE)
def test_a_vendor_s_archive_is_taken_only_as_its_checksum_says(
    tmp_path: Path, name: str, archive: str
) -> None:
    said = unpacked(tmp_path, name)
    assert said.returncode == 1
    assert "put the vendor's archive there" in said.stderr
    inside = tmp_path / "top/bin"
    inside.mkdir(parents=True)
    (inside / "tool").write_text("tool")
    if archive.endswith((".bz2", ".gz")):
        subprocess.run(["tar", "-caf", archive, "top"], cwd=tmp_path, check=True)
    else:
        (tmp_path / archive).write_bytes(b"program")
    shutil.rmtree(tmp_path / "top")
    assert "there is no SHA256SUMS" in unpacked(tmp_path, name).stderr
    sums = tmp_path / "SHA256SUMS"
    sums.write_text(f"{'0' * 64}  another-{archive}\n")
    assert f"SHA256SUMS does not name {archive}" in unpacked(tmp_path, name).stderr
    sums.write_text(f"{'0' * 64}  {archive}\n")
    assert "is not what SHA256SUMS says" in unpacked(tmp_path, name).stderr
    digest = hashlib.sha256((tmp_path / archive).read_bytes()).hexdigest()
    sums.write_text(f"{'1' * 64}  other\n{digest} *{archive}\n")
    said = unpacked(tmp_path, name)
    assert said.returncode == 0, said.stderr
    there = sorted(path.name for path in (tmp_path / "there").rglob("*") if path.is_file())
    assert there == (["tool"] if archive.endswith((".bz2", ".gz")) else [archive])
    (tmp_path / archive.replace(".", ".9.", 1).replace("2.9.9.10", "2.9.10.9")).write_bytes(b"x")


def test_an_image_without_its_archive_stops_with_what_to_do(docker: Docker, base: str) -> None:
    ended = docker.run(
        "build", "--network", "host", "--build-arg", f"BASE_IMAGE={base}",
        "--file", "containers/strelka2/Dockerfile", ".",
    )  # fmt: skip
    assert ended.returncode != 0
    assert "seqdrop: the base image has no python2.7" in ended.stdout + ended.stderr


def test_its_packages_are_listed_as_spdx(
    docker: Docker, images: dict[str, str], tmp_path: Path
) -> None:
    """Debian's and PyPI's packages, each with its version, as `seqdrop deploy --sbom` does it."""
    subprocess.run(SYFT, cwd=PROJECT, check=True, capture_output=True)
    file = tmp_path / "cpu.spdx.json"
    subprocess.run(sbom_command(images["cpu"], file), cwd=PROJECT, check=True)
    document = json.loads(file.read_text("utf-8"))
    assert document["spdxVersion"] == "SPDX-2.3"
    versions = {one["name"]: one.get("versionInfo", "") for one in document["packages"]}
    assert versions["samtools"].startswith("1.16.1-")
    locked = (PROJECT / "locks/runner.txt").read_text("utf-8")
    assert f"msgspec=={versions['msgspec']} " in locked
