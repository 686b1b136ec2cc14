"""Uploaded objects in the catalog: what became of each, and what manifests say of it."""

from datetime import datetime
from typing import TYPE_CHECKING

from seqdrop.aws.catalog.analyses import Analyses
from seqdrop.aws.catalog.layout import (
    all_of_object,
    expectation_item,
    file_item,
    file_key,
    identity_text,
    placement_item,
    read_known,
)
from seqdrop.aws.catalog.table import Condition, Table, Write, from_item
from seqdrop.domain.errors import Conflict, Overtaken
from seqdrop.domain.expectation import Expectation, Placement
from seqdrop.domain.identity import ObjectName
from seqdrop.domain.upload import object_cause

if TYPE_CHECKING:
    from seqdrop.domain.intake import Change


class Uploads:
    """Where an object is, is written only if nobody else has written it since it was looked at."""

    def __init__(self, table: Table, analyses: Analyses) -> None:
        self._table = table
        self._analyses = analyses

    def known(self, object_: ObjectName) -> tuple[Placement, list[Expectation]]:
        """What became of an object, and what each manifest says that names it: one Query."""
        return read_known(object_, self._table.query(*all_of_object(object_)))

    def apply(self, change: "Change", now: datetime) -> None:
        """Writes what was decided of an object, all or nothing.

        Raises Conflict where anything that it was decided from has changed since.
        """
        cause = object_cause(change.placement.object)
        writes = [self._placement_write(change)]
        for one in change.analyses:
            file = change.puts if change.puts and change.puts.analysis == one.id else None
            details = (
                {
                    "identity": identity_text(file.identity),
                    "key": file.object.key,
                    "version": file.object.version_id,
                    "checksum": file.object.checksum,
                }
                if file
                else {"key": change.placement.object.key}
            )
            writes += self._analyses.writes_of(one, cause, now, **details)
        writes += [self._table.delete_write(file_key(*key)) for key in change.deletes]
        if change.puts:
            writes.append(self._table.put_write(file_item(change.puts)))
        self._table.transact(writes)

    def _placement_write(self, change: "Change") -> Write:
        before, item = change.before.revision, placement_item(change.placement)
        item["revision"] = before + 1
        unchanged: Condition = ("revision", "=", before) if before else ("pk", "absent", None)
        return self._table.put_write(item, unchanged)

    def expect(self, said: Expectation) -> None:
        """Remembers what a manifest says of an object, whether that is there yet or not.

        That it names the object no longer counts over earlier versions of it alone, since another
        sample of this one may name it; that it can't be used counts over nothing that it said
        before. Raises Overtaken where a newer version of the manifest has said something.
        """
        item = expectation_item(said)
        order = said.manifest.order
        conditions: list[Condition] = [("order", "absent or <=", order)]
        if said.file is None:
            conditions = [("order", "absent or <", order)]
        if said.is_refused:
            conditions = [*conditions, ("file", "absent", None)]
        try:
            self._table.put(item, *conditions)
        except Conflict:
            there = self._table.get((item["pk"], item["sk"]))
            if there and from_item(there, Expectation).manifest.order > order:
                raise Overtaken(f"a newer version of {said.manifest.object.key!r}") from None
