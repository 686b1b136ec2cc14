"""How a job ended: its failure class, and a line for a person.

Batch tells an exit code and texts of its own, of ECS and of Docker; the runner leaves its words
beside the plan. A text that nobody has seen gets the class that its exit code and its times allow.
"""

import re
from datetime import datetime

from seqdrop.domain.blocked import code_of, given_up_for, remedy_of
from seqdrop.domain.duration import duration_text
from seqdrop.domain.failure import EXIT_CODES, FailureClass, StageFailure
from seqdrop.domain.hosts import is_on_spot
from seqdrop.domain.records import Job, JobState
from seqdrop.domain.text import visible

FORGOTTEN = "Batch knows this job no more"
"""Seqdrop's own reason, where DescribeJobs does not have a job any more."""
_BY_EXIT_CODE = {code: failure for failure, code in EXIT_CODES.items()}
_RECLAIMED = EXIT_CODES[FailureClass.SPOT_RECLAIMED]
_ENDED_BY_HOST = {128 + 9, 128 + 15, 255, _RECLAIMED}
"""SIGKILL and SIGTERM to the container's first process come from its host alone; the runner has a
code of its own for a SIGTERM on a host that EC2 takes back. 255 is what Docker gives a container
that ran when Docker or the host went down."""
_HOST_TAKEN_AWAY = (
    "container instance deregistration forced",
    "ecs is performing maintenance on the underlying infrastructure",
)
MOVED = "Moved by Seqdrop"
"""Begins the reason of a job that was cancelled to be submitted to another queue."""
_SAID_BY_BATCH = ("ecs was unable", "dependent job", "cgrouperror", "fetching secret data")
"""Of jobs that may never have had an attempt, in lower case."""

_NEVER_STARTED = tuple(
    (re.compile(pattern), failure)
    for pattern, failure in (
        # AWS is busy. First, since its services say so with status 400, as they say much else.
        (r"too ?many ?requests|rate exceeded|pull rate limit|throttl", FailureClass.NEVER_STARTED),
        # Rights that are named as such: the execution role's.
        (r"not authorized to perform", FailureClass.BAD_PLAN),
        # What the container was given is too little for it even to start.
        (r"\boom-killed\b", FailureClass.OUT_OF_MEMORY),
        # The image: not there, no image of that name, none for these hosts.
        (r"manifest for \S+ not found|manifest unknown|name unknown", FailureClass.IMAGE_MISSING),
        (r"repository\b.* (not found|does not exist)", FailureClass.IMAGE_MISSING),
        (r"failed to resolve ref(erence)? \S+: not found", FailureClass.IMAGE_MISSING),
        (r"invalid reference format", FailureClass.IMAGE_MISSING),
        (r"no matching manifest|matching platform|exec format error", FailureClass.IMAGE_MISSING),
        # Rights: the execution role, or the registry's or the secret's own policy.
        (r"access ?denied|not authorized|\bunauthorized\b|\bforbidden\b", FailureClass.BAD_PLAN),
        (r"no basic auth credentials|status ?code: 40[13]\b", FailureClass.BAD_PLAN),
        (r"unable to assume the role", FailureClass.BAD_PLAN),
        # What the definition names: a secret, the program itself.
        (r"resourcenotfoundexception|executable file not found", FailureClass.BAD_PLAN),
        (r"did not contain json key|marked for deletion", FailureClass.BAD_PLAN),
    )
)
"""What the texts of a container that never ran say, in lower case; the first that fits decides.

All others are NEVER_STARTED: the way to the registry is cut; the host's disk is full; its memory,
its Docker or its ECS agent fails. From ECS's pages on stopped tasks' errors, its agent's source
(``dockerapi/errors.go``), and texts that people reported."""


def explain(job: Job, state: JobState, left: StageFailure | None) -> tuple[FailureClass, str]:
    """Class and message of a job that failed; ``job`` is as the catalog had it until then.

    The runner's own words where it left some for this end, else what Batch says; control characters
    are shown as text.
    """
    failure, message = _explained(job, state, left)
    return failure, visible(message)


