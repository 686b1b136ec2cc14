"""The catalog and the functions without a runtime: moto in this process, the rest as fakes.

A handler is loaded as Lambda does, from its own folder, and called with the events of AWS.
"""

import importlib.util
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from itertools import count
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from local import dynamodb
from seqdrop import composition
from seqdrop.aws.batch import JobRequest
from seqdrop.aws.catalog import Catalog
from seqdrop.aws.executions import ExecutionState
from seqdrop.aws.objects import Objects
from seqdrop.composition import Composition
from seqdrop.domain.identity import RunId
from seqdrop.domain.records import JobState
from seqdrop.settings import load_settings
from tests.domain_support import IMAGES, reference
from tests.infrastructure.stack import PROJECT, of_type

REGION, TABLE, UPLOADS, RESULTS = "us-east-1", "catalog", "uploads", "results"
SETTINGS = {
    "catalog_table": TABLE,
    "results_bucket": RESULTS,
    "audit_bucket": "audit",
    "job_log_group": "jobs",
    "analyse_sample_arn": f"arn:aws:states:{REGION}:123456789012:stateMachine:none",
    "reanalyse_arn": f"arn:aws:states:{REGION}:123456789012:stateMachine:none",
    "job_queue_prefix": "lab",
    "images": IMAGES,
    "job_definitions": dict.fromkeys(IMAGES, "1.1.1"),
    "shortest_poll_seconds": 60,
    "runnable_timeout_seconds": 14_400,
    "alert_after_seconds": 14_400,
    "queue_kinds": ["cpu"],
    "scratch_gib": 1_000,
    "cpu_instance_types": "m7i.4xlarge,r7i.8xlarge",
}
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
ASSAYS = """
default: wgs
assays:
  wgs: {pipeline: quick, reference: tiny, complete: {rule: pairs, quiet_seconds: 600}}
  panel: {pipeline: quick, reference: tiny, complete: {rule: manifest}}
"""
_STAGE = """
    queue: cpu
    size: {vcpus: 2, memory_mib: {base: 100}, seconds: {base: 100}}
    reference: [sequence]
    steps: [{pipe: [[tool, "{out}/a"]]}]
    outputs: [{name: a}]
"""
QUICK = (
    "name: quick\ndescription: two waves\nstages:\n"
    f"  align:{_STAGE}    reads: files\n  call:{_STAGE}    needs: [align]\n"
)


@cache
def client_of(service: str) -> Any:
    """A client, made once: moto answers whichever there are, and making one takes its time."""
    client: Any = boto3.client(service, region_name=REGION)  # type: ignore[call-overload]  # by name
    return client


class Clock:
    """A clock that a test turns; each look at it is a millisecond later."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        self.time += timedelta(milliseconds=1)
        return self.time

    def turn(self, seconds: float) -> None:
        """Lets time pass."""
        self.time += timedelta(seconds=seconds)


@dataclass
class FakeBatch:
    """Batch's word on jobs, as a test puts it."""

    submitted: list[JobRequest] = field(default_factory=list)
    states: dict[str, JobState] = field(default_factory=dict)
    terminated: dict[str, str] = field(default_factory=dict)
    cancelled: dict[str, str] = field(default_factory=dict)
    resources: dict[str, int] = field(default_factory=dict)
    others: set[tuple[str, str]] = field(default_factory=set)
    """Queues and statuses of other jobs."""

    def submit(self, request: JobRequest) -> str:
        """A job's id is its number."""
        self.submitted.append(request)
        return f"job-{len(self.submitted)}"

    def find(self, name: str, queue: str) -> list[str]:
        """Ids by name and queue."""
        asked = (name, queue)
        return [f"job-{n}" for n, r in enumerate(self.submitted, 1) if (r.name, r.queue) == asked]

    def describe(self, job_ids: list[str]) -> dict[str, JobState]:
        """States that a test has set."""
        return {job_id: self.states[job_id] for job_id in job_ids if job_id in self.states}

    def has(self, queue: str, status: str) -> bool:
        """Whether a test has put a job there."""
        return (queue, status) in self.others

    def set_resource(self, name: str, quantity: int) -> None:
        """Keeps how much there is."""
        self.resources[name] = quantity

    def cancel(self, job_id: str, reason: str) -> None:
        """Keeps the reason."""
        self.cancelled[job_id] = reason

    def terminate(self, job_id: str, reason: str) -> None:
        """Keeps the reason."""
        self.terminated[job_id] = reason


