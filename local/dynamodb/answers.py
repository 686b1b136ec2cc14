"""Writing attribute values into an answer, which is most of what a read costs in moto."""

import base64
from typing import Any

from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb.models.dynamo_type import DynamoType, LimitedSizeDict
from moto.dynamodb.models.utilities import dynamo_to_dict as stock_plain

stock_structure = BaseJSONSerializer._serialize_type_structure
_AS_THEY_ARE = frozenset({"S", "N", "BOOL", "NULL", "SS", "NS"})


def serialize_structure(
    serializer: Any, serialized: dict[str, Any], value: Any, shape: Any, key: str
) -> None:
    """Stock serialisation, but an attribute value, of which DynamoDB's answers consist, at once.

    moto asks each value for all ten members that it might have, under several spellings: a page of
    a hundred items took a tenth of a second.
    """
    is_attribute = shape.name == "AttributeValue" and isinstance(value, dict)
    if is_attribute and serializer.service_model.service_name == "dynamodb":
        serialized[key] = _attribute(value)
    else:
        stock_structure(serializer, serialized, value, shape, key)


def _attribute(value: dict[str, Any]) -> dict[str, Any]:
    kind, content = next(iter(value.items()))
    match kind:
        case "B":
            return {kind: _base64(content)}
        case "BS":
            return {kind: [_base64(member) for member in content]}
        case "M":
            return {kind: {name: _attribute(member) for name, member in content.items()}}
        case "L":
            return {kind: [_attribute(member) for member in content]}
        case _:
            return {kind: content}


def _base64(content: bytes | str) -> str:
    raw = content.encode() if isinstance(content, str) else content
    return base64.b64encode(raw).decode()


def plain(value: Any) -> Any:
    """Stock ``dynamo_to_dict``, by each value's type alone: moto tries all that it might be."""
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
