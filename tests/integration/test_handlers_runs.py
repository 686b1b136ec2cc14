"""The functions of a run, each called with AWS's own events, and each twice with the same one."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from seqdrop.aws.executions import RunInput
from seqdrop.domain.errors import NoSuchSample, RunClosed, Transient
from seqdrop.domain.failure import StageFailure
from seqdrop.domain.naming import run_folder, run_id
from seqdrop.domain.plan import ResultFile, RunPlan, StageResult, encode
from seqdrop.domain.records import Analysis, AnalysisStatus, Job, JobState, Run, RunStatus
from seqdrop.flow.closing import ResultsIncomplete
from tests.cloud_support import (
    RESULTS,
    UPLOADS,
    Cloud,
    execution_event,
    job_event,
    open_cloud,
)
from tests.lab import reads

EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:lab-analyse-sample:name"


@dataclass
class Bench:
    """A sample whose run was claimed, and the calls that its execution makes."""

    cloud: Cloud
    ids: RunInput

    def state(self, function: str, **given: Any) -> Any:
        """Calls a function of the state machine with the run's ids."""
        run = msgspec.to_builtins(self.ids)
        return self.cloud.call(function, {"run": run, "execution": EXECUTION, **given})

    def stage(self, function: str, stage: str = "align", token: str = "token") -> None:
        """Calls a function of a stage."""
        ids = {**msgspec.to_builtins(self.ids), "stage": stage, "poll_seconds": 60}
        self.cloud.call(function, {"stage": ids, "token": token, "execution": EXECUTION})

    def event(self, status: str, number: int = 1, **detail: Any) -> dict[str, Any]:
        """Batch's event of a job that was submitted."""
        request = self.cloud.batch.submitted[number - 1]
        parameters = request.parameters
        return job_event(
            jobId=f"job-{number}", jobName=request.name, status=status, parameters=parameters, **detail
        )

    def ended(self, status: str, exit_code: int = 0, number: int = 1) -> dict[str, Any]:
        """The last event of a job."""
        last = {"startedAt": 1_000, "stoppedAt": 3_601_000, "container": {"exitCode": exit_code}}
        reason = "Essential container in task exited"
        return self.event(
            status, number, attempts=[last], container={"exitCode": exit_code},
            statusReason=reason, startedAt=1_000, stoppedAt=3_601_000,
        )  # fmt: skip

    def publish(self, stage: str) -> None:
        """What a runner leaves of a stage that went well."""
        prefix = self.plan.stage(stage).prefix
        result = StageResult(stage, "key", (ResultFile("a", 3, "ab" * 32),), {"tool": "1"})
        self.put(f"{prefix}a", b"abc")
        self.put(f"{prefix}{stage}.json", encode(result))

    def put(self, key: str, body: bytes) -> None:
        """Writes into the results bucket."""
        self.cloud.s3.put_object(Bucket=RESULTS, Key=key, Body=body)

    @property
    def plan(self) -> RunPlan:
        """The frozen plan."""
        found = self.cloud.objects.read_plan(RESULTS, self.folder)
        assert found is not None
        return found

    @property
    def folder(self) -> str:
        """Where the run's own files are."""
        return run_folder(self.ids.sample, self.ids.assay, self.ids.run_key, self.ids.attempt)

    @property
    def run(self) -> Run:
        """The run as it is."""
        run = run_id(self.ids.run_key, self.ids.attempt)
        found = self.cloud.catalog.runs.get(self.ids.sample, self.ids.assay, run)
        assert found is not None
        return found

    @property
    def analysis(self) -> Analysis:
        """The analysis as it is."""
        found = self.cloud.catalog.analyses.get(self.ids.sample, self.ids.assay)
        assert found is not None
        return found

    @property
    def job(self) -> Job:
        """The only job."""
        (job,) = self.cloud.catalog.jobs.of_run(self.ids.sample, self.ids.assay)
        return job

    def all(self) -> tuple[Any, ...]:
        """Everything that a call might have changed."""
        batch = self.cloud.batch
        return (self.cloud.items("NA1"), len(batch.submitted), dict(batch.terminated))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with open_cloud(tmp_path, monkeypatch) as cloud:
        for mate in (1, 2):
            cloud.upload(f"NA1_{mate}.fastq.gz", reads(5, mate=mate))
        (ids,) = cloud.executions.started.values()
        yield Bench(cloud, ids)


@pytest.fixture
def planned(bench: Bench) -> Bench:
    bench.state("plan_run")
    return bench


@pytest.fixture
def submitted(planned: Bench) -> Bench:
    planned.stage("submit_job")
    return planned


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
    nowhere = Bench(bench.cloud, RunInput("nobody", "wgs", "0" * 24, 1))
    for function in ("plan_run", "finish_run"):
        with pytest.raises(NoSuchSample, match="there is no run"):
            nowhere.state(function)


