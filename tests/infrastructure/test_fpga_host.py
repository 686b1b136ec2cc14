"""The component that makes AMIs of FPGA hosts: its form, and its commands over stand-ins for a
host's programs."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.infrastructure.stack import PROJECT

DOCUMENT = PROJECT / "infrastructure/fpga-host/component.yaml"
COMPONENT: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text("utf-8"))
STEPS = {step["name"]: step for phase in COMPONENT["phases"] for step in phase["steps"]}
SCRIPTS = {
    name: s["inputs"]["commands"] for name, s in STEPS.items() if s["action"] == "ExecuteBash"
}
DEFAULTS = {
    name: given.get("default") for one in COMPONENT["parameters"] for name, given in one.items()
}
_PARAMETER = re.compile(r"\{\{ (\w+) \}\}")
_PLACE = re.compile(r"(?<![\w./])/(etc|var|tmp|proc|dev/bus|usr/libexec)\b")


def test_it_is_a_component_that_image_builder_takes() -> None:
    """By its document's schema: https://docs.aws.amazon.com/imagebuilder/latest/userguide/toe-use-documents.html."""
    assert COMPONENT.keys() == {"name", "description", "schemaVersion", "parameters", "phases"}
    assert COMPONENT["schemaVersion"] == 1.0
    assert [phase["name"] for phase in COMPONENT["phases"]] == ["build", "validate", "test"]
    assert len(STEPS) == sum(len(phase["steps"]) for phase in COMPONENT["phases"])
    for one in COMPONENT["parameters"]:
        ((_, given),) = one.items()
        assert {"type", "description"} <= given.keys() <= {"type", "description", "default"}
        assert given["type"] == "string"
    for step in STEPS.values():
        assert step.keys() == {"name", "action", "inputs"}
        assert step["action"] in {"ExecuteBash", "S3Download"}
    assert len(DOCUMENT.read_bytes()) <= 16_000  # what CreateComponent takes as its data


def test_every_parameter_is_used_and_every_one_that_is_used_is_there() -> None:
    used = set(_PARAMETER.findall(DOCUMENT.read_text("utf-8")))
    assert used == DEFAULTS.keys()


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_step_ends_at_its_first_failure(name: str) -> None:
    for script in SCRIPTS[name]:
        assert script.startswith("set -euo pipefail\n")
        checked = subprocess.run(
            ["/bin/bash", "-n", "-c", script], check=False, capture_output=True
        )
        assert checked.returncode == 0, checked.stderr


@dataclass
class Base:
    """A host's programs as scripts, and what was asked of them."""

    folder: Path

    def program(self, name: str, script: str = "") -> None:
        path = self.folder / name
        path.write_text(f'#!/bin/bash\necho "{name} $*" >>{self.folder}/told\n{script}\n')
        path.chmod(0o755)

    @property
    def told(self) -> list[str]:
        file = self.folder / "told"
        return file.read_text().splitlines() if file.exists() else []

    def run(self, step: str, **parameters: str) -> subprocess.CompletedProcess[str]:
        """A step's commands; paths of the host lie below the folder."""
        values = {**DEFAULTS, **parameters}
        script = _PARAMETER.sub(lambda found: str(values[found[1]]), SCRIPTS[step][0])
        script = _PLACE.sub(rf"{self.folder}/root\g<0>", script)
        return subprocess.run(
            ["/bin/bash", "-c", script],
            env={"PATH": str(self.folder)}, check=False, capture_output=True, text=True,
        )  # fmt: skip


