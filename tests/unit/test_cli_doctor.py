"""`seqdrop doctor`: what it says of accounts that lack something, before anything is made."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from cli.account import Account, Image, Resource, StackFacts, Subnet
from cli.deployment import PROJECT
from cli.doctor_checks import check_licence, check_parameters, check_quotas, check_roles
from cli.doctor_hosts import (
    check_container_images,
    check_fpga_zones,
    check_host_images,
    check_network,
)
from cli.findings import Finding, Verdict, Wanted
from seqdrop.library import Library

DIGEST = "sha256:" + "a" * 64
IMAGE = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/seqdrop/cpu@{DIGEST}"
PARAMETERS = {
    "EnableFpga": "true", "CreateNetwork": "false", "SubnetIds": "subnet-a,subnet-b",
    "SecurityGroupIds": "sg-1", "NetworkZones": "",
    "MaxCpuVcpus": "512", "MaxFpgaVcpus": "192", "DragenLicenceSecretArn": "arn:secret",
    "CpuImage": IMAGE, "FpgaGenomeImage": IMAGE, "FpgaExomeImage": IMAGE,
    "FpgaGenomeAmi": "ami-1", "FpgaExomeAmi": "ami-1",
}  # fmt: skip
PRIVATE = Subnet(
    id="subnet-a", zone="us-east-1a", vpc="vpc-1", gives_public_addresses=False,
    default_route="nat-1", s3_endpoint=True, endpoints=frozenset(),
)  # fmt: skip
HOST_IMAGE = Image("available", "x86_64", True, {"seqdrop:dragen": "4.4.4"})
STACK = StackFacts(
    name="seqdrop", status="CREATE_COMPLETE", parameters={},
    outputs={"UploadsBucket": "u", "ReferencesBucket": "f", "ResultsBucket": "r"},
    resources=(
        Resource("CpuJobRole", "AWS::IAM::Role", "role-1"),
        Resource("DragenLicences", "AWS::Batch::ConsumableResource", "arn:licences"),
    ),
)  # fmt: skip


@dataclass
class Facts:
    """An account in which all is well, unless a test says otherwise."""

    region: str = "us-east-1"
    quotas: dict[str, float] = field(default_factory=dict)
    offered: frozenset[str] = frozenset({"us-east-1a", "us-east-1b"})
    images: Mapping[str, Image] = field(default_factory=lambda: {"ami-1": HOST_IMAGE})
    nets: tuple[Subnet, ...] = (PRIVATE, replace(PRIVATE, id="subnet-b", zone="us-east-1b"))
    pushed: bool = True
    secret: bool = True
    free: int = 3
    spot_role: bool = True
    arn: str = "arn:aws:sts::123456789012:assumed-role/Deployer/me"
    forbidden: frozenset[str] = frozenset()
    asked: list[tuple[str, str]] = field(default_factory=list)

    def identity(self) -> tuple[str, str]:
        return "123456789012", self.arn

    def quota(self, code: str) -> float:
        return self.quotas.get(code, 10_000.0)

    def zones(self) -> list[str]:
        return ["us-east-1a", "us-east-1b", "us-east-1c"]

    def zones_with(self, instance_type: str) -> set[str]:
        assert instance_type == "f2.6xlarge"
        return set(self.offered)

    def image(self, ami: str) -> Image | None:
        return self.images.get(ami)

    def subnets(self, ids: Iterable[str]) -> list[Subnet]:
        return [net for net in self.nets if net.id in ids]

    def has_container_image(self, registry: str, repository: str, digest: str) -> bool:
        assert (registry, repository, digest) == ("123456789012", "seqdrop/cpu", DIGEST)
        return self.pushed

    def has_secret(self, arn: str) -> bool:
        assert arn == "arn:secret"
        return self.secret

    def licences(self, resource: str) -> tuple[int, int]:
        assert resource == "arn:licences"
        return self.free, 4

    def has_role(self, name: str) -> bool:
        assert name == "AWSServiceRoleForEC2Spot"
        return self.spot_role

    def role_arn(self, name: str) -> str:
        return f"arn:aws:iam::123456789012:role/{name}"

    def denied(self, role_arn: str, actions: Iterable[str], resource: str = "*") -> list[str]:
        self.asked.append((role_arn, resource))
        return [action for action in actions if action in self.forbidden]


ALL = (
    check_quotas, check_fpga_zones, check_host_images, check_container_images, check_network,
    check_licence, check_roles,
)  # fmt: skip


def wanted(stack: StackFacts | None = None, **changed: str) -> Wanted:
    parameters = PARAMETERS | changed
    return Wanted({}, parameters, parameters, Library(str(PROJECT / "pipelines")), stack)


def found(check: Any, facts: Facts, asked: Wanted | None = None) -> list[Finding]:
    return list(check(asked or wanted(), cast("Account", facts)))


def verdicts(findings: list[Finding]) -> list[str]:
    return [finding.verdict.value for finding in findings]


@pytest.mark.parametrize("stack", [None, STACK], ids=["before", "after"])
@pytest.mark.parametrize("check", ALL)
def test_nothing_is_in_the_way_where_all_is_there(check: Any, stack: StackFacts | None) -> None:
    findings = found(check, Facts(), wanted(stack))
    assert findings
    assert set(verdicts(findings)) == {"ok"}


@pytest.mark.parametrize(
    ("has", "verdict"), [(0, "fail"), (23, "fail"), (24, "warn"), (383, "warn"), (384, "ok")]
)
def test_the_f_quota_is_held_against_both_kinds_of_fpga_hosts(has: float, verdict: str) -> None:
    findings = found(check_quotas, Facts(quotas={"L-74FC7D96": has}))
    assert verdicts(findings) == ["ok", "ok", verdict]
    assert "Running On-Demand F instances" in findings[2].says


@pytest.mark.parametrize(("has", "verdict"), [(5, "fail"), (16, "warn"), (512, "ok")])
def test_the_spot_quota_is_held_against_the_wanted_size(has: float, verdict: str) -> None:
    assert verdicts(found(check_quotas, Facts(quotas={"L-34B43A08": has})))[0] == verdict


def test_without_fpga_nobody_asks_for_f_instances_amis_or_a_licence() -> None:
    asked = wanted(EnableFpga="false", FpgaGenomeAmi="", FpgaExomeAmi="", FpgaGenomeImage="")
    facts = Facts(quotas={"L-74FC7D96": 0}, offered=frozenset(), images={}, secret=False)
    for check in ALL:
        assert set(verdicts(found(check, facts, asked))) <= {"ok"}


def test_a_region_without_f2_is_told_before_anything_is_made() -> None:
    (finding,) = found(check_fpga_zones, Facts(region="eu-north-1", offered=frozenset()))
    assert finding.verdict is Verdict.FAIL
    assert finding.says == "f2.6xlarge is not offered in eu-north-1"
    assert "EnableFpga=false" in finding.do


def test_subnets_in_zones_without_f2_are_told() -> None:
    (finding,) = found(check_fpga_zones, Facts(offered=frozenset({"us-east-1d"})))
    assert finding.verdict is Verdict.FAIL
    assert "offered in us-east-1d, but the subnets are in us-east-1a, us-east-1b" in finding.says


def test_one_zone_with_f2_is_enough() -> None:
    (finding,) = found(check_fpga_zones, Facts(offered=frozenset({"us-east-1b"})))
    assert finding.verdict is Verdict.WARN


def test_the_templates_own_network_has_the_first_two_zones() -> None:
    asked = wanted(CreateNetwork="true")
    assert verdicts(found(check_fpga_zones, Facts(), asked)) == ["ok"]
    late = Facts(offered=frozenset({"us-east-1c"}))
    assert verdicts(found(check_fpga_zones, late, asked)) == ["fail"]
    chosen = wanted(CreateNetwork="true", NetworkZones="us-east-1a,us-east-1c")
    assert verdicts(found(check_fpga_zones, late, chosen)) == ["warn"]


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (None, "there is no such AMI"),
        (replace(HOST_IMAGE, architecture="arm64"), "it is available, arm64"),
        (replace(HOST_IMAGE, has_ena=False), "without ENA"),
        (replace(HOST_IMAGE, state="pending"), "it is pending"),
        (replace(HOST_IMAGE, tags={}), "nothing says that it has the FPGA driver and DRAGEN"),
        (replace(HOST_IMAGE, tags={"seqdrop:dragen": "4.3.6"}), "has DRAGEN 4.3.6, but"),
        (replace(HOST_IMAGE, tags={"seqdrop:dragen": "4.40"}), "germline-fpga wants 4.4"),
    ],
)
def test_an_ami_that_cannot_run_dragen_is_told(image: Image | None, says: str) -> None:
    facts = Facts(images={"ami-1": image} if image else {})
    findings = found(check_host_images, facts)
    assert verdicts(findings) == ["fail", "fail"]  # of each kind of queue
    assert says in findings[0].says


def test_fpga_without_an_ami_is_told() -> None:
    findings = found(check_host_images, Facts(), wanted(FpgaExomeAmi=""))
    assert verdicts(findings) == ["ok", "fail"]
    assert findings[1].says == "FpgaExomeAmi is empty, and EnableFpga is true"


@pytest.mark.parametrize(
    ("image", "verdict", "says"),
    [
        ("", "fail", "CpuImage is empty"),
        (IMAGE.partition("@")[0] + ":latest", "fail", "not named by its digest"),
        (f"quay.io/lab/tools@{DIGEST}", "warn", "not in ECR"),
        (IMAGE.replace("us-east-1", "eu-west-2"), "warn", "across regions"),
    ],
)
def test_an_image_that_hosts_would_not_get_is_told(image: str, verdict: str, says: str) -> None:
    finding = found(check_container_images, Facts(), wanted(CpuImage=image))[-1]
    assert finding.verdict == verdict
    assert says in finding.says


def test_an_image_that_was_not_pushed_is_told() -> None:
    findings = found(check_container_images, Facts(pushed=False))
    assert verdicts(findings) == ["fail"] * 3
    assert f"seqdrop/cpu has no {DIGEST}" in findings[0].says


@pytest.mark.parametrize(
    ("changed", "verdict", "says"),
    [
        ({"default_route": "", "s3_endpoint": False}, "fail", "has no route to S3"),
        ({"default_route": "igw-1"}, "fail", "gives no public addresses"),
        ({"default_route": "igw-1", "gives_public_addresses": True}, "warn", "is public"),
        ({"s3_endpoint": False}, "warn", "every gigabyte is billed"),
        ({"default_route": ""}, "fail", "no way to ecr.api, ecr.dkr, ecs, ecs-agent"),
    ],
)
def test_a_subnet_that_hosts_cannot_work_in_is_told(
    changed: dict[str, Any], verdict: str, says: str
) -> None:
    facts = Facts(nets=(replace(PRIVATE, **changed),))
    finding = found(check_network, facts, wanted(SubnetIds="subnet-a"))[0]
    assert finding.verdict == verdict
    assert says in finding.says


def test_a_closed_subnet_with_endpoints_is_good_but_for_a_licence_from_outside() -> None:
    services = frozenset({"ecr.api", "ecr.dkr", "ecs", "ecs-agent", "ecs-telemetry", "logs"})
    facts = Facts(nets=(replace(PRIVATE, default_route="", endpoints=services),))
    asked = wanted(SubnetIds="subnet-a")
    assert verdicts(found(check_network, facts, asked)) == ["ok", "warn"]
    asked = wanted(SubnetIds="subnet-a", EnableFpga="false")
    assert verdicts(found(check_network, facts, asked)) == ["ok"]


def test_subnets_that_are_not_there_are_told() -> None:
    assert verdicts(found(check_network, Facts(), wanted(SubnetIds=""))) == ["fail"]
    assert verdicts(found(check_network, Facts(), wanted(SecurityGroupIds="")))[0] == "fail"
    both = found(check_network, Facts(), wanted(CreateNetwork="true"))
    assert both[0].says == "CreateNetwork is true, and there are SubnetIds too"
    findings = found(check_network, Facts(), wanted(SubnetIds="subnet-a,subnet-x"))
    assert findings[0].says == "there is no subnet subnet-x in us-east-1"


def test_a_licence_that_is_not_there_or_used_up_is_told() -> None:
    assert verdicts(found(check_licence, Facts(secret=False))) == ["fail"]
    assert verdicts(found(check_licence, Facts(), wanted(DragenLicenceSecretArn=""))) == ["warn"]
    findings = found(check_licence, Facts(free=0), wanted(STACK))
    assert (findings[1].verdict, findings[1].says) == ("warn", "0 of 4 DRAGEN licences are free")


def test_a_deployer_who_may_not_is_told_what() -> None:
    facts = Facts(forbidden=frozenset({"iam:PassRole"}))
    (finding,) = found(check_roles, facts)
    assert facts.asked == [("arn:aws:iam::123456789012:role/Deployer", "*")]
    assert finding.verdict is Verdict.WARN
    assert finding.says.endswith("do iam:PassRole")


def test_jobs_that_may_not_reach_their_buckets_are_told() -> None:
    facts = Facts(forbidden=frozenset({"s3:PutObject"}), spot_role=False)
    findings = found(check_roles, facts, wanted(STACK))
    assert verdicts(findings) == ["warn", "fail"]
    assert findings[1].says == "CpuJobRole may not s3:PutObject in r"


def test_placeholders_are_told_once() -> None:
    asked = wanted(CpuImage="CHOOSE-image", SubnetIds="CHOOSE-subnets", FpgaGenomeAmi="CHOOSE-ami")
    declared = {name: {"Type": "String"} for name in PARAMETERS}
    findings = found(check_parameters, Facts(), replace(asked, declared=declared))
    assert [finding.says.partition(":")[0] for finding in findings] == [
        "CpuImage", "FpgaGenomeAmi", "SubnetIds",
    ]  # fmt: skip
    assert len(found(check_host_images, Facts(), asked)) == 1
    assert len(found(check_container_images, Facts(), asked)) == 2
