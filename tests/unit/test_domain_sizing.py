"""What stages took against what they asked for."""

from typing import Any

import pytest
from msgspec import structs

from seqdrop.domain.sizing import StageSize, Taken, sizes_of

JOB = Taken("wgs", "align", 1_000, 700, 5_000, 100, 90.0)


def size_of(*changes: dict[str, Any]) -> StageSize:
    (found,) = sizes_of(structs.replace(JOB, **change) for change in changes)
    return found


def test_a_stage_has_the_most_of_its_jobs_and_the_median_of_their_times() -> None:
    found = size_of({}, {"peak_memory_mib": 800, "seconds": 50.0}, {"seconds": 120.0})
    assert (found.jobs, found.peak_memory_mib, found.memory_fraction) == (3, 800, 0.8)
    assert (found.time_fraction, found.longest_fraction) == (0.9, 1.2)
    assert (found.peak_scratch_mib, found.advice) == (5_000, ())


def test_each_job_is_held_against_what_it_asked_for_itself() -> None:
    found = size_of({"memory_mib": 2_000, "peak_memory_mib": 900}, {"peak_memory_mib": 600})
    assert found.memory_fraction == 0.6


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ([{"peak_memory_mib": 950}], ["took up to 95% of its memory: raise its memory_mib"]),
        ([{"peak_memory_mib": 400}] * 3, ["never took more than 40% of its memory: with less, "]),
        ([{"peak_memory_mib": 400}] * 2, []),
        ([{"seconds": 250.0}], ["took up to 4 min where it should take 2 min: raise its seconds"]),
        ([{"seconds": 199.0}], []),
        ([{"scratch_mib": 4_000}], ["took up to 125% of its scratch: raise its scratch_mib"]),
        ([{"scratch_mib": 5_000}], []),
        ([{"peak_memory_mib": 960, "ran_out": True}, {}], ["ran out of memory in 1 of 2: raise"]),
        ([{"peak_memory_mib": 400, "has_host_alone": True}] * 3, []),
    ],
)
def test_what_is_far_off_is_told_with_what_to_change(
    changes: list[dict[str, Any]], advice: list[str]
) -> None:
    found = size_of(*changes).advice
    assert len(found) == len(advice)
    assert all(told.startswith(wanted) for told, wanted in zip(found, advice, strict=True))


def test_jobs_that_do_not_say_what_they_took_are_left_out() -> None:
    assert sizes_of([structs.replace(JOB, is_played=True)]) == []
    assert sizes_of([structs.replace(JOB, peak_memory_mib=0)]) == []
    assert sizes_of([structs.replace(JOB, expected_seconds=0)]) == []
    assert sizes_of([structs.replace(JOB, seconds=0.0)]) == []


def test_stages_of_several_pipelines_are_apart() -> None:
    found = sizes_of(
        [JOB, structs.replace(JOB, pipeline="wes"), structs.replace(JOB, stage="call")]
    )
    assert [(one.pipeline, one.stage) for one in found] == [
        ("wes", "align"), ("wgs", "align"), ("wgs", "call"),
    ]  # fmt: skip
