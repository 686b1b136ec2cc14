"""Can DRAGEN get its licence, and is it of a version that takes one from a file?"""

from collections.abc import Iterator

from cli.deployment import KINDS, PLACEHOLDER
from cli.doctor.account import Account
from cli.doctor.findings import Finding, Wanted, fail, ok, warn
from cli.doctor.hosts import (
    DRAGEN_TAG,
    LICENCE_PARAMETER,
    SOFTWARE_LICENCE_PARAMETER,
    dragen_wanted,
)
from runner.licence import OLDEST
from seqdrop.domain.pipeline import is_fpga


def check_licence(wanted: Wanted, account: Account) -> Iterator[Finding]:
    """Can DRAGEN get its licence, and is any left?"""
    software = wanted.parameters.get(SOFTWARE_LICENCE_PARAMETER, "")
    if software and not software.startswith(PLACEHOLDER):
        yield _secret(software, SOFTWARE_LICENCE_PARAMETER, wanted, account)
    if not wanted.has_fpga:
        return
    secret = wanted.parameters.get(LICENCE_PARAMETER, "")
    if not secret:
        yield warn(f"there is no {LICENCE_PARAMETER}", "right only if the AMI has its licence")
    elif secret.startswith(PLACEHOLDER):
        return
    else:
        yield _secret(secret, LICENCE_PARAMETER, wanted, account)
        yield from _too_old_for_it(wanted, account)
    resources = wanted.stack.of("AWS::Batch::ConsumableResource") if wanted.stack else []
    for resource in resources:
        if "-gate-" in resource.id:  # of a kind of queues
            continue
        free, total = account.licences(resource.id)
        says = f"{free} of {total} DRAGEN licences are free"
        yield ok(says) if free else warn(says, "jobs wait until one is given back")


_KEY_PARAMETER = "DragenLicenceKmsKeyArn"


def _secret(arn: str, parameter: str, wanted: Wanted, account: Account) -> Finding:
    """A licence's secret, and the key that its reader must be allowed to use."""
    secret = account.secret(arn)
    if secret is None:
        return fail(f"there is no secret {arn}", "store the licence in Secrets Manager")
    if secret.arn != arn:
        return fail(
            f"{arn} is not the whole ARN of the licence's secret, and no job could read it",
            f"give --parameter {parameter}={secret.arn}",
        )
    if not secret.key or secret.key == wanted.parameters.get(_KEY_PARAMETER):
        return ok("the licence's secret is there")
    says = f"the licence's secret is encrypted with {secret.key}, which no job may use"
    if _KEY_PARAMETER in wanted.declared:
        return fail(says, f"give --parameter {_KEY_PARAMETER}={secret.key}")
    return fail(says, "encrypt the secret with Secrets Manager's own key (aws/secretsmanager)")


def _too_old_for_it(wanted: Wanted, account: Account) -> Iterator[Finding]:
    """The pipelines and AMIs whose DRAGEN takes no licence from a file."""
    for kind in [each for each in wanted.kinds if is_fpga(each)]:
        for pipeline, version in dragen_wanted(wanted.library, kind).items():
            if _is_too_old(version):
                yield fail(f"pipeline {pipeline} wants DRAGEN {version}, {_NO_OPTION}", _NEWER)
        for ami in wanted.values(f"{KINDS[kind]}Ami"):
            image = account.image(ami)
            version = image.tags.get(DRAGEN_TAG, "") if image else ""
            if _is_too_old(version):
                yield fail(f"{KINDS[kind]}Ami {ami} ran DRAGEN {version}, {_NO_OPTION}", _NEWER)


_NO_OPTION = f"and DRAGEN before {'.'.join(map(str, OLDEST))} takes no licence from a file"
_NEWER = f"use a newer DRAGEN; or give no {LICENCE_PARAMETER}, if the AMI has its licence"


def _is_too_old(version: str) -> bool:
    """Whether a version is surely before the first that takes a licence; ``4`` may be 4.4."""
    parts = tuple(int(part) for part in version.split(".") if part.isdecimal())[: len(OLDEST)]
    return bool(parts) and parts < OLDEST[: len(parts)]
