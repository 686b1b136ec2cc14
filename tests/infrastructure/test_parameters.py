"""The template's parameters: their bounds, which go together, and what is made under them."""

import json
import re
from typing import Any

import pytest

from cli.stack import Outputs
from infrastructure.conditions import broken_rules
from tests.infrastructure.stack import made, made_of_type, source, transformed

PARAMETERS = source()["Parameters"]
DIGEST = "sha256:" + "a" * 64
FPGA = {
    "EnableFpga": "true",
    "FpgaGenomeAmi": "ami-0123456789abcdef0",
    "FpgaExomeAmi": "ami-0123456789abcdef0",
    "FpgaGenomeImage": f"genome@{DIGEST}",
    "FpgaExomeImage": f"exome@{DIGEST}",
}
SUBNETS = {"SubnetIds": "subnet-1,subnet-2", "SecurityGroupIds": "sg-1"}
NEW_NETWORK = {"CreateNetwork": "true"}


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_parameter_is_described_and_bounded(name: str) -> None:
    parameter = PARAMETERS[name]
    assert len(parameter["Description"]) > 10
    assert parameter["Type"] in {"String", "Number"}
    if parameter["Type"] == "Number":
        assert {"MinValue", "MaxValue"} <= parameter.keys() or "AllowedValues" in parameter
    else:
        assert {"AllowedPattern", "AllowedValues"} & parameter.keys()
    if "AllowedPattern" in parameter:
        assert parameter["ConstraintDescription"]


def test_every_parameter_is_in_one_group_of_the_form() -> None:
    groups = source()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    shown = [name for group in groups for name in group["Parameters"]]
    assert sorted(shown) == sorted(PARAMETERS)


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_default_is_within_its_own_bounds(name: str) -> None:
    parameter = PARAMETERS[name]
    if "Default" not in parameter:
        assert name == "CpuImage"
        return
    default = parameter["Default"]
    if "AllowedPattern" in parameter:
        assert re.fullmatch(parameter["AllowedPattern"], str(default))
    if "AllowedValues" in parameter:
        assert default in parameter["AllowedValues"]
    if "MinValue" in parameter:
        assert parameter["MinValue"] <= default <= parameter["MaxValue"]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("FpgaGenomeAmi", "ami-0123456789abcdef0", "i-0123456789abcdef0"),
        ("CpuImage", f"1.dkr.ecr.us-east-1.amazonaws.com/seqdrop/cpu@{DIGEST}", 'cpu","x":"y'),
        ("CpuImage", f"cpu@{DIGEST}", "cpu:latest"),
        ("FpgaExomeImage", "", "an image"),
        ("FpgaExomeImage", f"exome@{DIGEST}", f"an image@{DIGEST}"),
        ("SubnetIds", "subnet-0a,subnet-0b", "subnet-0a, subnet-0b"),
        ("SecurityGroupIds", "sg-0a", "subnet-0a"),
        ("NetworkZones", "us-east-1b,us-east-1d", "us-east-1b"),
        ("VpcCidr", "10.0.0.0/20", "10.0.0.0/24"),
        ("KmsKeyArn", "arn:aws:kms:eu-west-1:123456789012:key/1234-ab", "alias/mine"),
        ("DragenLicenceKmsKeyArn", "arn:aws:kms:eu-west-1:123456789012:key/1234-ab", "alias/mine"),
        (
            "CpuInstanceTypes",
            "m7i.4xlarge,r6idn.8xlarge,m7i-flex.8xlarge",
            "m7i.4xlarge, m6i.4xlarge",
        ),
        ("CpuInstanceTypes", "m6a.8xlarge", "m7g.8xlarge"),  # Graviton
        ("CpuInstanceTypes", "r7iz.8xlarge", "r8gd.4xlarge"),
        ("CpuInstanceTypes", "m6i.4xlarge", "m6i.2xlarge"),  # no genome fits
        ("CpuInstanceTypes", "m6i.4xlarge", "m6i.16xlarge"),  # more genomes than scratch
        ("CpuInstanceTypes", "m6i.4xlarge", "c6i.4xlarge"),
        ("CpuInstanceTypes", "m6i.4xlarge", ""),
        (
            "DragenLicenceSecretArn",
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:dragen-AbCdEf",
            "https://user:password@licence.example",
        ),
    ],
)
def test_a_pattern_takes_what_is_meant_and_nothing_else(name: str, good: str, bad: str) -> None:
    pattern = PARAMETERS[name]["AllowedPattern"]
    assert re.fullmatch(pattern, good)
    assert not re.fullmatch(pattern, bad)


def refused(**given: str) -> list[str]:
    """What the rules say to parameters."""
    return broken_rules(source(), given)


@pytest.mark.parametrize("network", [SUBNETS, NEW_NETWORK])
@pytest.mark.parametrize("fpga", [FPGA, {}])
def test_parameters_that_go_together_are_taken(
    network: dict[str, str], fpga: dict[str, str]
) -> None:
    assert refused(**network, **fpga) == []


def test_a_licence_on_hosts_that_reach_no_server_is_refused() -> None:
    licence = {"DragenLicenceSecretArn": "arn:aws:secretsmanager:eu-west-2:1:secret:l-AbCdEf"}
    assert refused(**SUBNETS, **FPGA, **licence) == []
    (why,) = refused(**NEW_NETWORK, **FPGA, **licence)
    assert "NAT gateway" in why


