"""What an image is built on: a base by the digest that its registry has for it."""

import os
import re
from pathlib import Path

from cli.faults import CommandFailed
from cli.shell import Shell

_BASE = re.compile(r"^ARG BASE_IMAGE=(\S+)$", re.MULTILINE)


def base_name(dockerfile: Path) -> str:
    """BASE_IMAGE of the environment, or what the Dockerfile itself names.

    Raises CommandFailed where neither does: some tools need a base that only a lab has.
    """
    own = _BASE.search(dockerfile.read_text("utf-8"))
    name = os.environ.get("BASE_IMAGE") or (own[1] if own else "")
    if not name:
        raise CommandFailed(
            f"the image {dockerfile.parent.name} has no base of its own: name yours in BASE_IMAGE "
            "(see docs/containers.md, Archives of vendors)"
        )
    return name


def pinned_base(dockerfile: Path, shell: Shell) -> str:
    """The base of an image as ``repository@digest``, as its registry has it now.

    Raises CommandFailed where it is in no registry.
    """
    name = base_name(dockerfile)
    if "@" in name:
        return name
    shell.run(["docker", "pull", "--platform", "linux/amd64", name])
    form = '{{join .RepoDigests " "}}'
    digests = shell.output(["docker", "image", "inspect", "--format", form, name]).split()
    if not digests:
        raise CommandFailed(
            f"the base image {name} has no digest: push it to a registry, and name it from there"
        )
    repository = re.sub(r":[^:/]+$", "", name)  # the tag goes; a registry's port stays
    return next((one for one in digests if one.partition("@")[0] == repository), digests[0])
