"""What would stop a deployment: parameters, programs, this machine's disk, DRAGEN's licence."""

from collections.abc import Iterator
from pathlib import Path

from cli.deployment import KINDS, PLACEHOLDER, broken_rules, faults
from cli.doctor.account import Account
from cli.doctor.findings import Finding, Wanted, fail, ok, warn
from cli.doctor.hosts import DRAGEN_TAG, LICENCE_PARAMETER, dragen_wanted
from cli.library_check import mistakes_in_library
from cli.shell import PYTHON_FOR_LAMBDA, Shell
from cli.stack import PIPELINES
from runner.licence import OLDEST
from seqdrop.disk import LEAST_FREE_MIB


def check_parameters(wanted: Wanted) -> Iterator[Finding]:
    """Would CloudFormation take every parameter?"""
    wrong = faults(wanted.declared, wanted.given)
    found = sorted(fault for fault in wrong if fault[0] not in wanted.built)
    for name, why in found:
        yield fail(f"{name}: {why}", _MEND)
    if not found:
        yield ok(f"{len(wanted.given)} given, the others by default")


def check_library(wanted: Wanted) -> Iterator[Finding]:
    """Are the lab's pipelines, assays and prices, which go with the deployment, right?"""
    mistakes = mistakes_in_library(PIPELINES)
    for mistake in mistakes:
        yield fail(mistake, "mend the file")
    if not mistakes:
        yield ok("every pipeline, assay and price is as it should be")
        yield from _default_assay(wanted)


def _default_assay(wanted: Wanted) -> Iterator[Finding]:
    """Can samples run for which nobody names an assay?"""
    assays, default = wanted.library.assays(), wanted.library.default_assay
    missing = wanted.missing_queues(assays[default])
    if missing:
        runs = [name for name, assay in assays.items() if not wanted.missing_queues(assay)]
        instead = f"set `default: {runs[0]}` in pipelines/assays.yaml" if runs else "add one"
        yield warn(
            f"the default assay {default} needs the queue {', '.join(missing)}, which is not to be "
            "deployed: samples without an assay will be held",
            f"{instead} before you deploy, or name an assay with every upload",
        )


def check_rules(wanted: Wanted) -> Iterator[Finding]:
    """Do the parameters go together, as the template's rules say, and with the region?"""
    for why in broken_rules(wanted.given):
        yield fail(why, _MEND)
    if wanted.makes_network:
        for zone in wanted.values("NetworkZones"):
            if not zone.startswith(wanted.region):
                yield fail(f"NetworkZones: {zone} is no zone of {wanted.region}", _MEND)


_MEND = "mend samconfig.toml, or give --parameter Name=value"


def check_programs(shell: Shell) -> Iterator[Finding]:
    """Is there on this machine what `seqdrop deploy` calls?"""
    if shell.answers(*PYTHON_FOR_LAMBDA):
        yield ok("Python 3.13, for `make build`")
    else:
        yield fail(
            "`make build` needs make and Lambda's Python 3.13", "put make and python3.13 on PATH"
        )


def check_disk(folder: Path, free_bytes: int) -> Finding:
    """Has this machine's disk room for a sample, where the embedded runtime keeps its files?"""
    free = free_bytes / 1e9
    says = f"{folder} has {free:.1f} GB free"
    if free_bytes < LEAST_FREE_MIB << 20:
        return fail(f"{says}: uploads and jobs will fail for want of space", _OTHER_DISK)
    if free < _SMALL_GB:
        return warn(f"{says}: a sample takes some ten times its FASTQ files", _OTHER_DISK)
    return ok(says)


_SMALL_GB = 20.0
_OTHER_DISK = "free some, or start the runtime on another disk: seqdrop local up --dir DIR"


def check_licence(wanted: Wanted, account: Account) -> Iterator[Finding]:
    """Can DRAGEN get its licence, and is any left?"""
    if not wanted.has_fpga:
        return
    secret = wanted.parameters.get(LICENCE_PARAMETER, "")
    if not secret:
        yield warn(f"there is no {LICENCE_PARAMETER}", "right only if the AMI has its licence")
    elif secret.startswith(PLACEHOLDER):
        return
    else:
        yield _secret(secret, wanted, account)
        yield from _too_old_for_it(wanted, account)
    counted = wanted.stack.of("AWS::Batch::ConsumableResource") if wanted.stack else []
    for resource in counted:
        free, total = account.licences(resource.id)
        says = f"{free} of {total} DRAGEN licences are free"
        yield ok(says) if free else warn(says, "jobs wait until one is given back")


_KEY_PARAMETER = "DragenLicenceKmsKeyArn"


def _secret(arn: str, wanted: Wanted, account: Account) -> Finding:
    """The licence's secret, and the key that its reader must be allowed to use."""
    secret = account.secret(arn)
    if secret is None:
        return fail(f"there is no secret {arn}", "store the licence in Secrets Manager")
    if secret.arn != arn:
        return fail(
            f"{arn} is not the whole ARN of the licence's secret, and no job could read it",
            f"give --parameter {LICENCE_PARAMETER}={secret.arn}",
        )
    if not secret.key or secret.key == wanted.parameters.get(_KEY_PARAMETER):
        return ok("the licence's secret is there")
    says = f"the licence's secret is encrypted with {secret.key}, which no job may use"
    if _KEY_PARAMETER in wanted.declared:
        return fail(says, f"give --parameter {_KEY_PARAMETER}={secret.key}")
    return fail(says, "encrypt the secret with Secrets Manager's own key (aws/secretsmanager)")


def _too_old_for_it(wanted: Wanted, account: Account) -> Iterator[Finding]:
    """The pipelines and AMIs whose DRAGEN takes no licence from a file."""
    for kind in [each for each in wanted.kinds if each != "cpu"]:
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
