"""A stage whose job failed, and the jobs that follow: each once, whatever comes twice or late."""

from typing import Any

import pytest

from seqdrop.domain.errors import Transient
from seqdrop.domain.records import Job, JobState
from tests.cloud_support import dying
from tests.run_support import Bench

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


def jobs_of(bench: Bench) -> list[Job]:
    """The jobs of the run, in their order."""
    return bench.cloud.catalog.jobs.of_run(bench.ids)


def fails(bench: Bench, exit_code: int, number: int = 1, reason: str = "") -> dict[str, Any]:
    """The event of a job's end, delivered twice."""
    end = bench.ended("FAILED", exit_code, number)
    if reason:
        end["detail"]["statusReason"] = reason
    assert bench.cloud.deliver("record_job_event", end, end) == []
    return end


def test_a_killed_job_is_followed_by_one_of_its_own_number_and_name(submitted: Bench) -> None:
    end = fails(submitted, 137)
    first = submitted.job
    said = "Essential container in task exited, exit code 137"
    assert set(submitted.cloud.executions.answers) == {("token", f"HostFailed: align: {said}")}
    submitted.stage("submit_job", token="second")
    submitted.cloud.deliver("record_job_event", end)
    submitted.stage("submit_job", token="third")
    one, two = submitted.cloud.batch.submitted
    assert two.name == f"{one.name}_2"
    assert (two.queue, two.memory_mib, two.tags) == (one.queue, one.memory_mib, one.tags)
    assert two.parameters["catalog"] == one.parameters["catalog"].removesuffix("1") + "2"
    there, following = jobs_of(submitted)
    assert there == first, "what has ended stays as it is, its token too"
    assert (following.job_id, following.token, following.earlier) == (
        "job-2", "third", ("HostFailed",),
    )  # fmt: skip
    submitted.cloud.deliver("record_job_event", submitted.ended("SUCCEEDED", number=2))
    assert submitted.cloud.executions.answers[-1] == ("third", "SUCCEEDED")
    (shown, _) = submitted.shown_run.stages
    assert (shown.status, shown.attempts) == ("SUCCEEDED", 2)
    assert [(one.status, one.failure_class) for one in shown.tries] == [
        ("FAILED", "HostFailed"), ("SUCCEEDED", None),
    ]  # fmt: skip
    assert shown.cost_usd == pytest.approx(2 * (jobs_of(submitted)[0].cost_usd or 0))


def test_a_stage_that_fails_alike_each_time_ends_its_run_by_the_table(submitted: Bench) -> None:
    for number in (1, 2, 3):
        fails(submitted, 137, number)
        submitted.stage("submit_job", token=f"after {number}")
    assert len(submitted.cloud.batch.submitted) == 3
    assert [job.action for job in jobs_of(submitted)] == ["again", "on_demand", "fail"]
    said = "align: Essential container in task exited, exit code 137"
    assert submitted.cloud.executions.answers[-1] == ("after 3", f"NoJobLeft: {said}")
    answer = submitted.state("record_failure", failure={"Error": "NoJobLeft", "Cause": said})
    assert answer == {"error": "HostFailed", "reason": said}
    assert submitted.shown_run.stages[0].status == "FAILED"


def test_a_job_that_ran_out_of_memory_gets_twice_as_much_once(submitted: Bench) -> None:
    fails(submitted, 36)
    submitted.stage("submit_job")
    fails(submitted, 36, 2)
    submitted.stage("submit_job")
    assert [request.memory_mib for request in submitted.cloud.batch.submitted] == [100, 200]
    assert submitted.cloud.executions.answers[-1][1].startswith("NoJobLeft: align: ")


def test_a_job_whose_spot_hosts_were_taken_away_goes_on_demand(submitted: Bench) -> None:
    gone = "Host EC2 (instance i-0123456789abcdef0) terminated."
    fails(submitted, 137, reason=gone)
    submitted.stage("submit_job")
    assert [request.queue for request in submitted.cloud.batch.submitted] == [
        "lab-cpu-routine", "lab-cpu-ondemand",
    ]  # fmt: skip
    fails(submitted, 137, 2, reason=gone)
    first, second = jobs_of(submitted)
    assert (first.failure_class, second.failure_class) == ("SpotReclaimed", "HostFailed")
    assert first.attempts[0].cost_usd == first.cost_usd


def test_a_poll_asks_after_the_newest_job_of_the_stage(submitted: Bench) -> None:
    fails(submitted, 137)
    submitted.stage("submit_job")
    submitted.cloud.batch.states["job-2"] = JobState("job-2", "RUNNING")
    submitted.stage("poll_job", token="polled")
    first, second = jobs_of(submitted)
    assert (first.token, second.token, second.status) == ("token", "polled", "RUNNING")


def test_a_job_that_is_gone_is_submitted_anew_once(submitted: Bench) -> None:
    submitted.stage("poll_job", token="at once")
    assert submitted.job.status == "SUBMITTING", "Batch may not know it yet"
    for number in (1, 2):
        submitted.cloud.clock.turn(3_601)
        submitted.stage("poll_job", token=f"poll {number}")
        submitted.stage("submit_job", token=f"submit {number}")
    assert len(submitted.cloud.batch.submitted) == 2
    names = [answer[1].partition(":")[0] for answer in submitted.cloud.executions.answers]
    assert names == ["JobVanished", "NoJobLeft", "NoJobLeft"]
    assert {job.failure_class for job in jobs_of(submitted)} == {"JobVanished"}


def test_a_job_that_follows_is_submitted_once_though_its_submitter_dies(
    submitted: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails(submitted, 137)
    with dying(monkeypatch, submitted.cloud.batch, "submit", after=True):
        with pytest.raises(Transient):
            submitted.stage("submit_job")
        submitted.stage("submit_job")
    assert len(submitted.cloud.batch.submitted) == 2
    assert jobs_of(submitted)[1].job_id == "job-2"


def test_no_job_follows_on_one_that_a_person_must_mend(submitted: Bench) -> None:
    fails(submitted, 10)
    submitted.stage("submit_job", token="late")
    assert len(submitted.cloud.batch.submitted) == 1
    assert submitted.job.action == "hold"
    assert submitted.cloud.executions.answers[-1][0] == "late"
    assert submitted.cloud.executions.answers[-1][1].startswith("BadInput: ")
