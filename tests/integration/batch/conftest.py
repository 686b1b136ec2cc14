"""A server for the tests of a module, and an embedded Batch of its own for each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.batch.lab import Lab, open_lab, open_server


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """moto's endpoint."""
    with open_server() as endpoint:
        yield endpoint


@pytest.fixture
def lab(server: str, tmp_path: Path) -> Iterator[Lab]:
    """A Batch with room for two jobs."""
    with open_lab(server, tmp_path, {"cpu": 2}) as opened:
        yield opened
