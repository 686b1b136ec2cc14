"""`seqdrop doctor`: what it says of accounts that lack something, before anything is made."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from cli.deployment import PROJECT, Environment
from cli.doctor.account import Account
from cli.doctor.examination import asked as findings_of
from cli.doctor.examination import wanted_of
from cli.doctor.facts import (
    BatchResource,
    ContainerImage,
    Image,
    Resource,
    Secret,
    StackFacts,
    Subnet,
)
from cli.doctor.findings import Finding, Verdict, Wanted
from cli.doctor.hosts import (
    ROOT_DEVICES,
    check_cpu_types,
    check_fpga_zones,
    check_host_images,
    check_network,
)
from cli.doctor.images import check_container_images, check_docker
from cli.doctor.inputs import (
    check_disk,
    check_library,
    check_parameters,
    check_programs,
    check_rules,
)
from cli.doctor.licence import check_licence
from cli.doctor.quotas import (
    check_functions,
    check_plan,
    check_quotas,
    check_room,
    check_storage,
)
from cli.doctor.roles import check_deployer, check_linked_roles, check_stack_roles
from cli.doctor.simulator import Denial, Question, Simulator
from cli.doctor.stack import check_batch, check_images_stack, check_stack, refuse_unchangeable
from cli.faults import CommandFailed
from cli.shell import Shell
from seqdrop.library import Library
from tests.iam_support import ALL as ALL_ALLOWED
from tests.iam_support import FakeSimulator
from tests.infrastructure.stack import source

DIGEST = "sha256:" + "a" * 64
IMAGE = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/seqdrop/cpu@{DIGEST}"
PARAMETERS = {
    "EnableFpga": "true", "CreateNetwork": "false", "SubnetIds": "subnet-a,subnet-b",
    "SecurityGroupIds": "sg-1", "NetworkZones": "",
    "MaxCpuVcpus": "512", "MaxFpgaVcpus": "192", "DragenLicenceSecretArn": "arn:secret",
    "ScratchGib": "1000",
    "CpuImage": IMAGE, "FpgaGenomeImage": IMAGE, "FpgaExomeImage": IMAGE,
    "FpgaGenomeAmi": "ami-1", "FpgaExomeAmi": "ami-1",
}  # fmt: skip
PRIVATE = Subnet(
    id="subnet-a", zone="us-east-1a", vpc="vpc-1", gives_public_addresses=False,
    default_route="nat-1", s3_endpoint=True, endpoints=frozenset(),
)  # fmt: skip
HOST_IMAGE = Image("available", "x86_64", True, {"seqdrop:dragen": "4.4.4"}, "/dev/sda1", 100)
PUSHED = ContainerImage(DIGEST)
CPU_TYPES = ["m7i.4xlarge", "r6i.8xlarge"]
RESOURCES: tuple[dict[str, Any], ...] = (
    {"Type": "AWS::Batch::ComputeEnvironment",
     "Properties": {"ComputeResources": {"InstanceTypes": CPU_TYPES}}},
    {"Type": "AWS::Batch::ComputeEnvironment",
     "Properties": {"ComputeResources": {"InstanceTypes": ["f2.6xlarge"]}}},
    {"Type": "AWS::Lambda::EventSourceMapping",
     "Properties": {"ScalingConfig": {"MaximumConcurrency": 50}}},
    {"Type": "AWS::Lambda::EventSourceMapping",
     "Properties": {"ScalingConfig": {"MaximumConcurrency": {"Ref": "EventConcurrency"}}}},
    {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {}},
)  # fmt: skip
BATCH = {
    "computeEnvironments": BatchResource(
        "cpu", "arn:cpu", "VALID", "ENABLED", "ComputeEnvironment"
    ),
    "jobQueues": BatchResource("urgent", "arn:urgent", "VALID", "ENABLED", ""),
}
STACK = StackFacts(
    name="seqdrop", status="CREATE_COMPLETE", parameters={}, outputs={},
    resources=(
        Resource("ReadsJobRole", "AWS::IAM::Role", "role-1"),
        Resource("ResultsBucket", "AWS::S3::Bucket", "results"),
        Resource("DragenLicences", "AWS::Batch::ConsumableResource", "arn:licences"),
        Resource("CpuGate", "AWS::Batch::ConsumableResource", "arn:consumable-resource/x-gate-cpu"),
        Resource("CpuComputeEnvironment", "AWS::Batch::ComputeEnvironment", "arn:cpu"),
        Resource("CpuUrgentQueue", "AWS::Batch::JobQueue", "arn:urgent"),
        Resource("CpuReadsJobDefinition", "AWS::Batch::JobDefinition", "arn:definition:1"),
    ),
)  # fmt: skip
POLICY: dict[str, list[dict[str, Any]]] = {
    "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObjectVersion", "Resource": "arn:aws:s3:::u/*"},
        {"Effect": "Allow", "Action": ["s3:PutObject", "s3:AbortMultipartUpload"],
         "Resource": {"Fn::Sub": "${ResultsBucket.Arn}/*"}},
    ]
}  # fmt: skip
TEMPLATE = {
    "Resources": {
        "ReadsJobRole": {
            "Type": "AWS::IAM::Role",
            "Properties": {"Policies": [{"PolicyName": "jobs", "PolicyDocument": POLICY}]},
        }
    }
}
DEPLOYED_POLICY: dict[str, list[dict[str, Any]]] = {
    "Statement": [
        POLICY["Statement"][0],
        {**POLICY["Statement"][1], "Resource": "arn:aws:s3:::results/*"},
    ]
}


@dataclass
class Facts:
    """An account in which all is well, unless a test says otherwise."""

    region: str = "us-east-1"
    images_stack: str = "CREATE_COMPLETE"
    free_plan: bool = False
    quotas: dict[str, float] = field(default_factory=dict)
    f2_zones: frozenset[str] = frozenset({"us-east-1a", "us-east-1b"})
    images: Mapping[str, Image] = field(default_factory=lambda: {"ami-1": HOST_IMAGE})
    nets: tuple[Subnet, ...] = (PRIVATE, replace(PRIVATE, id="subnet-b", zone="us-east-1b"))
    pushed: ContainerImage | None = PUSHED
    key: str | None = ""
    """The licence's secret's; None where there is no secret."""
    secret_arn: str = "arn:secret"
    free: int = 3
    functions: int = 1000
    networks: int = 1
    cpu_types: Mapping[str, set[str]] = field(
        default_factory=lambda: {name: {"us-east-1a", "us-east-1c"} for name in CPU_TYPES}
    )
    batch: Mapping[str, Sequence[BatchResource]] = field(
        default_factory=lambda: {name: [part] for name, part in BATCH.items()}
    )
    job_image: str = IMAGE
    without_roles: frozenset[str] = frozenset()
    arn: str = "arn:aws:sts::123456789012:assumed-role/Deployer/me"
    iam: FakeSimulator = field(
        default_factory=lambda: FakeSimulator(
            {"Deployer": {"all": ALL_ALLOWED}, "role-1": {"jobs": DEPLOYED_POLICY}}
        )
    )

    def identity(self) -> tuple[str, str]:
        return "123456789012", self.arn

    def is_on_free_plan(self) -> bool:
        return self.free_plan

    def quota(self, code: str, service: str = "ec2") -> float:
        assert service == {"L-7A658B76": "ebs", "L-F678F1CE": "vpc"}.get(code, "ec2")
        return self.quotas.get(code, 10_000.0)

    def concurrency(self) -> int:
        return self.functions

    def vpcs(self) -> int:
        return self.networks

    def zones(self) -> list[str]:
        return ["us-east-1a", "us-east-1b", "us-east-1c"]

    def offered(self, instance_types: Sequence[str]) -> dict[str, set[str]]:
        if list(instance_types) == ["f2.6xlarge"]:
            return {"f2.6xlarge": set(self.f2_zones)} if self.f2_zones else {}
        return dict(self.cpu_types)

    def image(self, ami: str) -> Image | None:
        return self.images.get(ami)

    def subnets(self, ids: Iterable[str]) -> list[Subnet]:
        return [net for net in self.nets if net.id in ids]

    def container_image(
        self, repository: str, *, digest: str = "", tag: str = "", registry: str = ""
    ) -> ContainerImage | None:
        assert repository == "seqdrop/cpu"
        assert (digest, registry) == (DIGEST, "123456789012") or (tag, registry) == ("abc", "")
        return self.pushed

    def images_of_jobs(self, definitions: Sequence[str]) -> dict[str, str]:
        assert definitions == ["arn:definition:1"]
        return {"seqdrop-cpu-reads:1": self.job_image}

    def batch_resources(self, kind: str, arns: Sequence[str] = ()) -> list[BatchResource]:
        return [one for one in self.batch[kind] if not arns or one.arn in arns]

    def stack_status(self, name: str) -> str:
        assert name == "seqdrop-images"
        return self.images_stack

    def template(self, name: str) -> dict[str, Any]:
        assert name == "seqdrop"
        return TEMPLATE

    def secret(self, arn: str) -> Secret | None:
        assert arn == "arn:secret"
        return None if self.key is None else Secret(self.secret_arn, self.key)

    def licences(self, resource: str) -> tuple[int, int]:
        assert resource == "arn:licences"
        return self.free, 4

    def has_role(self, name: str) -> bool:
        assert name.startswith("AWSServiceRoleFor") or name == "role-1"
        return name not in self.without_roles

    def role_arn(self, name: str) -> str:
        return f"arn:aws:iam::123456789012:role/{name}"

    def denials(self, arn: str, questions: Sequence[Question]) -> list[Denial]:
        return Simulator(self.iam, self.region).denials(arn, questions)


class Machine(Shell):
    """This machine, with or without a Docker engine."""

    def __init__(self, *, docker: bool = True) -> None:
        super().__init__(PROJECT)
        self._docker = docker

    def answers(self, *command: str) -> bool:
        return self._docker or command[0] != "docker"


check_images = partial(check_container_images, shell=Machine())
ALL = (
    check_plan, check_quotas, check_storage, check_functions, check_cpu_types, check_fpga_zones,
    check_host_images, check_images, check_network, check_licence, check_linked_roles,
)  # fmt: skip


def wanted(stack: StackFacts | None = None, **changed: str) -> Wanted:
    parameters = PARAMETERS | changed
    library = Library(str(PROJECT / "pipelines"))
    return Wanted({}, parameters, parameters, library, stack, resources=RESOURCES)


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


def test_an_account_on_the_free_plan_is_told_whatever_its_quotas() -> None:
    (finding,) = found(check_plan, Facts(free_plan=True))
    assert finding.verdict is Verdict.FAIL
    assert finding.do.startswith("upgrade the account's plan")


def test_prices_without_cpu_hosts_are_one_line_and_end_no_other_check(tmp_path: Path) -> None:
    prices = (PROJECT / "pipelines/prices.yaml").read_text("utf-8")
    (tmp_path / "prices.yaml").write_text(prices.replace("  cpu: {", "  arm: {"))
    asked_of = replace(wanted(), library=Library(str(tmp_path)))
    account = cast("Account", Facts())
    (finding,) = findings_of(partial(check_quotas, asked_of, account))
    assert finding.verdict is Verdict.FAIL
    assert finding.says == "prices.yaml has no price for the queue cpu: add it"
    (tmp_path / "prices.yaml").unlink()
    (finding,) = findings_of(partial(check_quotas, asked_of, account))
    assert finding.verdict is Verdict.FAIL
    assert "prices.yaml" in finding.says


def test_without_fpga_nobody_asks_for_f_instances_amis_or_a_licence() -> None:
    asked = wanted(EnableFpga="false", FpgaGenomeAmi="", FpgaExomeAmi="", FpgaGenomeImage="")
    facts = Facts(quotas={"L-74FC7D96": 0}, f2_zones=frozenset(), images={}, key=None)
    for check in ALL:
        assert set(verdicts(found(check, facts, asked))) <= {"ok"}


def test_a_region_without_f2_is_told_before_anything_is_made() -> None:
    (finding,) = found(check_fpga_zones, Facts(region="eu-north-1", f2_zones=frozenset()))
    assert finding.verdict is Verdict.FAIL
    assert finding.says == "f2.6xlarge is not offered in eu-north-1"
    assert "EnableFpga=false" in finding.do


def test_subnets_in_zones_without_f2_are_told() -> None:
    (finding,) = found(check_fpga_zones, Facts(f2_zones=frozenset({"us-east-1d"})))
    assert finding.verdict is Verdict.FAIL
    assert "offered in us-east-1d, but the subnets are in us-east-1a, us-east-1b" in finding.says


def test_one_zone_with_f2_is_enough() -> None:
    (finding,) = found(check_fpga_zones, Facts(f2_zones=frozenset({"us-east-1b"})))
    assert finding.verdict is Verdict.WARN


def test_the_templates_own_network_has_the_first_two_zones() -> None:
    asked = wanted(CreateNetwork="true")
    assert verdicts(found(check_fpga_zones, Facts(), asked)) == ["ok"]
    late = Facts(f2_zones=frozenset({"us-east-1c"}))
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
        (replace(HOST_IMAGE, tags={}), "nothing says that DRAGEN has run on it"),
        (replace(HOST_IMAGE, tags={"seqdrop:dragen": "4.3.6"}), "ran DRAGEN 4.3.6, but"),
        (replace(HOST_IMAGE, tags={"seqdrop:dragen": "4.40"}), "germline-fpga wants 4.4"),
        (replace(HOST_IMAGE, root_device=""), "has no EBS volume as its root"),
        (replace(HOST_IMAGE, root_device="/dev/xvda"), "at /dev/xvda, not at /dev/sda1"),
        (replace(HOST_IMAGE, root_gib=101), "101 GiB, and the hosts' have 100"),
    ],
)
def test_an_ami_that_cannot_run_dragen_is_told(image: Image | None, says: str) -> None:
    facts = Facts(images={"ami-1": image} if image else {})
    findings = found(check_host_images, facts)
    assert verdicts(findings) == ["fail", "fail"]  # of each kind of queue
    assert says in findings[0].says


def test_an_ami_of_another_root_device_is_mended_by_the_parameter() -> None:
    facts = Facts(images={"ami-1": replace(HOST_IMAGE, root_device="/dev/xvda")})
    assert found(check_host_images, facts)[0].do == "give --parameter FpgaRootDevice=/dev/xvda"
    asked = wanted(FpgaRootDevice="/dev/xvda")
    assert verdicts(found(check_host_images, facts, asked)) == ["ok", "ok"]
    other = Facts(images={"ami-1": replace(HOST_IMAGE, root_device="/dev/nvme0")})
    assert "FpgaRootDevice" not in found(check_host_images, other)[0].do
    allowed = source()["Parameters"]["FpgaRootDevice"]
    assert allowed["AllowedValues"] == list(ROOT_DEVICES)
    assert allowed["Default"] == ROOT_DEVICES[0]


def test_an_ami_that_the_account_does_not_allow_is_warned_of() -> None:
    facts = Facts(images={"ami-1": replace(HOST_IMAGE, is_allowed=False)})
    findings = found(check_host_images, facts)
    assert verdicts(findings) == ["warn", "warn"]
    assert "not among the AMIs that this account allows" in findings[0].says


@pytest.mark.parametrize(
    ("image", "verdict", "says"),
    [
        (IMAGE.partition("@")[0] + ":latest", "fail", "not named by its digest"),
        (f"quay.io/lab/tools@{DIGEST}", "warn", "not in ECR"),
        (IMAGE.replace("us-east-1", "eu-west-2"), "warn", "across regions"),
    ],
)
def test_an_image_that_hosts_would_not_get_is_told(image: str, verdict: str, says: str) -> None:
    finding = found(check_images, Facts(), wanted(CpuImage=image))[-1]
    assert finding.verdict == verdict
    assert says in finding.says


def test_an_image_that_was_not_pushed_is_told() -> None:
    findings = found(check_images, Facts(pushed=None))
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
    assert verdicts(found(check_network, facts, asked)) == ["ok", "fail"]
    asked = wanted(SubnetIds="subnet-a", DragenLicenceSecretArn="")
    assert verdicts(found(check_network, facts, asked)) == ["ok", "warn"]
    asked = wanted(SubnetIds="subnet-a", EnableFpga="false")
    assert verdicts(found(check_network, facts, asked)) == ["ok"]


def test_subnets_that_are_not_there_are_told() -> None:
    findings = found(check_network, Facts(), wanted(SubnetIds="subnet-a,subnet-x"))
    assert findings[0].says == "there is no subnet subnet-x in us-east-1"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"CreateNetwork": "false"}, "Hosts need a network: give SubnetIds"),
        ({"CreateNetwork": "true", "SubnetIds": "subnet-1"}, "CreateNetwork=true makes its own"),
        ({"CreateNetwork": "true", "EnableFpga": "true"}, "EnableFpga=true needs FpgaGenomeAmi"),
    ],
)
def test_parameters_that_do_not_go_together_are_told(given: dict[str, str], says: str) -> None:
    findings = list(check_rules(replace(wanted(), given=given)))
    assert findings[0].verdict is Verdict.FAIL
    assert findings[0].says.startswith(says)
    assert list(check_rules(replace(wanted(), given={"CreateNetwork": "true"}))) == []


def test_a_licence_that_is_not_there_or_used_up_is_told() -> None:
    assert verdicts(found(check_licence, Facts(key=None))) == ["fail"]
    assert verdicts(found(check_licence, Facts(), wanted(DragenLicenceSecretArn=""))) == ["warn"]
    findings = found(check_licence, Facts(free=0), wanted(STACK))
    assert (findings[1].verdict, findings[1].says) == ("warn", "0 of 4 DRAGEN licences are free")


def test_the_licence_of_the_software_mode_is_looked_at_without_an_fpga_too() -> None:
    cpu: dict[str, Any] = {"EnableFpga": "false", "DragenLicenceSecretArn": ""}
    asked = wanted(**cpu, DragenSoftwareLicenceSecretArn="arn:secret")
    assert verdicts(found(check_licence, Facts(), asked)) == ["ok"]
    (finding,) = found(check_licence, Facts(secret_arn="arn:secret-AbCdEf"), asked)
    assert finding.do == "give --parameter DragenSoftwareLicenceSecretArn=arn:secret-AbCdEf"
    assert found(check_licence, Facts(key=None), wanted(**cpu)) == []


def test_an_arn_that_only_finds_the_secret_is_told_with_the_whole_one() -> None:
    """A name that ends with a dash and six letters looks like a whole ARN, and is none."""
    (finding,) = found(check_licence, Facts(secret_arn="arn:secret-AbCdEf"))
    assert finding.verdict is Verdict.FAIL
    assert finding.do == "give --parameter DragenLicenceSecretArn=arn:secret-AbCdEf"


@pytest.mark.parametrize(
    ("version", "too_old"),
    [("4.1.23", True), ("3.10.4", True), ("4.2.4", False), ("4.10", False), ("5", False)],
)
def test_a_dragen_that_takes_no_licence_from_a_file_is_told(version: str, too_old: bool) -> None:
    ami = replace(HOST_IMAGE, tags={"seqdrop:dragen": version})
    facts = Facts(images={"ami-1": HOST_IMAGE, "ami-2": ami})
    findings = found(check_licence, facts, wanted(FpgaExomeAmi="ami-2"))
    assert verdicts(findings) == ["ok", *["fail"] * too_old]
    if too_old:
        assert findings[1].says.startswith(f"FpgaExomeAmi ami-2 ran DRAGEN {version}, and DRAGEN")
    asked = wanted(FpgaExomeAmi="ami-2", DragenLicenceSecretArn="")
    assert verdicts(found(check_licence, facts, asked)) == ["warn"]


@pytest.mark.parametrize(("version", "too_old"), [("4.1", True), ("4", False), ("4.4", False)])
def test_a_pipeline_that_wants_such_a_dragen_is_told(
    version: str, too_old: bool, tmp_path: Path
) -> None:
    folder = shutil.copytree(PROJECT / "pipelines", tmp_path / "pipelines")
    pipeline = folder / "exome-fpga.yaml"
    pipeline.write_text(pipeline.read_text().replace('dragen: "4.4"', f'dragen: "{version}"', 1))
    asked = replace(wanted(), library=Library(str(folder)))
    findings = found(check_licence, Facts(), asked)
    assert [one.says.partition(",")[0] for one in findings[1:]] == [
        f"pipeline exome-fpga wants DRAGEN {version}"
    ] * too_old


def test_a_licence_under_a_customers_key_needs_that_key_named() -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/1"
    (finding,) = found(check_licence, Facts(key=key))
    assert finding.verdict is Verdict.FAIL
    assert "Secrets Manager's own key" in finding.do
    declared = {"DragenLicenceKmsKeyArn": {"Type": "String"}}
    (finding,) = found(check_licence, Facts(key=key), replace(wanted(), declared=declared))
    assert (finding.verdict, finding.do) == (
        "fail", f"give --parameter DragenLicenceKmsKeyArn={key}",
    )  # fmt: skip
    assert verdicts(found(check_licence, Facts(key=key), wanted(DragenLicenceKmsKeyArn=key))) == [
        "ok"
    ]


@pytest.mark.parametrize(
    ("has", "verdict"), [(0.9, "fail"), (1.1, "warn"), (34, "warn"), (36, "ok")]
)
def test_the_gp3_quota_is_held_against_the_scratch_of_all_hosts(has: float, verdict: str) -> None:
    """512 vCPUs are 32 hosts of 1,100 GiB, and eight and eight FPGA hosts of 100 GiB."""
    finding = found(check_storage, Facts(quotas={"L-7A658B76": has}))[0]
    assert "L-7A658B76" in finding.says
    assert "35.9 wanted" in finding.says
    assert finding.verdict == verdict


@pytest.mark.parametrize(("has", "verdict"), [(10, "warn"), (55, "warn"), (56, "ok")])
def test_lambdas_concurrency_is_held_against_the_event_sources(has: int, verdict: str) -> None:
    """50 and 2 of two queues, one of the stream, three for the state machine."""
    asked = wanted(EventConcurrency="2")
    finding = found(check_functions, Facts(functions=has), asked)[0]
    assert "(L-B99A9384)" in finding.says
    assert finding.says.startswith(f"Lambda's concurrent executions (L-B99A9384): {has} free, 56")
    assert finding.verdict == verdict
    assert "EventConcurrency" not in finding.do
    declared = replace(asked, declared={"EventConcurrency": {"Type": "Number"}})
    if verdict == "warn":
        finding = found(check_functions, Facts(functions=has), declared)[0]
        assert "give a smaller EventConcurrency" in finding.do


def test_an_account_that_has_no_vpc_left_is_told_before_one_is_made() -> None:
    full = Facts(quotas={"L-F678F1CE": 5}, networks=5)
    asked = wanted(CreateNetwork="true")
    assert verdicts(found(check_room, full, asked)) == ["fail"]
    assert verdicts(found(check_room, replace(full, networks=4), asked)) == []
    assert verdicts(found(check_room, full, wanted())) == []
    assert verdicts(found(check_room, full, replace(asked, stack=STACK))) == []


def test_a_region_that_is_full_of_compute_environments_is_told() -> None:
    others = [replace(BATCH["computeEnvironments"], arn=f"arn:{i}") for i in range(49)]
    facts = Facts(batch={"computeEnvironments": others, "jobQueues": []})
    finding = found(check_room, facts)[0]
    assert finding.verdict is Verdict.FAIL
    assert finding.says.startswith(
        "Batch has 49 computeEnvironments in us-east-1, and this makes 2"
    )
    facts = Facts(batch={"computeEnvironments": others[:48], "jobQueues": []})
    assert found(check_room, facts) == []


def test_cpu_types_that_the_region_lacks_are_told() -> None:
    facts = Facts(cpu_types={"m7i.4xlarge": {"us-east-1a"}})
    (finding,) = found(check_cpu_types, facts)
    assert (finding.verdict, finding.says) == ("fail", "us-east-1 does not offer r6i.8xlarge")
    assert finding.do == "choose another region"
    declared = {"CpuInstanceTypes": {"Type": "CommaDelimitedList"}}
    asked = replace(wanted(CpuInstanceTypes="m7i.4xlarge,m7i,m7a"), declared=declared)
    (finding,) = found(check_cpu_types, facts, asked)
    assert finding.says == "us-east-1 does not offer m7a"
    assert finding.do == "give --parameter CpuInstanceTypes=m7i.4xlarge,m7i"


def test_subnets_in_zones_without_any_cpu_host_are_told() -> None:
    far = Facts(cpu_types={name: {"us-east-1e"} for name in CPU_TYPES})
    (finding,) = found(check_cpu_types, far)
    assert finding.verdict is Verdict.FAIL
    assert finding.says == "no zone of the subnets (us-east-1a, us-east-1b) offers a CPU host"


BUILT = {"CpuImage": ("cpu", "abc")}


@pytest.mark.parametrize(
    ("pushed", "docker", "verdict", "says"),
    [
        (ContainerImage(DIGEST), False, "ok", "seqdrop/cpu has abc already, nothing to build"),
        (None, True, "ok", "`seqdrop deploy` builds seqdrop/cpu:abc with Docker"),
        (None, False, "fail", "no Docker engine answers"),
    ],
)
def test_an_image_of_these_sources_is_there_or_can_be_built(
    pushed: ContainerImage | None, docker: bool, verdict: str, says: str
) -> None:
    asked = replace(wanted(EnableFpga="false", CpuImage="CHOOSE-image"), built=BUILT)
    check = partial(check_container_images, shell=Machine(docker=docker))
    (finding,) = found(check, Facts(pushed=pushed), asked)
    assert finding.verdict == verdict
    assert says in finding.says


def test_an_image_whose_archive_is_missing_is_told_before_docker_is(tmp_path: Path) -> None:
    asked = replace(wanted(EnableFpga="false"), built={"Image4": ("strelka2", "abc")})
    check = partial(check_container_images, shell=Machine(docker=True))

    class Empty(Facts):
        """Nothing was pushed yet."""

        def container_image(self, *_: Any, **__: Any) -> None:
            return None

    finding = found(check, Empty(), asked)[0]
    assert finding.verdict is Verdict.FAIL
    assert "containers/strelka2/archive has no strelka-2.9.10.*.tar.bz2" in finding.says
    assert finding.do == "see docs/containers.md, Archives of vendors"


def test_an_image_for_other_machines_is_told() -> None:
    arm = ContainerImage(DIGEST, ("linux/arm64",))
    both = ContainerImage(DIGEST, ("linux/amd64", "linux/arm64"))
    asked = wanted(EnableFpga="false")
    (finding,) = found(check_images, Facts(pushed=arm), asked)
    assert finding.verdict is Verdict.FAIL
    assert "it is for linux/arm64: the hosts are linux/amd64" in finding.says
    assert "--platform linux/amd64" in finding.do
    assert verdicts(found(check_images, Facts(pushed=both), asked)) == ["ok"]
    built = replace(wanted(EnableFpga="false", CpuImage="CHOOSE-image"), built=BUILT)
    (finding,) = found(check_images, Facts(pushed=arm), built)
    assert finding.verdict is Verdict.FAIL
    assert finding.do.startswith("remove it"), "a tag can't be moved to another image"


def test_an_image_that_a_deployed_job_definition_names_is_looked_for_too() -> None:
    older = IMAGE.replace("a" * 64, "b" * 64)
    asked = replace(wanted(STACK, EnableFpga="false", CpuImage="CHOOSE"), built=BUILT)

    class Cleaned(Facts):
        """Someone removed the older image from ECR."""

        def container_image(self, *_: Any, digest: str = "", **__: Any) -> ContainerImage | None:
            return None if digest.endswith("b") else self.pushed

    findings = found(check_images, Cleaned(job_image=older), asked)
    assert verdicts(findings) == ["ok", "fail"]
    assert findings[1].says.startswith(
        "job definition seqdrop-cpu-reads:1: seqdrop/cpu has no sha256:b"
    )


@pytest.mark.parametrize(
    ("changed", "verdict", "says"),
    [
        (
            {"status": "INVALID", "reason": "CLIENT_ERROR - Not authorized"}, "fail",
            "compute environment cpu is INVALID, ENABLED: CLIENT_ERROR - Not authorized; its jobs",
        ),
        ({"state": "DISABLED"}, "fail", "compute environment cpu is VALID, DISABLED"),
        ({"status": "UPDATING"}, "warn", "compute environment cpu is UPDATING, ENABLED"),
        ({"arn": "arn:other"}, "fail", "compute environment CpuComputeEnvironment (arn:cpu) is"),
    ],
)  # fmt: skip
def test_a_compute_environment_that_starts_no_hosts_is_told(
    changed: dict[str, str], verdict: str, says: str
) -> None:
    part = replace(BATCH["computeEnvironments"], **changed)
    facts = Facts(batch={"computeEnvironments": [part], "jobQueues": [BATCH["jobQueues"]]})
    findings = found(check_batch, facts, wanted(STACK))
    assert verdicts(findings) == [verdict, "ok"]
    assert findings[0].says.startswith(says)


def test_compute_environments_and_queues_that_are_well_are_told() -> None:
    findings = found(check_batch, Facts(), wanted(STACK))
    assert verdicts(findings) == ["ok", "ok"]
    assert found(check_batch, Facts(), wanted()) == []


@pytest.mark.parametrize(
    ("free", "verdict"), [(100 << 20, "fail"), (19_000_000_000, "warn"), (20_000_000_000, "ok")]
)
def test_a_disk_that_is_nearly_full_is_told(free: int, verdict: str) -> None:
    finding = check_disk(Path("/runtime"), free)
    assert finding.verdict == verdict
    assert finding.says.startswith("/runtime has ")


def test_docker_is_looked_for_where_no_account_tells_of_images() -> None:
    asked = replace(wanted(), built=BUILT)
    assert list(check_docker(asked, Machine())) == []
    assert verdicts(list(check_docker(asked, Machine(docker=False)))) == ["warn"]
    assert list(check_docker(wanted(), Machine(docker=False))) == []
    assert verdicts(list(check_programs(Machine()))) == ["ok"]
    assert verdicts(list(check_programs(Machine(docker=False)))) == ["ok"]


@pytest.mark.parametrize(
    ("status", "verdict", "says"),
    [
        ("REVIEW_IN_PROGRESS", "warn", "its change set was not executed"),
        ("ROLLBACK_COMPLETE", "fail", "the first try failed, and nothing can be deployed over it"),
        ("CREATE_COMPLETE", "ok", "CREATE_COMPLETE"),
        ("CREATE_IN_PROGRESS", "warn", "CREATE_IN_PROGRESS"),
        ("ROLLBACK_IN_PROGRESS", "fail", "the first try failed, and is being undone"),
        ("DELETE_IN_PROGRESS", "fail", "it takes no change"),
        ("DELETE_FAILED", "fail", "a part of it could not be deleted"),
        ("UPDATE_IN_PROGRESS", "warn", "UPDATE_IN_PROGRESS"),
        ("UPDATE_FAILED", "warn", "the last change failed, and was not undone"),
        ("UPDATE_ROLLBACK_COMPLETE", "warn", "what was there before runs on"),
        ("UPDATE_ROLLBACK_FAILED", "fail", "it takes no change"),
    ],
)
def test_how_a_stack_is_is_told(status: str, verdict: str, says: str) -> None:
    found = check_stack(real(replace(STACK, status=status)))
    assert found.verdict == verdict
    assert says in found.says


def test_a_stack_that_takes_no_change_is_told_with_the_whole_command() -> None:
    stuck = replace(STACK, name="lab-prod", status="UPDATE_ROLLBACK_FAILED")
    assert check_stack(real(stuck)).do.endswith(
        "aws cloudformation continue-update-rollback --stack-name lab-prod --region us-east-1"
    )


def test_a_stack_that_ran_and_is_being_deleted_is_no_first_try() -> None:
    for status in ("DELETE_IN_PROGRESS", "DELETE_FAILED"):
        found = check_stack(real(replace(STACK, status=status)))
        assert "first try" not in found.says
        assert found.verdict is Verdict.FAIL


def test_what_is_only_being_made_is_not_asked_about_its_parts() -> None:
    for status in ("CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "DELETE_FAILED"):
        assert real(replace(STACK, status=status)).stack is None
    assert real(replace(STACK, status="UPDATE_IN_PROGRESS")).stack is not None


@pytest.mark.parametrize(
    ("status", "refused"),
    [
        ("", False),
        ("CREATE_COMPLETE", False),
        ("UPDATE_ROLLBACK_COMPLETE", False),
        ("UPDATE_FAILED", False),
        ("REVIEW_IN_PROGRESS", False),
        ("ROLLBACK_COMPLETE", True),
        ("CREATE_IN_PROGRESS", True),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", True),
        ("DELETE_FAILED", True),
    ],
)
def test_a_stack_that_takes_no_change_now_is_refused(status: str, refused: bool) -> None:
    facts = cast("Account", Facts(images_stack=status))
    if refused:
        with pytest.raises(CommandFailed, match=f"seqdrop-images is {status}"):
            refuse_unchangeable("seqdrop-images", facts)
    else:
        refuse_unchangeable("seqdrop-images", facts)


def test_the_repositories_stack_is_looked_at_where_it_is() -> None:
    assert found(check_images_stack, Facts(images_stack="")) == []
    assert verdicts(found(check_images_stack, Facts())) == ["ok"]
    assert verdicts(found(check_images_stack, Facts(images_stack="ROLLBACK_COMPLETE"))) == ["fail"]


def test_a_first_try_that_failed_is_examined_as_if_there_were_none() -> None:
    asked = real(replace(STACK, status="ROLLBACK_COMPLETE"))
    assert asked.stack is None
    assert check_stack(asked).do.startswith("the stack's events say why; sam delete --stack-name")
    assert check_stack(real()).says == "it is not deployed yet"
    assert verdicts(found(check_deployer, Facts(), asked)) == ["ok"]


DEPLOYER = "arn:aws:iam::123456789012:role/Deployer"


def real(stack: StackFacts | None = None, *given: str) -> Wanted:
    """What the real templates make."""
    environment = Environment("dev", "seqdrop", "us-east-1", {"CreateNetwork": "true"})
    return wanted_of(environment, list(given), stack)


def test_what_a_stack_is_made_of_is_read_without_a_region(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --env nobody names one, and the template was never transformed here before."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "")  # so that what the transform sets is taken back
        monkeypatch.delenv(name)
    asked = wanted_of(Environment("", "seqdrop", ""), [], STACK)
    assert len(asked.of("AWS::Batch::ComputeEnvironment")) == 2
    assert len(asked.of("AWS::ECR::Repository")) == 9


def limited(*denied: str) -> FakeSimulator:
    statement = {"Effect": "Deny", "Action": list(denied), "Resource": "*"}
    policies: dict[str, Any] = {"all": ALL_ALLOWED, "not-these": {"Statement": [statement]}}
    return FakeSimulator({"Deployer": policies})


def test_a_deployer_who_may_not_is_told_what() -> None:
    facts = Facts(iam=limited("iam:PassRole", "sqs:TagQueue", "s3:DeleteBucket"))
    (finding,) = found(check_deployer, facts, real())
    assert finding.verdict is Verdict.WARN
    assert f"would not let {DEPLOYER} do iam:PassRole, sqs:TagQueue: " in finding.says
    assert finding.says.endswith("(not-these)")


def test_a_deployer_is_asked_only_about_what_will_be_made() -> None:
    facts = Facts(iam=limited("ec2:CreateVpc", "s3:PutBucketObjectLockConfiguration"))
    findings = found(check_deployer, facts, real(None, "CreateNetwork=false"))
    assert verdicts(findings) == ["ok"]
    (finding,) = found(check_deployer, facts, real(None, "CreateNetwork=true"))
    assert "do ec2:CreateVpc: " in finding.says


def test_a_type_that_a_lab_added_is_told_and_all_others_are_asked_about() -> None:
    asked = real()
    asked = replace(asked, resources=(*asked.resources, {"Type": "AWS::SNS::Topic"}))
    good = found(check_deployer, Facts(), asked)
    assert verdicts(good) == ["warn", "ok"]
    assert good[0].says == "not checked: which actions AWS::SNS::Topic needs"
    assert good[0].do == "add them to cli/doctor/deployer.py"
    assert good[1].says == f"{DEPLOYER} may deploy the rest"
    bad = found(check_deployer, Facts(iam=limited("iam:PassRole")), asked)
    assert verdicts(bad) == ["warn", "warn"]
    assert "do iam:PassRole: " in bad[1].says


def test_making_batchs_own_role_is_a_right_where_there_is_none_yet() -> None:
    iam = limited("iam:CreateServiceLinkedRole")
    assert verdicts(found(check_deployer, Facts(iam=iam), real())) == ["ok"]
    facts = Facts(iam=iam, without_roles=frozenset({"AWSServiceRoleForBatch"}))
    (finding,) = found(check_linked_roles, facts)
    assert finding.verdict is Verdict.OK
    assert finding.says.startswith("the account has no AWSServiceRoleForBatch yet")
    (finding,) = found(check_deployer, facts, real())
    assert finding.verdict is Verdict.WARN
    assert "do iam:CreateServiceLinkedRole" in finding.says


def test_a_right_to_make_that_role_for_batch_alone_is_enough() -> None:
    for_batch = {
        "Effect": "Deny", "Action": "iam:CreateServiceLinkedRole", "Resource": "*",
        "Condition": {"StringNotEquals": {"iam:AWSServiceName": "batch.amazonaws.com"}},
    }  # fmt: skip
    policies: dict[str, Any] = {"all": ALL_ALLOWED, "only-batch": {"Statement": [for_batch]}}
    facts = Facts(
        iam=FakeSimulator({"Deployer": policies}),
        without_roles=frozenset({"AWSServiceRoleForBatch"}),
    )
    assert verdicts(found(check_deployer, facts, real())) == ["ok"]


def test_without_spots_role_the_command_that_makes_it_is_told() -> None:
    facts = Facts(without_roles=frozenset({"AWSServiceRoleForEC2Spot"}))
    (finding,) = found(check_linked_roles, facts)
    assert finding.verdict is Verdict.WARN
    assert "--aws-service-name spot.amazonaws.com" in finding.do


def test_root_is_not_asked_about() -> None:
    """IAM's simulator is of users and roles: asked about root, this one would fail."""
    facts = Facts(arn="arn:aws:iam::123456789012:root", iam=FakeSimulator({}))
    (finding,) = found(check_deployer, facts)
    assert (finding.says, finding.do) == (
        "these are the root user's credentials", "deploy as a role",
    )  # fmt: skip


