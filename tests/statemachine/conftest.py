"""One runtime for all tests of the state machine; each test has samples of its own."""

from collections.abc import Iterator

import pytest

from tests.statemachine.bench import Bench, open_bench


@pytest.fixture(scope="package", autouse=True)
def recorded(recorded_calls: None) -> None:
    """The calls of functions and jobs are held against their policies: see tests/policies."""


@pytest.fixture(scope="package")  # a process has room for one runtime at a time
def shared_bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The bench, started once."""
    with open_bench(tmp_path_factory.mktemp("bench"), wait_for_hosts_seconds=2) as bench:
        yield bench


@pytest.fixture
def bench(shared_bench: Bench) -> Iterator[Bench]:
    """The bench with its tools as at first; and afterwards no job may be left running."""
    shared_bench.forget()
    yield shared_bench
    shared_bench.forget()
    shared_bench.lab.wait_until(lambda: not shared_bench.lab.live_batch_jobs())
