"""Conditions that no parameter decides: a loop makes them of what it looks up in `Mappings`.

They are decided when the template is expanded, so that what is deployed has no trace of them.
"""

from collections.abc import Mapping
from typing import Any

Condition = dict[str, Any]
NOTHING = {"Ref": "AWS::NoValue"}


def decide(body: Mapping[str, Any]) -> dict[str, Any]:
    """The same template with every choice made that does not wait for a parameter."""
    given: Mapping[str, Condition] = body.get("Conditions", {})
    found = {name: simplified({"Condition": name}, given) for name in given}
    decided = dict(body)
    if given:
        decided["Conditions"] = {
            name: simplified(given[name], given)
            for name, simple in found.items()
            if simple == {"Condition": name}
        }
    for section in {"Resources", "Outputs"} & body.keys():
        decided[section] = {
            name: _chosen(part, found)
            for name, one in body[section].items()
            if (part := _under_its_condition(one, found)) is not None
        }
    return decided


def simplified(condition: Condition, given: Mapping[str, Condition]) -> Condition | bool:
    """A condition without what is known of it; True or False if nothing else is left."""
    ((function, arguments),) = condition.items()
    match function:
        case "Condition":
            simple = simplified(given[arguments], given)
            named = isinstance(simple, bool) or "Condition" in simple
            return simple if named else condition
        case "Fn::Equals":
            known = not any(isinstance(each, (dict, list)) for each in arguments)
            return str(arguments[0]) == str(arguments[1]) if known else condition
        case "Fn::Not":
            simple = simplified(arguments[0], given)
            return not simple if isinstance(simple, bool) else {function: [simple]}
    return _joined(function, [simplified(each, given) for each in arguments])


def _joined(function: str, parts: list[Condition | bool]) -> Condition | bool:
    """`Fn::And` of parts, which one False decides, or `Fn::Or`, which one True decides."""
    decisive = function == "Fn::Or"
    if decisive in [part for part in parts if isinstance(part, bool)]:
        return decisive
    rest = [part for part in parts if not isinstance(part, bool)]
    if not rest:
        return not decisive
    return rest[0] if len(rest) == 1 else {function: rest}


def _under_its_condition(
    part: dict[str, Any], found: Mapping[str, Condition | bool]
) -> dict[str, Any] | None:
    """A resource or output under the name of what is left of its condition; None without it."""
    if "Condition" not in part:
        return part
    simple = found.get(part["Condition"], {"Condition": part["Condition"]})
    if isinstance(simple, bool):
        rest = {name: each for name, each in part.items() if name != "Condition"}
        return rest if simple else None
    return part | simple


def _chosen(value: Any, found: Mapping[str, Condition | bool]) -> Any:
    """A value with every choice made that is known; what was chosen to be nothing is not there."""
    if isinstance(value, list):
        return [one for each in value if (one := _choice(each, found)) != NOTHING or one == each]
    if not isinstance(value, dict):
        return value
    items = {name: (each, _choice(each, found)) for name, each in value.items()}
    return {n: one for n, (each, one) in items.items() if one != NOTHING or one == each}


def _choice(value: Any, found: Mapping[str, Condition | bool]) -> Any:
    match value:
        case {"Fn::If": [str(name), then, otherwise]}:
            simple = found.get(name, {"Condition": name})
            if isinstance(simple, bool):
                return _choice(then if simple else otherwise, found)
            branches = [_choice(then, found), _choice(otherwise, found)]
            return {"Fn::If": [simple["Condition"], *branches]}
    return _chosen(value, found)
