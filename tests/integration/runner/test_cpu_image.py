"""The CPU jobs' image: built from its recipe, and jobs run in it as Batch runs them."""

import gzip
import subprocess
import sys
from collections.abc import Iterator

import pytest

from seqdrop.domain.failure import EXIT_CODES, FailureClass
from seqdrop.domain.pipeline import Output
from seqdrop.domain.plan import RunPlan
from seqdrop.library import Library
from tests.docker_support import Docker, engine
from tests.runner_support import BUCKET, ROOT, RunnerLab, a_stage, fastq, outcomes, pipe

IMAGE = "seqdrop-test-cpu:latest"
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

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs the host's network")


@pytest.fixture(scope="module")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Docker]:
    """An engine that has the image."""
    folder = tmp_path_factory.mktemp("docker")
    with engine(folder) as docker:
        base = docker.base_image(folder)
        docker.good(
            "build", "--network", "host", "--build-arg", f"BASE_IMAGE={base}",
            "--file", "containers/cpu/Dockerfile", "--tag", IMAGE, ".",
        )  # fmt: skip
        yield docker


def run_in_image(docker: Docker, lab: RunnerLab, plan: RunPlan) -> subprocess.CompletedProcess[str]:
    given = {name: value for name, value in lab.environment.items() if name.startswith("AWS_")}
    variables = [word for name, value in given.items() for word in ("--env", f"{name}={value}")]
    return docker.run(
        "run", "--rm", "--network", "host", *variables, IMAGE,
        "seqdrop-runner", f"s3://{BUCKET}/{plan.folder}plan.json", "align",
    )  # fmt: skip


def test_a_job_publishes_what_it_made(docker: Docker, lab: RunnerLab) -> None:
    ended = run_in_image(docker, lab, lab.plan(STAGE, pairs=(lab.pair(),)))
    assert ended.returncode == 0, ended.stderr
    result = lab.result()
    assert result is not None
    assert {file.name for file in result.files} == {"alignment.bam", "flagstat.json"}
    assert (result.counts["reads_in"], result.metrics["primary_out"]) == (100, 100)
    assert result.tools["samtools"].startswith("samtools 1.")
    assert not result.simulated


def test_a_bad_file_s_class_is_the_container_s_exit_code(docker: Docker, lab: RunnerLab) -> None:
    cut = gzip.compress(fastq(50, 2))[:-9]
    ended = run_in_image(docker, lab, lab.plan(STAGE, pairs=(lab.pair(r2=cut),)))
    assert ended.returncode == EXIT_CODES[FailureClass.BAD_INPUT]
    assert outcomes(ended.stdout)[-1]["failure_class"] == FailureClass.BAD_INPUT


def test_it_has_every_program_that_cpu_stages_call(docker: Docker) -> None:
    library = Library(str(ROOT / "pipelines"))
    stages = [
        stage
        for name in library.pipeline_names()
        for stage in library.pipeline(name).stages.values()
        if stage.queue == "cpu"
    ]
    wanted = sorted({str(command[0]) for s in stages for step in s.steps for command in step.pipe})
    assert {"bwa", "samtools", "bcftools"} <= set(wanted)
    check = 'for program in "$@"; do command -v "$program" || exit 1; done'
    docker.good("run", "--rm", "--network", "host", IMAGE, "sh", "-c", check, "sh", *wanted)


def test_it_runs_without_privilege_and_plays_nothing(docker: Docker) -> None:
    assert docker.good("run", "--rm", "--network", "host", IMAGE, "id", "-u").strip() == "65534"
    said = docker.run("run", "--rm", "--network", "host", IMAGE, "sh", "-c", "command -v dragen")
    assert (said.stdout, said.returncode) == ("", 127), "dash: no such command"
    python = ["/opt/seqdrop/bin/python", "-c", "import local"]
    ended = docker.run(
        "run",
        "--rm",
        "--network",
        "host",
        "--env",
        "PYTHONPATH=/opt/seqdrop/packages",
        IMAGE,
        *python,
    )
    assert "No module named 'local'" in ended.stderr
