"""What an AWS account says of itself: plain facts, no judgement."""

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from cli.doctor.facts import (
    BatchResource,
    ContainerImage,
    Image,
    Resource,
    Secret,
    StackFacts,
    Subnet,
)
from cli.doctor.simulator import Denial, Question, Simulator

Client = Callable[[str], Any]
_DESCRIBE = {
    "computeEnvironments": "describe_compute_environments",
    "jobQueues": "describe_job_queues",
}
_SINGULAR = {"computeEnvironments": "computeEnvironment", "jobQueues": "jobQueue"}
_NOT_THERE = ("ImageNotFoundException", "RepositoryNotFoundException")


class Account:
    """One account in one region."""

    def __init__(self, client: Client, region: str) -> None:
        self._client = client
        self.region = region

    def identity(self) -> tuple[str, str]:
        """Account and ARN of the caller."""
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
            tags={tag["Key"]: tag["Value"] for tag in found.get("Tags", [])},
            resources=tuple(
                Resource(r["LogicalResourceId"], r["ResourceType"], r["PhysicalResourceId"])
                for page in pages
                for r in page["StackResourceSummaries"]
                if r.get("PhysicalResourceId") and r["ResourceStatus"] != "DELETE_COMPLETE"
            ),
        )

    def stack_status(self, name: str) -> str:
        """The status of a stack by name; "" where there is none."""
        client = self._client("cloudformation")
        answer = _unless_missing(lambda: client.describe_stacks(StackName=name), "ValidationError")
        return str(answer["Stacks"][0]["StackStatus"]) if answer else ""

    def template(self, name: str) -> dict[str, Any]:
        """A deployed stack's template after its transforms, its conditions still in it."""
        answer = self._client("cloudformation").get_template(
            StackName=name, TemplateStage="Processed"
        )["TemplateBody"]
        if isinstance(answer, str):
            from samtranslator.yaml_helper import yaml_parse

            return dict(yaml_parse(answer))
        return dict(answer)

    def is_on_free_plan(self) -> bool:
        """Whether the account has AWS' free plan; one from before July 2025 has none at all."""
        ask = self._client("freetier").get_account_plan_state
        answer = _unless_missing(ask, "ResourceNotFoundException")
        return answer is not None and answer["accountPlanType"] == "FREE"

    def quota(self, code: str, service: str = "ec2") -> float:
        """A quota of a service, as it was raised or by default."""
        client = self._client("service-quotas")
        asked = {"ServiceCode": service, "QuotaCode": code}
        answer = _unless_missing(
            lambda: client.get_service_quota(**asked), "NoSuchResourceException"
        ) or client.get_aws_default_service_quota(**asked)
        return float(answer["Quota"]["Value"])

    def concurrency(self) -> int:
        """How many Lambda functions may run at once that have no concurrency of their own.

        Lambda itself is asked: a new account has fewer than the default of its quota.
        """
        answer = self._client("lambda").get_account_settings()
        return int(answer["AccountLimit"]["UnreservedConcurrentExecutions"])

    def vpcs(self) -> int:
        """How many VPCs the region has."""
        pages = self._client("ec2").get_paginator("describe_vpcs").paginate()
        return sum(len(page["Vpcs"]) for page in pages)

    def zones(self) -> list[str]:
        """The region's zones, in the order in which CloudFormation takes them."""
        answer = self._client("ec2").describe_availability_zones()
        return sorted(
            zone["ZoneName"]
            for zone in answer["AvailabilityZones"]
            if zone.get("ZoneType", "availability-zone") == "availability-zone"
        )

    def offered(self, instance_types: Sequence[str]) -> dict[str, set[str]]:
        """The instance types of some names or families that the region has, each with its zones."""
        names = [one if "." in one else f"{one}.*" for one in instance_types]
        pages = self._client("ec2").get_paginator("describe_instance_type_offerings").paginate(
            LocationType="availability-zone", Filters=[_filter("instance-type", names)]
        )  # fmt: skip
        found: dict[str, set[str]] = {}
        for page in pages:
            for one in page["InstanceTypeOfferings"]:
                found.setdefault(one["InstanceType"], set()).add(one["Location"])
        return found

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
        root = found.get("RootDeviceName", "")
        volumes = {
            one["DeviceName"]: one["Ebs"] for one in found["BlockDeviceMappings"] if "Ebs" in one
        }
        return Image(
            found["State"],
            found["Architecture"],
            bool(found.get("EnaSupport")),
            tags,
            root_device=root if root in volumes else "",
            root_gib=int(volumes.get(root, {}).get("VolumeSize", 0)),
            is_allowed=bool(found.get("ImageAllowed", True)),
        )

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

    def secret(self, arn: str) -> Secret | None:
        """A secret, if it is there and not about to be deleted.

        It is found by an ARN without the six letters at its end, too.
        """
        answer = _unless_missing(
            lambda: self._client("secretsmanager").describe_secret(SecretId=arn),
            "ResourceNotFoundException",
        )
        if answer is None or "DeletedDate" in answer:
            return None
        return Secret(str(answer["ARN"]), self._customers_key(answer.get("KmsKeyId", "")))

    def _customers_key(self, key: str) -> str:
        """A key's ARN, by any of its names; "" where AWS manages it."""
        if not key or key.endswith("alias/aws/secretsmanager"):
            return ""
        found = self._client("kms").describe_key(KeyId=key)["KeyMetadata"]
        return "" if found["KeyManager"] == "AWS" else str(found["Arn"])

    def licences(self, resource: str) -> tuple[int, int]:
        """How many of a Batch consumable resource are free, and of how many."""
        answer = self._client("batch").describe_consumable_resource(consumableResource=resource)
        return int(answer["availableQuantity"]), int(answer["totalQuantity"])

    def container_image(
        self, repository: str, *, digest: str = "", tag: str = "", registry: str = ""
    ) -> ContainerImage | None:
        """An image in ECR, by its digest or tag; of this account's registry by default."""
        where = {"repositoryName": repository, **({"registryId": registry} if registry else {})}
        wanted = {"imageDigest": digest} if digest else {"imageTag": tag}
        ecr = self._client("ecr")
        answer = _unless_missing(
            lambda: ecr.describe_images(**where, imageIds=[wanted]), *_NOT_THERE
        )
        if not answer or not answer["imageDetails"]:
            return None
        found = answer["imageDetails"][0]
        media = found.get("imageManifestMediaType", "")
        if not media.endswith(("index.v1+json", "manifest.list.v2+json")):
            return ContainerImage(str(found["imageDigest"]))
        given = ecr.batch_get_image(
            **where, imageIds=[{"imageDigest": found["imageDigest"]}], acceptedMediaTypes=[media]
        )["images"]
        return ContainerImage(str(found["imageDigest"]), _platforms(given[0]["imageManifest"]))

    def scan(self, repository: str, digest: str) -> tuple[str, dict[str, int]]:
        """How far ECR's scan of an image is ("NONE": not begun), and its findings by severity."""
        ecr, image = self._client("ecr"), {"imageDigest": digest}
        answer = _unless_missing(
            lambda: ecr.describe_image_scan_findings(repositoryName=repository, imageId=image),
            "ScanNotFoundException",
        )
        if answer is None:
            return "NONE", {}
        counts = answer.get("imageScanFindings", {}).get("findingSeverityCounts", {})
        return str(answer["imageScanStatus"]["status"]), dict(counts)

    def registry_password(self) -> str:
        """What Docker is let into this account's registry with, for twelve hours."""
        answer = self._client("ecr").get_authorization_token()["authorizationData"][0]
        return base64.b64decode(answer["authorizationToken"]).decode().partition(":")[2]

    def batch_resources(self, kind: str, arns: Sequence[str] = ()) -> list[BatchResource]:
        """The ``computeEnvironments`` or ``jobQueues`` of some ARNs, or all of the region."""
        pages = self._client("batch").get_paginator(_DESCRIBE[kind]).paginate(
            **({kind: list(arns)} if arns else {})
        )  # fmt: skip
        name = _SINGULAR[kind]
        return [
            BatchResource(
                one[f"{name}Name"], one[f"{name}Arn"], one.get("status", ""),
                one.get("state", ""), one.get("statusReason", ""),
            )
            for page in pages
            for one in page[kind]
        ]  # fmt: skip

    def images_of_jobs(self, definitions: Sequence[str]) -> dict[str, str]:
        """The container images of some job definitions, by their names and revisions."""
        if not definitions:
            return {}
        answer = self._client("batch").describe_job_definitions(jobDefinitions=list(definitions))
        return {
            f"{one['jobDefinitionName']}:{one['revision']}": container["image"]
            for one in answer["jobDefinitions"]
            for container in _containers(one)
        }

    def has_role(self, name: str) -> bool:
        """Whether a role is there."""
        get = self._client("iam").get_role
        return _unless_missing(lambda: get(RoleName=name), "NoSuchEntity") is not None

    def denials(self, arn: str, questions: Sequence[Question]) -> list[Denial]:
        """What IAM's simulator would not let a user or role do."""
        return Simulator(self._client("iam"), self.region).denials(arn, questions)

    def role_arn(self, name: str) -> str:
        """A role's ARN."""
        return str(self._client("iam").get_role(RoleName=name)["Role"]["Arn"])


def _containers(definition: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The containers of a job definition, of both forms that it may have."""
    if task := definition.get("ecsProperties"):
        return [each for one in task["taskProperties"] for each in one["containers"]]
    return [definition["containerProperties"]]


def _platforms(manifest: str) -> tuple[str, ...]:
    """The platforms of a list of images; what describes a build, and runs nowhere, is left out."""
    found = [one.get("platform", {}) for one in json.loads(manifest)["manifests"]]
    named = {f"{one.get('os')}/{one.get('architecture')}" for one in found if one}
    return tuple(sorted(named - {"unknown/unknown"}))


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
