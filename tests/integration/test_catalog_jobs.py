"""Jobs in the catalog: whatever comes in whatever order, they only move forward."""

from collections.abc import Iterator
from itertools import count

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqdrop.aws.catalog.layout import timestamp
from seqdrop.domain.errors import Transient
from seqdrop.domain.identity import AnalysisId, RunId, StageOf
from seqdrop.domain.records import Attempt, Job, JobState
from tests.cloud_support import Cloud, open_cloud
from tests.domain_support import job as job_of

_numbers = count()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with (
        pytest.MonkeyPatch.context() as patch,
        open_cloud(tmp_path_factory.mktemp("lab"), patch) as c,
    ):
        yield c


def new_job(cloud: Cloud) -> Job:
    """A job that no test has used, as it is before Batch hears of it."""
    owner = StageOf(RunId(f"S{next(_numbers)}", "wgs", "abc", 1), "align")
    return cloud.catalog.jobs.start(job_of(owner, token="first"))


def state(status: str, attempts: int = 0, job_id: str = "job-1") -> JobState:
    """Batch's word on a job, with what it knows by then."""
    ended = status in {"SUCCEEDED", "FAILED"}
    return JobState(
        job_id,
        status,
        reason=f"{status} of attempt {attempts}" if ended or attempts else "",
        exit_code=(0 if status == "SUCCEEDED" else 20) if ended else None,
        log_stream="log" if status in {"RUNNING", "SUCCEEDED", "FAILED"} else "",
        created="2026-03-01T12:00:00.000Z",
        started="2026-03-01T12:01:00.000Z" if ended else "",
        ended="2026-03-01T12:02:00.000Z" if ended else "",
        attempts=(Attempt(60.0),) * attempts,
    )


WAY = [
    state("SUBMITTED"), state("RUNNABLE"), state("STARTING"), state("RUNNING"),
    state("RUNNABLE", 1), state("STARTING", 1), state("RUNNING", 1),
]  # fmt: skip
ENDS = [state("SUCCEEDED", 2), state("FAILED", 2)]


@settings(max_examples=25)
@given(st.sampled_from(ENDS), st.lists(st.sampled_from(WAY), max_size=10), st.data())
def test_whatever_the_order_of_news_the_job_ends_the_same(
    cloud: Cloud, end: JobState, news: list[JobState], data: st.DataObject
) -> None:
    straight, mixed = new_job(cloud), new_job(cloud)
    for one in [*WAY, end]:
        cloud.catalog.jobs.record_state(straight.owner, one, cloud.clock())
    for one in data.draw(st.permutations([*news, end, end])):
        cloud.catalog.jobs.record_state(mixed.owner, one, cloud.clock())
    expected, found = cloud.catalog.jobs.get(straight.owner), cloud.catalog.jobs.get(mixed.owner)
    assert expected is not None
    assert found is not None
    same = msgspec.structs.replace(expected, owner=mixed.owner, updated=found.updated)
    assert found == same
    assert found.status == end.status


@settings(max_examples=25)
@given(st.lists(st.sampled_from([*WAY, *ENDS]), min_size=1, max_size=12))
def test_a_job_never_goes_back(cloud: Cloud, news: list[JobState]) -> None:
    job, progress, ends = new_job(cloud), [0], set()
    for one in news:
        recorded = cloud.catalog.jobs.record_state(job.owner, one, cloud.clock())
        assert recorded is not None
        progress.append(recorded.progress)
        ends |= {recorded.status} if recorded.has_ended else set()
    assert progress == sorted(progress)
    assert len(ends) <= 1
    furthest = max(one.progress for one in news)
    assert progress[-1] == furthest


NO_CAPACITY, INVALID = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - none", "ACTION_REQUIRED - invalid"


def blocked(minute: int, why: str = NO_CAPACITY, attempts: int = 0) -> JobState:
    """Batch's word that the job can't start, of a minute past twelve."""
    told = f"2026-03-01T12:{minute:02d}:00.000Z"
    return JobState(
        "job-1", "RUNNABLE", blocked=why, told=told, attempts=(Attempt(60.0),) * attempts
    )


