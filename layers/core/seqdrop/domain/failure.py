"""Why a job failed, as its runner's exit code tells it. Batch's retry rules read the same codes."""

from enum import StrEnum

import msgspec


class FailureClass(StrEnum):
    """Whose move it is after a failed job."""

    INPUT = "input"  # the sample's files are wrong: a person mends them
    TOOL = "tool"  # the tool failed on good input
    HOST = "host"  # disk full, bad board: another try may land elsewhere
    TRANSFER = "transfer"  # object storage did not answer or changed under us
    PLAN = "plan"  # the plan can't be carried out: a mistake of the pipeline's or ours
    TIMEOUT = "timeout"  # the attempt ran longer than its plan allows
    STOPPED = "stopped"  # a person, or a sibling's failure, ended it
    LOST = "lost"  # killed from outside, or gone from Batch without a trace


EXIT_CODES = {
    FailureClass.INPUT: 10,
    FailureClass.TOOL: 20,
    FailureClass.HOST: 30,
    FailureClass.TRANSFER: 31,
    FailureClass.PLAN: 40,
}
"""Exit codes of the runner. Batch retries 30 to 39 (see the job definitions) and no others."""

_CLASSES = {code: failure for failure, code in EXIT_CODES.items()}


class StageFailure(msgspec.Struct, frozen=True):
    """What the runner leaves beside the plan when a stage fails."""

    failure_class: FailureClass
    message: str
    counts: dict[str, int] = {}


def classify(exit_code: int | None, status_reason: str) -> FailureClass:
    """The failure class of an ended Batch job from its last exit code and its status reason."""
    reason = status_reason.lower()
    if "exceeded timeout" in reason or "attempt duration" in reason:
        return FailureClass.TIMEOUT
    if "jobstatetimelimit" in reason:  # it waited for a host that did not come, or can't
        return FailureClass.HOST if "capacity:" in reason else FailureClass.PLAN
    if reason.startswith(("stopped:", "terminated:", "cancelled", "canceled")):
        return FailureClass.STOPPED
    if exit_code is None or exit_code > 128 or exit_code < 0:
        return FailureClass.LOST
    return _CLASSES.get(exit_code, FailureClass.TOOL)
