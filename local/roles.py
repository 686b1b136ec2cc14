"""Who has which role in the embedded account, and what its own policies grant."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from moto.awslambda.models import lambda_backends
from moto.batch.models import batch_backends
from moto.core import DEFAULT_ACCOUNT_ID
from moto.iam.models import iam_backends
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from local.permissions import Grant, grants_of

FUNCTION, JOB, START, MACHINE = "function.", "job.", "start.", "machine."
"""What the access key ids of functions, of jobs, of whoever starts the jobs' containers, and of
state machines begin with."""


def function_key(name: str) -> str:
    """The access key id of a function."""
    return f"{FUNCTION}{name}"


def job_key(definition: str) -> str:
    """The access key id of the jobs of a definition."""
    return f"{JOB}{definition}"


def start_key(definition: str) -> str:
    """Who starts the containers of a definition's jobs: the ECS agent, by their execution role."""
    return f"{START}{definition}"


def machine_key(role_arn: str) -> str:
    """The access key id of the state machines of a role."""
    return f"{MACHINE}{_name(role_arn)}"


def roles() -> dict[str, str]:
    """The role of each function, of each definition's jobs and of each state machine, by key."""
    return dict(_roles())


def check_policies() -> None:
    """Reads every role's policies. Raises CannotRead for what can't be judged at a call."""
    for role in set(roles().values()):
        grants_of_role(role)


def role_of(who: str) -> str | None:
    """The role of one of them; None where nobody has such a key."""
    return next((role for key, role in _roles() if key == who), None)


def grants_of_role(role: str) -> list[Grant]:
    """What a role's inline policies grant.

    AWS's own managed policies are left out: Lambda's write the logs and read the queues, which
    no code of the project does; and who reads the template can't change them.
    """
    found = iam_backends[DEFAULT_ACCOUNT_ID]["aws"].get_role(role)
    documents = [_text(document) for document in found.policies.values()]
    return [grant for document in documents for grant in _grants(role, document)]


def _roles() -> Iterator[tuple[str, str]]:
    for backend in lambda_backends[DEFAULT_ACCOUNT_ID].values():
        for function in backend.list_functions():
            yield function_key(function.function_name), _name(function.role)
    for backend in batch_backends[DEFAULT_ACCOUNT_ID].values():
        for definition in backend._job_definitions.values():
            task = _task(definition)
            if role := task.get("taskRoleArn") or task.get("jobRoleArn"):
                yield job_key(definition.name), _name(role)
            if role := task.get("executionRoleArn"):
                yield start_key(definition.name), _name(role)
    for backend in stepfunctions_parser_backends[DEFAULT_ACCOUNT_ID].values():
        for machine in backend.state_machines:
            yield machine_key(machine.roleArn), _name(machine.roleArn)


def _task(definition: Any) -> dict[str, Any]:
    """The part of a definition, of either shape, that names its roles."""
    if ecs := getattr(definition, "ecs_properties", None):  # moto's own definitions have none
        return dict(ecs["taskProperties"][0])
    return dict(definition.container_properties or {})


def _text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


@cache
def _grants(role: str, document: str) -> list[Grant]:
    return grants_of(role, json.loads(document))


def _name(role_arn: str) -> str:
    return role_arn.rpartition("/")[2]
