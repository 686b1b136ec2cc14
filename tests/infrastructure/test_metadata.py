"""What keeps jobs on CPU hosts from the host's role: the real script, on a network like EC2's."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infrastructure.stack import PROJECT, of_type
from tests.infrastructure.test_user_data import user_data

METADATA, ECS_CREDENTIALS = "169.254.169.254", "169.254.170.2"
_ANSWERS = """\
import os, socket, sys
user, *addresses = sys.argv[1:]
servers = [socket.create_server((address, 80)) for address in addresses]
os.setgid(int(user)), os.setuid(int(user))
for address in addresses:
    with socket.socket() as client:
        client.settimeout(5)
        if client.connect_ex((address, 80)) == 0:
            print(address)
"""


def rule() -> str:
    """The script that rejects; cloud-init runs boot hooks at every start, before Docker's."""
    kind, script = user_data("CpuLaunchTemplate")[0]
    assert kind == "text/cloud-boothook"
    return script


def jobs_user() -> int:
    """The user of the CPU image, by number: a name is looked up in the image, not on the host."""
    recipe = (PROJECT / "containers/cpu/Dockerfile").read_text()
    (user,) = re.findall(r"^USER (\d+):\d+$", recipe, re.MULTILINE)
    return int(user)


def reached(user: int, script: str, folder: Path) -> list[str]:
    """Which of both addresses a user reaches after the script, in a network of its own."""
    harmless = folder / "shutdown"  # the script's last resort
    harmless.write_text("#!/bin/sh\n")
    harmless.chmod(0o755)
    places = [f"ip address add {address}/32 dev lo" for address in (METADATA, ECS_CREDENTIALS)]
    ask = f'exec "$PYTHON" -c "$ANSWERS" {user} {METADATA} {ECS_CREDENTIALS}'
    whole = "\n".join(["set -e", "ip link set lo up", *places, '/bin/bash -c "$SCRIPT"', ask])
    ended = subprocess.run(
        ["unshare", "--net", "/bin/bash", "-c", whole],
        env={
            "PATH": os.pathsep.join([str(folder), os.environ["PATH"]]),
            "PYTHON": sys.executable,
            "SCRIPT": script,
            "ANSWERS": _ANSWERS,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


def _why_not() -> str:
    """Why no network can be made here; "" where it can."""
    if sys.platform != "linux" or os.getuid() != 0:
        return "needs root on Linux"
    missing = [name for name in ("unshare", "ip", "iptables") if not shutil.which(name)]
    if missing:
        return f"needs {', '.join(missing)}"
    probe = ["unshare", "--net", "iptables", "--list", "OUTPUT"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        return "this kernel makes no network with rules"
    return ""


real_rules = pytest.mark.skipif(bool(_why_not()), reason=_why_not() or "they work")


@real_rules
def test_a_job_on_cpu_reaches_its_own_role_and_not_its_host_s(tmp_path: Path) -> None:
    assert reached(jobs_user(), ":", tmp_path) == [METADATA, ECS_CREDENTIALS]  # without the script
    assert reached(jobs_user(), rule(), tmp_path) == [ECS_CREDENTIALS]


@real_rules
def test_an_image_of_another_user_is_kept_out_too_and_the_host_itself_is_not(
    tmp_path: Path,
) -> None:
    assert reached(1000, rule(), tmp_path) == [ECS_CREDENTIALS]
    assert reached(0, rule(), tmp_path) == [METADATA, ECS_CREDENTIALS]


def test_the_cpu_image_s_user_is_not_root() -> None:
    assert jobs_user() != 0


@pytest.mark.parametrize("iptables", ["exit 3", None])
def test_a_host_that_can_t_keep_its_role_takes_no_jobs(
    tmp_path: Path, iptables: str | None
) -> None:
    commands = {"shutdown": f'echo shutdown "$@" >{tmp_path}/told', "iptables": iptables}
    for name, body in commands.items():
        if body:
            (tmp_path / name).write_text(f"#!/bin/bash\n{body}\n")
            (tmp_path / name).chmod(0o755)
    subprocess.run(
        ["/bin/bash", "-c", rule()],
        env={"PATH": str(tmp_path)},
        check=False,
        capture_output=True,
        timeout=60,
    )
    assert (tmp_path / "told").read_text() == "shutdown -h now\n"


@pytest.mark.parametrize("name", of_type("AWS::EC2::LaunchTemplate"))
def test_the_metadata_has_no_second_address(name: str) -> None:
    options = of_type("AWS::EC2::LaunchTemplate")[name]["LaunchTemplateData"]["MetadataOptions"]
    assert options["HttpProtocolIpv6"] == "disabled"


def test_fpga_hosts_let_dragen_ask_the_metadata() -> None:
    parts = user_data("FpgaLaunchTemplate")
    assert {kind for kind, _ in parts} == {"text/x-shellscript"}
    assert [script for _, script in parts if "iptables" in script or "nft" in script] == []
