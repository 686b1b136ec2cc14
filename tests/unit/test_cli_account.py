"""What `seqdrop doctor` reads out of AWS' answers: moto's own, or else as they are documented."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from cli.doctor.account import Account
from cli.doctor.facts import BatchResource, ContainerImage, Secret
from seqdrop.domain.errors import SeqdropError

REGION = "us-east-1"


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Clients by name, of an account of this process' own."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "true")
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
    assert (image.root_device, image.is_allowed) == ("/dev/sda1", True)
    assert image.root_gib > 0
    assert account.image("ami-00000000000000000") is None
    assert account.image("no ami") is None


@pytest.mark.parametrize(
    ("described", "root", "gib", "allowed"),
    [
        ({"RootDeviceName": "/dev/xvda", "BlockDeviceMappings": [
            {"DeviceName": "/dev/sdb", "VirtualName": "ephemeral0"},
            {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 30}}]}, "/dev/xvda", 30, True),
        ({"RootDeviceName": "/dev/sda1", "BlockDeviceMappings": [], "ImageAllowed": False},
         "", 0, False),
        ({"BlockDeviceMappings": [], "ImageAllowed": True}, "", 0, True),
    ],
)  # fmt: skip
def test_an_ami_s_root_volume_is_read_as_ec2_tells_it(
    described: dict[str, Any], root: str, gib: int, allowed: bool
) -> None:
    """In the service's own shapes: moto knows one kind of root, and no list of allowed AMIs."""
    ec2: Any = boto3.client("ec2", region_name=REGION)
    answer = {"Images": [{"State": "available", "Architecture": "x86_64", **described}]}
    with Stubber(ec2) as stub:
        stub.add_response("describe_images", answer, {"ImageIds": ["ami-1"]})
        image = Account(lambda _: ec2, REGION).image("ami-1")
    assert image is not None
    assert (image.root_device, image.root_gib, image.is_allowed) == (root, gib, allowed)


def test_what_is_not_there_is_no_error(clients: Any, account: Account) -> None:
    assert account.stack("seqdrop") is None
    assert account.secret("arn:aws:secretsmanager:us-east-1:123456789012:secret:no") is None
    assert not account.has_role("AWSServiceRoleForEC2Spot")
    assert account.container_image("seqdrop/cpu", digest="sha256:" + "a" * 64) is None
    assert account.container_image("seqdrop/cpu", tag="abc") is None
    clients("ecr").create_repository(repositoryName="seqdrop/cpu")
    assert account.container_image("seqdrop/cpu", digest="sha256:" + "a" * 64) is None
    assert account.container_image("seqdrop/cpu", tag="abc") is None
    assert account.images_of_jobs([]) == {}


def test_a_secret_that_is_about_to_be_deleted_is_none(clients: Any, account: Account) -> None:
    manager = clients("secretsmanager")
    arn = manager.create_secret(Name="dragen", SecretString="{}")["ARN"]
    assert account.secret(arn) == Secret(arn, "")
    manager.delete_secret(SecretId=arn)
    assert account.secret(arn) is None


def test_a_secrets_key_is_told_by_its_arn_if_it_is_a_customers(
    clients: Any, account: Account
) -> None:
    key = clients("kms").create_key()["KeyMetadata"]
    clients("kms").create_alias(AliasName="alias/lab", TargetKeyId=key["KeyId"])
    manager = clients("secretsmanager")
    for i, name in enumerate((key["KeyId"], key["Arn"], "alias/lab")):
        arn = manager.create_secret(Name=f"dragen{i}", SecretString="{}", KmsKeyId=name)["ARN"]
        assert account.secret(arn) == Secret(arn, key["Arn"])
    arn = manager.create_secret(
        Name="aws-own", SecretString="{}", KmsKeyId="alias/aws/secretsmanager"
    )["ARN"]
    assert account.secret(arn) == Secret(arn, "")


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


