"""Analyses and their files in the catalog."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from seqdrop.aws.catalog.layout import (
    STATUS_SHARDS,
    analysis_key,
    event_item,
    file_key,
    object_pk,
    status_attributes,
    timestamp,
)
from seqdrop.aws.catalog.table import Condition, Item, Table, Write, from_item, to_item
from seqdrop.domain.errors import Conflict
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

    def get(self, sample: str, assay: str) -> Analysis | None:
        """One analysis."""
        item = self._table.get(analysis_key(sample, assay))
        return from_item(item, Analysis) if item else None

    def of_sample(self, sample: str) -> list[Analysis]:
        """The analyses of a sample, one an assay."""
        items = self._table.query(f"SAMPLE#{sample}", "ANALYSIS#")
        return [from_item(item, Analysis) for item in items]

    def partition(self, sample: str) -> list[Item]:
        """Every item of a sample but its audit trail, in one Query."""
        return list(self._table.query(f"SAMPLE#{sample}"))

    def events(self, sample: str) -> list[Item]:
        """The audit trail of a sample, oldest first."""
        return list(self._table.query(f"EVENTS#{sample}"))

    def newest(self, status: AnalysisStatus, limit: int) -> list[Analysis]:
        """The analyses of a status that changed last: one Query a shard, merged."""
        found: list[Item] = []
        for shard in range(STATUS_SHARDS):
            found += self._table.query_index("by_status", f"STATUS#{status}#{shard}", limit)
        found.sort(key=lambda item: str(item["by_status_sk"]), reverse=True)
        return [from_item(item, Analysis) for item in found[:limit]]

    def files(self, sample: str, assay: str) -> list[FastqFile]:
        """All registered files of an analysis."""
        items = self._table.query(f"SAMPLE#{sample}", f"FILE#{assay}#")
        return [from_item(item, FastqFile) for item in items]

    def file(self, sample: str, assay: str, identity: str) -> FastqFile | None:
        """The file of one identity."""
        item = self._table.get(file_key(sample, assay, identity))
        return from_item(item, FastqFile) if item else None

    def uploads(self, bucket: str, key: str) -> tuple[list[Placed], ExpectedFile | None]:
        """What became of each version of an object, and where a manifest puts it."""
        placed, expected = [], None
        for item in self._table.query(object_pk(bucket, key)):
            if item["sk"] == "EXPECTED":
                expected = from_item(item, ExpectedFile)
            else:
                placed.append(from_item(item, Placed))
        return placed, expected

    def ensure(self, sample: str, assay: str, now: datetime, **given: Any) -> None:
        """Makes the analysis where it is not there yet; otherwise changes nothing."""
        pk, sk = analysis_key(sample, assay)
        created = {"holds": {}, "generation": 0, "why": "", "created": timestamp(now)}
        status = status_attributes(sample, assay, AnalysisStatus.RECEIVING, now)
        names = {"pk": pk, "sk": sk, "sample": sample, "assay": assay}
        try:
            self._table.put({**names, **created, **status, **given}, ("pk", "absent", None))
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
        pk, sk = file_key(file.sample, file.assay, str(file.identity))
        item = {"pk": pk, "sk": sk, **to_item(file)}
        there: Condition = ("pk", "absent", None)
        if replaces:
            item["replaces"] = replaces
            there = ("registered_version", "=", replaces)
        item["registered_version"] = file.object.version_id or file.etag
        sets = status_attributes(file.sample, file.assay, AnalysisStatus.RECEIVING, now)
        if file.named_lane:
            sets["lane_split"] = True
        update = self._table.update_write(
            analysis_key(file.sample, file.assay),
            sets={**sets, "last_file": timestamp(now)},
            adds={**_INPUTS_CHANGED, "files_seen": {file.seen_entry}},
            removes=[
                ("holds", name) for name in ((cause,) if lifts_hold else ()) + _MENDED_BY_FILES
            ],
            conditions=[("pk", "present", None)],
        )
        event = event_item(
            file.sample, now, cause, who=SYSTEM, what="file replaced" if replaces else "file",
            assay=file.assay, identity=str(file.identity), key=file.object.key,
            version=file.object.version_id, checksum=file.object.checksum,
        )  # fmt: skip
        writes = [self._table.put_write(item, there), update, self._placed_write(placed)]
        self._table.transact([*writes, self._table.put_write(event)])

    def hold(
        self, sample: str, assay: str, cause: str, why: str, now: datetime, *,
        who: str = SYSTEM, placed: Placed | None = None,
    ) -> None:  # fmt: skip
        """Holds an analysis until what ``cause`` names is mended or released."""
        update = self._table.update_write(
            analysis_key(sample, assay),
            sets={
                ("holds", cause): why,
                **status_attributes(sample, assay, AnalysisStatus.HELD, now),
            },
            adds=_INPUTS_CHANGED,
            conditions=[("pk", "present", None)],
        )
        event = event_item(sample, now, cause, who=who, what="held", assay=assay, why=why)
        writes = [update, self._table.put_write(event)]
        if placed:
            writes.append(self._placed_write(placed))
        self._table.transact(writes)

    def lift_hold(self, analysis: Analysis, cause: str, now: datetime) -> None:
        """What held the analysis is mended. Raises Conflict where the analysis has changed."""
        sets = status_attributes(analysis.sample, analysis.assay, AnalysisStatus.RECEIVING, now)
        update = self._table.update_write(
            analysis_key(analysis.sample, analysis.assay),
            sets=sets,
            adds=_INPUTS_CHANGED,
            removes=[("holds", cause)],
            conditions=[("generation", "=", analysis.generation)],
        )
        event = event_item(
            analysis.sample, now, cause, who=SYSTEM, what="hold lifted", assay=analysis.assay,
            why=analysis.holds[cause],
        )  # fmt: skip
        self._table.transact([update, self._table.put_write(event)])

    def release(self, analysis: Analysis, who: str, options: RunOptions, now: datetime) -> None:
        """A person lets an analysis go on: its holds are lifted, and a run may be claimed."""
        sets = status_attributes(analysis.sample, analysis.assay, AnalysisStatus.RECEIVING, now)
        update = self._table.update_write(
            analysis_key(analysis.sample, analysis.assay),
            sets={**sets, "holds": {}, "why": "", "options": to_item(options)},
            adds=_INPUTS_CHANGED,
            conditions=[("generation", "=", analysis.generation)],
        )
        event = event_item(
            analysis.sample, now, "release", who=who, what="released",
            assay=analysis.assay, why=analysis.why, options=to_item(options),
        )  # fmt: skip
        self._table.transact([update, self._table.put_write(event)])

    def settle(self, analysis: Analysis, assessment: Assessment, now: datetime) -> None:
        """Writes an assessment's status and reason, unless the analysis has changed since."""
        if (analysis.status, analysis.why) == (assessment.status, assessment.why):
            return
        sets = status_attributes(analysis.sample, analysis.assay, assessment.status, now)
        conditions: list[Condition] = [
            ("generation", "=", analysis.generation),
            ("status", "=", analysis.status),
        ]
        try:
            self._table.update(
                analysis_key(analysis.sample, analysis.assay),
                sets={**sets, "why": assessment.why},
                conditions=conditions,
            )
        except Conflict:
            return  # whoever changed it assesses it anew

    def expect(self, files: Sequence[ExpectedFile]) -> None:
        """Remembers where a manifest puts each object, whether it is there yet or not."""
        for file in files:
            item = {"pk": object_pk(file.bucket, file.key), "sk": "EXPECTED", **to_item(file)}
            self._table.put(item)

    def unexpect(self, file: ExpectedFile, now: datetime) -> None:
        """An analysis waits for a file no more: a manifest has put it elsewhere."""
        status = status_attributes(file.sample, file.assay, AnalysisStatus.RECEIVING, now)
        update = self._table.update_write(
            analysis_key(file.sample, file.assay),
            sets=status,
            adds=_INPUTS_CHANGED,
            deletes={"expected": {f"{file.bucket}/{file.key}"}},
            conditions=[("pk", "present", None)],
        )
        try:
            self._table.transact([update])
        except Conflict:
            return  # there is no such analysis any more

    def forget_expected(self, file: ExpectedFile) -> None:
        """No manifest says any more where an object belongs."""
        key = (object_pk(file.bucket, file.key), "EXPECTED")
        self._table.transact([self._table.delete_write(key)])

    def apply_manifest(
        self, entry: SampleEntry, assay: str, files: Sequence[ExpectedFile], *, manifest: str,
        saying: str, cause: str, now: datetime, lifts: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """Sets what a manifest says of an analysis; ``lifts`` are holds that it answers."""
        chosen = {
            name: getattr(entry, name)
            for name in ("project", "priority", "pipeline", "reference", "reference_version", "sex")
            if getattr(entry, name)
        }
        expected = {f"{file.bucket}/{file.key}" for file in files}
        update = self._table.update_write(
            analysis_key(entry.sample, assay),
            sets={
                **status_attributes(entry.sample, assay, AnalysisStatus.RECEIVING, now),
                **chosen, "expected": expected, "manifest": manifest, "saying": saying,
                "last_file": timestamp(now),
            },
            adds=_INPUTS_CHANGED,
            removes=[("holds", name) for name in ("assay", "claim", *lifts)],
            conditions=[("pk", "present", None)],
        )  # fmt: skip
        event = event_item(
            entry.sample, now, cause, who=SYSTEM, what="manifest", assay=assay, manifest=manifest
        )
        self._table.transact([update, self._table.put_write(event)])

    def withdraw(self, file: FastqFile, why: str, cause: str, now: datetime) -> None:
        """Takes a file out of an analysis where its name had put it: a manifest knows better."""
        update = self._table.update_write(
            analysis_key(file.sample, file.assay),
            sets=status_attributes(file.sample, file.assay, AnalysisStatus.RECEIVING, now),
            adds=_INPUTS_CHANGED,
            deletes={"files_seen": {file.seen_entry}},
            conditions=[("pk", "present", None)],
        )
        version = file.object.version_id or file.etag
        event = event_item(
            file.sample, now, cause, who=SYSTEM, what="file withdrawn", assay=file.assay,
            key=file.object.key, why=why,
        )  # fmt: skip
        placed = (object_pk(file.object.bucket, file.object.key), f"VERSION#{version}")
        keys = [file_key(file.sample, file.assay, str(file.identity)), placed]
        deletes = [self._table.delete_write(key) for key in keys]
        self._table.transact([*deletes, update, self._table.put_write(event)])

    def forget_empty(self, analysis: Analysis, why: str, now: datetime) -> None:
        """Removes an analysis that has neither files nor runs; its audit trail stays."""
        delete = self._table.delete_write(
            analysis_key(analysis.sample, analysis.assay), ("generation", "=", analysis.generation)
        )
        event = event_item(
            analysis.sample, now, "forget", who=SYSTEM, what="analysis removed",
            assay=analysis.assay, why=why,
        )  # fmt: skip
        self._table.transact([delete, self._table.put_write(event)])

    def forget_upload(self, placed: Placed) -> None:
        """Lets an object version be looked at anew."""
        key = (object_pk(placed.bucket, placed.key), f"VERSION#{placed.version_id}")
        self._table.transact([self._table.delete_write(key)])

    def _placed_write(self, placed: Placed) -> Write:
        pk, sk = object_pk(placed.bucket, placed.key), f"VERSION#{placed.version_id}"
        return self._table.put_write(
            {"pk": pk, "sk": sk, **to_item(placed)}, ("pk", "absent", None)
        )
