"""Container images: built and pushed once for what is in them, and named by their digest.

A digest is part of every result's key, and a second build of the same files has another one. So
an image's tag is the hash of the files that it is made of, and what ECR has under it is taken.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cli.deployment import PROJECT, SLOTS, image_parameters, images_given
from cli.doctor.account import Account
from cli.image_base import pinned_base
from cli.shell import Shell
from seqdrop.domain.blueprint import stages_under, variables_of
from seqdrop.domain.pipeline import Assay, Pipeline, Stage, is_fpga
from seqdrop.library import Library

SHARED = (
    "containers/runner", "layers/core/seqdrop/__init__.py", "layers/core/seqdrop/domain",
    "locks/runner.txt", ".dockerignore",
)  # fmt: skip
"""What every image is made of, beside its own folder: all that .dockerignore lets in."""
PREFIX = "seqdrop"
"""What the repositories' names begin with, as the bootstrap template has it by default."""
_TAG_LENGTH = 16
_ARCHIVE = re.compile(r"^ARG ARCHIVE=(\S+)$", re.MULTILINE)
_LEFT_OUT = {"__pycache__"}


@dataclass(frozen=True)
class Recipe:
    """An image that this copy of Seqdrop can build."""

    name: str
    """What stages call it: a kind of queue, or the name of a slot."""
    parameter: str
    """The template's parameter for it."""
    folder: Path
    project: Path

    @classmethod
    def of(cls, name: str, parameter: str, project: Path = PROJECT) -> Self:
        """The recipe in an image's folder."""
        return cls(name, parameter, project / "containers" / name, project)

    @property
    def file(self) -> Path:
        """Its Dockerfile."""
        return self.folder / "Dockerfile"

    @property
    def dockerfile(self) -> str:
        """Its Dockerfile, from the project's folder."""
        return str(self.file.relative_to(self.project))

    @property
    def local_name(self) -> str:
        """What it is called on this machine."""
        return f"{PREFIX}/{self.name}:{self.tag()}"

    def value(self, image: str) -> str:
        """The parameter's value for an image."""
        return f"{self.name}={image}" if self.parameter in SLOTS else image

    def tag(self) -> str:
        """The hash of all files that it is made of."""
        digest = hashlib.sha256()
        for path in sorted(self._files()):
            name = path.relative_to(self.project).as_posix()
            digest.update(f"{name}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()[:_TAG_LENGTH]

    def _files(self) -> Iterator[Path]:
        lock = self.project / "locks" / f"{self.name}.txt"
        own = (self.folder, *([lock] if lock.is_file() else []))
        for root in (*own, *(self.project / name for name in SHARED)):
            inside = [root] if root.is_file() else root.rglob("*")
            yield from (p for p in inside if p.is_file() and not _LEFT_OUT & set(p.parts))


def recipes(project: Path, parameters: Mapping[str, str]) -> list[Recipe]:
    """Those images (with their parameters) that have ``containers/<name>/Dockerfile``."""
    found = (Recipe.of(name, parameter, project) for name, parameter in parameters.items())
    return [recipe for recipe in found if recipe.file.is_file()]


def recipes_for(given: Mapping[str, str], library: Library) -> list[Recipe]:
    """What is built here: images that the assays need and have a recipe, and nobody gave.

    Raises InvalidPipeline where the library does not say what is needed.
    """
    slots = library.images().slots
    needed = images_needed(library, has_fpga=given.get("EnableFpga") == "true")
    there = images_given(given, slots)
    return [
        recipe
        for recipe in recipes(PROJECT, image_parameters(slots))
        if recipe.name in needed and recipe.parameter not in there
    ]


def images_needed(library: Library, *, has_fpga: bool) -> set[str]:
    """The images of all stages that the assays of a deployment may come to.

    Raises InvalidPipeline.
    """
    assays = library.assays()
    fallbacks = [
        assay.as_fallback(assays[assay.fallback])
        for assay in assays.values()
        if assay.fallback in assays
    ]
    stages = [
        stage
        for assay in (*assays.values(), *fallbacks)
        for stage in _stages_of(library.pipeline(assay.pipeline), assay)
    ]
    return _with_common(library, stages, has_fpga=has_fpga)


def _stages_of(pipeline: Pipeline, assay: Assay) -> list[Stage]:
    """Those that a run under the assay may have, whatever parts its reference has."""
    targets = [f"{part}:{assay.targets}" for part in ("targets", "left_out")]
    variables = variables_of("", assay, ["annotation", "iupac", "fingerprint", *targets])
    return list(stages_under(pipeline, variables).values())


def images_of_pipelines(library: Library) -> set[str]:
    """The images of all CPU stages of all pipelines, which a manifest may name, too.

    Raises InvalidPipeline.
    """
    pipelines = map(library.pipeline, library.pipeline_names())
    stages = [stage for pipeline in pipelines for stage in pipeline.stages.values()]
    return _with_common(library, stages, has_fpga=False)


def _with_common(library: Library, stages: list[Stage], *, has_fpga: bool) -> set[str]:
    """The images of some stages, of the indexes that they use, and of the comparison of runs."""
    indexes = library.reference_indexes().stages
    used = {index for stage in stages for index in stage.indexes}
    of_indexes = [stage for index, stage in indexes.items() if index in used]
    every = [*stages, *of_indexes, library.comparison()]
    return {stage.image_name for stage in every if has_fpga or not is_fpga(stage.queue)}


def archive_fault(recipe: Recipe) -> str:
    """What is wrong with the vendor's archive that an image is built of; "" where none is asked.

    Docker would find it too, after minutes.
    """
    wanted = _ARCHIVE.search(recipe.file.read_text("utf-8"))
    if wanted is None:
        return ""
    folder = recipe.folder / "archive"
    where = folder.relative_to(recipe.project)
    found = sorted(path.name for path in folder.glob(wanted[1]))
    if not found:
        return f"{where} has no {wanted[1]}: put the vendor's archive there"
    if len(found) > 1:
        return f"{where} has several archives ({', '.join(found)}): leave one"
    sums = folder / "SHA256SUMS"
    listed = sums.read_text("utf-8").split() if sums.is_file() else []
    if found[0] not in [name.lstrip("*") for name in listed]:
        return f"{where}/SHA256SUMS does not name {found[0]}: write the vendor's checksum into it"
    return ""


class Registry:
    """ECR's repositories of one account and region."""

    def __init__(self, account: Account, number: str) -> None:
        self.account = account
        self.host = f"{number}.dkr.ecr.{account.region}.amazonaws.com"

    def repository(self, name: str) -> str:
        """An image's repository."""
        return f"{self.host}/{PREFIX}/{name}"

    def digest(self, name: str, tag: str) -> str:
        """The digest of an image by its tag; "" where it has not been pushed."""
        image = self.account.container_image(f"{PREFIX}/{name}", tag=tag)
        return image.digest if image else ""

    def password(self) -> str:
        """What Docker is let in with, for twelve hours."""
        return self.account.registry_password()


def push_image(recipe: Recipe, registry: Registry, shell: Shell) -> str:
    """The image's full name by digest; built and pushed if it was not there.

    Raises CommandFailed where Docker fails.
    """
    repository, tag = registry.repository(recipe.name), recipe.tag()
    digest = registry.digest(recipe.name, tag)
    if digest:
        return f"{repository}@{digest}"
    base = pinned_base(recipe.file, shell)
    for command in build_commands(recipe, registry, base):
        secret = registry.password() if "--password-stdin" in command else ""
        shell.run(command, secret)
    return f"{repository}@{registry.digest(recipe.name, tag)}"


def build_commands(recipe: Recipe, registry: Registry, base: str) -> list[list[str]]:
    """What Docker is told: ``base`` by its digest, which the image's labels name, too."""
    name = f"{registry.repository(recipe.name)}:{recipe.tag()}"
    repository, _, digest = base.partition("@")
    labels = {"base.name": repository, "base.digest": digest}
    words = [w for k, v in labels.items() for w in ("--label", f"org.opencontainers.image.{k}={v}")]
    return [
        _build(recipe, name, *words, base=f"={base}"),
        login_command(registry),
        ["docker", "push", name],
    ]


def login_command(registry: Registry) -> list[str]:
    """What lets Docker in. The password goes in by standard input, never as an argument."""
    return ["docker", "login", "--username", "AWS", "--password-stdin", registry.host]


def local_build_command(recipe: Recipe) -> list[str]:
    """What makes an image for this machine; its packages come by the machine's own network."""
    return _build(recipe, recipe.local_name, "--network", "host")


def _build(recipe: Recipe, name: str, *more: str, base: str = "") -> list[str]:
    """Of a base; or of that which BASE_IMAGE in the environment names, or the Dockerfile's own."""
    return [
        "docker", "build", "--platform", "linux/amd64", "--build-arg", f"BASE_IMAGE{base}", *more,
        "--file", recipe.dockerfile, "--tag", name, ".",
    ]  # fmt: skip
