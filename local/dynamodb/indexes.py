"""Secondary indexes that are kept in order, beside moto's own tables.

An index holds the table's own Item objects, eight bytes for each, so nothing is stored twice. It
relies on one rule, which the patches keep: an Item is never changed once it is in its table, it is
replaced. Indexes are built when first asked for, so tables that moto made or restored by itself
need no care.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import SecondaryIndex, Table

Value = tuple[str, Any]
Key = tuple[Value, ...]
KEY_TYPES = frozenset("SNB")


def value_of(attribute: DynamoType) -> Value:
    """Type and value: comparable with any other key attribute, whatever that one's type."""
    return attribute.type, attribute.cast_value


def key_of(item: Item, names: Iterable[str]) -> Key:
    """The values of these attributes, in this order."""
    return tuple(value_of(item.attrs[name]) for name in names)


class SortedIndex:
    """The items that carry an index's key attributes, by partition, each partition in order."""

    def __init__(self, table: Table, hash_names: list[str], range_names: list[str]) -> None:
        """Walks the table once."""
        self.hash_names = hash_names
        # moto sorts an index without a range key by the table's own.
        ranges = range_names or [table.range_key_attr or table.hash_key_attr]
        order = table._generate_attr_to_sort_by(
            [*hash_names, table.hash_key_attr], [*ranges, table.range_key_attr]
        )
        self.sort_names = [name for name in dict.fromkeys(order) if name not in hash_names]
        self._needed = [*hash_names, *range_names]
        self._partitions: dict[Key, list[Item]] = {}
        self.rebuild(table)

    def rebuild(self, table: Table) -> None:
        """Reads the whole table again: quicker than `add` for a great many items."""
        self._partitions = {}
        for item in every_item(table):
            if self._covers(item):
                self._partitions.setdefault(key_of(item, self.hash_names), []).append(item)
        for partition in self._partitions.values():
            partition.sort(key=self._sort_key)

    def add(self, item: Item) -> None:
        """Takes in an item, if it carries the index's key."""
        if self._covers(item):
            partition = self._partitions.setdefault(key_of(item, self.hash_names), [])
            at = bisect_left(partition, self._sort_key(item), key=self._sort_key)
            partition.insert(at, item)

    def discard(self, item: Item) -> None:
        """Lets go of this very object, if it is held."""
        if not self._covers(item):
            return
        hash_key = key_of(item, self.hash_names)
        partition = self._partitions.get(hash_key, [])
        at = bisect_left(partition, self._sort_key(item), key=self._sort_key)
        if at < len(partition) and partition[at] is item:
            del partition[at]
            if not partition:
                del self._partitions[hash_key]

    def partition(self, values: dict[str, DynamoType]) -> list[Item]:
        """The items of one partition, in order."""
        hash_key = tuple(value_of(values[name]) for name in self.hash_names)
        return self._partitions.get(hash_key, [])

    def _sort_key(self, item: Item) -> Key:
        return key_of(item, self.sort_names)

    def _covers(self, item: Item) -> bool:
        """DynamoDB's indexes are sparse: an item without the whole key is not in them."""
        return all(
            name in item.attrs and item.attrs[name].type in KEY_TYPES for name in self._needed
        )


_indexes: WeakKeyDictionary[Table, dict[str, SortedIndex]] = WeakKeyDictionary()


def index_of(table: Table, index: SecondaryIndex) -> SortedIndex:
    """The sorted form of one of the table's indexes."""
    hash_names = [key["AttributeName"] for key in index.schema if key["KeyType"] == "HASH"]
    range_names = [key["AttributeName"] for key in index.schema if key["KeyType"] == "RANGE"]
    built = _indexes.setdefault(table, {})
    # By key and not by name: an index that was deleted and made again may have another key.
    identity = f"{hash_names}{range_names}"
    if identity not in built:
        built[identity] = SortedIndex(table, hash_names, range_names)
    return built[identity]


def reindex(table: Table, before: Item | None, after: Item | None) -> None:
    """Replaces an item in each of the table's indexes that was built."""
    for index in _indexes.get(table, {}).values():
        if before is not None:
            index.discard(before)
        if after is not None:
            index.add(after)


def rebuild_indexes(table: Table) -> None:
    """Reads the table again, for each of its indexes that was built."""
    for index in _indexes.get(table, {}).values():
        index.rebuild(table)


def forget_indexes() -> None:
    """Drops all indexes: without the patches nothing keeps them."""
    _indexes.clear()


def every_item(table: Table) -> Iterator[Item]:
    """All items of a table, in no order."""
    for stored in table.items.values():
        if table.has_range_key:
            yield from stored.values()
        else:
            yield stored
