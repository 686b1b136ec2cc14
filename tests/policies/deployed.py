"""The policies of a deployed stack, and names that are the same in each deployment of it."""

import ast
import re
from collections.abc import Callable, Iterator
from typing import Any

from local.calls import Call, function_key, job_key
from tests.policies.policy import Grant, Policies, grants_of

_SUFFIX = re.compile(r"\b(seqdrop-[A-Za-z0-9]+)-[0-9A-Za-z]{12}(?![0-9A-Za-z-])")
"""CloudFormation ends the names that it makes up with twelve letters of chance."""


Clients = Callable[[str], Any]
"""Makes a boto3 client of a service."""


def lasting(text: str) -> str:
    """A name or an ARN as it is in every deployment."""
    return _SUFFIX.sub(r"\1", text)


def lasting_calls(calls: set[Call]) -> set[Call]:
    """Calls to many deployments, as if they were one."""
    return {(lasting(who), lasting(action), lasting(resource)) for who, action, resource in calls}


def policies_of(client: Clients) -> Policies:
    """The policies of a stack's functions and jobs.

    AWS's own managed policies are left out: Lambda's write the logs and read the queues, which
    no code of the project does; and who reads this template can't change them.
    """
    roles = dict(_roles_of_functions(client)) | dict(_roles_of_jobs(client))
    grants = frozenset(grant for role in set(roles.values()) for grant in _grants_of(client, role))
    return Policies({lasting(who): lasting(role) for who, role in roles.items()}, grants)


def _roles_of_functions(client: Clients) -> Iterator[tuple[str, str]]:
    for page in client("lambda").get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            yield function_key(function["FunctionName"]), _name(function["Role"])


def _roles_of_jobs(client: Clients) -> Iterator[tuple[str, str]]:
    answer = client("batch").describe_job_definitions(status="ACTIVE")
    for definition in answer["jobDefinitions"]:
        yield job_key(definition["jobDefinitionName"]), _name(_job_role(definition))


def _job_role(definition: dict[str, Any]) -> str:
    if task := definition.get("ecsProperties"):
        return str(task["taskProperties"][0]["taskRoleArn"])
    return str(definition["containerProperties"]["jobRoleArn"])


def _grants_of(client: Clients, role: str) -> Iterator[Grant]:
    for document in _documents_of(client("iam"), role):
        for grant in grants_of(lasting(role), _read(document)):
            yield Grant(grant.role, grant.action, lasting(grant.resource))


def _documents_of(iam: Any, role: str) -> Iterator[Any]:
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        yield iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        arn = attached["PolicyArn"]
        if ":iam::aws:policy/" not in arn:
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            answer = iam.get_policy_version(PolicyArn=arn, VersionId=version)
            yield answer["PolicyVersion"]["Document"]


def _read(document: Any) -> dict[str, Any]:
    """A policy's document, which moto answers as the text of a Python value."""
    read = ast.literal_eval(document) if isinstance(document, str) else document
    return dict(read)


def _name(role_arn: str) -> str:
    return role_arn.rpartition("/")[2]
