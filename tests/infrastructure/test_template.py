"""The template's own promises, held before anything is deployed."""

import json
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, get_args

import pytest

from infrastructure import expansion
from seqdrop import settings
from seqdrop.domain.failure import EXIT_CODES, FailureClass
from seqdrop.domain.hosts import ON_DEMAND
from seqdrop.domain.job_definitions import Reach, definition_name
from seqdrop.domain.next_job import BATCH_ATTEMPTS
from tests.infrastructure.stack import (
    PROJECT,
    TEMPLATE,
    deployed,
    functions,
    made,
    made_of_type,
    of_type,
    refers_to,
    source,
    target_of,
    timeout_of,
)

BUCKETS = of_type("AWS::S3::Bucket")
RULES = of_type("AWS::Events::Rule")
QUEUES = of_type("AWS::SQS::Queue")
JOB_QUEUES = of_type("AWS::Batch::JobQueue")
JOB_DEFINITIONS = of_type("AWS::Batch::JobDefinition")
FOR_WHAT_CLAIMS = {"IMAGES", "JOB_DEFINITIONS", "JOB_QUEUE_PREFIX"}
"""Written once for all functions, though some read none of them."""
KINDS = {
    "fpga-genome": "FpgaGenome", "fpga-exome": "FpgaExome", "cpu": "Cpu", "nextflow": "Nextflow",
}  # fmt: skip
PRIORITIES = {"urgent": 100, "routine": 50, "bulk": 10}


def test_cfn_lint_has_nothing_to_say_once_loops_are_expanded(tmp_path: Path) -> None:
    expanded = tmp_path / "template.json"
    expansion.main(TEMPLATE, expanded)
    lint = [str(Path(sys.executable).with_name("cfn-lint")), str(expanded)]
    answer = subprocess.run(lint, capture_output=True, text=True, check=False)
    assert answer.stdout + answer.stderr == ""
    assert answer.returncode == 0


def test_the_transformed_template_has_no_circle() -> None:
    resources = deployed()
    graph = {
        name: (refers_to(r) | _depends_on(r)) & resources.keys() for name, r in resources.items()
    }
    # Edges that a circle would go through are seen: the machine needs its functions.
    assert {"PlanRunFunction", "SubmitJobFunction"} <= graph["AnalyseSampleStateMachine"]
    assert "UploadsQueue" in graph["RegisterUploadFunctionUploads"]
    assert set(TopologicalSorter(graph).static_order()) == resources.keys()


def _depends_on(resource: dict[str, Any]) -> set[str]:
    needs = resource.get("DependsOn", [])
    return {needs} if isinstance(needs, str) else set(needs)


