"""The deployment that the commands speak to: the cloud's, or that of AWS_ENDPOINT_URL."""

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.utils import is_valid_endpoint_url, is_valid_ipv6_endpoint_url

from cli.faults import CommandFailed
from seqdrop.composition import Composition

if TYPE_CHECKING:
    from cli.dead_letters import DeadLetters
    from seqdrop.aws.catalog.layout import SampleItems
    from seqdrop.console_links import ConsoleLinks
    from seqdrop.domain.gate import Gate
    from seqdrop.domain.records import Analysis
    from seqdrop.sample_view import SampleView

DEFAULT_RUNNABLE_TIMEOUT_SECONDS, DEFAULT_SCRATCH_GIB = 14_400, 1_000
"""The template's own defaults, for a stack of before it had these parameters."""
PIPELINES = Path(__file__).resolve().parent.parent / "pipelines"
_LOCAL_REGION = "us-east-1"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_CONFIG = Config(
    connect_timeout=5,
    read_timeout=60,
    retries={"mode": "standard", "max_attempts": 4},
    max_pool_connections=32,
)


class Outputs:
    """A stack's outputs and parameters, as what the flows are built of.

    Each raises CommandFailed where the stack is of a version that does not have it yet.
    """

    pipelines_dir = str(PIPELINES)

    def __init__(
        self, stack: str, outputs: Mapping[str, str], parameters: Mapping[str, str]
    ) -> None:
        self._stack = stack
        self._outputs = outputs
        self._parameters = parameters

    def output(self, name: str) -> str:
        """One of the stack's outputs."""
        if name not in self._outputs:
            raise CommandFailed(
                f"the stack {self._stack!r} has no output {name}: deploy this version of Seqdrop"
            )
        return self._outputs[name]

    @property
    def catalog_table(self) -> str:
        """The catalog's table."""
        return self.output("CatalogTable")

    @property
    def results_bucket(self) -> str:
        """The bucket of plans and results."""
        return self.output("ResultsBucket")

    @property
    def references_bucket(self) -> str:
        """The bucket of references."""
        return self.output("ReferencesBucket")

    @property
    def uploads_queue_url(self) -> str:
        """The queue that register_upload reads."""
        return self.output("UploadsQueueUrl")

    @property
    def job_events_queue_url(self) -> str:
        """The queue that record_job_event reads."""
        return self.output("JobEventsQueueUrl")

    @property
    def job_log_group(self) -> str:
        """What jobs write."""
        return self.output("JobLogGroup")

    @property
    def analyse_sample_arn(self) -> str:
        """The state machine that analyses samples."""
        return self.output("AnalyseSampleStateMachine")

    @property
    def reanalyse_arn(self) -> str:
        """The state machine of reanalyses."""
        return self.output("ReanalyseStateMachine")

    @property
    def job_queue_prefix(self) -> str:
        """What the names of job queues begin with."""
        return self.output("JobQueuePrefix")

    @property
    def queue_kinds(self) -> frozenset[str]:
        """The kinds of queues that are here."""
        return frozenset(self.output("QueueKinds").split(","))

    @property
    def image_names(self) -> frozenset[str]:
        """The images that jobs may run in: those of the queues, and those that stages name."""
        from cli.deployment import SLOTS

        slots = [self._parameters.get(name, "") for name in SLOTS]
        return self.queue_kinds | {value.partition("=")[0] for value in slots if value}

    @property
    def runnable_timeout_seconds(self) -> int:
        """How long a job may wait for a host."""
        return int(self._parameters.get("RunnableTimeoutSeconds", DEFAULT_RUNNABLE_TIMEOUT_SECONDS))

    @property
    def cpu_instance_types(self) -> str:
        """The types of the CPU hosts, comma-separated; "" of a stack that does not say."""
        return self._parameters.get("CpuInstanceTypes", "")

    @property
    def scratch_gib(self) -> int:
        """Scratch of a CPU host."""
        return int(self._parameters.get("ScratchGib", DEFAULT_SCRATCH_GIB))


class Stack(Composition):
    """A stack, and the adapters and flows over it, each made when it is needed."""

    def __init__(
        self,
        name: str,
        outputs: Mapping[str, str],
        session: boto3.Session,
        parameters: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.outputs = outputs
        self.session = session
        self.parameters = parameters or {}
        settings = Outputs(name, outputs, self.parameters)
        self.output = settings.output
        super().__init__(settings, self.client)

    def client(self, service: str) -> Any:
        """A client of one AWS service."""
        return self.session.client(service, config=_CONFIG)  # type: ignore[call-overload]  # by name

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
        from seqdrop.sample_view import choose_analysis

        return choose_analysis(sample, self.sample(sample), assay)

    def sample(self, sample: str) -> "SampleItems":
        """All that the catalog has of a sample, its audit trail apart."""
        import msgspec

        from seqdrop.aws.catalog.layout import read_sample

        found = read_sample(self.catalog.analyses.partition(sample))
        tasks = self.catalog.tasks.of_jobs(sample, found.jobs)
        return msgspec.structs.replace(found, tasks=tuple(tasks))

    def view(self, sample: str, assay: str = "") -> "SampleView":
        """All that is known of a sample, with its links into the console; see ``view_sample``."""
        from seqdrop.flow.controls import Controls
        from seqdrop.sample_view import view_sample

        warnings = Controls(self.catalog).warnings
        found = self.sample(sample)
        return view_sample(
            sample, found, assay, warnings=warnings, links=self.links, gates=self.all_gates()
        )

    def all_gates(self) -> "list[Gate]":
        """The gates of the kinds of queues that are here."""
        kinds = self.outputs.get("QueueKinds", "cpu").split(",")
        return [self.catalog.gates.get(kind) for kind in kinds]

    @property
    def image_names(self) -> frozenset[str]:
        """The images that jobs may run in."""
        return self._settings.image_names

    @property
    def links(self) -> "ConsoleLinks | None":
        """The console's pages; None of this machine, which has none."""
        from seqdrop.console_links import ConsoleLinks

        region = self.session.region_name
        if is_embedded() or not region:
            return None
        partition = self.session.get_partition_for_region(region)
        return ConsoleLinks(region, partition, self.outputs.get("JobLogGroup", ""))


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
