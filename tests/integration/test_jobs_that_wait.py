"""Jobs that get no host: why is shown, and after the limit PollJob gives them up."""

from datetime import timedelta
from typing import Any

import pytest

from seqdrop.aws.batch_detail import read_state
from seqdrop.aws.catalog.layout import job_parameter
from seqdrop.domain.blocked import NO_HOST, REMEDIES, cancel_reason
from seqdrop.domain.errors import Transient
from seqdrop.domain.identity import RunId, StageOf
from seqdrop.domain.records import JobState
from tests.cloud_support import blocked_event, job_event
from tests.domain_support import job as job_of
from tests.run_support import Bench

LIMIT = 14_400
INVALID = "ACTION_REQUIRED - CE(s) associated with the job queue are invalid."
REASONS = [f"{code} - words of Batch." for code in REMEDIES if code != "NO_HOST"]


def told(bench: Bench, why: str, minutes_ago: float = 0, **detail: Any) -> dict[str, Any]:
    """Batch's event that the job blocks its queue, of some minutes ago."""
    (request,) = bench.cloud.batch.submitted
    event = blocked_event(jobId="job-1", statusReason=why, parameters=request.parameters, **detail)
    time = bench.cloud.clock.time - timedelta(minutes=minutes_ago)
    event["time"] = time.strftime("%Y-%m-%dT%H:%M:%SZ")
    return event


def polled(bench: Bench, why: str = "", status: str = "RUNNABLE") -> None:
    """A poll, when Batch says so."""
    detail = {"jobId": "job-1", "status": status, **({"statusReason": why} if why else {})}
    bench.cloud.batch.states["job-1"] = read_state(detail)
    bench.stage("poll_job", token="token")


def runnable(bench: Bench) -> None:
    """The job waits from now on."""
    bench.cloud.deliver("record_job_event", bench.event("RUNNABLE"))


def ended(bench: Bench) -> str:
    """The job's message when Batch has done what it was asked for."""
    (reason,) = bench.cloud.batch.cancelled.values()
    milliseconds = int(bench.cloud.clock.time.timestamp() * 1_000)
    event = bench.event("FAILED", statusReason=reason, attempts=[], stoppedAt=milliseconds)
    event["detail"]["container"] = {}
    bench.cloud.deliver("record_job_event", event)
    return bench.job.message


def test_why_a_job_can_not_start_is_kept_with_its_time_until_it_starts(submitted: Bench) -> None:
    deliver = submitted.cloud.deliver
    event = told(submitted, INVALID, minutes_ago=5)
    assert deliver("record_job_event", event, told(submitted, INVALID), event) == []
    job = submitted.job
    assert (job.status, job.blocked_reason) == ("RUNNABLE", INVALID)
    assert job.blocked_since == "2026-03-01T11:55:00.000Z"
    deliver("record_job_event", submitted.event("STARTING"))
    assert (submitted.job.blocked_reason, submitted.job.blocked_since) == ("", "")
    deliver("record_job_event", event)
    assert (submitted.job.status, submitted.job.blocked_reason) == ("STARTING", "")


@pytest.mark.parametrize("why", REASONS)
def test_a_job_that_is_blocked_beyond_the_limit_is_given_up_and_says_what_to_do(
    submitted: Bench, why: str
) -> None:
    submitted.cloud.deliver("record_job_event", told(submitted, why))
    submitted.cloud.clock.turn(LIMIT - 60)
    polled(submitted, why)
    assert submitted.cloud.batch.cancelled == {}, "its time is not over"
    submitted.cloud.clock.turn(120)
    for _ in range(2):
        polled(submitted, why)
    assert submitted.cloud.batch.cancelled == {"job-1": cancel_reason(why)}
    remedy = REMEDIES[why.split(" - ", maxsplit=1)[0]]
    assert (
        ended(submitted)
        == f"got no host in 4 h 01 min: {why.rstrip('.')}; {remedy.do}; then rerun it"
    )
    assert submitted.job.failure_class == "StuckInQueue"
    assert submitted.cloud.executions.answers[-1] == (
        "token", f"StuckInQueue: align: {submitted.job.message}",
    )  # fmt: skip


def test_a_poll_finds_the_reason_whose_event_was_lost(submitted: Bench) -> None:
    polled(submitted, INVALID)
    assert (submitted.job.status, submitted.job.blocked_reason) == ("RUNNABLE", INVALID)
    submitted.cloud.clock.turn(LIMIT + 60)
    polled(submitted, INVALID)
    assert list(submitted.cloud.batch.cancelled) == ["job-1"]


