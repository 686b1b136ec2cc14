"""ReanalyseSample: the run of a member begins, if it may, and somebody waits for its end."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from seqdrop.aws.catalog import Catalog
from seqdrop.aws.catalog.layout import timestamp
from seqdrop.aws.executions import TaskTokens
from seqdrop.domain.cost import micros
from seqdrop.domain.errors import Conflict, InvalidInput, Transient
from seqdrop.domain.reanalysis.plan import Member
from seqdrop.domain.reanalysis.record import (
    MemberState,
    MemberStatus,
    Reanalysis,
    ReanalysisStatus,
    over_budget,
    too_many_failed,
)
from seqdrop.flow.reanalysis.attempts import SYSTEM
from seqdrop.flow.reanalysis.members import ReanalysisMembers
from seqdrop.flow.reanalysis.runs import Begun, Busy, Lasting, Paused, PlanChanged, ReanalysisRuns
from seqdrop.flow.retry import retry_on_conflict


@dataclass(frozen=True)
class Cohort:
    """A call may come twice, and may die anywhere: the next one goes on from there."""

    catalog: Catalog
    runs: ReanalysisRuns
    members: ReanalysisMembers
    tokens: TaskTokens
    now: Callable[[], datetime]

    def begin(
        self, name: str, attempt: int, member: Member, token: str, *, canary: bool,
        last: bool = True,
    ) -> str:  # fmt: skip
        """Has a member's run begun, and its end wake who waits with the token; what came of it.

        Raises Busy where the analysis is not free yet. Of what may last a member of the cohort is
        handed back, but in the last pass: then nobody is behind it. Of a pause it always is.
        """
        reanalysis = self.catalog.reanalyses.get(name)
        if reanalysis is None:
            raise InvalidInput(f"there is no reanalysis {name}")
        before = self.catalog.reanalyses.member(name, member.id)
        ended = ""
        if before and reanalysis.attempt == attempt:
            ended = self._ended_already(reanalysis, before, token, canary=canary)
        if ended:
            return ended
        wanted = ReanalysisStatus.CANARIES if canary else ReanalysisStatus.RUNNING
        if (reanalysis.attempt, reanalysis.status) != (attempt, wanted):
            return self._not_any_more(reanalysis, before, token)
        before = self._ended_before(reanalysis, before)
        if why := too_many_failed(reanalysis):
            return self._not_any_more(self._stop(reanalysis, why), before, token)
        there = before
        if there is None or there.status is not MemberStatus.GOING_ON:
            there = self._reserve(reanalysis, before, member, canary=canary)
            if there is None:
                return self._not_any_more(reanalysis, before, token)
        try:
            return self._go_on(reanalysis, there, token, canary=canary)
        except Lasting as error:
            if canary or (last and not isinstance(error, Paused)):
                raise Busy(str(error)) from error
            return self._defer(there, str(error), token)

    def _defer(self, member: MemberState, why: str, token: str) -> str:
        """Hands a member back: it has its turn in the last pass, or when somebody resumes."""
        after = msgspec.structs.replace(member, status=MemberStatus.DEFERRED, why=why)
        self.members.end(member, after)
        there = self.catalog.reanalyses.member(member.reanalysis, member.id) or after
        if there.status is MemberStatus.GOING_ON:
            raise Busy(f"{member.id} was begun by another call")
        self.tokens.succeed(token, {"outcome": there.status, "why": there.why})
        return there.status

    def _ended_before(
        self, reanalysis: Reanalysis, before: MemberState | None
    ) -> MemberState | None:
        """A member of an earlier attempt as it has ended. Raises Busy while its run goes on."""
        if (
            before is None
            or before.status is not MemberStatus.GOING_ON
            or before.attempt == reanalysis.attempt
        ):
            return before
        run = self.catalog.runs.get(before.run_id) if before.run_id else None
        if run and run.status.live:
            raise Busy(f"{run.id} of an earlier attempt goes on")
        if run:
            self.members.run_ended(run)
        else:
            self._leave_out(before, "its run never began")
        raise Busy(f"{before.id} of an earlier attempt has ended just now")

    def _not_any_more(self, reanalysis: Reanalysis, before: MemberState | None, token: str) -> str:
        """No run begins: one that goes on is waited for all the same."""
        if before and before.status is MemberStatus.GOING_ON and before.run_id:
            return self._wait(self.catalog.reanalyses.wait_with(before, token))
        if before and before.status is MemberStatus.GOING_ON:
            self._leave_out(before, reanalysis.why)
        self.tokens.succeed(token, {"outcome": "STOPPED", "why": reanalysis.why})
        return "STOPPED"

    def _ended_already(
        self, reanalysis: Reanalysis, before: MemberState, token: str, *, canary: bool
    ) -> str:
        """What became of a member, if that counts in this attempt; "" where it goes on, or anew.

        A canary becomes the current run once somebody has approved, whatever stops the rest.
        """
        is_of_this = before.attempt == reanalysis.attempt
        is_open = before.status in {MemberStatus.GOING_ON, MemberStatus.DEFERRED}
        if is_open or (canary and not is_of_this):
            return ""
        if before.status is MemberStatus.MADE and not canary and reanalysis.approved_by:
            promoted = self._promoted(reanalysis, before)
            if promoted is None:
                return ""
            before = promoted
        elif not is_of_this:
            return ""
        self.tokens.succeed(token, {"outcome": before.status, "why": before.why})
        return before.status

    def _promoted(self, reanalysis: Reanalysis, member: MemberState) -> MemberState | None:
        """A member that was made, with its run as the current one; None where it is made anew."""
        if member.run_id is None:
            return None
        begun = self.runs.promote(reanalysis, member.id, member.run_id)
        if begun is None:
            return None
        after = msgspec.structs.replace(member, attempt=reanalysis.attempt)
        if why := begun.left_out or begun.failed:
            after = msgspec.structs.replace(after, status=MemberStatus.LEFT_OUT, why=why)
            self.catalog.reanalyses.take_back(member, after)
        elif member.attempt != reanalysis.attempt:
            self.catalog.reanalyses.keep_for(member, reanalysis.attempt)
        return after

    def _leave_out(self, member: MemberState, why: str) -> None:
        """Ends a member whose run has not begun."""
        left = msgspec.structs.replace(member, status=MemberStatus.LEFT_OUT, why=why)
        self.members.end(member, left)

    def _reserve(
        self, reanalysis: Reanalysis, before: MemberState | None, member: Member, *, canary: bool
    ) -> MemberState | None:
        """Keeps what its run may cost. None where the budget has not so much, which stops all."""
        wanted = micros(reanalysis.usd_by_assay.get(member.assay, 0.0))
        analysis = self.catalog.analyses.get(member.id)
        current = analysis.current_run if analysis else None
        state = MemberState(
            reanalysis.id, member.sample, member.assay, attempt=reanalysis.attempt,
            canary=canary, reserved_micros=wanted,
            before=current.short if current else "",
            started=timestamp(self.now()),
        )  # fmt: skip
        try:
            self.catalog.reanalyses.begin(reanalysis, before, state)
        except Conflict as error:
            there = self.catalog.reanalyses.get(reanalysis.id) or reanalysis
            if there.limits.budget_usd is not None and there.left_micros < wanted:
                self._stop(reanalysis, over_budget(there, wanted))
                return None
            raise Busy(f"{member.id} was begun by another, or {reanalysis.id} changed") from error
        return state

    def _go_on(
        self, reanalysis: Reanalysis, member: MemberState, token: str, *, canary: bool
    ) -> str:
        if member.run_id is None:
            try:
                begun = self.runs.begin(reanalysis, member.id, canary=canary)
            except PlanChanged as error:
                stopped = self._stop(reanalysis, error.to_mend)
                return self._not_any_more(stopped, member, token)
            if begun.run is None or begun.is_made or begun.left_out:
                return self._end_at_once(member, begun, token)
            run = begun.run.short
        else:
            run = member.run
        member = self.catalog.reanalyses.wait_with(member, token, run)
        if member.status is MemberStatus.DEFERRED:  # by another call, which did not see this run
            raise Busy(f"{member.id} was handed back while its run began")
        there = self.catalog.reanalyses.get(reanalysis.id)
        if member.run_id and (there is None or not there.status.live):  # stopped since it was read
            self.runs.claiming.executions.stop(member.run_id, "stopped with its reanalysis")
        return self._wait(member)

    def _end_at_once(self, member: MemberState, begun: Begun, token: str) -> str:
        """Of one that needs no run, or can't have one."""
        run = self.catalog.runs.get(begun.run) if begun.run else None
        if begun.is_made and run:
            after = self.members.made(msgspec.structs.replace(member, run=run.id.short), run)
            if run.claimed < member.started:  # it was paid for when it was made
                after = msgspec.structs.replace(after, cost_micros=0)
            if begun.failed:
                status = MemberStatus.FAILED
                after = msgspec.structs.replace(after, status=status, why=begun.failed)
        else:
            after = msgspec.structs.replace(
                member, status=MemberStatus.LEFT_OUT, why=begun.left_out
            )
        self.members.end(member, after)
        self.tokens.succeed(token, {"outcome": after.status, "why": after.why})
        return after.status

    def _wait(self, member: MemberState) -> str:
        """Its run may have ended before anybody waited for it."""
        if member.run_id and (run := self.catalog.runs.get(member.run_id)):
            self.members.run_ended(run)
        return member.status

    def _stop(self, reanalysis: Reanalysis, why: str) -> Reanalysis:
        """Lets no more runs begin; those that go on come to their ends. Returns it as it is then:
        somebody else may have stopped it before."""

        def attempt() -> Reanalysis:
            there = self.catalog.reanalyses.get(reanalysis.id)
            if there and there.attempt == reanalysis.attempt and there.status.live:
                return self.catalog.reanalyses.move(
                    there, ReanalysisStatus.STOPPED, self.now(), who=SYSTEM, why=why
                )
            return there or reanalysis

        return retry_on_conflict(attempt, Transient(f"{reanalysis.id} changes all the time"))
