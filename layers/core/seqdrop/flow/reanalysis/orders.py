"""What a person orders: to begin a reanalysis, to approve, reject, stop or resume it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from seqdrop.aws.catalog import Catalog
from seqdrop.aws.executions import ReanalysisExecutions, TaskTokens
from seqdrop.domain.cost import micros
from seqdrop.domain.errors import Conflict, InvalidInput
from seqdrop.domain.reanalysis.record import Limits, Reanalysis, ReanalysisStatus
from seqdrop.domain.reanalysis.scope import Scope

_MAY_RESUME = {
    ReanalysisStatus.PLANNED,
    ReanalysisStatus.STOPPED,
    ReanalysisStatus.FAILED,
    ReanalysisStatus.REJECTED,
}


@dataclass(frozen=True)
class ReanalysisOrders:
    """Each order is written first, and then carried out: given again, it is carried out again."""

    catalog: Catalog
    executions: ReanalysisExecutions
    tokens: TaskTokens
    now: Callable[[], datetime]

    def start(
        self, name: str, scope: Scope, limits: Limits, who: str, *, plan_only: bool
    ) -> Reanalysis | None:
        """Begins one. Returns None, or the one that somebody has begun under this name before.

        Of that the execution alone is started; its limits stay as they are. Raises InvalidInput
        where it is of something else.
        """
        new = Reanalysis(
            name, scope, limits=limits, plan_only=plan_only, by=who,
            left_micros=micros(limits.budget_usd),
        )  # fmt: skip
        try:
            self.catalog.reanalyses.add(new, self.now())
        except Conflict:
            there = self._get(name)
            if there.scope != scope:
                raise InvalidInput(
                    f"{name} was begun by {there.by}, of {there.scope.describe()}",
                    "give the order again",
                ) from None
            self.executions.start(there.execution_name, there.id, there.attempt)
            return there
        self.executions.start(new.execution_name, new.id, new.attempt)
        return None

    def resume(self, name: str, limits: Limits, who: str) -> Reanalysis:
        """Goes on with one that has stopped: with new members, without what is done."""
        there = self._get(name)
        if there.status not in _MAY_RESUME:
            if there.status.live:  # whoever resumed it may have died before its execution began
                self.executions.start(there.execution_name, there.id, there.attempt)
                return there
            raise InvalidInput(f"{name} is {there.status}: it can't go on")
        more = micros(limits.budget_usd) - micros(there.limits.budget_usd)
        after = self.catalog.reanalyses.move(
            there, ReanalysisStatus.PLANNING, self.now(), who=who, attempt=there.attempt + 1,
            limits=limits, plan_only=False, more_micros=more,
            failed_before=there.failed, ended_before=there.ended,
        )  # fmt: skip
        self.executions.start(after.execution_name, after.id, after.attempt)
        return after

    def approve(self, name: str, who: str, attempt: int | None = None) -> Reanalysis:
        """Lets the cohort begin; with an attempt, only if that is the one that waits."""
        there = self._get(name)
        if attempt not in {None, there.attempt}:
            raise InvalidInput(
                f"{name} goes on as attempt {there.attempt}, with another plan",
                f"look at it again: `seqdrop reanalysis show {name}`",
            )
        if there.status is ReanalysisStatus.AWAITING_APPROVAL:
            there = self.catalog.reanalyses.move(
                there, ReanalysisStatus.RUNNING, self.now(), who=who, approved_by=who,
                approved=there.plan.judged if there.plan else frozenset(),
            )  # fmt: skip
        elif there.status is not ReanalysisStatus.RUNNING:
            raise InvalidInput(f"{name} is {there.status}: it does not wait for an approval")
        self.tokens.succeed(there.token, {"outcome": "approved"})
        return there

    def reject(self, name: str, why: str, who: str) -> Reanalysis:
        """Ends it; its canaries' runs stay beside those that count."""
        there = self._get(name)
        if there.status is ReanalysisStatus.AWAITING_APPROVAL:
            there = self.catalog.reanalyses.move(
                there, ReanalysisStatus.REJECTED, self.now(), who=who, why=why
            )
        elif there.status is not ReanalysisStatus.REJECTED:
            raise InvalidInput(f"{name} is {there.status}: it does not wait for an approval")
        self.tokens.fail(there.token, "Rejected", why)
        return there

    def stop(self, name: str, why: str, who: str) -> Reanalysis:
        """Ends all that goes on of it; it can be resumed."""
        there = self._get(name)
        if there.status.live:
            there = self.catalog.reanalyses.move(
                there, ReanalysisStatus.STOPPED, self.now(), who=who, why=why
            )
        elif there.status is not ReanalysisStatus.STOPPED:
            raise InvalidInput(f"{name} is {there.status}: there is nothing to stop")
        self.executions.stop(there.execution_name, why)
        return there

    def set_cap(self, name: str, in_flight: int, who: str) -> Reanalysis:
        """How many runs go on at once: from now on, or from when its cohort begins.

        Raises InvalidInput where it is just about to begin: it may have read the cap of before.
        """
        there = self._get(name)
        limits = msgspec.structs.replace(there.limits, in_flight=in_flight)
        after = msgspec.structs.replace(there, limits=limits)
        self.catalog.reanalyses.set_limits(after, self.now(), who)
        there = self._get(name)  # who was not RUNNING after it was written reads the new one
        is_running = there.status is ReanalysisStatus.RUNNING
        if is_running and not self.executions.set_cap(there.execution_name, in_flight):
            raise InvalidInput(
                f"{name} is about to begin its cohort, or has just ended it",
                "give the order again in a moment",
            )
        return there

    def _get(self, name: str) -> Reanalysis:
        found = self.catalog.reanalyses.get(name)
        if found is None:
            raise InvalidInput(
                f"there is no reanalysis {name!r}", "`seqdrop reanalysis list` has all"
            )
        return found