def test_the_end_that_batch_itself_makes_says_as_much(submitted: Bench) -> None:
    why = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY"
    words = f"{why} - Service cannot fulfill the capacity requested for instance type [m7i.4xlarge]"
    submitted.cloud.deliver("record_job_event", told(submitted, words))
    submitted.cloud.clock.turn(LIMIT)
    batch = submitted.cloud.batch
    batch.cancelled["job-1"] = f"Canceled by JobStateTimeLimit action due to reason: {why}"
    assert (
        ended(submitted) == f"got no host in 4 h 00 min: {words}; {REMEDIES[why].do}; then rerun it"
    )
    assert submitted.job.failure_class == "StuckInQueue"


@pytest.mark.parametrize(
    "why",
    [
        "MISCONFIGURATION:MOON_IN_THE_WRONG_HOUSE - the moon is in the wrong house",
        "MOON:IN_THE_WRONG_HOUSE:2 - the moon is in the wrong house",
        "MOON_AWAY – there is no moon",
    ],
)
def test_a_reason_that_nobody_has_seen_is_told_in_batchs_words_alone(
    submitted: Bench, why: str
) -> None:
    submitted.cloud.deliver("record_job_event", told(submitted, why))
    submitted.cloud.clock.turn(LIMIT + 60)
    polled(submitted, why)
    assert submitted.job.blocked_reason == why, "DescribeJobs says what the event did"
    message = ended(submitted)
    assert why in message
    assert "Batch's console" in message
    assert submitted.job.failure_class == "StuckInQueue"


def test_a_job_that_is_blocked_no_more_has_all_its_time_again(submitted: Bench) -> None:
    event = told(submitted, INVALID)
    submitted.cloud.deliver("record_job_event", event)
    submitted.cloud.clock.turn(LIMIT - 60)
    busy(submitted)
    polled(submitted)
    assert submitted.job.blocked_reason == ""
    submitted.cloud.deliver("record_job_event", event)
    submitted.cloud.clock.turn(120)
    polled(submitted, INVALID)
    assert submitted.cloud.batch.cancelled == {}


def busy(bench: Bench, queue: str = "lab-cpu-bulk", status: str = "RUNNING") -> None:
    """Another job is on a host."""
    bench.cloud.batch.others.add((queue, status))


def test_a_job_for_which_no_host_comes_is_given_up_though_batch_has_no_word_for_it(
    submitted: Bench,
) -> None:
    runnable(submitted)
    submitted.cloud.clock.turn(LIMIT - 60)
    polled(submitted)
    assert submitted.cloud.batch.cancelled == {}
    submitted.cloud.clock.turn(120)
    polled(submitted)
    assert submitted.cloud.batch.cancelled == {"job-1": cancel_reason(NO_HOST)}
    assert ended(submitted).startswith(f"got no host in 4 h 01 min: {NO_HOST}; hosts do not start")
    assert submitted.job.failure_class == "StuckInQueue"


@pytest.mark.parametrize(
    ("queue", "status"),
    [(f"lab-cpu-{rank}", status) for rank in ("urgent", "routine", "bulk")
     for status in ("STARTING", "RUNNING")],
)  # fmt: skip
def test_a_job_that_waits_for_others_that_run_is_never_given_up(
    submitted: Bench, queue: str, status: str
) -> None:
    runnable(submitted)
    busy(submitted, queue, status)
    submitted.cloud.clock.turn(100 * LIMIT)
    polled(submitted)
    assert submitted.cloud.batch.cancelled == {}


def another(bench: Bench, status: str, **detail: Any) -> None:
    """Batch's event of another job of the same hosts, of now."""
    owner = StageOf(RunId("NA2", "wgs", "abc", 1), "align")
    bench.cloud.catalog.jobs.start(job_of(owner, queue="lab-cpu-bulk"))
    parameters = {"catalog": job_parameter(owner)}
    event = job_event(jobId="job-2", status=status, parameters=parameters, **detail)
    event["time"] = bench.cloud.clock.time.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert bench.cloud.deliver("record_job_event", event) == []


def now_ms(bench: Bench) -> int:
    return int(bench.cloud.clock.time.timestamp() * 1_000)


