"""Gates of the kinds of queues, through the functions: whoever dies in between is made up for."""

from typing import Any

import pytest

from seqdrop.aws.alerts import Alerts
from seqdrop.aws.catalog.gates import Gates as Items
from seqdrop.domain.errors import Transient
from seqdrop.domain.gate import FREE, Gate
from seqdrop.domain.records import JobState
from tests.cloud_support import dying
from tests.run_support import Bench

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")
RESOURCE, EXHAUSTED = "lab-gate-cpu", 35


@pytest.fixture
def alerts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was alerted, by kind."""
    sent: list[str] = []
    monkeypatch.setattr(Alerts, "send", lambda _, kind, __: sent.append(kind))
    return sent


def gate(bench: Bench) -> Gate:
    return bench.cloud.catalog.gates.get("cpu")


CALLS = [
    (Items, "change"), ("batch", "set_resource"), (Alerts, "send"),
]  # fmt: skip


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call[1])
def test_a_gate_is_shut_and_told_whoever_dies_meanwhile(
    submitted: Bench, monkeypatch: pytest.MonkeyPatch, alerts: list[str], call: tuple[Any, str],
    after: bool,
) -> None:  # fmt: skip
    owner = submitted.cloud.batch if call[0] == "batch" else call[0]
    end = submitted.ended("FAILED", EXHAUSTED)
    with dying(monkeypatch, owner, call[1], after=after):
        assert submitted.cloud.deliver("record_job_event", end) == ["0"]
    assert submitted.cloud.executions.answers != [], "nobody waits for the gate"
    assert submitted.cloud.deliver("record_job_event", end) == []
    submitted.stage("submit_job", token="second")
    submitted.cloud.batch.states["job-2"] = JobState("job-2", "RUNNABLE")
    submitted.stage("poll_job", token="third")
    assert gate(submitted).state == "shut"
    assert gate(submitted).is_told
    assert submitted.cloud.batch.resources[RESOURCE] == 0
    assert len(alerts) in {1, 2}, "lost never, twice perhaps"


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", CALLS[:2], ids=lambda call: call[1])
def test_a_probe_that_succeeds_frees_the_gate_whoever_dies_meanwhile(
    submitted: Bench, monkeypatch: pytest.MonkeyPatch, alerts: list[str], call: tuple[Any, str],
    after: bool,
) -> None:  # fmt: skip
    assert alerts == []
    submitted.cloud.deliver("record_job_event", submitted.ended("FAILED", EXHAUSTED))
    submitted.stage("submit_job", token="second")
    submitted.cloud.batch.states["job-2"] = JobState("job-2", "RUNNABLE")
    submitted.stage("poll_job", token="third")
    assert submitted.cloud.batch.resources[RESOURCE] == 0, "it is not time for a probe"
    submitted.cloud.clock.turn(901)
    submitted.stage("poll_job", token="fourth")
    assert (gate(submitted).state, submitted.cloud.batch.resources[RESOURCE]) == ("probed", 1)
    submitted.cloud.clock.turn(60)
    end = submitted.ended("SUCCEEDED", number=2)
    end["detail"]["stoppedAt"] = int(submitted.cloud.clock().timestamp() * 1_000)
    owner = submitted.cloud.batch if call[0] == "batch" else call[0]
    with dying(monkeypatch, owner, call[1], after=after):
        assert submitted.cloud.deliver("record_job_event", end) == ["0"]
    submitted.cloud.deliver("record_job_event", end)
    assert (gate(submitted).state, submitted.cloud.batch.resources[RESOURCE]) == ("free", FREE)


def test_a_job_behind_a_shut_gate_is_not_given_up_and_has_all_its_time_after(
    submitted: Bench, alerts: list[str]
) -> None:
    flows = submitted.cloud.flows
    flows.gates.pause("lab-cpu-routine", "ana", "new AMI")
    assert submitted.cloud.batch.resources == {RESOURCE: 0}
    submitted.cloud.deliver("record_job_event", submitted.event("RUNNABLE"))
    submitted.cloud.batch.states["job-1"] = JobState("job-1", "RUNNABLE")
    for hours in (5, 5, 200):
        submitted.cloud.clock.turn(3_600 * hours)
        submitted.stage("poll_job")
    assert submitted.cloud.batch.cancelled == {}
    flows.gates.free("lab-cpu-routine", "ana")
    submitted.stage("poll_job")
    assert submitted.cloud.batch.cancelled == {}, "its time begins anew"
    submitted.cloud.clock.turn(14_401)
    submitted.stage("poll_job")
    assert list(submitted.cloud.batch.cancelled) == ["job-1"]
    assert alerts == []


def test_a_gate_that_can_t_be_looked_at_has_its_poll_tried_again(
    submitted: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted.cloud.flows.gates.pause("lab-cpu-routine", "ana", "")
    submitted.cloud.deliver("record_job_event", submitted.event("RUNNABLE"))
    submitted.cloud.batch.states["job-1"] = JobState("job-1", "RUNNABLE")
    dies = dying(monkeypatch, submitted.cloud.batch, "set_resource", after=False)
    with dies, pytest.raises(Transient):
        submitted.stage("poll_job")
