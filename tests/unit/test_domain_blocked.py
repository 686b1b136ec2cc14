"""Why a job can't start, as Batch says it and as it is read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.blocked import (
    NO_HOST,
    REMEDIES,
    blocked_text,
    cancel_reason,
    code_of,
    given_up_for,
    remedy_of,
)
from tests.infrastructure.stack import PROJECT


@pytest.mark.parametrize("code", REMEDIES)
@pytest.mark.parametrize("dash", ["-", "–"])  # AWS's guide has both
def test_a_reason_is_known_by_its_code_whatever_follows(code: str, dash: str) -> None:
    why = f"{code} {dash} words of Batch."
    assert (code_of(why), remedy_of(why)) == (code, REMEDIES[code])
    assert blocked_text("RUNNABLE", why) == why
    assert blocked_text("STARTING", why) == ""


@pytest.mark.parametrize(
    "reason",
    [
        "",
        "Host EC2 (instance i-1) terminated.",
        "Task failed to start",
        "Task failed to start - CannotPullContainerError: x",
        "CgroupError: Agent could not create task's platform resources",
        "Undetermined",
    ],
)
def test_what_an_attempt_ended_of_does_not_block_the_next(reason: str) -> None:
    assert blocked_text("RUNNABLE", reason) == ""


@given(
    st.sampled_from([*REMEDIES, "MISCONFIGURATION:NEW", "NEW", "NEW_ONE:OF_MANY:2"]),
    st.text(max_size=2_000),
)
def test_why_a_job_was_given_up_is_read_back_from_what_batch_was_told(code: str, text: str) -> None:
    told = cancel_reason(f"{code} - {text}")
    assert len(told) <= 1_024, "CancelJob takes no more"
    assert given_up_for(told).startswith(code)


def test_a_persons_cancellation_is_no_blocked_queue() -> None:
    assert given_up_for("Cancelled by user due to reason: enough") == ""


@pytest.mark.parametrize("code", REMEDIES)
def test_on_call_has_a_line_for_each_reason(code: str) -> None:
    assert f"\n| `{code}` |" in (PROJECT / "docs/on-call.md").read_text("utf-8")


def test_our_own_reason_is_one_of_them() -> None:
    assert code_of(NO_HOST) == "NO_HOST"
