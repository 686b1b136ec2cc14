"""The deployed template, made ready for moto: transformed, and what moto lacks taken out."""

import os
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

CODE_BUCKET = "seqdrop-local-code"
_CODE_PROPERTIES = ("CodeUri", "ContentUri", "DefinitionUri")
_LEFT_OUT = {
    # made by API from the same properties: moto's CloudFormation does not execute these machines
    "AWS::StepFunctions::StateMachine",
    # run by our own pollers: moto's know no partial batch responses
    "AWS::Lambda::EventSourceMapping",
    # unknown to moto's CloudFormation, and of no effect on one machine
    "AWS::SQS::QueuePolicy",
}

_ADDED = {
    # moto wants the role by name that AWS takes by itself
    "AWS::Batch::ComputeEnvironment": {"ServiceRole": {"Fn::GetAtt": ["HostRole", "Arn"]}},
}

Resource = dict[str, Any]


@dataclass
class LocalTemplate:
    """A template for moto's CloudFormation, and what is made beside it."""

    body: dict[str, Any]
    left_out: dict[str, Resource] = field(default_factory=dict)
    questions: dict[str, Any] = field(default_factory=dict)
    """Outputs that were added to learn what an intrinsic function comes to, by their names."""

    def of_type(self, kind: str) -> Iterator[tuple[str, Resource]]:
        """Resources of a type that stay in the template, by their logical ids."""
        for name, resource in self.body["Resources"].items():
            if resource["Type"] == kind:
                yield name, resource

    def left_out_of_type(self, kind: str) -> Iterator[tuple[str, Resource]]:
        """Properties of resources of a type that are made beside the stack."""
        for name, resource in self.left_out.items():
            if resource["Type"] == kind:
                yield name, resource["Properties"]

    def ask(self, value: Any) -> Any:
        """Replaces each intrinsic function in a value by the name of an output that answers it."""
        if isinstance(value, dict):
            if len(value) == 1 and (key := next(iter(value))) and _is_intrinsic(key):
                name = f"Local{len(self.questions)}"
                self.questions[name] = value
                self.body["Outputs"][name] = {"Value": value}
                return _Answer(name)
            return {k: self.ask(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.ask(v) for v in value]
        return value


class _Answer(str):
    """The name of the output that holds a value."""

    __slots__ = ()


def answered(value: Any, outputs: dict[str, str]) -> Any:
    """A value with its questions answered by the stack's outputs."""
    if isinstance(value, _Answer):
        return outputs[value]
    if isinstance(value, dict):
        return {k: answered(v, outputs) for k, v in value.items()}
    if isinstance(value, list):
        return [answered(v, outputs) for v in value]
    return value


def _is_intrinsic(key: str) -> bool:
    return key == "Ref" or key.startswith("Fn::")


class _NoManagedPolicies:
    def load(self) -> dict[str, str]:
        return {}


def load_template(path: Path, region: str, arns: dict[str, str]) -> LocalTemplate:
    """The SAM template, transformed offline.

    ``arns`` are those of resources that are left out, by logical id: what refers to them gets it.
    """
    os.environ.setdefault("AWS_DEFAULT_REGION", region)  # samtranslator asks boto3 for it
    source = yaml_parse(path.read_text("utf-8"))
    for resource in source["Resources"].values():
        properties = resource.get("Properties", {})
        for name in _CODE_PROPERTIES:
            if name in properties:
                properties[name] = f"s3://{CODE_BUCKET}/{str(properties[name]).rstrip('/')}"
    template = LocalTemplate(transform(source, {}, _NoManagedPolicies()))
    template.body.setdefault("Outputs", {})
    resources = template.body["Resources"]
    for resource in resources.values():
        resource.setdefault("Properties", {}).update(_ADDED.get(resource["Type"], {}))
    for name in [n for n, r in resources.items() if r["Type"] in _LEFT_OUT]:
        template.left_out[name] = resources.pop(name)
    for resource in template.left_out.values():
        resource["Properties"] = template.ask(deepcopy(resource.get("Properties", {})))
    template.body = _with_arns(template.body, arns)
    return template


def _with_arns(value: Any, arns: dict[str, str]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"Ref"} and value["Ref"] in arns:
            return arns[value["Ref"]]
        return {k: _with_arns(v, arns) for k, v in value.items()}
    if isinstance(value, list):
        return [_with_arns(v, arns) for v in value]
    return value
