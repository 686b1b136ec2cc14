"""Sizes in moto: of a value by its type alone, and of an item once when it is put.

moto asks each value for all the types that it might be of, and measures an item once for each of
its attributes.
"""

from typing import Any

from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict

_MOST_BYTES = 405_000
"""moto's own limit for an item."""


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
