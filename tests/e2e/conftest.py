"""For all end-to-end tests: what functions and jobs call is recorded."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def recorded(recorded_calls: None) -> None:
    """The calls of functions and jobs are held against their policies: see tests/policies."""
