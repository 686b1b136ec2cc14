"""Jobs of `ecsProperties`, as FPGA jobs are: what runs, what is told of them, what is refused."""

import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from seqdrop.aws.batch import Batch, JobRequest
from seqdrop.aws.batch_detail import read_state
from seqdrop.domain.failure import FailureClass
from seqdrop.domain.job_end import classify
from tests.integration.batch.lab import SIZES, Lab

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures/batch"
ECHO = ["echo", "Ref::stage"]


def container(command: list[str], name: str = "dragen", **more: Any) -> dict[str, Any]:
    return {"name": name, "image": "i", "command": command, "resourceRequirements": SIZES, **more}


def define(lab: Lab, *containers: dict[str, Any], **request: Any) -> str:
    """Registers an ECS task by the name of `task`."""
    task = {"containers": list(containers), "pidMode": "host", "taskRoleArn": "arn:aws:iam::1:r"}
    answer = lab.batch.register_job_definition(
        jobDefinitionName="task",
        type="container",
        ecsProperties={"taskProperties": [task]},
        **request,
    )
    return str(answer["jobDefinitionArn"])


def submit(lab: Lab, **request: Any) -> str:
    """Submits a job of `task`; an override of its first container where one is given."""
    if override := request.pop("override", None):
        request["ecsPropertiesOverride"] = {"taskProperties": [{"containers": [override]}]}
    asked = {"jobName": "job", "jobQueue": "q", "jobDefinition": "task", **request}
    return str(lab.batch.submit_job(**asked)["jobId"])


def log_of(lab: Lab, event: dict[str, Any]) -> list[str]:
    return lab.log(read_state(event).log_stream)


def refusal(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**request)
    assert caught.value.response["Error"]["Code"] == "ClientException"
    return str(caught.value.response["Error"]["Message"])


def keys(value: Any) -> Any:
    """The shape of an answer: the names in it, without lists' and maps' own content."""
    if isinstance(value, dict):
        return {name: keys(member) for name, member in value.items()}
    return [keys(value[0])] if isinstance(value, list) and value else None


def test_its_essential_container_runs_with_parameters_and_variables(lab: Lab) -> None:
    program = "import os, sys; print(sys.argv[1:], os.environ['A'], os.environ['B'])"
    command = [sys.executable, "-I", "-c", program, "Ref::stage"]
    variables = [{"name": "A", "value": "old"}, {"name": "B", "value": "kept"}]
    define(
        lab,
        container(["false"], "router", essential=False),
        container(command, environment=variables),
        parameters={"stage": "default"},
    )
    new = {"name": "dragen", "environment": [{"name": "A", "value": "new"}]}
    event = lab.wait(submit(lab, parameters={"stage": "a b; $(x)"}, override=new))
    assert event["status"] == "SUCCEEDED"
    assert log_of(lab, event) == ["['a b; $(x)'] new kept"]


@pytest.mark.parametrize("told_by", ["event", "describe"])
def test_it_is_told_in_aws_shape(lab: Lab, told_by: str) -> None:
    define(lab, container(["true"]))
    job_id = submit(lab, timeout={"attemptDurationSeconds": 60})
    ended = lab.wait(job_id)
    told = ended if told_by == "event" else lab.describe(job_id)
    recorded = json.loads((FIXTURES / "ecs_succeeded.describe.json").read_text())["jobs"][0]
    recorded["attempts"] = recorded["attempts"][1:]  # the one that ran
    if told_by == "event":
        del recorded["isCancelled"], recorded["isTerminated"]
    assert told.keys() == recorded.keys()
    assert keys(told["attempts"]) == keys(recorded["attempts"])
    (task,), (expected,) = (j["ecsProperties"]["taskProperties"] for j in (told, recorded))
    assert task.keys() | {"executionRoleArn"} == expected.keys()
    assert task["containers"][0].keys() == expected["containers"][0].keys()
    assert task["containers"][0]["logStreamName"].startswith("task/dragen/")


def test_before_it_runs_it_has_neither_a_place_nor_a_log(lab: Lab) -> None:
    define(lab, container(["true"]))
    event = lab.wait(submit(lab), "RUNNABLE")
    (task,) = event["ecsProperties"]["taskProperties"]
    assert "taskArn" not in task
    assert "logStreamName" not in task["containers"][0]
    assert "container" not in event


def test_the_package_asks_for_it_and_reads_its_failures_and_retries(lab: Lab) -> None:
    program = "import os, sys; sys.exit(30 if os.environ['AWS_BATCH_JOB_ATTEMPT'] == '1' else 20)"
    rules = [{"onExitCode": "3*", "action": "RETRY"}, {"onReason": "*", "action": "EXIT"}]
    strategy = {"attempts": 3, "evaluateOnExit": rules}
    define(lab, container([sys.executable, "-c", program]), retryStrategy=strategy)
    request = JobRequest("n", "fpga-genome", "q", "task", {}, 22, 240_000, 60, {"a": "b"})
    job_id = Batch(lab.batch).submit(request)
    event = lab.wait(job_id)
    state = Batch(lab.batch).describe([job_id])[job_id]
    assert state == msgspec.structs.replace(read_state(event), by_hand=False)
    assert (state.status, state.exit_code, len(state.attempts)) == ("FAILED", 20, 2)
    (task,) = event["ecsProperties"]["taskProperties"]
    assert {"type": "VCPU", "value": "22"} in task["containers"][0]["resourceRequirements"]
    assert {"type": "MEMORY", "value": "240000"} in task["containers"][0]["resourceRequirements"]