def test_a_good_deployment_is_no_alarm() -> None:
    (finding,) = found(check_stack_roles, Facts(), wanted(STACK))
    assert (finding.verdict, finding.says) == (
        "ok", "IAM lets 1 of 1 roles do all that the template gives them (3 actions)",
    )  # fmt: skip
    assert found(check_deployer, Facts(), wanted(STACK)) == []
    assert found(check_stack_roles, Facts()) == []


def test_jobs_that_an_organisation_keeps_from_their_bucket_are_told() -> None:
    forbids = {"Statement": [{"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"}]}
    iam = FakeSimulator(Facts().iam.policies, organisation=(ALL_ALLOWED, forbids))
    (finding,) = found(check_stack_roles, Facts(iam=iam), wanted(STACK))
    assert finding.verdict is Verdict.FAIL
    assert finding.says == (
        "ReadsJobRole (role-1) may not s3:PutObject on arn:aws:s3:::results/any: "
        "a policy of the organisation (SCP) forbids it"
    )
    assert "keep the organisation's policies" in finding.do


def test_what_hangs_on_a_key_of_a_real_call_is_for_a_person_to_judge() -> None:
    tagged: dict[str, Any] = {
        "Effect": "Deny", "Action": "s3:PutObject", "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:PrincipalTag/lab": "yes"}},
    }  # fmt: skip
    forbids = {"Statement": [tagged]}
    iam = FakeSimulator(Facts().iam.policies, organisation=(ALL_ALLOWED, forbids))
    (finding,) = found(check_stack_roles, Facts(iam=iam), wanted(STACK))
    assert finding.verdict is Verdict.WARN
    assert finding.says.startswith("IAM can't tell whether ")
    assert "may s3:PutObject on arn:aws:s3:::results/any: it depends" in finding.says
    assert finding.says.endswith("(aws:PrincipalTag/lab)")


