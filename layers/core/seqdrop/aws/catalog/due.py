"""What is due: analyses and jobs that are looked at since nothing was heard of them."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from seqdrop.aws.catalog.layout import (
    DUE_INDEX,
    DUE_SHARDS,
    due_attributes,
    due_shard,
    read_due,
    timestamp,
)
from seqdrop.aws.catalog.table import Item, Key, Table
from seqdrop.domain.errors import Conflict, Transient
from seqdrop.domain.records import Analysis, Job

PAGE = 100
"""What one request reads, one changes, and one asks of Batch: the limit of all three."""


class Due(msgspec.Struct, frozen=True):
    """An analysis or a job, and when it was to be looked at."""

    key: Key
    since: str
    item: Item

    def read(self) -> Analysis | Job:
        """The record itself. Raises msgspec.ValidationError where it can't be read."""
        return read_due(self.item)


class Looked(msgspec.Struct, frozen=True):
    """What was due, when it is looked at again, and when a person was told of it."""

    due: Due
    again: datetime | None
    alerted: datetime | None = None


class Dues:
    """An index of what is due: whatever ends, or is looked at, leaves it or moves in it."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def pages(self, now: datetime) -> Iterator[list[Due]]:
        """All that is due, in pages; the longest due of each shard first."""
        for shard in range(DUE_SHARDS):
            until = timestamp(now)
            pages = self._table.index_pages(DUE_INDEX, due_shard(shard), until, PAGE)
            for page in pages:
                yield self._read([(item["pk"], item["sk"]) for item in page], until)

    def _read(self, keys: Sequence[Key], until: str) -> list[Due]:
        """The items themselves: the index may be a moment behind them, and has only their keys."""
        items = (item for item in self._table.get_all(keys) if item.get("by_due_sk", "~") <= until)
        return [Due((item["pk"], item["sk"]), item["by_due_sk"], item) for item in items]

    def move(self, looks: Sequence[Looked]) -> None:
        """Writes when each of a page is looked at again, and of which a person was told.

        What has changed meanwhile keeps the time that it got by that. Raises the last fault of
        those that could not be written, after all others were.
        """
        changes = [_change(look) for look in looks]
        try:
            if changes:
                self._table.transact([self._table.update_write(**change) for change in changes])
        except (Conflict, Transient, ClientError):
            self._move_each(changes)

    def _move_each(self, changes: Sequence[dict[str, Any]]) -> None:
        fault: Exception | None = None
        for change in changes:
            try:
                with suppress(Conflict):
                    self._table.update(**change)
            except (Transient, ClientError) as error:
                fault = error
        if fault:
            raise fault


def _change(look: Looked) -> dict[str, Any]:
    told = {"alerted": timestamp(look.alerted)} if look.alerted else {}
    return {
        "key": look.due.key,
        "sets": due_attributes(look.due.key, look.again) | told,
        "conditions": [("by_due_sk", "=", look.due.since)],
    }
