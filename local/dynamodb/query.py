"""Which items a Query has to see: one partition, from its start key to the end of one page.

moto's own `Table.query` still answers (it sorts, checks, pages and projects), on these few items
in place of the table.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import RESULT_SIZE_LIMIT, Table

from local.dynamodb.indexes import Value, index_of, key_of, value_of

Reaches = Callable[[Value, list[Value]], bool]
# For each comparison: has the range begun at this value, and has it been left?
_RANGES: dict[str, tuple[Reaches, Reaches]] = {
    "=": (lambda value, to: value >= to[0], lambda value, to: value > to[0]),
    "<": (lambda _value, _to: True, lambda value, to: value >= to[0]),
    "<=": (lambda _value, _to: True, lambda value, to: value > to[0]),
    ">": (lambda value, to: value > to[0], lambda _value, _to: False),
    ">=": (lambda value, to: value >= to[0], lambda _value, _to: False),
    "BETWEEN": (lambda value, to: value >= to[0], lambda value, to: value > to[1]),
    "BEGINS_WITH": (
        lambda value, to: value >= to[0],
        lambda value, to: value > to[0] and not _begins(value, to[0]),
    ),
}


def _begins(value: Value, prefix: Value) -> bool:
    return value[0] == prefix[0] and bool(value[1].startswith(prefix[1]))


@dataclass(frozen=True)
class Partition:
    """A partition's items in order, and the attributes that order them."""

    items: Sequence[Item]
    sort_names: list[str]


class Narrowed:
    """A table that shows a few of its items and is itself in all else."""

    def __init__(self, table: Table, items: list[Item]) -> None:
        self._table = table
        self._items = items

    def all_items(self) -> list[Item]:
        """The items that the query has to see."""
        return self._items

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)


def narrow(table: Table, asked: dict[str, Any]) -> Narrowed:
    """The table as a query with these arguments of moto's `Table.query` has to see it."""
    partition = _partition(table, asked)
    if asked["filter_kwargs"] or len(asked["range_key_conditions"] or ()) > 1:
        return Narrowed(table, list(partition.items))
    return Narrowed(table, _page(partition, asked))


def _partition(table: Table, asked: dict[str, Any]) -> Partition:
    if asked["index_name"]:
        return _index_partition(table, asked)
    stored = table.items.get(asked["hash_key"])
    if stored is None:
        return Partition([], [])
    if not table.has_range_key:
        return Partition([stored], [])
    name = table.range_key_attr
    items = sorted(stored.values(), key=lambda item: value_of(item.range_key))
    return Partition(items, [name])


def _index_partition(table: Table, asked: dict[str, Any]) -> Partition:
    index = next((i for i in table.all_indexes() if i.name == asked["index_name"]), None)
    if index is None:
        # moto has the right error for this.
        return Partition([], [])
    found = index_of(table, index)
    values = dict(asked["hash_key_conditions"] or [])
    return Partition(found.partition(values), found.sort_names)


def _page(partition: Partition, asked: dict[str, Any]) -> list[Item]:
    """The items of one page, and the one after it: by that one moto knows that there is more."""
    low, high = _range(partition, asked["range_comparison"], asked["range_objs"])
    forward = bool(asked["scan_index_forward"])
    start = _start_key(partition, asked["exclusive_start_key"])
    if start is not None and forward:
        low = max(low, bisect_right(partition.items, start, key=_sort_key(partition)))
    elif start is not None:
        high = min(high, bisect_left(partition.items, start, key=_sort_key(partition)))
    steps = range(low, high) if forward else range(high - 1, low - 1, -1)
    page: list[Item] = []
    page_bytes = 0
    for at in steps:
        page.append(partition.items[at])
        page_bytes += page[-1].size()
        if len(page) - 1 == asked["limit"] or page_bytes > RESULT_SIZE_LIMIT:
            return page
    beyond = high if forward else low - 1
    if 0 <= beyond < len(partition.items):
        page.append(partition.items[beyond])
    return page


def _range(partition: Partition, comparison: str | None, to: list[DynamoType]) -> tuple[int, int]:
    """Where the sort key's condition begins and ends; all, where moto has to look at each."""
    items = partition.items
    if comparison not in _RANGES or not partition.sort_names:
        return 0, len(items)
    begun, left = _RANGES[comparison]
    bounds = [value_of(bound) for bound in to]
    name = partition.sort_names[0]
    low = bisect_left(items, True, key=lambda item: begun(value_of(item.attrs[name]), bounds))
    high = bisect_left(
        items, True, lo=low, key=lambda item: left(value_of(item.attrs[name]), bounds)
    )
    return low, high


def _start_key(partition: Partition, start: dict[str, Any] | None) -> tuple[Value, ...] | None:
    """The start key in the partition's order; None where there is none, or not a whole one."""
    if not start or not all(name in start for name in partition.sort_names):
        return None
    return tuple(value_of(DynamoType(start[name])) for name in partition.sort_names)


def _sort_key(partition: Partition) -> Callable[[Item], tuple[Value, ...]]:
    return lambda item: key_of(item, partition.sort_names)
