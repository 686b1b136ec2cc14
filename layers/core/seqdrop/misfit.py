"""Where in a document a value is that does not fit its type.

msgspec names the way to it, but writes ``[...]`` for whichever key of a mapping with free keys.
"""

import re
from typing import Any

import msgspec

_STEP = re.compile(r"\.(?P<key>[^.\[\]`]+)|\[(?P<index>\d+)\]|(?P<any>\[\.\.\.\])")
_UNKNOWN = re.compile(r"unknown field `(.+?)`")


def place_of(error: msgspec.ValidationError, document: object, kind: Any) -> tuple[str | int, ...]:
    """Keys and indices from the top; the last one is the key that is unknown, where one is."""
    said, _, way = str(error).partition(" - at ")
    place: tuple[str | int, ...] = ()
    for step in _STEP.finditer(way):
        if step["any"]:
            place += _key_that_fails(str(error), document, kind, place)
        else:
            place += (step["key"] if step["key"] else int(step["index"]),)
    if unknown := _UNKNOWN.search(said):
        place += (unknown[1],)
    return place


def _key_that_fails(
    message: str, document: object, kind: Any, place: tuple[str | int, ...]
) -> tuple[str, ...]:
    """The key of the mapping at a place whose entry fails in the same way by itself."""
    mapping = document
    for step in place:
        mapping = mapping[step]  # type: ignore[index]  # msgspec has just gone this way
    for key, value in mapping.items():  # type: ignore[attr-defined]  # as above
        try:
            msgspec.convert(_with(document, place, {key: value}), kind)
        except msgspec.ValidationError as error:
            if str(error) == message:
                return (str(key),)
    return ()


def _with(document: Any, place: tuple[str | int, ...], value: object) -> Any:
    """The document with another value at a place."""
    if not place:
        return value
    changed = document.copy()
    changed[place[0]] = _with(document[place[0]], place[1:], value)
    return changed
