"""What is rebound in moto's DynamoDB, and why. Each has a test that shows stock moto's fault.

| rebound | stock moto |
|---|---|
| `Table.query` | reads, sorts and filters the whole table |
| `DynamoDBBackend.transact_write_items` | copies each table for every operation |
| `DynamoDBBackend.update_item` | changes items in place: a failing update leaves half of itself |
| `Table.put_item`, `Table.delete_item` | keep no index |
| `DynamoHandler.call_action` | checks a condition and writes without a lock between threads |
| `BaseJSONSerializer._serialize_type_structure` | tries ten members for each attribute value |
| `Item.project` | turns the whole item into Python and back, once for each attribute of an index |
| `DepthFirstTraverser.traverse_node_recursively` | works its types out at each node, ten times |
| `UpdateExpressionParser.make` | parses a text once more for each check of it |
| `Node.__deepcopy__` | copies a tree by pickle's protocol, two fifths of an update |
| `Item.__init__` | measures the item once more for each of its attributes |
| `DynamoType.size`, `responses.dynamo_to_dict` | try all types that a value might be of |
| `Item.__new__` | holds every item that ever was, and every copy that a Query makes |
"""

import copy
import inspect
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from threading import RLock
from typing import Any

from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb import models, responses
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing.ast_nodes import DepthFirstTraverser, Node
from moto.dynamodb.parsing.expressions import UpdateExpressionParser
from moto.dynamodb.responses import DynamoHandler

from local.dynamodb.answers import plain, serialize_structure, stock_structure
from local.dynamodb.expressions import copy_of_node, make, traverse
from local.dynamodb.indexes import forget_indexes, reindex
from local.dynamodb.query import narrow
from local.dynamodb.sizes import make_item, size

# One lock for all tables: under the interpreter's own lock a finer one would gain nothing.
lock = RLock()

_put_item = Table.put_item
_delete_item = Table.delete_item
_query = Table.query
_query_signature = inspect.signature(Table.query)
_update_item = DynamoDBBackend.update_item
_project = Item.project
_traverse = DepthFirstTraverser.traverse_node_recursively


@dataclass
class _Journal:
    """What a transaction wrote: enough to take it back. Only the lock's holder has one."""

    writes: list[tuple[Table, Item, Item | None]] = field(default_factory=list)
    streamed: dict[str, tuple[Table, int]] = field(default_factory=dict)


_journals: list[_Journal] = []


