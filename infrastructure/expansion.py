"""CloudFormation's language extensions, as far as the template uses them.

CloudFormation and SAM's command line expand `Fn::ForEach` themselves; SAM's translator, moto and
scanners don't. The rules are those of the `AWS::LanguageExtensions` transform: a loop stands for
its fragment once for each item, `${Item}` and `Ref: Item` are the item, and whatever is known
beforehand (a lookup in `Mappings` by fixed keys, and what is joined of it) is written out.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

TRANSFORM = "AWS::LanguageExtensions"
_LOOP = "Fn::ForEach::"
_VARIABLE = re.compile(r"\$\{([A-Za-z0-9]+)\}")
_SECTIONS = ("Conditions", "Resources", "Outputs")
"""Where CloudFormation takes loops; Mappings, Parameters and Rules take none."""


def expand(source: Mapping[str, Any]) -> dict[str, Any]:
    """The same template without loops. ValueError names a loop or a lookup that can't be."""
    mappings = source.get("Mappings", {})
    expanded = dict(source)
    for section in _SECTIONS & source.keys():
        expanded[section] = _known(_unrolled(source[section]), mappings)
    named = source.get("Transform", [])
    rest = [n for n in ([named] if isinstance(named, str) else named) if n != TRANSFORM]
    expanded["Transform"] = rest[0] if len(rest) == 1 else rest
    return expanded


def _unrolled(value: Any) -> Any:
    if isinstance(value, list):
        return [_unrolled(each) for each in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for name, each in value.items():
        entries = _iterations(name, each) if name.startswith(_LOOP) else [(name, _unrolled(each))]
        for key, entry in entries:
            if key in found:
                raise ValueError(f"{name}: {key} is there already")
            found[key] = entry
    return found


def _iterations(loop: str, given: Any) -> Iterator[tuple[str, Any]]:
    """What a loop stands for; a loop within it is unrolled for each of its items."""
    match given:
        case [str(identifier), list(items), dict(fragment)]:
            for item in items:
                if not isinstance(item, str):
                    raise ValueError(f"{loop}: items are written out as text, not as {item!r}")
                yield from _unrolled(_with_item(fragment, identifier, item)).items()
        case _:
            raise ValueError(f"{loop} is to be a list of an identifier, its items and a fragment")


def _with_item(value: Any, identifier: str, item: str) -> Any:
    """A fragment with the item in its keys, in `Ref` and in `Fn::Sub`.

    CloudFormation puts it nowhere else for certain (not into the name of a condition), and a
    mistake there would be seen first by CloudFormation: so it is refused here.
    """
    placeholder = f"${{{identifier}}}"
    if isinstance(value, str) and placeholder in value:
        raise ValueError(f"{value!r}: {placeholder} is known in keys, Ref and Fn::Sub alone")
    if isinstance(value, list):
        return [_with_item(each, identifier, item) for each in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"Ref": name} if name == identifier:
            return item
        case {"Fn::Sub": str(text)}:
            return {"Fn::Sub": text.replace(placeholder, item)}
        case {"Fn::Sub": [str(text), variables]}:
            known = _with_item(variables, identifier, item)
            return {"Fn::Sub": [text.replace(placeholder, item), known]}
    return {
        name.replace(placeholder, item): _with_item(each, identifier, item)
        for name, each in value.items()
    }


def _known(value: Any, mappings: Mapping[str, Any]) -> Any:
    """A value with each function written out whose arguments are all known."""
    if isinstance(value, list):
        return [_known(each, mappings) for each in value]
    if not isinstance(value, dict):
        return value
    return _written_out({name: _known(each, mappings) for name, each in value.items()}, mappings)


def _written_out(value: dict[str, Any], mappings: Mapping[str, Any]) -> Any:
    match value:
        case {"Fn::FindInMap": [str(name), str(first), str(second)]}:
            return _looked_up(mappings, name, first, second)
        case {"Fn::Join": [str(between), list(parts)]} if _are_text(parts):
            return between.join(parts)
        case {"Fn::Sub": str(text)} if "${" not in text:
            return text
        case {"Fn::Sub": [str(text), dict(variables)]}:
            return _substituted(text, variables)
    return value


def _are_text(parts: list[Any]) -> bool:
    return all(isinstance(part, str) for part in parts)


def _looked_up(mappings: Mapping[str, Any], *keys: str) -> Any:
    value: Any = mappings
    for key in keys:
        if key not in value:
            raise ValueError(f"Mappings have no {'.'.join(keys)}")
        value = value[key]
    return value


def _substituted(text: str, variables: dict[str, Any]) -> dict[str, Any]:
    """A `Fn::Sub` that has only those variables left that its text can't say itself."""
    said = {name: written for name, value in variables.items() if (written := _in_text(value))}
    text = _VARIABLE.sub(lambda found: said.get(found[1], found[0]), text)
    rest = {name: value for name, value in variables.items() if name not in said}
    return {"Fn::Sub": [text, rest] if rest else text}


def _in_text(value: Any) -> str:
    """How the text of a `Fn::Sub` says a value; "" where it can't."""
    match value:
        case str():
            return value
        case {"Ref": str(name)}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"${{{name}.{attribute}}}"
    return ""
