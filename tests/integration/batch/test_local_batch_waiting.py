"""Jobs that can't run yet, or ever: time limits of queues, and consumable resources."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.batch.lab import Lab, eventually, open_lab

TOO_MANY = "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE"
TOO_LARGE = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"
FOREVER = ("sleep", "600")


@pytest.fixture
def lab(server: str, tmp_path: Path) -> Iterator[Lab]:
    """Ten minutes of a queue's time limit are less than a second here."""
    with open_lab(server, tmp_path, {"cpu": 2}, queue_second=0.001) as opened:
        yield opened


@pytest.fixture
def patient(server: str, tmp_path: Path) -> Iterator[Lab]:
    """A second is a second: no time limit passes within a test."""
    with open_lab(server, tmp_path, {"cpu": 2}) as opened:
        yield opened


def limit(reason: str, **other: Any) -> dict[str, Any]:
    return {
        "reason": reason, "state": "RUNNABLE", "maxTimeSeconds": 600, "action": "CANCEL", **other,
    }  # fmt: skip


def managed(lab: Lab, name: str, instance_type: str, most_vcpus: int) -> str:
    """A compute environment of EC2 instances; its name."""
    ec2, iam = lab.client("ec2"), lab.client("iam")
    iam.create_instance_profile(InstanceProfileName=name)
    lab.batch.create_compute_environment(
        computeEnvironmentName=name,
        type="MANAGED",
        serviceRole=lab.role_arn,
        computeResources={
            "type": "EC2",
            "minvCpus": 0,
            "maxvCpus": most_vcpus,
            "instanceTypes": [instance_type],
            "instanceRole": name,
            "subnets": [ec2.describe_subnets()["Subnets"][0]["SubnetId"]],
            "securityGroupIds": [ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]],
        },
    )
    return name


def queue(lab: Lab, environments: list[str], *limits: dict[str, Any]) -> None:
    """The queue `limited`."""
    order = [{"order": n, "computeEnvironment": name} for n, name in enumerate(environments)]
    lab.batch.create_job_queue(
        jobQueueName="limited",
        priority=1,
        state="ENABLED",
        computeEnvironmentOrder=order,
        jobStateTimeLimitActions=list(limits),
    )


def submit(lab: Lab, vcpus: int, memory_mib: int = 512, *command: str) -> str:
    size = {"VCPU": vcpus, "MEMORY": memory_mib}
    overrides = {"resourceRequirements": [{"type": k, "value": str(v)} for k, v in size.items()]}
    command = command or ("true",)
    return lab.submit(*command, jobQueue="limited", containerOverrides=overrides)


def status_of(lab: Lab, job_id: str) -> tuple[str, str]:
    job = lab.describe(job_id)
    return job["status"], job.get("statusReason", "")


def refusal(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**request)
    return str(caught.value.response["Error"]["Code"])


@pytest.mark.parametrize(
    ("vcpus", "memory_mib", "reason"),
    [(25, 512, TOO_LARGE), (49, 512, TOO_MANY), (2, 262_144, TOO_LARGE)],
    ids=["more vCPUs than an instance", "more vCPUs than all", "the instance's very memory"],
)
def test_a_job_that_nothing_can_take_is_given_up(
    lab: Lab, vcpus: int, memory_mib: int, reason: str
) -> None:
    queue(lab, [managed(lab, "cpu-f2", "f2.6xlarge", 48)], limit(TOO_LARGE), limit(TOO_MANY))
    stuck = submit(lab, vcpus, memory_mib)
    behind = submit(lab, 22, 240_000)
    event = lab.wait(stuck)
    assert event["status"] == "FAILED"
    assert event["statusReason"] == f"Canceled by JobStateTimeLimit action due to reason: {reason}"
    assert event["attempts"] == []
    assert lab.describe(stuck)["isCancelled"] is True
    assert lab.wait(behind)["status"] == "SUCCEEDED", "the queue goes on without it"