def test_who_waited_for_one_that_has_ended_has_the_whole_limit(submitted: Bench) -> None:
    runnable(submitted)
    submitted.cloud.clock.turn(3 * LIMIT)
    end = now_ms(submitted)
    another(submitted, "FAILED", stoppedAt=end, attempts=[{"startedAt": 1_000, "stoppedAt": end}])
    submitted.cloud.clock.turn(LIMIT - 60)
    polled(submitted)
    assert submitted.cloud.batch.cancelled == {}
    submitted.cloud.clock.turn(120)
    polled(submitted)
    assert list(submitted.cloud.batch.cancelled) == ["job-1"]


def test_who_waits_for_one_whose_host_was_taken_away_has_the_whole_limit(submitted: Bench) -> None:
    runnable(submitted)
    submitted.cloud.clock.turn(3 * LIMIT)
    lost = {"startedAt": 1_000, "stoppedAt": now_ms(submitted)}
    another(submitted, "RUNNABLE", attempts=[lost])
    polled(submitted)
    assert submitted.cloud.batch.cancelled == {}


def test_a_job_behind_one_that_is_blocked_is_not_told_that_batch_has_no_reason(
    submitted: Bench,
) -> None:
    runnable(submitted)
    submitted.cloud.clock.turn(3 * LIMIT)
    another(submitted, "RUNNABLE", statusReason=INVALID)
    another(submitted, "FAILED", stoppedAt=now_ms(submitted), statusReason="stopped: it blocks all")
    submitted.cloud.clock.turn(LIMIT - 60)
    polled(submitted)
    assert submitted.cloud.batch.cancelled == {}


@pytest.mark.parametrize(
    "why", [cancel_reason(NO_HOST), "stopped: enough", "a person's own words in the console"]
)
def test_one_that_was_ended_while_it_waited_takes_no_time_from_the_others(
    submitted: Bench, why: str
) -> None:
    """Else of many that wait for hosts that never come one would fall in each limit."""
    runnable(submitted)
    another(submitted, "RUNNABLE")
    submitted.cloud.clock.turn(LIMIT + 60)
    another(submitted, "FAILED", stoppedAt=now_ms(submitted), statusReason=why, attempts=[])
    polled(submitted)
    assert list(submitted.cloud.batch.cancelled) == ["job-1"]


def test_a_look_that_batch_does_not_answer_fails_no_run(
    submitted: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def throttled(_queue: str, _status: str) -> bool:
        raise Transient("too many")

    runnable(submitted)
    submitted.cloud.clock.turn(2 * LIMIT)
    with monkeypatch.context() as patch:
        patch.setattr(submitted.cloud.batch, "has", throttled)
        polled(submitted)
    assert submitted.cloud.batch.cancelled == {}
    polled(submitted)
    assert list(submitted.cloud.batch.cancelled) == ["job-1"]


def test_a_look_that_batch_answers_slowly_ends_in_time_and_gives_nothing_up(
    submitted: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def slow(queue: str, _status: str) -> bool:
        submitted.cloud.clock.turn(4)
        asked.append(queue)
        return False

    runnable(submitted)
    submitted.cloud.clock.turn(2 * LIMIT)
    monkeypatch.setattr(submitted.cloud.batch, "has", slow)
    polled(submitted)
    assert len(asked) == 3
    assert submitted.cloud.batch.cancelled == {}


def test_many_that_no_host_comes_for_are_each_told_at_their_next_look(submitted: Bench) -> None:
    cloud, line = submitted.cloud, ["NA2", "NA3", "NA4", "NA5"]
    catalog, polling = cloud.catalog, cloud.flows.polling
    jobs = {}
    for number, sample in enumerate(line, 2):
        owner = StageOf(RunId(sample, "wgs", "abc", 1), "align")
        catalog.jobs.start(job_of(owner, name=sample))
        waits = JobState(f"job-{number}", "RUNNABLE")
        recorded = polling.news.record(owner, waits)
        assert recorded is not None
        jobs[sample] = (recorded, waits)
    cloud.clock.turn(LIMIT + 60)
    for sample in reversed(line):  # the last submitted may be looked at first
        job, waits = jobs[sample]
        polling.take(job, waits.job_id, waits)
        (number,) = [n for n, one in enumerate(line, 2) if one == sample]
        assert cloud.batch.cancelled[f"job-{number}"] == cancel_reason(NO_HOST)


def test_a_job_that_batch_says_runs_is_not_given_up_for_what_was_said_before(
    submitted: Bench,
) -> None:
    submitted.cloud.deliver("record_job_event", told(submitted, INVALID))
    submitted.cloud.clock.turn(2 * LIMIT)
    polled(submitted, status="RUNNING")
    assert submitted.cloud.batch.cancelled == {}
    assert submitted.job.blocked_reason == ""
