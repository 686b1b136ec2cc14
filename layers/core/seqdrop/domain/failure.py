"""The failure table: each class of failure, and what Seqdrop does about it.

The class is decided by ``domain/job_end.py``, from what Batch says and what the runner left. It is
the name of the error that the state machine gets, which its Retry rules read.
"""

from enum import StrEnum

import msgspec

from seqdrop.domain.host_facts import HostFacts


class FailureClass(StrEnum):
    """What went wrong with a job. Never more than is known."""

    SPOT_RECLAIMED = "SpotReclaimed"
    HOST_FAILED = "HostFailed"
    BAD_BOARD = "BadBoard"
    LICENCE_UNAVAILABLE = "LicenceUnavailable"
    LICENCE_EXHAUSTED = "LicenceExhausted"
    OUT_OF_MEMORY = "OutOfMemory"
    DISK_FULL = "DiskFull"
    BAD_INPUT = "BadInput"
    TOOL_FAILED = "ToolFailed"
    TIMED_OUT = "TimedOut"
    NEVER_STARTED = "NeverStarted"
    STUCK_IN_QUEUE = "StuckInQueue"
    JOB_VANISHED = "JobVanished"
    STOPPED = "Stopped"
    IMAGE_MISSING = "ImageMissing"
    TRANSFER_FAILED = "TransferFailed"
    BAD_PLAN = "BadPlan"
    MOVED = "Moved"

    @classmethod
    def _missing_(cls, value: object) -> "FailureClass | None":
        """A class by its name in the release before; msgspec asks for it too."""
        return _OLD_NAMES.get(value)


class Action(StrEnum):
    """What Seqdrop does about a job that failed."""

    AGAIN = "again"
    """The same job on the same queue."""
    ON_DEMAND = "on_demand"
    """The same job on the queue whose hosts nobody takes away."""
    MOVE = "move"
    """The same job on the queue of its run's priority, which has changed."""
    LARGER = "larger"
    """The same job with the next size up."""
    FALL_BACK = "fall_back"
    """The run ends, and one as the assay's fall-back makes it takes its place."""
    HOLD = "hold"
    """The run ends, and its analysis is held: a person must mend its files."""
    FAIL = "fail"
    """The run ends."""

    @property
    def tries_again(self) -> bool:
        """Whether another job follows for the same stage."""
        return self not in {Action.FALL_BACK, Action.HOLD, Action.FAIL}


class Rule(msgspec.Struct, frozen=True):
    """What is done about a class of failures."""

    means: str
    """For a person: what it is."""
    action: Action
    do: str
    """What a person does once Seqdrop tries no more."""
    jobs: int = 0
    """How many more jobs may follow in a run because of it."""
    exit_code: int | None = None
    """How the runner ends, where it can tell."""
    cure: str = ""
    """What mends it for all jobs of a queue, where it opens the queue's breaker."""
    longest_pause: int = 60
    """Seconds before another job follows, at the most: as the state machine has it."""


_END_THE_HOST = (
    "end the host named, so that no other job gets it (ECS's console shows the EC2 instance of "
    "a container instance)"
)
_LOOK_AT_THE_WAY = "look at the way from the FPGA hosts to the licence server"
_RENEW = "renew the licence with Illumina"
_MEND_WHAT_IS_NAMED = "mend what the text names"
_PUSH = (
    "push the image that the text names (`seqdrop deploy --images-only` pushes the CPU image), "
    "deploy"
)

