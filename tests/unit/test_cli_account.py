"""What `seqdrop doctor` reads out of AWS' answers: moto's own, or else as they are documented."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from cli.account import Account
from seqdrop.domain.errors import SeqdropError

REGION = "us-east-1"


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Clients by name, of an account of this process' own."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        made: dict[str, Any] = {}

        def client(name: str) -> Any:
            make: Any = boto3.client
            return made.setdefault(name, make(name, region_name=REGION))

        yield client


@pytest.fixture
def account(clients: Any) -> Account:
    return Account(clients, REGION)


def make_subnet(ec2: Any) -> tuple[str, str, str]:
    """A network, a subnet in it, and the subnet's own route table."""
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", AvailabilityZone="us-east-1b")[
        "Subnet"
    ]["SubnetId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    return vpc, subnet, table


def test_a_subnets_ways_out_are_those_of_its_own_route_table(
    clients: Any, account: Account
) -> None:
    ec2 = clients("ec2")
    vpc, subnet, table = make_subnet(ec2)
    (closed,) = account.subnets([subnet])
    assert (closed.zone, closed.vpc, closed.default_route) == ("us-east-1b", vpc, "")
    assert not closed.s3_endpoint
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    ec2.create_vpc_endpoint(
        VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.s3", RouteTableIds=[table],
        VpcEndpointType="Gateway",
    )  # fmt: skip
    ec2.create_vpc_endpoint(
        VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.ecr.api", VpcEndpointType="Interface",
        SubnetIds=[subnet],
    )  # fmt: skip
    (opened,) = account.subnets([subnet, "subnet-00000000000000000"])
    assert opened.default_route == gateway
    assert opened.s3_endpoint
    assert opened.endpoints == {"ecr.api"}


def test_a_subnet_without_a_table_of_its_own_has_its_networks_main_one(
    clients: Any, account: Account
) -> None:
    ec2 = clients("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])
    main = tables["RouteTables"][0]["RouteTableId"]
    ec2.create_vpc_endpoint(
        VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.s3", RouteTableIds=[main],
        VpcEndpointType="Gateway",
    )  # fmt: skip
    assert account.subnets([subnet])[0].s3_endpoint


def test_an_ami_is_read_with_its_tags_and_none_where_there_is_none(
    clients: Any, account: Account
) -> None:
    ec2 = clients("ec2")
    known = ec2.describe_images()["Images"][0]["ImageId"]
    ec2.create_tags(Resources=[known], Tags=[{"Key": "seqdrop:dragen", "Value": "4.4"}])
    image = account.image(known)
    assert image is not None
    assert (image.state, image.tags) == ("available", {"seqdrop:dragen": "4.4"})
    assert account.image("ami-00000000000000000") is None
    assert account.image("no ami") is None


def test_what_is_not_there_is_no_error(clients: Any, account: Account) -> None:
    assert account.stack("seqdrop") is None
    assert not account.has_secret("arn:aws:secretsmanager:us-east-1:123456789012:secret:no")
    assert not account.has_role("AWSServiceRoleForEC2Spot")
    assert not account.has_container_image("123456789012", "seqdrop/cpu", "sha256:" + "a" * 64)
    clients("ecr").create_repository(repositoryName="seqdrop/cpu")
    assert not account.has_container_image("123456789012", "seqdrop/cpu", "sha256:" + "a" * 64)


def test_a_secret_that_is_about_to_be_deleted_is_none(clients: Any, account: Account) -> None:
    manager = clients("secretsmanager")
    arn = manager.create_secret(Name="dragen", SecretString="{}")["ARN"]
    assert account.has_secret(arn)
    manager.delete_secret(SecretId=arn)
    assert not account.has_secret(arn)


def test_a_stack_is_read_with_its_parameters_and_resources(clients: Any, account: Account) -> None:
    template = """
Parameters: {Size: {Type: Number, Default: 16}}
Resources: {Letters: {Type: "AWS::SQS::Queue"}}
Outputs: {Url: {Value: {Ref: Letters}}}
"""
    clients("cloudformation").create_stack(StackName="seqdrop", TemplateBody=template)
    stack = account.stack("seqdrop")
    assert stack is not None
    assert stack.parameters == {"Size": "16"}
    (queue,) = stack.of("AWS::SQS::Queue")
    assert (queue.name, queue.id) == ("Letters", stack.outputs["Url"])


def test_zones_are_those_that_cloudformation_would_take(account: Account) -> None:
    assert account.zones()[:2] == ["us-east-1a", "us-east-1b"]
    assert account.zones_with("m7i.xlarge") <= set(account.zones())
    assert account.zones_with("no.such-type") == set()


def stubbed(service: str) -> tuple[Account, Stubber]:
    make: Any = boto3.client
    client = make(service, region_name=REGION)
    return Account(lambda _: client, REGION), Stubber(client)


def test_a_quota_that_was_never_raised_is_the_default(clients: Any) -> None:
    account, stub = stubbed("service-quotas")
    asked = {"ServiceCode": "ec2", "QuotaCode": "L-74FC7D96"}
    stub.add_response("get_service_quota", {"Quota": {"Value": 192.0}}, asked)
    stub.add_client_error("get_service_quota", "NoSuchResourceException")
    stub.add_response("get_aws_default_service_quota", {"Quota": {"Value": 0.0}}, asked)
    with stub:
        assert account.quota("L-74FC7D96") == 192
        assert account.quota("L-74FC7D96") == 0
    stub.assert_no_pending_responses()


def test_a_quota_that_may_not_be_asked_for_is_an_error(clients: Any) -> None:
    account, stub = stubbed("service-quotas")
    stub.add_client_error("get_service_quota", "AccessDeniedException")
    with stub, pytest.raises(Exception, match="AccessDenied") as raised:
        account.quota("L-74FC7D96")
    assert not isinstance(raised.value, SeqdropError)


def test_licences_are_counted_as_batch_says(clients: Any) -> None:
    account, stub = stubbed("batch")
    stub.add_response(
        "describe_consumable_resource",
        {
            "consumableResourceName": "dragen", "consumableResourceArn": "arn:c",
            "totalQuantity": 4, "inUseQuantity": 3, "availableQuantity": 1,
        },
        {"consumableResource": "arn:c"},
    )  # fmt: skip
    with stub:
        assert account.licences("arn:c") == (1, 4)


def test_what_iam_would_deny_is_named(clients: Any) -> None:
    account, stub = stubbed("iam")
    results = [
        {"EvalActionName": "s3:GetObject", "EvalDecision": "allowed"},
        {"EvalActionName": "s3:PutObject", "EvalDecision": "implicitDeny"},
        {"EvalActionName": "iam:PassRole", "EvalDecision": "explicitDeny"},
    ]
    stub.add_response("simulate_principal_policy", {"EvaluationResults": results})
    with stub:
        role = "arn:aws:iam::123456789012:role/jobs"
        actions = [one["EvalActionName"] for one in results]
        assert account.denied(role, actions) == ["s3:PutObject", "iam:PassRole"]