def test_the_software_mode_s_licence_needs_no_fpga_and_a_way_to_its_server() -> None:
    secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:d"
    licence = {"DragenSoftwareLicenceSecretArn": secret}
    key = {"DragenLicenceKmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1"}
    assert refused(**SUBNETS, **licence) == refused(**SUBNETS, **licence, **key) == []
    (why,) = refused(**NEW_NETWORK, **licence)
    assert "NAT gateway" in why


@pytest.mark.parametrize("name", sorted(FPGA.keys() - {"EnableFpga"}))
def test_fpga_queues_without_their_hosts_are_refused(name: str) -> None:
    (why,) = refused(**SUBNETS, **FPGA | {name: ""})
    assert name in why


def test_a_key_without_its_secret_is_refused() -> None:
    key = {"DragenLicenceKmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1"}
    secret = {"DragenLicenceSecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:d"}
    (why,) = refused(**SUBNETS, **FPGA, **key)
    assert "give DragenLicenceSecretArn" in why
    assert refused(**SUBNETS, **FPGA, **key, **secret) == []


@pytest.mark.parametrize("name", ["FpgaGenomeDragenFrom", "FpgaExomeDragenFrom"])
def test_dragen_is_in_the_image_unless_it_is_said_to_be_on_the_host(name: str) -> None:
    assert PARAMETERS[name]["Default"] == "image"
    assert PARAMETERS[name]["AllowedValues"] == ["image", "host"]


@pytest.mark.parametrize("name", SUBNETS)
def test_hosts_without_a_network_are_refused(name: str) -> None:
    (why,) = refused(**SUBNETS | {name: ""})
    assert name in why
    assert "CreateNetwork" in why


@pytest.mark.parametrize("name", SUBNETS)
def test_two_networks_are_refused(name: str) -> None:
    (why,) = refused(**NEW_NETWORK, **{name: SUBNETS[name]})
    assert name in why


def test_without_fpga_a_stack_has_nothing_of_it() -> None:
    without = made(EnableFpga="false", DragenLicences="5", DragenLicenceSecretArn="arn:x")
    assert [n for n in without if "Fpga" in n or "Dragen" in n] == []
    assert re.findall(r"fpga|f2\.|dragen", json.dumps(without), re.IGNORECASE) == []


def test_nothing_that_is_made_refers_to_what_is_not() -> None:
    always = transformed()["Parameters"].keys()
    for fpga in ("true", "false"):
        for network in ("true", "false"):
            given = {"EnableFpga": fpga, "CreateNetwork": network}
            for more in (
                {},
                {
                    "KmsKeyArn": "k",
                    "DragenLicences": "1",
                    "DragenLicenceSecretArn": "s",
                    "DragenSoftwareLicenceSecretArn": "t",
                    "DragenLicenceKmsKeyArn": "l",
                    "FpgaGenomeDragenFrom": "host",
                },
            ):
                resources = made(**given, **more)
                for name, resource in resources.items():
                    gone = _needs(resource) - resources.keys() - always
                    assert gone == set(), (name, given)


def _needs(resource: Any) -> set[str]:
    from tests.infrastructure.stack import refers_to

    return {name for name in refers_to(resource) if not name.startswith("AWS::")}


def test_a_network_is_made_only_by_choice_and_reaches_what_hosts_need() -> None:
    kinds = {
        "AWS::EC2::VPC",
        "AWS::EC2::Subnet",
        "AWS::EC2::VPCEndpoint",
        "AWS::EC2::SecurityGroup",
    }
    assert not kinds & {r["Type"] for r in made(CreateNetwork="false").values()}
    given = {**NEW_NETWORK, "EnableFpga": "true"}
    services = {
        e["ServiceName"]["Fn::Sub"].partition("${AWS::Region}.")[2]: e["VpcEndpointType"]
        for e in made_of_type("AWS::EC2::VPCEndpoint", **given).values()
    }
    interfaces = {"ecr.api", "ecr.dkr", "ecs", "ecs-agent", "ecs-telemetry", "logs"}
    gateways = {"s3", "dynamodb"}
    assert services == dict.fromkeys(interfaces, "Interface") | dict.fromkeys(gateways, "Gateway")


def test_nothing_of_the_network_is_public() -> None:
    resources = made(**NEW_NETWORK)
    types = {r["Type"] for r in resources.values()}
    assert not types & {"AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::Route"}
    for subnet in made_of_type("AWS::EC2::Subnet", **NEW_NETWORK).values():
        assert subnet["MapPublicIpOnLaunch"] is False
    groups = made_of_type("AWS::EC2::SecurityGroup", **NEW_NETWORK)
    assert "SecurityGroupIngress" not in groups["HostsSecurityGroup"]
    (way_in,) = groups["EndpointsSecurityGroup"]["SecurityGroupIngress"]
    assert way_in["SourceSecurityGroupId"] == {"Ref": "HostsSecurityGroup"}


def test_every_choice_together_stays_under_the_size_that_was_set() -> None:
    assert len(transformed()["Resources"]) <= 300


def test_what_a_stack_of_before_does_not_say_is_the_template_s_default() -> None:
    before = Outputs("seqdrop", {}, {})
    parameters = source()["Parameters"]
    assert before.runnable_timeout_seconds == int(parameters["RunnableTimeoutSeconds"]["Default"])
    assert before.scratch_gib == int(parameters["ScratchGib"]["Default"])
