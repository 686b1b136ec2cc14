"""What a request needs in IAM's words: its actions, each on a resource."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from moto.batch.models import batch_backends
from moto.core import DEFAULT_ACCOUNT_ID

ANY = "*"
"""The resource of an action that knows none: only a policy on `*` allows it."""

Need = tuple[str, str]
"""An action and the ARN of the resource that it is done to."""

_WRITES = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
_BATCH = {
    f"/v1/{action.lower()}": action
    for action in (
        "SubmitJob",
        "DescribeJobs",
        "ListJobs",
        "TerminateJob",
        "CancelJob",
        "UpdateConsumableResource",
        "RegisterJobDefinition",
        "DescribeJobDefinitions",
    )
}
_S3_BUCKET = {
    ("GET", "versions"): "ListBucketVersions",
    ("GET", "uploads"): "ListBucketMultipartUploads",
    ("GET", "location"): "GetBucketLocation",
    ("GET", ""): "ListBucket",
    ("HEAD", ""): "ListBucket",
}
_S3_OBJECT = {
    ("GET", ""): "GetObject",
    ("HEAD", ""): "GetObject",
    ("GET", "attributes"): "GetObjectAttributes",
    ("GET", "tagging"): "GetObjectTagging",
    ("GET", "uploadId"): "ListMultipartUploadParts",
    ("PUT", ""): "PutObject",
    ("PUT", "tagging"): "PutObjectTagging",
    ("PUT", "uploadId"): "PutObject",
    ("POST", "uploads"): "PutObject",
    ("POST", "uploadId"): "PutObject",
    ("DELETE", ""): "DeleteObject",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
}
_S3_SELECTS = ("uploadId", "uploads", "tagging", "versions", "location", "acl", "attributes",
    "accelerate", "analytics", "cors", "delete", "encryption", "intelligent-tiering", "inventory",
    "legal-hold", "lifecycle", "logging", "metrics", "notification", "object-lock",
    "ownershipControls", "policy", "policyStatus", "publicAccessBlock", "replication",
    "requestPayment", "restore", "retention", "select", "torrent", "versioning",
    "website")  # fmt: skip
_OF_A_VERSION = {
    "GetObject": "GetObjectVersion",
    "GetObjectAttributes": "GetObjectVersionAttributes",
    "GetObjectTagging": "GetObjectVersionTagging",
    "PutObjectTagging": "PutObjectVersionTagging",
    "DeleteObject": "DeleteObjectVersion",
}


@dataclass(frozen=True)
class Request:
    """One signed request, and the status that it was answered with."""

    service: str
    region: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """By their names in lower case."""
    body: bytes
    status: int = 200

    def answered(self, status: int) -> "Request":
        """The request with the status of its answer; itself where that is as it was taken to be."""
        return self if status == self.status else replace(self, status=status)

    @cached_property
    def asked(self) -> dict[str, Any]:
        """The JSON of the body."""
        document: dict[str, Any] = json.loads(self.body or b"{}")
        return document

    @property
    def operation(self) -> str:
        """The operation, for services whose requests name it in a header."""
        return self.headers.get("x-amz-target", "").rpartition(".")[2]

    def arn(self, resource: str) -> str:
        """The ARN of a resource of the service that was asked."""
        return f"arn:aws:{self.service}:{self.region}:{DEFAULT_ACCOUNT_ID}:{resource}"


def needs_of(request: Request) -> list[Need]:
    """What a request needs: one that is not known, or makes no sense, what no policy grants."""
    translate = _SERVICES.get(request.service, _unknown)
    try:
        found = list(translate(request))
    except (ValueError, LookupError, TypeError, AttributeError):
        found = list(_unknown(request))
    return [
        (action if ":" in action else f"{request.service}:{action}", resource)
        for action, resource in found
    ]


def _unknown(request: Request) -> Iterator[Need]:
    yield request.operation or f"{request.method} {request.path}", ANY


def _dynamodb(request: Request) -> Iterator[Need]:
    asked, operation = request.asked, request.operation

    def table(name: str) -> str:
        return name if name.startswith("arn:") else request.arn(f"table/{name}")

    if operation in ("TransactWriteItems", "TransactGetItems"):
        for item in asked["TransactItems"]:
            for kind, one in item.items():
                yield _WRITES.get(kind, "GetItem"), table(one["TableName"])
    elif operation in ("BatchGetItem", "BatchWriteItem"):
        yield from ((operation, table(name)) for name in asked["RequestItems"])
    elif "IndexName" in asked:
        yield operation, f"{table(asked['TableName'])}/index/{asked['IndexName']}"
    elif "TableName" in asked:
        yield operation, table(asked["TableName"])
    else:
        yield operation, ANY


def _sqs(request: Request) -> Iterator[Need]:
    queue = request.asked.get("QueueUrl") or request.asked.get("QueueName")
    action = request.operation.removesuffix("Batch")
    yield action, request.arn(queue.rpartition("/")[2]) if queue else ANY


def _states(request: Request) -> Iterator[Need]:
    named = (request.asked.get(name) for name in ("stateMachineArn", "executionArn"))
    yield request.operation, next(filter(None, named), ANY)  # a task's token has no ARN


def _batch(request: Request) -> Iterator[Need]:
    action, asked = _BATCH.get(request.path.lower()), request.asked

    def named(kind: str, name: str) -> str:
        return name if name.startswith("arn:") else request.arn(f"{kind}/{name}")

    if action is None:
        yield from _unknown(request)
    elif action == "SubmitJob":
        definition = named("job-definition", asked["jobDefinition"])
        touched = [
            request.arn("job/*"),  # its id is not known yet
            named("job-queue", asked["jobQueue"]),
            definition,
            *(named("consumable-resource", each) for each in _consumed_by(definition)),
        ]
        yield from ((action, each) for each in touched)
        if asked.get("tags"):  # a tagged job is TagResource on all that it touches
            yield from (("TagResource", each) for each in touched)
    elif action == "RegisterJobDefinition":
        yield from _registered(named("job-definition", asked["jobDefinitionName"]), asked)
    elif "consumableResource" in asked:
        yield action, named("consumable-resource", asked["consumableResource"])
    elif "jobId" in asked:
        yield action, request.arn(f"job/{asked['jobId']}")
    else:
        yield action, ANY


def _registered(definition: str, asked: Mapping[str, Any]) -> Iterator[Need]:
    """A tagged definition is TagResource too, and its roles are passed on."""
    yield "RegisterJobDefinition", definition
    if asked.get("tags"):
        yield "TagResource", f"{definition}:*"  # its revision is not known yet
    properties = asked.get("containerProperties") or {}
    for name in ("jobRoleArn", "executionRoleArn"):
        if role := properties.get(name):
            yield "iam:PassRole", role


def _consumed_by(definition: str) -> list[str]:
    """Names or ARNs of the consumable resources that the jobs of a definition's revision hold."""
    _, _, _, region, account, _ = definition.split(":", 5)
    found = batch_backends[account][region]._job_definitions.get(definition)
    return [str(each["consumableResource"]) for each in getattr(found, "consumes", ())]


