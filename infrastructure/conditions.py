"""A template under given parameters: what its conditions leave out, and what its `Fn::If` choose.

moto decides conditions too, but leaves a null in a list where `AWS::NoValue` was chosen, and asks
after attributes of resources that are made beside the stack whatever their conditions say.
"""

from collections.abc import Mapping
from typing import Any

Body = dict[str, Any]
_NOTHING = {"Ref": "AWS::NoValue"}


def resolve_conditions(body: Body, parameters: Mapping[str, str]) -> Body:
    """The same template without conditions: only what is made under these parameters."""
    values = {n: str(p.get("Default", "")) for n, p in body.get("Parameters", {}).items()}
    choice = _Choice(body.get("Conditions", {}), {**values, **parameters})
    # Rules are for CloudFormation, and speak of parameters alone.
    kept = {name: part for name, part in body.items() if name not in {"Conditions", "Rules"}}
    for section in ("Resources", "Outputs"):
        kept[section] = {
            name: choice.resolved({k: v for k, v in one.items() if k != "Condition"})
            for name, one in body.get(section, {}).items()
            if "Condition" not in one or choice.holds({"Condition": one["Condition"]})
        }
    return kept


def broken_rules(body: Body, parameters: Mapping[str, str]) -> list[str]:
    """What a template's rules have against these parameters, in the rules' own words."""
    values = {n: str(p.get("Default", "")) for n, p in body.get("Parameters", {}).items()}
    choice = _Choice({}, {**values, **parameters})
    return [
        str(assertion["AssertDescription"])
        for rule in body.get("Rules", {}).values()
        if choice.holds(rule["RuleCondition"])
        for assertion in rule["Assertions"]
        if not choice.holds(assertion["Assert"])
    ]


class _Choice:
    """Conditions by name, and the parameters that they ask after."""

    def __init__(self, conditions: Mapping[str, Any], values: Mapping[str, str]) -> None:
        self._conditions = conditions
        self._values = values

    def holds(self, condition: Any) -> bool:
        """Whether a condition is true; KeyError for a function that conditions may not use."""
        ((function, given),) = condition.items()
        match function:
            case "Condition":
                return self.holds(self._conditions[given])
            case "Fn::Equals":
                return self._value(given[0]) == self._value(given[1])
            case "Fn::Not":
                return not self.holds(given[0])
            case "Fn::And":
                return all(self.holds(each) for each in given)
            case "Fn::Or":
                return any(self.holds(each) for each in given)
        raise KeyError(function)

    def _value(self, given: Any) -> str:
        return self._values[given["Ref"]] if isinstance(given, dict) else str(given)

    def resolved(self, value: Any) -> Any:
        """A value with every choice made; what was chosen to be nothing is not there."""
        if isinstance(value, list):
            found = [self.resolved(each) for each in value]
            return [each for each in found if each != _NOTHING]
        if not isinstance(value, dict):
            return value
        if value.keys() == {"Fn::If"}:
            condition, then, otherwise = value["Fn::If"]
            return self.resolved(then if self.holds({"Condition": condition}) else otherwise)
        if value == _NOTHING:
            return value
        found_items = {name: self.resolved(each) for name, each in value.items()}
        return {name: each for name, each in found_items.items() if each != _NOTHING}
