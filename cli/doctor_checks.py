"""What would stop a deployment: parameters, programs, this machine's disk, DRAGEN's licence."""

from collections.abc import Iterator
from pathlib import Path

from cli.account import Account
from cli.deployment import PLACEHOLDER, broken_rules, faults
from cli.findings import Finding, Wanted, fail, ok, warn
from cli.library_check import mistakes_in_library
from cli.shell import PYTHON_FOR_LAMBDA, Shell
from cli.stack import PIPELINES
from seqdrop.disk import LEAST_FREE_MIB


def check_parameters(wanted: Wanted) -> Iterator[Finding]:
    """Would CloudFormation take every parameter?"""
    wrong = faults(wanted.declared, wanted.given)
    found = sorted(fault for fault in wrong if fault[0] not in wanted.built)
    for name, why in found:
        yield fail(f"{name}: {why}", _MEND)
    if not found:
        yield ok(f"{len(wanted.given)} given, the others by default")


def check_library() -> Iterator[Finding]:
    """Are the lab's pipelines, assays and prices, which go with the deployment, right?"""
    mistakes = mistakes_in_library(PIPELINES)
    for mistake in mistakes:
        yield fail(mistake, "mend the file")
    if not mistakes:
        yield ok("every pipeline, assay and price is as it should be")


def check_rules(wanted: Wanted) -> Iterator[Finding]:
    """Do the parameters go together, as the template's rules say?"""
    for why in broken_rules(wanted.given):
        yield fail(why, _MEND)


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
    secret = wanted.parameters.get("DragenLicenceSecretArn", "")
    if not secret:
        yield warn("there is no DragenLicenceSecretArn", "right only if the AMI has its licence")
    elif secret.startswith(PLACEHOLDER):
        return
    else:
        yield _secret(secret, wanted, account)
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
    if not secret.key or secret.key == wanted.parameters.get(_KEY_PARAMETER):
        return ok("the licence's secret is there")
    says = f"the licence's secret is encrypted with {secret.key}, which no job may use"
    if _KEY_PARAMETER in wanted.declared:
        return fail(says, f"give --parameter {_KEY_PARAMETER}={secret.key}")
    return fail(says, "encrypt the secret with Secrets Manager's own key (aws/secretsmanager)")
