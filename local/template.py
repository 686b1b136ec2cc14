"""The deployed template, made ready for moto: transformed, and what moto lacks taken out."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infrastructure.conditions import resolve_conditions
from infrastructure.transform import transformed

_MADE_BESIDE = {
    # made by API from the same properties: moto's CloudFormation does not execute these machines
    "AWS::StepFunctions::StateMachine",
    # run by our own pollers: moto's know no partial batch responses
    "AWS::Lambda::EventSourceMapping",
    # unknown to moto's CloudFormation, and moto fires none
    "AWS::Scheduler::Schedule",
}
_LEFT_OUT = {
    # what Lambda does with an asynchronous call that fails; the runtime makes none
    "AWS::Lambda::EventInvokeConfig",
    # unknown to moto's CloudFormation, and nobody on one machine is to be kept out
    "AWS::SQS::QueuePolicy",
    "AWS::S3::BucketPolicy",
}
_TAKEN_AWAY = {
    # moto would keep every change of the table for a reader that is not there: see the decision
    # on the audit trail's copy
    "AWS::DynamoDB::Table": {"StreamSpecification"},
    # of effect on what is old, and nothing here is
    "AWS::S3::Bucket": {"LifecycleConfiguration"},
}
_ADDED = {
    # moto wants the role by name that AWS takes by itself
    "AWS::Batch::ComputeEnvironment": {"ServiceRole": {"Fn::GetAtt": ["HostRole", "Arn"]}},
}
_PLACES_OF_A_HOST = {"SEQDROP_SCRATCH", "SEQDROP_SECRETS", "SEQDROP_HOST", "SEQDROP_REQUESTS"}
"""Variables of jobs that name a folder of their host's: here each job works in one of its own."""

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


def load_template(
    path: Path, region: str, parameters: Mapping[str, str], arns: dict[str, str]
) -> LocalTemplate:
    """The SAM template under these parameters, transformed offline.

    ``arns`` are those of resources that are left out, by logical id: what refers to them gets it.
    """
    body = resolve_conditions(transformed(path.read_text("utf-8"), region), parameters)
    template = LocalTemplate(body)
    resources = template.body["Resources"]
    for name in [n for n, r in resources.items() if r["Type"] in _MADE_BESIDE | _LEFT_OUT]:
        resource = resources.pop(name)
        if resource["Type"] in _MADE_BESIDE and not _reads_a_stream(resource):
            template.left_out[name] = resource
    for resource in resources.values():
        _adapt(resource)
    for resource in template.left_out.values():
        resource["Properties"] = template.ask(deepcopy(resource.get("Properties", {})))
    template.body = _with_arns(template.body, arns)
    return template


def _reads_a_stream(resource: Resource) -> bool:
    """Streams are not made here, so nothing reads them."""
    return "StartingPosition" in resource["Properties"]


def _adapt(resource: Resource) -> None:
    kind, properties = resource["Type"], resource.setdefault("Properties", {})
    properties.update(_ADDED.get(kind, {}))
    for name in _TAKEN_AWAY.get(kind, set()):
        properties.pop(name, None)
    if kind == "AWS::Batch::JobDefinition":
        tasks = properties.get("EcsProperties", {}).get("TaskProperties", [])
        containers = [c for task in tasks for c in task["Containers"]]
        for container in containers or [properties["ContainerProperties"]]:
            given = container.get("Environment", [])
            container["Environment"] = [v for v in given if v["Name"] not in _PLACES_OF_A_HOST]


def _with_arns(value: Any, arns: dict[str, str]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"Ref"} and value["Ref"] in arns:
            return arns[value["Ref"]]
        return {k: _with_arns(v, arns) for k, v in value.items()}
    if isinstance(value, list):
        return [_with_arns(v, arns) for v in value]
    return value