@pytest.fixture
def base(tmp_path: Path) -> Base:
    """A system as a recipe may begin with: what it has of its own is this machine's."""
    found = Base(tmp_path)
    for folder in ("etc/systemd/system", "etc/yum.repos.d", "etc/ecs", "tmp", "proc/sys/fs"):
        (tmp_path / "root" / folder).mkdir(parents=True)
    for name in ("cat", "grep", "sort", "mkdir", "rm", "sha256sum", "touch"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    for name in ("dnf", "cloud-init", "systemctl", "modprobe", "mountpoint", "mkfs.xfs", "python3"):
        found.program(name)
    found.program("rpm", "echo 1.4.8.13")
    found.program("uname", "echo x86_64")
    found.program("modinfo", "exit 1")
    found.program(
        "systemctl", '[ "$1" = show ] && echo "After=docker.service cloud-final.service"; exit 0'
    )
    (tmp_path / "root/proc/sys/fs/nr_open").write_text("1048576\n")
    return found


def test_a_base_for_other_machines_is_refused(base: Base) -> None:
    assert base.run("SuitsTheSystem").returncode == 0
    (base.folder / "cloud-init").unlink()
    assert "the base image has no cloud-init" in base.run("SuitsTheSystem").stderr
    base.program("uname", "echo aarch64")
    assert "this is aarch64" in base.run("SuitsTheSystem").stderr


@pytest.mark.parametrize("repository", ["none", "https://mirror.example/docker.repo"])
def test_docker_comes_from_the_distribution_or_from_where_it_is_said(
    base: Base, repository: str
) -> None:
    base.program("curl", 'while [ "$1" != -o ]; do shift; done; touch "$2"')
    assert base.run("InstallDocker", DockerRepository=repository).returncode == 0
    given = (base.folder / "root/etc/yum.repos.d/docker.repo").exists()
    assert given is (repository != "none")
    assert f"dnf install -y docker{'-ce' if given else ''}" in "\n".join(base.told)


def test_the_agent_is_the_region_s_and_waits_for_user_data(base: Base) -> None:
    base.program(
        "curl",
        """
case "$*" in
*api/token*) echo token;;
*placement/region*) [[ "$*" == *": token"* ]] && echo eu-west-2;;
*services/domain*) echo amazonaws.com;;
*) while [ "$1" != -o ]; do shift; done; touch "$2";;
esac""",
    )
    ended = base.run("InstallEcsAgent")
    assert ended.returncode == 0, ended.stderr
    asked = "https://s3.eu-west-2.amazonaws.com/amazon-ecs-agent-eu-west-2/amazon-ecs-init-latest.x86_64.rpm"
    assert any(line.endswith(asked) for line in base.told)
    assert "systemctl enable docker.service ecs.service" in base.told
    unit = base.folder / "root/etc/systemd/system/ecs.service.d/seqdrop.conf"
    assert unit.read_text() == "[Unit]\nAfter=cloud-final.service\n"


def test_a_driver_that_is_not_what_it_should_be_is_not_installed(base: Base) -> None:
    package = base.folder / "root/tmp/dragen-driver.rpm"
    package.write_bytes(b"driver")
    sha256 = "b07b0a1d4d2ba7ac7b2a1e1ec5d2d2e4f5f6a7b8c9d0e1f2a3b4c5d6e7f80912"
    assert base.run("InstallDriver", DriverSha256=sha256).returncode != 0
    assert not any(line.startswith("dnf") for line in base.told)
    known = subprocess.run(["sha256sum", str(package)], capture_output=True, text=True, check=True)
    ended = base.run("InstallDriver", DriverSha256=known.stdout.split()[0])
    assert ended.returncode == 0, ended.stderr
    assert base.told == [f"dnf install -y {package}"]
    assert not package.exists()


def test_an_ami_has_nothing_of_the_cluster_that_its_maker_joined(base: Base) -> None:
    data = base.folder / "root/var/lib/ecs/data"
    data.mkdir(parents=True)
    (data / "agent.db").touch()
    settings = base.folder / "root/etc/ecs/ecs.config"
    settings.write_text("ECS_CLUSTER=mine\n")
    assert base.run("LeaveNothingOfThisHost").returncode == 0
    assert not data.exists()
    assert not settings.exists()


@pytest.mark.parametrize(
    ("version", "is_taken"),
    [("1.4.8.13", True), ("1.4.8.14", True), ("1.4.10", True), ("2.0", True), ("1.10.0", True),
     ("1.4.8.12", False), ("1.4.8.2", False), ("1.4.8", False), ("0.9", False)],
)  # fmt: skip
@pytest.mark.parametrize("told_by", ["modinfo", "rpm"])
def test_a_driver_that_is_too_old_is_refused(
    base: Base, told_by: str, version: str, is_taken: bool
) -> None:
    base.program(told_by, f"echo {version}")
    ended = base.run("HasWhatJobsNeed")
    assert (ended.returncode == 0) is is_taken, ended.stderr
    if not is_taken:
        assert f"the driver is {version}, and 1.4.8.13 or later is needed" in ended.stderr


@pytest.mark.parametrize(
    ("program", "script", "says"),
    [
        ("rpm", "exit 1", "there is no driver dragen_drv"),
        ("systemctl", '[ "$1" = show ] && echo After=docker.service; exit 0', "before user data"),
        ("systemctl", '[ "$2" != ecs.service ]', "ecs.service does not start with the host"),
    ],
)
def test_what_jobs_would_miss_is_said(base: Base, program: str, script: str, says: str) -> None:
    assert base.run("HasWhatJobsNeed").returncode == 0
    base.program(program, script)
    ended = base.run("HasWhatJobsNeed")
    assert ended.returncode != 0
    assert says in ended.stderr


@pytest.mark.parametrize(
    ("missing", "says"), [("mkfs.xfs", "no mkfs.xfs"), ("python3", "no Python")]
)
def test_a_program_that_hosts_would_miss_is_said(base: Base, missing: str, says: str) -> None:
    (base.folder / missing).unlink()
    assert says in base.run("HasWhatJobsNeed").stderr


def test_too_few_open_files_are_said(base: Base) -> None:
    (base.folder / "root/proc/sys/fs/nr_open").write_text("65536\n")
    assert "720,000 files" in base.run("HasWhatJobsNeed").stderr


def test_a_host_without_a_board_is_refused(base: Base) -> None:
    base.program("lsblk", "echo 'Amazon EC2 NVMe Instance Storage'")
    (base.folder / "root/dev/bus").mkdir(parents=True)
    ended = base.run("HasItsBoard")
    assert ended.returncode == 0, ended.stderr
    base.program("lsblk", "echo 'Amazon Elastic Block Store'")
    assert "is this an f2.6xlarge?" in base.run("HasItsBoard").stderr
    (base.folder / "root/dev/bus").rmdir()
    assert "/dev/bus" in base.run("HasItsBoard").stderr
    base.program("modprobe", "exit 1")
    assert "another kernel" in base.run("HasItsBoard").stderr
