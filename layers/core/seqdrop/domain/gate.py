"""The gate of a kind of queues: whether its jobs may start, and who or what has shut it.

Each kind has a resource in Batch, and every job of it takes one. A free gate has more than jobs
can take; a shut one has none, so that jobs wait in their queue and no host is started; one that is
probed has one. A disabled queue would still run what it holds.
"""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from seqdrop.domain.failure import NO_FPGA, RULES, FailureClass
from seqdrop.domain.identity import StageOf
from seqdrop.domain.records import Job

FREE = 10_000
"""How many of a kind's jobs may run at once where nothing keeps them: more than can."""
SAME_IN_A_ROW = 5
"""So many samples whose jobs fail alike, and no job that succeeds in between, shut the gate."""
FIRST_PROBE = timedelta(minutes=15)
LONGEST_PROBE = timedelta(hours=4)
_SHUT_AT_ONCE = {FailureClass.LICENCE_EXHAUSTED}
_SHUT_IN_A_ROW = {
    FailureClass.IMAGE_MISSING,
    FailureClass.BAD_BOARD,
    FailureClass.NEVER_STARTED,
    FailureClass.LICENCE_UNAVAILABLE,
}
"""Failures that are neither a sample's nor a pipeline's: the kind's next job would end alike."""


class Gate(msgspec.Struct, frozen=True):
    """Whether jobs of a kind of queues may start."""

    kind: str
    """Of queues: ``cpu``, ``fpga-genome``."""
    state: Literal["free", "shut", "probed", "paused"] = "free"
    """``shut`` by failures, ``probed`` by one job, ``paused`` by a person."""
    why: str = ""
    who: str = ""
    """Who paused or resumed it."""
    since: str = ""
    """When it was last shut, paused or freed."""
    failure: str = ""
    """The class of the failures that shut it."""
    shuts: int = 0
    """How often in a row: each probe that fails doubles the time to the next."""
    probe_at: str = ""
    probe: str = ""
    """The sample whose run is the probe, of the gate of an assay."""
    is_told: bool = True
    """False from when it was shut until its alert has been sent."""
    streak_of: str = ""
    """The class of the last jobs that failed alike."""
    counted: tuple[str, ...] = ()
    """The samples in the streak: one that fails again and again says nothing of others."""
    revision: int = 0

    @property
    def quantity(self) -> int:
        """How many jobs may have passed it and not ended yet."""
        return {"free": FREE, "probed": 1}.get(self.state, 0)

    @property
    def is_free(self) -> bool:
        """Whether nothing keeps its jobs."""
        return self.state == "free"


def after_end(gate: Gate, job: Job, now: str) -> Gate:
    """The gate after a job of it has ended; the same where that changes nothing.

    News of a job that ended before the gate came to its state is too old for it.
    """
    if job.ended <= gate.since:
        return gate
    if job.status == "SUCCEEDED":
        return _after_success(gate, now)
    if gate.state == "probed" and job.failure_class == gate.failure:
        return _shut_by(gate, job, now)
    return _after_failure(gate, job, now) if gate.state == "free" else gate


def _after_failure(gate: Gate, job: Job, now: str) -> Gate:
    failure = job.failure_class
    if failure in _SHUT_AT_ONCE:
        return _shut_by(gate, job, now)
    if failure not in _SHUT_IN_A_ROW or job.is_followed:
        return gate
    after = one_more(gate, failure, _sample_of(job))
    return _shut_by(gate, job, now) if len(after.counted) >= SAME_IN_A_ROW else after


def _shut_by(gate: Gate, job: Job, now: str) -> Gate:
    failure = FailureClass(job.failure_class)
    return shut(gate, failure, job.failure_class, job.message, now)


def _after_success(gate: Gate, now: str) -> Gate:
    if gate.state == "probed":
        return freed(gate, now, "seqdrop")
    return msgspec.structs.replace(gate, streak_of="", counted=())


def _sample_of(job: Job) -> str:
    return job.owner.run.sample if isinstance(job.owner, StageOf) else str(job.owner.reference)


def later_probe(gate: Gate, now: str) -> str:
    """When the next probe is let through, after so many that failed."""
    return later(now, min(FIRST_PROBE * 2 ** max(0, gate.shuts - 1), LONGEST_PROBE))


def shut(gate: Gate, failure: FailureClass, alike: str, message: str, now: str) -> Gate:
    """The gate, shut; there is one alert, however many probes fail.

    ``alike`` is what further failures are held against: the class, or the class and the stage.
    """
    shuts = gate.shuts + 1 if gate.state == "probed" else 1
    last_line = message.rstrip().rpartition("\n")[2]
    after = Gate(
        kind=gate.kind,
        state="shut",
        why=f"{alike}: {RULES[failure].means}; {last_line}",
        since=now,
        failure=alike,
        shuts=shuts,
        is_told=shuts > 1,
        revision=gate.revision,
    )
    return msgspec.structs.replace(after, probe_at=later_probe(after, now))


def one_more(gate: Gate, alike: str, sample: str) -> Gate:
    """The gate with a sample more in its streak; one that is in it counts once."""
    before = gate.counted if alike == gate.streak_of else ()
    counted = before if sample in before else (*before, sample)
    return msgspec.structs.replace(gate, streak_of=alike, counted=counted)


def probed(gate: Gate, now: str) -> Gate:
    """The gate with one job let through, if it is time for that; else the same."""
    if gate.state != "shut" or now < gate.probe_at:
        return gate
    return msgspec.structs.replace(gate, state="probed")


def paused(gate: Gate, now: str, who: str, why: str) -> Gate:
    """The gate, shut by a person until a person resumes it."""
    return Gate(kind=gate.kind, state="paused", why=why, who=who, since=now, revision=gate.revision)


def freed(gate: Gate, now: str, who: str) -> Gate:
    """The gate, open to all."""
    return Gate(kind=gate.kind, who=who, since=now, revision=gate.revision)


def may_be_left(job: Job, gate: Gate) -> bool:
    """Whether a job that waits behind a gate may be given up, for its run to fall back to CPUs.

    Not behind a person's pause; nor while the gate is probed: the job may be the probe.
    """
    return bool(job.fallback) and gate.state == "shut" and gate.failure in NO_FPGA


def gate_text(gate: Gate) -> str:
    """What keeps its jobs, for a person."""
    since = f"since {gate.since[11:16]} UTC"
    if gate.state == "paused":
        return f"paused by {gate.who} {since}" + (f": {gate.why}" if gate.why else "")
    probe = f"next probe at {gate.probe_at[11:16]} UTC"
    if gate.state == "probed":
        probe = "one job is let through as a probe"
    return f"the breaker is open {since}, {probe}: {gate.why}"


def later(now: str, pause: timedelta) -> str:
    """A time after another."""
    later = datetime.fromisoformat(now) + pause
    return later.isoformat(timespec="milliseconds").replace("+00:00", "Z")