@dataclass
class FakeExecutions:
    """What was started, stopped and answered."""

    started: dict[str, RunId] = field(default_factory=dict)
    starts: int = 0
    stopped: dict[str, str] = field(default_factory=dict)
    answers: list[tuple[str, str]] = field(default_factory=list)
    states: dict[str, ExecutionState] = field(default_factory=dict)
    """Of executions that do not just run, by name."""
    forgotten: bool = False
    """Whether Step Functions knows none of them any more."""

    def describe(self, run: RunId) -> ExecutionState | None:
        """As a test has put it; what was started runs."""
        name = run.execution_name
        if self.forgotten or name not in self.started:
            return None
        return self.states.get(name, ExecutionState("RUNNING"))

    def start(self, run: RunId) -> None:
        """Starts once by name."""
        name = run.execution_name
        self.starts += name not in self.started
        self.started.setdefault(name, run)

    def stop(self, run: RunId, cause: str) -> bool:
        """Keeps the name and why."""
        name = run.execution_name
        self.stopped[name] = cause
        return name in self.started

    def succeed(self, token: str, output: dict[str, str]) -> None:
        """Keeps the token and what it was answered with."""
        self.answers.append((token, output["status"]))

    def fail(self, token: str, error_name: str, cause: str) -> None:
        """Keeps the token and its error."""
        self.answers.append((token, f"{error_name}: {cause}"))


class Context:
    """What Lambda tells a handler of its call."""

    function_name = "seqdrop"
    function_version = "$LATEST"
    memory_limit_in_mb = 512
    invoked_function_arn = f"arn:aws:lambda:{REGION}:123456789012:function:seqdrop"
    aws_request_id = "00000000-0000-0000-0000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Enough."""
        return 900_000


@dataclass
class Cloud:
    """The catalog, two buckets, a queue, and what the functions did to them."""

    catalog: Catalog
    objects: Objects
    queue_url: str
    clock: Clock
    settings: dict[str, Any]
    batch: FakeBatch = field(default_factory=FakeBatch)
    executions: FakeExecutions = field(default_factory=FakeExecutions)
    _handlers: dict[str, ModuleType] = field(default_factory=dict)
    _sequence: Iterator[int] = field(default_factory=lambda: count(1))

    @cached_property
    def flows(self) -> Composition:
        """Every flow, over the fakes; as the command would build them."""
        here = {"references_bucket": "references", "image_names": frozenset({"cpu"})}
        return Parts(self, SimpleNamespace(**self.settings | here))

    @property
    def s3(self) -> Any:
        """An S3 client."""
        return client_of("s3")

    def call(self, function: str, event: Any) -> Any:
        """Calls a function's handler; a message of a queue is a string or a dict."""
        if function not in self._handlers:
            path = PROJECT / "functions" / function / "handler.py"
            spec = importlib.util.spec_from_file_location(f"{function}_handler", path)
            assert spec is not None
            assert spec.loader is not None
            self._handlers[function] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(self._handlers[function])
        return self._handlers[function].handler(event, Context())

    def deliver(self, function: str, *bodies: Any) -> list[str]:
        """Delivers messages as one batch; returns the ids of those that are to come again."""
        records = [_record(str(n), body) for n, body in enumerate(bodies)]
        answer = self.call(function, {"Records": records})
        failed = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
        return failed if function != "register_upload" else failed + self._handle_own_messages()

    def _handle_own_messages(self) -> list[str]:
        """Delivers what the function has sent to itself, but for questions that time answers."""
        sqs, failed = client_of("sqs"), list[str]()
        while True:
            found = sqs.receive_message(
                QueueUrl=self.queue_url, MaxNumberOfMessages=10, VisibilityTimeout=0
            )
            own = [m for m in found.get("Messages", []) if '"recheck"' not in m["Body"]]
            if not own:
                return failed
            for message in own:
                sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
            failed += self.deliver("register_upload", *(message["Body"] for message in own))

    @staticmethod
    def record(body: Any, message_id: str = "0") -> dict[str, Any]:
        """A message as Lambda hands it on."""
        return _record(message_id, body)

    def drop(self, key: str, body: bytes) -> dict[str, Any]:
        """Uploads an object; returns S3's event of it."""
        answer = self.s3.put_object(Bucket=UPLOADS, Key=key, Body=body)
        sequencer = f"{next(self._sequence):016X}"
        stored = {"key": key, "size": len(body), "etag": answer["ETag"].strip('"'),
                  "version-id": answer["VersionId"], "sequencer": sequencer}  # fmt: skip
        event = _event("object_created")
        event["detail"] |= {"bucket": {"name": UPLOADS}, "object": stored}
        return event

    def upload(self, key: str, body: bytes) -> None:
        """Uploads an object, and lets it be registered."""
        assert self.deliver("register_upload", self.drop(key, body)) == []

    def messages(self) -> list[str]:
        """Messages to ourselves that wait in the queue, those that are delayed included."""
        found = client_of("sqs").receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10)
        return [message["Body"] for message in found.get("Messages", [])]

    def items(self, sample: str) -> list[dict[str, Any]]:
        """All that the catalog has of a sample, its audit trail included."""
        analyses = self.catalog.analyses
        return [*analyses.partition(sample), *analyses.events(sample)]


