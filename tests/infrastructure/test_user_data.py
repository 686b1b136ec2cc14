"""What hosts do at their first start, run over a host that is made of small commands."""

import configparser
import email
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.infrastructure.stack import PROJECT, of_type

TEMPLATES = of_type("AWS::EC2::LaunchTemplate")
ROOT = "/dev/nvme0n1 Amazon Elastic Block Store"
EBS = ["/dev/nvme1n1 Amazon Elastic Block Store", "/dev/nvme2n1 Amazon Elastic Block Store"]
STORE = "/dev/nvme3n1 Amazon EC2 NVMe Instance Storage"
STORES = [STORE, "/dev/nvme4n1 Amazon EC2 NVMe Instance Storage"]
TELLING = ("mdadm", "mkfs.xfs", "mkdir", "mount", "chmod", "touch", "shutdown", "dnf")


def user_data(template: str) -> list[tuple[str, str]]:
    """The parts of a launch template's user data: what cloud-init takes each for, and its text."""
    text = TEMPLATES[template]["LaunchTemplateData"]["UserData"]["Fn::Base64"]
    message = email.message_from_string(_joined(text))
    assert message.get_content_type() == "multipart/mixed"
    _, *parts = message.walk()
    return [(part.get_content_type(), str(part.get_payload())) for part in parts]


def _joined(value: Any, *, whole: bool = False) -> str:
    """Text, with what is there only under a condition left out, unless it is to be ``whole``."""
    if isinstance(value, str):
        return value
    if "Fn::If" in value:
        return _joined(value["Fn::If"][1 if whole else 2], whole=whole)
    separator, parts = value["Fn::Join"]
    return str(separator.join(_joined(part, whole=whole) for part in parts))


def scratch_script(template: str) -> str:
    """What makes scratch, once: at the first start."""
    kind, script = user_data(template)[-1]
    assert kind == "text/x-shellscript"
    return script


def service_script(template: str) -> str:
    """What starts the host's own program."""
    kind, script = user_data(template)[-2]
    assert kind == "text/x-shellscript"
    return script


def run(folder: Path, *disks: str, mounted: bool = False, broken: str = "") -> list[str]:
    """The commands that the script gives on a host with these disks, the first one partitioned."""
    told = folder / "told"
    told.touch()
    listing = folder / "disks"
    listing.write_text("".join(f"{disk}\n" for disk in disks))
    commands = {name: f'echo {name} "$@" >> {told}; exit {int(name == broken)}' for name in TELLING}
    commands["mountpoint"] = f"exit {int(not mounted)}"
    commands["lsblk"] = (
        f'if [ "$1" = -dnpo ]; then cat {listing}\n'
        f'elif [ "$3" = /dev/nvme0n1 ]; then echo "nvme0n1 "; echo "nvme0n1p1 xfs"\n'
        f'else echo "$(basename "$3") "; fi'
    )
    for name, body in commands.items():
        command = folder / name
        command.write_text(f"#!/bin/bash\n{body}\n")
        command.chmod(0o755)
    subprocess.run(
        ["/bin/bash", "-c", scratch_script("CpuLaunchTemplate")],
        env={"PATH": os.pathsep.join([str(folder), os.defpath])},
        check=False,
        capture_output=True,
        timeout=60,
    )
    return told.read_text().splitlines()


def test_both_kinds_of_hosts_make_scratch_by_the_same_script() -> None:
    assert scratch_script("FpgaLaunchTemplate") == scratch_script("CpuLaunchTemplate")


@pytest.mark.parametrize("template", TEMPLATES)
def test_user_data_are_ascii_and_leave_room_for_batch_s_own(template: str) -> None:
    """EC2 takes 16 KiB, and Batch puts a part of its own beside ours."""
    data = TEMPLATES[template]["LaunchTemplateData"]["UserData"]["Fn::Base64"]
    assert len(_joined(data, whole=True).encode("ascii")) <= 14.5 * 1024


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_host_gets_its_program_as_it_was_tested_and_starts_it(
    template: str, tmp_path: Path
) -> None:
    script = service_script(template)
    for folder in ("/etc/ecs", "/usr/local/sbin", "/etc/systemd/system"):
        (tmp_path / folder[1:]).mkdir(parents=True)
        script = script.replace(f">{folder}", f">{tmp_path}{folder}")
    script = script.replace("mkdir -p /etc/ecs", f"mkdir -p {tmp_path}/etc/ecs")
    settings = tmp_path / "etc/ecs/ecs.config"
    settings.write_text("ECS_CLUSTER=batch\n")  # as Batch has left it
    (tmp_path / "bin").mkdir()
    systemctl = tmp_path / "bin/systemctl"
    systemctl.write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/started\n')
    systemctl.chmod(0o755)
    path = os.pathsep.join([str(tmp_path / "bin"), os.defpath])
    subprocess.run(["/bin/bash", "-c", script], env={"PATH": path}, check=True)
    source = PROJECT / "infrastructure/host"
    program, unit = tmp_path / "usr/local/sbin/seqdrop-host", "seqdrop-host.service"
    assert program.read_text() == (source / "seqdrop_host.py").read_text()
    own = (tmp_path / "etc/systemd/system" / unit).read_text()
    assert own == (source / unit).read_text()
    assert f"{program.relative_to(tmp_path)}'" in own
    assert (tmp_path / "started").read_text() == f"enable --now --no-block {unit}\n"
    cluster, *others = settings.read_text().splitlines()
    assert cluster == "ECS_CLUSTER=batch"
    assert dict(line.split("=", 1) for line in others) == {
        "ECS_ENABLE_SPOT_INSTANCE_DRAINING": "true",
        "ECS_IMAGE_PULL_BEHAVIOR": "prefer-cached",
        "ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION": "10m",
        "ECS_AVAILABLE_LOGGING_DRIVERS": '["json-file","awslogs"]',
        "ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE": "true",
        "ECS_ENABLE_TASK_IAM_ROLE": "true",
        "ECS_ENABLE_TASK_IAM_ROLE_NETWORK_HOST": "true",
    }