RULES = {
    FailureClass.SPOT_RECLAIMED: Rule(
        "its host was taken away, as Spot does, as often as Batch tries",
        Action.ON_DEMAND,
        "rerun it",
        jobs=1,
        exit_code=37,
    ),
    FailureClass.HOST_FAILED: Rule(
        "its host ended or refused it: it was lost, killed the job, or can't read its own disk",
        Action.AGAIN,
        "look whether it was one host each time: if so, end that one (ECS's console shows the EC2 "
        "instance of a container instance); then rerun it",
        jobs=2,
        exit_code=30,
    ),
    FailureClass.BAD_BOARD: Rule(
        "the FPGA board of its host does not work, and a reset did not help",
        Action.AGAIN,
        f"{_END_THE_HOST}; then rerun it",
        cure=_END_THE_HOST,
        jobs=2,
        exit_code=33,
        longest_pause=3_600,
    ),
    FailureClass.LICENCE_UNAVAILABLE: Rule(
        "DRAGEN's licence server can't be reached",
        Action.AGAIN,
        f"{_LOOK_AT_THE_WAY}, then rerun it",
        cure=_LOOK_AT_THE_WAY,
        jobs=8,
        exit_code=34,
        longest_pause=7_200,
    ),
    FailureClass.LICENCE_EXHAUSTED: Rule(
        "DRAGEN's licence is used up, has ended, or does not hold for this",
        Action.AGAIN,
        f"{_RENEW}, then rerun it",
        cure=_RENEW,
        jobs=8,
        exit_code=35,
        longest_pause=7_200,
    ),
    FailureClass.OUT_OF_MEMORY: Rule(
        "it took more memory than it asked for",
        Action.LARGER,
        "raise the stage's memory_mib in pipelines/, deploy, and then rerun it: it takes the new "
        "size",
        jobs=1,
        exit_code=36,
    ),
    FailureClass.DISK_FULL: Rule(
        "the scratch disk of its host is full",
        Action.LARGER,
        "raise ScratchGib, deploy, and rerun it",
        jobs=1,
        exit_code=32,
    ),
    FailureClass.BAD_INPUT: Rule(
        "the sample's files are wrong",
        Action.HOLD,
        "send the files named again",
        exit_code=10,
    ),
    FailureClass.TOOL_FAILED: Rule(
        "a tool failed, for no cause that Seqdrop knows",
        Action.FAIL,
        "read the log's end; a rerun helps where the cause has passed or is mended (`--from STAGE` "
        "makes an earlier stage anew)",
        exit_code=20,
    ),
    FailureClass.TIMED_OUT: Rule(
        "it ran longer than its plan allows",
        Action.FAIL,
        "read what it did last (`seqdrop logs`): if it was only slow, raise the stage's seconds in "
        "pipelines/, deploy, and rerun it",
    ),
    FailureClass.NEVER_STARTED: Rule(
        "its container did not start",
        Action.AGAIN,
        f"{_MEND_WHAT_IS_NAMED}; if nothing, rerun it",
        cure=_MEND_WHAT_IS_NAMED,
        jobs=2,
        longest_pause=3_600,
    ),
    FailureClass.STUCK_IN_QUEUE: Rule(
        "no host came for it in the time that a job may wait",
        Action.FAIL,
        "do what the end of that text says, then rerun it",
    ),
    FailureClass.JOB_VANISHED: Rule(
        "Batch no longer knows it, or can't say how it ended",
        Action.AGAIN,
        "rerun it",
        jobs=1,
    ),
    FailureClass.STOPPED: Rule(
        "somebody ended it, or it fell with another stage of its run",
        Action.FAIL,
        "rerun it when it may go on",
    ),
    FailureClass.IMAGE_MISSING: Rule(
        "its image is not there, or not for these hosts",
        Action.FAIL,
        f"{_PUSH}, and rerun it",
        cure=_PUSH,
    ),
    FailureClass.TRANSFER_FAILED: Rule(
        "object storage did not answer, or an object changed while it was read",
        Action.AGAIN,
        "look whether something else writes the object named; then rerun it",
        jobs=2,
        exit_code=31,
        longest_pause=3_600,
    ),
    FailureClass.BAD_PLAN: Rule(
        "the plan can't be carried out as this deployment is set up",
        Action.FAIL,
        "mend what the text names (a pipeline, a role, a secret), deploy, and rerun it",
        exit_code=40,
    ),
    FailureClass.MOVED: Rule(
        "it was taken out of its queue, for that of its run's new priority",
        Action.MOVE,
        "rerun it",
        jobs=8,
    ),
}

NO_FPGA = {
    FailureClass.BAD_BOARD,
    FailureClass.LICENCE_UNAVAILABLE,
    FailureClass.LICENCE_EXHAUSTED,
    FailureClass.STUCK_IN_QUEUE,
}
"""What says of a job on an FPGA queue that no FPGA is to be had, and nothing of its sample: its run
may fall back to CPUs."""

EXIT_CODES = {name: rule.exit_code for name, rule in RULES.items() if rule.exit_code is not None}
"""Exit codes of the runner."""

_OLD_NAMES: dict[object, FailureClass] = {
    "input": FailureClass.BAD_INPUT,
    "tool": FailureClass.TOOL_FAILED,
    "host": FailureClass.HOST_FAILED,
    "transfer": FailureClass.TRANSFER_FAILED,
    "plan": FailureClass.BAD_PLAN,
    "timeout": FailureClass.TIMED_OUT,
    "stopped": FailureClass.STOPPED,
    "lost": FailureClass.HOST_FAILED,
}
"""Of the release before: its images still run, and its jobs are in the catalog."""


class StageFailure(msgspec.Struct, frozen=True):
    """What the runner leaves beside the plan when a stage fails."""

    failure_class: FailureClass
    message: str
    counts: dict[str, int] = {}
    job_id: str = ""
    job_attempt: int = 0
    """Whose words these are, counted from 1; of a runner of the release before, nobody knows."""
    host: HostFacts | None = None
    """Where it ran, where the host says so."""

    def is_of(self, job_id: str, attempts: int, exit_code: int | None) -> bool:
        """Whether these are the words of a job's last attempt, and not of an earlier one."""
        return (
            EXIT_CODES.get(self.failure_class) == exit_code
            and self.job_id in {"", job_id}
            and self.job_attempt in {0, attempts}
        )


def read_failure(body: bytes) -> StageFailure | None:
    """What a runner of this release or the one before has left; None where it is no such thing."""
    try:
        return msgspec.json.decode(body, type=StageFailure)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
