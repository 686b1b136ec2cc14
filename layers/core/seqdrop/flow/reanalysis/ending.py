"""After an execution that ended badly: nothing that carries the reanalysis' id goes on."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from seqdrop.aws.catalog import Catalog
from seqdrop.aws.executions import Executions, ReanalysisExecutions
from seqdrop.domain.reanalysis.record import MemberState, MemberStatus, ReanalysisStatus
from seqdrop.flow.reanalysis.attempts import SYSTEM
from seqdrop.flow.reanalysis.members import ReanalysisMembers


@dataclass(frozen=True)
class ReanalysisEnding:
    """Step Functions stops the members' states with the machine, and none of their runs."""

    catalog: Catalog
    executions: Executions
    members: ReanalysisMembers
    now: Callable[[], datetime]

    def end(self, name: str, attempt: int, why: str, *, aborted: bool) -> int:
        """After an execution that ended badly: no run of its goes on. Returns how many did."""
        reanalysis = self.catalog.reanalyses.get(name)
        if reanalysis is None or reanalysis.attempt != attempt:
            return 0
        if reanalysis.status.live:
            status = ReanalysisStatus.STOPPED if aborted else ReanalysisStatus.FAILED
            self.catalog.reanalyses.move(reanalysis, status, self.now(), who=SYSTEM, why=why)
        ended = 0
        for member in self.catalog.reanalyses.members(name):
            if member.status is MemberStatus.GOING_ON:
                ended += self._end_member(member)
        return ended

    def _end_member(self, member: MemberState) -> bool:
        if member.run_id is None:
            stopped = msgspec.structs.replace(
                member, status=MemberStatus.LEFT_OUT, why="stopped before its run began"
            )
            self.members.end(member, stopped)
            return False
        self.executions.stop(member.run_id, "stopped with its reanalysis")
        if run := self.catalog.runs.get(member.run_id):
            self.members.run_ended(run)
        return True


@dataclass(frozen=True)
class ReanalysisLook:
    """The sweep looks after executions of which no event came."""

    catalog: Catalog
    executions: ReanalysisExecutions
    ending: ReanalysisEnding

    def look(self) -> int:
        """Starts those that were never started, and ends those that are over; returns how many."""
        found = 0
        for reanalysis in self.catalog.reanalyses.all():
            if not reanalysis.status.live:
                continue
            state = self.executions.describe(reanalysis.execution_name)
            if state is None:
                self.executions.start(reanalysis.execution_name, reanalysis.id, reanalysis.attempt)
            elif not state.goes_on:
                why = state.cause or state.status
                aborted = state.status == "ABORTED"
                self.ending.end(reanalysis.id, reanalysis.attempt, why, aborted=aborted)
            else:
                continue
            found += 1
        return found