def test_a_job_at_the_head_says_why_it_waits_and_its_queue_that_it_is_blocked(patient: Lab) -> None:
    lab = patient
    queue(lab, [managed(lab, "cpu-f2", "f2.6xlarge", 48)], limit(TOO_LARGE))
    told = "arn:aws:sqs:eu-west-1:123456789012:blocked"
    url = lab.client("sqs").create_queue(QueueName="blocked")["QueueUrl"]
    events = lab.client("events")
    events.put_rule(
        Name="blocked", EventPattern=json.dumps({"detail-type": ["Batch Job Queue Blocked"]})
    )
    events.put_targets(Rule="blocked", Targets=[{"Id": "1", "Arn": told}])
    stuck, behind = submit(lab, 25), submit(lab, 1)
    status, reason = status_of(lab, stuck)
    assert status == "RUNNABLE"
    assert reason == (
        f"{TOO_LARGE} - The job resource requirement (vCPU/memory/GPU) is higher than that can "
        "be met by the CE(s) attached to the job queue."
    )
    assert status_of(lab, behind) == ("RUNNABLE", "")
    (message,) = lab.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
    event = json.loads(message["Body"])
    assert event["resources"] == [event["detail"]["jobArn"], event["detail"]["jobQueue"]]
    assert (event["detail"]["jobId"], event["detail"]["statusReason"]) == (stuck, reason)
    lab.batch.terminate_job(jobId=stuck, reason="never mind")
    assert lab.wait(behind)["status"] == "SUCCEEDED"


def test_a_job_without_a_limit_for_its_reason_waits_on(lab: Lab) -> None:
    queue(lab, [managed(lab, "cpu-f2", "f2.6xlarge", 48)], limit(TOO_MANY))
    stuck = submit(lab, 25)
    lab.queue("second", managed(lab, "cpu-other", "f2.6xlarge", 8))
    lab.batch.update_job_queue(jobQueue="second", jobStateTimeLimitActions=[limit(TOO_MANY)])
    other = lab.submit(
        "true",
        jobQueue="second",
        containerOverrides={"resourceRequirements": [{"type": "VCPU", "value": "9"}]},
    )
    assert lab.wait(other)["statusReason"].endswith(TOO_MANY), "a limit has passed meanwhile"
    assert status_of(lab, stuck)[0] == "RUNNABLE"
    lab.batch.update_job_queue(jobQueue="limited", jobStateTimeLimitActions=[limit(TOO_LARGE)])
    assert lab.wait(stuck)["statusReason"].endswith(TOO_LARGE), "a limit may come later"


def test_a_job_goes_where_it_fits(lab: Lab) -> None:
    small = managed(lab, "cpu-small", "c6i.large", 64)
    large = managed(lab, "cpu-large", "c6i", 64)
    queue(lab, [small, large])
    name = "import os; print(os.environ['AWS_BATCH_CE_NAME'])"
    jobs = [submit(lab, vcpus, 512, "python", "-c", name) for vcpus in (1, 16)]
    streams = [lab.wait(job_id)["container"]["logStreamName"] for job_id in jobs]
    assert [lab.log(stream) for stream in streams] == [["cpu-small"], ["cpu-large"]]


def test_a_queue_shows_its_time_limits(lab: Lab) -> None:
    queue(lab, ["cpu-main"], limit(TOO_LARGE))

    def shown() -> Any:
        (found,) = lab.batch.describe_job_queues(jobQueues=["limited"])["jobQueues"]
        return found["jobStateTimeLimitActions"]

    assert shown() == [limit(TOO_LARGE)]
    lab.batch.update_job_queue(jobQueue="limited", priority=7)
    assert shown() == [limit(TOO_LARGE)]
    lab.batch.update_job_queue(jobQueue="limited", jobStateTimeLimitActions=[])
    assert shown() == []


@pytest.mark.parametrize(
    "wrong", [{"maxTimeSeconds": 599}, {"maxTimeSeconds": 86_401}, {"reason": "BORED"}]
)
def test_a_time_limit_that_aws_refuses_is_refused(lab: Lab, wrong: dict[str, Any]) -> None:
    with pytest.raises(ClientError):
        queue(lab, ["cpu-main"], limit(**{"reason": TOO_LARGE, **wrong}))
    assert lab.batch.describe_job_queues(jobQueues=["limited"])["jobQueues"] == []