def test_a_stacks_status_is_told_where_there_is_a_stack(clients: Any, account: Account) -> None:
    assert account.stack_status("seqdrop") == ""
    template = "Resources: {Letters: {Type: 'AWS::SQS::Queue'}}"
    clients("cloudformation").create_stack(StackName="seqdrop", TemplateBody=template)
    assert account.stack_status("seqdrop") == "CREATE_COMPLETE"


def test_what_was_deleted_of_a_stack_is_no_part_of_it(clients: Any) -> None:
    """CloudFormation lists it still, with the id that it had."""
    account, stub = stubbed("cloudformation")
    created = datetime(2026, 11, 28, tzinfo=UTC)
    stack = {"StackName": "seqdrop", "CreationTime": created, "StackStatus": "ROLLBACK_COMPLETE"}
    stub.add_response("describe_stacks", {"Stacks": [stack]})
    summaries = [
        {
            "LogicalResourceId": name, "PhysicalResourceId": name, "ResourceStatus": status,
            "ResourceType": "AWS::S3::Bucket", "LastUpdatedTimestamp": created,
        }
        for name, status in (("gone", "DELETE_COMPLETE"), ("kept", "DELETE_SKIPPED"))
    ]  # fmt: skip
    stub.add_response("list_stack_resources", {"StackResourceSummaries": summaries})
    with stub:
        found = account.stack("seqdrop")
    assert found is not None
    assert [one.id for one in found.resources] == ["kept"]
    assert not found.is_whole


def test_zones_are_those_that_cloudformation_would_take(account: Account) -> None:
    assert account.zones()[:2] == ["us-east-1a", "us-east-1b"]
    offered = account.offered(["m5.xlarge", "no.such-type"])
    assert offered.keys() == {"m5.xlarge"}
    assert offered["m5.xlarge"] <= set(account.zones())


def test_a_family_of_instance_types_is_asked_for_as_a_whole(clients: Any) -> None:
    account, stub = stubbed("ec2")
    offered = [
        {"InstanceType": "m7i.large", "Location": "us-east-1a"},
        {"InstanceType": "m7i.large", "Location": "us-east-1b"},
    ]
    stub.add_response(
        "describe_instance_type_offerings",
        {"InstanceTypeOfferings": offered},
        {
            "LocationType": "availability-zone",
            "Filters": [{"Name": "instance-type", "Values": ["m7i.*", "r6i.8xlarge"]}],
        },
    )
    with stub:
        assert account.offered(["m7i", "r6i.8xlarge"]) == {
            "m7i.large": {"us-east-1a", "us-east-1b"}
        }


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


@pytest.mark.parametrize(("plan", "free"), [("FREE", True), ("PAID", False)])
def test_an_accounts_plan_is_read(clients: Any, plan: str, free: bool) -> None:
    account, stub = stubbed("freetier")
    state = {
        "accountId": "123456789012", "accountPlanType": plan, "accountPlanStatus": "ACTIVE",
    }  # fmt: skip
    stub.add_response("get_account_plan_state", state)
    with stub:
        assert account.is_on_free_plan() is free


def test_an_account_without_any_plan_is_not_on_the_free_one(clients: Any) -> None:
    account, stub = stubbed("freetier")
    stub.add_client_error("get_account_plan_state", "ResourceNotFoundException")
    with stub:
        assert not account.is_on_free_plan()


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


def test_a_quota_is_asked_of_its_own_service(clients: Any) -> None:
    account, stub = stubbed("service-quotas")
    asked = {"ServiceCode": "ebs", "QuotaCode": "L-7A658B76"}
    stub.add_response("get_service_quota", {"Quota": {"Value": 50.0}}, asked)
    with stub:
        assert account.quota("L-7A658B76", "ebs") == 50


def test_lambda_tells_what_no_function_has_for_itself(clients: Any) -> None:
    account, stub = stubbed("lambda")
    limit = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 900}
    stub.add_response("get_account_settings", {"AccountLimit": limit})
    with stub:
        assert account.concurrency() == 900


