"""The breaker of an assay through the functions."""

import json
from typing import Any

import pytest

from seqdrop.aws.alerts import Alerts
from seqdrop.domain.assay_gate import gate_of_assay
from seqdrop.domain.gate import SAME_IN_A_ROW, Gate
from seqdrop.domain.identity import RunId
from seqdrop.domain.records import Analysis
from seqdrop.flow.gates import ShutAlert
from tests.cloud_support import Cloud, execution_event, open_cloud
from tests.integration.test_admission import delivered, limit
from tests.lab import reads
from tests.run_support import Bench

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")
MINUTE, HOUR = 60, 3_600


@pytest.fixture
def alerts(monkeypatch: pytest.MonkeyPatch) -> list[ShutAlert]:
    sent: list[ShutAlert] = []
    monkeypatch.setattr(Alerts, "send", lambda _, __, alert: sent.append(alert))
    return sent


def gate(cloud: Cloud) -> Gate:
    return cloud.catalog.gates.get(gate_of_assay("wgs"))


def drop(cloud: Cloud, sample: str) -> Analysis:
    for mate in (1, 2):
        cloud.upload(f"{sample}_{mate}.fastq.gz", reads(4, mate=mate, seed=sum(sample.encode())))
    return analysis(cloud, sample)


def analysis(cloud: Cloud, sample: str) -> Analysis:
    (found,) = cloud.catalog.analyses.of_sample(sample)
    return found


def run_of(cloud: Cloud, sample: str) -> RunId:
    found = analysis(cloud, sample).active_run
    assert found
    return found


def fails(cloud: Cloud, sample: str) -> None:
    """The run of a sample fails in its first stage, as its execution tells."""
    bench = Bench(cloud, run_of(cloud, sample))
    bench.state("plan_run")
    bench.stage("submit_job")
    number = len(cloud.batch.submitted)
    end = bench.ended("FAILED", 20, number)
    cloud.deliver("record_job_event", end, end)
    for _ in range(2):
        bench.state("record_failure", failure={"Error": "ToolFailed", "Cause": ""})


def shut(cloud: Cloud) -> None:
    for number in range(SAME_IN_A_ROW):
        drop(cloud, f"X{number}")
        fails(cloud, f"X{number}")


def sweep(cloud: Cloud) -> None:
    cloud.clock.turn(15 * MINUTE)
    cloud.call("sweep_catalog", {})
    delivered(cloud)


def statuses(cloud: Cloud, *samples: str) -> list[str]:
    return [str(analysis(cloud, sample).status) for sample in samples]


def test_an_assay_that_fails_again_and_again_begins_no_run_but_a_probe(
    bench: Bench, alerts: list[ShutAlert]
) -> None:
    cloud = bench.cloud
    shut(cloud)
    waits = drop(cloud, "NA2")
    assert (waits.status, waits.kept) == ("READY", "breaker")
    assert waits.why.startswith("the breaker of assay wgs is open: ToolFailed in stage align")
    assert list(cloud.catalog.projects.line("")) == [], "others of its project may go on"
    drop(cloud, "NA3")
    for _ in range(3):
        sweep(cloud)
    (alert,) = alerts
    assert (alert.assay, alert.queue_kind) == ("wgs", "")
    assert "`seqdrop resume --assay wgs`" in alert.do
    assert sorted(statuses(cloud, "NA2", "NA3")) == ["ANALYSING", "READY"], "one, and no other"
    probe = gate(cloud).probe
    other = "NA3" if probe == "NA2" else "NA2"
    before = analysis(cloud, other).revision
    fails(cloud, probe)
    assert (gate(cloud).state, gate(cloud).shuts) == ("shut", 2)
    sweep(cloud)
    assert analysis(cloud, other).revision == before, "nothing is written while nothing changes"
    sweep(cloud)
    sweep(cloud)
    assert gate(cloud).probe == other
    assert len(alerts) == 1


def test_a_probe_that_is_stopped_makes_room_for_the_next(
    bench: Bench, alerts: list[ShutAlert]
) -> None:
    cloud = bench.cloud
    shut(cloud)
    for sample in ("NA2", "NA3"):
        drop(cloud, sample)
    sweep(cloud)
    sweep(cloud)
    probe = gate(cloud).probe
    cloud.deliver("end_run", execution_event(run_of(cloud, probe), "ABORTED"))
    sweep(cloud)
    assert gate(cloud).probe not in {"", probe}
    assert alerts


def test_a_person_frees_it(bench: Bench, alerts: list[Any]) -> None:
    cloud = bench.cloud
    shut(cloud)
    drop(cloud, "NA2")
    cloud.flows.assay_gates.free("wgs", "ana")
    sweep(cloud)
    assert statuses(cloud, "NA2") == ["ANALYSING"]
    assert gate(cloud).who == "ana"
    assert alerts == [], "nobody needs to be told any more"


def test_a_head_that_its_breaker_keeps_does_not_stop_the_line(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_cloud(tmp_path, monkeypatch) as cloud:
        limit(tmp_path, "default: {runs_at_once: 1}")
        for sample in ("NA1", "NA2"):
            drop(cloud, sample)
        for mate in (1, 2):
            name = f"NA3_{mate}.fastq.gz"
            manifest = {"sample": "NA3", "assay": "panel", "files": [
                {"lane": "L001", "r1": "NA3_1.fastq.gz", "r2": "NA3_2.fastq.gz"}]}  # fmt: skip
            if mate == 1:
                body = json.dumps({"samples": [manifest]}).encode()
                cloud.upload("batch.manifest.json", body)
            cloud.upload(name, reads(4, mate=mate, seed=3))
        assert statuses(cloud, "NA1", "NA2", "NA3") == ["ANALYSING", "READY", "READY"]
        open_ = Gate(gate_of_assay("wgs"), "shut", "ToolFailed", probe_at="2100")
        cloud.catalog.gates.change(open_)
        cloud.deliver("end_run", execution_event(run_of(cloud, "NA1"), "FAILED"))
        delivered(cloud)
        assert statuses(cloud, "NA2", "NA3") == ["READY", "ANALYSING"]
        assert analysis(cloud, "NA2").kept == "breaker"
