"""The deployment that the commands speak to: the cloud's, or that of AWS_ENDPOINT_URL."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.utils import is_valid_endpoint_url, is_valid_ipv6_endpoint_url

from cli.faults import CommandFailed
from seqdrop.aws.batch import Batch
from seqdrop.aws.catalog import Catalog
from seqdrop.aws.executions import Executions
from seqdrop.aws.objects import Objects
from seqdrop.aws.queues import UploadsQueue
from seqdrop.flow.closing import Closing
from seqdrop.flow.jobs import JobFlow
from seqdrop.flow.references import ReferenceFlow
from seqdrop.library import Library
from seqdrop.settings import Settings

if TYPE_CHECKING:
    from cli.dead_letters import DeadLetters
    from seqdrop.domain.records import Analysis

PIPELINES = Path(__file__).resolve().parent.parent / "pipelines"
_LOCAL_REGION = "us-east-1"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_CONFIG = Config(
    connect_timeout=5,
    read_timeout=60,
    retries={"mode": "standard", "max_attempts": 4},
    max_pool_connections=32,
)


def now() -> datetime:
    """The clock of what a person does."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Stack:
    """A stack's outputs, and the adapters and flows over them, each made when it is needed."""

    name: str
    outputs: Mapping[str, str]
    session: boto3.Session
    parameters: Mapping[str, str] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """A client of one AWS service."""
        return self.session.client(service, config=_CONFIG)  # type: ignore[call-overload]  # by name

    def output(self, name: str) -> str:
        """One of the stack's outputs."""
        if name not in self.outputs:
            raise CommandFailed(
                f"the stack {self.name!r} has no output {name}: deploy this version of Seqdrop"
            )
        return self.outputs[name]

    @cached_property
    def catalog(self) -> Catalog:
        """The catalog's table."""
        return Catalog(self.client("dynamodb"), self.output("CatalogTable"))

    @cached_property
    def s3(self) -> Any:
        """The client for large objects."""
        return self.client("s3")

    @cached_property
    def objects(self) -> Objects:
        """S3."""
        return Objects(self.s3)

    @cached_property
    def executions(self) -> Executions:
        """The state machine that analyses samples."""
        return Executions(self.client("stepfunctions"), self.output("AnalyseSampleStateMachine"))

    @cached_property
    def queue(self) -> UploadsQueue:
        """The queue that register_upload reads."""
        return UploadsQueue(self.client("sqs"), self.output("UploadsQueueUrl"))

    @cached_property
    def library(self) -> Library:
        """Pipelines and assays, as this copy of Seqdrop has them."""
        return Library(str(PIPELINES))

    @cached_property
    def job_flow(self) -> JobFlow:
        """Batch jobs."""
        return JobFlow(
            catalog=self.catalog,
            objects=self.objects,
            batch=Batch(self.client("batch")),
            executions=self.executions,
            results_bucket=self.output("ResultsBucket"),
            queue_prefix=self.output("JobQueuePrefix"),
            prices=self.library.prices,
            now=now,
            runnable_timeout_seconds=int(
                self.parameters.get("RunnableTimeoutSeconds", Settings().runnable_timeout_seconds)
            ),
            scratch_gib=int(self.parameters.get("ScratchGib", Settings().scratch_gib)),
        )

    @cached_property
    def closing(self) -> Closing:
        """The end of runs."""
        results = self.output("ResultsBucket")
        return Closing(self.catalog, self.objects, self.queue, self.job_flow, results, now)

    @cached_property
    def reference_flow(self) -> ReferenceFlow:
        """Adding references."""
        bucket = self.output("ReferencesBucket")
        kinds = frozenset(self.output("QueueKinds").split(","))
        return ReferenceFlow(
            self.catalog, self.objects, self.job_flow, self.library, bucket, now, kinds
        )

    @cached_property
    def dead_letters(self) -> "DeadLetters":
        """The stack's dead-letter queues."""
        from cli.dead_letters import DeadLetters

        pages = self.client("cloudformation").get_paginator("list_stack_resources")
        queues = {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for page in pages.paginate(StackName=self.name)
            for resource in page["StackResourceSummaries"]
            if resource["ResourceType"] == "AWS::SQS::Queue"
        }
        return DeadLetters(self.client("sqs"), queues)

    def who(self) -> str:
        """Who asks, for the audit trail: the caller's ARN, or else the machine's user."""
        try:
            return str(self.client("sts").get_caller_identity()["Arn"])
        except (BotoCoreError, ClientError):
            import getpass

            return getpass.getuser()

    def analysis(self, sample: str, assay: str) -> "Analysis":
        """The analysis that is meant; raises where there is none, or several to choose from."""
        from cli.view import choose_analysis

        return choose_analysis(sample, self.catalog.analyses.partition(sample), assay)


def find_stack() -> Stack:
    """The stack named by SEQDROP_STACK (or ``seqdrop``), where the environment points to."""
    name = os.environ.get("SEQDROP_STACK") or "seqdrop"
    session = session_for()
    client = session.client("cloudformation", config=_CONFIG)
    try:
        found = client.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        where = os.environ.get("AWS_ENDPOINT_URL") or session.region_name
        raise CommandFailed(
            f"there is no stack {name!r} at {where}: deploy it, name another with SEQDROP_STACK, "
            "or start `seqdrop local up` and set AWS_ENDPOINT_URL"
        ) from error
    outputs = {o["OutputKey"]: o["OutputValue"] for o in found.get("Outputs", [])}
    parameters = {p["ParameterKey"]: p["ParameterValue"] for p in found.get("Parameters", [])}
    return Stack(name, outputs, session, parameters)


def is_embedded() -> bool:
    """Whether AWS_ENDPOINT_URL is of this machine, which has no hosts, quotas or IAM."""
    return urlsplit(_endpoint()).hostname in _LOOPBACK


def _endpoint() -> str:
    """AWS_ENDPOINT_URL, "" without one. Raises CommandFailed for what is no URL of an endpoint."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    try:
        parts = urlsplit(endpoint)
        good = (
            parts.scheme in {"http", "https"}
            and parts.port != 0
            and (is_valid_endpoint_url(endpoint) or is_valid_ipv6_endpoint_url(endpoint))
        )
    except ValueError:  # a port that is no number, half an IPv6 address
        good = False
    if endpoint and not good:
        raise CommandFailed(
            f"AWS_ENDPOINT_URL is {endpoint!r}, which is not the URL of an endpoint: give it "
            "as `seqdrop local up` prints it, for example http://127.0.0.1:4566"
        )
    return endpoint


def session_for(region: str = "") -> boto3.Session:
    """A session in a region, or in the environment's own.

    On this machine any credentials do, and the embedded runtime's region counts, whatever the
    environment says of the cloud's.
    """
    endpoint = _endpoint()
    if is_embedded():
        return boto3.Session("local", "local", region_name=region or _LOCAL_REGION)
    # The AWS CLI takes AWS_REGION, and so do we; boto3 by itself knows AWS_DEFAULT_REGION alone.
    session = boto3.Session(region_name=region or os.environ.get("AWS_REGION") or None)
    if not endpoint:
        return session
    region = session.region_name or _LOCAL_REGION
    if session.get_credentials() is None:
        return boto3.Session("local", "local", region_name=region)
    return boto3.Session(region_name=region)
