"""AskApproval, ReportReanalysis, and bad ends: what people are told, and what is left of it."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from tempfile import TemporaryFile
from typing import Any

import msgspec

from seqdrop.aws.alerts import Alerts
from seqdrop.aws.catalog import Catalog
from seqdrop.aws.executions import TaskTokens, function_message
from seqdrop.aws.objects import Objects
from seqdrop.domain.errors import SeqdropError
from seqdrop.domain.reanalysis.plan import Member
from seqdrop.domain.reanalysis.record import (
    MemberState,
    MemberStatus,
    Reanalysis,
    ReanalysisStatus,
)
from seqdrop.flow.reanalysis.attempts import SYSTEM, ReanalysisOver, reanalysis_of
from seqdrop.flow.reanalysis.json_list import JsonList
from seqdrop.flow.reanalysis.notices import AWAITS, ENDED, tell

_REASONS = 3
"""For which members were deferred: the most frequent ones are told."""


class CanariesFailed(SeqdropError):
    """A canary was not good: nothing is made anew, and nothing was moved."""


@dataclass(frozen=True)
class ReanalysisReporting:
    """Each call may come twice."""

    catalog: Catalog
    objects: Objects
    tokens: TaskTokens
    alerts: Alerts
    results_bucket: str
    now: Callable[[], datetime]

    def ask_approval(self, name: str, attempt: int, token: str) -> str:
        """Looks at the canaries, and waits for a person.

        Raises CanariesFailed; and ReanalysisOver where it was stopped, or has ended.
        """
        reanalysis = reanalysis_of(self.catalog, name, attempt)
        if reanalysis.status is ReanalysisStatus.RUNNING:  # approved while this was tried again
            self.tokens.succeed(token, {"outcome": "approved"})
            return reanalysis.status
        if reanalysis.status is ReanalysisStatus.CANARIES:
            if reanalysis.canaries:
                self._check_canaries(reanalysis)
            reanalysis = self.catalog.reanalyses.move(
                reanalysis, ReanalysisStatus.AWAITING_APPROVAL, self.now(), who=SYSTEM, token=token
            )
        elif reanalysis.status is ReanalysisStatus.AWAITING_APPROVAL:
            self.catalog.reanalyses.set_token(reanalysis, token)
            self._answer_if_approved(name, token)
        else:
            raise ReanalysisOver(f"{name} is {reanalysis.status}: {reanalysis.why}")
        do = (
            f"`seqdrop reanalysis show {name}`, then `seqdrop approve {name} --attempt {attempt}` "
            f"or `seqdrop reject {name}`"
        )
        tell(self.alerts, AWAITS, reanalysis, do)  # again, where an earlier try died before it
        return reanalysis.status

    def _answer_if_approved(self, name: str, token: str) -> None:
        """Somebody may have approved between the look and the new token."""
        there = self.catalog.reanalyses.get(name)
        if there and there.status is ReanalysisStatus.RUNNING:
            self.tokens.succeed(token, {"outcome": "approved"})

    def _check_canaries(self, reanalysis: Reanalysis) -> None:
        wanted = {member.id for member in reanalysis.canaries}
        found = [one for one in self.catalog.reanalyses.members(reanalysis.id) if one.id in wanted]
        bad = [one for one in found if one.status in {MemberStatus.FAILED, MemberStatus.GOING_ON}]
        made = [one for one in found if one.status is MemberStatus.MADE]
        if bad or not made:
            why = "; ".join(f"{one.id}: {one.why or 'did not end'}" for one in bad)
            raise CanariesFailed(why or "none of the canaries could be made anew")

    def report(
        self, name: str, attempt: int, failure: dict[str, Any] | None, *, last: bool = True
    ) -> dict[str, Any]:
        """Closes it, writes its report, and tells people of it, once.

        After the first pass over the cohort it lists those that were handed back instead: the last
        pass is of them.
        """
        reanalysis = reanalysis_of(self.catalog, name, attempt)
        is_first_pass = reanalysis.status is ReanalysisStatus.RUNNING and not last and not failure
        if is_first_pass and (key := self._list_deferred(reanalysis)):
            return {
                "status": reanalysis.status,
                "why": "",
                "bucket": self.results_bucket,
                "key": key,
                "in_flight": reanalysis.limits.in_flight,
                "last": True,
            }
        if reanalysis.status.live:
            status, why = self._end_of(reanalysis, failure)
            reanalysis = self.catalog.reanalyses.move(
                reanalysis, status, self.now(), who=SYSTEM, why=why, token=""
            )
        self._write_report(reanalysis)
        return {"status": reanalysis.status, "why": reanalysis.why}

    def _end_of(
        self, reanalysis: Reanalysis, failure: dict[str, Any] | None
    ) -> tuple[ReanalysisStatus, str]:
        """How it ends: DONE only where all that its plan lists have ended."""
        if failure:
            waits = reanalysis.status is ReanalysisStatus.AWAITING_APPROVAL
            return ReanalysisStatus.FAILED, _said(failure, awaits_approval=waits)
        listed = reanalysis.plan.analyses if reanalysis.plan else 0
        ended, deferred = 0, Counter[str]()
        for one in self._of_attempt(reanalysis):
            if one.status is MemberStatus.DEFERRED:
                deferred[one.why] += 1
            else:
                ended += one.status is not MemberStatus.GOING_ON
        said = []
        if deferred:
            whys = "; ".join(why for why, _ in deferred.most_common(_REASONS))
            said.append(f"{deferred.total():,} of {listed:,} were deferred: {whys}")
        if (missing := listed - ended - deferred.total()) > 0:
            said.append(f"{missing:,} of {listed:,} were never begun, or have not ended")
        return (ReanalysisStatus.STOPPED if said else ReanalysisStatus.DONE), "; ".join(said)

    def _of_attempt(
        self, reanalysis: Reanalysis, status: MemberStatus | None = None
    ) -> Iterator[MemberState]:
        members = self.catalog.reanalyses.members(reanalysis.id, status)
        return (one for one in members if one.attempt == reanalysis.attempt)

    def _list_deferred(self, reanalysis: Reanalysis) -> str:
        """Writes which members were handed back; returns the list's key, "" where none was."""
        deferred = self._of_attempt(reanalysis, MemberStatus.DEFERRED)
        first = next(deferred, None)
        if first is None:
            return ""
        key = f"{reanalysis.folder}deferred-{reanalysis.attempt}.json"
        with TemporaryFile() as file:
            listed = JsonList(file.write)
            for one in chain([first], deferred):
                listed.add(Member(one.sample, one.assay))
            listed.finish()
            file.seek(0)
            self.objects.put_file(self.results_bucket, key, file)
        return key

    def _write_report(self, reanalysis: Reanalysis) -> None:
        amend: list[MemberState] = []
        with TemporaryFile() as file:
            listed = JsonList(file.write)
            for member in self.catalog.reanalyses.members(reanalysis.id):
                listed.add(msgspec.structs.replace(member, token=""))
                if member.is_amended:
                    amend.append(member)
            listed.finish()
            file.seek(0)
            key = f"{reanalysis.folder}report-{reanalysis.attempt}.json"
            self.objects.put_file(self.results_bucket, key, file)
        do = f"`seqdrop reanalysis show {reanalysis.id}`"
        if reanalysis.status is ReanalysisStatus.STOPPED:
            do += f"; `seqdrop reanalysis resume {reanalysis.id}` goes on"
        tell(self.alerts, ENDED, reanalysis, do, amend)


def _said(failure: dict[str, Any], *, awaits_approval: bool) -> str:
    """Why a state failed, in words: Lambda gives its error as JSON with a message."""
    error, cause = str(failure.get("Error", "")), str(failure.get("Cause", ""))
    if error == "States.Timeout" and awaits_approval:
        return "nobody approved it in time"
    message = function_message(cause)
    if message is not None:
        return message
    return f"{error}: {cause}" if cause else error
