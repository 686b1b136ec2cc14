"""Analyses and their files in the catalog."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from seqdrop.aws.catalog.layout import (
    STATUS_INDEX,
    STATUS_SHARDS,
    all_of_object,
    all_of_sample,
    analyses_of,
    analysis_item,
    analysis_key,
    event_item,
    events_of,
    expected_item,
    expected_key,
    expected_texts,
    file_item,
    file_key,
    files_of,
    identity_text,
    placed_item,
    placed_key,
    read_analysis,
    read_uploads,
    seen_text,
    status_attributes,
    status_order,
    status_shard,
    timestamp,
)
from seqdrop.aws.catalog.table import Condition, Item, Table, Write, from_item, to_item
from seqdrop.domain.errors import Conflict
from seqdrop.domain.identity import AnalysisId, FileIdentity, ObjectName
from seqdrop.domain.lifecycle import Assessment
from seqdrop.domain.manifest import ExpectedFile, SampleEntry
from seqdrop.domain.records import Analysis, AnalysisStatus, FastqFile, Placed, RunOptions

SYSTEM = "seqdrop"
_INPUTS_CHANGED = {"generation": 1}
_MENDED_BY_FILES = ("claim", "run")
"""Holds that speak of the inputs as a whole: a new file may mend them, so it is tried."""


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

    def uploads(self, object_: ObjectName) -> tuple[list[Placed], ExpectedFile | None]:
        """What became of each version of an object, and where a manifest puts it."""
        return read_uploads(self._table.query(*all_of_object(object_)))

    def ensure(self, analysis: AnalysisId, now: datetime, **given: Any) -> None:
        """Makes the analysis where it is not there yet; otherwise changes nothing."""
        created = {"holds": {}, "generation": 0, "why": "", "created": timestamp(now)}
        status = status_attributes(analysis, AnalysisStatus.RECEIVING, now)
        item = {**analysis_item(analysis), **created, **status, **given}
        try:
            self._table.put(item, ("pk", "absent", None))
        except Conflict:
            return

    def note_upload(self, placed: Placed) -> None:
        """Remembers what became of an object version that changes no analysis, once."""
        try:
            self._table.transact([self._placed_write(placed)])
        except Conflict:
            return  # it was placed meanwhile, and that counts

    def register_file(
        self, file: FastqFile, placed: Placed, cause: str, now: datetime, replaces: str = "",
        *, lifts_hold: bool = True,
    ) -> None:  # fmt: skip
        """Puts a file and adds it to its analysis, in one transaction.

        ``replaces`` is the version id of the file of this identity that is replaced, if any;
        ``lifts_hold`` is false where a newer version of the object may hold the analysis.
        Raises Conflict where that is not what is there.
        """
        item = file_item(file)
        there: Condition = ("pk", "absent", None)
        if replaces:
            item["replaces"] = replaces
            there = ("registered_version", "=", replaces)
        item["registered_version"] = file.object.version_id or file.etag
        sets = status_attributes(file.analysis, AnalysisStatus.RECEIVING, now)
        if file.named_lane:
            sets["lane_split"] = True
        update = self._table.update_write(
            analysis_key(file.analysis),
            sets={**sets, "last_file": timestamp(now)},
            adds={**_INPUTS_CHANGED, "files_seen": {seen_text(file.seen)}},
            removes=[
                ("holds", name) for name in ((cause,) if lifts_hold else ()) + _MENDED_BY_FILES
            ],
            conditions=[("pk", "present", None)],
        )
        event = event_item(
            events_of(file.sample), now, cause, who=SYSTEM,
            what="file replaced" if replaces else "file", assay=file.assay,
            identity=identity_text(file.identity), key=file.object.key,
            version=file.object.version_id, checksum=file.object.checksum,
        )  # fmt: skip
        writes = [self._table.put_write(item, there), update, self._placed_write(placed)]
        self._table.transact([*writes, self._table.put_write(event)])

    def hold(
        self, analysis: AnalysisId, cause: str, why: str, now: datetime, *,
        who: str = SYSTEM, placed: Placed | None = None,
    ) -> None:  # fmt: skip
        """Holds an analysis until what ``cause`` names is mended or released."""
        update = self._table.update_write(
            analysis_key(analysis),
            sets={
                ("holds", cause): why,
                **status_attributes(analysis, AnalysisStatus.HELD, now),
            },
            adds=_INPUTS_CHANGED,
            conditions=[("pk", "present", None)],
        )
        event = event_item(
            events_of(analysis.sample), now, cause, who=who, what="held", assay=analysis.assay,
            why=why,
        )  # fmt: skip
        writes = [update, self._table.put_write(event)]
        if placed:
            writes.append(self._placed_write(placed))
        self._table.transact(writes)

    def lift_hold(self, analysis: Analysis, cause: str, now: datetime) -> None:
        """What held the analysis is mended. Raises Conflict where the analysis has changed."""
        sets = status_attributes(analysis.id, AnalysisStatus.RECEIVING, now)
        update = self._table.update_write(
            analysis_key(analysis.id),
            sets=sets,
            adds=_INPUTS_CHANGED,
            removes=[("holds", cause)],
            conditions=[("generation", "=", analysis.generation)],
        )
        event = event_item(
            events_of(analysis.sample), now, cause, who=SYSTEM, what="hold lifted",
            assay=analysis.assay, why=analysis.holds[cause],
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

    def settle(self, analysis: Analysis, assessment: Assessment, now: datetime) -> None:
        """Writes an assessment's status and reason, unless the analysis has changed since."""
        if (analysis.status, analysis.why) == (assessment.status, assessment.why):
            return
        sets = status_attributes(analysis.id, assessment.status, now)
        conditions: list[Condition] = [
            ("generation", "=", analysis.generation),
            ("status", "=", analysis.status),
        ]
        try:
            self._table.update(
                analysis_key(analysis.id),
                sets={**sets, "why": assessment.why},
                conditions=conditions,
            )
        except Conflict:
            return  # whoever changed it assesses it anew

    def expect(self, files: Sequence[ExpectedFile]) -> None:
        """Remembers where a manifest puts each object, whether it is there yet or not."""
        for file in files:
            self._table.put(expected_item(file))

    def unexpect(self, file: ExpectedFile, now: datetime) -> None:
        """An analysis waits for a file no more: a manifest has put it elsewhere."""
        status = status_attributes(file.analysis, AnalysisStatus.RECEIVING, now)
        update = self._table.update_write(
            analysis_key(file.analysis),
            sets=status,
            adds=_INPUTS_CHANGED,
            deletes={"expected": expected_texts([file])},
            conditions=[("pk", "present", None)],
        )
        try:
            self._table.transact([update])
        except Conflict:
            return  # there is no such analysis any more

    def forget_expected(self, file: ExpectedFile) -> None:
        """No manifest says any more where an object belongs."""
        self._table.transact([self._table.delete_write(expected_key(file.object))])

    def apply_manifest(
        self, entry: SampleEntry, analysis: AnalysisId, files: Sequence[ExpectedFile], *,
        manifest: str, saying: str, cause: str, now: datetime, lifts: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """Sets what a manifest says of an analysis; ``lifts`` are holds that it answers."""
        chosen = {
            name: getattr(entry, name)
            for name in ("project", "priority", "pipeline", "reference", "reference_version", "sex")
            if getattr(entry, name)
        }
        update = self._table.update_write(
            analysis_key(analysis),
            sets={
                **status_attributes(analysis, AnalysisStatus.RECEIVING, now),
                **chosen, "control": entry.control, "expected": expected_texts(files),
                "manifest": manifest, "saying": saying, "last_file": timestamp(now),
            },
            adds=_INPUTS_CHANGED,
            removes=[("holds", name) for name in ("assay", "claim", *lifts)],
            conditions=[("pk", "present", None)],
        )  # fmt: skip
        event = event_item(
            events_of(analysis.sample), now, cause, who=SYSTEM, what="manifest",
            assay=analysis.assay, manifest=manifest,
        )  # fmt: skip
        self._table.transact([update, self._table.put_write(event)])

    def withdraw(self, file: FastqFile, why: str, cause: str, now: datetime) -> None:
        """Takes a file out of an analysis where its name had put it: a manifest knows better."""
        update = self._table.update_write(
            analysis_key(file.analysis),
            sets=status_attributes(file.analysis, AnalysisStatus.RECEIVING, now),
            adds=_INPUTS_CHANGED,
            deletes={"files_seen": {seen_text(file.seen)}},
            conditions=[("pk", "present", None)],
        )
        version = file.object.version_id or file.etag
        event = event_item(
            events_of(file.sample), now, cause, who=SYSTEM, what="file withdrawn", assay=file.assay,
            key=file.object.key, why=why,
        )  # fmt: skip
        placed = placed_key(file.object.name, version)
        keys = [file_key(file.analysis, file.identity), placed]
        deletes = [self._table.delete_write(key) for key in keys]
        self._table.transact([*deletes, update, self._table.put_write(event)])

    def forget_empty(self, analysis: Analysis, why: str, now: datetime) -> None:
        """Removes an analysis that has neither files nor runs; its audit trail stays."""
        delete = self._table.delete_write(
            analysis_key(analysis.id), ("generation", "=", analysis.generation)
        )
        event = event_item(
            events_of(analysis.sample), now, "forget", who=SYSTEM, what="analysis removed",
            assay=analysis.assay, why=why,
        )  # fmt: skip
        self._table.transact([delete, self._table.put_write(event)])

    def forget_upload(self, placed: Placed) -> None:
        """Lets an object version be looked at anew."""
        key = placed_key(placed.object, placed.version_id)
        self._table.transact([self._table.delete_write(key)])

    def _placed_write(self, placed: Placed) -> Write:
        return self._table.put_write(placed_item(placed), ("pk", "absent", None))
