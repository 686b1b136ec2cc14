"""Deploys the project's own template into moto: one stack, and beside it what moto can't make."""

import io
import json
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import yaml
from moto.awslambda.models import lambda_backends
from moto.ec2.models import ec2_backends
from moto.s3.models import s3_backends

from infrastructure.transform import CODE_BUCKET
from local.functions import FunctionSpec
from local.queues import EventSource
from local.schedules import Schedule, read_rate
from local.template import LocalTemplate, answered, load_template

ACCOUNT = "123456789012"
"""moto's account."""
REGION = "us-east-1"
STACK = "seqdrop"
FOLDER_TAG = "seqdrop:folder"
"""The stack's tag that tells where the runtime keeps its files."""


@dataclass(frozen=True)
class Deployment:
    """What was deployed: the stack's outputs, and what the runtime has to bring to life."""

    outputs: dict[str, str]
    functions: list[FunctionSpec]
    sources: list[EventSource]
    schedules: list[Schedule]


def deploy(
    project: Path, endpoint_url: str, parameters: dict[str, str], folder: Path
) -> Deployment:
    """Deploys the template of a project folder, with values for its parameters.

    ``folder`` is where the runtime keeps its files.
    """
    clients: dict[str, Any] = {
        name: _session().client(name, endpoint_url=endpoint_url)
        for name in ("cloudformation", "s3", "stepfunctions")
    }
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{STACK}"
    values = {**_default_network(), **parameters}
    machines = {
        "AnalyseSampleStateMachine": f"{arn}-analyse-sample",
        "ReanalyseStateMachine": f"{arn}-reanalyse",
    }
    template = load_template(project / "template.yaml", REGION, values, machines)
    _put_code(template)
    tags = [{"Key": FOLDER_TAG, "Value": str(folder.absolute())}]
    outputs = _create_stack(clients["cloudformation"], template, values, tags)
    _configure_buckets(clients["s3"], template, outputs)
    _create_state_machines(clients["stepfunctions"], project, template, outputs)
    functions = _function_specs(project, template)
    shown = {name: value for name, value in outputs.items() if name not in template.questions}
    sources, schedules = _event_sources(template, outputs), _schedules(template, outputs)
    return Deployment(shown, functions, sources, schedules)


@cache
def _session() -> Any:
    """One for all deployments of a process: it keeps the services' models that it has read."""
    return boto3.Session("local", "local", region_name=REGION)


def _put_code(template: LocalTemplate) -> None:
    """An empty archive for each function and layer: the code is run from the project's folder."""
    archive = io.BytesIO()
    zipfile.ZipFile(archive, "w").close()
    s3 = s3_backends[ACCOUNT]["aws"]
    s3.create_bucket(CODE_BUCKET, REGION)
    for kind in ("AWS::Lambda::Function", "AWS::Lambda::LayerVersion"):
        for _, resource in template.of_type(kind):
            s3.put_object(CODE_BUCKET, _code_key(resource), archive.getvalue())


def _code_key(resource: dict[str, Any]) -> str:
    properties = resource["Properties"]
    return str(properties.get("Code", properties.get("Content"))["S3Key"])


def _default_network() -> dict[str, str]:
    """moto's own: asked by API, the answer would cost a third of a second."""
    ec2 = ec2_backends[ACCOUNT][REGION]
    subnets = [subnet.id for subnet in ec2.describe_subnets()]
    groups = [group.id for group in ec2.describe_security_groups()]
    return {"SubnetIds": ",".join(subnets), "SecurityGroupIds": groups[0]}


