"""For all end-to-end tests: what functions and jobs call is recorded. For ingest: a bench."""

from collections.abc import Iterator

import pytest

from tests.e2e.ingest import PIPELINES, assert_nothing_is_left
from tests.lab import Lab
from tests.statemachine.bench import Bench, open_bench


@pytest.fixture(scope="package", autouse=True)
def recorded(recorded_calls: None) -> None:
    """The calls of functions and jobs are held against their policies: see tests/policies."""


@pytest.fixture(scope="module")
def bench(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    """One runtime for a module, set up by its ``SETTINGS``; afterwards nothing may be left."""
    settings = getattr(request.module, "SETTINGS", {})
    with open_bench(tmp_path_factory.mktemp("bench"), PIPELINES, **settings) as bench:
        yield bench
        assert_nothing_is_left(bench.lab)


@pytest.fixture
def lab(bench: Bench) -> Lab:
    """The lab of the bench."""
    return bench.lab
