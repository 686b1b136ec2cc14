"""What images are made of: a list of their packages, and what ECR's scan found in them."""

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from cli.doctor.account import Account
from cli.faults import CommandFailed
from cli.images import PREFIX, Registry, login_command
from cli.options import Severity
from cli.shell import Shell

SYFT = ("make", ".venv-syft/.ready")
"""Makes the program that lists an image's packages, in an environment of its own."""
_SCAN = ("env", "SYFT_CHECK_FOR_APP_UPDATE=false", ".venv-syft/bin/syft", "scan", "--quiet")
_REPOSITORY = re.compile(rf"/({PREFIX}/[^@]+)@(sha256:[0-9a-f]{{64}})$")
_DONE, _BUSY = {"COMPLETE", "ACTIVE"}, {"IN_PROGRESS", "PENDING", "NONE"}
_POLL_SECONDS, _POLLS = 10, 60


def write_sboms(images: Mapping[str, str], folder: Path, registry: Registry, shell: Shell) -> None:
    """Writes ``<image>-<digest>.spdx.json`` for each image, by the names that stages use.

    Raises CommandFailed.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    shell.run(SYFT)
    shell.run(login_command(registry), registry.password())
    for name, image in images.items():
        shell.run(["docker", "pull", image])
        digest = image.rpartition(":")[2][:12]
        shell.run(sbom_command(image, folder / f"{name}-{digest}.spdx.json"))


def sbom_command(image: str, file: Path) -> list[str]:
    """What lists the packages of an image that the engine has, as SPDX 2.3."""
    return [*_SCAN, f"docker:{image}", "--output", f"spdx-json={file}"]


def refuse_findings(
    images: Mapping[str, str],
    at_least: Severity,
    account: Account,
    *,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Raises CommandFailed where ECR's scan of an image has a finding so severe, or has no end."""
    severities = list(Severity)
    bad = [one.upper() for one in severities[severities.index(at_least) :]]
    refused = []
    for name, image in images.items():
        counts = _findings(name, image, account, wait)
        if severe := [f"{counts[one]} {one.lower()}" for one in bad if counts.get(one)]:
            refused.append(f"{name} has {', '.join(severe)} findings ({image})")
    if refused:
        raise CommandFailed(
            f"{'; '.join(refused)}: ECR's console lists them. Build on a newer base, or choose "
            "another --scan"
        )


def _findings(
    name: str, image: str, account: Account, wait: Callable[[float], None]
) -> Mapping[str, int]:
    where = _REPOSITORY.search(image)
    if where is None:
        raise CommandFailed(f"the image {name} is not in ECR by its digest: {image}")
    for _ in range(_POLLS):
        status, counts = account.scan(where[1], where[2])
        if status in _DONE:
            return counts
        if status not in _BUSY:
            break
        wait(_POLL_SECONDS)
    raise CommandFailed(f"ECR has not scanned the image {name} ({image}): its scan is {status}")
