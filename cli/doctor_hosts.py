"""Would the hosts start, and have what they need: zones, AMIs, images, ways through the network."""

import re
from collections.abc import Iterator, Mapping

from cli.account import Account, Subnet
from cli.deployment import KINDS, PLACEHOLDER
from cli.findings import Finding, Wanted, fail, ok, warn
from seqdrop.library import Library

FPGA_TYPE = "f2.6xlarge"
DRAGEN_TAG = "seqdrop:dragen"
"""On an AMI: the DRAGEN version in it, set by who tried it on an F2 host."""

_ECR_IMAGE = re.compile(
    r"(?P<registry>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/"
    r"(?P<repository>[^@:]+)@(?P<digest>sha256:[0-9a-f]{64})"
)


def check_fpga_zones(wanted: Wanted, account: Account) -> Iterator[Finding]:
    """Are there F2 hosts where the subnets are?"""
    if not wanted.has_fpga:
        yield ok("EnableFpga is false: assays on FPGA are held with a message")
        return
    offered = account.zones_with(FPGA_TYPE)
    if not offered:
        yield fail(f"{FPGA_TYPE} is not offered in {account.region}", _OTHER_REGION)
        return
    zones = _zones(wanted, account)
    there = sorted(zones & offered)
    if zones and not there:
        yield fail(
            f"{FPGA_TYPE} is offered in {', '.join(sorted(offered))}, but the subnets are in "
            f"{', '.join(sorted(zones))}",
            "give subnets in a zone that offers it (SubnetIds, or NetworkZones)",
        )
    elif len(there) < len(zones):
        yield warn(f"of the subnets' zones, {FPGA_TYPE} is offered in {', '.join(there)} only")
    else:
        yield ok(f"{FPGA_TYPE} is offered in {', '.join(there or sorted(offered))}")


_OTHER_REGION = "set EnableFpga=false (assays on FPGA are then held), or choose another region"


def _zones(wanted: Wanted, account: Account) -> set[str]:
    """The zones of the given subnets, or the two that the template's own network takes."""
    if wanted.makes_network:
        return set(wanted.values("NetworkZones") or account.zones()[:2])
    return {subnet.zone for subnet in account.subnets(wanted.values("SubnetIds"))}


def check_host_images(wanted: Wanted, account: Account) -> Iterator[Finding]:
    """Can the FPGA hosts' AMIs drive the board, with the DRAGEN that the pipelines want?"""
    for kind in wanted.kinds:
        name = f"{KINDS[kind]}Ami"
        ami = wanted.parameters.get(name, "")
        if kind == "cpu" or ami.startswith(PLACEHOLDER):
            continue
        if not ami:
            yield fail(f"{name} is empty, and EnableFpga is true", "see docs/deploy.md, FPGA hosts")
        else:
            yield _host_image(f"{name} {ami}", ami, dragen_wanted(wanted.library, kind), account)


def _host_image(what: str, ami: str, versions: Mapping[str, str], account: Account) -> Finding:
    image = account.image(ami)
    if image is None:
        return fail(f"{what}: there is no such AMI in {account.region}, or it is not shared", _COPY)
    if image.state != "available" or image.architecture != "x86_64" or not image.has_ena:
        return fail(
            f"{what} can't start on {FPGA_TYPE}: it is {image.state}, {image.architecture}, "
            f"{'with' if image.has_ena else 'without'} ENA", "give an available x86_64 AMI with ENA"
        )  # fmt: skip
    has = image.tags.get(DRAGEN_TAG)
    if has is None:
        return fail(
            f"{what}: nothing says that it has the FPGA driver and DRAGEN",
            f"when it has run DRAGEN on an F2 host, tag it {DRAGEN_TAG}=<DRAGEN's version>",
        )
    wrong = {name: version for name, version in versions.items() if not _is_of(has, version)}
    if wrong:
        wants = ", ".join(f"{name} wants {version}" for name, version in sorted(wrong.items()))
        return fail(f"{what} has DRAGEN {has}, but {wants}", "give an AMI of that version")
    return ok(f"{what} has DRAGEN {has}")


_COPY = "copy the AMI into this region and account, or share it with this account"


def _is_of(version: str, wanted: str) -> bool:
    """Whether a version is the wanted one, or one of its patch releases."""
    return version == wanted or version.startswith(f"{wanted}.")


