"""What several modules start from: a run that goes as far as a test wants, moto's own server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

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


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The address of moto's own server, as it is."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()
