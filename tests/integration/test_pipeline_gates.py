"""The breaker of a pipeline through the functions."""

from typing import Any

import pytest

from seqdrop.aws.alerts import Alerts
from seqdrop.domain.gate import SAME_IN_A_ROW, Gate
from seqdrop.domain.identity import RunId, StageOf
from seqdrop.domain.pipeline_gate import gate_of_pipeline
from seqdrop.domain.records import Analysis, AnalysisStatus
from seqdrop.flow.gates import ShutAlert
from tests.cloud_support import Cloud
from tests.domain_support import job as job_of
from tests.integration.test_admission import delivered
from tests.lab import reads
from tests.run_support import Bench

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")
MINUTE, HOUR = 60, 3_600


@pytest.fixture
def alerts(monkeypatch: pytest.MonkeyPatch) -> list[ShutAlert]:
    sent: list[ShutAlert] = []
    monkeypatch.setattr(Alerts, "send", lambda _, __, alert: sent.append(alert))
    return sent


def fails(cloud: Cloud, number: int, failure: str = "ToolFailed") -> None:
    """The end of a job of another sample's run, as whoever records it tells the gates."""
    owner = StageOf(RunId(f"X{number}", "wgs", "abc", 1), "align")
    job = job_of(
        owner, pipeline="quick", status="FAILED" if failure else "SUCCEEDED", message="boom",
        failure_class=failure, ended=cloud.clock().isoformat(),
    )  # fmt: skip
    cloud.flows.recording.answer(job)


def gate(cloud: Cloud) -> Gate:
    return cloud.catalog.gates.get(gate_of_pipeline("quick"))


def drop(cloud: Cloud, sample: str) -> Analysis:
    for mate in (1, 2):
        cloud.upload(f"{sample}_{mate}.fastq.gz", reads(4, mate=mate, seed=sum(sample.encode())))
    (found,) = cloud.catalog.analyses.of_sample(sample)
    return found


def sweep(cloud: Cloud) -> None:
    cloud.call("sweep_catalog", {})
    delivered(cloud)


def status(cloud: Cloud, sample: str) -> str:
    (found,) = cloud.catalog.analyses.of_sample(sample)
    return str(found.status)


def test_a_pipeline_that_fails_again_and_again_begins_no_run_but_a_probe(
    bench: Bench, alerts: list[ShutAlert]
) -> None:
    cloud = bench.cloud
    for number in range(SAME_IN_A_ROW):
        fails(cloud, number)
        fails(cloud, number)
    (alert,) = alerts
    assert (alert.pipeline, alert.queue_kind) == ("quick", "")
    assert "`seqdrop resume --pipeline quick`" in alert.do
    waits = drop(cloud, "NA2")
    assert (waits.status, waits.kept) == ("READY", "breaker")
    assert waits.why.startswith("pipeline quick: the breaker is open since")
    assert list(cloud.catalog.projects.line("")) == [], "others of its project may go on"
    drop(cloud, "NA3")
    cloud.clock.turn(16 * MINUTE)
    sweep(cloud)
    assert sorted([status(cloud, "NA2"), status(cloud, "NA3")]) == ["ANALYSING", "READY"]
    assert gate(cloud).state == "probed"
    fails(cloud, 9, failure="")
    assert gate(cloud).is_free
    cloud.clock.turn(16 * MINUTE)
    sweep(cloud)
    assert (status(cloud, "NA2"), status(cloud, "NA3")) == ("ANALYSING", "ANALYSING")
    assert len(alerts) == 1


def test_a_person_frees_it(bench: Bench, alerts: list[Any]) -> None:
    cloud = bench.cloud
    for number in range(SAME_IN_A_ROW):
        fails(cloud, number)
    assert drop(cloud, "NA2").status is AnalysisStatus.READY
    cloud.flows.pipeline_gates.free("quick", "ana")
    cloud.clock.turn(16 * MINUTE)
    sweep(cloud)
    assert status(cloud, "NA2") == "ANALYSING"
    assert gate(cloud).who == "ana"
    assert alerts
