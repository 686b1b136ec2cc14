"""Runs in the catalog: claimed once, moved forward, closed once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from seqdrop.aws.catalog.layout import (
    analysis_key,
    event_item,
    reference_key,
    run_item_key,
    status_attributes,
    timestamp,
    uses_item,
    uses_key,
)
from seqdrop.aws.catalog.table import Table, Write, from_item, to_item
from seqdrop.domain.errors import Conflict
from seqdrop.domain.records import Analysis, AnalysisStatus, Run, RunStatus, StageRun
from seqdrop.domain.reference import ReferenceState

SYSTEM = "seqdrop"
_LIVE = frozenset({RunStatus.CLAIMED.value, RunStatus.RUNNING.value})


class Runs:
    """A run is CLAIMED with its analysis in one transaction, and closed with it in another."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, sample: str, assay: str, run: str) -> Run | None:
        """One run, by its run id."""
        item = self._table.get(run_item_key(sample, assay, run))
        return from_item(item, Run) if item else None

    def of_key(self, sample: str, assay: str, run_key: str) -> list[Run]:
        """All attempts under one run key, oldest first."""
        items = self._table.query(f"SAMPLE#{sample}", f"RUN#{assay}#{run_key}#")
        return [from_item(item, Run) for item in items]

    def claim(self, analysis: Analysis, run: Run, now: datetime) -> None:
        """Puts the run and makes it the analysis' active one.

        Raises Conflict where the analysis has changed, something runs already, or the run's
        reference is not READY, as after a retire since it was chosen.
        """
        pk, sk = run_item_key(run.sample, run.assay, run.id)
        update = self._table.update_write(
            analysis_key(run.sample, run.assay),
            sets={
                **status_attributes(run.sample, run.assay, AnalysisStatus.ANALYSING, now),
                "active_run": run.id,
                "why": "",
            },
            removes=["options"],
            conditions=[("generation", "=", analysis.generation), ("active_run", "absent", None)],
        )
        event = event_item(
            run.sample, now, f"claim#{run.id}", who=SYSTEM, what="run claimed", assay=run.assay,
            run=run.id, pipeline=run.pipeline, reference=run.reference, parts=run.parts,
        )  # fmt: skip
        put = self._table.put_write({"pk": pk, "sk": sk, **to_item(run)}, ("pk", "absent", None))
        ready = self._ready_check(run.reference)
        self._table.transact([put, update, self._table.put_write(event), ready])

    def adopt(self, analysis: Analysis, run: Run, reference: str, now: datetime) -> None:
        """Takes an earlier good run as the current one: its inputs are these inputs.

        ``reference`` is the version that was chosen now; the run may have used the same content
        by another name. Raises Conflict as ``claim`` does.
        """
        update = self._table.update_write(
            analysis_key(run.sample, run.assay),
            sets={
                **status_attributes(run.sample, run.assay, AnalysisStatus.ANALYSED, now),
                "current_run": run.id,
                "why": "; ".join(run.qc_reasons),
            },
            removes=["options"],
            conditions=[("generation", "=", analysis.generation), ("active_run", "absent", None)],
        )
        event = event_item(
            run.sample, now, f"adopt#{run.id}", who=SYSTEM, what="run adopted",
            assay=run.assay, run=run.id, why="the same content was analysed before",
        )  # fmt: skip
        writes = [update, self._table.put_write(event), *self._uses_writes(analysis, run)]
        self._table.transact([*writes, self._ready_check(reference)])

    def _ready_check(self, reference: str) -> Write:
        """Holds a transaction to a reference version, ``NAME/VERSION``, that is READY."""
        name, _, version = reference.partition("/")
        return self._table.check_write(
            reference_key(name, version), ("state", "=", ReferenceState.READY.value)
        )

    def mark_running(
        self, run: Run, execution: str, stages: Sequence[StageRun], now: datetime
    ) -> None:
        """The execution has its plan. Doubled calls change nothing; Conflict once it is closed."""
        event = event_item(
            run.sample, now, f"run#{run.id}", who=SYSTEM, what="run started", assay=run.assay,
            run=run.id, execution=execution,
        )  # fmt: skip
        update = self._table.update_write(
            run_item_key(run.sample, run.assay, run.id),
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
            there = self.get(run.sample, run.assay, run.id)
            if there is None or not there.status.live:
                raise

    def close(
        self, run: Run, analysis: Analysis, status: AnalysisStatus | None, now: datetime, *,
        why: str = "", who: str = SYSTEM, hold: str = "",
    ) -> None:  # fmt: skip
        """Closes a run (which carries its end's status and figures) and frees its analysis.

        ``status`` is the analysis' new one, None where its inputs have changed meanwhile, so that
        the run says nothing of them. Raises Conflict where either has changed.
        """
        pk, sk = run_item_key(run.sample, run.assay, run.id)
        closed = {**to_item(run), "ended": timestamp(now)}
        put = self._table.put_write({"pk": pk, "sk": sk, **closed}, ("status", "in", _LIVE))
        event = event_item(
            run.sample, now, f"close#{run.id}", who=who, what=f"run {run.status.lower()}",
            assay=run.assay, run=run.id, why=why, qc=run.qc, cost_usd=run.cost_usd,
        )  # fmt: skip
        sets: dict[Any, Any] = {}
        if status is not None:
            sets |= {**status_attributes(run.sample, run.assay, status, now), "why": why}
        if status is AnalysisStatus.ANALYSED:
            sets["current_run"] = run.id
        if hold:
            sets["holds", hold] = why
        free = self._table.update_write(
            analysis_key(run.sample, run.assay),
            sets=sets,
            removes=["active_run"],
            conditions=[
                ("active_run", "=", run.id),
                ("generation", "=", analysis.generation),
            ],
        )
        writes = [put, free, self._table.put_write(event)]
        if status is AnalysisStatus.ANALYSED:
            writes += self._uses_writes(analysis, run)
        self._table.transact(writes)

    def _uses_writes(self, analysis: Analysis, run: Run) -> list[Write]:
        """Which reference content the current run uses, for the index that reanalysis reads."""
        writes = [
            self._table.put_write(uses_item(run.sample, run.assay, part, checksum, run.id))
            for part, checksum in run.parts.items()
        ]
        if analysis.current_run:
            before = self.get(run.sample, run.assay, analysis.current_run)
            gone = set(before.parts) - set(run.parts) if before else set()
            keys = [uses_key(run.sample, run.assay, part) for part in sorted(gone)]
            writes += [self._table.delete_write(key) for key in keys]
        return writes