@pytest.mark.parametrize(
    ("was_made", "mounted", "ends"),
    [(False, False, False), (True, True, False), (True, False, True), (False, True, False)],
)
def test_a_host_that_starts_again_without_its_scratch_ends(
    tmp_path: Path, was_made: bool, mounted: bool, ends: bool
) -> None:
    """At its first start the service comes before scratch."""
    unit = (PROJECT / "infrastructure/host/seqdrop-host.service").read_text()
    (line,) = (one for one in unit.splitlines() if one.startswith("ExecStartPre="))
    shell, option, command = shlex.split(line.removeprefix("ExecStartPre="))
    assert (shell, option) == ("/bin/sh", "-c")
    marker = tmp_path / "marker"
    if was_made:
        marker.touch()
    for name, body in (("mountpoint", f"exit {int(not mounted)}"), ("shutdown", "echo $0 $*")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    assert command.count("/var/lib/cloud/instance/seqdrop-scratch") == 1
    said = subprocess.run(
        ["/bin/sh", "-c", command.replace("/var/lib/cloud/instance/seqdrop-scratch", str(marker))],
        env={"PATH": os.pathsep.join([str(tmp_path), os.defpath])},
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert ("shutdown -h now" in said.stdout) is ends


def test_the_program_starts_before_the_ecs_agent_and_after_every_fault() -> None:
    text = (PROJECT / "infrastructure/host/seqdrop-host.service").read_text()
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their letters
    unit.read_string(text)
    assert unit["Unit"]["Before"] == "ecs.service"
    assert unit["Service"]["Restart"] == "always"
    # A first start that fails again and again would be given up after five in ten seconds.
    assert int(unit["Service"]["RestartSec"]) * 5 > 10


def test_scratch_is_the_instance_store_where_there_is_one(tmp_path: Path) -> None:
    told = run(tmp_path, ROOT, *EBS, STORE)
    assert told[0] == "mkfs.xfs -f /dev/nvme3n1"
    assert "mount -o noatime /dev/nvme3n1 /scratch" in told
    assert told[-2:] == ["chmod 1777 /scratch", "touch /var/lib/cloud/instance/seqdrop-scratch"]


def test_several_instance_stores_are_striped_and_volumes_beside_them_left_alone(
    tmp_path: Path,
) -> None:
    told = run(tmp_path, ROOT, *EBS, *STORES)
    assert told[0] == (
        "mdadm --create /dev/md0 --run --level=0 --raid-devices=2 /dev/nvme3n1 /dev/nvme4n1"
    )
    assert told[1] == "mkfs.xfs -f /dev/md0"


def test_two_volumes_are_striped_and_the_root_volume_is_left_alone(tmp_path: Path) -> None:
    told = run(tmp_path, ROOT, *EBS)
    assert told[0] == (
        "mdadm --create /dev/md0 --run --level=0 --raid-devices=2 /dev/nvme1n1 /dev/nvme2n1"
    )
    assert "mount -o noatime /dev/md0 /scratch" in told


def test_scratch_that_the_image_brings_is_kept(tmp_path: Path) -> None:
    assert run(tmp_path, ROOT, *EBS, mounted=True) == []


@pytest.mark.parametrize("broken", ["mkfs.xfs", "mount"])
def test_a_host_that_gets_no_scratch_shuts_down(tmp_path: Path, broken: str) -> None:
    told = run(tmp_path, ROOT, STORE, broken=broken)
    assert told[-1] == "shutdown -h now"


def test_a_host_without_any_disk_for_scratch_shuts_down(tmp_path: Path) -> None:
    assert "shutdown -h now" in run(tmp_path, ROOT)
