"""For all tests: a slow machine is no failure; workers share the suite, and one record of calls."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from local.calls import CALLS_FOLDER
from tests import workers
from tests.service_models import share_service_models

settings.register_profile("seqdrop", deadline=None)
settings.load_profile("seqdrop")


def pytest_configure(config: pytest.Config) -> None:
    """All processes of a run share a folder, and all sessions of one what they read of AWS."""
    workers.make_suite_folder(config)
    share_service_models()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, and the judges of all others last."""
    items.sort(key=workers.position)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """``-n auto`` is one more than there are cores: end-to-end tests wait a third of their time."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> workers.ByFile:
    """Workers get whole files, whatever ``--dist`` says."""
    return workers.ByFile(config, log)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """How a test has ended is told to all workers."""
    workers.tell_end(report)


@pytest.fixture(scope="session")
def calls_folder() -> Path:
    """Where every runtime of the suite records, in whichever worker."""
    folder = workers.suite_folder() / "calls"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="package")
def recorded_calls(calls_folder: Path) -> Iterator[None]:
    """Each runtime that starts meanwhile records, here or in a process of its own."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(CALLS_FOLDER, str(calls_folder))
        yield
