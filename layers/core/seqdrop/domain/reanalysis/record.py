"""A reanalysis and its members as the catalog keeps them."""

import re
from collections.abc import Iterable
from enum import StrEnum

import msgspec

from seqdrop.domain.identity import AnalysisId, RunId
from seqdrop.domain.keys import digest
from seqdrop.domain.reanalysis.plan import Member, Plan
from seqdrop.domain.reanalysis.scope import Scope

_LONGEST_NAME = 50
_PLAIN = re.compile(r"[A-Za-z0-9]+")


def reanalysis_id(words: Iterable[str], ending: str) -> str:
    """The id of a reanalysis: what it is of, and an ending that tells it from others.

    An execution has its name of it, with the number of its attempt: 80 characters, and only some.
    """
    given = [word for word in words if word]
    slug = "-".join(given)
    if len(slug) > _LONGEST_NAME or any(not _PLAIN.fullmatch(word) for word in given):
        slug = re.sub(r"[^A-Za-z0-9_-]+", "_", slug)[: _LONGEST_NAME - 9]
        slug += f"_{digest(given)[:8]}"  # other words may come to the same letters
    return f"{slug}-{ending}"


class ReanalysisStatus(StrEnum):
    """Where a reanalysis stands; within one attempt it only moves forward."""

    PLANNING = "PLANNING"
    PLANNED = "PLANNED"
    """Nothing more happens until a person starts it: it was asked for the plan alone, or there is
    nothing to do."""
    CANARIES = "CANARIES"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    RUNNING = "RUNNING"
    DONE = "DONE"
    STOPPED = "STOPPED"
    """By a person, by its budget, or by too many failures: it can go on."""
    REJECTED = "REJECTED"
    FAILED = "FAILED"
    """A canary was not good, or its execution could not go on."""

    @property
    def live(self) -> bool:
        """Whether its execution goes on."""
        return self in _LIVE

    @property
    def may_begin_runs(self) -> bool:
        """Whether runs may be begun for it."""
        return self in {ReanalysisStatus.CANARIES, ReanalysisStatus.RUNNING}


_LIVE = {
    ReanalysisStatus.PLANNING,
    ReanalysisStatus.CANARIES,
    ReanalysisStatus.AWAITING_APPROVAL,
    ReanalysisStatus.RUNNING,
}


