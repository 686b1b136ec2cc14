"""Consumable resources: licences and the like, counted while jobs hold them; moto has none."""

from collections.abc import Mapping
from typing import Any

from moto.batch.exceptions import ClientException
from moto.batch.models import BatchBackend, batch_backends
from moto.core.common_models import CloudFormationModel
from moto.utilities.utils import get_partition

from local.batch.jobs import Job, now_ms

REPLENISHABLE = "REPLENISHABLE"
_TYPES = (REPLENISHABLE, "NON_REPLENISHABLE")
_CHANGES = {"SET": lambda _, given: given, "ADD": int.__add__, "REMOVE": int.__sub__}

Request = Mapping[str, Any]


class ConsumableResource(CloudFormationModel):  # type: ignore[misc]  # moto has no types
    """A number of something, some of it in use. The scheduler's lock guards the numbers."""

    def __init__(self, name: str, request: Request, backend: BatchBackend) -> None:
        self.name = name
        self.type = str(request.get("resourceType") or REPLENISHABLE).upper()
        if self.type not in _TYPES:
            raise ClientException(f"resourceType must be one of {', '.join(_TYPES)}")
        self.total = int(request.get("totalQuantity") or 0)
        self.in_use = 0
        self.created_at = now_ms()
        self._backend = backend
        region = backend.region_name
        self.arn = (
            f"arn:{get_partition(region)}:batch:{region}:{backend.account_id}"
            f":consumable-resource/{name}"
        )
        backend.tag_resource(self.arn, dict(request.get("tags") or {}))

    def summary(self) -> dict[str, Any]:
        """As ListConsumableResources shows it."""
        return {
            "consumableResourceArn": self.arn,
            "consumableResourceName": self.name,
            "totalQuantity": self.total,
            "inUseQuantity": self.in_use,
            "resourceType": self.type,
        }

    def describe(self) -> dict[str, Any]:
        """As DescribeConsumableResource shows it."""
        return {
            **self.summary(),
            "availableQuantity": self.total - self.in_use,
            "createdAt": self.created_at,
            "tags": self._backend.list_tags_for_resource(self.arn),
        }

    @property
    def physical_resource_id(self) -> str:
        """What `Ref` gives."""
        return self.arn

    @staticmethod
    def cloudformation_name_type() -> str:
        """The property that names it."""
        return "ConsumableResourceName"

    @staticmethod
    def cloudformation_type() -> str:
        """Its type in a template."""
        return "AWS::Batch::ConsumableResource"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """What `Fn::GetAtt` may ask for."""
        return attr == "ConsumableResourceArn"

    def get_cfn_attribute(self, attribute_name: str) -> str:
        """The answer to `Fn::GetAtt`; `has_cfn_attr` was asked before."""
        return {"ConsumableResourceArn": self.arn}[attribute_name]

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
        **_: Any,
    ) -> "ConsumableResource":
        """Make one for a stack."""
        properties = cloudformation_json["Properties"]
        request = {
            "resourceType": properties.get("ResourceType"),
            "totalQuantity": properties.get("TotalQuantity"),
            "tags": properties.get("Tags"),
        }
        return create(batch_backends[account_id][region_name], resource_name, request)


def resources_of(backend: BatchBackend) -> dict[str, ConsumableResource]:
    """All of an account and region, by ARN; they go when moto resets the backend."""
    found: dict[str, ConsumableResource] = vars(backend).setdefault("consumable_resources", {})
    return found


def create(backend: BatchBackend, name: str, request: Request) -> ConsumableResource:
    """Make a resource; ClientException where there is one of its name."""
    resource = ConsumableResource(name, request, backend)
    if resource.arn in resources_of(backend):
        raise ClientException(f"Consumable resource {name} already exists")
    resources_of(backend)[resource.arn] = resource
    return resource


def resource_of(backend: BatchBackend, identifier: str) -> ConsumableResource:
    """A resource by its name or ARN; ClientException if there is none."""
    for resource in resources_of(backend).values():
        if identifier in (resource.arn, resource.name):
            return resource
    raise ClientException(f"Consumable resource {identifier} does not exist")


def update(resource: ConsumableResource, request: Request) -> None:
    """Set the total, or add to it or remove from it."""
    operation, quantity = request.get("operation"), int(request.get("quantity") or 0)
    if operation not in _CHANGES:
        raise ClientException(f"operation must be one of {', '.join(_CHANGES)}")
    resource.total = _CHANGES[operation](resource.total, quantity)


def are_there(job: Job) -> bool:
    """Whether a job has all that it consumes, or could take it now."""
    there = resources_of(job.backend)
    return job.holds_resources or all(
        arn in there and there[arn].total - there[arn].in_use >= quantity
        for arn, quantity in job.consumes.items()
    )


def take(job: Job) -> None:
    """Give a job what it consumes, unless an earlier attempt of it has that already."""
    if not job.holds_resources:
        job.holds_resources = True
        for arn, quantity in job.consumes.items():
            resources_of(job.backend)[arn].in_use += quantity


def give_back(job: Job) -> None:
    """Take back what an ended job held; what can't be used again is gone from the total too."""
    if not job.holds_resources:
        return
    job.holds_resources = False
    for arn, quantity in job.consumes.items():
        resource = resources_of(job.backend).get(arn)
        if resource is not None:
            resource.in_use -= quantity
            resource.total -= 0 if resource.type == REPLENISHABLE else quantity
