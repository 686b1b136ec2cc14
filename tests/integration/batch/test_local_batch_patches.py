"""What moto's Batch does wrong by itself, and that the embedded one does right.

A `test_stock_...` that fails says that moto was mended: the patch that its docstring names can go.
"""

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from moto.batch import models

from local.batch import patches as batch_patches
from tests.integration.batch.lab import REGION, SIZES, Lab, open_lab, open_server


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with open_server() as endpoint, open_lab(endpoint, tmp_path, {}) as opened:
        yield opened


DEFINITION: dict[str, Any] = {
    "Type": "container",
    "ContainerProperties": {
        "Image": "tool",
        "Command": ["echo", "Ref::Sample"],
        "ResourceRequirements": [{"Type": each["type"], "Value": each["value"]} for each in SIZES],
    },
    "Parameters": {"Sample": "NA1"},
    "Tags": {"Project": "p"},
    "Timeout": {"AttemptDurationSeconds": 77},
}


def created_by_stock(**properties: Any) -> Any:
    return batch_patches.STOCK_CREATE_JOB_DEFINITION(
        "d", {"Properties": {**DEFINITION, **properties}}, "123456789012", REGION
    ).describe()


def test_stock_moto_loses_what_a_template_says_of_a_definition() -> None:
    """Fails once `keep_job_definition_properties` is no longer needed."""
    with pytest.raises(KeyError, match="RetryStrategy"):
        created_by_stock()
    described = created_by_stock(RetryStrategy={"Attempts": 2})
    assert "timeout" not in described
    assert (described["parameters"], described["tags"]) == ({"sample": "NA1"}, {"project": "p"})


def test_stock_moto_takes_no_retry_strategy_with_a_job() -> None:
    """Fails once moto's own SubmitJob may keep it; `batch_api` answers that call instead."""
    assert "retry_strategy" not in inspect.signature(models.BatchBackend.submit_job).parameters


def test_stock_moto_lets_the_environment_grow_when_asked() -> None:
    """Fails once moto's own description is stable; `batch_detail` describes jobs instead."""
    job = SimpleNamespace(
        container_overrides={"environment": []},
        job_definition=SimpleNamespace(container_properties={}),
        job_id="1",
    )
    lengths = [len(models.Job._get_container_property(job, "environment", [])) for _ in range(2)]
    assert lengths == [1, 2]


def test_stock_moto_knows_no_ecs_tasks() -> None:
    """Fails once `definitions.Definition` can be moto's own."""
    taken = inspect.signature(models.JobDefinition.__init__).parameters
    assert not {"ecs_properties", "consumable_resource_properties"} & taken.keys()


def test_stock_moto_shows_no_time_limits_of_a_queue() -> None:
    """Fails once `keep_time_limits_of_queues` is no longer needed, nor `resource_calls`' part."""
    backend = SimpleNamespace(
        account_id="1", region_name=REGION, list_tags_for_resource=lambda _: {}
    )
    queue = models.JobQueue("q", "1", "ENABLED", [], [], None, backend)
    assert "jobStateTimeLimitActions" not in batch_patches.STOCK_DESCRIBE_QUEUE(queue)
    taken = inspect.signature(models.BatchBackend.create_job_queue).parameters
    assert not any("limit" in name for name in taken)


def test_stock_moto_knows_no_consumable_resources() -> None:
    """Fails once `consumables` and `know_consumable_resources` can be moto's own."""
    assert not any("onsumable" in name for name in dir(models) + dir(models.BatchBackend))


