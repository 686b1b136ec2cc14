"""Fills a table in process, for benchmarks: BatchWriteItem takes milliseconds for 25 items."""

import gc
import sys
from collections.abc import Iterable
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

from local.dynamodb.indexes import rebuild_indexes
from local.dynamodb.patches import lock


def bulk_load(
    account: str, region: str, table_name: str, items: Iterable[dict[str, dict[str, Any]]]
) -> int:
    """Puts items, in DynamoDB's JSON (`{"pk": {"S": "…"}}`), and says how many.

    An item replaces one of the same key. Nothing is validated, no stream record is written, and
    the table is locked until all are in. The table's indexes are current when it returns.
    """
    count = 0
    with lock:
        table = dynamodb_backends[account][region].get_table(table_name)
        for attrs in items:
            _store(table, attrs)
            count += 1
        rebuild_indexes(table)
    # Half a million items are some ten million objects that live as long as the process: without
    # this each full collection stops all requests for a second or more.
    gc.freeze()
    return count


def _store(table: Table, attrs: dict[str, dict[str, Any]]) -> None:
    typed = {sys.intern(name): DynamoType(value) for name, value in attrs.items()}
    hash_key = typed[table.hash_key_attr]
    range_key = typed[table.range_key_attr] if table.has_range_key else None
    item = Item(hash_key, range_key, {})
    # Past moto's own setter, which measures the whole item again for each attribute.
    dict.update(item.attrs, typed)
    if range_key is None:
        table.items[hash_key] = item
    else:
        table.items[hash_key][range_key] = item
