"""What a deployed template's own policies grant to each of its roles, with the names it got."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cli.deployment import without_conditions
from cli.doctor.facts import StackFacts
from cli.doctor.simulator import Question

_VARIABLE = re.compile(r"\$\{([A-Za-z0-9:.]+)\}")
_POSITIVE = {"StringEquals", "StringLike", "ArnEquals", "ArnLike", "BoolIfExists"}
"""Operators of conditions that the value of the condition itself meets."""
_ANYTHING = "any"
"""Stands for what a wildcard of a policy may be."""


class CannotTell(Exception):
    """A value of the template that can't be told from the stack's resources."""


@dataclass(frozen=True)
class Location:
    """Where a stack is."""

    partition: str
    region: str
    account: str

    @property
    def suffix(self) -> str:
        """The domain of AWS' services there."""
        return "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"


@dataclass(frozen=True)
class Grants:
    """What a role is granted, as questions; and statements that can't be asked about."""

    logical_id: str
    role_name: str
    questions: tuple[Question, ...]
    left_out: tuple[str, ...] = ()


def grants_of(template: Mapping[str, Any], stack: StackFacts, location: Location) -> list[Grants]:
    """The grants of every role of a stack that has policies of its own."""
    body = without_conditions(template, stack.parameters)
    values = _Values(stack, location)
    statements: dict[str, list[Mapping[str, Any]]] = {}
    for role, document in _documents(body["Resources"]):
        statements.setdefault(role, []).extend(_list(document["Statement"]))
    ids = {role.name: role.id for role in stack.of("AWS::IAM::Role")}
    return [
        _grants(role, ids[role], found, values) for role, found in statements.items() if role in ids
    ]


def _documents(resources: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Policies in a template, each with the logical id of a role that has it."""
    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::IAM::Role":
            for policy in properties.get("Policies", []):
                yield name, policy["PolicyDocument"]
        elif resource["Type"] == "AWS::IAM::Policy":
            for role in properties.get("Roles", []):
                yield role["Ref"], properties["PolicyDocument"]


def _grants(
    role: str, role_id: str, statements: list[Mapping[str, Any]], values: "_Values"
) -> Grants:
    questions, left_out = [], []
    for statement in statements:
        if statement["Effect"] != "Allow":
            continue
        try:
            questions.append(_question(statement, values))
        except CannotTell as error:
            left_out.append(f"{_actions_as_text(statement)}: {error}")
    return Grants(role, role_id, tuple(_joined(questions)), tuple(left_out))


def _actions_as_text(statement: Mapping[str, Any]) -> str:
    if "Action" in statement:
        return ", ".join(_list(statement["Action"]))
    return f"all but {', '.join(_list(statement.get('NotAction', [])))}"


def _question(statement: Mapping[str, Any], values: "_Values") -> Question:
    if not statement.keys() >= {"Action", "Resource"}:
        raise CannotTell("the statement has NotResource or NotAction")
    resources = [values.concrete(values.text(one)) for one in _list(statement["Resource"])]
    context = {}
    for operator, keys in statement.get("Condition", {}).items():
        if operator not in _POSITIVE:
            raise CannotTell(f"a condition {operator}")
        for key, wanted in keys.items():
            context[key] = values.concrete(values.text(_list(wanted)[0]))
    return Question(tuple(_list(statement["Action"])), tuple(resources), context)


def _joined(questions: list[Question]) -> Iterator[Question]:
    """The same in fewer questions: those about the same resources become one."""
    joined: dict[tuple[Any, ...], list[str]] = {}
    for one in questions:
        key = (one.resources, tuple(sorted(one.context.items())))
        joined.setdefault(key, []).extend(one.actions)
    for (resources, context), actions in joined.items():
        yield Question(tuple(dict.fromkeys(actions)), resources, dict(context))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


class _Values:
    """What a template's functions come to in a stack."""

    def __init__(self, stack: StackFacts, location: Location) -> None:
        self._kinds = {one.name: one.kind for one in stack.resources}
        self._names = {
            **{one.name: one.id for one in stack.resources},
            **stack.parameters,
            "AWS::Partition": location.partition,
            "AWS::Region": location.region,
            "AWS::AccountId": location.account,
            "AWS::URLSuffix": location.suffix,
            "AWS::StackName": stack.name,
        }
        self._location = location

    def text(self, value: Any) -> str:
        """A value as text. Raises CannotTell for a function or a name that is not known."""
        match value:
            case str():
                return value
            case {"Ref": str(name)}:
                return self._name(name)
            case {"Fn::GetAtt": [str(name), "Arn"]}:
                return self._arn(name)
            case {"Fn::GetAtt": str(path)} if path.endswith(".Arn"):
                return self._arn(path.removesuffix(".Arn"))
            case {"Fn::Sub": str(text)}:
                return _VARIABLE.sub(lambda found: self._variable(found[1]), text)
        raise CannotTell(f"{value} can't be told")

    def _variable(self, name: str) -> str:
        return self._arn(name.removesuffix(".Arn")) if name.endswith(".Arn") else self._name(name)

    def _name(self, name: str) -> str:
        if name not in self._names:
            raise CannotTell(f"the stack has no {name}")
        return self._names[name]

    def _arn(self, name: str) -> str:
        """A resource's ARN, from its physical id."""
        given, kind = self._name(name), self._kinds.get(name, "")
        if given.startswith("arn:"):
            return given
        here = f"{self._location.region}:{self._location.account}"
        last = given.rpartition("/")[2]
        tails = {
            "AWS::S3::Bucket": f"s3:::{given}",
            "AWS::SQS::Queue": f"sqs:{here}:{last}",  # its id is its URL
            "AWS::DynamoDB::Table": f"dynamodb:{here}:table/{given}",
            "AWS::Lambda::Function": f"lambda:{here}:function:{given}",
            "AWS::Logs::LogGroup": f"logs:{here}:log-group:{given}:*",
            "AWS::IAM::Role": f"iam::{self._location.account}:role/{given}",
        }
        if kind not in tails:
            raise CannotTell(f"the ARN of {name} ({kind})")
        return f"arn:{self._location.partition}:{tails[kind]}"

    def concrete(self, pattern: str) -> str:
        """One resource that a pattern stands for: the simulator asks of resources."""
        if pattern == "*":
            return pattern
        parts = pattern.split(":", 5)
        if len(parts) == 6 and parts[3] == "*":
            parts[3] = self._location.region
        return ":".join(parts).replace("*", _ANYTHING)
