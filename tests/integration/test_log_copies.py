"""Copies of jobs' logs: asked for before a job's end is written, made once CloudWatch has all."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.aws.catalog.jobs import Jobs
from seqdrop.aws.catalog.layout import job_parameter
from seqdrop.aws.job_logs import LogEvent, Page
from seqdrop.domain.records import Attempt, JobState
from seqdrop.flow import log_copies
from seqdrop.flow.log_copies import TOO_LONG, log_key, read_copy
from tests.cloud_support import RESULTS, client_of
from tests.run_support import Bench

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")
NOW_MS = 1_795_914_200_123


def write_log(stream: str, *lines: str) -> None:
    logs = client_of("logs")
    if not logs.describe_log_groups(logGroupNamePrefix="jobs")["logGroups"]:
        logs.create_log_group(logGroupName="jobs")
    logs.create_log_stream(logGroupName="jobs", logStreamName=stream)
    for start in range(0, len(lines), 1_000):
        events = [{"timestamp": NOW_MS, "message": one} for one in lines[start : start + 1_000]]
        logs.put_log_events(logGroupName="jobs", logStreamName=stream, logEvents=events)


def ended(bench: Bench, *streams: str) -> dict[str, Any]:
    """A job whose attempts have written into these streams."""
    attempts = [
        {"startedAt": 1_000, "stoppedAt": 3_601_000,
         "container": {"exitCode": 1, "logStreamName": stream}}
        for stream in streams
    ]  # fmt: skip
    event = bench.ended("FAILED", 1)
    event["detail"]["attempts"] = attempts
    return event


def asked(bench: Bench) -> list[str]:
    """The messages that ask for copies, as the function gets them a minute later."""
    url = bench.cloud.settings["job_events_queue_url"]
    attributes = client_of("sqs").get_queue_attributes(
        QueueUrl=url, AttributeNames=["ApproximateNumberOfMessagesDelayed"]
    )
    waiting = int(attributes["Attributes"]["ApproximateNumberOfMessagesDelayed"])
    message = {"seqdrop": "copy-log", "job": job_parameter(bench.job.owner)}
    return [json.dumps(message).replace(" ", "")] * waiting


def copy(bench: Bench, stream: str) -> bytes | None:
    return bench.cloud.objects.get(RESULTS, log_key(bench.folder, "align", stream))


def test_each_attempt_s_log_is_copied_beside_the_plan(submitted: Bench) -> None:
    streams = ("cpu/default/aaa", "cpu/default/bbb")
    for stream in streams:
        write_log(stream, "first", f"of {stream}", "\tat last: é\x1b[0m")
    submitted.cloud.deliver("record_job_event", ended(submitted, *streams))
    messages = asked(submitted)
    assert len(messages) == 1
    for _ in range(2):
        assert submitted.cloud.deliver("record_job_event", *messages) == []
    body = copy(submitted, streams[1])
    assert body
    assert body.decode().splitlines()[1].endswith("Z of cpu/default/bbb")
    assert [event.message for event in read_copy(body)] == [
        "first", "of cpu/default/bbb", "\tat last: é\x1b[0m",
    ]  # fmt: skip
    assert {event.time for event in read_copy(body)} == {NOW_MS}
    assert log_key("f/", "align", streams[0]) == "f/logs/align.aaa.log"
    assert copy(submitted, streams[0])


def test_it_is_asked_for_though_whoever_writes_the_end_dies(
    submitted: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Jobs, "record_end", lambda *_, **__: 1 // 0)
        failed = submitted.cloud.deliver("record_job_event", ended(submitted, "cpu/default/aaa"))
    assert failed == ["0"]
    messages = asked(submitted)
    assert len(messages) == 1
    assert submitted.cloud.deliver("record_job_event", *messages) == ["0"], "its end is not known"
    write_log("cpu/default/aaa", "line")
    submitted.cloud.deliver("record_job_event", ended(submitted, "cpu/default/aaa"))
    assert submitted.cloud.deliver("record_job_event", *messages) == []
    assert copy(submitted, "cpu/default/aaa")


def test_doubled_events_ask_once_and_a_job_that_never_ran_not_at_all(submitted: Bench) -> None:
    never = submitted.ended("FAILED", 1)
    never["detail"] |= {"attempts": [], "container": {}}
    submitted.cloud.deliver("record_job_event", never, never)
    assert asked(submitted) == []


def test_the_end_of_a_spare_job_asks_for_nothing(submitted: Bench) -> None:
    spare = ended(submitted, "cpu/default/aaa")
    spare["detail"]["jobId"] = "job-2"  # submitted twice
    submitted.cloud.deliver("record_job_event", spare)
    assert asked(submitted) == []


def test_a_copy_that_is_there_stays_as_it_is(submitted: Bench) -> None:
    write_log("cpu/default/aaa", "the whole")
    submitted.cloud.deliver("record_job_event", ended(submitted, "cpu/default/aaa"))
    messages = asked(submitted)
    submitted.cloud.deliver("record_job_event", *messages)
    before = copy(submitted, "cpu/default/aaa")
    client_of("logs").delete_log_stream(logGroupName="jobs", logStreamName="cpu/default/aaa")
    write_log("cpu/default/aaa", "a part")
    assert submitted.cloud.deliver("record_job_event", *messages) == []
    assert copy(submitted, "cpu/default/aaa") == before


def test_a_poll_asks_too(submitted: Bench) -> None:
    submitted.cloud.deliver("record_job_event", submitted.event("RUNNING"))
    last = Attempt(9.0, "2026-03-01T12:00:00Z", "2026-03-01T12:00:09Z", 1, log_stream="cpu/d/x")
    state = JobState("job-1", "FAILED", attempts=(last,), exit_code=1)
    submitted.cloud.batch.states["job-1"] = state
    submitted.stage("poll_job")
    assert len(asked(submitted)) == 1


def test_a_stream_that_is_not_there_is_no_fault(submitted: Bench) -> None:
    write_log("cpu/default/other", "line")
    submitted.cloud.deliver("record_job_event", ended(submitted, "cpu/default/aaa"))
    assert submitted.cloud.deliver("record_job_event", *asked(submitted)) == []
    assert copy(submitted, "cpu/default/aaa") is None


def test_a_log_that_is_too_long_says_so_at_its_end(
    submitted: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_copies, "LONGEST_BYTES", 1_000)
    write_log("cpu/default/aaa", *(f"line {number}" for number in range(3_000)))
    submitted.cloud.deliver("record_job_event", ended(submitted, "cpu/default/aaa"))
    submitted.cloud.deliver("record_job_event", *asked(submitted))
    body = copy(submitted, "cpu/default/aaa")
    assert body
    events = read_copy(body)
    assert [event.message for event in events[:2]] == ["line 0", "line 1"]
    assert events[-1].message == TOO_LONG
    assert len(body) < 1_100


MESSAGES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(st.lists(st.builds(LogEvent, st.integers(0, 4_000_000_000_000), MESSAGES), max_size=5))
def test_what_is_copied_is_read_back_as_it_was(events: list[LogEvent]) -> None:
    body = log_copies._text([Page(tuple(events), "")])
    found = read_copy(body)
    assert [event.time for event in found] == [event.time for event in events]
    wanted = [event.message.rstrip("\n") for event in events]
    assert [event.message for event in found] == wanted
