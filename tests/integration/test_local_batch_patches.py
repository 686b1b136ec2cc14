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
from tests.integration.test_local_batch_lab import REGION, SIZES, Lab, open_lab, open_server


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with open_server() as endpoint, open_lab(endpoint, tmp_path, {}) as opened:
        yield opened


DEFINITION = {
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
