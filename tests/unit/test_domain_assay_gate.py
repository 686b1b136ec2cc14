"""When an assay's runs begin no more, and when they do again."""

import pytest
from msgspec import structs

from seqdrop.domain.assay_gate import (
    OF_ASSAY,
    RunEnd,
    Verdict,
    after_end,
    asked,
    assay_of,
    gate_of_assay,
)
from seqdrop.domain.failure import FailureClass
from seqdrop.domain.gate import SAME_IN_A_ROW, Gate

FREE = Gate(gate_of_assay("wes"))
NOON, LATER, EVENING = (f"2026-03-01T{hour}:00:00.000Z" for hour in (12, 13, 20))
BAD = RunEnd("S", LATER, Verdict.BAD, FailureClass.TOOL_FAILED, "align", "bwa\nboom")
GOOD = RunEnd("S", LATER, Verdict.GOOD)
NONE = RunEnd("S", LATER, Verdict.NONE)


def of(end: RunEnd, sample: str) -> RunEnd:
    return structs.replace(end, sample=sample)


FIVE = [of(BAD, f"S{number}") for number in range(SAME_IN_A_ROW)]


def after(*ends: RunEnd, gate: Gate = FREE, now: str = NOON) -> Gate:
    for end in ends:
        gate = after_end(gate, end, now)
    return gate


SHUT = after(*FIVE)
PROBED, _ = asked(SHUT, "P", LATER)


def test_as_many_samples_in_a_row_that_fail_alike_shut_it() -> None:
    assert after(*FIVE[:-1]).is_free
    assert (SHUT.state, SHUT.failure) == ("shut", "ToolFailed in stage align")
    assert SHUT.why.startswith("ToolFailed in stage align: a tool failed")
    assert SHUT.why.endswith("; boom")
    assert not SHUT.is_told
    assert SHUT.probe_at == "2026-03-01T12:15:00.000Z"
    assert (assay_of(SHUT), assay_of(Gate("cpu"))) == ("wes", "")


@pytest.mark.parametrize(
    "between",
    [
        GOOD,
        structs.replace(BAD, failure=FailureClass.OUT_OF_MEMORY),
        structs.replace(BAD, stage="call"),
    ],
    ids=["a run ends well", "one fails otherwise", "one fails in another stage"],
)
def test_what_comes_in_between_begins_the_count_anew(between: RunEnd) -> None:
    assert after(*FIVE[:-1], of(between, "X"), FIVE[-1]).is_free


def test_what_says_nothing_of_the_assay_changes_nothing() -> None:
    four = after(*FIVE[:-1])
    assert after(NONE, gate=four) == four
    assert after(NONE, FIVE[0], gate=SHUT) == SHUT, "it fails as was known"
    assert after(*[FIVE[0]] * 20).is_free, "a sample that fails again and again counts once"


def test_what_had_begun_before_it_was_freed_does_not_shut_it_again() -> None:
    freed = Gate(FREE.kind, since=EVENING)
    assert after(*FIVE, gate=freed) == freed
    assert after(GOOD, gate=SHUT, now=EVENING).is_free, "but one that ends well frees it"


def test_one_run_begins_as_a_probe_and_no_other_until_it_has_ended() -> None:
    assert asked(FREE, "P", LATER) == (FREE, True)
    assert asked(SHUT, "P", SHUT.since) == (SHUT, False)
    assert (PROBED.state, PROBED.probe) == ("probed", "P")
    assert asked(PROBED, "P", LATER) == (PROBED, True), "its claim met another write"
    assert asked(PROBED, "Q", EVENING) == (PROBED, False)
    next_day = "2026-03-02T13:00:00.000Z"
    again, may_begin = asked(PROBED, "Q", next_day)
    assert (again.probe, may_begin) == ("Q", True), "nobody knows what became of the first"


def test_a_probe_that_ends_well_frees_it_and_one_that_fails_doubles_the_pause() -> None:
    assert after(of(GOOD, "P"), gate=PROBED, now=EVENING).is_free
    otherwise = structs.replace(BAD, sample="P", failure=FailureClass.TIMED_OUT)
    for end in (of(BAD, "P"), otherwise):
        worse = after(end, gate=PROBED, now=EVENING)
        assert (worse.state, worse.shuts, worse.is_told) == ("shut", 2, True)
        assert worse.probe_at == "2026-03-01T20:30:00.000Z"
        assert worse.failure == end.alike


def test_a_probe_that_says_nothing_makes_room_for_the_next_at_once() -> None:
    held = after(of(NONE, "P"), gate=PROBED, now=EVENING)
    assert (held.state, held.shuts, held.is_told) == ("shut", 1, PROBED.is_told)
    assert asked(held, "Q", EVENING)[1]


def test_no_failure_of_a_host_or_a_licence_is_an_assay_s() -> None:
    assert {str(failure) for failure in OF_ASSAY} == {
        "ToolFailed", "BadPlan", "OutOfMemory", "DiskFull", "TimedOut",
    }  # fmt: skip
