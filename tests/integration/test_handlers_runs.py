"""plan_run, finish_run, record_failure and end_run: each called twice with the same event."""

import json
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from seqdrop.domain.errors import NoSuchSample, Transient
from seqdrop.domain.identity import RunId
from seqdrop.domain.records import AnalysisStatus, RunStatus
from seqdrop.flow.closing import ResultsIncomplete
from tests.cloud_support import RESULTS, UPLOADS, dying, execution_event
from tests.lab import reads
from tests.run_support import EXECUTION, Bench

COST_USD = pytest.approx(2 * 0.0662 + 98 / 730 * 2 / 16, abs=1e-6)
"""An hour of two vCPUs, and of their share of a host's volumes."""

# A call that fails has no metric to tell, and Powertools says so.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


def test_a_plan_is_waves_of_ids_only(bench: Bench) -> None:
    answer = bench.state("plan_run")
    shared = msgspec.to_builtins(bench.ids)
    assert answer == {
        "waves": [
            {"stages": [{**shared, "stage": "align", "poll_seconds": 150}]},
            {"stages": [{**shared, "stage": "call", "poll_seconds": 150}]},
        ]
    }
    assert (bench.run.status, bench.run.execution) == (RunStatus.RUNNING, EXECUTION)


def test_a_run_is_planned_once(planned: Bench) -> None:
    before, plan = planned.all(), planned.plan
    planned.publish("align")  # what comes after the plan does not change it
    assert len(planned.state("plan_run")["waves"]) == 2
    assert (planned.all(), planned.plan) == (before, plan)


def test_there_is_no_plan_for_what_is_not_there(bench: Bench) -> None:
    nowhere = Bench(bench.cloud, RunId("nobody", "wgs", "0" * 24, 1))
    for function in ("plan_run", "finish_run"):
        with pytest.raises(NoSuchSample, match="there is no run"):
            nowhere.state(function)


def test_a_run_with_all_its_results_is_promoted_once(planned: Bench) -> None:
    planned.publish("align", counts={"reads_in": 200, "identical_mates": 0})
    planned.publish("call")
    assert planned.state("finish_run") == {"status": "SUCCEEDED", "qc": "PASS"}
    before = planned.all()
    assert planned.state("finish_run") == {"status": "SUCCEEDED", "qc": "PASS"}
    assert planned.all() == before
    assert (planned.analysis.status, planned.analysis.current_run) == ("ANALYSED", planned.run.id)
    record = json.loads(planned.cloud.objects.get(RESULTS, f"{planned.folder}run.json") or b"")
    assert set(record["results"]) == {"align", "call"}


def test_one_lane_of_six_with_r1_under_both_names_fails_the_run(planned: Bench) -> None:
    """The other five would hide it: over all lanes one pair of 60 holds the same bases."""
    lane = {"reads_in": 20_000, "identical_mates": 0, "without_end_block": 0}
    lanes = {f"HX.{number}": lane for number in range(1, 7)}
    lanes["HX.3"] = {**lane, "reads_in": 2_000, "identical_mates": 1_000}
    counts = {"reads_in": 102_000, "identical_mates": 1_000, "without_end_block": 0}
    planned.publish("align", counts=counts, lanes=lanes)
    planned.publish("call")
    assert planned.state("finish_run") == {"status": "SUCCEEDED", "qc": "FAIL"}
    assert planned.run.metrics["identical_mates_fraction"] == 1.0
    (reason,) = planned.run.qc_reasons
    assert reason.startswith(
        "FAIL: identical_mates_fraction is 1, above 0.01 (floor) (worst in lane HX.3): R1 and R2"
    )


