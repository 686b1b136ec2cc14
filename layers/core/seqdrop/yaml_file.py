"""YAML files that people write, without the mistakes that YAML itself takes in silence."""

import math
from collections.abc import Iterator, Sequence
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

    try:
        loader = _loader(path.read_text("utf-8"))
        node = loader.get_single_node()
        for line, problem in _problems(loader, node, "", set()) if node else ():
            raise InvalidPipeline(f"{path.name}, line {line}: {problem}")
        return loader.construct_document(node) if node else None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InvalidPipeline(f"{path.name}, line {line}: is not UTF-8") from error
    except yaml.MarkedYAMLError as error:
        mark, begun = error.problem_mark or error.context_mark, error.context_mark
        at = f", line {mark.line + 1}" if mark else ""
        since = f" that begins in line {begun.line + 1}" if error.context and begun else ""
        said = ", ".join(filter(None, (f"{error.context or ''}{since}", error.problem)))
        raise InvalidPipeline(f"{path.name}{at}: {said}") from error
    except yaml.YAMLError as error:
        raise InvalidPipeline(f"{path.name}: {error}") from error
    except RecursionError as error:
        raise InvalidPipeline(f"{path.name} is nested too deeply") from error


def find_line(path: Path, place: Sequence[str | int]) -> tuple[int, int]:
    """The line (from 1) that a place in a file leads to, and how many of its steps are there.

    A step is a mapping's key or a list's index. Where there is no such one, it is looked for as
    a value anywhere below, as the name of an output is; that counts, too. The file is one that
    ``load_yaml`` took.
    """
    node = _loader(path.read_text("utf-8")).get_single_node()
    line, found = _line(node) if node else 1, 0
    for step in place:
        child = _child(node, step) if node else None
        if child is None:
            return line, found
        line, node, found = *child, found + 1
    return line, found


def _child(node: "Node", step: str | int) -> "tuple[int, Node] | None":
    """Line and node of what a step leads to: a mapping's entry begins with its key."""
    from yaml import MappingNode, SequenceNode

    if isinstance(node, MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return _line(key), value
    elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        return _line(node.value[step]), node.value[step]
    return next(((_line(each), each) for each in _scalars(node) if each.value == str(step)), None)


def _scalars(node: "Node") -> "Iterator[ScalarNode]":
    from yaml import MappingNode, ScalarNode, SequenceNode

    if isinstance(node, ScalarNode):
        yield node
    elif isinstance(node, MappingNode):
        for pair in node.value:
            for each in pair:
                yield from _scalars(each)
    elif isinstance(node, SequenceNode):
        for each in node.value:
            yield from _scalars(each)


def _loader(text: str) -> "SafeLoader":
    import yaml

    loader: SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(
        text
    )  # written in C, where PyYAML has it
    return loader


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
    elif isinstance(node, ScalarNode):
        yield from _no_value(loader, node, name)


def _no_value(loader: "SafeLoader", node: "ScalarNode", name: str) -> Iterator[tuple[int, str]]:
    if node.tag == _FLOAT:
        if not _is_finite(loader, node):
            yield _line(node), f"{name} is {node.value}: give a number"
        return
    try:
        loader.construct_object(node)
    except ValueError as error:  # a day that does not exist, or no number after !!int
        yield _line(node), f"{name} is {node.value}: {error}"
    except (LookupError, AttributeError):  # as PyYAML ends over !!bool maybe
        kind = node.tag.rpartition(":")[2]
        yield _line(node), f"{name} is {node.value}, which is no {kind}"


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
