"""Container images: built and pushed once for what is in them, and named by their digest.

A digest is part of every result's key, and a second build of the same files has another one. So
an image's tag is the hash of the files that it is made of, and what ECR has under it is taken.
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from cli.deployment import KINDS, PLACEHOLDER, PROJECT
from cli.faults import CommandFailed
from cli.shell import DOCKER, Shell

SHARED = (
    "containers/runner", "layers/core/seqdrop/__init__.py", "layers/core/seqdrop/domain",
    "locks/runner.txt", ".dockerignore",
)  # fmt: skip
"""What every image is made of, beside its own folder: all that .dockerignore lets in."""
PREFIX = "seqdrop"
"""What the repositories' names begin with, as the bootstrap template has it by default."""
_TAG_LENGTH = 16
_LEFT_OUT = {"__pycache__"}
_NOT_THERE = {"ImageNotFoundException", "RepositoryNotFoundException"}


@dataclass(frozen=True)
class Recipe:
    """An image that this copy of Seqdrop can build."""

    kind: str
    parameter: str
    """The template's parameter for it."""
    folder: Path
    project: Path

    @property
    def dockerfile(self) -> str:
        """Its Dockerfile, from the project's folder."""
        return str((self.folder / "Dockerfile").relative_to(self.project))

    def tag(self) -> str:
        """The hash of all files that it is made of."""
        digest = hashlib.sha256()
        for path in sorted(self._files()):
            name = path.relative_to(self.project).as_posix()
            digest.update(f"{name}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()[:_TAG_LENGTH]

    def _files(self) -> Iterator[Path]:
        for root in (self.folder, *(self.project / name for name in SHARED)):
            inside = [root] if root.is_file() else root.rglob("*")
            yield from (p for p in inside if p.is_file() and not _LEFT_OUT & set(p.parts))


def recipes(project: Path, kinds: Mapping[str, str]) -> list[Recipe]:
    """Those kinds (and their parameters' prefixes) that have ``containers/<kind>/Dockerfile``."""
    found = (
        Recipe(kind, f"{prefix}Image", project / "containers" / kind, project)
        for kind, prefix in kinds.items()
    )
    return [recipe for recipe in found if (recipe.folder / "Dockerfile").is_file()]


def recipes_for(given: Mapping[str, str]) -> list[Recipe]:
    """What this copy of Seqdrop builds by itself: images that have a recipe, and nobody gave."""
    return [
        recipe
        for recipe in recipes(PROJECT, KINDS)
        if given.get(recipe.parameter, PLACEHOLDER).startswith(PLACEHOLDER)
    ]


class Registry:
    """ECR's repositories of one account and region."""

    def __init__(self, client: Any, account: str, region: str, prefix: str = PREFIX) -> None:
        self._client = client
        self._prefix = prefix
        self.host = f"{account}.dkr.ecr.{region}.amazonaws.com"

    def repository(self, kind: str) -> str:
        """A kind's repository."""
        return f"{self.host}/{self._prefix}/{kind}"

    def digest(self, kind: str, tag: str) -> str:
        """The digest of an image by its tag; "" where it has not been pushed."""
        try:
            found = self._client.describe_images(
                repositoryName=f"{self._prefix}/{kind}", imageIds=[{"imageTag": tag}]
            )["imageDetails"]
        except ClientError as error:
            if error.response["Error"]["Code"] not in _NOT_THERE:
                raise
            return ""
        return str(found[0]["imageDigest"])

    def password(self) -> str:
        """What Docker is let in with, for twelve hours."""
        answer = self._client.get_authorization_token()["authorizationData"][0]
        return base64.b64decode(answer["authorizationToken"]).decode().partition(":")[2]


def refuse_unbuildable(recipes: Iterable[Recipe], registry: Registry, shell: Shell) -> None:
    """Raises CommandFailed for images that are not there, where nothing could build them."""
    missing = [one for one in recipes if not registry.digest(one.kind, one.tag())]
    if missing and not shell.answers(*DOCKER):
        names = ", ".join(f"{registry.repository(one.kind)}:{one.tag()}" for one in missing)
        given = " ".join(f"--parameter {one.parameter}=…@sha256:…" for one in missing)
        raise CommandFailed(
            f"{names} is not there yet, and no Docker engine answers that could build it: start "
            "one; or run `seqdrop deploy --images-only` on a machine that has one; or give an "
            f"image of your own as {given}"
        )


def push_image(recipe: Recipe, registry: Registry, shell: Shell) -> str:
    """The image's full name by digest; built and pushed if it was not there.

    Raises CommandFailed where Docker fails.
    """
    repository, tag = registry.repository(recipe.kind), recipe.tag()
    digest = registry.digest(recipe.kind, tag)
    if digest:
        return f"{repository}@{digest}"
    for command in build_commands(recipe, registry):
        secret = registry.password() if "--password-stdin" in command else ""
        shell.run(command, secret)
    return f"{repository}@{registry.digest(recipe.kind, tag)}"


def build_commands(recipe: Recipe, registry: Registry) -> list[list[str]]:
    """What Docker is told. The password goes in by standard input, never as an argument."""
    name = f"{registry.repository(recipe.kind)}:{recipe.tag()}"
    return [
        ["docker", "build", "--platform", "linux/amd64", "--file", recipe.dockerfile,
         "--tag", name, "."],
        ["docker", "login", "--username", "AWS", "--password-stdin", registry.host],
        ["docker", "push", name],
    ]  # fmt: skip
