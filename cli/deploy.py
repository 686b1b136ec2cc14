"""`seqdrop deploy`: repositories, images, `sam build` and `sam deploy`, in this order."""

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.faults import CommandFailed
from cli.options import Parameters, Severity
from cli.screen import say, warn
from cli.shell import Shell

if TYPE_CHECKING:
    from cli.deployment import Environment
    from cli.doctor.account import Account
    from cli.doctor.findings import Wanted
    from cli.images import Recipe, Registry

_EMPTY = '""'
"""An empty value as SAM reads it: left out, the stack would keep the one that it has."""
_FEEDS_LOGIN = "aws ecr get-login-password --region {region} | "
"""What a person feeds `docker login` with; this command asks ECR itself."""
_SAM = ".venv-sam/bin/sam"
_REPOSITORIES = "bootstrap/template.expanded.json"
"""The repositories' template without its loops."""
_OWN_SAM = ".venv-sam/.ready"
"""SAM in an environment of its own, as the lock says: its pins conflict with ours."""


def deploy(
    env: Annotated[
        str, typer.Option(metavar="NAME", help="An environment of samconfig.toml.")
    ] = "dev",
    parameter: Parameters = None,
    *,
    guided: Annotated[
        bool, typer.Option("--guided", help="Let `sam deploy` ask for everything.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Don't ask before a change set is executed.")
    ] = False,
    images_only: Annotated[
        bool, typer.Option("--images-only", help="Stop once repositories and images are there.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print what would be run.")
    ] = False,
    sbom: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the packages of each image there, as SPDX."),
    ] = None,
    scan: Annotated[
        Severity | None,
        typer.Option(help="Refuse images in which ECR's scan finds something so severe."),
    ] = None,
) -> None:
    """Deploys this copy of Seqdrop; refuses what can't go well, and stops at what fails."""
    from cli.deployment import IMAGES_STACK, PROJECT, read_environment
    from cli.doctor.examination import cloud_identity, wanted_of
    from cli.doctor.findings import refuse_failures
    from cli.doctor.inputs import check_parameters, check_programs, check_rules
    from cli.images import Registry, recipes_for
    from cli.library_check import require_good_library
    from cli.stack import PIPELINES

    if os.environ.get("AWS_ENDPOINT_URL"):
        raise CommandFailed(
            "AWS_ENDPOINT_URL is set, but this deploys to the cloud: unset it "
            "(`seqdrop local up` deploys on this machine)"
        )
    require_good_library(PIPELINES)
    environment = read_environment(env)
    wanted = wanted_of(environment, parameter or [], None, with_resources=False)
    shell = Shell(PROJECT, dry=dry_run)
    as_given = not guided and not images_only
    if as_given:
        refuse_failures([*check_parameters(wanted), *check_rules(wanted)])
    if not images_only and not dry_run:
        refuse_failures(check_programs(shell))
    account = _account(environment)
    registry = Registry(account, "ACCOUNT" if dry_run else cloud_identity(account)[0])
    if dry_run:
        _warn_of_archives(wanted)
    else:
        _refuse_stacks([IMAGES_STACK, *([] if images_only else [environment.stack])], account)
        _refuse_images(wanted, account, shell, given_too=as_given)
    recipes = recipes_for(wanted.given, wanted.library)
    shell.run(["make", _OWN_SAM, _REPOSITORIES])
    shell.run(bootstrap_command(environment, ask=not yes))
    images = _push(recipes, registry, shell, environment.region)
    if not dry_run:
        named = {r.name: images[r.parameter].removeprefix(f"{r.name}=") for r in recipes}
        _examine(named, sbom, scan, registry, shell)
    if images_only:
        for name, image in images.items():
            say(f"{name}={image}")
        return
    shell.run(["make", "build"])
    shell.run(deploy_command(environment, {**wanted.given, **images}, ask=not yes, guided=guided))
    if not dry_run:
        say(f"deployed: SEQDROP_STACK={environment.stack} AWS_REGION={environment.region}")


def bootstrap_command(environment: "Environment", *, ask: bool) -> list[str]:
    """What makes the image repositories, and changes nothing where they are."""
    from cli.deployment import IMAGES_STACK

    return [
        _SAM, "deploy", "--template-file", _REPOSITORIES,
        "--stack-name", IMAGES_STACK, "--region", environment.region,
        "--no-fail-on-empty-changeset",
        "--confirm-changeset" if ask else "--no-confirm-changeset",
    ]  # fmt: skip


def deploy_command(
    environment: "Environment", parameters: dict[str, str], *, ask: bool, guided: bool
) -> list[str]:
    """What deploys what was built. All parameters are named, since SAM merges none."""
    named = [f"{name}={value or _EMPTY}" for name, value in sorted(parameters.items())]
    return [
        _SAM, "deploy", "--config-env", environment.name,
        "--confirm-changeset" if ask else "--no-confirm-changeset",
        *(["--guided"] if guided else []),
        *(["--parameter-overrides", *named] if named else []),
    ]  # fmt: skip


def _push(
    recipes: "list[Recipe]", registry: "Registry", shell: "Shell", region: str
) -> dict[str, str]:
    """Parameters for the images that are built here."""
    from cli.image_base import base_name
    from cli.images import build_commands, push_image

    if not shell.dry:
        return {one.parameter: one.value(push_image(one, registry, shell)) for one in recipes}
    for recipe in recipes:
        base = base_name(recipe.file).partition("@")[0]
        for command in build_commands(recipe, registry, f"{base}@DIGEST"):
            fed = _FEEDS_LOGIN.format(region=region) if "--password-stdin" in command else ""
            say(f"+ {fed}{shlex.join(command)}")
    return {one.parameter: one.value(f"{registry.repository(one.name)}@DIGEST") for one in recipes}


def _examine(
    images: dict[str, str],
    sbom: Path | None,
    scan: Severity | None,
    registry: "Registry",
    shell: Shell,
) -> None:
    """Lists what images are made of, and refuses those in which ECR finds too much, if asked to."""
    from cli.supply_chain import refuse_findings, write_sboms

    if sbom:
        write_sboms(images, sbom, registry, shell)
    if scan:
        refuse_findings(images, scan, registry.account)


def _account(environment: "Environment") -> "Account":
    from cli.doctor.examination import account_of
    from cli.stack import session_for

    return account_of(session_for(environment.region))


def _refuse_stacks(names: list[str], account: "Account") -> None:
    """Raises CommandFailed for stacks that take no change, before an image is built for them."""
    from cli.doctor.stack import refuse_unchangeable

    for name in names:
        refuse_unchangeable(name, account)


def _warn_of_archives(wanted: "Wanted") -> None:
    """Only the account tells whether images have to be built; what could not be is seen here."""
    from cli.images import Recipe, archive_fault

    for parameter, (name, _) in sorted(wanted.built.items()):
        if fault := archive_fault(Recipe.of(name, parameter)):
            warn(
                f"{parameter}: the image {name} can't be built: {fault}: unless ECR has it, the "
                "deployment would stop here (docs/containers.md, Archives of vendors)"
            )


def _refuse_images(wanted: "Wanted", account: "Account", shell: Shell, *, given_too: bool) -> None:
    """Raises CommandFailed for images that can't be built, or that hosts would not run.

    An image in another account's registry may be deployed even where we may not look at it.
    """
    from functools import partial

    from cli.doctor.examination import asked
    from cli.doctor.findings import refuse_failures
    from cli.doctor.images import check_built_images, check_given_images

    refuse_failures(check_built_images(wanted, account, shell))
    if given_too:
        refuse_failures(asked(partial(check_given_images, wanted, account)))