def test_vpcs_are_counted(clients: Any, account: Account) -> None:
    before = account.vpcs()
    clients("ec2").create_vpc(CidrBlock="10.0.0.0/16")
    assert account.vpcs() == before + 1


def test_a_list_of_images_is_read_with_its_platforms(clients: Any) -> None:
    account, stub = stubbed("ecr")
    media = "application/vnd.oci.image.index.v1+json"
    digest = "sha256:" + "a" * 64
    manifest = {
        "manifests": [
            {"platform": {"os": "linux", "architecture": "arm64"}},
            {"platform": {"os": "unknown", "architecture": "unknown"}},
        ]
    }
    details = [{"imageDigest": digest, "imageManifestMediaType": media}]
    wanted = {"repositoryName": "seqdrop/cpu", "imageIds": [{"imageTag": "abc"}]}
    stub.add_response("describe_images", {"imageDetails": details}, wanted)
    images = [{"imageManifest": json.dumps(manifest)}]
    stub.add_response("batch_get_image", {"images": images})
    with stub:
        image = account.container_image("seqdrop/cpu", tag="abc")
    assert image == ContainerImage(digest, ("linux/arm64",))


def test_an_image_is_looked_for_in_the_registry_that_its_name_says(clients: Any) -> None:
    account, stub = stubbed("ecr")
    digest = "sha256:" + "a" * 64
    media = "application/vnd.docker.distribution.manifest.v2+json"
    stub.add_response(
        "describe_images",
        {"imageDetails": [{"imageDigest": digest, "imageManifestMediaType": media}]},
        {
            "repositoryName": "seqdrop/cpu", "registryId": "999999999999",
            "imageIds": [{"imageDigest": digest}],
        },
    )  # fmt: skip
    with stub:
        found = account.container_image("seqdrop/cpu", digest=digest, registry="999999999999")
    assert found == ContainerImage(digest)


def test_batchs_parts_are_read_with_why_they_are_not_well(clients: Any) -> None:
    account, stub = stubbed("batch")
    answer = {
        "computeEnvironments": [
            {
                "computeEnvironmentName": "cpu", "computeEnvironmentArn": "arn:cpu",
                "status": "INVALID", "state": "ENABLED", "statusReason": "CLIENT_ERROR",
            }
        ]
    }  # fmt: skip
    stub.add_response("describe_compute_environments", answer, {"computeEnvironments": ["arn:cpu"]})
    with stub:
        assert account.batch_resources("computeEnvironments", ["arn:cpu"]) == [
            BatchResource("cpu", "arn:cpu", "INVALID", "ENABLED", "CLIENT_ERROR")
        ]


def test_the_images_of_job_definitions_of_both_forms_are_read(clients: Any) -> None:
    account, stub = stubbed("batch")
    plain = {"containerProperties": {"image": "one"}}
    task = {"ecsProperties": {"taskProperties": [{"containers": [{"image": "two"}]}]}}
    definitions = [
        {"jobDefinitionName": name, "jobDefinitionArn": name, "revision": 3, "type": "container"}
        | more
        for name, more in (("cpu", plain), ("fpga", task))
    ]
    stub.add_response("describe_job_definitions", {"jobDefinitions": definitions})
    with stub:
        assert account.images_of_jobs(["a", "b"]) == {"cpu:3": "one", "fpga:3": "two"}


@pytest.mark.parametrize("body", ['{"Resources": {"A": 1}}', "Resources: {A: 1}"])
def test_a_template_is_read_in_both_its_forms(clients: Any, body: str) -> None:
    account, stub = stubbed("cloudformation")
    asked = {"StackName": "seqdrop", "TemplateStage": "Processed"}
    stub.add_response("get_template", {"TemplateBody": body}, asked)
    with stub:
        assert account.template("seqdrop") == {"Resources": {"A": 1}}
