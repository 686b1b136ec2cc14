"""The tests that judge the whole suite come after it, and know whether all of it was run."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
JUDGES = "test_calls_of_the_suite.py"
_DESELECTED = pytest.StashKey[bool]()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the judges last."""
    items.sort(key=lambda item: item.path.name == JUDGES)


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Remembers that tests were left out by a keyword or a mark."""
    items[0].config.stash[_DESELECTED] = True


@pytest.fixture
def whole_suite(request: pytest.FixtureRequest) -> None:
    """Skips where a call may be missing because its test did not run, or not to its end."""
    session, config = request.session, request.config
    there = {path for level in ("e2e", "statemachine") for path in TESTS.glob(f"{level}/test_*.py")}
    if there - {item.path for item in session.items} or any("::" in a for a in config.args):
        pytest.skip("not every end-to-end and state machine test was collected")
    if config.stash.get(_DESELECTED, False) or session.testsfailed:
        pytest.skip("some tests were deselected, or have failed")
    if "PYTEST_XDIST_WORKER" in os.environ:
        pytest.skip("other workers' tests may still run")
