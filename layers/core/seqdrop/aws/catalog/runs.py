"""Runs in the catalog: claimed once, moved forward, closed once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from seqdrop.aws.catalog.layout import (
    analysis_key,
    blueprint_item,
    blueprint_key,
    event_item,
    events_of,
    read_blueprint,
    read_run,
    reference_key,
    run_item,
    run_item_key,
    runs_of,
    runs_of_key,
    status_attributes,
    timestamp,
    uses_item,
    uses_key,
)
from seqdrop.aws.catalog.projects import Projects
from seqdrop.aws.catalog.table import Condition, Table, Write, to_item
from seqdrop.domain.admission import place_of
from seqdrop.domain.errors import Conflict
from seqdrop.domain.identity import AnalysisId, ReferenceId, RunId
from seqdrop.domain.records import Analysis, AnalysisStatus, Run, RunOptions, RunStatus, StageRun
from seqdrop.domain.reference import ReferenceState

SYSTEM = "seqdrop"


class Runs:
    """A run is CLAIMED with its analysis in one transaction, and closed with it in another."""

    def __init__(self, table: Table, projects: Projects) -> None:
        self._table = table
        self._projects = projects

    def get(self, run: RunId) -> Run | None:
        """One run."""
        item = self._table.get(run_item_key(run))
        return read_run(item) if item else None

    def of_key(self, analysis: AnalysisId, run_key: str) -> list[Run]:
        """All attempts under one run key, oldest first."""
        return [read_run(item) for item in self._table.query(*runs_of_key(analysis, run_key))]

    def of_analysis(self, analysis: AnalysisId) -> list[Run]:
        """All runs of an analysis."""
        return [read_run(item) for item in self._table.query(*runs_of(analysis))]

    def blueprint(self, run: Run) -> bytes:
        """What was frozen when the run was claimed, as JSON; empty where nothing was."""
        item = None if run.blueprint else self._table.get(blueprint_key(run.id))
        return read_blueprint(item) if item else run.blueprint

    def claim(
        self, analysis: Analysis, run: Run, blueprint: bytes, reference: ReferenceId,
        now: datetime, *, runs_at_once: int | None = None,
    ) -> None:  # fmt: skip
        """Puts the run with its blueprint, and makes it the analysis' active one.

        ``runs_at_once`` is what its project may have, of a run that is counted. Raises Conflict
        where the analysis has changed, something runs already, the project has no room any more, or
        the run's reference is not READY, as after a retire since it was chosen.
        """
        update = self._table.update_write(
            analysis_key(run.id.analysis),
            sets={
                **status_attributes(run.id.analysis, AnalysisStatus.ANALYSING, now),
                "active_run": run.id.short,
                "why": "",
                "kept": None,
            },
            adds={"revision": 1},
            removes=["options", "waits_for_others"],
            conditions=_may_begin(analysis),
        )
        event = event_item(
            events_of(run.sample), now, f"claim#{run.id.short}", who=SYSTEM, what="run claimed",
            assay=run.assay, run=run.id.short, pipeline=run.pipeline, reference=run.reference,
            parts=run.parts,
        )  # fmt: skip
        puts = [
            self._table.put_write(run_item(run), ("pk", "absent", None)),
            self._table.put_write(blueprint_item(run.id, blueprint)),
            self._table.put_write(event),
        ]
        writes = [*puts, update, self._ready_check(reference)]
        if run.in_share and runs_at_once is not None:
            writes.append(self._projects.enter_write(run.project, runs_at_once))
        if analysis.kept:
            place = place_of(analysis, run.priority)
            writes.append(self._projects.step_out_write(run.project, place))
        self._table.transact(writes)

    def adopt(self, analysis: Analysis, run: Run, reference: ReferenceId, now: datetime) -> None:
        """Takes an earlier good run as the current one: its inputs are these inputs.

        ``reference`` is the version that was chosen now; the run may have used the same content
        by another name. Raises Conflict as ``claim`` does.
        """
        update = self._table.update_write(
            analysis_key(run.id.analysis),
            sets={
                **status_attributes(run.id.analysis, AnalysisStatus.ANALYSED, now),
                "current_run": run.id.short,
                "why": "; ".join(run.qc_reasons),
            },
            adds={"revision": 1},
            removes=["options", "may_come_again", "waits_for_others"],
            conditions=_may_begin(analysis),
        )
        event = event_item(
            events_of(run.sample), now, f"adopt#{run.id.short}", who=SYSTEM, what="run adopted",
            assay=run.assay, run=run.id.short, why="the same content was analysed before",
        )  # fmt: skip
        writes = [update, self._table.put_write(event), *self._uses_writes(analysis, run)]
        self._table.transact([*writes, self._ready_check(reference)])

    def _ready_check(self, reference: ReferenceId) -> Write:
        """Holds a transaction to a reference version that is READY."""
        ready = ("state", "=", ReferenceState.READY.value)
        return self._table.check_write(reference_key(reference), ready)

    def mark_running(
        self, run: Run, execution: str, stages: Sequence[StageRun], now: datetime
    ) -> None:
        """The execution has its plan. Doubled calls change nothing; Conflict once it is closed."""
        event = event_item(
            events_of(run.sample), now, f"run#{run.id.short}", who=SYSTEM, what="run started",
            assay=run.assay, run=run.id.short, execution=execution,
        )  # fmt: skip
        update = self._table.update_write(
            run_item_key(run.id),
            sets={
                "status": RunStatus.RUNNING.value,
                "execution": execution,
                "started": timestamp(now),
                "stages": [to_item(stage) for stage in stages],
            },
            conditions=[("status", "=", RunStatus.CLAIMED.value)],
        )
        try:
            self._table.transact([update, self._table.put_write(event)])
        except Conflict:
            there = self.get(run.id)
            if there is None or not there.status.live:
                raise

    def set_priority(self, run: RunId, priority: str) -> None:
        """Which queues its further jobs go to. Raises Conflict where it is closed."""
        self._table.update(
            run_item_key(run),
            sets={"priority": priority},
            conditions=[("status", "in", {RunStatus.CLAIMED.value, RunStatus.RUNNING.value})],
        )

    def close(
        self, run: Run, analysis: Analysis, status: AnalysisStatus | None, now: datetime, *,
        why: str = "", who: str = SYSTEM, hold: str = "", options: RunOptions | None = None,
        still: str | None = None,
    ) -> None:  # fmt: skip
        """Closes a run (which carries its end's status and figures) and frees its analysis.

        ``status`` is the analysis' new one, None where its inputs have changed meanwhile, so that
        the run says nothing of them; ``options`` are those of its next run. ``still`` is what is
        said of the current run where that stays what it is; else a run that SUCCEEDED takes its
        place. Raises Conflict where the inputs have changed, or the run is closed.
        """
        closed = {**run_item(run), "ended": timestamp(now)}
        put = self._table.put_write(closed)  # it is live as long as it is its analysis' active one
        event = event_item(
            events_of(run.sample), now, f"close#{run.id.short}", who=who,
            what=f"run {run.status.lower()}", assay=run.assay, run=run.id.short, why=why, qc=run.qc,
            cost_usd=run.cost_usd,
        )  # fmt: skip
        sets: dict[Any, Any] = {}
        if status is not None:
            said = why if still is None else still
            sets |= {**status_attributes(run.id.analysis, status, now), "why": said}
        removes = ["active_run"]
        promoted = status is AnalysisStatus.ANALYSED and still is None
        if promoted:
            sets["current_run"] = run.id.short
            removes.append("may_come_again")
        if hold:
            sets["holds", hold] = why
        if options:
            sets["options"] = to_item(options)
        free = self._table.update_write(
            analysis_key(run.id.analysis),
            sets=sets,
            adds={"revision": 1},
            removes=removes,
            conditions=[
                ("active_run", "=", run.id.short),
                ("generation", "=", analysis.generation),
            ],
        )
        writes = [put, free, self._table.put_write(event)]
        if run.in_share:
            writes.append(self._projects.leave_write(run.project))
        if promoted:
            writes += self._uses_writes(analysis, run)
        self._table.transact(writes)

    def _uses_writes(self, analysis: Analysis, run: Run) -> list[Write]:
        """Which reference content the current run uses, for the index that reanalysis reads."""
        writes = [self._table.put_write(uses_item(run, part)) for part in run.parts]
        if analysis.current_run:
            before = self.get(analysis.current_run)
            gone = set(before.parts) - set(run.parts) if before else set()
            keys = [uses_key(run.id.analysis, part) for part in sorted(gone)]
            writes += [self._table.delete_write(key) for key in keys]
        return writes


def _may_begin(analysis: Analysis) -> list[Condition]:
    """Nothing runs, and what is to be run, and how, is as whoever claims it has read."""
    options = analysis.options
    asked: Condition = ("options", "absent", None)
    if options is not None:
        asked = ("options", "=", to_item(options))
    return [("generation", "=", analysis.generation), ("active_run", "absent", None), asked]
