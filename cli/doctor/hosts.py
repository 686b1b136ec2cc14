"""Would the hosts start, and have what they need: types, zones, AMIs, ways through the network."""

from collections.abc import Iterator, Mapping

from cli.deployment import KINDS, PLACEHOLDER
from cli.doctor.account import Account
from cli.doctor.facts import Image, Subnet
from cli.doctor.findings import Finding, Wanted, fail, ok, warn
from seqdrop.domain.cost import ROOT_GIB
from seqdrop.domain.pipeline import is_fpga
from seqdrop.library import Library

FPGA_TYPE = "f2.6xlarge"
ROOT_DEVICES = ("/dev/sda1", "/dev/xvda")
"""Those that FpgaRootDevice may name, its default first."""
DRAGEN_TAG = "seqdrop:dragen"
"""On an AMI: the DRAGEN version in it, set by who tried it on an F2 host."""
LICENCE_PARAMETER = "DragenLicenceSecretArn"
SOFTWARE_LICENCE_PARAMETER = "DragenSoftwareLicenceSecretArn"
"""That of DRAGEN's software mode, on CPU hosts."""


def check_fpga_zones(wanted: Wanted, account: Account) -> Iterator[Finding]:
    """Are there F2 hosts where the subnets are?"""
    if not wanted.has_fpga:
        yield ok("EnableFpga is false: assays on FPGA are held with a message")
        return
    offered = account.offered([FPGA_TYPE]).get(FPGA_TYPE, set())
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


def check_cpu_types(wanted: Wanted, account: Account) -> Iterator[Finding]:
    """Does the region offer the types of the CPU hosts? Batch refuses those that it does not."""
    types = _cpu_types(wanted)
    offered = account.offered(types)
    missing = [one for one in types if not any(_is_named(name, one) for name in offered)]
    if missing:
        do = "choose another region"
        if "CpuInstanceTypes" in wanted.declared:
            left = ",".join(one for one in types if one not in missing)
            do = f"give --parameter CpuInstanceTypes={left}" if left else "give CpuInstanceTypes"
        yield fail(f"{account.region} does not offer {', '.join(missing)}", do)
        return
    zones = _zones(wanted, account)
    there = zones & {zone for each in offered.values() for zone in each}
    if zones and not there:
        where = ", ".join(sorted(zones))
        yield fail(f"no zone of the subnets ({where}) offers a CPU host", "give other subnets")
    else:
        yield ok(f"{account.region} offers all {len(types)} types of CPU hosts")


def _cpu_types(wanted: Wanted) -> list[str]:
    """Types and families of the CPU hosts, as the parameter or the template itself has them."""
    if given := wanted.values("CpuInstanceTypes"):
        return given
    named = [
        one["ComputeResources"].get("InstanceTypes", [])
        for one in wanted.of("AWS::Batch::ComputeEnvironment")
    ]
    types = {each for one in named if isinstance(one, list) for each in one}
    return sorted(one for one in types if isinstance(one, str) and one != FPGA_TYPE)


def _is_named(instance_type: str, name: str) -> bool:
    """Whether a name of a type, or of a family, means this type."""
    return instance_type == name or instance_type.startswith(f"{name}.")


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
        if ami and is_fpga(kind) and not ami.startswith(PLACEHOLDER):
            what, image = f"{name} {ami}", account.image(ami)
            if image is None:
                where = f"there is no such AMI in {account.region}, or it is not shared"
                yield fail(f"{what}: {where}", _COPY)
                continue
            device = wanted.parameters.get("FpgaRootDevice") or ROOT_DEVICES[0]
            bad = _bad_root(what, image, device)
            yield bad or _host_image(what, image, dragen_wanted(wanted.library, kind))


def _bad_root(what: str, image: Image, device: str) -> Finding | None:
    """What is wrong with an AMI's root volume, which the hosts' launch template encrypts."""
    if not image.root_device:
        return fail(f"{what} has no EBS volume as its root", "make the AMI of an EBS-backed host")
    if image.root_device != device:
        do = "make the AMI of another base"
        if image.root_device in ROOT_DEVICES:
            do = f"give --parameter FpgaRootDevice={image.root_device}"
        return fail(
            f"{what} has its root volume at {image.root_device}, not at {device}: the hosts' would "
            "not be encrypted, and keep the AMI's size", do,
        )  # fmt: skip
    if image.root_gib > ROOT_GIB:
        return fail(
            f"{what} has a root volume of {image.root_gib} GiB, and the hosts' have {ROOT_GIB}: "
            "EC2 starts none of them", f"make the AMI of a host with at most {ROOT_GIB} GiB"
        )  # fmt: skip
    return None


def _host_image(what: str, image: Image, versions: Mapping[str, str]) -> Finding:
    if image.state != "available" or image.architecture != "x86_64" or not image.has_ena:
        return fail(
            f"{what} can't start on {FPGA_TYPE}: it is {image.state}, {image.architecture}, "
            f"{'with' if image.has_ena else 'without'} ENA", "give an available x86_64 AMI with ENA"
        )  # fmt: skip
    has = image.tags.get(DRAGEN_TAG)
    if has is None:
        return fail(
            f"{what}: nothing says that DRAGEN has run on it",
            f"when it has run DRAGEN on an F2 host, tag it {DRAGEN_TAG}=<DRAGEN's version>",
        )
    wrong = {name: version for name, version in versions.items() if not _is_of(has, version)}
    if wrong:
        wants = ", ".join(f"{name} wants {version}" for name, version in sorted(wrong.items()))
        return fail(f"{what} ran DRAGEN {has}, but {wants}", "give an AMI of that version")
    if not image.is_allowed:
        return warn(
            f"{what} ran DRAGEN {has}, but is not among the AMIs that this account allows",
            "add it to EC2's Allowed AMIs: where that list is enforced, no host starts",
        )
    return ok(f"{what} ran DRAGEN {has}")


_COPY = (
    "copy the AMI into this region and account, share it with this account, or add it to EC2's "
    "Allowed AMIs"
)


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


def check_network(wanted: Wanted, account: Account) -> Iterator[Finding]:
    """Do hosts reach S3, the services that they need, and DRAGEN's licence server?"""
    if wanted.makes_network:
        yield ok("the template makes a network of its own, with endpoints and no way out")
        if wanted.has_fpga and not wanted.values(LICENCE_PARAMETER):  # a rule refuses it with one
            yield warn("from that network no licence server on the internet can be reached", _NAT)
        return
    ids = wanted.values("SubnetIds")
    if not ids:
        return  # the template's rules say so
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
    asks = wanted.has_fpga and wanted.values(LICENCE_PARAMETER)
    if asks or wanted.values(SOFTWARE_LICENCE_PARAMETER):
        yield fail(
            f"from {where} DRAGEN can't reach its licence server, which is on the internet",
            "give subnets behind a NAT gateway",
        )
    elif wanted.has_fpga:
        yield warn(f"from {where} no licence server on the internet can be reached", _NAT)


_HOSTS_NEED = frozenset({"ecr.api", "ecr.dkr", "ecs", "ecs-agent", "ecs-telemetry", "logs"})
_NAT = "if DRAGEN's licence is asked for over the internet, give subnets behind a NAT gateway"
_PRIVATE = "give private subnets behind a NAT gateway, or with endpoints"
_GATEWAY = "add S3's gateway endpoint: it costs nothing"
