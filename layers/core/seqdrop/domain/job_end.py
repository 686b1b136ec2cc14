"""How a job ended, in a line for a person and as a failure class."""

from datetime import datetime

from seqdrop.domain.blocked import code_of, given_up_for, remedy_of
from seqdrop.domain.duration import duration_text
from seqdrop.domain.failure import (
    EXIT_CODES,
    FailureClass,
    StageFailure,
    classify,
    ended_from_outside,
    out_of_memory,
)
from seqdrop.domain.records import Job, JobState


def explain(job: Job, state: JobState, left: StageFailure | None) -> tuple[FailureClass, str]:
    """Class and message of a job that failed; ``job`` is as the catalog had it until then.

    The runner's own words where it left some for this exit, else what Batch says.
    """
    if why := given_up_for(state.reason):
        return classify(state.exit_code, state.reason), _given_up(job, state, why)
    if ended := ended_from_outside(state):
        return ended, _batch_says(
            state
        )  # its exit code and the runner's words are from an earlier attempt
    own_words = left if left and EXIT_CODES.get(left.failure_class) == state.exit_code else None
    if out_of_memory(state.reason) and (not own_words or own_words.failure_class == "tool"):
        said = _out_of_memory(job, state)
        return FailureClass.LOST, f"{said}; {own_words.message}" if own_words else said
    if own_words:
        return own_words.failure_class, own_words.message
    return classify(state.exit_code, state.reason), _batch_says(state)


def _batch_says(state: JobState) -> str:
    exit_text = "" if state.exit_code is None else f", exit code {state.exit_code}"
    return f"{state.reason or 'Batch gives no reason'}{exit_text}"


def _out_of_memory(job: Job, state: JobState) -> str:
    """With what it had asked for: mostly it took more, but its host may have run short, too."""
    asked = f"its stage asks for {job.memory_mib:,} MiB " if job.memory_mib else ""
    return f"out of memory: {asked}({_batch_says(state)})"


def _given_up(job: Job, state: JobState, why: str) -> str:
    """``why`` is but a code where Batch gave the job up: the catalog may have the whole text."""
    if code_of(job.blocked_reason) == code_of(why):
        why = max(why, job.blocked_reason, key=len)
    waited = _waited(job.blocked_since or job.updated, state.ended)
    return f"got no host{waited}: {why.rstrip('.')}; {remedy_of(why).do}; then rerun it"


def _waited(begin: str, end: str) -> str:
    if not begin or not end:
        return ""
    between = datetime.fromisoformat(end) - datetime.fromisoformat(begin)
    return f" in {duration_text(max(0.0, between.total_seconds()))}"
