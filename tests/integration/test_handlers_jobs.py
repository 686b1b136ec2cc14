"""submit_job, poll_job and record_job_event: whichever comes first, twice, or never."""

import msgspec
import pytest

from seqdrop.domain.errors import RunClosed, Transient
from seqdrop.domain.records import JobState
from tests.cloud_support import dying, execution_event, job_event
from tests.run_support import Bench

# A call that fails has no metric to tell, and Powertools says so.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


def test_a_job_is_submitted_once_however_often_it_is_asked(submitted: Bench) -> None:
    submitted.stage("submit_job", token="newer")
    (request,) = submitted.cloud.batch.submitted
    assert (request.queue, request.definition) == ("lab-cpu-routine", "lab-cpu-reads:1")
    assert (submitted.job.job_id, submitted.job.token) == ("job-1", "newer")
    assert submitted.cloud.executions.answers == []


def test_a_job_that_was_submitted_but_not_recorded_is_taken_over(
    planned: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dying(monkeypatch, planned.cloud.batch, "submit", after=True):
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
    assert job.cost_usd == pytest.approx(2 * 0.0662 + 98 / 730 * 2 / 16, abs=1e-6)
    assert set(submitted.cloud.executions.answers) == {("token", "SUCCEEDED")}


@pytest.mark.parametrize(
    ("exit_code", "left", "failure", "message"),
    [
        (10, ("input", "R2 has 4 reads, R1 has 5"), "BadInput", "R2 has 4 reads, R1 has 5"),
        (10, ("BadInput", "R2 has 4 reads, R1 has 5"), "BadInput", "R2 has 4 reads, R1 has 5"),
        (20, None, "ToolFailed", "Essential container in task exited, exit code 20"),
        (137, ("BadInput", "of an earlier attempt"), "HostFailed",
         "Essential container in task exited, exit code 137"),
    ],
)  # fmt: skip
def test_a_failed_job_is_told_in_its_runners_own_words(
    submitted: Bench, exit_code: int, left: tuple[str, str] | None, failure: str, message: str
) -> None:
    if left:
        words = msgspec.json.encode({"failure_class": left[0], "message": left[1]})
        submitted.put(f"{submitted.folder}align.failure.json", words)
    end = submitted.ended("FAILED", exit_code)
    assert submitted.cloud.deliver("record_job_event", end, end) == []
    assert (submitted.job.failure_class, submitted.job.message) == (failure, message)
    assert set(submitted.cloud.executions.answers) == {("token", f"{failure}: align: {message}")}


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
        ("second", "ToolFailed: align: gone, exit code 20")
    }


@pytest.mark.parametrize("published", [True, False])
def test_a_job_that_batch_forgot_is_judged_by_its_results(
    submitted: Bench, published: bool
) -> None:
    if published:
        submitted.publish("align")
    submitted.cloud.clock.turn(3_601)
    submitted.stage("poll_job")
    assert submitted.job.status == ("SUCCEEDED" if published else "FAILED")


def test_a_poll_of_a_job_that_was_never_submitted_is_tried_again(planned: Bench) -> None:
    with pytest.raises(Transient, match="no job of align"):
        planned.stage("poll_job")
