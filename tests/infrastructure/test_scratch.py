"""The script by which hosts make their scratch, run over a host that is made of small commands."""

import email
import os
import subprocess
from pathlib import Path

import pytest

from tests.infrastructure.stack import of_type

TEMPLATES = of_type("AWS::EC2::LaunchTemplate")
ROOT = "/dev/nvme0n1 Amazon Elastic Block Store"
EBS = ["/dev/nvme1n1 Amazon Elastic Block Store", "/dev/nvme2n1 Amazon Elastic Block Store"]
STORE = "/dev/nvme3n1 Amazon EC2 NVMe Instance Storage"
TELLING = ("mdadm", "mkfs.xfs", "mkdir", "mount", "chmod", "shutdown", "dnf")


def user_data(template: str) -> list[tuple[str, str]]:
    """The parts of a launch template's user data: what cloud-init takes each for, and its text."""
    text: str = TEMPLATES[template]["LaunchTemplateData"]["UserData"]["Fn::Base64"]
    message = email.message_from_string(text)
    assert message.get_content_type() == "multipart/mixed"
    _, *parts = message.walk()
    return [(part.get_content_type(), str(part.get_payload())) for part in parts]


def scratch_script(template: str) -> str:
    """What makes scratch, once: at the first start."""
    kind, script = user_data(template)[-1]
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


def test_scratch_is_the_instance_store_where_there_is_one(tmp_path: Path) -> None:
    told = run(tmp_path, ROOT, *EBS, STORE)
    assert told[0] == "mkfs.xfs -f /dev/nvme3n1"
    assert "mount -o noatime /dev/nvme3n1 /scratch" in told
    assert told[-1] == "chmod 1777 /scratch"


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
