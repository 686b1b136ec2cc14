"""Jobs in the catalog: their timeline, and the task tokens that wait for them."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec
from msgspec import structs

from seqdrop.aws.catalog.costs import Costs
from seqdrop.aws.catalog.layout import (
    due_attributes,
    job_item,
    job_key,
    jobs_of,
    jobs_of_reference,
    jobs_of_run,
    read_job,
    timestamp,
)
from seqdrop.aws.catalog.table import Condition, Table, to_item
from seqdrop.domain.cost import sum_usd
from seqdrop.domain.due import first_look_at
from seqdrop.domain.errors import Conflict, Transient
from seqdrop.domain.identity import AnalysisId, JobOwner, ReferenceId, RunId, StageOf
from seqdrop.domain.records import NOTHING, Job, JobState, Took

_DUE = ("by_due_pk", "by_due_sk")
_BLOCKED = ("blocked_reason", "blocked_since", "blocked_told", "unblocked")


class Jobs:
    """Job items only move forward; late and doubled news change nothing."""

    def __init__(self, table: Table, costs: Costs) -> None:
        self._table = table
        self._costs = costs

    def get(self, owner: JobOwner) -> Job | None:
        """One job."""
        item = self._table.get(job_key(owner))
        return read_job(item) if item else None

    def of_analysis(self, analysis: AnalysisId) -> list[Job]:
        """The jobs of all runs of an analysis."""
        return [read_job(item) for item in self._table.query(*jobs_of(analysis))]

    def of_run(self, run: RunId) -> list[Job]:
        """The jobs of a run."""
        return [read_job(item) for item in self._table.query(*jobs_of_run(run))]

    def of_reference(self, reference: ReferenceId) -> list[Job]:
        """The jobs that make the indexes of a reference version."""
        return [read_job(item) for item in self._table.query(*jobs_of_reference(reference))]

    def newest_of_stage(self, first: StageOf) -> Job | None:
        """The stage's first job, or the last of those that followed it."""
        newest = job = self.get(first)
        while job and job.is_followed:
            newest = job
            job = self.get(job.next_owner)
        return job or newest

    def start(self, job: Job) -> Job:
        """Writes a job as SUBMITTING, before Batch hears of it; or finds it as it is.

        The token is always the newest: whoever waited with the one before has given up. A job that
        another is to follow keeps its own: nobody is to wait for it again.
        """
        due = due_attributes(job_key(job.owner), first_look_at(job))
        try:
            self._table.put({**job_item(job), **due}, ("pk", "absent", None))
        except Conflict:
            there = self.get(job.owner)
            if there and there.is_followed:
                return there
            return self.wait_with(job.owner, job.token)
        return job

    def wait_with(self, owner: JobOwner, token: str) -> Job:
        """Sets the token that the job's end is to answer, and returns the job as it is then.

        Raises Transient where there is no such job.
        """
        try:
            item = self._table.update(
                job_key(owner), sets={"token": token}, conditions=[("pk", "present", None)]
            )
        except Conflict as error:
            raise Transient(f"the catalog has no job of {owner.stage} yet") from error
        return read_job(item)

    def record_id(self, job: Job, job_id: str) -> Job | None:
        """Ties a job to Batch's id. None where it is tied to another already."""
        try:
            item = self._table.update(
                job_key(job.owner),
                sets={"job_id": job_id},
                conditions=[("job_id", "absent or =", job_id)],
            )
        except Conflict:
            return None
        return read_job(item)

    def record_state(self, owner: JobOwner, state: JobState, now: datetime) -> Job | None:
        """Moves a job forward to what Batch says, and returns it, or as it is if that is old news.

        None where there is no such job, or it is another job's news.
        """
        try:
            item = self._table.update(job_key(owner), **_change(state, now))
        except Conflict:
            return self._as_it_is(owner, state)
        return read_job(item)

    def record_end(
        self, job: Job, state: JobState, now: datetime, *, failure_class: str = "",
        message: str = "", action: str = "", took: Took = NOTHING,
    ) -> Job | None:  # fmt: skip
        """Writes how a job ended, and counts what it cost, once; else as ``record_state``."""
        ended: dict[str, Any] = {
            "failure_class": failure_class, "message": message, "action": action,
            **msgspec.structs.asdict(took), "ended": state.ended or timestamp(now),
        }  # fmt: skip
        done = structs.replace(job, status=state.status, attempts=state.attempts, **ended)
        change = _change(state, now, ended)
        if isinstance(job.owner, StageOf):  # what the end of an index leads to is still to be done
            change["removes"] += _DUE
        writes = [
            self._table.update_write(job_key(job.owner), **change),
            self._costs.count_write(done),
        ]
        with suppress(Conflict):  # somebody else has told of it
            self._table.transact(writes)
        return self._as_it_is(job.owner, state)

    def _as_it_is(self, owner: JobOwner, state: JobState) -> Job | None:
        job = self.get(owner)
        return job if job and job.job_id == state.job_id else None

    def record_blocked(self, owner: JobOwner, state: JobState, now: datetime) -> Job | None:
        """Writes why a job can't start, and returns it; None where that is old news.

        News is old if it is about an earlier status, or older than the last news. The reason is the
        latest one told, ``blocked_since`` the earliest, in whatever order they arrive.
        ``record_state`` clears both when the status changes.
        """
        told = state.told or timestamp(now)
        still = [("progress", "=", state.progress), ("job_id", "=", state.job_id)]
        try:
            item = self._table.update(
                job_key(owner),
                sets={"blocked_reason": state.blocked, "blocked_told": told},
                defaults={"blocked_since": told},
                conditions=[*still, ("blocked_told", "absent or <", told)],
            )
        except Conflict:
            return self._blocked_earlier(owner, told, still)
        return read_job(item)

    def _blocked_earlier(self, owner: JobOwner, told: str, still: list[Condition]) -> Job | None:
        try:
            item = self._table.update(
                job_key(owner),
                sets={"blocked_since": told},
                conditions=[
                    *still,
                    ("blocked_since", ">", told),
                    ("unblocked", "absent or <", told),
                ],
            )
        except Conflict:
            return None
        return read_job(item)

    def record_unblocked(self, owner: JobOwner, state: JobState, now: datetime) -> None:
        """Writes that Batch has no reason why a job that waits can't start, or none any more.

        The time stays: what is told of before it comes too late, be it the first that is told.
        """
        told = timestamp(now)
        with suppress(Conflict):
            self._table.update(
                job_key(owner),
                sets={"blocked_told": told, "unblocked": told},
                removes=["blocked_reason", "blocked_since"],
                conditions=[
                    ("progress", "=", state.progress),
                    ("job_id", "=", state.job_id),
                    ("blocked_told", "absent or <", told),
                ],
            )


def _change(
    state: JobState, now: datetime, ended: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The update that moves a job's item forward to what Batch says."""
    has_cost = bool(state.attempts or ended)
    given = {
        "status": state.status, "progress": state.progress, "job_id": state.job_id,
        "reason": state.reason, "exit_code": state.exit_code, "log_stream": state.log_stream,
        "created": state.created, "started": state.started, "host": state.host,
        "attempts": [to_item(one) for one in state.attempts],
        "cost_usd": sum_usd(one.cost_usd for one in state.attempts) if has_cost else None,
        "updated": timestamp(now), **(ended or {}),
    }  # fmt: skip
    # Neither an earlier attempt's end and host nor why it could not start is a word on what the job
    # does now.
    gone = [name for name in ("reason", "exit_code", "host") if given[name] in ("", None)]
    return {
        "sets": {name: value for name, value in given.items() if value not in ("", None, [])},
        "removes": [*gone, *_BLOCKED],
        "conditions": [
            ("progress", "<", state.progress),
            ("job_id", "absent or =", state.job_id),
        ],
    }
