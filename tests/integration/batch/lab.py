"""What the tests of the embedded Batch stand on: a server, a queue of events, small processes."""

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from moto.core.base_backend import BackendDict
from moto.server import ThreadedMotoServer

from local.batch import BatchSettings, install, shutdown

REGION = "eu-west-1"
PATH = f"{Path(sys.executable).parent}:/usr/bin:/bin"
ENDED = ("SUCCEEDED", "FAILED")
SIZES = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}]


def eventually(check: Callable[[], bool]) -> None:
    """Wait for what must come true by itself; a test that would hang fails instead."""
    deadline = time.monotonic() + 30
    while not check():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.005)


@cache
def _client(endpoint: str, service: str) -> Any:
    name: Any = service
    return boto3.Session("x", "x", region_name=REGION).client(name, endpoint_url=endpoint)


class Lab:
    """One embedded Batch over HTTP, whose state changes arrive in an SQS queue."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.batch = self.client("batch")
        self._sqs = self.client("sqs")
        self._changes: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._url = self._sqs.create_queue(QueueName="changes")["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:123456789012:changes"
        events = self.client("events")
        events.put_rule(Name="changes", EventPattern=json.dumps({"source": ["aws.batch"]}))
        events.put_targets(Rule="changes", Targets=[{"Id": "1", "Arn": arn}])
        iam = self.client("iam")
        role = iam.create_role(RoleName="batch", AssumeRolePolicyDocument="{}")
        self.role_arn = role["Role"]["Arn"]
        self.define("tool", ["true"])

    def client(self, service: str) -> Any:
        """A client of any service of the embedded AWS."""
        return _client(self.endpoint, service)

    def environment(self, name: str) -> str:
        """A compute environment; its ARN."""
        answer = self.batch.create_compute_environment(
            computeEnvironmentName=name, type="UNMANAGED", serviceRole=self.role_arn
        )
        return str(answer["computeEnvironmentArn"])

    def queue(self, name: str, environment: str, priority: int = 1) -> str:
        """A queue on one compute environment; its ARN."""
        answer = self.batch.create_job_queue(
            jobQueueName=name,
            priority=priority,
            state="ENABLED",
            computeEnvironmentOrder=[{"order": 1, "computeEnvironment": environment}],
        )
        return str(answer["jobQueueArn"])

    def define(self, name: str, command: list[str], **request: Any) -> str:
        """A job definition; its ARN."""
        properties = {"image": "tool", "command": command, "resourceRequirements": SIZES}
        properties |= request.pop("containerProperties", {})
        answer = self.batch.register_job_definition(
            jobDefinitionName=name, type="container", containerProperties=properties, **request
        )
        return str(answer["jobDefinitionArn"])

    def mute(self) -> None:
        """Let no more state changes into the queue: moto's grow slow with what waits in them."""
        self.client("events").disable_rule(Name="changes")

    def submit(self, *command: str, **request: Any) -> str:
        """A job that runs a command on queue `q` unless told otherwise; its id."""
        overrides = dict(request.pop("containerOverrides", {}))
        if command:
            overrides["command"] = list(command)
        asked = {"jobName": "job", "jobQueue": "q", "jobDefinition": "tool", **request}
        return str(self.batch.submit_job(containerOverrides=overrides, **asked)["jobId"])

    def python(self, program: str, **request: Any) -> str:
        """A job that runs a few lines of Python; its id."""
        return self.submit(sys.executable, "-I", "-S", "-u", "-c", program, **request)

    def wait(self, job_id: str, *statuses: str) -> dict[str, Any]:
        """The detail of the first event that tells one of the statuses (by default: an end)."""
        for _ in range(30):
            for detail in self._changes[job_id]:
                if detail["status"] in (statuses or ENDED):
                    return detail
            self._receive()
        raise AssertionError(f"{job_id} only went through {self.states(job_id)}")

    def states(self, job_id: str) -> list[str]:
        """The states that events have told so far, in their order."""
        return [str(detail["status"]) for detail in self._changes[job_id]]

    def describe(self, job_id: str) -> dict[str, Any]:
        """What DescribeJobs says of one job."""
        (job,) = self.jobs([job_id])
        return job

    def jobs(self, job_ids: list[str]) -> list[dict[str, Any]]:
        """What DescribeJobs says of some jobs."""
        return list(self.batch.describe_jobs(jobs=job_ids)["jobs"])

    def log(self, stream: str, group: str = "/aws/batch/job") -> list[str]:
        """The lines of one log stream."""
        answer = self.client("logs").get_log_events(
            logGroupName=group, logStreamName=stream, startFromHead=True
        )
        return [event["message"] for event in answer["events"]]

    def _receive(self) -> None:
        answer = self._sqs.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=1
        )
        messages = answer.get("Messages", [])
        for message in messages:
            detail = json.loads(message["Body"])["detail"]
            self._changes[detail["jobId"]].append(detail)
        received = [
            {"Id": message["MessageId"], "ReceiptHandle": message["ReceiptHandle"]}
            for message in messages
        ]
        if received:
            self._sqs.delete_message_batch(QueueUrl=self._url, Entries=received)


@contextmanager
def open_server() -> Iterator[str]:
    """An embedded AWS on a free port; its endpoint."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@contextmanager
def open_lab(
    endpoint: str,
    scratch: Path,
    slots: dict[str, int],
    grace_seconds: float = 5,
    **settings: Any,
) -> Iterator[Lab]:
    """A lab with an environment `cpu-main` and queue `q`; shut down and forgotten at the end."""
    environment = {"PATH": PATH, "HOME": str(scratch)}
    settings["grace_seconds"] = grace_seconds
    install(BatchSettings(scratch, environment, slots, **settings))
    try:
        lab = Lab(endpoint)
        lab.queue("q", lab.environment("cpu-main"))
        yield lab
    finally:
        shutdown()
        BackendDict.reset()
