"""What registering a file costs in requests: the same whatever else is in the catalog."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from seqdrop.domain.identity import AnalysisId
from tests.cloud_support import Cloud, client_of, open_cloud
from tests.lab import reads

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")
MOST = {"dynamodb": 12, "s3": 4, "sqs": 1}
"""Requests of one file that a manifest names, or of one that goes by its name."""


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    with open_cloud(tmp_path, monkeypatch) as cloud:
        yield cloud


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Requests by service, while it lasts."""
    found: Counter[str] = Counter()
    handlers = {}
    for service in MOST:

        def note(model: object, service: str = service, **_: object) -> None:
            del model
            found[service] += 1

        handlers[service] = note
        client_of(service).meta.events.register_first(f"before-call.{service}", note)
    yield found
    for service, handler in handlers.items():
        client_of(service).meta.events.unregister(f"before-call.{service}", handler)


def manifest_of(count: int) -> bytes:
    """One that names so many lanes of one sample, and as many samples of one lane."""

    def pair(name: str) -> dict[str, str]:
        return {"r1": f"{name}_R1.fastq.gz", "r2": f"{name}_R2.fastq.gz"}

    lanes = [{**pair(f"run/L{lane}"), "lane": str(lane)} for lane in range(1, count + 1)]
    samples = [{"sample": f"S{n}", "files": [pair(f"run/S{n}")]} for n in range(count)]
    return json.dumps({"samples": [{"sample": "BIG", "files": lanes}, *samples]}).encode()


def requests_of_a_late_file(cloud: Cloud, lanes: int) -> Counter[str]:
    """What the last but one file of a sample costs, once its manifest is applied."""
    cloud.upload("big.manifest.json", manifest_of(lanes))
    cloud.upload("run/L1_R1.fastq.gz", reads(5, mate=1, lane=1, seed=1))
    event = cloud.drop("run/L1_R2.fastq.gz", reads(5, mate=2, lane=1, seed=1))
    with counted() as found:
        cloud.call("register_upload", {"Records": [cloud.record(event)]})
    analysis = cloud.catalog.analyses.get(AnalysisId("BIG", "wgs"))
    assert analysis is not None
    assert len(analysis.files_seen) == 2
    return found


def test_a_file_costs_the_same_in_a_small_manifest_and_in_a_large_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []
    for lanes in (2, 40):
        folder = tmp_path / str(lanes)
        folder.mkdir()
        with open_cloud(folder, monkeypatch) as cloud:
            counts.append(requests_of_a_late_file(cloud, lanes))
    assert counts[0] == counts[1]
    assert all(counts[0][service] <= most for service, most in MOST.items())


def test_an_event_that_comes_again_asks_s3_for_nothing(cloud: Cloud) -> None:
    event = cloud.drop("NA1_1.fastq.gz", reads(5, mate=1))
    assert cloud.deliver("register_upload", event) == []
    with counted() as found:
        cloud.call("register_upload", {"Records": [cloud.record(event)]})
    assert found["s3"] == 0
    assert found["dynamodb"] <= 3
