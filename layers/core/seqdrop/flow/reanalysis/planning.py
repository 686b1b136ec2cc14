"""PlanReanalysis: a plan is made and kept, and says what the machine does next."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from tempfile import TemporaryFile
from typing import Any

import msgspec

from seqdrop.aws.alerts import Alerts
from seqdrop.aws.catalog import Catalog
from seqdrop.aws.objects import Objects
from seqdrop.domain.errors import InvalidInput
from seqdrop.domain.reanalysis.canaries import choose_canaries
from seqdrop.domain.reanalysis.record import Reanalysis, ReanalysisStatus
from seqdrop.flow.reanalysis.attempts import SYSTEM, reanalysis_of
from seqdrop.flow.reanalysis.json_list import JsonList
from seqdrop.flow.reanalysis.notices import PLANNED, tell
from seqdrop.flow.reanalysis.planner import ReanalysisPlanner


@dataclass(frozen=True)
class ReanalysisPlanning:
    """A second call finds what the first one has kept: one follows on the approval, too."""

    catalog: Catalog
    objects: Objects
    planner: ReanalysisPlanner
    alerts: Alerts
    results_bucket: str
    now: Callable[[], datetime]

    def plan(self, name: str, attempt: int) -> dict[str, Any]:
        """Plans it, chooses its canaries, and says what the machine does next."""
        reanalysis = reanalysis_of(self.catalog, name, attempt)
        if reanalysis.status is ReanalysisStatus.PLANNING:
            self._planned(reanalysis)
            reanalysis = reanalysis_of(self.catalog, name, attempt)  # its cap may be another one
        following = {
            ReanalysisStatus.CANARIES: "canaries",
            ReanalysisStatus.AWAITING_APPROVAL: "approval",
            ReanalysisStatus.RUNNING: "cohort",
            ReanalysisStatus.STOPPED: "report",
        }
        return {
            "next": following.get(reanalysis.status, "nothing"),
            "canaries": msgspec.to_builtins(reanalysis.canaries),
            "bucket": self.results_bucket,
            "key": _list_of(reanalysis),
            "in_flight": reanalysis.limits.in_flight,
            "last": False,
        }

    def _planned(self, reanalysis: Reanalysis) -> None:
        try:
            with TemporaryFile() as file:
                listed = JsonList(file.write)
                planned = self.planner.plan(reanalysis.scope, listed.add)
                listed.finish()
                file.seek(0)
                self.objects.put_file(self.results_bucket, _list_of(reanalysis), file)
        except InvalidInput as error:
            self.catalog.reanalyses.move(
                reanalysis, ReanalysisStatus.FAILED, self.now(), who=SYSTEM, why=str(error)
            )
            return
        plan, limits = planned.plan, reanalysis.limits
        canaries = choose_canaries(planned.candidates, limits.canaries)
        status, why = ReanalysisStatus.CANARIES, ""
        if not plan.analyses:
            status, why = ReanalysisStatus.PLANNED, "nothing is to be made anew"
        elif reanalysis.plan_only:
            status, why = ReanalysisStatus.PLANNED, "a plan alone, until somebody resumes it"
        elif reanalysis.approved_by and plan.judged <= reanalysis.approved:
            status, canaries = ReanalysisStatus.RUNNING, reanalysis.canaries
        planned_now = self.catalog.reanalyses.move(
            reanalysis, status, self.now(), who=SYSTEM, why=why, plan=plan, canaries=canaries,
            usd_by_assay=plan.usd_by_assay,
        )  # fmt: skip
        if reanalysis.by == SYSTEM and reanalysis.plan_only and plan.analyses:
            do = f"`seqdrop reanalysis show {reanalysis.id}`; `resume` begins it"
            tell(self.alerts, PLANNED, planned_now, do)


def _list_of(reanalysis: Reanalysis) -> str:
    return f"{reanalysis.folder}members-{reanalysis.attempt}.json"
