"""Analyses and their files in the catalog."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from seqdrop.aws.catalog.layout import (
    STATUS_INDEX,
    STATUS_SHARDS,
    all_of_sample,
    analyses_of,
    analysis_attributes,
    analysis_key,
    event_item,
    events_of,
    file_key,
    files_of,
    read_analysis,
    status_attributes,
    status_order,
    status_shard,
)
from seqdrop.aws.catalog.table import Condition, Item, Key, Table, Write, from_item, to_item
from seqdrop.domain.errors import Conflict
from seqdrop.domain.identity import AnalysisId, FileIdentity
from seqdrop.domain.lifecycle import Assessment
from seqdrop.domain.records import Analysis, AnalysisStatus, FastqFile, RunOptions

if TYPE_CHECKING:
    from seqdrop.domain.intake import AnalysisChange

SYSTEM = "seqdrop"
_INPUTS_CHANGED = {"generation": 1, "revision": 1}


class Analyses:
    """What is registered for a sample under an assay; each change raises the generation."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, analysis: AnalysisId) -> Analysis | None:
        """One analysis."""
        item = self._table.get(analysis_key(analysis))
        return read_analysis(item) if item else None

    def of_sample(self, sample: str) -> list[Analysis]:
        """The analyses of a sample, one an assay."""
        return [read_analysis(item) for item in self._table.query(*analyses_of(sample))]

    def partition(self, sample: str) -> list[Item]:
        """Every item of a sample but its audit trail, in one Query."""
        return list(self._table.query(*all_of_sample(sample)))

    def events(self, sample: str) -> list[Item]:
        """The audit trail of a sample, oldest first."""
        return list(self._table.query(*events_of(sample)))

    def newest(self, status: AnalysisStatus, limit: int) -> list[Analysis]:
        """The analyses of a status that changed last: one Query a shard, merged."""
        found: list[Item] = []
        for shard in range(STATUS_SHARDS):
            found += self._table.query_index(STATUS_INDEX, status_shard(status, shard), limit)
        found.sort(key=status_order, reverse=True)
        return [read_analysis(item) for item in found[:limit]]

    def files(self, analysis: AnalysisId) -> list[FastqFile]:
        """All registered files of an analysis."""
        return [from_item(item, FastqFile) for item in self._table.query(*files_of(analysis))]

    def file(self, analysis: AnalysisId, identity: FileIdentity) -> FastqFile | None:
        """The file of one identity."""
        item = self._table.get(file_key(analysis, identity))
        return from_item(item, FastqFile) if item else None

    def change(
        self, change: "AnalysisChange", cause: str, now: datetime, *, who: str = SYSTEM,
        **details: Any,
    ) -> None:  # fmt: skip
        """Writes a change of one analysis. Raises Conflict where the analysis has changed since."""
        self._table.transact(self.writes_of(change, cause, now, who=who, **details))

    def writes_of(
        self, change: "AnalysisChange", cause: str, now: datetime, *, who: str = SYSTEM,
        **details: Any,
    ) -> list[Write]:  # fmt: skip
        """A change of one analysis with its audit event, for a transaction.

        Its condition is that nobody has written the analysis since it was read, be it only to
        claim or to close a run.
        """
        what = change.what if change.after else "analysis removed"
        event = event_item(
            events_of(change.id.sample), now, f"{cause}#{change.id.assay}", who=who, what=what,
            assay=change.id.assay, why=change.why, **details,
        )  # fmt: skip
        return [self._write_of(change, now), self._table.put_write(event)]

    def _write_of(self, change: "AnalysisChange", now: datetime) -> Write:
        key = analysis_key(change.id)
        if change.before is None:
            pk, sk = key
            item = {"pk": pk, "sk": sk, **_attributes(change.after, now)}
            return self._table.put_write(item, ("pk", "absent", None))
        conditions = _as_it_was(change.before)
        if change.after is None:
            return self._table.delete_write(key, *conditions)
        before, after = _attributes(change.before, now), _attributes(change.after, now)
        is_its_own = before["generation"] != after["generation"]
        for name in status_attributes(change.id, "", now):  # they are of another time than now
            before.pop(name)
            if not is_its_own:  # its status is none of this change
                after.pop(name)
        return self._difference(key, before, after, conditions)

    def _difference(
        self, key: Key, before: Item, after: Item, conditions: list[Condition]
    ) -> Write:
        """An update of what differs: other attributes may be those of a newer version."""
        sets = {name: new for name, new in after.items() if new != before.get(name)}
        gone = sorted(before.keys() - after.keys())
        return self._table.update_write(key, sets=sets, removes=gone, conditions=conditions)

    def hold(
        self, analysis: AnalysisId, cause: str, why: str, now: datetime, *,
        who: str = SYSTEM, judged: int | None = None,
    ) -> None:  # fmt: skip
        """Holds an analysis until what ``cause`` names is mended or released.

        Raises Conflict where its inputs are no longer those of the generation that was ``judged``.
        """
        unchanged: Condition = ("pk", "present", None)
        if judged is not None:
            unchanged = ("generation", "=", judged)
        update = self._table.update_write(
            analysis_key(analysis),
            sets={
                ("holds", cause): why,
                **status_attributes(analysis, AnalysisStatus.HELD, now),
            },
            adds=_INPUTS_CHANGED,
            conditions=[unchanged],
        )
        event = event_item(
            events_of(analysis.sample), now, cause, who=who, what="held", assay=analysis.assay,
            why=why,
        )  # fmt: skip
        self._table.transact([update, self._table.put_write(event)])

    def release(self, analysis: Analysis, who: str, options: RunOptions, now: datetime) -> None:
        """A person lets an analysis go on: its holds are lifted, and a run may be claimed."""
        sets = status_attributes(analysis.id, AnalysisStatus.RECEIVING, now)
        update = self._table.update_write(
            analysis_key(analysis.id),
            sets={**sets, "holds": {}, "why": "", "options": to_item(options)},
            adds=_INPUTS_CHANGED,
            conditions=[("generation", "=", analysis.generation)],
        )
        event = event_item(
            events_of(analysis.sample), now, "release", who=who, what="released",
            assay=analysis.assay, why=analysis.why, options=to_item(options),
        )  # fmt: skip
        self._table.transact([update, self._table.put_write(event)])

    def set_priority(self, analysis: Analysis, priority: str, who: str, now: datetime) -> None:
        """A person says how urgent it is. Raises Conflict where it has changed meanwhile."""
        update = self._table.update_write(
            analysis_key(analysis.id),
            sets={"priority": priority},
            adds={"revision": 1},
            conditions=_as_it_was(analysis),
        )
        event = event_item(
            events_of(analysis.sample), now, "priority", who=who, what="priority changed",
            assay=analysis.assay, why=f"{analysis.priority or 'as its assay'} before: {priority}",
        )  # fmt: skip
        self._table.transact([update, self._table.put_write(event)])

    def note_single(self, analysis: Analysis, *, single: bool) -> Analysis:
        """The analysis with what its assay says of mates, written down where that is new."""
        if analysis.single == single:
            return analysis
        noted = msgspec.structs.replace(analysis, single=single)
        try:
            self._table.update(
                analysis_key(analysis.id),
                sets={"single": single},
                adds={"revision": 1},
                conditions=_as_it_was(analysis),
            )
        except Conflict:
            return noted  # whoever changed it assesses it anew
        return msgspec.structs.replace(noted, revision=analysis.revision + 1)

    def settle(self, analysis: Analysis, assessment: Assessment, now: datetime) -> None:
        """Writes an assessment's status and reason, unless the analysis has changed since."""
        before = (analysis.status, analysis.why, analysis.kept)
        if before == (assessment.status, assessment.why, assessment.kept):
            return
        sets = status_attributes(analysis.id, assessment.status, now)
        conditions: list[Condition] = [
            ("generation", "=", analysis.generation),
            ("status", "=", analysis.status),
        ]
        try:
            self._table.update(
                analysis_key(analysis.id),
                sets={**sets, "why": assessment.why, "kept": assessment.kept or None},
                adds={"revision": 1},
                conditions=conditions,
            )
        except Conflict:
            return  # whoever changed it assesses it anew


def _attributes(analysis: Analysis | None, now: datetime) -> Item:
    """An analysis as its item has it after a change at this time."""
    if analysis is None:
        return {}
    status = status_attributes(analysis.id, analysis.status, now)
    return {**analysis_attributes(analysis), **status}


def _as_it_was(analysis: Analysis) -> list[Condition]:
    """Every write of an analysis raises its revision."""
    if not analysis.revision:  # of the release before
        return [("revision", "absent", None), ("generation", "=", analysis.generation)]
    return [("revision", "=", analysis.revision)]
