"""An engine, and every image that is made of Debian and PyPI alone, built once for all tests."""

from collections.abc import Iterator

import pytest

from cli.deployment import PROJECT, image_parameters
from cli.images import Recipe, archive_fault, recipes
from seqdrop.library import Library
from tests.docker_support import Docker, engine

SLOTS = Library(str(PROJECT / "pipelines")).images().slots
BUILT = [
    recipe for recipe in recipes(PROJECT, image_parameters(SLOTS)) if not archive_fault(recipe)
]
"""Those that need no vendor's archive, or that have theirs."""


@pytest.fixture(scope="session")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Docker]:
    """An engine that answers whoever asks as the environment says."""
    folder = tmp_path_factory.mktemp("docker")
    with engine(folder) as docker, pytest.MonkeyPatch.context() as environment:
        if docker.host:
            environment.setenv("DOCKER_HOST", docker.host)
        yield docker


@pytest.fixture(scope="session")
def base(docker: Docker, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Debian to build on."""
    return docker.base_image(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session")
def images(docker: Docker, base: str) -> dict[str, str]:
    """The ids of all images that can be built here, by name."""
    return {recipe.name: build(docker, base, recipe) for recipe in BUILT}


def build(docker: Docker, base: str, recipe: Recipe) -> str:
    """Builds an image as `seqdrop local up --engine docker` does; returns its id."""
    docker.good(
        "build", "--network", "host", "--build-arg", f"BASE_IMAGE={base}",
        "--file", recipe.dockerfile, "--tag", recipe.local_name, ".",
    )  # fmt: skip
    return docker.good("image", "inspect", "--format", "{{.Id}}", recipe.local_name).strip()
