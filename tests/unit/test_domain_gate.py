"""When the gate of a kind of queues is shut, probed and freed."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.failure import FailureClass
from seqdrop.domain.gate import (
    FREE,
    LONGEST_PROBE,
    SAME_IN_A_ROW,
    Gate,
    after_end,
    freed,
    gate_text,
    paused,
    probed,
)
from seqdrop.domain.identity import RunId, StageOf
from seqdrop.domain.records import Job
from tests.domain_support import job as job_of

BEGIN = datetime.fromisoformat("2026-11-28T12:00:00.000+00:00")


def at(minutes: float) -> str:
    """So long after the beginning."""
    text = (BEGIN + timedelta(minutes=minutes)).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def ended(sample: str, failure: str = "", minutes: float = 1, **given_: Any) -> Job:
    """A job that ended so."""
    owner = StageOf(RunId(sample, "wgs", "abc", 1), given_.pop("stage", "dragen"))
    return job_of(
        owner, status="FAILED" if failure else "SUCCEEDED", failure_class=failure,
        action=given_.pop("action", "fail" if failure else ""), message="the licence\nis used up",
        ended=at(minutes), pipeline="germline-fpga", job_id=sample, **given_,
    )  # fmt: skip


def test_a_used_up_licence_shuts_the_gate_at_once() -> None:
    gate = after_end(Gate("fpga-genome"), ended("S1", "LicenceExhausted", action="again"), at(1))
    assert (gate.state, gate.quantity, gate.is_told) == ("shut", 0, False)
    assert gate.why.startswith("LicenceExhausted: DRAGEN's licence is used up")
    assert gate.why.endswith("; is used up")
    assert gate.probe_at == at(16)
    assert after_end(gate, ended("S2", "LicenceExhausted", 2), at(2)) == gate, "one alert"


def test_a_probe_that_succeeds_frees_the_gate_and_one_that_fails_alike_shuts_it_longer() -> None:
    gate = after_end(Gate("fpga-genome"), ended("S1", "LicenceExhausted"), at(1))
    assert probed(gate, at(15)) == gate
    for shuts, pause in ((2, 30), (3, 60), (4, 120), (5, 240), (6, 240)):
        gate = probed(gate, at(10_000 * shuts - 1))
        assert (gate.state, gate.quantity) == ("probed", 1)
        now = at(10_000 * shuts)
        gate = after_end(gate, ended("S2", "LicenceExhausted", 10_000 * shuts), now)
        assert (gate.state, gate.shuts, gate.is_told) == ("shut", shuts, True)
        assert gate.probe_at == at(10_000 * shuts + pause)
    assert timedelta(minutes=240) == LONGEST_PROBE
    gate = probed(gate, at(1_000_000))
    gate = after_end(gate, ended("S3", "", 1_000_001), at(1_000_001))
    assert (gate.state, gate.quantity) == ("free", FREE)


@pytest.mark.parametrize("failure", ["Stopped", "BadInput", "HostFailed"])
def test_a_probe_that_ends_otherwise_says_nothing(failure: str) -> None:
    gate = after_end(Gate("fpga-genome"), ended("S1", "LicenceExhausted"), at(1))
    gate = probed(gate, at(20))
    assert after_end(gate, ended("S2", failure, 21), at(21)) == gate


def test_news_of_before_the_gate_was_freed_does_not_shut_it_again() -> None:
    gate = freed(Gate("fpga-genome"), at(5), "ana")
    assert after_end(gate, ended("S1", "LicenceExhausted", 4), at(6)) == gate
    assert after_end(gate, ended("S1", "LicenceExhausted", 6), at(6)).state == "shut"


def test_as_many_samples_that_fail_alike_shut_the_gate_and_a_success_between_does_not() -> None:
    gate = Gate("cpu")
    for number in range(SAME_IN_A_ROW - 1):
        for _ in range(2):  # the same news twice, or the same sample again
            gate = after_end(gate, ended(f"S{number}", "ImageMissing"), at(1))
    assert gate.state == "free"
    for nothing in ("BadInput", "ToolFailed", "BadPlan"):
        assert after_end(gate, ended("S9", nothing), at(2)) == gate, "its own, or its pipeline's"
    followed = ended("S9", "NeverStarted", action="again")
    assert after_end(gate, followed, at(2)) == gate
    assert after_end(gate, ended("S9", "ImageMissing"), at(2)).state == "shut"
    better = after_end(gate, ended("S9"), at(2))
    assert after_end(better, ended("S9", "ImageMissing", 3), at(3)).state == "free"
    different = after_end(gate, ended("S9", "NeverStarted"), at(2))
    assert (different.state, len(different.counted)) == ("free", 1)


def test_news_of_a_success_of_before_it_was_shut_is_no_probe() -> None:
    gate = after_end(Gate("fpga-genome"), ended("S1", "LicenceExhausted", 5), at(5))
    gate = probed(gate, at(30))
    assert after_end(gate, ended("S0", "", 4), at(31)) == gate
    assert after_end(gate, ended("S2", "", 31), at(31)).is_free


def test_what_a_person_paused_only_a_person_resumes() -> None:
    gate = paused(Gate("cpu"), at(1), "ana", "new AMI")
    assert (gate.quantity, gate_text(gate)) == (0, "paused by ana since 12:01 UTC: new AMI")
    for job in (ended("S1"), ended("S2", "LicenceExhausted"), ended("S3", "ToolFailed")):
        assert after_end(gate, job, at(9)) == gate
    assert probed(gate, at(100_000)) == gate
    assert freed(gate, at(2), "ana").is_free


@given(
    st.lists(
        st.tuples(st.sampled_from([*FailureClass, ""]), st.integers(0, 9), st.booleans()),
        max_size=40,
    )
)
def test_the_same_news_again_changes_nothing(news: list[tuple[str, int, bool]]) -> None:
    gate = Gate("cpu")
    for minute, (failure, sample, probe) in enumerate(news, 1):
        if probe:
            gate = probed(gate, at(minute * 100))
        job = ended(f"S{sample}", failure, minute * 100)
        gate = after_end(gate, job, at(minute * 100))
        assert after_end(gate, job, at(minute * 100)).state == gate.state
        assert gate.quantity in {0, 1, FREE}
        assert gate_text(gate)
