"""Why a job failed, as its runner's exit code tells it. Batch's retry rules read the same codes.

A job whose container never ran has no exit code: there the texts of Batch and ECS tell.
"""

import re
from enum import StrEnum

import msgspec

from seqdrop.domain.blocked import given_up_for, remedy_of
from seqdrop.domain.records import JobState


class FailureClass(StrEnum):
    """Whose move it is after a failed job."""

    INPUT = "input"  # the sample's files are wrong: a person mends them
    TOOL = "tool"  # the tool failed on good input
    HOST = "host"  # disk full, bad board, no host, no start on it: another try may go well
    TRANSFER = "transfer"  # object storage did not answer or changed under us
    PLAN = "plan"  # the plan can't be carried out: a mistake of the pipeline's or ours
    TIMEOUT = "timeout"  # the attempt ran longer than its plan allows
    STOPPED = "stopped"  # a person, or a sibling's failure, ended it
    LOST = "lost"  # killed from outside, gone without a trace, or for a reason never seen


EXIT_CODES = {
    FailureClass.INPUT: 10,
    FailureClass.TOOL: 20,
    FailureClass.HOST: 30,
    FailureClass.TRANSFER: 31,
    FailureClass.PLAN: 40,
}
"""Exit codes of the runner. Of these, Batch tries 30 and 31 again: see the job definitions."""

_CLASSES = {code: failure for failure, code in EXIT_CODES.items()}

_NEVER_RAN = tuple(
    (re.compile(pattern), failure)
    for pattern, failure in (
        # AWS is busy. First, since its services say so with status 400, as they say much else.
        (r"too ?many ?requests|rate exceeded|pull rate limit|throttl", FailureClass.HOST),
        # The image: not there, no image of that name, none for these hosts.
        (r"manifest for \S+ not found|manifest unknown|name unknown", FailureClass.PLAN),
        (r"repository\b.* (not found|does not exist)", FailureClass.PLAN),
        (r"failed to resolve ref(erence)? \S+: not found", FailureClass.PLAN),
        (r"invalid reference format", FailureClass.PLAN),
        (r"no matching manifest|matching platform|exec format error", FailureClass.PLAN),
        # Rights: the execution role, or the registry's or the secret's own policy.
        (r"access ?denied|not authorized|\bunauthorized\b|\bforbidden\b", FailureClass.PLAN),
        (r"no basic auth credentials|status ?code: 40[13]\b", FailureClass.PLAN),
        (r"unable to assume the role", FailureClass.PLAN),
        # What the definition names: a secret, the program itself.
        (r"resourcenotfoundexception|executable file not found", FailureClass.PLAN),
        (r"did not contain json key|marked for deletion", FailureClass.PLAN),
        # The way to the registry is cut.
        (r"i/o timeout|timed out|handshake timeout|deadline exceeded", FailureClass.HOST),
        (r"connection (refused|reset|issue)|no such host|unreachable", FailureClass.HOST),
        (r"(request|context) cancell?ed|unexpected eof", FailureClass.HOST),
        (r"internal server error|bad gateway|service unavailable", FailureClass.HOST),
        # The host itself: its disk, its memory, its Docker, its ECS agent.
        (r"no space left on device|input/output error", FailureClass.HOST),
        (r"cannot allocate memory|resource temporarily unavailable", FailureClass.HOST),
        (r"error gathering device information", FailureClass.HOST),
        (r"\b(dockertimeout|cgroup|agent|internal)error\b", FailureClass.HOST),
        (r"\bcontainerruntimetimeouterror\b", FailureClass.HOST),
        (r"\bcannot(inspect|stop|describe|list)containers?error\b", FailureClass.HOST),
        (r"\bcannot(getdockerclient|createvolume|inspectvolume)error\b", FailureClass.HOST),
    )
)
"""What the texts of a container that never ran say, in lower case; the first that fits decides.

From ECS's pages on stopped tasks' errors, its agent's source (``dockerapi/errors.go``), and texts
that people reported."""


_SAID_BY_BATCH = ("ecs was unable", "dependent job", "cgrouperror", "fetching secret data")
"""Of jobs that may never have had an attempt, in lower case."""


class StageFailure(msgspec.Struct, frozen=True):
    """What the runner leaves beside the plan when a stage fails."""

    failure_class: FailureClass
    message: str
    counts: dict[str, int] = {}


def classify(exit_code: int | None, reason: str) -> FailureClass:
    """The failure class of an ended Batch job, from its last exit code and what Batch says.

    A text that fits nothing here is LOST: no more is known than that the job is gone.
    """
    if why := given_up_for(reason):  # it waited for a host that did not come, or can't
        return FailureClass(remedy_of(why).failure)
    said = reason.lower()
    if outside := _from_outside(said):
        return outside
    if exit_code is None or "task failed to start" in said:
        fits = (failure for pattern, failure in _NEVER_RAN if pattern.search(said))
        return next(fits, FailureClass.LOST)
    if out_of_memory(reason) or not 0 <= exit_code <= 128:
        return FailureClass.LOST
    return _CLASSES.get(exit_code, FailureClass.TOOL)


def ended_from_outside(state: JobState) -> FailureClass | None:
    """The class of a job that did not end by itself; None where it did.

    Whoever ends a job in Batch may give any reason. If the job never had an attempt, and Batch
    itself says nothing that we know, all that is known is that somebody ended it.
    """
    said = state.reason.lower()
    if outside := _from_outside(said):
        return outside
    never_had_one = state.created and not state.attempt_seconds
    return FailureClass.STOPPED if never_had_one and not said.startswith(_SAID_BY_BATCH) else None


def _from_outside(said: str) -> FailureClass | None:
    if said.startswith(("stopped:", "terminated:", "cancelled", "canceled")):
        return FailureClass.STOPPED
    if said.startswith("job attempt duration exceeded timeout"):
        return FailureClass.TIMEOUT
    return FailureClass.LOST if said.startswith("host ec2") else None


def out_of_memory(reason: str) -> bool:
    """Whether the kernel ended a process of the container for its memory."""
    return "outofmemoryerror" in reason.lower()
