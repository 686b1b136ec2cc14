"""The members of a reanalysis: each waits for its run, and is told of its end."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from seqdrop.aws.catalog import Catalog
from seqdrop.aws.catalog.layout import timestamp
from seqdrop.aws.executions import TaskTokens
from seqdrop.aws.objects import Objects
from seqdrop.domain.comparison.report import EVERYWHERE, Change, Report, Verdict
from seqdrop.domain.cost import micros
from seqdrop.domain.errors import Conflict
from seqdrop.domain.pipeline import COMPARE
from seqdrop.domain.reanalysis.record import Compared, MemberState, MemberStatus
from seqdrop.domain.records import Run, RunStatus
from seqdrop.domain.task import cost_of

_STOPPED = "its run was stopped"
_NOT_COMPARED = (Change.NOT_COMPARABLE, Change.UNRESOLVED)


@dataclass(frozen=True)
class ReanalysisMembers:
    """Whoever closes a run tells its member, as often as it may be; once counts."""

    catalog: Catalog
    objects: Objects
    tokens: TaskTokens
    results_bucket: str
    now: Callable[[], datetime]

    def run_ended(self, ids: Run) -> None:
        """Writes what a closed run came to, if it is one of a reanalysis, and wakes who waits."""
        if not ids.options.reanalysis:
            return
        run = self.catalog.runs.get(ids.id)
        member = self.catalog.reanalyses.member(ids.options.reanalysis, ids.id.analysis)
        if run is None or run.status.live or member is None or member.run != run.id.short:
            return
        if member.status is MemberStatus.GOING_ON:
            self.end(member, self._after(member, run))
            member = self.catalog.reanalyses.member(member.reanalysis, member.id) or member
        self.answer(member)

    def end(self, member: MemberState, after: MemberState) -> None:
        """Writes what became of a member; nothing where it is written already."""
        try:
            self.catalog.reanalyses.end(
                member, msgspec.structs.replace(after, ended=timestamp(self.now()))
            )
        except Conflict:
            return  # somebody else has told it

    def answer(self, member: MemberState) -> None:
        """Wakes who waits for a member that has ended."""
        if member.token and member.status is not MemberStatus.GOING_ON:
            self.tokens.succeed(member.token, {"outcome": member.status, "why": member.why})

    def made(self, member: MemberState, run: Run) -> MemberState:
        """A member whose run has ended well, with what it cost and how it compares."""
        compared = self.compared(run)
        return msgspec.structs.replace(
            member,
            status=MemberStatus.MADE,
            why="; ".join(run.qc_reasons),
            cost_micros=micros(run.cost_usd),
            compared=compared,
        )

    def _after(self, member: MemberState, run: Run) -> MemberState:
        if run.status is RunStatus.SUCCEEDED:
            if worse := self._is_worse(run):
                made = self.made(member, run)
                return msgspec.structs.replace(made, status=MemberStatus.FAILED, why=worse)
            made = self.made(member, run)
            if overtaken := self._is_overtaken(run):
                return msgspec.structs.replace(made, status=MemberStatus.LEFT_OUT, why=overtaken)
            return made
        jobs, tasks = self.catalog.jobs.of_run(run.id), self.catalog.tasks.of_run(run.id)
        stopped = run.status is RunStatus.ABORTED
        return msgspec.structs.replace(
            member,
            status=MemberStatus.LEFT_OUT if stopped else MemberStatus.FAILED,
            why=_STOPPED if stopped else run.failure,
            cost_micros=micros(cost_of(jobs, tasks)),
        )

    def _is_overtaken(self, run: Run) -> str:
        """Why a run that may take the place of another has not; "" where it has, or may later."""
        analysis = self.catalog.analyses.get(run.id.analysis)
        if analysis is None or run.options.waits_for or analysis.current_run == run.id:
            return ""
        if analysis.generation == run.generation:
            return ""
        return "other files came while it ran: the next run takes the newest version by itself"

    def _is_worse(self, run: Run) -> str:
        """Why a run that has ended well takes no other's place; "" where it may."""
        before = self.catalog.runs.get(run.supersedes) if run.supersedes else None
        return worse_qc(run, before)

    def compared(self, run: Run) -> Compared | None:
        """What its comparison came to; None of a run without one."""
        prefix = next((stage.prefix for stage in run.stages if stage.stage == COMPARE), "")
        body = self.objects.get(self.results_bucket, f"{prefix}comparison.json") if prefix else None
        if body is None:
            return None
        try:
            report = msgspec.json.decode(body, type=Report)
        except msgspec.MsgspecError as error:  # of another release
            return Compared(Verdict.UNRESOLVED, f"it can't be read: {error}", 0, 1, prefix)
        changes = [t.changes for t in report.tallies if t.region == EVERYWHERE]
        uncertain = sum(found.get(change, 0) for found in changes for change in _NOT_COMPARED)
        return Compared(report.verdict, report.why, report.reportable_total, uncertain, prefix)


def worse_qc(run: Run, before: Run | None) -> str:
    """Why a run is not to take the place of the one before: its QC is FAIL, and that was not."""
    if run.qc != "FAIL" or before is None or before.qc == "FAIL":
        return ""
    return f"its QC is FAIL, and was {before.qc}: {'; '.join(run.qc_reasons)}"