class Limits(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a person allows it."""

    canaries: int = 3
    in_flight: int = 20
    """Runs at once."""
    failed_fraction: float = 0.1
    """Of the runs that have ended; more stop it. Not before LEAST_ENDED have."""
    budget_usd: float | None = None
    """Of all its runs, in all its attempts."""


_ROUNDING = 1e-6
"""Of fractions: 0.29 of 100 is 28.999…"""
LEAST_ENDED = 10
"""Runs that must have ended before their failures are a fraction of anything."""


class Reanalysis(msgspec.Struct, frozen=True, omit_defaults=True):
    """One reanalysis: what was asked, planned, allowed, and what came of it."""

    id: str
    scope: Scope
    status: ReanalysisStatus = ReanalysisStatus.PLANNING
    why: str = ""
    attempt: int = 1
    """Of its execution: a stopped one goes on as the next."""
    plan_only: bool = False
    limits: Limits = Limits()
    plan: Plan | None = None
    usd_by_assay: dict[str, float] = {}
    """What one run of each assay is expected to cost: as much is reserved before it begins."""
    canaries: tuple[Member, ...] = ()
    going_on: int = 0
    """Members by what has become of them: each is counted in one of these at most."""
    made: int = 0
    failed: int = 0
    left_out: int = 0
    deferred: int = 0
    failed_before: int = 0
    """Those that had failed, and ended, when this attempt began: its tolerance is its own."""
    ended_before: int = 0
    amended: int = 0
    """Members that are made anew and have changes of which a report might speak."""
    uncertain: int = 0
    """Members that are made anew and have calls that could not be compared."""
    reserved_micros: int = 0
    """Millionths of a USD that are kept for runs that go on."""
    spent_micros: int = 0
    left_micros: int = 0
    """What its budget has left of them, if it has one."""
    token: str = ""
    """What the execution waits with for an approval."""
    approved_by: str = ""
    approved: frozenset[str] = frozenset()
    """What the runs that were approved are made of, and judged by; see ``Plan.judged``."""
    by: str = ""
    created: str = ""
    updated: str = ""

    @property
    def ended(self) -> int:
        """Runs that came to an end, good or bad."""
        return self.made + self.failed

    @property
    def execution_name(self) -> str:
        """The name of its Step Functions execution."""
        return f"{self.id}-{self.attempt}"

    @property
    def folder(self) -> str:
        """Where its lists and its report are, below the results bucket."""
        return f"reanalyses/{self.id}/"


class MemberStatus(StrEnum):
    """What has become of a member."""

    GOING_ON = "GOING_ON"
    MADE = "MADE"
    FAILED = "FAILED"
    LEFT_OUT = "LEFT_OUT"
    DEFERRED = "DEFERRED"
    """Handed back, so that others go on: something that may last keeps its run from beginning."""


class Compared(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the comparison of a member's two runs came to."""

    verdict: str
    why: str = ""
    reportable: int = 0
    """Changed variants of which a signed report might speak."""
    uncertain: int = 0
    """Calls that could not be compared."""
    folder: str = ""
    """Where the whole comparison is, below the results bucket."""


class MemberState(msgspec.Struct, frozen=True, omit_defaults=True):
    """A member as the catalog keeps it, from when its run was first asked for."""

    reanalysis: str
    sample: str
    assay: str
    status: MemberStatus = MemberStatus.GOING_ON
    why: str = ""
    attempt: int = 1
    """Of the reanalysis, as which its run was asked for."""
    canary: bool = False
    before: str = ""
    """The run that was the current one: ``<run key>#<attempt>``."""
    run: str = ""
    """The new one."""
    token: str = ""
    reserved_micros: int = 0
    cost_micros: int = 0
    compared: Compared | None = None
    started: str = ""
    ended: str = ""

    @property
    def id(self) -> AnalysisId:
        """Which analysis it is."""
        return AnalysisId(self.sample, self.assay)

    @property
    def is_amended(self) -> bool:
        """Whether it is made anew, and a report of it might have to be amended."""
        is_made = self.status is MemberStatus.MADE
        return bool(is_made and self.compared and self.compared.reportable)

    @property
    def is_uncertain(self) -> bool:
        """Whether it is made anew, and not all of it could be compared."""
        is_made = self.status is MemberStatus.MADE
        return bool(is_made and self.compared and self.compared.uncertain)

    @property
    def run_id(self) -> RunId | None:
        """Its new run; None as long as it has none."""
        if not self.run:
            return None
        run_key, _, attempt = self.run.partition("#")
        return RunId(self.sample, self.assay, run_key, int(attempt))


def over_budget(reanalysis: Reanalysis, wanted_micros: int) -> str:
    """What is said where so much can't be kept for one more run."""
    budget = reanalysis.limits.budget_usd or 0.0
    return (
        f"its budget of ${budget:,.2f} is used up: ${reanalysis.spent_micros / 1e6:,.2f} spent, "
        f"${reanalysis.reserved_micros / 1e6:,.2f} kept for runs that go on; the next one may "
        f"cost ${wanted_micros / 1e6:,.2f}"
    )


def too_many_failed(reanalysis: Reanalysis) -> str:
    """Why it is stopped for its failures; "" where it is not."""
    failed = reanalysis.failed - reanalysis.failed_before
    ended = reanalysis.ended - reanalysis.ended_before
    allowed = reanalysis.limits.failed_fraction
    if ended < LEAST_ENDED or failed <= allowed * ended + _ROUNDING:
        return ""
    return f"{failed} of {ended} runs have failed, and {allowed:.0%} may"
