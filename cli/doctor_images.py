"""Are the jobs' images where the hosts will pull them, and will hosts of x86_64 run them?"""

import re
from collections.abc import Iterator

from cli.account import Account
from cli.deployment import KINDS, PLACEHOLDER
from cli.facts import ContainerImage
from cli.findings import Finding, Wanted, fail, ok, warn
from cli.images import PREFIX
from cli.shell import DOCKER, Shell

_PLATFORM = "linux/amd64"
_ECR_IMAGE = re.compile(
    r"(?P<registry>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/"
    r"(?P<repository>[^@:]+)@(?P<digest>sha256:[0-9a-f]{64})"
)


def check_container_images(wanted: Wanted, account: Account, shell: Shell) -> Iterator[Finding]:
    """The images that were given, those that `seqdrop deploy` builds, and those of the stack."""
    looked_at = set()
    for kind in wanted.kinds:
        name = f"{KINDS[kind]}Image"
        image = wanted.parameters.get(name, "")
        if name in wanted.built:
            yield _built(name, *wanted.built[name], account, shell)
        elif image and not image.startswith(PLACEHOLDER):
            looked_at.add(image)
            yield _container_image(name, image, account)
    if wanted.stack is not None:
        definitions = [one.id for one in wanted.stack.of("AWS::Batch::JobDefinition")]
        for name, image in account.images_of_jobs(definitions).items():
            if image not in looked_at:
                yield _container_image(f"job definition {name}", image, account)


def _built(name: str, kind: str, tag: str, account: Account, shell: Shell) -> Finding:
    """An image of this copy of Seqdrop: under its sources' hash, or yet to be built."""
    repository = f"{PREFIX}/{kind}"
    if image := account.container_image(repository, tag=tag):
        return _runs(f"{name}: {repository} has {tag} already, nothing to build", image)
    if shell.answers(*DOCKER):
        return ok(f"{name}: `seqdrop deploy` builds {repository}:{tag} with Docker, and pushes it")
    return fail(
        f"{name}: {repository} has no {tag} yet, and no Docker engine answers that could build it",
        "start one; or run `seqdrop deploy --images-only` on a machine that has one; or give "
        f"--parameter {name}=…@sha256:…",
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
    return _runs(f"{name} is in {parts['repository']}", found)


def _runs(says: str, image: ContainerImage) -> Finding:
    """Whether hosts can run it, where ECR tells for which machines it is."""
    if image.platforms and _PLATFORM not in image.platforms:
        return fail(
            f"{says}, but it is for {', '.join(image.platforms)}: the hosts are {_PLATFORM}",
            f"build it with `docker build --platform {_PLATFORM}`",
        )
    return ok(says)