def tell(cloud: Cloud, job: Job, one: JobState) -> Job | None:
    """What record_job_event does with a state."""
    recorded = cloud.catalog.jobs.record_state(job.owner, one, cloud.clock())
    if one.blocked:
        cloud.catalog.jobs.record_blocked(job.owner, one, cloud.clock())
    return recorded


BLOCKED = [blocked(5), blocked(9), blocked(7, INVALID), blocked(6)]


@settings(max_examples=40)
@given(st.permutations([*BLOCKED, *BLOCKED, state("SUBMITTED"), state("RUNNABLE")]))
def test_a_blocked_job_tells_its_last_reason_and_its_first_time_in_any_order(
    cloud: Cloud, news: list[JobState]
) -> None:
    job = new_job(cloud)
    for one in news:
        tell(cloud, job, one)
    found = cloud.catalog.jobs.get(job.owner)
    assert found is not None
    assert (found.status, found.reason) == ("RUNNABLE", "")
    assert (found.blocked_reason, found.blocked_since) == (NO_CAPACITY, "2026-03-01T12:05:00.000Z")


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from([*BLOCKED, blocked(20, attempts=1), *WAY]), max_size=8),
    st.sampled_from([*WAY[2:], *ENDS]),
    st.data(),
)
def test_whatever_comes_late_only_a_job_that_waits_is_blocked(
    cloud: Cloud, news: list[JobState], surely: JobState, data: st.DataObject
) -> None:
    job, told = new_job(cloud), data.draw(st.permutations([*news, surely, surely]))
    for one in told:
        tell(cloud, job, one)
    found = cloud.catalog.jobs.get(job.owner)
    assert found is not None
    of_this_wait = [one for one in told if one.blocked and one.progress == found.progress]
    assert bool(found.blocked_reason) is bool(found.blocked_since) is bool(of_this_wait)
    if found.status != "RUNNABLE":
        assert not found.blocked_reason


def test_a_job_that_is_blocked_again_after_an_attempt_counts_anew(cloud: Cloud) -> None:
    job = new_job(cloud)
    for one in (blocked(5), state("RUNNING"), blocked(20, attempts=1), blocked(6)):
        tell(cloud, job, one)
    found = cloud.catalog.jobs.get(job.owner)
    assert found is not None
    assert found.blocked_since == "2026-03-01T12:20:00.000Z"


def test_what_was_told_before_the_job_was_seen_to_be_free_comes_too_late(cloud: Cloud) -> None:
    job = new_job(cloud)
    tell(cloud, job, blocked(5))
    cloud.clock.turn(3_600)
    cloud.catalog.jobs.record_unblocked(job.owner, blocked(5), cloud.clock())
    for one in (blocked(5), blocked(4), blocked(6, INVALID)):
        tell(cloud, job, one)
    found = cloud.catalog.jobs.get(job.owner)
    assert found is not None
    assert (found.blocked_reason, found.blocked_since) == ("", "")


def test_an_event_that_comes_after_the_job_was_seen_to_be_free_is_not_taken(cloud: Cloud) -> None:
    job = new_job(cloud)
    tell(cloud, job, state("RUNNABLE"))
    cloud.clock.turn(3_600)
    cloud.catalog.jobs.record_unblocked(job.owner, blocked(5), cloud.clock())
    tell(cloud, job, blocked(5))
    found = cloud.catalog.jobs.get(job.owner)
    assert found is not None
    assert (found.blocked_reason, found.blocked_since) == ("", "")


def test_an_event_of_before_does_not_lengthen_a_wait_that_began_after_it_was_free(
    cloud: Cloud,
) -> None:
    job = new_job(cloud)
    tell(cloud, job, state("RUNNABLE"))
    cloud.clock.turn(3_600)
    cloud.catalog.jobs.record_unblocked(job.owner, blocked(5), cloud.clock())
    cloud.clock.turn(3_600)
    again = msgspec.structs.replace(blocked(5), told=timestamp(cloud.clock()))
    for one in (again, blocked(5)):
        tell(cloud, job, one)
    found = cloud.catalog.jobs.get(job.owner)
    assert found is not None
    assert found.blocked_since == again.told


def test_hosts_were_last_seen_at_the_latest_time_in_any_order(cloud: Cloud) -> None:
    hosts = cloud.catalog.hosts
    assert hosts.last_seen("order-cpu") == ""
    for minute in (5, 9, 7):
        hosts.record_seen("order-cpu", f"2026-03-01T12:{minute:02d}:00.000Z")
    assert hosts.last_seen("order-cpu") == "2026-03-01T12:09:00.000Z"
    assert hosts.last_seen("order-fpga") == ""


