"""What would stop a deployment: parameters, programs, this machine's disk, quotas, licence."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cli.account import Account
from cli.deployment import PLACEHOLDER, TEMPLATE, faults
from cli.findings import Finding, Wanted, fail, ok, warn
from cli.shell import DOCKER, PYTHON_FOR_LAMBDA, Shell

FPGA_VCPUS = 24
_F_QUOTA = ("L-74FC7D96", "Running On-Demand F instances")
_STANDARD_QUOTA = ("L-1216C47A", "Running On-Demand Standard instances")
_SPOT_QUOTA = ("L-34B43A08", "All Standard Spot Instance Requests")
_LARGEST_CPU_JOB = 16
_SMALLEST_CPU_HOST = 16
"""vCPUs of a 4xlarge, the smallest of the template's CPU hosts: it has a host's whole scratch."""
_ROOT_GIB = 100
"""The root volume of each host, as the template's launch templates say."""
_MACHINE_FUNCTIONS = 3
"""Executions left to the functions that the state machine calls."""
_MOST_OF_BATCH = 50
"""Compute environments, and job queues, of a region; Batch does not raise it."""


def check_parameters(wanted: Wanted, _: Account) -> Iterator[Finding]:
    """Would CloudFormation take every parameter?"""
    wrong = faults(wanted.declared, wanted.given)
    found = sorted(fault for fault in wrong if fault[0] not in wanted.built)
    for name, why in found:
        yield fail(f"{name}: {why}", _MEND)
    if not found:
        yield ok(f"{len(wanted.given)} given, the others by default")


def check_rules(wanted: Wanted, region: str) -> Iterator[Finding]:
    """Do the parameters go together, as the template's rules say?"""
    from local.conditions import broken_rules
    from local.transform import transformed

    body = transformed(TEMPLATE.read_text("utf-8"), region)
    for why in broken_rules(body, wanted.given):
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


def check_docker(wanted: Wanted, shell: Shell) -> Iterator[Finding]:
    """Can images be built here? Whether they have to be, only the account tells."""
    if wanted.built and not shell.answers(*DOCKER):
        yield warn(
            f"no Docker engine answers: {', '.join(sorted(wanted.built))} can't be built here",
            "start one, unless ECR has the image of these sources already; or build it elsewhere "
            "with `seqdrop deploy --images-only`",
        )


def check_disk(folder: Path, free_bytes: int) -> Finding:
    """Has this machine's disk room for a sample, where the embedded runtime keeps its files?"""
    free = free_bytes / 1e9
    says = f"{folder} has {free:.1f} GB free"
    if free_bytes < _LEAST_BYTES:
        return fail(f"{says}: uploads and jobs will fail for want of space", _OTHER_DISK)
    if free < _SMALL_GB:
        return warn(f"{says}: a sample takes some ten times its FASTQ files", _OTHER_DISK)
    return ok(says)


_LEAST_BYTES = 256 << 20
"""What `seqdrop local up` asks for to start at all."""
_SMALL_GB = 20.0
_OTHER_DISK = "free some, or start the runtime on another disk: seqdrop local up --dir DIR"


def check_quotas(wanted: Wanted, account: Account) -> Iterator[Finding]:
    """May so many vCPUs run at once?"""
    cpus = wanted.number("MaxCpuVcpus")
    needs = [(*_SPOT_QUOTA, cpus, _LARGEST_CPU_JOB), (*_STANDARD_QUOTA, cpus, _LARGEST_CPU_JOB)]
    if wanted.has_fpga:
        needs.append((*_F_QUOTA, 2 * wanted.number("MaxFpgaVcpus"), FPGA_VCPUS))
    for code, name, most, least in needs:
        has = account.quota(code)
        says = f"{name} ({code}): {has:g} vCPUs, {most} wanted at the most"
        do = f"ask for {most} at Service Quotas; it can take days"
        if has < least:
            yield fail(f"{says}; the smallest job needs {least}", do)
        elif has < most:
            yield warn(f"{says}: samples will wait for each other", do)
        else:
            yield ok(says)


def check_storage(wanted: Wanted, account: Account) -> Iterator[Finding]:
    """Is there EBS storage for scratch and root volumes of as many hosts as may run?"""
    host = wanted.number("ScratchGib") + _ROOT_GIB
    most = wanted.number("MaxCpuVcpus") // _SMALLEST_CPU_HOST * host
    if wanted.has_fpga:
        most += 2 * wanted.number("MaxFpgaVcpus") // FPGA_VCPUS * _ROOT_GIB
    has = account.quota("L-7A658B76", "ebs")
    says = (
        f"Storage for gp3 volumes (L-7A658B76): {has:g} TiB, {most / 1024:.1f} wanted at the most"
    )
    do = f"ask for {-(-most // 1024)} at Service Quotas (EBS), or set a smaller ScratchGib"
    if has * 1024 < host:
        yield fail(f"{says}; one host has {host} GiB", do)
    elif has * 1024 < most:
        yield warn(f"{says}: further hosts will not start", do)
    else:
        yield ok(says)


def check_functions(wanted: Wanted, account: Account) -> Iterator[Finding]:
    """May so many functions run at once as the event sources may call?"""
    sources = wanted.of("AWS::Lambda::EventSourceMapping")
    wants = sum(_concurrency(one, wanted) for one in sources) + _MACHINE_FUNCTIONS
    has = account.concurrency()
    says = f"Lambda's concurrent executions (L-B99A9384): {has} free, {wants} wanted at the most"
    if has >= wants:
        yield ok(says)
        return
    do = f"ask for {max(1000, wants)} at Service Quotas (Lambda)"
    if "EventConcurrency" in wanted.declared:
        do += "; till then give a smaller EventConcurrency"
    yield warn(f"{says}: where many files come at once, calls wait and are tried again", do)


def _concurrency(source: Mapping[str, Any], wanted: Wanted) -> int:
    """How many executions an event source may have at once; a stream has one for each shard."""
    most = source.get("ScalingConfig", {}).get("MaximumConcurrency", 1)
    return wanted.number(most["Ref"]) if isinstance(most, dict) else int(most)


def check_room(wanted: Wanted, account: Account) -> Iterator[Finding]:
    """Is there room for a new stack's network, compute environments and queues?"""
    if wanted.stack is not None:
        return
    if wanted.makes_network:
        has, quota = account.vpcs(), account.quota("L-F678F1CE", "vpc")
        if has >= quota:
            yield fail(
                f"VPCs per Region (L-F678F1CE): there are {has} of {quota:g}, and "
                "CreateNetwork=true makes one more",
                "ask for more at Service Quotas (VPC), or give SubnetIds of a VPC that is there",
            )
    for kind, parts in (
        ("AWS::Batch::ComputeEnvironment", "computeEnvironments"),
        ("AWS::Batch::JobQueue", "jobQueues"),
    ):
        has, wants = len(account.batch_parts(parts)), len(wanted.of(kind))
        if has + wants > _MOST_OF_BATCH:
            yield fail(
                f"Batch has {has} {parts} in {account.region}, and this makes {wants}; it takes "
                f"{_MOST_OF_BATCH}",
                "remove some that nobody uses, or deploy in another region",
            )


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
