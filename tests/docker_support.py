"""A Docker engine for the tests of images: the machine's own, or one that is started for them."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from tests.runner_support import ROOT as PROJECT

BASE = "debian:bookworm-slim"
REQUIRED = "REQUIRE_CONTAINERS"
"""The environment variable with which a machine that can't run containers fails these tests."""
SUITE = "bookworm"
_START_SECONDS = 30


def cannot(why: str) -> NoReturn:
    """Skips, or fails where containers are asked for."""
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(why)
    pytest.skip(why)


class Docker:
    """Docker's command, told which engine it is to ask."""

    def __init__(self, host: str = "") -> None:
        """An empty host leaves the choice to Docker's own settings."""
        self._environment = {**os.environ, **({"DOCKER_HOST": host} if host else {})}
        self.host = host

    def run(
        self, *arguments: str, seconds: float = 600, given: bytes | None = None
    ) -> subprocess.CompletedProcess[str]:
        """One command to its end, in the project's folder."""
        ended = subprocess.run(
            ["docker", *arguments], cwd=PROJECT, env=self._environment, input=given,
            capture_output=True, timeout=seconds, check=False,
        )  # fmt: skip
        out, err = (text.decode(errors="replace") for text in (ended.stdout, ended.stderr))
        return subprocess.CompletedProcess(ended.args, ended.returncode, out, err)

    def good(self, *arguments: str) -> str:
        """What a command prints that ends well."""
        ended = self.run(*arguments)
        assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-4000:]
        return ended.stdout

    def answers(self) -> bool:
        """Whether there is an engine."""
        return shutil.which("docker") is not None and not self.run("info").returncode

    def base_image(self, folder: Path) -> str:
        """A Debian to build on: from the engine or its registry, or else made from packages."""
        if (
            not self.run("image", "inspect", BASE).returncode
            or not self.run("pull", BASE).returncode
        ):
            return BASE
        if os.geteuid() or not shutil.which("debootstrap"):
            cannot(f"there is no image {BASE}, no registry, and no debootstrap to make it")
        root = folder / "base"
        made = _run("debootstrap", "--variant=minbase", SUITE, str(root))
        if made.returncode:
            cannot(f"debootstrap can't make a Debian here: {made.stdout[-300:]}")
        _set_up_packages(root / "etc")
        _lend_pip_settings(root / "etc")
        tar = folder / "base.tar"
        packed = _run("tar", "-C", str(root), "-cf", str(tar), ".")
        assert packed.returncode == 0, packed.stderr[-2000:]
        shutil.rmtree(root)
        name = "seqdrop-test-base:latest"
        self.good("import", str(tar), name)
        tar.unlink()
        return name


@contextmanager
def engine(folder: Path) -> Iterator[Docker]:
    """The engine that answers; else one of our own, which ends with the block; else a skip."""
    docker = Docker()
    if docker.answers():
        yield docker
        return
    if os.geteuid() or not (shutil.which("dockerd") and shutil.which("docker")):
        cannot("no Docker engine answers, and none can be started")
    socket = f"unix://{folder}/docker.sock"
    with (folder / "dockerd.log").open("wb") as log:
        daemon = subprocess.Popen(
            [
                "dockerd", "--iptables=false", "--bridge=none", "--host", socket,
                "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec",
                "--pidfile", f"{folder}/pid",
            ],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        docker = Docker(socket)
        end = time.monotonic() + _START_SECONDS
        while not docker.answers():
            if daemon.poll() is not None or time.monotonic() > end:
                cannot("dockerd does not start on this machine")
            time.sleep(0.5)
        yield docker
    finally:
        daemon.terminate()
        daemon.wait(60)
        # It leaves a mount behind, and some hundred MB.
        _run("umount", f"{folder}/exec/netns/default")
        shutil.rmtree(folder / "data", ignore_errors=True)


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _set_up_packages(etc: Path) -> None:
    """As in Debian's own image: no flush after each file, no languages, no documentation, and
    nothing kept that was installed."""
    (etc / "dpkg/dpkg.cfg.d/docker").write_text(
        "force-unsafe-io\npath-exclude /usr/share/doc/*\npath-exclude /usr/share/man/*\n"
        "path-exclude /usr/share/locale/*\n"
    )
    (etc / "apt/apt.conf.d/docker").write_text(
        'Acquire::Languages "none";\nDir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\n'
        'APT::Update::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb"; };\n'
        'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb"; };\n'
    )
    shutil.rmtree(etc.parent / "var/cache/apt/archives")


def _lend_pip_settings(etc: Path) -> None:
    """Where this machine's pip has a mirror, or certificates of its own, the build needs them."""
    lines = ["[global]"]
    if index := _pip_setting("index-url"):
        lines.append(f"index-url = {index}")
    certificates = os.environ.get("PIP_CERT") or _pip_setting("cert")
    if certificates:
        shutil.copy(certificates, etc / "lent-certificates.crt")
        lines.append("cert = /etc/lent-certificates.crt")
    (etc / "pip.conf").write_text("\n".join(lines) + "\n")


def _pip_setting(name: str) -> str:
    ended = _run(sys.executable, "-m", "pip", "config", "get", f"global.{name}")
    return "" if ended.returncode else ended.stdout.strip()
