"""What an AWS account has, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Resource:
    """A resource of a stack."""

    name: str
    kind: str
    id: str


_NEVER_MADE = {
    "REVIEW_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_FAILED",
    "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED",
}  # fmt: skip
"""States of stacks whose first change set was not executed, is under way, or failed."""


@dataclass(frozen=True)
class StackFacts:
    """A stack as CloudFormation tells of it, whether or not it was ever made."""

    name: str
    status: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]
    resources: tuple[Resource, ...]
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether it is whole: neither a first try that has not ended well, nor being deleted."""
        return self.status not in _NEVER_MADE and not self.status.startswith("DELETE")

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
    root_device: str = ""
    """The name of its root volume; "" of one without a volume (EBS) as its root."""
    root_gib: int = 0
    is_allowed: bool = True
    """By the account's own list (EC2's Allowed AMIs); True where it has none."""


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


@dataclass(frozen=True)
class ContainerImage:
    """A container image in ECR."""

    digest: str
    platforms: tuple[str, ...] = ()
    """``os/architecture`` of each image of a list; empty for one image, of which ECR says none."""


@dataclass(frozen=True)
class Secret:
    """A secret of Secrets Manager; its value is not read."""

    arn: str
    """Its whole ARN, which grants have to name."""
    key: str
    """The ARN of the customer's key that it is encrypted with; "" for AWS' own."""


@dataclass(frozen=True)
class BatchResource:
    """A compute environment or a job queue of Batch."""

    name: str
    arn: str
    status: str
    state: str
    reason: str
