"""Writing attribute values into an answer, which is most of what a Query costs in moto."""

import base64
from typing import Any

from moto.core.serialize import BaseJSONSerializer

stock_structure = BaseJSONSerializer._serialize_type_structure


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
