"""Validation records in the catalog, and the versions of assays that have passed."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from seqdrop.aws.catalog.layout import (
    event_item,
    events_of_assay,
    passed_key,
    passed_versions,
    timestamp,
    validation_key,
    validations_of,
)
from seqdrop.aws.catalog.table import Condition, Table, Write, from_item
from seqdrop.domain.errors import Conflict
from seqdrop.domain.validation.record import Passed, Record


class Validations:
    """A record is written once; what has passed follows from the records that count."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, assay: str, record: str) -> Record | None:
        """One record."""
        item = self._table.get(validation_key(assay, record))
        return from_item(item, Record) if item else None

    def of(self, assay: str) -> Iterator[Record]:
        """All records of an assay, in no order."""
        for item in self._table.query(*validations_of(assay)):
            yield from_item(item, Record)

    def passed(self, assay: str) -> list[Passed]:
        """The versions that have passed, the one of the newest run last."""
        found = [from_item(item, Passed) for item in self._table.query(*passed_versions(assay))]
        return sorted(found, key=lambda one: one.ended)

    def add(self, record: Record, now: datetime) -> Record:
        """Writes a record; the one that is there already, where it was written before."""
        stamped = msgspec.structs.replace(record, recorded=timestamp(now))
        pk, sk = validation_key(record.assay, record.id)
        item = {"pk": pk, "sk": sk, **msgspec.to_builtins(stamped)}
        writes = [self._table.put_write(item, ("pk", "absent", None))]
        if stamped.has_passed:
            writes.append(self._passed_write(stamped))
        said = f"{record.run} {record.outcome}"
        writes.append(self._event(record, now, record.by, "validated", said))
        try:
            self._table.transact(writes)
        except Conflict:
            there = self.get(record.assay, record.id)
            if there is None:
                raise
            return there
        return stamped

    def withdraw(self, record: Record, who: str, why: str, now: datetime) -> Record:
        """Lets a record count no more; its version has passed by another one, or not at all.

        Raises Conflict where it was withdrawn before, or another record was written meanwhile.
        """
        after = msgspec.structs.replace(
            record, withdrawn=timestamp(now), withdrawn_by=who, withdrawn_why=why
        )
        update = self._table.update_write(
            validation_key(record.assay, record.id),
            sets={"withdrawn": after.withdrawn, "withdrawn_by": who, "withdrawn_why": why},
            conditions=[("withdrawn", "absent", None)],
        )
        writes = [update, self._event(record, now, who, "validation withdrawn", why)]
        key = passed_key(record.assay, record.version)
        item = self._table.get(key)
        if item and item["record"] == record.id:
            writes += self._passed_without(record)
        else:  # another one, which must not be withdrawn in favour of this one meanwhile
            by = item["record"] if item else None
            writes.append(self._table.check_write(key, ("record", "=" if by else "absent", by)))
        self._table.transact(writes)
        return after

    def _passed_without(self, withdrawn: Record) -> list[Write]:
        """By what its version has passed without a record, if by anything."""
        key = passed_key(withdrawn.assay, withdrawn.version)
        is_by_it: Condition = ("record", "=", withdrawn.id)
        others = [
            one
            for one in self.of(withdrawn.assay)
            if one.has_passed and one.version == withdrawn.version and one.id != withdrawn.id
        ]
        if not others:
            return [self._table.delete_write(key, is_by_it)]
        last = max(others, key=lambda one: one.recorded)
        counts = self._table.check_write(
            validation_key(last.assay, last.id), ("withdrawn", "absent", None)
        )
        return [self._passed_write(last, is_by_it), counts]

    def _passed_write(self, record: Record, *conditions: Condition) -> Write:
        pk, sk = passed_key(record.assay, record.version)
        passed = Passed(record.version, record.id, record.run, record.ended)
        return self._table.put_write(
            {"pk": pk, "sk": sk, **msgspec.to_builtins(passed)}, *conditions
        )

    def _event(self, record: Record, now: datetime, who: str, what: str, why: str) -> Write:
        trail = events_of_assay(record.assay)
        event = event_item(trail, now, f"{what} {record.id}", who=who, what=what, why=why)
        return self._table.put_write(event)