def test_why_another_job_can_not_start_is_not_taken(cloud: Cloud) -> None:
    job = new_job(cloud)
    tell(cloud, job, state("RUNNABLE"))
    other = msgspec.structs.replace(blocked(5), job_id="job-2")
    assert cloud.catalog.jobs.record_blocked(job.owner, other, cloud.clock()) is None
    nowhere = StageOf(RunId("nobody", "wgs", "abc", 1), "align")
    assert cloud.catalog.jobs.record_blocked(nowhere, blocked(5), cloud.clock()) is None
    assert cloud.catalog.jobs.get(nowhere) is None


def test_what_an_earlier_attempt_ended_of_is_not_said_of_the_next(cloud: Cloud) -> None:
    job = new_job(cloud)
    again = JobState("job-1", "RUNNABLE", "Host EC2 terminated", 137, attempts=(Attempt(9.0),))
    cloud.catalog.jobs.record_state(job.owner, again, cloud.clock())
    runs = JobState("job-1", "RUNNING", attempts=(Attempt(9.0),))
    recorded = cloud.catalog.jobs.record_state(job.owner, runs, cloud.clock())
    assert recorded is not None
    assert (recorded.status, recorded.reason, recorded.exit_code) == ("RUNNING", "", None)


def test_a_job_is_written_once_and_always_has_the_newest_token(cloud: Cloud) -> None:
    job = new_job(cloud)
    cloud.catalog.jobs.record_id(job, "job-1")
    again = cloud.catalog.jobs.start(msgspec.structs.replace(job, token="second"))
    assert (again.job_id, again.token) == ("job-1", "second")
    assert cloud.catalog.jobs.wait_with(job.owner, "third").token == "third"


def test_news_of_another_job_are_not_taken(cloud: Cloud) -> None:
    job = new_job(cloud)
    assert cloud.catalog.jobs.record_id(job, "job-1") is not None
    assert cloud.catalog.jobs.record_id(job, "job-1") is not None
    assert cloud.catalog.jobs.record_id(job, "job-2") is None
    before = cloud.catalog.jobs.get(job.owner)
    other = state("FAILED", 1, job_id="job-2")
    assert cloud.catalog.jobs.record_state(job.owner, other, cloud.clock()) is None
    assert cloud.catalog.jobs.get(job.owner) == before


def test_an_event_before_the_submission_was_recorded_ties_the_job(cloud: Cloud) -> None:
    job = new_job(cloud)
    cloud.catalog.jobs.record_state(job.owner, state("RUNNING"), cloud.clock())
    recorded = cloud.catalog.jobs.record_id(job, "job-1")
    assert recorded is not None
    assert recorded.status == "RUNNING"


def test_news_of_a_job_that_is_not_there_make_none(cloud: Cloud) -> None:
    nowhere = StageOf(RunId("nobody", "wgs", "abc", 1), "align")
    assert cloud.catalog.jobs.record_state(nowhere, state("RUNNING"), cloud.clock()) is None
    with pytest.raises(Transient, match="no job of align"):
        cloud.catalog.jobs.wait_with(nowhere, "token")
    assert cloud.catalog.jobs.get(nowhere) is None


def test_jobs_are_found_by_run_and_by_analysis(cloud: Cloud) -> None:
    sample = f"S{next(_numbers)}"
    runs = [RunId(sample, "wgs", *run) for run in (("abc", 1), ("abc", 10), ("abd", 1))]
    for run, stage in zip([runs[0], *runs], ("align", "call", "align", "call"), strict=True):
        cloud.catalog.jobs.start(job_of(StageOf(run, stage)))
    assert [job.stage for job in cloud.catalog.jobs.of_run(runs[0])] == ["align", "call"]
    assert [job.owner for job in cloud.catalog.jobs.of_run(runs[1])] == [StageOf(runs[1], "align")]
    assert len(cloud.catalog.jobs.of_analysis(AnalysisId(sample, "wgs"))) == 4
    assert cloud.catalog.jobs.of_analysis(AnalysisId(sample, "wes")) == []