def test_a_stack_makes_ecs_tasks_time_limits_and_consumable_resources(lab: Lab) -> None:
    task = {
        "PidMode": "host",
        "Volumes": [{"Name": "scratch", "Host": {"SourcePath": "/scratch"}}],
        "Containers": [{**DEFINITION["ContainerProperties"], "Name": "dragen"}],
    }
    wanted = [{"ConsumableResource": ref("Licences"), "Quantity": 1}]
    limit = {"Action": "CANCEL", "MaxTimeSeconds": 3600, "State": "RUNNABLE"}
    limit["Reason"] = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"
    resources = {
        "Licences": resource(
            "AWS::Batch::ConsumableResource", TotalQuantity=2, ResourceType="REPLENISHABLE"
        ),
        "Definition": resource(
            "AWS::Batch::JobDefinition",
            **{k: v for k, v in DEFINITION.items() if k != "ContainerProperties"},
            JobDefinitionName="dragen",
            EcsProperties={"TaskProperties": [task]},
            ConsumableResourceProperties={"ConsumableResourceList": wanted},
        ),
        "Queue": resource(
            "AWS::Batch::JobQueue",
            JobQueueName="fpga",
            Priority=1,
            ComputeEnvironmentOrder=[{"Order": 1, "ComputeEnvironment": "cpu-main"}],
            JobStateTimeLimitActions=[limit],
        ),
    }
    outputs = {"Licences": {"Value": {"Fn::GetAtt": ["Licences", "ConsumableResourceArn"]}}}
    body = json.dumps({"Resources": resources, "Outputs": outputs})
    stacks = lab.client("cloudformation")
    stacks.create_stack(StackName="s", TemplateBody=body)
    (stack,) = stacks.describe_stacks(StackName="s")["Stacks"]
    (queue,) = lab.batch.describe_job_queues(jobQueues=["fpga"])["jobQueues"]
    assert queue["jobStateTimeLimitActions"][0]["maxTimeSeconds"] == 3600
    job = {"jobName": "j", "jobQueue": "fpga", "jobDefinition": "dragen"}
    event = lab.wait(lab.batch.submit_job(**job)["jobId"])
    (shown,) = event["ecsProperties"]["taskProperties"]
    assert shown["pidMode"] == "host"
    assert shown["volumes"] == [{"name": "scratch", "host": {"sourcePath": "/scratch"}}]
    assert lab.log(shown["containers"][0]["logStreamName"]) == ["NA1"]
    (consumed,) = event["consumableResourceProperties"]["consumableResourceList"]
    assert consumed["consumableResource"] == stack["Outputs"][0]["OutputValue"]


def test_a_stack_makes_environments_queues_and_definitions_that_run_jobs(lab: Lab) -> None:
    resources = {
        "Vpc": resource("AWS::EC2::VPC", CidrBlock="10.0.0.0/16"),
        "Subnet": resource("AWS::EC2::Subnet", VpcId=ref("Vpc"), CidrBlock="10.0.0.0/24"),
        "Group": resource("AWS::EC2::SecurityGroup", GroupDescription="x", VpcId=ref("Vpc")),
        "Role": resource("AWS::IAM::Role", AssumeRolePolicyDocument={}),
        "Profile": resource("AWS::IAM::InstanceProfile", Roles=[ref("Role")]),
        "Definition": resource("AWS::Batch::JobDefinition", **DEFINITION),
    }
    for kind, instance_type in (("Spot", "f2.6xlarge"), ("Ec2", "c6i.4xlarge")):
        resources[kind] = managed(kind.upper(), instance_type)
        order = [{"Order": 1, "ComputeEnvironment": ref(kind)}]
        resources[f"{kind}Queue"] = resource(
            "AWS::Batch::JobQueue", Priority=1, ComputeEnvironmentOrder=order
        )
    stacks = lab.client("cloudformation")
    stacks.create_stack(StackName="s", TemplateBody=json.dumps({"Resources": resources}))
    names = {
        each["LogicalResourceId"]: each["PhysicalResourceId"]
        for each in stacks.describe_stack_resources(StackName="s")["StackResources"]
    }
    for queue in ("SpotQueue", "Ec2Queue"):
        job_id = lab.submit(jobQueue=names[queue], jobDefinition=names["Definition"])
        event = lab.wait(job_id)
        assert event["timeout"] == {"attemptDurationSeconds": 77}
        assert lab.log(event["container"]["logStreamName"]) == ["NA1"]


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def managed(kind: str, instance_type: str) -> dict[str, Any]:
    return resource(
        "AWS::Batch::ComputeEnvironment",
        Type="MANAGED",
        ServiceRole={"Fn::GetAtt": ["Role", "Arn"]},
        ComputeResources={
            "Type": kind,
            "MinvCpus": 0,
            "MaxvCpus": 256,
            "InstanceTypes": [instance_type],
            "Subnets": [ref("Subnet")],
            "SecurityGroupIds": [ref("Group")],
            "InstanceRole": {"Fn::GetAtt": ["Profile", "Arn"]},
        },
    )
