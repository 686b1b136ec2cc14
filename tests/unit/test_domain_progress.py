"""How far a stage is, and when it may end."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from seqdrop.domain.plan import encode
from seqdrop.domain.progress import StageProgress, expected_end, read_progress

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_stage_that_goes_on_as_it_began_ends_in_the_time_that_is_left() -> None:
    assert expected_end(NOW, 600, 0.25) == NOW + timedelta(minutes=30)


@pytest.mark.parametrize(("seconds", "fraction"), [(59, 0.5), (600, 0.049), (600, 0), (600, 1)])
def test_no_end_is_named_at_the_beginning_or_where_nothing_is_left(
    seconds: float, fraction: float
) -> None:
    assert expected_end(NOW, seconds, fraction) is None


def test_what_a_runner_has_written_is_read_back() -> None:
    progress = StageProgress("align", NOW, 0.5, 60, ends_at=NOW, reads=7, job_id="j")
    assert read_progress(encode(progress)) == progress


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b'{"stage": "align"}',
        b'{"stage": "align", "at": "yesterday", "fraction": 0.5, "seconds": 1}',
        b'{"stage": "align", "at": "2026-01-02T03:04:05", "fraction": 0.5, "seconds": 1}',
        b'{"stage": "align", "at": "2026-01-02T03:04:05Z", "fraction": 1.5, "seconds": 1}',
        b'{"stage": "align", "at": "2026-01-02T03:04:05Z", "fraction": 0.5, "seconds": -1}',
    ],
)
def test_what_is_no_progress_is_none(body: bytes) -> None:
    assert read_progress(body) is None


def test_a_field_of_a_later_release_is_no_harm() -> None:
    later = {**msgspec.to_builtins(StageProgress("align", NOW, 0.5, 60)), "mood": "good"}
    assert read_progress(msgspec.json.encode(later)) == StageProgress("align", NOW, 0.5, 60)
