"""Container images: built and pushed once for what is in them, and named by their digest.

A digest is part of every result's key, and a second build of the same files has another one. So
an image's tag is the hash of the files that it is made of, and what ECR has under it is taken.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.deployment import KINDS, PLACEHOLDER, PROJECT
from cli.doctor.account import Account
from cli.shell import Shell

SHARED = (
    "containers/runner", "layers/core/seqdrop/__init__.py", "layers/core/seqdrop/domain",
    "locks/runner.txt", ".dockerignore",
)  # fmt: skip
"""What every image is made of, beside its own folder: all that .dockerignore lets in."""
PREFIX = "seqdrop"
"""What the repositories' names begin with, as the bootstrap template has it by default."""
_TAG_LENGTH = 16
_LEFT_OUT = {"__pycache__"}


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
    """What this copy of Seqdrop builds: images that have a recipe, and that no parameter gives."""
    return [
        recipe
        for recipe in recipes(PROJECT, KINDS)
        if given.get(recipe.parameter, PLACEHOLDER).startswith(PLACEHOLDER)
    ]


class Registry:
    """ECR's repositories of one account and region."""

    def __init__(self, account: Account, number: str) -> None:
        self._account = account
        self.host = f"{number}.dkr.ecr.{account.region}.amazonaws.com"

    def repository(self, kind: str) -> str:
        """A kind's repository."""
        return f"{self.host}/{PREFIX}/{kind}"

    def digest(self, kind: str, tag: str) -> str:
        """The digest of an image by its tag; "" where it has not been pushed."""
        image = self._account.container_image(f"{PREFIX}/{kind}", tag=tag)
        return image.digest if image else ""

    def password(self) -> str:
        """What Docker is let in with, for twelve hours."""
        return self._account.registry_password()


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
