"""How a job ended: what counts of an earlier attempt's words, of Batch's, and of a person's."""

from typing import Any

import msgspec
import pytest

from seqdrop.domain.blocked import given_up_for
from seqdrop.domain.failure import FailureClass, StageFailure
from seqdrop.domain.identity import RunId, StageOf
from seqdrop.domain.job_end import explain
from seqdrop.domain.records import JobState
from tests.domain_support import job as job_of

ALIGN = StageOf(RunId("NA1", "wgs", "abc", 1), "align")
LEFT = StageFailure(FailureClass.TRANSFER, "s3 did not answer")
"""What the runner left when an attempt ended with 31."""
ENDED = "Essential container in task exited"


def ended(reason: str, exit_code: int | None = 31, **more: Any) -> tuple[str, str]:
    """Class and message of a job whose last attempt ended with a code."""
    job = job_of(ALIGN, memory_mib=4_096)
    seconds = more.pop("attempt_seconds", (60.0,))
    state = JobState(
        "id", "FAILED", reason, exit_code, created="2026-01-01T00:00:00.000Z",
        attempt_seconds=seconds, **more,
    )  # fmt: skip
    return explain(job, state, LEFT)


def test_the_runner_s_words_count_for_the_attempt_that_ended_the_job() -> None:
    assert ended(ENDED) == ("transfer", "s3 did not answer")


@pytest.mark.parametrize(
    ("reason", "failure", "says"),
    [
        ("stopped: its run was stopped", "stopped", "stopped: its run was stopped"),
        ("stopped: OutOfMemoryError, he said", "stopped", "OutOfMemoryError"),
        ("stopped: it exceeded timeout", "stopped", "exceeded timeout"),
        ("Job attempt duration exceeded timeout", "timeout", "exceeded timeout"),
        ("Host EC2 (instance i-0) terminated.", "lost", "Host EC2"),
        ("Cancelled by Seqdrop due to reason: UNDETERMINED - why", "host", "got no host"),
        (
            "Canceled by JobStateTimeLimit action due to reason: "
            "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
            "plan",
            "JOB_RESOURCE_REQUIREMENT",
        ),
    ],
)
def test_what_ended_a_job_between_two_attempts_counts_and_not_the_attempt_before(
    reason: str, failure: str, says: str
) -> None:
    found, message = ended(reason)
    assert found == failure
    assert says in message
    assert "s3 did not answer" not in message


@pytest.mark.parametrize(
    "text",
    [
        "access denied by ethics board: sample withdrawn", "manifest unknown", "host unreachable",
        "Cancelled by Seqdrop due to reason: I do not need it any more", "no space left on device",
    ],
)  # fmt: skip
def test_a_person_s_text_decides_nothing_of_a_job_that_never_had_an_attempt(text: str) -> None:
    found, message = ended(text, None, attempt_seconds=())
    assert (found, message) == ("stopped", text)


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("ECS was unable to assume the role 'arn:aws:iam::1:role/x' that was provided", "plan"),
        ("Job attempt duration exceeded timeout", "timeout"),
        ("Host EC2 (instance i-1) terminated.", "lost"),
        ("Dependent Job failed", "lost"),
    ],
)
def test_what_batch_says_of_a_job_without_an_attempt_counts(text: str, failure: str) -> None:
    assert ended(text, None, attempt_seconds=())[0] == failure


def test_only_a_known_reason_is_one_that_seqdrop_gave() -> None:
    assert given_up_for("Cancelled by Seqdrop due to reason: I do not need it any more") == ""
    limit = "Canceled by JobStateTimeLimit action due to reason: "
    assert given_up_for(f"{limit}NEW_KIND:OF_REASON") == "NEW_KIND:OF_REASON"


@pytest.mark.parametrize(
    ("code", "text", "failure"),
    [
        (128, "CannotStartContainerError: write /x: no space left on device", "host"),
        (127, 'CannotStartContainerError: exec: "x": executable file not found in $PATH', "plan"),
        (1, "something that nobody has seen", "lost"),
    ],
)
def test_a_container_that_did_not_start_is_judged_by_its_text_whatever_its_code(
    code: int, text: str, failure: str
) -> None:
    assert ended(f"Task failed to start; {text}", code)[0] == failure


def test_memory_is_named_as_it_was_asked_for_and_no_more_is_claimed() -> None:
    found, message = ended(f"{ENDED}; OutOfMemoryError: Container killed", 137)
    assert found == "lost"
    assert message.startswith("out of memory: its stage asks for 4,096 MiB (Essential")


def test_a_job_that_batch_has_forgotten_is_lost() -> None:
    gone = JobState("id", "FAILED", "Batch knows this job no more")
    job = job_of(ALIGN)
    assert explain(job, gone, None)[0] == "lost"
    assert msgspec.structs.replace(gone, created="x").attempt_seconds == ()
