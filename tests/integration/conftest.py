"""A run whose functions are called one by one, as far as a test wants it to be."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.run_support import Bench, open_run


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A run that was claimed."""
    with open_run(tmp_path, monkeypatch) as bench:
        yield bench


@pytest.fixture
def planned(bench: Bench) -> Bench:
    """One that is planned."""
    bench.state("plan_run")
    return bench


@pytest.fixture
def submitted(planned: Bench) -> Bench:
    """One whose first job is submitted."""
    planned.stage("submit_job")
    return planned