@contextmanager
def dying(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, *, after: bool) -> Iterator[None]:
    """A call that dies before or after it has its effect."""
    call: Callable[..., Any] = getattr(owner, name)

    def dies(*given: Any, **more: Any) -> Any:
        if after:
            call(*given, **more)
        raise EndpointConnectionError(endpoint_url=name)

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, dies)
        yield


def _record(message_id: str, body: Any) -> dict[str, Any]:
    text = body if isinstance(body, str) else json.dumps(body)
    return {
        "messageId": message_id,
        "receiptHandle": "handle",
        "body": text,
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:123456789012:uploads",
        "awsRegion": REGION,
    }


def _event(name: str) -> dict[str, Any]:
    """AWS's documented example of an event."""
    path = PROJECT / "tests/infrastructure/events" / f"{name}.json"
    example: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return example


def job_event(**detail: Any) -> dict[str, Any]:
    """A Batch Job State Change."""
    event = _event("job_state_change")
    event["detail"] |= detail
    return event


def blocked_event(**detail: Any) -> dict[str, Any]:
    """A Batch Job Queue Blocked."""
    event = _event("job_queue_blocked")
    event["detail"] |= detail
    return event


def execution_event(run: RunId, status: str, **detail: Any) -> dict[str, Any]:
    """A Step Functions Execution Status Change."""
    event = _event("execution_status_change")
    ids = {"sample": run.sample, "assay": run.assay, "run_key": run.run_key, "attempt": run.attempt}
    event["detail"] |= {"status": status, "input": json.dumps(ids), **detail}
    return event


def make_table(client: Any) -> None:
    """The catalog's table as the template has it."""
    (table,) = of_type("AWS::DynamoDB::Table").values()
    wanted = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    client.create_table(TableName=TABLE, **{name: table[name] for name in wanted})


@contextmanager
def open_cloud(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """A cloud with a lab's own pipelines and a reference that is ready."""
    _write_library(folder)
    settings = {**SETTINGS, "pipelines_dir": str(folder)}
    _tell_functions(settings, monkeypatch)
    with mock_aws(), dynamodb.patched():
        dynamodb_client, s3 = client_of("dynamodb"), client_of("s3")
        make_table(dynamodb_client)
        for bucket in (UPLOADS, RESULTS):
            s3.create_bucket(Bucket=bucket)
        versions = {"Status": "Enabled"}
        s3.put_bucket_versioning(Bucket=UPLOADS, VersioningConfiguration=versions)
        url = client_of("sqs").create_queue(QueueName="uploads")["QueueUrl"]
        jobs_url = client_of("sqs").create_queue(QueueName="job-events")["QueueUrl"]
        for name, one in (("uploads_queue_url", url), ("job_events_queue_url", jobs_url)):
            settings[name] = one
            monkeypatch.setenv(name.upper(), one)
        cloud = Cloud(Catalog(dynamodb_client, TABLE), Objects(s3), url, Clock(), settings)
        cloud.catalog.references.add(reference(), "test", START)
        monkeypatch.setattr(composition, "compose", lambda kind: Parts(cloud, load_settings(kind)))
        yield cloud


def _write_library(folder: Path) -> None:
    (folder / "assays.yaml").write_text(ASSAYS)
    (folder / "quick.yaml").write_text(QUICK)
    for name in ("names.yaml", "prices.yaml"):
        (folder / name).write_text((PROJECT / "pipelines" / name).read_text())
    (folder / "references.yaml").write_text("name: r\ndescription: r\nstages: {}\n")


def _tell_functions(settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment that functions are started with."""
    given = {
        "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION,
        "POWERTOOLS_SERVICE_NAME": "test", "POWERTOOLS_METRICS_NAMESPACE": "Seqdrop",
    }  # fmt: skip
    for name, value in settings.items():
        if isinstance(value, dict):
            given[name.upper()] = ",".join(f"{key}={each}" for key, each in value.items())
        else:
            given[name.upper()] = json.dumps(value) if isinstance(value, list) else str(value)
    for name, text in given.items():
        monkeypatch.setenv(name, text)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


class Parts(Composition):
    """What functions are built of, over the cloud's fakes and its clock."""

    def __init__(self, cloud: Cloud, settings: Any) -> None:
        super().__init__(settings, client_of, cloud.clock)
        fakes: Any = {"batch": cloud.batch, "executions": cloud.executions}
        vars(self).update(fakes, tokens=cloud.executions)