@pytest.mark.parametrize("fault", ["absent", "shorter", "unmarked"])
def test_a_run_without_all_its_results_is_not_promoted(planned: Bench, fault: str) -> None:
    planned.publish("align")
    planned.publish("call")
    prefix = planned.plan.stage("call").prefix
    if fault == "shorter":
        planned.put(f"{prefix}a", b"ab")
    else:
        name = "a" if fault == "absent" else "call.json"
        planned.cloud.s3.delete_object(Bucket=RESULTS, Key=prefix + name)
    with pytest.raises(ResultsIncomplete):
        planned.state("finish_run")
    assert planned.run.status is RunStatus.RUNNING
    assert planned.analysis.current_run is None


def test_a_file_that_came_meanwhile_gets_a_look_and_the_run_promotes_nothing(
    planned: Bench,
) -> None:
    planned.publish("align")
    planned.publish("call")
    planned.cloud.upload("NA1_S1_L002_R1_001.fastq.gz", reads(5, lane=2))
    planned.state("finish_run")
    assert planned.run.status is RunStatus.SUCCEEDED
    assert (planned.analysis.active_run, planned.analysis.current_run) == (None, None)
    assert any('"recheck"' in message for message in planned.cloud.messages())


@pytest.mark.parametrize(
    ("exit_code", "status"), [(10, AnalysisStatus.HELD), (20, AnalysisStatus.FAILED)]
)
def test_a_failed_run_is_closed_once_with_the_reason_of_its_job(
    submitted: Bench, exit_code: int, status: AnalysisStatus
) -> None:
    submitted.cloud.deliver("record_job_event", submitted.ended("FAILED", exit_code))
    failure = {"Error": "ToolFailed", "Cause": "align: …"}
    answer = submitted.state("record_failure", failure=failure)
    before = submitted.all()
    assert submitted.state("record_failure", failure=failure) == answer
    assert submitted.all() == before
    assert (submitted.run.status, submitted.analysis.status) == (RunStatus.FAILED, status)
    assert answer["error"] == ("BadInput" if exit_code == 10 else "ToolFailed")
    assert answer["reason"].startswith("align: Essential container in task exited")
    assert submitted.shown_run.cost_usd == COST_USD


def test_a_job_that_ends_after_its_run_was_stopped_is_in_the_runs_cost(submitted: Bench) -> None:
    submitted.cloud.deliver("end_run", execution_event(submitted.ids, "ABORTED", cause="a test"))
    assert submitted.shown_run.cost_usd == 0
    for _ in range(2):
        submitted.cloud.deliver("record_job_event", submitted.ended("FAILED", 143))
    assert submitted.run.status is RunStatus.ABORTED
    assert submitted.shown_run.cost_usd == COST_USD


def test_a_sibling_that_ends_after_its_run_has_failed_is_in_the_runs_cost(planned: Bench) -> None:
    for stage in ("align", "call"):
        planned.stage("submit_job", stage)
    planned.cloud.deliver("record_job_event", planned.ended("FAILED", 20))
    planned.state("record_failure", failure={"Error": "ToolFailed", "Cause": "align: …"})
    one = planned.shown_run.cost_usd
    planned.cloud.deliver("record_job_event", planned.ended("FAILED", 143, number=2))
    costs = [job.cost_usd or 0.0 for job in planned.cloud.catalog.jobs.of_run(planned.ids)]
    assert min(costs) > 0
    assert one == pytest.approx(costs[0])
    assert planned.shown_run.cost_usd == pytest.approx(sum(costs))


def test_what_a_run_cost_is_in_the_trail_only_when_it_is_known(submitted: Bench) -> None:
    submitted.cloud.deliver("end_run", execution_event(submitted.ids, "ABORTED", cause="a test"))
    (closed,) = [
        event
        for event in submitted.cloud.catalog.analyses.events("NA1")
        if event["what"] == "run aborted"
    ]
    assert "cost_usd" not in closed
    assert (closed["who"], closed["why"]) == ("stepfunctions", "stopped: a test")


def test_a_run_that_fails_ends_the_jobs_that_are_left(submitted: Bench) -> None:
    submitted.state("record_failure", failure={"Error": "States.Timeout"})
    assert submitted.run.failure == "States.Timeout"
    assert submitted.cloud.batch.terminated == {"job-1": "stopped: another stage of its run failed"}


