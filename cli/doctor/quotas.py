"""May so much run at once, and is there room for what a deployment makes: quotas of the account."""

from collections.abc import Iterator, Mapping
from typing import Any

from cli.doctor.account import Account
from cli.doctor.findings import Finding, Wanted, fail, ok, warn
from seqdrop.domain.cost import HEAD_SCRATCH_GIB, ROOT_GIB
from seqdrop.domain.workflow import QUEUE

FPGA_VCPUS = 24
_F_QUOTA = ("L-74FC7D96", "Running On-Demand F instances")
_STANDARD_QUOTA = ("L-1216C47A", "Running On-Demand Standard instances")
_SPOT_QUOTA = ("L-34B43A08", "All Standard Spot Instance Requests")
_MACHINE_FUNCTIONS = 3
"""Executions left to the functions that the state machine calls."""
_MOST_OF_BATCH = 50
"""Compute environments, and job queues, of a region; Batch does not raise it."""


def check_plan(_: Wanted, account: Account) -> Iterator[Finding]:
    """Does EC2 start hosts for this account? On AWS' free plan it does not, whatever the quotas.

    It has six types there (t3 and t4g up to small, c7i-flex.large, m7i-flex.large), and refuses
    all others as "not eligible for Free Tier". Jobs stay RUNNABLE meanwhile.
    """
    if account.is_on_free_plan():
        yield fail(
            "the account is on AWS' free plan, on which EC2 starts no host as large as jobs need",
            "upgrade the account's plan (Billing and Cost Management)",
        )
    else:
        yield ok("the account is not on AWS' free plan")


def check_quotas(wanted: Wanted, account: Account) -> Iterator[Finding]:
    """May so many vCPUs run at once?"""
    cpus = wanted.number("MaxCpuVcpus")
    smallest = wanted.smallest_cpu_host
    heads = wanted.number("MaxHeadVcpus") if wanted.has_nextflow else 0
    needs = [(*_SPOT_QUOTA, cpus, smallest), (*_STANDARD_QUOTA, cpus + heads, smallest)]
    if wanted.has_fpga:
        needs.append((*_F_QUOTA, 2 * wanted.number("MaxFpgaVcpus"), FPGA_VCPUS))
    for code, name, most, least in needs:
        has = account.quota(code)
        says = f"{name} ({code}): {has:g} vCPUs, {most} wanted at the most"
        do = f"ask for {most} at Service Quotas; it can take days"
        if has < least:
            yield fail(f"{says}; the smallest host has {least}", do)
        elif has < most:
            yield warn(f"{says}: samples will wait for each other", do)
        else:
            yield ok(says)


def check_storage(wanted: Wanted, account: Account) -> Iterator[Finding]:
    """Is there EBS storage for scratch and root volumes of as many hosts as may run?"""
    host = wanted.number("ScratchGib") + ROOT_GIB
    most = wanted.number("MaxCpuVcpus") // wanted.smallest_cpu_host * host
    if wanted.has_fpga:
        most += 2 * wanted.number("MaxFpgaVcpus") // FPGA_VCPUS * ROOT_GIB
    if wanted.has_nextflow:
        heads = wanted.library.prices().queues[QUEUE].host_vcpus
        most += wanted.number("MaxHeadVcpus") // heads * (ROOT_GIB + HEAD_SCRATCH_GIB)
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
    for kind, plural in (
        ("AWS::Batch::ComputeEnvironment", "computeEnvironments"),
        ("AWS::Batch::JobQueue", "jobQueues"),
    ):
        has, wants = len(account.batch_resources(plural)), len(wanted.of(kind))
        if has + wants > _MOST_OF_BATCH:
            yield fail(
                f"Batch has {has} {plural} in {account.region}, and this makes {wants}; it takes "
                f"{_MOST_OF_BATCH}",
                "remove some that nobody uses, or deploy in another region",
            )
