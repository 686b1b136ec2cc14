"""The template as it is deployed: read, and transformed as SAM does."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from samtranslator.yaml_helper import yaml_parse

from infrastructure import transform
from infrastructure.conditions import resolve_conditions
from infrastructure.expansion import expand

PROJECT = Path(__file__).resolve().parents[2]
TEMPLATE = PROJECT / "template.yaml"
MACHINES = {
    path.name.partition(".")[0]: path for path in sorted(PROJECT.glob("statemachine/*.asl.yaml"))
}
"""The state machines by the names of their files."""
_SUBSTITUTED = re.compile(r"\$\{([A-Za-z0-9]+)(?:\.[A-Za-z0-9.]+)?\}")

Resource = dict[str, Any]


@cache
def source() -> dict[str, Any]:
    """The template as SAM gets it: without loops, its short functions in their long form."""
    return expand(yaml_parse(TEMPLATE.read_text("utf-8")))


@cache
def transformed() -> dict[str, Any]:
    """The template after SAM's transform."""
    return transform.transformed(TEMPLATE.read_text("utf-8"), "us-east-1")


def deployed() -> dict[str, Resource]:
    """All resources after SAM's transform, whatever their conditions."""
    resources: dict[str, Resource] = transformed()["Resources"]
    return resources


def made(**parameters: str) -> dict[str, Resource]:
    """The resources that a stack has under these parameters, every choice made."""
    resources: dict[str, Resource] = resolve_conditions(transformed(), parameters)["Resources"]
    return resources


def made_of_type(kind: str, **parameters: str) -> dict[str, Resource]:
    """Properties of the resources of a type that a stack has under these parameters."""
    return {n: r["Properties"] for n, r in made(**parameters).items() if r["Type"] == kind}


def of_type(kind: str) -> dict[str, Resource]:
    """Properties of the template's resources of a type, by logical id."""
    resources = source()["Resources"].items()
    return {name: r.get("Properties", {}) for name, r in resources if r["Type"] == kind}


def functions() -> dict[str, Resource]:
    """Properties of all functions."""
    return of_type("AWS::Serverless::Function")


def timeout_of(function: Resource) -> int:
    """A function's timeout in seconds."""
    return int(function.get("Timeout", source()["Globals"]["Function"]["Timeout"]))


def refers_to(value: Any) -> set[str]:
    """The logical ids that a value needs, in Ref, GetAtt, Sub and DependsOn."""
    if isinstance(value, dict):
        found = set()
        if "Ref" in value:
            found.add(value["Ref"])
        if "Fn::GetAtt" in value:
            attribute = value["Fn::GetAtt"]
            found.add(attribute.split(".")[0] if isinstance(attribute, str) else attribute[0])
        if "Fn::Sub" in value:
            text = value["Fn::Sub"]
            body, own = (text, {}) if isinstance(text, str) else text
            found |= set(_SUBSTITUTED.findall(body)) - own.keys()
        return found.union(*(refers_to(v) for v in value.values()))
    if isinstance(value, list):
        return set().union(*(refers_to(v) for v in value))
    return set()


def target_of(value: Any) -> str:
    """The one resource that a value refers to."""
    (name,) = refers_to(value)
    return str(name)


@cache
def machine(name: str = "analyse_sample") -> dict[str, Any]:
    """A state machine's definition."""
    parsed: dict[str, Any] = yaml.safe_load(MACHINES[name].read_text("utf-8"))
    return parsed


def levels(states: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each level of a state machine: the machine itself, and every Map's own."""
    yield states
    for state in states["States"].values():
        if "ItemProcessor" in state:
            yield from levels(state["ItemProcessor"])


def all_states(name: str = "analyse_sample") -> dict[str, dict[str, Any]]:
    """Every state of a machine by name."""
    return {found: s for level in levels(machine(name)) for found, s in level["States"].items()}
