"""On which host a job ran: said by its runner, and what it costs there."""

import pytest

from seqdrop.domain.failure import EXIT_CODES, FailureClass, StageFailure
from seqdrop.domain.host_facts import HostFacts
from seqdrop.domain.plan import encode
from seqdrop.domain.records import Attempt
from seqdrop.why import attempt_text
from tests.run_support import Bench

HOST = HostFacts("i-0123456789abcdef0", "m7i.8xlarge", "us-east-1a", "spot", "ami-1")
VOLUMES = 98 / 730
"""USD for an hour of the volumes of a host with 1,000 GiB of scratch."""
UNKNOWN = 2 * 0.0662 + VOLUMES * 2 / 16
"""Two vCPUs for an hour, on a host that nobody knows."""


def the_attempt(bench: Bench) -> Attempt:
    (attempt,) = bench.job.attempts
    assert bench.job.cost_usd == attempt.cost_usd
    return attempt


def test_a_job_costs_its_share_of_the_host_that_it_ran_on(submitted: Bench) -> None:
    submitted.publish("align", host=HOST, job_id="job-1", job_attempt=1)
    end = submitted.ended("SUCCEEDED")
    assert submitted.cloud.deliver("record_job_event", end, end) == []
    attempt = the_attempt(submitted)
    assert attempt.cost_usd == pytest.approx((1.6128 + VOLUMES) * 2 / 32, abs=1e-6)
    assert (attempt.host, attempt.instance_type, attempt.market) == (
        HOST.instance_id, "m7i.8xlarge", "spot",
    )  # fmt: skip
    (shown,) = submitted.shown_run.stages[0].tries
    assert (shown.instance_type, shown.market) == ("m7i.8xlarge", "spot")
    assert "on i-0123456789abcdef0 (m7i.8xlarge, spot)" in attempt_text(shown)


@pytest.mark.parametrize(("job_id", "number"), [("job-1", 2), ("job-2", 1), ("", 0)])
def test_results_that_another_attempt_made_say_nothing_of_this_one_s_host(
    submitted: Bench, job_id: str, number: int
) -> None:
    submitted.publish("align", host=HOST, job_id=job_id, job_attempt=number)
    submitted.cloud.deliver("record_job_event", submitted.ended("SUCCEEDED"))
    attempt = the_attempt(submitted)
    assert attempt.cost_usd == pytest.approx(UNKNOWN, abs=1e-6)
    assert (attempt.host, attempt.instance_type, attempt.market) == ("", "", "")


@pytest.mark.parametrize("exit_code", [30, 20])
def test_a_failure_names_its_host_if_it_is_of_this_end(submitted: Bench, exit_code: int) -> None:
    left = StageFailure(
        FailureClass.HOST_FAILED, "refused", job_id="job-1", job_attempt=1, host=HOST
    )
    submitted.put(f"{submitted.folder}align.failure.json", encode(left))
    submitted.cloud.deliver("record_job_event", submitted.ended("FAILED", exit_code))
    attempt = the_attempt(submitted)
    known = exit_code == EXIT_CODES[FailureClass.HOST_FAILED]
    assert attempt.host == (HOST.instance_id if known else "")
    assert (attempt.cost_usd == pytest.approx(UNKNOWN, abs=1e-6)) is not known


def test_a_type_without_a_price_costs_what_its_queue_says(submitted: Bench) -> None:
    host = HostFacts("i-1", "x2.huge", market="on-demand")
    submitted.publish("align", host=host, job_id="job-1", job_attempt=1)
    submitted.cloud.deliver("record_job_event", submitted.ended("SUCCEEDED"))
    attempt = the_attempt(submitted)
    assert attempt.cost_usd == pytest.approx(UNKNOWN, abs=1e-6)
    assert attempt.instance_type == "x2.huge"


def test_a_job_whose_hosts_were_all_taken_back_goes_on_on_demand(submitted: Bench) -> None:
    end = submitted.ended("FAILED", EXIT_CODES[FailureClass.SPOT_RECLAIMED])
    assert submitted.cloud.deliver("record_job_event", end, end) == []
    job = submitted.job
    assert (job.failure_class, job.action) == ("SpotReclaimed", "on_demand")
    assert (
        job.message == "EC2 took its host back (Essential container in task exited, exit code 37)"
    )


def test_a_person_who_ended_it_meanwhile_is_believed(submitted: Bench) -> None:
    end = submitted.ended("FAILED", EXIT_CODES[FailureClass.SPOT_RECLAIMED])
    end["detail"] |= {"statusReason": "wrong sample", "isTerminated": True}
    submitted.cloud.deliver("record_job_event", end)
    assert submitted.job.failure_class == "Stopped"
