"""All that `seqdrop doctor` looks at, before there is a stack and after."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.parsers import ResponseParserError

from cli.deployment import (
    BOOTSTRAP,
    PROJECT,
    TEMPLATE,
    Environment,
    parse_parameters,
    template_parameters,
    transformed_template,
    with_defaults,
    without_conditions,
    without_idle_placeholders,
)
from cli.doctor.account import Account
from cli.doctor.catalog import Deployed, check_dead_letters, check_references
from cli.doctor.facts import StackFacts
from cli.doctor.findings import Finding, Wanted, fail, ok, warn
from cli.doctor.hosts import check_cpu_types, check_fpga_zones, check_host_images, check_network
from cli.doctor.images import check_container_images, check_docker
from cli.doctor.inputs import (
    check_disk,
    check_library,
    check_parameters,
    check_programs,
    check_rules,
)
from cli.doctor.licence import check_licence
from cli.doctor.quotas import (
    check_functions,
    check_plan,
    check_quotas,
    check_room,
    check_storage,
)
from cli.doctor.roles import check_deployer, check_linked_roles, check_stack_roles
from cli.doctor.stack import check_batch, check_images_stack, check_stack
from cli.faults import NO_CREDENTIALS, CommandFailed, explain
from cli.images import Recipe, recipes_for
from cli.shell import Shell
from cli.stack import PIPELINES, Stack, is_embedded
from seqdrop.domain.errors import InvalidPipeline, SeqdropError
from seqdrop.library import Library

_LIMITS: dict[str, Any] = {"connect_timeout": 5, "read_timeout": 20}
_CONFIG = Config(**_LIMITS, retries={"total_max_attempts": 2})
"""A service that does not answer is asked twice at most: there are many questions."""

_CONFIGS = {"iam": Config(**_LIMITS, retries={"mode": "adaptive", "total_max_attempts": 8})}
"""IAM is asked most, and its simulator takes few questions a second."""

Findings = dict[str, list[Finding]]


def account_of(session: boto3.Session) -> Account:
    """The account that a session's credentials belong to."""
    make: Any = session.client

    @cache  # a client remembers how fast it may ask
    def client(service: str) -> Any:
        return make(service, config=_CONFIGS.get(service, _CONFIG))

    return Account(client, session.region_name or "no region")


def wanted_of(
    environment: Environment,
    given: list[str],
    stack: StackFacts | None,
    *,
    with_resources: bool = True,
) -> Wanted:
    """What is deployed, but as the environment and the command line want it.

    Without ``with_resources`` the templates are not read for what they make.
    """
    declared = template_parameters()
    known = {n: v for n, v in (stack.parameters if stack else {}).items() if n in declared}
    parameters = without_idle_placeholders(
        declared, {**known, **environment.parameters, **parse_parameters(given)}
    )
    library = Library(str(PIPELINES))
    return Wanted(
        declared,
        parameters,
        with_defaults(declared, parameters),
        library,
        stack if stack and stack.is_whole else None,
        {one.parameter: (one.name, one.tag()) for one in _built(parameters, library)},
        None if stack is None or stack.is_whole else stack,
        environment.region,
        _resources_made(parameters) if with_resources else (),
    )


def _built(parameters: Mapping[str, str], library: Library) -> list[Recipe]:
    """What `seqdrop deploy` builds; nothing by a library with a mistake, which it refuses."""
    try:
        return recipes_for(parameters, library)
    except InvalidPipeline:
        return []


def _resources_made(parameters: Mapping[str, str]) -> tuple[Mapping[str, Any], ...]:
    """The resources of both templates under some parameters."""
    bodies = [transformed_template(path) for path in (BOOTSTRAP, TEMPLATE)]
    found = [without_conditions(body, parameters)["Resources"] for body in bodies]
    return tuple(resource for resources in found for resource in resources.values())


def cloud_identity(account: Account) -> tuple[str, str]:
    """Account and ARN of the caller, where only the cloud can be meant.

    Raises CommandFailed where there are no credentials.
    """
    try:
        return account.identity()
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise CommandFailed(NO_CREDENTIALS) from error