def test_every_function_has_one_name_in_its_folder_its_resource_and_its_logs() -> None:
    folders = {path.parent.name for path in (PROJECT / "functions").glob("*/handler.py")}
    assert {name: f["CodeUri"] for name, f in functions().items()} == {
        "".join(word.title() for word in folder.split("_")) + "Function": f"functions/{folder}/"
        for folder in folders
    }
    for function in functions().values():
        service = function["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
        assert function["CodeUri"] == f"functions/{service}/"
        assert function["Description"]


@pytest.mark.parametrize("name", functions())
def test_a_function_gets_exactly_the_settings_that_it_reads(name: str) -> None:
    shared = source()["Globals"]["Function"]["Environment"]["Variables"]
    given = shared | functions()[name]["Environment"]["Variables"]
    handler = (PROJECT / functions()[name]["CodeUri"] / "handler.py").read_text("utf-8")
    (kind,) = re.findall(r"^flows = compose\((\w+)\)$", handler, re.MULTILINE)
    fields = {field.upper() for field in getattr(settings, kind).__struct_fields__}
    named = {name for name in given if not name.startswith("POWERTOOLS_")}
    assert named - FOR_WHAT_CLAIMS == fields - FOR_WHAT_CLAIMS
    assert named >= FOR_WHAT_CLAIMS


@pytest.mark.parametrize("name", functions())
def test_the_longest_images_leave_room_in_a_function_s_variables(name: str) -> None:
    """Lambda takes 4 KB of them in all, names and values."""
    parameters = source()["Parameters"]
    shared = source()["Globals"]["Function"]["Environment"]["Variables"]
    variables = shared | functions()[name]["Environment"]["Variables"]
    images = variables.pop("IMAGES")
    named = re.findall(r"\$\{(\w+)\}", json.dumps(images))
    assert len(named) == 16
    longest = sum(
        int(parameters[one].get("MaxLength", len("ami-0123456789abcdef0"))) for one in named
    )
    definitions = 11 * len(f"{'i' * 30}=12345.12345.12345,")
    others = sum(len(key) + _longest(key, value) for key, value in variables.items())
    assert longest + definitions + others + len("fpga-genome=fpga-exome=cpu=,|||||host") < 4096


def _longest(name: str, value: Any) -> int:
    """How long a variable may be: a text, a number, an ARN or URL, the name of a bucket."""
    if isinstance(value, str):
        return len(value)
    if name.endswith(("SECONDS", "GIB")):
        return 8
    return 130 if name.endswith(("ARN", "URL", "TYPES")) else 63


def test_what_claims_runs_is_updated_after_what_reads_their_blueprints() -> None:
    """Else a run that is claimed while a deployment goes on would meet the release before."""
    register = source()["Resources"]["RegisterUploadFunction"]
    assert {"PlanRunFunction", "FinishRunFunction"} <= set(register["DependsOn"])


@pytest.mark.parametrize("name", sorted(BUCKETS.keys() - {"AuditBucket"}))
def test_every_bucket_of_the_way_of_a_sample_tells_what_comes(name: str) -> None:
    notifications = BUCKETS[name]["NotificationConfiguration"]
    assert notifications == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}


@pytest.mark.parametrize("name", [*BUCKETS, *of_type("AWS::DynamoDB::Table")])
def test_what_holds_data_outlives_its_stack_but_not_a_first_try_that_fails(name: str) -> None:
    resource = source()["Resources"][name]
    assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
    assert resource["UpdateReplacePolicy"] == "Retain"


def test_the_catalog_is_encrypted_and_can_be_set_back_in_time() -> None:
    (table,) = of_type("AWS::DynamoDB::Table").values()
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


INDEXES = {
    "by_status": {
        "sample", "assay", "project", "priority", "status", "why", "generation",
        "current_run", "active_run", "released_run", "created", "updated",
    },
    "by_reference": {"sample", "assay", "part", "run"},
    "by_due": set(),
}  # fmt: skip
"""Indexes of the catalog in the order in which they came, and what each holds beside keys."""


def test_indexes_keep_their_projections_and_none_but_the_last_is_new() -> None:
    """DynamoDB adds one index an update, and changes no projection of one that is there."""
    (table,) = of_type("AWS::DynamoDB::Table").values()
    found = {}
    for index in table["GlobalSecondaryIndexes"]:
        name = index["IndexName"]
        keys = [(k["AttributeName"], k["KeyType"]) for k in index["KeySchema"]]
        assert keys == [(f"{name}_pk", "HASH"), (f"{name}_sk", "RANGE")]
        found[name] = set(index["Projection"].get("NonKeyAttributes", []))
    assert list(found.items()) == list(INDEXES.items())


