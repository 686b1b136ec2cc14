"""How far running stages are, as `show` reads and tells it."""

import json
from datetime import UTC, datetime, timedelta
from typing import cast

import msgspec
import pytest
from botocore.exceptions import ClientError

from cli.timeline import progress_text, sample_lines
from seqdrop.aws.objects import Objects
from seqdrop.domain.errors import LockedObject
from seqdrop.domain.plan import StoredObject, encode
from seqdrop.domain.progress import StageProgress
from seqdrop.sample_view import ProgressView
from seqdrop.stage_progress import with_progress
from tests.progress_support import STARTED, progress_of, running_sample

NOW = datetime(2026, 1, 1, 1, 0, 0, tzinfo=UTC)
KEY = "NA1/wgs/runs/abc/1/align.progress.json"
HALF = StageProgress(
    "align", NOW, 0.523, 900, ends_at=NOW + timedelta(minutes=14), reads=1_000, job_id="job-1"
)


class Bucket:
    """One object, or what is said where there is none; and what was asked for."""

    def __init__(self, content: bytes | Exception) -> None:
        self.content, self.asked = content, list[str]()

    def first_bytes(self, stored: StoredObject, length: int) -> bytes:
        self.asked.append(stored.key)
        if isinstance(self.content, Exception):
            raise self.content
        return self.content[:length]


def shown(content: bytes | Exception, **given: str) -> ProgressView | None:
    view = running_sample(**{"job_id": "job-1", **given})
    return progress_of(with_progress(view, cast(Objects, Bucket(content)), "results"))


def test_a_running_stage_is_shown_with_its_progress_by_one_request() -> None:
    bucket = Bucket(encode(HALF))
    view = with_progress(running_sample(job_id="job-1"), cast(Objects, bucket), "results")
    assert bucket.asked == [KEY]
    stage = json.loads(msgspec.json.encode(view))["analyses"][0]["runs"][0]["stages"][0]
    assert stage["progress"] == {
        "fraction": 0.523,
        "reads": 1_000,
        "ends_at": "2026-01-01T01:14:00.000Z",
        "at": "2026-01-01T01:00:00.000Z",
    }
    text = "\n".join(sample_lines(view, NOW))
    assert "[#####.....] 52 %, about 14 min left" in text


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "RUNNABLE", "STARTING"])
def test_of_a_stage_that_does_not_run_nothing_is_asked(status: str) -> None:
    bucket = Bucket(encode(HALF))
    view = running_sample(status=status)
    assert with_progress(view, cast(Objects, bucket), "results") == view
    assert bucket.asked == []


def test_what_an_earlier_attempt_or_another_job_wrote_is_not_shown() -> None:
    assert shown(encode(HALF), started=STARTED)
    assert shown(encode(HALF), started="2026-01-01T01:00:01.000Z") is None
    assert shown(encode(HALF), job_id="job-2") is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\x1f\x8b" * 100_000,
        encode(msgspec.structs.replace(HALF, stage="call")),
        ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject"),
        ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject"),
        LockedObject("s3://results/x may not be read"),
    ],
)
def test_what_is_not_there_or_is_something_else_is_left_out(content: bytes | Exception) -> None:
    assert shown(content) is None


def test_a_progress_without_an_end_is_a_bar_and_one_that_is_old_says_so() -> None:
    now = NOW.isoformat()
    assert progress_text(ProgressView(0.04, None, None, now), NOW) == "[..........] 4 %"
    assert progress_text(ProgressView(1.0, 9, None, now), NOW) == "[##########] 100 %"
    soon = ProgressView(0.99, 9, (NOW + timedelta(seconds=30)).isoformat(), now)
    assert progress_text(soon, NOW) == "[#########.] 99 %, about to end"
    later = NOW + timedelta(minutes=16)
    assert progress_text(soon, later) == "[#########.] 99 % at 2026-01-01 01:00 UTC"
    assert progress_text(None, NOW) == ""