def identify(account: Account, *, cloud: bool, embedded: bool) -> Finding:
    """The caller and the region; a failure where AWS does not take the credentials."""
    try:
        number, arn = cloud_identity(account) if cloud else account.identity()
    except (CommandFailed, BotoCoreError, ClientError, ResponseParserError) as error:
        return fail(explain(error))
    who = f"{number} in {account.region}, as {arn}"
    return warn(f"{who}: {_EMBEDDED[0]}", _EMBEDDED[1]) if embedded else ok(who)


_EMBEDDED = (
    "the embedded runtime plays it, and what it says of accounts, hosts and roles is its own",
    "unset AWS_ENDPOINT_URL to ask about an account of yours",
)


def examine_here(wanted: Wanted) -> Findings:
    """What needs no account: the parameters, and the programs that `seqdrop deploy` calls."""
    found = _examine_here(wanted)
    return {**found, "programs": [*found["programs"], *check_docker(wanted, Shell(PROJECT))]}


def _examine_here(wanted: Wanted) -> Findings:
    return {
        "pipelines": list(check_library(wanted)),
        "parameters": [*check_parameters(wanted), *check_rules(wanted)],
        "programs": list(check_programs(Shell(PROJECT))),
    }


def examine(account: Account, wanted: Wanted, session: Any, *, hosts: bool) -> Findings:
    """Every check, each with what it found; where there are no hosts, nothing of them."""
    if not hosts:
        found = {"hosts": [ok(_NO_HOSTS)], "disk": [_disk(wanted.stack)]}
        return found | _examine_deployed(wanted, session)
    checks: dict[str, list[Callable[[Wanted, Account], Iterator[Finding]]]] = {
        "plan": [] if is_embedded() else [check_plan],  # moto has no such service at all
        "quotas": [check_quotas, check_storage, check_functions, check_room],
        "CPU hosts": [check_cpu_types],
        "F2 hosts": [check_fpga_zones],
        "FPGA AMIs": [check_host_images],
        "repositories": [check_images_stack],
        "images": [partial(check_container_images, shell=Shell(PROJECT))],
        "network": [check_network],
        "licence": [check_licence],
        "roles": [check_linked_roles, check_deployer, check_stack_roles],
        "Batch": [check_batch],
    }
    found = {
        name: [one for check in some for one in asked(partial(check, wanted, account))]
        for name, some in checks.items()
    }
    return _examine_here(wanted) | found | _examine_deployed(wanted, session)


def _disk(stack: StackFacts | None) -> Finding:
    """The disk of the runtime that AWS_ENDPOINT_URL names: its stack tells the folder."""
    told = stack.tags.get(_FOLDER_TAG, "") if stack else ""
    folder = Path(told)
    if told and folder.is_dir():
        return check_disk(folder, shutil.disk_usage(folder).free)
    where = f"there is no {told} here" if told else "it does not tell where it keeps its files"
    return warn(f"the runtime's disk was not looked at: {where}", "look for yourself")


_FOLDER_TAG = "seqdrop:folder"
"""Of the embedded runtime's stack (FOLDER_TAG of local/deploy.py)."""


_NO_HOSTS = (
    "the embedded runtime has none; quotas, zones, AMIs, images, network, licence and roles are "
    "looked at in an account, or for an environment (--env)"
)


def _examine_deployed(wanted: Wanted, session: Any) -> Findings:
    found = {"stack": [check_stack(wanted)]}
    if wanted.stack is None:
        return found
    stack = Stack(wanted.stack.name, wanted.stack.outputs, session)

    def ask(check: Callable[[Wanted, Deployed], Iterator[Finding]]) -> list[Finding]:
        return list(asked(partial(check, wanted, Deployed(stack.catalog, stack.dead_letters))))

    return found | {"references": ask(check_references), "dead letters": ask(check_dead_letters)}


def asked(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What a check finds; one that gets no answer, or may not ask, does not end the others."""
    try:
        yield from check()
    except (BotoCoreError, ClientError, ResponseParserError) as error:
        says = explain(error).partition("<")[0].partition(": b'")[0]  # no page of an endpoint
        yield warn(f"could not be asked: {says.rstrip(': ')}", "look for yourself")
    except (SeqdropError, OSError) as error:
        yield fail(explain(error))
