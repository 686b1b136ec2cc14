"""YAML files that people write, without the mistakes that YAML itself takes in silence."""

import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from seqdrop.domain.errors import InvalidPipeline

if TYPE_CHECKING:
    from yaml import MappingNode, Node, SafeLoader, ScalarNode

_FLOAT = "tag:yaml.org,2002:float"


@cache
def load_yaml(path: Path) -> object:
    """What a file says.

    Raises InvalidPipeline, with file and line, where it is no YAML, where a key is given twice
    (of two YAML keeps the last), or where a number is not finite (nothing is below ``.nan``).
    """
    import yaml

    kind = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C where it can be
    try:
        loader = kind(path.read_text("utf-8"))
        node = loader.get_single_node()
        for line, problem in _problems(loader, node, "", set()) if node else ():
            raise InvalidPipeline(f"{path.name}, line {line}: {problem}")
        return loader.construct_document(node) if node else None
    except (yaml.YAMLError, ValueError) as error:  # not UTF-8, or no such date or number
        raise InvalidPipeline(f"{path.name}: {error}") from error


def _problems(
    loader: "SafeLoader", node: "Node", name: str, seen: set[int]
) -> Iterator[tuple[int, str]]:
    """Line and text of each; ``name`` is where the node stands, as ``assays.wgs.qc``."""
    from yaml import MappingNode, ScalarNode, SequenceNode

    if id(node) in seen:  # an anchor may be meant many times, and within itself
        return
    seen.add(id(node))
    if isinstance(node, MappingNode):
        yield from _keys_given_twice(node, name)
        for key, value in node.value:
            inside = f"{name}.{key.value}" if name else str(key.value)
            yield from _problems(loader, value, inside, seen)
    elif isinstance(node, SequenceNode):
        for value in node.value:
            yield from _problems(loader, value, name, seen)
    elif isinstance(node, ScalarNode) and node.tag == _FLOAT and not _is_finite(loader, node):
        yield _line(node), f"{name} is {node.value}: give a number"


def _is_finite(loader: "SafeLoader", node: "ScalarNode") -> bool:
    try:
        return math.isfinite(loader.construct_yaml_float(node))
    except ValueError:  # a person wrote !!float before it
        return False


def _keys_given_twice(node: "MappingNode", name: str) -> Iterator[tuple[int, str]]:
    lines: dict[tuple[str, str], int] = {}
    for key, _ in node.value:
        same = (key.tag, str(key.value))
        if same in lines:
            place = f" of {name}" if name else ""
            yield (
                _line(key),
                f"the key {key.value!r}{place} is given already in line {lines[same]}: keep one",
            )
        lines[same] = _line(key)


def _line(node: "Node") -> int:
    return int(node.start_mark.line) + 1
