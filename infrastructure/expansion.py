"""CloudFormation's language extensions, as far as the template uses them.

SAM, moto and scanners get the template without its loops, and so does CloudFormation: see the
decision of 2026-11-28 on loops. The syntax and its rules are those of the `AWS::LanguageExtensions`
transform: a loop stands for its fragment once for each item, with the item in place of `${Item}`
and `Ref: Item`; and what is known beforehand (a lookup in `Mappings` by fixed keys, and whatever is
joined of that, and conditions on it) is written out.

One function is our own: ``Fn::FileText: PATH`` stands for the text of a file of the project. So
what hosts run is a file that can be checked and tested, and is deployed with the template itself.

``python -m infrastructure.expansion TEMPLATE EXPANDED`` writes one file from the other.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from infrastructure.decided import decide

TRANSFORM = "AWS::LanguageExtensions"
_LOOP = "Fn::ForEach::"
_FILE = "Fn::FileText"
_PROJECT = Path(__file__).resolve().parents[1]
_VARIABLE = re.compile(r"\$\{([A-Za-z0-9]+)\}")
_SECTIONS = ("Conditions", "Resources", "Outputs")
"""Where CloudFormation takes loops; Mappings, Parameters and Rules take none."""


def expand(source: Mapping[str, Any]) -> dict[str, Any]:
    """The same template without loops. ValueError names a loop or a lookup that can't be."""
    source = _with_files(source)
    mappings = _known(source.get("Mappings", {}), {})
    expanded = dict(source)
    for section in [name for name in _SECTIONS if name in source]:
        expanded[section] = _known(_unrolled(source[section]), mappings)
    expanded = decide(expanded)
    looked_up = _looked_up_in([expanded.get(section) for section in _SECTIONS])
    if mappings:
        expanded["Mappings"] = {name: m for name, m in mappings.items() if name in looked_up}
    named = source.get("Transform", [])
    rest = [n for n in ([named] if isinstance(named, str) else named) if n != TRANSFORM]
    expanded["Transform"] = rest[0] if len(rest) == 1 else rest
    return {section: each for section, each in expanded.items() if each not in ([], {})}


def _with_files(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_files(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {_FILE}:
        return (_PROJECT / value[_FILE]).read_text("utf-8")
    return {name: _with_files(each) for name, each in value.items()}


def _looked_up_in(value: Any) -> set[str]:
    """The mappings that a part of a template still asks for."""
    if isinstance(value, list):
        return set().union(*map(_looked_up_in, value))
    if not isinstance(value, dict):
        return set()
    own = {str(value["Fn::FindInMap"][0])} if "Fn::FindInMap" in value else set()
    return own.union(*map(_looked_up_in, value.values()))


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
    if isinstance(value, str):
        return value.replace(f"${{{identifier}}}", item)
    if isinstance(value, list):
        return [_with_item(each, identifier, item) for each in value]
    if not isinstance(value, dict):
        return value
    if value == {"Ref": identifier}:
        return item
    return {
        _with_item(name, identifier, item): _with_item(each, identifier, item)
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


def main(template: Path, expanded: Path) -> None:
    """Write a template without its loops, as JSON."""
    from samtranslator.yaml_helper import yaml_parse

    source = expand(yaml_parse(template.read_text("utf-8")))
    expanded.write_text(json.dumps(source, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
