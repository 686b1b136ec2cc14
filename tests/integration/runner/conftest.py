"""A store of objects, and a folder in which the runner works on it."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.runner_support import RunnerLab, empty, s3_server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture(scope="package")
def server() -> Iterator[tuple["S3Client", dict[str, str]]]:
    """An S3 endpoint, and the environment that leads to it."""
    with s3_server() as found:
        yield found


@pytest.fixture
def lab(server: tuple["S3Client", dict[str, str]], tmp_path: Path) -> Iterator[RunnerLab]:
    """The runner's lab; afterwards the store is empty again."""
    yield RunnerLab(tmp_path, *server)
    empty(server[0])