@pytest.mark.parametrize("way", ["record_failure", "end_run"])
def test_a_job_that_batch_has_and_the_catalog_does_not_know_by_id_ends_with_its_run(
    planned: Bench, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    with (
        dying(monkeypatch, planned.cloud.batch, "submit", after=True),
        pytest.raises(Transient),
    ):
        planned.stage("submit_job")
    assert planned.job.job_id == ""
    if way == "end_run":
        planned.cloud.deliver("end_run", execution_event(planned.ids, "FAILED"))
    else:
        planned.state("record_failure", failure={"Error": "States.Timeout"})
    assert set(planned.cloud.batch.terminated) == {"job-1"}


@pytest.mark.parametrize(
    ("status", "detail", "ended", "why"),
    [
        ("ABORTED", {"cause": "wrong sample"}, ("ABORTED", "HELD"), "stopped: wrong sample"),
        ("ABORTED", {"cause": "stopped by ana: wrong tube"}, ("ABORTED", "HELD"),
         "stopped by ana: wrong tube"),
        ("ABORTED", {}, ("ABORTED", "HELD"), "stopped"),
        ("TIMED_OUT", {"error": "States.Timeout"}, ("FAILED", "FAILED"),
         "the execution ended as TIMED_OUT: States.Timeout"),
        ("FAILED", {"error": "RunFailed", "cause": "see"}, ("FAILED", "FAILED"),
         "the execution ended as FAILED: see"),
    ],
)  # fmt: skip
def test_an_execution_that_ended_badly_closes_its_run_once_and_ends_its_jobs(
    submitted: Bench, status: str, detail: dict[str, str], ended: tuple[str, str], why: str
) -> None:  # fmt: skip
    event = execution_event(submitted.ids, status, **detail)
    assert submitted.cloud.deliver("end_run", event) == []
    before = submitted.all()
    assert submitted.cloud.deliver("end_run", event, event) == []
    assert submitted.all() == before
    assert (submitted.run.status, submitted.analysis.status) == ended
    assert submitted.run.failure == why
    assert set(submitted.cloud.batch.terminated) == {"job-1"}


def test_the_end_of_a_run_that_was_closed_changes_nothing(planned: Bench) -> None:
    planned.publish("align")
    planned.publish("call")
    planned.state("finish_run")
    before = planned.all()
    assert planned.cloud.deliver("end_run", execution_event(planned.ids, "FAILED")) == []
    assert planned.all() == before


def test_a_bad_event_of_an_execution_does_not_stop_a_batch(planned: Bench) -> None:
    nobody = RunId("nobody", "wgs", "0" * 24, 1)
    messages = [
        execution_event(nobody, "FAILED"),
        "{ no event",
        execution_event(planned.ids, "ABORTED"),
    ]
    assert planned.cloud.deliver("end_run", *messages) == ["0", "1"]
    assert planned.run.status is RunStatus.ABORTED


def test_faults_of_aws_have_the_one_name_that_the_machine_retries(
    planned: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def throttled(*given: Any, **named: Any) -> None:
        raise ClientError({"Error": {"Code": "ThrottlingException"}}, "GetItem")

    monkeypatch.setattr(type(planned.cloud.catalog.runs), "get", throttled)
    for function in ("plan_run", "finish_run"):
        with pytest.raises(Transient, match="ThrottlingException"):
            planned.state(function)
    with pytest.raises(Transient, match="ThrottlingException"):
        planned.state("record_failure", failure={"Error": "x"})
    with pytest.raises(Transient, match="ThrottlingException"):
        planned.stage("submit_job")


def test_an_uploaded_version_is_frozen_in_the_plan(planned: Bench) -> None:
    versions = planned.cloud.s3.list_object_versions(Bucket=UPLOADS)["Versions"]
    (pair,) = planned.plan.pairs
    assert {file.version_id for file in pair.files} == {v["VersionId"] for v in versions}