def _locked(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with lock:
            return function(*args, **kwargs)

    return call


def _stored(table: Table, attrs: dict[str, Any]) -> Item | None:
    """The item under the key in these attributes, if there is one and the key is a whole one."""
    names = {table.hash_key_attr: table.hash_key_type, table.range_key_attr: table.range_key_type}
    names.pop(None, None)
    if not all(name in attrs and kind in attrs[name] for name, kind in names.items()):
        return None
    keys = [DynamoType(attrs[name]) for name in names]
    stored = table.items.get(keys[0])
    return stored.get(keys[1]) if stored is not None and table.has_range_key else stored


def _key(item: Item, table: Table) -> dict[str, dict[str, Any]]:
    key = {table.hash_key_attr: item.hash_key.to_json()}
    if table.range_key_attr:
        key[table.range_key_attr] = item.range_key.to_json()
    return key


def _place(table: Table, item: Item) -> None:
    if table.has_range_key:
        table.items[item.hash_key][item.range_key] = item
    else:
        table.items[item.hash_key] = item


def _remove(table: Table, item: Item) -> None:
    if table.has_range_key:
        del table.items[item.hash_key][item.range_key]
    else:
        del table.items[item.hash_key]


def _changed(table: Table, before: Item | None, after: Item | None) -> None:
    """Brings the indexes up to date, and notes the change for an undo."""
    reindex(table, before, after)
    if _journals:
        _journals[-1].writes.append((table, before or after, before))


def _restore(table: Table, key: dict[str, Any], before: Item | None) -> None:
    """Puts the item back that was under this key, or nothing if nothing was."""
    current = _stored(table, key)
    if current is before:
        return
    reindex(table, current, before)
    if before is not None:
        _place(table, before)
    elif current is not None:
        _remove(table, current)


def put_item(table: Table, item_attrs: dict[str, Any], *args: Any, **kwargs: Any) -> Item:
    """Stock put_item, with the indexes kept; equal attribute names share one string."""
    before = _stored(table, item_attrs)
    attrs = {sys.intern(name): value for name, value in item_attrs.items()}
    item = _put_item(table, attrs, *args, **kwargs)
    _changed(table, before, item)
    return item


def delete_item(table: Table, hash_key: DynamoType, range_key: DynamoType | None) -> Item | None:
    """Stock delete_item, with the indexes kept."""
    item = _delete_item(table, hash_key, range_key)
    if item is not None:
        _changed(table, item, None)
    return item


def query(*args: Any, **kwargs: Any) -> Any:
    """Stock query, on the items that it has to see."""
    asked = _query_signature.bind(*args, **kwargs)
    asked.apply_defaults()
    table, *others = asked.args
    return _query(narrow(table, asked.arguments), *others, **asked.kwargs)


def update_item(
    backend: DynamoDBBackend, table_name: str, key: dict[str, Any], *args: Any, **kwargs: Any
) -> Item:
    """Stock update_item, on a copy that takes the item's place only if all went well."""
    table = backend.get_table(table_name)
    before = _stored(table, key)
    if before is not None:
        _place(table, copy.deepcopy(before))
    try:
        after = _update_item(backend, table_name, key, *args, **kwargs)
    except Exception:
        _restore(table, key, before)
        raise
    # A new item was put by moto with its keys alone, indexed so, and then filled in place.
    reindex(table, after if before is None else before, None)
    _changed(table, before, after)
    return after


def transact_write_items(backend: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
    """Stock transact_write_items, with an undo log in place of a copy of each table."""
    _journals.append(_Journal())
    try:
        _transact_without_copies(backend, transact_items)
    except Exception:
        _roll_back(_journals[-1])
        raise
    finally:
        _journals.pop()


def _savepoint(table: Table) -> Table:
    """Stands in for the deep copy: notes how far the stream is, and gives the table itself."""
    if table.stream_shard is not None:
        _journals[-1].streamed.setdefault(table.name, (table, len(table.stream_shard.items)))
    return table


def _roll_back(journal: _Journal) -> None:
    for table, item, before in reversed(journal.writes):
        _restore(table, _key(item, table), before)
    for table, length in journal.streamed.values():
        del table.stream_shard.items[length:]


# The same code, in a module where `copy.deepcopy` is the savepoint.
_transact_without_copies = types.FunctionType(
    DynamoDBBackend.transact_write_items.__code__,
    {**vars(models), "copy": types.SimpleNamespace(deepcopy=_savepoint)},
)


def project(item: Item, paths: list[list[str]]) -> Item:
    """Stock project, but whole attributes are taken as they are. The item is not to be changed."""
    if any(len(path) > 1 or "[" in path[0] for path in paths):
        return _project(item, paths)
    projected = Item(item.hash_key, item.range_key, {})
    # dict's own update: moto's would measure the item anew for each attribute.
    there = {path[0]: item.attrs[path[0]] for path in paths if path[0] in item.attrs}
    dict.update(projected.attrs, there)
    return projected


def new_item(cls: type, *_args: Any, **_kwargs: Any) -> Any:
    """An Item that moto does not note for disposal at a reset: it has nothing to dispose of."""
    return object.__new__(cls)


_STOCK: list[tuple[Any, str, Any]] = [
    (Table, "put_item", _put_item),
    (Table, "delete_item", _delete_item),
    (Table, "query", _query),
    (Item, "project", _project),
    (Item, "__init__", Item.__init__),
    (DynamoType, "size", DynamoType.size),
    (responses, "dynamo_to_dict", responses.dynamo_to_dict),
    (DepthFirstTraverser, "traverse_node_recursively", _traverse),
    (DynamoDBBackend, "update_item", _update_item),
    (DynamoDBBackend, "transact_write_items", DynamoDBBackend.transact_write_items),
    (DynamoHandler, "call_action", DynamoHandler.call_action),
    (UpdateExpressionParser, "make", vars(UpdateExpressionParser)["make"]),
    (BaseJSONSerializer, "_serialize_type_structure", stock_structure),
]
_ADDED: list[tuple[type, str, Any]] = [
    (Item, "__new__", staticmethod(new_item)),
    (Node, "__deepcopy__", copy_of_node),
]
_OURS: dict[str, Any] = {
    "put_item": _locked(put_item),
    "delete_item": _locked(delete_item),
    "query": _locked(query),
    "project": project,
    "__init__": make_item,
    "size": size,
    "dynamo_to_dict": plain,
    "traverse_node_recursively": traverse,
    "update_item": _locked(update_item),
    "transact_write_items": _locked(transact_write_items),
    "call_action": _locked(DynamoHandler.call_action),
    "make": classmethod(make),
    "_serialize_type_structure": serialize_structure,
}


def install() -> None:
    """Patches moto in this process; doing it twice is doing it once."""
    with lock:
        for owner, name, _ in _STOCK:
            setattr(owner, name, _OURS[name])
        for owner, name, ours in _ADDED:
            setattr(owner, name, ours)


def uninstall() -> None:
    """Gives moto its own functions back; the tables keep their items."""
    with lock:
        for owner, name, stock in _STOCK:
            setattr(owner, name, stock)
        for owner, name, _ in _ADDED:
            if name in vars(owner):
                delattr(owner, name)
        forget_indexes()


@contextmanager
def patched() -> Iterator[None]:
    """The patches for as long as the block lasts."""
    install()
    try:
        yield
    finally:
        uninstall()
