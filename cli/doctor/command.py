"""`seqdrop doctor`: what would stop this deployment, and what to do about it."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import Json, Parameters
from cli.screen import emit, say

if TYPE_CHECKING:
    from cli.deployment import Environment
    from cli.doctor.examination import Findings


def doctor(
    env: Annotated[
        str, typer.Option(metavar="NAME", help="An environment of samconfig.toml.")
    ] = "",
    parameter: Parameters = None,
    json: Json = False,
) -> None:
    """Says what would stop a deployment, before it is made and after; exits 1 if anything does."""
    from cli.doctor.examination import account_of, examine, examine_here, identify, wanted_of
    from cli.stack import is_embedded, session_for

    environment = _environment(env)
    cloud = bool(env or parameter)
    hosts = cloud or not is_embedded()
    session = session_for(environment.region)
    account = account_of(session)
    found = {"account": [identify(account, cloud=cloud, embedded=hosts and is_embedded())]}
    if not _fails(found):
        stack = account.stack(environment.stack)
        wanted = wanted_of(environment, parameter or [], stack, with_resources=hosts)
        found |= examine(account, wanted, session, hosts=hosts)
    elif env:
        found |= examine_here(wanted_of(environment, parameter or [], None))
    if json:
        emit(_document(environment.stack, account.region, found))
    else:
        _print(found)
    if _fails(found):
        raise typer.Exit(1)


def _environment(name: str) -> "Environment":
    """One of samconfig.toml, or else the stack that the other commands speak to."""
    from cli.deployment import Environment, read_environment

    if name:
        return read_environment(name)
    return Environment("", os.environ.get("SEQDROP_STACK") or "seqdrop", "")


def _fails(found: "Findings") -> bool:
    return any(one.verdict == "fail" for findings in found.values() for one in findings)


def _document(stack: str, region: str, found: "Findings") -> dict[str, object]:
    checks = [
        {"check": check, "verdict": one.verdict.value, "says": one.says, "do": one.do or None}
        for check, findings in found.items()
        for one in findings
    ]
    verdict = "fail" if _fails(found) else "ok"
    return {"stack": stack, "region": region, "verdict": verdict, "checks": checks}


def _print(found: "Findings") -> None:
    width = max(map(len, found))
    for check, findings in found.items():
        for one in findings:
            say(f"{one.verdict.value:<4}  {check:<{width}}  {one.says}")
            if one.do:
                say(f"{'':<{width + 8}}-> {one.do}")