def test_a_job_is_submitted_once_however_often_it_is_asked(submitted: Bench) -> None:
    submitted.stage("submit_job", token="newer")
    (request,) = submitted.cloud.batch.submitted
    assert (request.queue, request.definition) == ("lab-cpu-routine", "lab-cpu")
    assert (submitted.job.job_id, submitted.job.token) == ("job-1", "newer")
    assert submitted.cloud.executions.answers == []


def test_a_job_that_was_submitted_but_not_recorded_is_taken_over(
    planned: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit = planned.cloud.batch.submit

    def dies_after(request: Any) -> str:
        submit(request)
        raise EndpointConnectionError(endpoint_url="batch")

    monkeypatch.setattr(planned.cloud.batch, "submit", dies_after)
    with pytest.raises(Transient, match="EndpointConnectionError"):
        planned.stage("submit_job")
    planned.stage("submit_job")
    assert planned.job.job_id == "job-1"
    assert len(planned.cloud.batch.submitted) == 1


def test_a_job_that_ended_before_its_submission_was_recorded_wakes_the_run(planned: Bench) -> None:
    planned.stage("submit_job", token="lost")
    planned.cloud.deliver("record_job_event", planned.ended("SUCCEEDED"))
    planned.stage("submit_job", token="token")
    assert planned.cloud.executions.answers == [("lost", "SUCCEEDED"), ("token", "SUCCEEDED")]


def test_a_stage_of_a_closed_run_is_not_submitted(planned: Bench) -> None:
    planned.cloud.deliver("end_run", execution_event(planned.ids, "ABORTED"))
    with pytest.raises(RunClosed):
        planned.stage("submit_job")
    with pytest.raises(RunClosed):
        planned.state("finish_run")
    assert planned.cloud.batch.submitted == []


def test_a_jobs_way_is_recorded_and_its_end_answered_each_time_it_is_told(
    submitted: Bench,
) -> None:
    for status in ("SUBMITTED", "RUNNABLE", "STARTING", "RUNNING"):
        assert submitted.cloud.deliver("record_job_event", submitted.event(status)) == []
        assert submitted.job.status == status
    end = submitted.ended("SUCCEEDED")
    late = submitted.event("RUNNING")
    assert submitted.cloud.deliver("record_job_event", end, end, late) == []
    job = submitted.job
    assert (job.status, job.exit_code, job.ended) == ("SUCCEEDED", 0, "1970-01-01T01:00:01.000Z")
    assert job.cost_usd == pytest.approx(2 * 0.048)
    assert set(submitted.cloud.executions.answers) == {("token", "SUCCEEDED")}


@pytest.mark.parametrize(
    ("exit_code", "left", "failure", "message"),
    [
        (10, ("input", "R2 has 4 reads, R1 has 5"), "input", "R2 has 4 reads, R1 has 5"),
        (20, None, "tool", "Essential container in task exited, exit code 20"),
        (137, ("input", "of an earlier attempt"), "lost",
         "Essential container in task exited, exit code 137"),
    ],
)  # fmt: skip
def test_a_failed_job_is_told_in_its_runners_own_words(
    submitted: Bench, exit_code: int, left: tuple[str, str] | None, failure: str, message: str
) -> None:
    if left:
        words = msgspec.convert({"failure_class": left[0], "message": left[1]}, StageFailure)
        submitted.put(f"{submitted.folder}align.failure.json", encode(words))
    end = submitted.ended("FAILED", exit_code)
    assert submitted.cloud.deliver("record_job_event", end, end) == []
    assert (submitted.job.failure_class, submitted.job.message) == (failure, message)
    assert set(submitted.cloud.executions.answers) == {("token", f"JobFailed: align: {message}")}


def test_events_of_other_jobs_and_bad_ones_do_not_stop_a_batch(submitted: Bench) -> None:
    messages = [
        job_event(),  # a job of somebody else's
        "{ no event",
        submitted.event("RUNNING"),
        job_event(parameters={"catalog": "SAMPLE#nobody|JOB#wgs#a#0001#b#1"}, status="RUNNING"),
    ]
    assert submitted.cloud.deliver("record_job_event", *messages) == ["1"]
    assert submitted.job.status == "RUNNING"


def test_a_poll_of_a_running_job_waits_on(submitted: Bench) -> None:
    submitted.cloud.batch.states["job-1"] = JobState("job-1", "RUNNING")
    submitted.stage("poll_job", token="second")
    assert (submitted.job.status, submitted.job.token) == ("RUNNING", "second")
    assert submitted.cloud.executions.answers == []


def test_a_poll_finds_the_end_whose_event_was_lost(submitted: Bench) -> None:
    submitted.cloud.batch.states["job-1"] = JobState("job-1", "FAILED", "gone", 20)
    for _ in range(2):
        submitted.stage("poll_job", token="second")
    assert set(submitted.cloud.executions.answers) == {
        ("second", "JobFailed: align: gone, exit code 20")
    }


@pytest.mark.parametrize("published", [True, False])
def test_a_job_that_batch_forgot_is_judged_by_its_results(
    submitted: Bench, published: bool
) -> None:
    if published:
        submitted.publish("align")
    submitted.stage("poll_job")
    assert submitted.job.status == ("SUCCEEDED" if published else "FAILED")


def test_a_poll_of_a_job_that_was_never_submitted_is_tried_again(planned: Bench) -> None:
    with pytest.raises(Transient, match="no job at"):
        planned.stage("poll_job")


def test_a_run_with_all_its_results_is_promoted_once(planned: Bench) -> None:
    for stage in ("align", "call"):
        planned.publish(stage)
    assert planned.state("finish_run") == {"status": "SUCCEEDED", "qc": "PASS"}
    before = planned.all()
    assert planned.state("finish_run") == {"status": "SUCCEEDED", "qc": "PASS"}
    assert planned.all() == before
    assert (planned.analysis.status, planned.analysis.current_run) == ("ANALYSED", planned.run.id)
    record = json.loads(planned.cloud.objects.get(RESULTS, f"{planned.folder}run.json") or b"")
    assert set(record["results"]) == {"align", "call"}


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
    assert planned.analysis.current_run == ""


def test_a_file_that_came_meanwhile_gets_a_look_and_the_run_promotes_nothing(
    planned: Bench,
) -> None:
    planned.publish("align")
    planned.publish("call")
    planned.cloud.upload("NA1_S1_L002_R1_001.fastq.gz", reads(5, lane=2))
    planned.state("finish_run")
    assert planned.run.status is RunStatus.SUCCEEDED
    assert (planned.analysis.active_run, planned.analysis.current_run) == ("", "")
    assert any('"recheck"' in message for message in planned.cloud.messages())


@pytest.mark.parametrize(
    ("exit_code", "status"), [(10, AnalysisStatus.HELD), (20, AnalysisStatus.FAILED)]
)
def test_a_failed_run_is_closed_once_with_the_reason_of_its_job(
    submitted: Bench, exit_code: int, status: AnalysisStatus
) -> None:
    submitted.cloud.deliver("record_job_event", submitted.ended("FAILED", exit_code))
    failure = {"Error": "JobFailed", "Cause": "align: …"}
    answer = submitted.state("record_failure", failure=failure)
    before = submitted.all()
    assert submitted.state("record_failure", failure=failure) == answer
    assert submitted.all() == before
    assert (submitted.run.status, submitted.analysis.status) == (RunStatus.FAILED, status)
    assert answer["reason"].startswith("align: Essential container in task exited")
    assert submitted.run.cost_usd == pytest.approx(2 * 0.048)


def test_a_run_that_fails_ends_the_jobs_that_are_left(submitted: Bench) -> None:
    submitted.state("record_failure", failure={"Error": "States.Timeout"})
    assert submitted.run.failure == "States.Timeout"
    assert submitted.cloud.batch.terminated == {
        "job-1": "stopped: another stage of its run failed"
    }


@pytest.mark.parametrize(
    ("status", "detail", "run_status", "analysis_status", "why"),
    [
        ("ABORTED", {"cause": "wrong sample"}, "ABORTED", "HELD", "stopped: wrong sample"),
        ("ABORTED", {}, "ABORTED", "HELD", "stopped"),
        ("TIMED_OUT", {"error": "States.Timeout"}, "FAILED", "FAILED",
         "the execution ended as TIMED_OUT: States.Timeout"),
        ("FAILED", {"error": "RunFailed", "cause": "see"}, "FAILED", "FAILED",
         "the execution ended as FAILED: see"),
    ],
)  # fmt: skip
def test_an_execution_that_ended_badly_closes_its_run_once_and_ends_its_jobs(
    submitted: Bench, status: str, detail: dict[str, str], run_status: str, analysis_status: str,
    why: str,
) -> None:  # fmt: skip
    event = execution_event(submitted.ids, status, **detail)
    assert submitted.cloud.deliver("end_run", event) == []
    before = submitted.all()
    assert submitted.cloud.deliver("end_run", event, event) == []
    assert submitted.all() == before
    assert (submitted.run.status, submitted.analysis.status) == (run_status, analysis_status)
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
    nobody = RunInput("nobody", "wgs", "0" * 24, 1)
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
    assert {pair.r1.version_id, pair.r2.version_id} == {v["VersionId"] for v in versions}
