"""The judges of the suite's calls wait for the other tests, and know whether all of them ran."""

from collections.abc import Sequence

import pytest

from tests.workers import TESTS, wait_for_ends

RECORDED = [TESTS / level for level in ("e2e", "statemachine")]
_DESELECTED = pytest.StashKey[bool]()


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Remembers that tests were left out by a keyword or a mark."""
    items[0].config.stash[_DESELECTED] = True


@pytest.fixture(scope="session")
def good_ends(request: pytest.FixtureRequest) -> bool:
    """Whether all tests that record calls have ended well; waits for those of other workers."""
    items = request.session.items
    return wait_for_ends(
        item.nodeid for item in items if any(item.path.is_relative_to(level) for level in RECORDED)
    )


@pytest.fixture
def whole_suite(request: pytest.FixtureRequest, good_ends: bool) -> None:
    """Skips where a call may be missing because its test did not run, or not to its end."""
    session, config = request.session, request.config
    there = {path for level in RECORDED for path in level.glob("test_*.py")}
    if there - {item.path for item in session.items} or any("::" in a for a in config.args):
        pytest.skip("not every end-to-end and state machine test was collected")
    if config.stash.get(_DESELECTED, False) or not good_ends:
        pytest.skip("some tests were deselected, or have failed")