def _explained(job: Job, state: JobState, left: StageFailure | None) -> tuple[FailureClass, str]:
    if why := given_up_for(state.reason):
        return FailureClass.STUCK_IN_QUEUE, _given_up(job, state, why)
    if ended := _ended_from_outside(job, state):
        return ended, _batch_says(state)  # the runner's words are from an earlier attempt
    own_words = (
        left if left and left.is_of(state.job_id, len(state.attempts), state.exit_code) else None
    )
    if _is_out_of_memory(state) and not (own_words and _is_certain(own_words)):
        said = _out_of_memory(job, state)
        return FailureClass.OUT_OF_MEMORY, f"{said}; {own_words.message}" if own_words else said
    if own_words:
        return own_words.failure_class, own_words.message
    return classify(state), _batch_says(state)


def classify(state: JobState) -> FailureClass:
    """The class of a job that ended by itself, from its last exit code, its times and its texts."""
    said = state.reason.lower()
    if state.exit_code is None or "task failed to start" in said:
        return _class_without_exit_code(state, said)
    is_killed = state.exit_code in _ENDED_BY_HOST or state.exit_code < 0
    if is_killed and _is_by_hand(state):
        return FailureClass.STOPPED
    if state.exit_code in _BY_EXIT_CODE:
        return _BY_EXIT_CODE[state.exit_code]
    return FailureClass.HOST_FAILED if is_killed else FailureClass.TOOL_FAILED


def _class_without_exit_code(state: JobState, said: str) -> FailureClass:
    if said.startswith(FORGOTTEN.lower()):
        return FailureClass.JOB_VANISHED
    ran = bool(state.attempts and state.attempts[-1].seconds)
    if ran and "task failed to start" not in said:
        return FailureClass.JOB_VANISHED  # it ran, and nobody knows how it ended
    fits = (failure for pattern, failure in _NEVER_STARTED if pattern.search(said))
    return next(fits, FailureClass.NEVER_STARTED)


def _ended_from_outside(job: Job, state: JobState) -> FailureClass | None:
    """The class of a job that did not end by itself; None where it did.

    Whoever ends a job in Batch may give any reason, so that no text of a job that never had an
    attempt decides alone.
    """
    said = state.reason.lower()
    if said.startswith(("stopped:", "terminated:", "cancelled", "canceled")):
        return FailureClass.STOPPED
    if said.startswith(MOVED.lower()):
        return FailureClass.MOVED
    if said.startswith("job attempt duration exceeded timeout"):
        return FailureClass.TIMED_OUT
    if said.startswith(_HOST_TAKEN_AWAY):
        return FailureClass.HOST_FAILED
    if said.startswith("host ec2"):
        on_spot = is_on_spot(job.queue)
        return FailureClass.SPOT_RECLAIMED if on_spot else FailureClass.HOST_FAILED
    never_had_one = state.created and not state.attempts
    return FailureClass.STOPPED if never_had_one and _is_by_hand(state) else None


def may_be_by_hand(state: JobState) -> bool:
    """Whether a job's end looks like somebody's doing: its reason is none of Batch's or ECS's.

    Whoever ends a job in Batch's console gives a reason of his own in the place of theirs.
    """
    said = state.reason.lower()
    killed = state.exit_code in _ENDED_BY_HOST or (state.exit_code or 0) < 0
    ended_early = killed or (state.created and not state.attempts)
    of_batch = not said or "essential container" in said or said.startswith(_SAID_BY_BATCH)
    return bool(ended_early and not of_batch)


def _is_by_hand(state: JobState) -> bool:
    """As Batch says, or else as it looks."""
    return may_be_by_hand(state) if state.by_hand is None else state.by_hand


def _is_out_of_memory(state: JobState) -> bool:
    """Whether the kernel ended a process of the container for its memory."""
    return "outofmemoryerror" in state.reason.lower()


def _is_certain(words: StageFailure) -> bool:
    """Whether the runner's words stand, though a process was ended for its memory, too.

    That a tool failed, or a process was killed, follows from it.
    """
    return words.failure_class not in {
        FailureClass.TOOL_FAILED, FailureClass.HOST_FAILED, FailureClass.OUT_OF_MEMORY,
    }  # fmt: skip


def _batch_says(state: JobState) -> str:
    exit_text = "" if state.exit_code is None else f", exit code {state.exit_code}"
    said = f"{state.reason or 'Batch gives no reason'}{exit_text}"
    return f"EC2 took its host back ({said})" if state.exit_code == _RECLAIMED else said


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