def dragen_wanted(library: Library, kind: str) -> dict[str, str]:
    """The DRAGEN versions that pipelines want of the hosts of a queue, by pipeline."""
    pipelines = [library.pipeline(name) for name in library.pipeline_names()]
    return {
        pipeline.name: pipeline.dragen
        for pipeline in pipelines
        if pipeline.dragen and any(stage.queue == kind for stage in pipeline.stages.values())
    }


def check_container_images(wanted: Wanted, account: Account) -> Iterator[Finding]:
    """Are the jobs' images where the hosts will pull them?"""
    for kind in wanted.kinds:
        name = f"{KINDS[kind]}Image"
        image = wanted.parameters.get(name, "")
        if name in wanted.built:
            yield ok(f"{name} is not given: `seqdrop deploy` builds it, with Docker, and pushes it")
        elif not image.startswith(PLACEHOLDER):
            yield _container_image(name, image, account)


def _container_image(name: str, image: str, account: Account) -> Finding:
    if not image:
        return fail(
            f"{name} is empty", "push an image (docs/deploy.md, Images), and give its digest"
        )
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
    if account.has_container_image(parts["registry"], parts["repository"], parts["digest"]):
        return ok(f"{name} is in {parts['repository']}")
    return fail(
        f"{name}: {parts['repository']} has no {parts['digest']}", "push it, or give another digest"
    )


def check_network(wanted: Wanted, account: Account) -> Iterator[Finding]:
    """Do hosts reach S3, the services that they need, and DRAGEN's licence server?"""
    if wanted.makes_network:
        if wanted.values("SubnetIds") or wanted.values("SecurityGroupIds"):
            yield fail("CreateNetwork is true, and there are SubnetIds too", "give one of both")
        yield ok("the template makes a network of its own, with endpoints and no way out")
        if wanted.has_fpga:
            yield warn("from that network no licence server on the internet can be reached", _NAT)
        return
    ids = wanted.values("SubnetIds")
    if not ids:
        yield fail("there are no SubnetIds", "give private subnets, or set CreateNetwork=true")
        return
    if not wanted.parameters.get("SecurityGroupIds"):
        yield fail("there are no SecurityGroupIds", "give one that lets hosts out, and nobody in")
    found = {subnet.id: subnet for subnet in account.subnets(ids)}
    for missing in [one for one in ids if one not in found]:
        yield fail(f"there is no subnet {missing} in {account.region}", "mend SubnetIds")
    for subnet in found.values():
        yield from _ways_out(subnet, wanted)


def _ways_out(subnet: Subnet, wanted: Wanted) -> Iterator[Finding]:
    way = subnet.default_route
    where = f"{subnet.id} ({subnet.zone})"
    if not way and not subnet.s3_endpoint:
        yield fail(f"{where} has no route to S3", f"add S3's gateway endpoint to {subnet.vpc}")
        return
    if way.startswith("igw-") and not subnet.gives_public_addresses:
        yield fail(f"{where} goes out by {way}, but gives no public addresses", _PRIVATE)
    elif way.startswith("igw-"):
        yield warn(f"{where} is public: hosts get public addresses", _PRIVATE)
    elif not way:
        yield from _closed(subnet, where, wanted)
    elif not subnet.s3_endpoint:
        yield warn(f"{where} reaches S3 by {way} only: every gigabyte is billed", _GATEWAY)
    else:
        yield ok(f"{where} reaches S3 by its endpoint, and all else by {way}")


def _closed(subnet: Subnet, where: str, wanted: Wanted) -> Iterator[Finding]:
    """A subnet without a default route lives on endpoints alone."""
    missing = sorted(_HOSTS_NEED - subnet.endpoints)
    if missing:
        yield fail(f"{where} has no way to {', '.join(missing)}", "add interface endpoints, or NAT")
    else:
        yield ok(f"{where} reaches S3 and the services by endpoints")
    if wanted.has_fpga:
        yield warn(f"from {where} no licence server on the internet can be reached", _NAT)


_HOSTS_NEED = frozenset({"ecr.api", "ecr.dkr", "ecs", "ecs-agent", "ecs-telemetry", "logs"})
_NAT = "if DRAGEN's licence is asked for over the internet, give subnets behind a NAT gateway"
_PRIVATE = "give private subnets behind a NAT gateway, or with endpoints"
_GATEWAY = "add S3's gateway endpoint: it costs nothing"