def _sources() -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Functions that read a queue, by the queue: the function and its event."""
    found = {}
    for function in functions().values():
        for event in function.get("Events", {}).values():
            if event["Type"] == "SQS":
                found[target_of(event["Properties"]["Queue"])] = (function, event["Properties"])
    return found


def test_every_queue_is_read_by_a_function_or_keeps_dead_letters() -> None:
    dead = {
        target_of(q["RedrivePolicy"]["deadLetterTargetArn"])
        for q in QUEUES.values()
        if "RedrivePolicy" in q
    }
    undelivered = {
        target_of(t["DeadLetterConfig"]["Arn"]) for r in RULES.values() for t in r["Targets"]
    }
    kept = dead | undelivered | {"AuditDeadLetters"}
    assert set(_sources()) | kept == set(QUEUES)
    assert not set(_sources()) & kept
    for name in kept:
        assert QUEUES[name]["MessageRetentionPeriod"] == 14 * 24 * 3_600


def test_dead_letters_are_taken_from_their_own_queue_alone() -> None:
    for name in _sources():
        dead = QUEUES[target_of(QUEUES[name]["RedrivePolicy"]["deadLetterTargetArn"])]
        allowed = dead["RedriveAllowPolicy"]
        assert allowed["redrivePermission"] == "byQueue"
        (source_arn,) = allowed["sourceQueueArns"]
        own_name = QUEUES[name]["QueueName"]["Fn::Sub"]
        assert source_arn["Fn::Sub"].endswith(f":{own_name}")
    for name in ("UndeliveredEvents", "AuditDeadLetters"):
        assert QUEUES[name]["RedriveAllowPolicy"] == {"redrivePermission": "denyAll"}


@pytest.mark.parametrize("name", QUEUES)
def test_every_queue_is_encrypted(name: str) -> None:
    assert QUEUES[name]["SqsManagedSseEnabled"] is True


@pytest.mark.parametrize("name", _sources())
def test_a_queue_gives_its_function_time_and_failed_messages_another_try(name: str) -> None:
    function, event = _sources()[name]
    queue = QUEUES[name]
    window = event.get("MaximumBatchingWindowInSeconds", 0)
    assert queue["VisibilityTimeout"] >= 6 * timeout_of(function) + window
    assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize("name", _sources())
def test_a_queue_outlasts_an_hour_of_throttles_and_no_more_of_a_bad_message(name: str) -> None:
    """A throttled batch is tried until its visibility timeout is over: that is one receive."""
    queue = QUEUES[name]
    seconds = queue["VisibilityTimeout"] * queue["RedrivePolicy"]["maxReceiveCount"]
    # Until the end of a stopped run is read, its jobs go on, and cost: that waits for longer.
    hours = 5 if name == "ExecutionEndsQueue" else 1
    assert hours * 3_600 <= seconds <= 2 * hours * 3_600


def test_among_ten_executions_the_queues_leave_room_for_the_state_machine() -> None:
    at_once = source()["Parameters"]["EventConcurrency"]
    assert (at_once["MinValue"], at_once["MaxValue"]) == (2, 1_000), "what SQS takes"
    for _, event in _sources().values():
        assert event["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "EventConcurrency"}}
    assert len(_sources()) * at_once["Default"] <= 6


def test_the_audit_trails_stream_gathers_before_it_takes_an_execution() -> None:
    changes = functions()["CopyAuditFunction"]["Events"]["Changes"]["Properties"]
    assert changes["MaximumBatchingWindowInSeconds"] >= 5
    assert changes.get("ParallelizationFactor", 1) == 1


@pytest.mark.parametrize("name", RULES)
def test_what_a_rule_can_not_deliver_is_kept(name: str) -> None:
    for target in RULES[name]["Targets"]:
        assert target_of(target["Arn"]) in _sources()
        assert target_of(target["DeadLetterConfig"]["Arn"]) in QUEUES
        assert target["RetryPolicy"] == {
            "MaximumEventAgeInSeconds": 86_400,
            "MaximumRetryAttempts": 185,
        }


def test_events_may_reach_every_queue_that_a_rule_names() -> None:
    targets = [t for rule in RULES.values() for t in rule["Targets"]]
    named = {target_of(t["Arn"]) for t in targets}
    named |= {target_of(t["DeadLetterConfig"]["Arn"]) for t in targets}
    policy = of_type("AWS::SQS::QueuePolicy")["EventsMayReachQueues"]
    assert refers_to(policy["Queues"]) == named
    (allowed,) = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    assert allowed["Condition"].keys() == {"StringEquals", "ArnLike"}


def test_every_output_is_described() -> None:
    assert all(output["Description"] for output in source()["Outputs"].values())


def test_there_is_a_queue_for_each_kind_and_priority() -> None:
    found = {
        q["JobQueueName"]["Fn::Sub"].removeprefix("${AWS::StackName}-"): (
            q["Priority"],
            target_of(q["ComputeEnvironmentOrder"][0]["ComputeEnvironment"]),
        )
        for q in JOB_QUEUES.values()
    }
    assert found == {
        f"{kind}-{priority}": (number, f"{word}ComputeEnvironment")
        for kind, word in KINDS.items()
        for priority, number in PRIORITIES.items()
    } | {f"cpu-{ON_DEMAND}": (PRIORITIES["routine"], "CpuOnDemandComputeEnvironment")}


def test_every_kind_of_queue_has_a_price_and_an_image() -> None:
    from seqdrop.library import Library

    assert set(Library(str(PROJECT / "pipelines")).prices().queues) == set(KINDS)
    chosen = {"EnableFpga": "true", "NextflowImage": "lab/nextflow@sha256:1"}
    for parameters, kinds in ((chosen, set(KINDS)), ({}, {"cpu"})):
        function = made(**parameters)["RegisterUploadFunction"]["Properties"]
        images = json.dumps(function["Environment"]["Variables"]["IMAGES"])
        assert set(re.findall(r"([a-z-]+)=", images)) == kinds


def test_the_price_of_a_vcpu_is_that_of_a_type_that_batch_may_choose() -> None:
    from seqdrop.library import Library

    price = Library(str(PROJECT / "pipelines")).prices().queues["cpu"]
    types = source()["Parameters"]["CpuInstanceTypes"]["Default"].split(",")
    said = re.fullmatch(r"(\S+) on demand, ([0-9.]+) USD for 16 vCPUs", price.source)
    assert said is not None
    assert said[1] in types
    assert price.usd_per_hour == pytest.approx(float(said[2]) / price.host_vcpus, abs=1e-4)


@pytest.mark.parametrize("name", JOB_DEFINITIONS)
def test_batch_itself_tries_a_job_again_only_where_its_host_is_gone(name: str) -> None:
    definition = JOB_DEFINITIONS[name]
    assert definition["RetryStrategy"]["Attempts"] == BATCH_ATTEMPTS
    lost, reclaimed, *rules = definition["RetryStrategy"]["EvaluateOnExit"]
    assert lost == {"Action": "RETRY", "OnStatusReason": "Host EC2*"}
    code = EXIT_CODES[FailureClass.SPOT_RECLAIMED]
    assert reclaimed == {"Action": "RETRY", "OnExitCode": str(code)}
    # What matches nothing is tried again, so that the last rules match everything else.
    assert rules == [
        {"Action": "EXIT", "OnReason": "*"}, {"Action": "EXIT", "OnStatusReason": "*"},
    ]  # fmt: skip
    assert definition["Parameters"].keys() == {"plan", "stage", "catalog"}


def test_definitions_are_named_as_the_functions_look_for_them() -> None:
    given = {f"Image{number}": f"i{number}=image" for number in range(1, 9)}
    others = {"EnableFpga": "true", "NextflowImage": "lab/nextflow@sha256:1"}
    found = made_of_type("AWS::Batch::JobDefinition", **others, **given)
    names = {name: json.dumps(one["JobDefinitionName"]) for name, one in found.items()}
    heads = names.pop("NextflowJobDefinition")
    assert "${AWS::StackName}-nextflow" in heads, "all its jobs reach the same"
    for reach in get_args(Reach):
        for kind, word in KINDS.items() - {("nextflow", "Nextflow")}:
            name = definition_name("${AWS::StackName}", kind, reach)
            assert name in names.pop(f"{word}{reach.title()}JobDefinition")
        for slot in given:
            assert json.loads(names.pop(f"{slot}{reach.title()}JobDefinition")) == {
                "Fn::Sub": [
                    definition_name("${AWS::StackName}", "${Name}", reach),
                    {"Name": {"Fn::Select": [0, {"Fn::Split": ["=", {"Ref": slot}]}]}},
                ]
            }
    assert names == {}


def test_every_wildcard_in_a_policy_is_explained() -> None:
    lines = TEMPLATE.read_text("utf-8").splitlines()
    wild = [line for line in lines if re.search(r'Resource: "\*"', line)]
    assert wild
    assert [line for line in wild if "#" not in line] == []