def licences(lab: Lab, total: int, kind: str = "REPLENISHABLE") -> str:
    """The resource `licence`; its ARN."""
    answer = lab.batch.create_consumable_resource(
        consumableResourceName="licence", totalQuantity=total, resourceType=kind, tags={"a": "b"}
    )
    return str(answer["consumableResourceArn"])


def licensed(lab: Lab, *command: str, quantity: int = 1, **request: Any) -> str:
    """A job that needs some of `licence`."""
    wanted = [{"consumableResource": "licence", "quantity": quantity}]
    override = {"consumableResourceList": wanted}
    return lab.submit(*command, consumableResourcePropertiesOverride=override, **request)


def left(lab: Lab) -> tuple[int, int, int]:
    """Total, in use and available."""
    found = lab.batch.describe_consumable_resource(consumableResource="licence")
    return found["totalQuantity"], found["inUseQuantity"], found["availableQuantity"]


def test_a_job_waits_for_a_licence_until_another_gives_it_back(lab: Lab) -> None:
    arn = licences(lab, 1)
    first, second = licensed(lab, *FOREVER), licensed(lab, "true")
    event = lab.wait(first, "RUNNING")
    assert event["consumableResourceProperties"]["consumableResourceList"] == [
        {"consumableResource": arn, "quantity": 1}
    ]
    assert (left(lab), status_of(lab, second)) == ((1, 1, 0), ("RUNNABLE", ""))
    lab.batch.terminate_job(jobId=first, reason="enough")
    assert lab.wait(second)["status"] == "SUCCEEDED"
    assert left(lab) == (1, 0, 1)


def test_a_job_keeps_its_licence_from_one_attempt_to_the_next(lab: Lab) -> None:
    licences(lab, 1)
    job_id = licensed(lab, "false", retryStrategy={"attempts": 3})
    assert len(lab.wait(job_id)["attempts"]) == 3
    assert left(lab) == (1, 0, 1)


def test_more_licences_let_waiting_jobs_run(lab: Lab) -> None:
    licences(lab, 1)
    job_id = licensed(lab, "true", quantity=3)
    assert status_of(lab, job_id) == ("RUNNABLE", "")
    lab.batch.update_consumable_resource(consumableResource="licence", operation="ADD", quantity=2)
    assert lab.wait(job_id)["status"] == "SUCCEEDED"


def test_what_can_not_be_used_again_is_gone(lab: Lab) -> None:
    licences(lab, 5, "NON_REPLENISHABLE")
    lab.wait(licensed(lab, "true", quantity=2))
    eventually(lambda: left(lab) == (3, 0, 3))


def test_a_definition_names_what_its_jobs_consume(lab: Lab) -> None:
    arn = licences(lab, 0)
    wanted = [{"consumableResource": arn, "quantity": 1}]
    lab.define("dragen", ["true"], consumableResourceProperties={"consumableResourceList": wanted})
    (shown,) = lab.batch.describe_job_definitions(jobDefinitionName="dragen")["jobDefinitions"]
    assert shown["consumableResourceProperties"]["consumableResourceList"] == wanted
    assert status_of(lab, lab.submit(jobDefinition="dragen"))[0] == "RUNNABLE"


def test_resources_are_listed_deleted_and_made_once(lab: Lab) -> None:
    arn = licences(lab, 2)
    (shown,) = lab.batch.list_consumable_resources()["consumableResources"]
    assert (shown["consumableResourceArn"], shown["totalQuantity"]) == (arn, 2)
    call = lab.batch.create_consumable_resource
    assert refusal(call, consumableResourceName="licence") == "ClientException"
    lab.batch.delete_consumable_resource(consumableResource=arn)
    assert lab.batch.list_consumable_resources()["consumableResources"] == []
    call = lab.batch.submit_job
    override = {"consumableResourceList": [{"consumableResource": arn, "quantity": 1}]}
    asked = {"jobName": "a", "jobQueue": "q", "jobDefinition": "tool"}
    assert (
        refusal(call, **asked, consumableResourcePropertiesOverride=override) == "ClientException"
    )
