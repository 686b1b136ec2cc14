"""What an AWS account says of itself, for who is about to deploy: plain facts, no judgement."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

Client = Callable[[str], Any]


@dataclass(frozen=True)
class Resource:
    """A resource of a stack."""

    name: str
    kind: str
    id: str


@dataclass(frozen=True)
class StackFacts:
    """A stack that is deployed."""

    name: str
    status: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]
    resources: tuple[Resource, ...]

    def of(self, kind: str) -> list[Resource]:
        """Its resources of a type."""
        return [resource for resource in self.resources if resource.kind == kind]


@dataclass(frozen=True)
class Image:
    """A host image (AMI)."""

    state: str
    architecture: str
    has_ena: bool
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Subnet:
    """A subnet, and its ways to S3 and to all else."""

    id: str
    zone: str
    vpc: str
    gives_public_addresses: bool
    default_route: str
    """What its default route goes to (``nat-…``, ``igw-…``); "" where it has none."""
    s3_endpoint: bool
    endpoints: frozenset[str]
    """Services that have an interface endpoint in its network (``ecr.api``)."""


class Account:
    """One account in one region."""

    def __init__(self, client: Client, region: str) -> None:
        self._client = client
        self.region = region

    def identity(self) -> tuple[str, str]:
        """Account and ARN of who asks."""
        answer = self._client("sts").get_caller_identity()
        return str(answer["Account"]), str(answer["Arn"])

    def stack(self, name: str) -> StackFacts | None:
        """A stack by name."""
        client = self._client("cloudformation")
        answer = _unless_missing(lambda: client.describe_stacks(StackName=name), "ValidationError")
        if answer is None:
            return None
        found = answer["Stacks"][0]
        pages = client.get_paginator("list_stack_resources").paginate(StackName=name)
        return StackFacts(
            name=name,
            status=found["StackStatus"],
            parameters={
                p["ParameterKey"]: p.get("ParameterValue", "") for p in found.get("Parameters", [])
            },
            outputs={o["OutputKey"]: o["OutputValue"] for o in found.get("Outputs", [])},
            resources=tuple(
                Resource(r["LogicalResourceId"], r["ResourceType"], r["PhysicalResourceId"])
                for page in pages
                for r in page["StackResourceSummaries"]
                if r.get("PhysicalResourceId")
            ),
        )

    def quota(self, code: str) -> float:
        """A quota of EC2, as it was raised or by default."""
        client = self._client("service-quotas")
        asked = {"ServiceCode": "ec2", "QuotaCode": code}
        answer = _unless_missing(
            lambda: client.get_service_quota(**asked), "NoSuchResourceException"
        ) or client.get_aws_default_service_quota(**asked)
        return float(answer["Quota"]["Value"])

    def zones(self) -> list[str]:
        """The region's zones, in the order in which CloudFormation takes them."""
        answer = self._client("ec2").describe_availability_zones()
        return sorted(
            zone["ZoneName"]
            for zone in answer["AvailabilityZones"]
            if zone.get("ZoneType", "availability-zone") == "availability-zone"
        )

    def zones_with(self, instance_type: str) -> set[str]:
        """The region's zones that offer an instance type."""
        pages = self._client("ec2").get_paginator("describe_instance_type_offerings").paginate(
            LocationType="availability-zone",
            Filters=[{"Name": "instance-type", "Values": [instance_type]}],
        )  # fmt: skip
        return {str(one["Location"]) for page in pages for one in page["InstanceTypeOfferings"]}

    def image(self, ami: str) -> Image | None:
        """A host image by id."""
        answer = _unless_missing(
            lambda: self._client("ec2").describe_images(ImageIds=[ami]),
            "InvalidAMIID.NotFound", "InvalidAMIID.Malformed", "InvalidAMIID.Unavailable",
        )  # fmt: skip
        if not answer or not answer["Images"]:
            return None
        found = answer["Images"][0]
        tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}
        return Image(found["State"], found["Architecture"], bool(found.get("EnaSupport")), tags)

    def subnets(self, ids: Sequence[str]) -> list[Subnet]:
        """Subnets by their ids; those that are not there are left out."""
        ec2 = self._client("ec2")
        found = ec2.describe_subnets(Filters=[_filter("subnet-id", ids)])["Subnets"]
        return [self._subnet(ec2, one) for one in found]

    def _subnet(self, ec2: Any, found: Mapping[str, Any]) -> Subnet:
        vpc = _filter("vpc-id", [found["VpcId"]])
        own = _filter("association.subnet-id", [found["SubnetId"]])
        tables = (
            ec2.describe_route_tables(Filters=[own])["RouteTables"]
            or (ec2.describe_route_tables(Filters=[vpc, _filter("association.main", ["true"])]))[
                "RouteTables"
            ]
        )
        endpoints = ec2.describe_vpc_endpoints(Filters=[vpc])["VpcEndpoints"]
        table_ids = {table["RouteTableId"] for table in tables}
        gateways = [
            one for one in endpoints
            if one["VpcEndpointType"] == "Gateway" and table_ids & set(one.get("RouteTableIds", []))
        ]  # fmt: skip
        return Subnet(
            id=found["SubnetId"],
            zone=found["AvailabilityZone"],
            vpc=found["VpcId"],
            gives_public_addresses=bool(found.get("MapPublicIpOnLaunch")),
            default_route=_default_route(route for table in tables for route in table["Routes"]),
            s3_endpoint=any(one["ServiceName"].endswith(".s3") for one in gateways),
            endpoints=frozenset(
                one["ServiceName"].removeprefix(f"com.amazonaws.{self.region}.")
                for one in endpoints
                if one["VpcEndpointType"] == "Interface"
            ),
        )

    def has_secret(self, arn: str) -> bool:
        """Whether a secret is there and not about to be deleted; its value is not read."""
        answer = _unless_missing(
            lambda: self._client("secretsmanager").describe_secret(SecretId=arn),
            "ResourceNotFoundException",
        )
        return answer is not None and "DeletedDate" not in answer

    def licences(self, resource: str) -> tuple[int, int]:
        """How many of a Batch consumable resource are free, and of how many."""
        answer = self._client("batch").describe_consumable_resource(consumableResource=resource)
        return int(answer["availableQuantity"]), int(answer["totalQuantity"])

    def has_container_image(self, registry: str, repository: str, digest: str) -> bool:
        """Whether ECR has an image by its digest."""
        answer = _unless_missing(
            lambda: self._client("ecr").describe_images(
                registryId=registry, repositoryName=repository, imageIds=[{"imageDigest": digest}]
            ),
            "ImageNotFoundException", "RepositoryNotFoundException",
        )  # fmt: skip
        return bool(answer and answer["imageDetails"])

    def has_role(self, name: str) -> bool:
        """Whether a role is there."""
        get = self._client("iam").get_role
        return _unless_missing(lambda: get(RoleName=name), "NoSuchEntity") is not None

    def role_arn(self, name: str) -> str:
        """A role's ARN."""
        return str(self._client("iam").get_role(RoleName=name)["Role"]["Arn"])

    def denied(self, role_arn: str, actions: Sequence[str], resource: str = "*") -> list[str]:
        """Which of some actions IAM's simulator would not let a role do."""
        answer = self._client("iam").simulate_principal_policy(
            PolicySourceArn=role_arn, ActionNames=list(actions), ResourceArns=[resource]
        )
        return [
            str(one["EvalActionName"])
            for one in answer["EvaluationResults"]
            if one["EvalDecision"] != "allowed"
        ]


def _unless_missing(ask: Callable[[], Any], *codes: str) -> Any:
    """An answer, or None where AWS says with one of some codes that there is no such thing."""
    try:
        return ask()
    except ClientError as error:
        if error.response["Error"]["Code"] not in codes:
            raise
        return None


def _filter(name: str, values: Sequence[str]) -> dict[str, Any]:
    return {"Name": name, "Values": list(values)}


def _default_route(routes: Iterable[Mapping[str, Any]]) -> str:
    """What the default route goes to; a route whose end is gone is none."""
    for route in routes:
        if route.get("DestinationCidrBlock") == "0.0.0.0/0" and route.get("State") != "blackhole":
            ends = ("NatGatewayId", "GatewayId", "TransitGatewayId", "NetworkInterfaceId")
            return next((str(route[end]) for end in ends if route.get(end)), "another gateway")
    return ""
