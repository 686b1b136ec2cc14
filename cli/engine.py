"""How the embedded runtime runs Batch jobs: as containers of our own images, or as processes."""

from typing import TYPE_CHECKING

from cli.deployment import PROJECT, image_parameters
from cli.faults import CommandFailed
from cli.images import Recipe, archive_fault, images_of_pipelines, local_build_command, recipes
from cli.options import Engine
from cli.shell import Shell
from seqdrop.library import Library

if TYPE_CHECKING:
    from docker import DockerClient


def local_images(engine: Engine | None, library: Library) -> dict[str, str]:
    """The Docker engine's ids of the images that jobs run in, by name; none for processes.

    Where nobody has chosen, jobs are containers if an engine answers and has every image of these
    sources. Whoever chose them has the others built. Raises CommandFailed.
    """
    client = None if engine is Engine.PROCESS else _client()
    if client is None:
        if engine is Engine.DOCKER:
            raise CommandFailed(
                "no Docker engine answers: start one, or let jobs run as processes "
                "(--engine process)"
            )
        return {}
    wanted = [one for one in _recipes(library) if not archive_fault(one)]
    found = {one.name: _id_of(client, one) for one in wanted}
    if engine is None:
        return found if all(found.values()) else {}
    for recipe in wanted:
        if not found[recipe.name]:
            Shell(PROJECT, to_stderr=True).run(local_build_command(recipe))
            found[recipe.name] = _id_of(client, recipe)
    return found


def _recipes(library: Library) -> list[Recipe]:
    """Those of CPU queues: FPGA jobs have no board here, and a stand-in is in no image."""
    needed = images_of_pipelines(library)
    there = recipes(PROJECT, image_parameters(library.images().slots))
    return [one for one in there if one.name in needed]


def _client() -> "DockerClient | None":
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env()
        client.ping()
    except DockerException:
        return None
    return client


def _id_of(client: "DockerClient", recipe: Recipe) -> str:
    """An image's id; "" where the engine has none of these sources."""
    from docker.errors import ImageNotFound

    try:
        return str(client.images.get(recipe.local_name).id)
    except ImageNotFound:
        return ""
