"""The gate of an assay: whether its runs may begin, where they fail alike one after another.

A tool that fails says nothing of other assays, so it shuts no queue (``domain/gate.py``); but the
next hundred samples of its own would end alike. Runs that have begun go on.
"""

from datetime import timedelta
from enum import StrEnum

import msgspec

from seqdrop.domain.failure import FailureClass
from seqdrop.domain.gate import SAME_IN_A_ROW, Gate, freed, later, one_more, shut

FAMILY = "assay"
_PREFIX = f"{FAMILY}/"
_LONGEST_RUN = timedelta(days=1)
"""After so long the next probe is let through, whatever became of the one before."""
OF_ASSAY = frozenset({
    FailureClass.TOOL_FAILED, FailureClass.BAD_PLAN, FailureClass.OUT_OF_MEMORY,
    FailureClass.DISK_FULL, FailureClass.TIMED_OUT,
})  # fmt: skip
"""Failures that an assay's next sample may well have, too."""


class Verdict(StrEnum):
    """What the end of a run says of its assay."""

    GOOD = "good"
    BAD = "bad"
    """It failed by what the next one may fail by."""
    NONE = "none"
    """It was stopped, or its files were wrong, or its hosts."""


class RunEnd(msgspec.Struct, frozen=True):
    """The end of a run, as its assay's gate looks at it."""

    sample: str
    claimed: str
    verdict: Verdict
    failure: str = ""
    """A FailureClass, of one that a job failed."""
    stage: str = ""
    message: str = ""

    @property
    def alike(self) -> str:
        """What others have to have in common with it."""
        return f"{self.failure} in stage {self.stage}"


def gate_of_assay(assay: str) -> str:
    """The kind of an assay's gate, among those of queues."""
    return f"{_PREFIX}{assay}"


def assay_of(gate: Gate) -> str:
    """The assay that a gate is of; "" of a kind of queues."""
    return gate.kind.removeprefix(_PREFIX) if gate.kind.startswith(_PREFIX) else ""


def after_end(gate: Gate, end: RunEnd, now: str) -> Gate:
    """The gate after a run of its assay has ended; the same where that changes nothing."""
    if gate.state == "probed" and end.sample == gate.probe:
        return _after_probe(gate, end, now)
    if end.verdict is Verdict.GOOD:
        return _after_success(gate, now)
    if end.verdict is Verdict.BAD and gate.is_free and end.claimed > gate.since:
        return _after_failure(gate, end, now)
    return gate


def _after_probe(gate: Gate, end: RunEnd, now: str) -> Gate:
    if end.verdict is Verdict.GOOD:
        return freed(gate, now, "seqdrop")
    if end.verdict is Verdict.BAD:
        return _shut_by(gate, end, now)
    return msgspec.structs.replace(gate, state="shut", probe="", probe_at=now)


def _after_success(gate: Gate, now: str) -> Gate:
    """That a run ends well tells against a cause that all have in common."""
    if gate.is_free:
        return msgspec.structs.replace(gate, streak_of="", counted=())
    return freed(gate, now, "seqdrop")


def _after_failure(gate: Gate, end: RunEnd, now: str) -> Gate:
    after = one_more(gate, end.alike, end.sample)
    return _shut_by(gate, end, now) if len(after.counted) >= SAME_IN_A_ROW else after


def _shut_by(gate: Gate, end: RunEnd, now: str) -> Gate:
    return shut(gate, FailureClass(end.failure), end.alike, end.message, now)


def asked(gate: Gate, sample: str, now: str) -> tuple[Gate, bool]:
    """The gate after a sample's run was to begin, and whether it may: one may, as a probe.

    The next may when that one has ended, or after a day.
    """
    if gate.is_free or (gate.state == "probed" and gate.probe == sample):
        return gate, True
    if now < gate.probe_at:
        return gate, False
    probe_at = later(now, _LONGEST_RUN)
    return msgspec.structs.replace(gate, state="probed", probe=sample, probe_at=probe_at), True
