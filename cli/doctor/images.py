"""Are the jobs' images where the hosts will pull them, and will hosts of x86_64 run them?"""

import re
from collections.abc import Iterator

from cli.deployment import KINDS, SLOTS, images_given
from cli.doctor.account import Account
from cli.doctor.facts import ContainerImage
from cli.doctor.findings import Finding, Wanted, fail, ok, warn
from cli.images import PREFIX, Recipe, archive_fault
from cli.shell import DOCKER, Shell

_PLATFORM = "linux/amd64"
_ECR_IMAGE = re.compile(
    r"(?P<registry>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/"
    r"(?P<repository>[^@:]+)@(?P<digest>sha256:[0-9a-f]{64})"
)


def check_container_images(wanted: Wanted, account: Account, shell: Shell) -> Iterator[Finding]:
    """The images that `seqdrop deploy` builds, those that were given, and those of the stack."""
    yield from check_built_images(wanted, account, shell)
    yield from check_given_images(wanted, account)
    if wanted.stack is not None:
        given = [image for _, image in _given(wanted).values()]
        definitions = [one.id for one in wanted.stack.of("AWS::Batch::JobDefinition")]
        # An image has a definition for each reach of its jobs: it is looked for once.
        first = {image: name for name, image in account.images_of_jobs(definitions).items()}
        for image, name in first.items():
            if image not in given:
                yield _container_image(f"job definition {name}", image, account)


def check_built_images(wanted: Wanted, account: Account, shell: Shell) -> Iterator[Finding]:
    """The images that nobody gave: are they in ECR already, or can they be built here?"""
    for parameter, (name, tag) in wanted.built.items():
        yield _built(parameter, name, tag, account, shell)


def check_given_images(wanted: Wanted, account: Account) -> Iterator[Finding]:
    """The images that parameters name."""
    for parameter, (name, image) in _given(wanted).items():
        yield _container_image(parameter if parameter not in SLOTS else name, image, account)


def check_docker(wanted: Wanted, shell: Shell) -> Iterator[Finding]:
    """Can images be built here? Whether they have to be, only the account tells."""
    if wanted.built and not shell.answers(*DOCKER):
        yield warn(
            f"no Docker engine answers: {', '.join(sorted(wanted.built))} can't be built here",
            f"unless ECR has the images of these sources already, {_BUILD}",
        )


_ARCHIVES = "see docs/containers.md, Archives of vendors"
_BUILD = "start one; or run `seqdrop deploy --images-only` on a machine that has one"


def _given(wanted: Wanted) -> dict[str, tuple[str, str]]:
    """By parameter, the names of the images that are given, and the images."""
    idle = {f"{KINDS[kind]}Image" for kind in KINDS.keys() - wanted.kinds}
    found = images_given(wanted.parameters, wanted.library.images().slots)
    return {parameter: one for parameter, one in found.items() if parameter not in idle}


def _built(parameter: str, name: str, tag: str, account: Account, shell: Shell) -> Finding:
    """An image of this copy of Seqdrop: under its sources' hash, or yet to be built."""
    repository = f"{PREFIX}/{name}"
    if image := account.container_image(repository, tag=tag):
        says = f"{parameter}: {repository} has {tag} already, nothing to build"
        return _runs(says, image, "remove it from the repository, and deploy again")
    if fault := archive_fault(Recipe.of(name, parameter)):
        return fail(f"{parameter}: the image {name} can't be built: {fault}", _ARCHIVES)
    if shell.answers(*DOCKER):
        return ok(
            f"{parameter}: `seqdrop deploy` builds {repository}:{tag} with Docker, and pushes it"
        )
    return fail(
        f"{parameter}: {repository} has no {tag} yet, and no Docker engine answers that could "
        "build it",
        f"{_BUILD}; or give --parameter {parameter}=…@sha256:…",
    )


def _container_image(name: str, image: str, account: Account) -> Finding:
    if "@sha256:" not in image:
        return fail(
            f"{name} {image} is not named by its digest, which is part of every result's key",
            "name it <repository>@sha256:…",
        )
    parts = _ECR_IMAGE.fullmatch(image)
    if parts is None:
        return warn(f"{name} {image} is not in ECR: whether it is there was not looked at")
    if parts["region"] != account.region:
        return warn(f"{name} is in {parts['region']}: each host pulls it across regions, at a cost")
    found = account.container_image(
        parts["repository"], digest=parts["digest"], registry=parts["registry"]
    )
    if found is None:
        return fail(
            f"{name}: {parts['repository']} has no {parts['digest']}",
            "push it, or give another digest",
        )
    build = f"build it with `docker build --platform {_PLATFORM}`"
    return _runs(f"{name} is in {parts['repository']}", found, build)


def _runs(says: str, image: ContainerImage, do: str) -> Finding:
    """Whether hosts can run it, where ECR tells for which machines it is."""
    if image.platforms and _PLATFORM not in image.platforms:
        return fail(
            f"{says}, but it is for {', '.join(image.platforms)}: the hosts are {_PLATFORM}",
            do,
        )
    return ok(says)