def test_a_role_that_someone_deleted_is_told() -> None:
    gone = Facts(without_roles=frozenset({"role-1"}))
    (finding,) = found(check_stack_roles, gone, wanted(STACK))
    assert (finding.verdict, finding.says) == ("fail", "ReadsJobRole (role-1) is gone")
    assert "make it again under this name, or delete the stack and deploy again" in finding.do


def test_a_role_that_was_changed_by_hand_is_told() -> None:
    changed = {"Statement": [DEPLOYED_POLICY["Statement"][1]]}
    iam = FakeSimulator({"role-1": {"jobs": changed}})
    (finding,) = found(check_stack_roles, Facts(iam=iam), wanted(STACK))
    assert finding.verdict is Verdict.FAIL
    assert "s3:GetObjectVersion on arn:aws:s3:::u/any: no policy allows it" in finding.says
    assert "drift detection" in finding.do


def test_a_default_assay_that_could_not_run_is_told_with_one_that_could() -> None:
    good, *rest = check_library(real(None, "EnableFpga=true"))
    assert (good.verdict, rest) == ("ok", [])
    good, told = check_library(real())
    assert (good.verdict, told.verdict) == ("ok", "warn")
    assert told.says.startswith("the default assay wgs needs the queue fpga-genome, which is not")
    assert told.do.startswith("set `default: wgs-cpu` in pipelines/assays.yaml before you deploy")


def test_placeholders_are_told_once() -> None:
    asked = wanted(CpuImage="CHOOSE-image", SubnetIds="CHOOSE-subnets", FpgaGenomeAmi="CHOOSE-ami")
    declared = {name: {"Type": "String"} for name in PARAMETERS}
    findings = list(check_parameters(replace(asked, declared=declared)))
    assert [finding.says.partition(":")[0] for finding in findings] == [
        "CpuImage", "FpgaGenomeAmi", "SubnetIds",
    ]  # fmt: skip
    assert len(found(check_host_images, Facts(), asked)) == 1
    assert len(found(check_images, Facts(), asked)) == 2
