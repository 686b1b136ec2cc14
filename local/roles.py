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

FUNCTION, JOB, MACHINE = "function.", "job.", "machine"
"""What the access key ids of functions and of jobs begin with; and that of all state machines."""


def function_key(name: str) -> str:
    """The access key id of a function."""
    return f"{FUNCTION}{name}"


def job_key(definition: str) -> str:
    """The access key id of the jobs of a definition."""
    return f"{JOB}{definition}"


def roles() -> dict[str, str]:
    """The role of each function, of each definition's jobs and of each state machine, by key."""
    return dict(_roles())


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
            yield job_key(definition.name), _name(_job_role(definition))
    for backend in stepfunctions_parser_backends[DEFAULT_ACCOUNT_ID].values():
        for machine in backend.state_machines:
            yield MACHINE, _name(machine.roleArn)


def _job_role(definition: Any) -> str:
    if task := definition.ecs_properties:
        return str(task["taskProperties"][0]["taskRoleArn"])
    return str(definition.container_properties["jobRoleArn"])


def _text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


@cache
def _grants(role: str, document: str) -> list[Grant]:
    return grants_of(role, json.loads(document))


def _name(role_arn: str) -> str:
    return role_arn.rpartition("/")[2]