def _events(request: Request) -> Iterator[Need]:
    if request.operation != "PutEvents":
        yield from _unknown(request)
    for entry in request.asked.get("Entries", ()):
        bus = entry.get("EventBusName", "default")
        yield "PutEvents", bus if bus.startswith("arn:") else request.arn(f"event-bus/{bus}")


def _logs(request: Request) -> Iterator[Need]:
    if request.operation != "GetLogEvents":
        yield from _unknown(request)
        return
    group, stream = request.asked["logGroupName"], request.asked["logStreamName"]
    yield request.operation, request.arn(f"log-group:{group}:log-stream:{stream}")


def _sts(request: Request) -> Iterator[Need]:
    if b"Action=GetCallerIdentity" not in request.body:  # which needs nothing
        yield from _unknown(request)


def _lambda(request: Request) -> Iterator[Need]:
    _, _, rest = request.path.partition("/functions/")
    name, _, verb = unquote(rest).partition("/")
    if verb != "invocations":
        yield from _unknown(request)
    else:
        named = name.startswith("arn:")
        yield "InvokeFunction", name if named else request.arn(f"function:{name}")


def _s3(request: Request) -> Iterator[Need]:
    host = request.headers.get("host", "").partition(":")[0]
    before = host.removesuffix(".localhost")
    path = request.path if before == host else f"/{before}{request.path}"
    bucket, _, key = path.lstrip("/").partition("/")
    selects = next((name for name in _S3_SELECTS if name in request.query), "")
    known = (_S3_OBJECT if key else _S3_BUCKET).get((request.method, selects))
    if not bucket or known is None:
        yield f"{request.method} {request.path}?{selects}", ANY
        return
    # Attributes are given to who may read the object, too.
    asked = [known, "GetObject"] if known == "GetObjectAttributes" else [known]
    for name in asked:
        action = _OF_A_VERSION.get(name, name) if "versionId" in request.query else name
        yield action, f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"
    if request.status == 404 and "GetObject" in asked:
        # Whoever may not list is told 403, and can't tell what is gone from what is forbidden.
        yield "ListBucket", f"arn:aws:s3:::{bucket}"
    if "x-amz-acl" in request.headers:
        yield "PutObjectAcl", f"arn:aws:s3:::{bucket}/{key}"
    if "x-amz-tagging" in request.headers:
        yield "PutObjectTagging", f"arn:aws:s3:::{bucket}/{key}"
    if source := request.headers.get("x-amz-copy-source"):
        path, _, version = unquote(source).partition("?versionId=")
        copied = "GetObjectVersion" if version else "GetObject"
        yield copied, f"arn:aws:s3:::{path.lstrip('/')}"


_SERVICES: Mapping[str, Callable[[Request], Iterator[Need]]] = {
    "dynamodb": _dynamodb,
    "sqs": _sqs,
    "states": _states,
    "batch": _batch,
    "events": _events,
    "logs": _logs,
    "lambda": _lambda,
    "s3": _s3,
    "sts": _sts,
}