def test_it_can_be_ended_and_runs_out_of_time_as_others_do(lab: Lab) -> None:
    define(lab, container(["sleep", "600"]))
    ended, late = submit(lab), submit(lab, timeout={"attemptDurationSeconds": 1})
    lab.wait(ended, "RUNNING")
    lab.batch.terminate_job(jobId=ended, reason="stopped: wrong sample")
    first, second = (read_state(lab.wait(job_id)) for job_id in (ended, late))
    assert (first.reason, first.exit_code) == ("stopped: wrong sample", 143)
    assert (second.reason, second.exit_code) == ("Job attempt duration exceeded timeout", 143)


def test_a_command_that_is_not_there_has_a_reason_and_no_exit_code(lab: Lab) -> None:
    define(lab, container(["no-such-tool"]))
    state = read_state(lab.wait(submit(lab)))
    assert state.exit_code is None
    assert state.reason.startswith("Task failed to start; CannotStartContainerError: ")


def test_secrets_come_from_secrets_manager(lab: Lab) -> None:
    secrets = lab.client("secretsmanager")
    whole = secrets.create_secret(Name="whole", SecretString="a")["ARN"]
    part = secrets.create_secret(Name="part", SecretString='{"licence": "b"}')["ARN"]
    places = [
        {"name": "WHOLE", "valueFrom": whole},
        {"name": "PART", "valueFrom": f"{part}:licence::"},
    ]
    program = "import os; print(os.environ['WHOLE'], os.environ['PART'])"
    define(lab, container([sys.executable, "-c", program], secrets=places))
    event = lab.wait(submit(lab))
    assert log_of(lab, event) == ["a b"]
    shown = event["ecsProperties"]["taskProperties"][0]["containers"][0]
    assert shown["secrets"] == places
    assert shown["environment"] == []


SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:"


@pytest.mark.parametrize(
    ("place", "failure"),
    [
        (f"{SECRET}no", FailureClass.BAD_PLAN),  # ResourceNotFoundException
        (f"{SECRET}part:other::", FailureClass.BAD_PLAN),  # it has no such key
        (f"{SECRET}word:licence::", FailureClass.BAD_PLAN),  # it is no JSON
        ("x", FailureClass.NEVER_STARTED),
    ],
)
def test_a_secret_that_can_not_be_read_stops_the_task_in_the_words_of_ec2(
    lab: Lab, place: str, failure: FailureClass
) -> None:
    for name, text in (("part", '{"licence": "b"}'), ("word", "b")):
        arn = lab.client("secretsmanager").create_secret(Name=name, SecretString=text)["ARN"]
        place = place.replace(f"{SECRET}{name}", arn)
    define(lab, container(["true"], secrets=[{"name": "A", "valueFrom": place}]))
    event = lab.wait(submit(lab))
    assert event["statusReason"].startswith(
        "Fetching secret data from AWS Secrets Manager in region eu-west-1: secret "
    )
    (told,) = event["ecsProperties"]["taskProperties"][0]["containers"]
    assert "reason" not in told
    state = read_state(event)
    assert (state.status, state.exit_code) == ("FAILED", None)
    assert classify(state) is failure


def test_overrides_must_be_of_the_definitions_shape(lab: Lab) -> None:
    define(lab, container(["true"]))
    asked = {"jobName": "a", "jobQueue": "q"}
    named = {"name": "dragen", "command": ["true"]}
    ecs = {"taskProperties": [{"containers": [named]}]}
    plain = {"command": ["true"]}
    call = lab.batch.submit_job
    assert refusal(call, **asked, jobDefinition="task", containerOverrides=plain) == (
        "Container overrides should not be set for ecsProperties jobs."
    )
    assert "override" in refusal(call, **asked, jobDefinition="tool", ecsPropertiesOverride=ecs)
    named["name"] = "other"
    assert "other" in refusal(call, **asked, jobDefinition="task", ecsPropertiesOverride=ecs)


@pytest.mark.parametrize(
    "containers",
    [
        [],
        [container(["true"], f"c{number}", essential=number == 0) for number in range(11)],
        [container(["true"], essential=False)],
        [container(["true"]), container(["true"], essential=False)],
        [container(["true"], resourceRequirements=SIZES[:1])],
    ],
    ids=["none", "eleven", "none essential", "one name twice", "no memory"],
)
def test_a_task_that_aws_refuses_is_refused(lab: Lab, containers: list[dict[str, Any]]) -> None:
    call = lab.batch.register_job_definition
    tasks = {"taskProperties": [{"containers": containers}]}
    refusal(call, jobDefinitionName="bad", type="container", ecsProperties=tasks)
    assert lab.batch.describe_job_definitions(jobDefinitionName="bad")["jobDefinitions"] == []


def test_a_definition_takes_one_shape_and_shows_it(lab: Lab) -> None:
    define(lab, container(["true"]))
    (shown,) = lab.batch.describe_job_definitions(jobDefinitionName="task")["jobDefinitions"]
    assert shown["ecsProperties"]["taskProperties"][0]["pidMode"] == "host"
    assert "containerProperties" not in shown
    both = {
        "containerProperties": container(["true"]),
        "ecsProperties": {"taskProperties": [{"containers": [container(["true"])]}]},
    }
    del both["containerProperties"]["name"]
    refusal(lab.batch.register_job_definition, jobDefinitionName="b", type="container", **both)


def test_a_name_may_change_its_shape_from_one_revision_to_the_next(lab: Lab) -> None:
    first = define(lab, container(["true"]))
    second = lab.define("task", ["true"])
    assert (first[-2:], second[-2:]) == (":1", ":2")
    events = [lab.wait(submit(lab, jobDefinition=arn)) for arn in (first, second)]
    assert ["container" in event for event in events] == [False, True]
    assert [event["status"] for event in events] == ["SUCCEEDED"] * 2