def _create_stack(
    cloudformation: Any,
    template: LocalTemplate,
    parameters: dict[str, str],
    tags: list[dict[str, str]],
) -> dict[str, str]:
    cloudformation.create_stack(
        StackName=STACK,
        TemplateBody=json.dumps(template.body),
        Parameters=[
            {"ParameterKey": name, "ParameterValue": value}
            for name, value in parameters.items()
            if name in template.body["Parameters"]
        ],
        Tags=tags,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
    if stack["StackStatus"] != "CREATE_COMPLETE":
        raise RuntimeError(f"the stack is {stack['StackStatus']}: {stack.get('StackStatusReason')}")
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def _configure_buckets(s3: Any, template: LocalTemplate, outputs: dict[str, str]) -> None:
    """moto's CloudFormation leaves a bucket's versions and its EventBridge configuration out."""
    for name, resource in template.of_type("AWS::S3::Bucket"):
        properties = resource["Properties"]
        if "VersioningConfiguration" in properties:
            s3.put_bucket_versioning(
                Bucket=outputs[name], VersioningConfiguration=properties["VersioningConfiguration"]
            )
        if "NotificationConfiguration" in properties:
            s3.put_bucket_notification_configuration(
                Bucket=outputs[name],
                NotificationConfiguration={"EventBridgeConfiguration": {}},
            )


def _create_state_machines(
    stepfunctions: Any, project: Path, template: LocalTemplate, outputs: dict[str, str]
) -> None:
    for _, asked in template.left_out_of_type("AWS::StepFunctions::StateMachine"):
        properties = answered(asked, outputs)
        source = (project / properties["DefinitionS3Location"]["Key"]).read_text("utf-8")
        for name, value in properties["DefinitionSubstitutions"].items():
            source = source.replace(f"${{{name}}}", value)
        stepfunctions.create_state_machine(
            name=properties["StateMachineName"],
            definition=json.dumps(yaml.load(source, yaml.CSafeLoader)),
            roleArn=properties["RoleArn"],
            type=properties["StateMachineType"],
        )


def _function_specs(project: Path, template: LocalTemplate) -> list[FunctionSpec]:
    layers = [resource for _, resource in template.of_type("AWS::Lambda::LayerVersion")]
    folders = [project / _code_key(layer) for layer in layers]
    opt = next(folder for folder in folders if not list(folder.glob("requirements.txt")))
    specs = []
    deployed = {_service(function): function for function in _all_functions()}
    for _, resource in template.of_type("AWS::Lambda::Function"):
        code_dir = project / _code_key(resource)
        service = resource["Properties"]["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
        found = deployed[service]
        environment = {
            name: str(opt) if value == "/opt" else str(value)
            for name, value in found["Environment"]["Variables"].items()
        }
        specs.append(
            FunctionSpec(
                name=found["FunctionName"],
                arn=found["FunctionArn"],
                code_dir=code_dir,
                handler=found["Handler"],
                environment=environment,
                timeout_seconds=float(found["Timeout"]),
                memory_mib=int(found["MemorySize"]),
                python_path=tuple(folder for folder in folders if folder != opt),
            )
        )
    return specs


def _all_functions() -> list[dict[str, Any]]:
    functions = lambda_backends[ACCOUNT][REGION].list_functions()
    return [function.get_configuration() for function in functions]


def _service(function: dict[str, Any]) -> str:
    return str(function["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"])


def _event_sources(template: LocalTemplate, outputs: dict[str, str]) -> list[EventSource]:
    sources = []
    for _, asked in template.left_out_of_type("AWS::Lambda::EventSourceMapping"):
        properties = answered(asked, outputs)
        sources.append(
            EventSource(
                queue_arn=properties["EventSourceArn"],
                function_name=properties["FunctionName"],
                batch_size=properties.get("BatchSize", 10),
                window_seconds=properties.get("MaximumBatchingWindowInSeconds", 0),
                report_item_failures="ReportBatchItemFailures"
                in properties.get("FunctionResponseTypes", []),
                max_concurrency=int(properties["ScalingConfig"]["MaximumConcurrency"]),
            )
        )
    return sources


def _schedules(template: LocalTemplate, outputs: dict[str, str]) -> list[Schedule]:
    schedules = []
    for _, asked in template.left_out_of_type("AWS::Scheduler::Schedule"):
        properties = answered(asked, outputs)
        target = properties["Target"]
        schedules.append(
            Schedule(
                function_arn=target["Arn"],
                every_seconds=read_rate(properties["ScheduleExpression"]),
                payload=target["Input"],
            )
        )
    return schedules
