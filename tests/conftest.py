"""For all tests: a slow machine is no failure; and where the AWS calls of runtimes are recorded."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from local.calls import CALLS_FOLDER

settings.register_profile("seqdrop", deadline=None)
settings.load_profile("seqdrop")


@pytest.fixture(scope="session")
def calls_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where every runtime of the session records; all workers of pytest-xdist have the same."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "calls"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def recorded_calls(calls_folder: Path) -> None:
    """From here on, each runtime that starts records, here or in a process of its own."""
    os.environ[CALLS_FOLDER] = str(calls_folder)
