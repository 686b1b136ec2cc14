"""Removes the containers that are named; a program of its own, for a runtime that has died."""

import sys
from contextlib import suppress


def main(names: list[str]) -> None:
    """Ends and removes each; one that is gone is no mistake."""
    import docker
    from docker.errors import DockerException

    client = docker.from_env()
    for name in names:
        with suppress(DockerException):
            client.api.remove_container(name, force=True)


if __name__ == "__main__":
    main(sys.argv[1:])
