"""All that `seqdrop doctor` looks at, before there is a stack and after."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from cli.account import Account, StackFacts
from cli.deployment import (
    PROJECT,
    Environment,
    parse_parameters,
    template_parameters,
    with_defaults,
)
from cli.doctor_catalog import Deployed, check_dead_letters, check_references
from cli.doctor_checks import (
    check_licence,
    check_parameters,
    check_programs,
    check_quotas,
    check_roles,
)
from cli.doctor_hosts import (
    check_container_images,
    check_fpga_zones,
    check_host_images,
    check_network,
)
from cli.faults import explain
from cli.findings import Finding, Wanted, fail, ok, warn
from cli.images import recipes_for
from cli.shell import Shell
from cli.stack import PIPELINES, Stack
from seqdrop.domain.errors import SeqdropError
from seqdrop.library import Library

_CONFIG = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 2})
"""Who can't answer is asked no more than twice: there are many questions."""

Findings = dict[str, list[Finding]]


def account_of(session: boto3.Session) -> Account:
    """The account that a session's credentials belong to."""
    make: Any = session.client
    return Account(
        lambda service: make(service, config=_CONFIG), session.region_name or "no region"
    )


def wanted_of(environment: Environment, given: list[str], stack: StackFacts | None) -> Wanted:
    """What is deployed, but as the environment and the command line want it."""
    declared = template_parameters()
    known = {n: v for n, v in (stack.parameters if stack else {}).items() if n in declared}
    parameters = {**known, **environment.parameters, **parse_parameters(given)}
    return Wanted(
        declared,
        parameters,
        with_defaults(declared, parameters),
        Library(str(PIPELINES)),
        stack,
        frozenset(recipe.parameter for recipe in recipes_for(parameters)),
    )


def identify(account: Account, *, made_up: bool = False) -> Finding:
    """Who asks, and where; a failure where AWS does not take the credentials."""
    try:
        number, arn = account.identity()
    except (BotoCoreError, ClientError, ResponseParserError) as error:
        return fail(explain(error))
    who = f"{number} in {account.region}, as {arn}"
    return warn(f"{who}: {_EMBEDDED[0]}", _EMBEDDED[1]) if made_up else ok(who)


_EMBEDDED = (
    "the embedded runtime plays it, and what it says of accounts, hosts and roles is its own",
    "unset AWS_ENDPOINT_URL to ask about an account of yours",
)


def examine_here(account: Account, wanted: Wanted) -> Findings:
    """What needs no account: the parameters, and the programs that `seqdrop deploy` calls."""
    return {
        "parameters": list(check_parameters(wanted, account)),
        "programs": list(check_programs(wanted, Shell(PROJECT))),
    }


def examine(account: Account, wanted: Wanted, session: Any, *, hosts: bool) -> Findings:
    """Every check, each with what it found; where there are no hosts, nothing of them."""
    if not hosts:
        return {"hosts": [ok(_NO_HOSTS)]} | _examine_deployed(wanted, session)
    checks: dict[str, Callable[[Wanted, Account], Iterator[Finding]]] = {
        "quotas": check_quotas,
        "F2 hosts": check_fpga_zones,
        "FPGA AMIs": check_host_images,
        "images": check_container_images,
        "network": check_network,
        "licence": check_licence,
        "roles": check_roles,
    }
    found = {name: list(_asked(partial(check, wanted, account))) for name, check in checks.items()}
    return examine_here(account, wanted) | found | _examine_deployed(wanted, session)


_NO_HOSTS = (
    "the embedded runtime has none; quotas, zones, AMIs, images, network, licence and roles are "
    "looked at in an account, or for an environment (--env)"
)


def _examine_deployed(wanted: Wanted, session: Any) -> Findings:
    if wanted.stack is None:
        return {"stack": [warn("it is not deployed yet", "see docs/deploy.md; then ask again")]}
    stack = Stack(wanted.stack.name, wanted.stack.outputs, session)
    status = wanted.stack.status
    good = status.endswith("_COMPLETE") and "ROLLBACK" not in status and "DELETE" not in status
    found = {"stack": [ok(status) if good else fail(status, "look at the stack's events")]}

    def ask(check: Callable[[Wanted, Deployed], Iterator[Finding]]) -> list[Finding]:
        return list(_asked(partial(check, wanted, Deployed(stack.catalog, stack.dead_letters))))

    return found | {"references": ask(check_references), "dead letters": ask(check_dead_letters)}


def _asked(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What a check finds; who does not answer, or may not, does not end the others."""
    try:
        yield from check()
    except SeqdropError as error:
        yield fail(str(error))
    except (BotoCoreError, ClientError, ResponseParserError) as error:
        says = explain(error).partition("<")[0].partition(": b'")[0]  # no page of an endpoint
        yield warn(f"could not be asked: {says.rstrip(': ')}", "look for yourself")
