"""The gate of a pipeline: whether its runs may begin, where a stage fails alike again and again.

A tool that fails says nothing of other pipelines, so it shuts no queue (``domain/gate.py``); but
the next hundred samples of its own would end alike. Runs that have begun go on.
"""

import msgspec

from seqdrop.domain.failure import FailureClass
from seqdrop.domain.gate import SAME_IN_A_ROW, Gate, freed, later_probe, shut_by
from seqdrop.domain.identity import StageOf
from seqdrop.domain.records import Job

_OF_PIPELINE = {
    FailureClass.TOOL_FAILED,
    FailureClass.BAD_PLAN,
    FailureClass.OUT_OF_MEMORY,
    FailureClass.DISK_FULL,
    FailureClass.TIMED_OUT,
}
"""Failures that a pipeline's next sample may well have, too."""
FAMILY = "pipeline"
_PREFIX = f"{FAMILY}/"


def gate_of_pipeline(pipeline: str) -> str:
    """The kind of a pipeline's gate, among those of queues."""
    return f"{_PREFIX}{pipeline}"


def pipeline_of(gate: Gate) -> str:
    """The pipeline that a gate is of; "" of a kind of queues."""
    return gate.kind.removeprefix(_PREFIX) if gate.kind.startswith(_PREFIX) else ""


def after_end(gate: Gate, job: Job, now: str) -> Gate:
    """The gate after a job of its pipeline has ended; the same where that changes nothing."""
    if job.ended <= gate.since or not isinstance(job.owner, StageOf):
        return gate
    if job.status == "SUCCEEDED":
        return _after_success(gate, job, now)
    if job.is_followed or job.failure_class not in _OF_PIPELINE:
        return gate
    return _after_failure(gate, job, job.owner.run.sample, now)


def _after_failure(gate: Gate, job: Job, sample: str, now: str) -> Gate:
    alike = f"{job.failure_class} in stage {job.stage}"
    if gate.state == "probed" and alike == gate.failure:
        return shut_by(gate, job, now, alike)
    if not gate.is_free:
        return gate
    before = gate.counted if alike == gate.streak_of else ()
    counted = before if sample in before else (*before, sample)
    if len(counted) >= SAME_IN_A_ROW:
        return shut_by(gate, job, now, alike)
    return msgspec.structs.replace(gate, streak_of=alike, counted=counted)


def _after_success(gate: Gate, job: Job, now: str) -> Gate:
    """That the stage works for a sample tells against a cause that all have in common."""
    ends_with = f" in stage {job.stage}"
    if not gate.is_free and gate.failure.endswith(ends_with):
        return freed(gate, now, "seqdrop")
    if gate.is_free and gate.streak_of.endswith(ends_with):
        return msgspec.structs.replace(gate, streak_of="", counted=())
    return gate


def asked(gate: Gate, now: str) -> tuple[Gate, bool]:
    """The gate after a run was to begin, and whether it may: one may as a probe, when it is time.

    Should its run end otherwise, or never come to the stage, the next one may as late again.
    """
    if gate.is_free:
        return gate, True
    if gate.state == "paused" or now < gate.probe_at:
        return gate, False
    probe_at = later_probe(gate, now)
    return msgspec.structs.replace(gate, state="probed", probe_at=probe_at), True
