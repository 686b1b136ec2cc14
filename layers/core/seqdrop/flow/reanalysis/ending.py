"""After an execution that ended badly: nothing that carries the reanalysis' id goes on."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from seqdrop.aws.alerts import Alerts
from seqdrop.aws.catalog import Catalog
from seqdrop.aws.executions import Executions, ReanalysisExecutions
from seqdrop.domain.identity import RunId
from seqdrop.domain.reanalysis.record import MemberState, MemberStatus, ReanalysisStatus
from seqdrop.flow.reanalysis.attempts import SYSTEM
from seqdrop.flow.reanalysis.members import ReanalysisMembers
from seqdrop.flow.reanalysis.notices import ENDED, tell


@dataclass(frozen=True)
class ReanalysisEnding:
    """Step Functions stops the members' states with the machine, and none of their runs."""

    catalog: Catalog
    executions: Executions
    members: ReanalysisMembers
    alerts: Alerts
    now: Callable[[], datetime]

    def end(self, name: str, attempt: int, why: str, *, aborted: bool) -> int:
        """After an execution that ended badly: no run of its goes on. Returns how many did."""
        reanalysis = self.catalog.reanalyses.get(name)
        if reanalysis is None or reanalysis.attempt != attempt:
            return 0
        if reanalysis.status.live:
            status = ReanalysisStatus.STOPPED if aborted else ReanalysisStatus.FAILED
            reanalysis = self.catalog.reanalyses.move(
                reanalysis, status, self.now(), who=SYSTEM, why=why
            )
        going_on = list(self.catalog.reanalyses.members(name, MemberStatus.GOING_ON))
        ended = sum(map(self._end_member, going_on))
        there = self.catalog.reanalyses.get(name) or reanalysis
        do = f"`seqdrop reanalysis show {name}`; `seqdrop reanalysis resume {name}` goes on"
        tell(self.alerts, ENDED, there, do)
        return ended

    def _end_member(self, member: MemberState) -> bool:
        run = member.run_id or self._claimed(member)
        if run is None:
            stopped = msgspec.structs.replace(
                member, status=MemberStatus.LEFT_OUT, why="stopped before its run began"
            )
            self.members.end(member, stopped)
            return False
        self.executions.stop(run, "stopped with its reanalysis")
        if there := self.catalog.runs.get(run):
            self.members.run_ended(there)
        return True

    def _claimed(self, member: MemberState) -> RunId | None:
        """The run of a member that was claimed by somebody who died before writing it there."""
        analysis = self.catalog.analyses.get(member.id)
        active = analysis.active_run if analysis else None
        run = self.catalog.runs.get(active) if active else None
        if run is None or run.options.reanalysis != member.reanalysis:
            return None
        self.catalog.reanalyses.wait_with(member, member.token, run.id.short)
        return run.id


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
            if not reanalysis.status.live and not reanalysis.going_on:
                continue
            state = self.executions.describe(reanalysis.execution_name)
            if state is None and reanalysis.status.live:
                self.executions.start(reanalysis.execution_name, reanalysis.id, reanalysis.attempt)
            elif state and not state.goes_on:
                why = state.cause or state.status
                aborted = state.status == "ABORTED"
                self.ending.end(reanalysis.id, reanalysis.attempt, why, aborted=aborted)
            else:
                continue
            found += 1
        return found
