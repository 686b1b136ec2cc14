"""Attribute values in moto: measured and turned into plain data by their kind alone.

moto asks each value for all the kinds that it might be of, and measures an item once for each of
its attributes when it is put, and twice when it is read.
"""

import base64
from typing import Any

from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.utilities import dynamo_to_dict as stock_plain

_MOST_BYTES = 405_000
"""moto's own limit for an item."""
_AS_THEY_ARE = frozenset({"S", "N", "BOOL", "NULL", "SS", "NS"})


def size(value: DynamoType) -> int:
    """Stock size, in bytes."""
    content = value.value
    match value.type:
        case "S" | "B":
            return _bytes(content)
        case "N":
            return len(str(content))
        case "L":
            return sum(map(size, content))
        case "M":
            return sum(_bytes(name) + size(member) for name, member in content.items())
        case "SS" | "NS" | "BS":
            return sum(map(_bytes, content))
        case _:
            return 1


def _bytes(text: str | bytes) -> int:
    if isinstance(text, str) and not text.isascii():
        return len(text.encode())
    return len(text)


def make_item(
    item: Item, hash_key: DynamoType, range_key: DynamoType | None, attrs: dict[str, Any]
) -> None:
    """Stock initialisation of an item, measured once. Raises moto's ItemSizeTooLarge."""
    item.hash_key, item.range_key = hash_key, range_key
    item.attrs = LimitedSizeDict()
    # dict's own update: moto's would measure the item anew for each attribute.
    dict.update(item.attrs, {name: DynamoType(value) for name, value in attrs.items()})
    if item.size() > _MOST_BYTES:
        raise ItemSizeTooLarge


def plain(value: Any) -> Any:
    """Stock ``dynamo_to_dict``: what is made of attribute values as an answer has it."""
    kind = value.__class__
    if kind is DynamoType:
        return _plain_attribute(value.type, value.value)
    if kind is dict or kind is LimitedSizeDict:
        return {name: plain(member) for name, member in value.items()}
    if kind is list:
        return [plain(member) for member in value]
    return value if kind is str or kind is int else stock_plain(value)


def _plain_attribute(kind: str, content: Any) -> dict[str, Any]:
    if kind in _AS_THEY_ARE:
        return {kind: content}
    if kind == "B":
        return {kind: _raw(content)}
    if kind == "BS":
        return {kind: list(map(_raw, content))}
    return {kind: plain(content)}


def _raw(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else base64.b64decode(content)
