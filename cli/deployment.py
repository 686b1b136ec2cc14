"""What a deployment is to be: an environment of samconfig.toml, and the template's parameters."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from cli.faults import CommandFailed
from seqdrop.domain.images import SLOTS as SLOTS_OF_IMAGES

PROJECT = Path(__file__).resolve().parent.parent
SAMCONFIG = PROJECT / "samconfig.toml"
TEMPLATE = PROJECT / "template.yaml"
BOOTSTRAP = PROJECT / "bootstrap/template.yaml"
"""The image repositories, in a stack of their own."""
IMAGES_STACK = "seqdrop-images"
"""That stack: one for an account and region, whatever is deployed beside it."""
PLACEHOLDER = "CHOOSE"
"""What samconfig.toml has where only the one who deploys can know."""
KINDS = {
    "fpga-genome": "FpgaGenome", "fpga-exome": "FpgaExome", "cpu": "Cpu", "nextflow": "Nextflow",
}  # fmt: skip
"""Kinds of queue, and how the template's parameters name them."""
SLOTS = tuple(f"Image{number}" for number in range(1, SLOTS_OF_IMAGES + 1))
"""The template's parameters for images that stages name, each a name and an image."""

_USED_ONLY_WITH = {
    ("EnableFpga", "true"): (
        "FpgaGenomeImage", "FpgaGenomeAmi", "FpgaExomeImage", "FpgaExomeAmi",
        "DragenLicenceSecretArn",
    ),
    ("CreateNetwork", "false"): ("SubnetIds", "SecurityGroupIds"),
    ("CreateNetwork", "true"): ("NetworkZones",),
}  # fmt: skip
"""Parameters that a deployment uses only where another has some value."""

_SHARED = {"default", "version"}


@dataclass(frozen=True)
class Environment:
    """One `[<name>.deploy.parameters]` of samconfig.toml."""

    name: str
    stack: str
    region: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def read_environment(name: str, path: Path = SAMCONFIG) -> Environment:
    """An environment by name. Raises CommandFailed where there is none, or it lacks something."""
    try:
        config = tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise CommandFailed(f"{path.name} is not TOML: {error}") from error
    if name in _SHARED or name not in config:
        known = ", ".join(sorted(config.keys() - _SHARED))
        raise CommandFailed(f"{path.name} has no environment {name!r} (it has: {known})")
    given = config[name].get("deploy", {}).get("parameters", {})
    for needed in ("stack_name", "region"):
        if not given.get(needed):
            raise CommandFailed(f"{path.name}: {name}.deploy.parameters has no {needed}")
    overrides = given.get("parameter_overrides", [])
    if not isinstance(overrides, list):
        raise CommandFailed(f'{path.name}: parameter_overrides is to be a list of "Name=value"')
    return Environment(name, given["stack_name"], given["region"], parse_parameters(overrides))


def parse_parameters(given: Sequence[str]) -> dict[str, str]:
    """``Name=value`` each. Raises CommandFailed for anything else."""
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.isalnum():
            raise CommandFailed(f"{text!r} is not Name=value")
        found[name] = value
    return found


def image_parameters(slots: Sequence[str]) -> dict[str, str]:
    """Images by name, each with the template's parameter for it; ``slots`` as in images.yaml."""
    queues = {kind: f"{prefix}Image" for kind, prefix in KINDS.items()}
    return queues | dict(zip(slots, SLOTS, strict=False))


def images_given(parameters: Mapping[str, str], slots: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The images that parameters name: by parameter, the image's name and the image itself."""
    found = {}
    for name, parameter in image_parameters(slots).items():
        value = parameters.get(parameter, "")
        if value and not value.startswith(PLACEHOLDER):
            found[parameter] = (name, value.partition("=")[2] if parameter in SLOTS else value)
    return found


class _Loader(yaml.SafeLoader):
    """CloudFormation's short functions are read as nothing: parameters have none."""


_Loader.add_multi_constructor("!", lambda *_: None)


def template_parameters(path: Path = TEMPLATE) -> dict[str, dict[str, Any]]:
    """A template's parameters, as they are declared."""
    declared: dict[str, dict[str, Any]] = yaml.load(
        path.read_text("utf-8"),
        _Loader,  # noqa: S506  # a SafeLoader
    )["Parameters"]
    return declared


def transformed_template(path: Path = TEMPLATE) -> dict[str, Any]:
    """A template after SAM's transform, which asks for a region and makes nothing of it."""
    from infrastructure.transform import transformed

    return transformed(path.read_text("utf-8"), "us-east-1")


def broken_rules(parameters: Mapping[str, str]) -> list[str]:
    """What the template's rules have against some parameters, in the rules' own words."""
    from infrastructure import conditions

    return conditions.broken_rules(transformed_template(), parameters)


def without_conditions(body: Mapping[str, Any], parameters: Mapping[str, str]) -> dict[str, Any]:
    """A transformed template with only what is made under some parameters."""
    from infrastructure.conditions import resolve_conditions

    return resolve_conditions(dict(body), parameters)


def with_defaults(
    declared: Mapping[str, Mapping[str, Any]], given: Mapping[str, str]
) -> dict[str, str]:
    """Every parameter's value, as text: given, or its default, or ""."""
    defaults = {name: _text(one.get("Default", "")) for name, one in declared.items()}
    return {**defaults, **given}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def without_idle_placeholders(
    declared: Mapping[str, Mapping[str, Any]], given: Mapping[str, str]
) -> dict[str, str]:
    """The given parameters, with "" for placeholders of those that this deployment does not use."""
    values = with_defaults(declared, given)
    idle = {
        name
        for (other, value), names in _USED_ONLY_WITH.items()
        if values.get(other) != value
        for name in names
    }
    return {
        name: "" if name in idle and value.startswith(PLACEHOLDER) else value
        for name, value in given.items()
    }


def faults(
    declared: Mapping[str, Mapping[str, Any]], given: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Parameters that CloudFormation would not take, each with what is wrong with it."""
    for name in given.keys() - declared.keys():
        yield name, "the template has no such parameter"
    for name, one in declared.items():
        if name not in given:
            if "Default" not in one:
                yield name, "it has no value, and no default"
        elif given[name].startswith(PLACEHOLDER):
            yield name, "it still has samconfig.toml's placeholder"
        elif wrong := _out_of_bounds(one, given[name]):
            yield name, f"{given[name]!r} {wrong}"


def _out_of_bounds(one: Mapping[str, Any], value: str) -> str:
    """What a declaration has against a value; "" for nothing."""
    allowed = [_text(each) for each in one.get("AllowedValues", [])]
    if allowed and value not in allowed:
        return f"is none of {', '.join(allowed)}"
    if one["Type"] == "Number":
        return _of_number(one, value)
    pattern = one.get("AllowedPattern", "")
    each = value.split(",") if "List" in one["Type"] else [value]
    if pattern and not all(re.fullmatch(pattern, part) for part in each):
        return f"is not as it should be: {one.get('ConstraintDescription', pattern)}"
    if len(value) < int(one.get("MinLength", 0)):
        return "is too short"
    if len(value) > int(one.get("MaxLength", len(value))):
        return "is too long"
    return ""


def _of_number(one: Mapping[str, Any], value: str) -> str:
    try:
        number = float(value)
    except ValueError:
        return "is not a number"
    if number < float(one.get("MinValue", number)):
        return f"is less than {one['MinValue']}"
    if number > float(one.get("MaxValue", number)):
        return f"is more than {one['MaxValue']}"
    return ""
