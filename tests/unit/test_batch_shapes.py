"""Both shapes of a Batch job: read from AWS's answers and events, asked for as defined."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import msgspec
import pytest
from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.stub import Stubber

from seqdrop.aws.batch import FPGA_CONTAINER, Batch, JobRequest, container_name
from seqdrop.aws.batch_detail import read_state
from seqdrop.aws.events import read_job_event
from seqdrop.domain.errors import Transient
from seqdrop.domain.failure import FailureClass
from seqdrop.domain.job_end import classify
from seqdrop.domain.records import JobState
from seqdrop.library import Library
from tests.infrastructure.stack import PROJECT, of_type

FIXTURES = sorted((PROJECT / "tests/fixtures/batch").glob("*.json"))
DEFINITIONS = of_type("AWS::Batch::JobDefinition")
F2_VCPUS, F2_MEMORY_MIB = 24, 256 * 1024  # f2.6xlarge: one FPGA
PYTHON_TYPES = {
    "string": str, "integer": int, "long": int, "boolean": bool, "float": float,
}  # fmt: skip


def detail_of(path: Path) -> dict[str, Any]:
    """The JobDetail in a fixture."""
    fixture = json.loads(path.read_text("utf-8"))
    detail: dict[str, Any] = fixture["detail"] if "detail" in fixture else fixture["jobs"][0]
    return detail


def state_of(name: str) -> JobState:
    """What the package reads from a fixture, through the reader that meets it in the cloud."""
    path = next(each for each in FIXTURES if each.name.startswith(f"{name}."))
    if ".event." in path.name:
        return read_job_event(path.read_text("utf-8"))
    return read_state(detail_of(path))


def strangers(value: Any, shape: Shape, where: str) -> Iterator[str]:
    """Members and types that botocore's model of the service does not have."""
    if isinstance(shape, StructureShape):
        for name, member in value.items():
            if name not in shape.members:
                yield f"{where}.{name}"
            else:
                yield from strangers(member, shape.members[name], f"{where}.{name}")
    elif isinstance(shape, ListShape):
        for member in value:
            yield from strangers(member, shape.member, where)
    elif isinstance(shape, MapShape):
        for name, member in value.items():
            yield from strangers(member, shape.value, f"{where}.{name}")
    elif type(value) is not PYTHON_TYPES[shape.type_name]:
        yield f"{where}: {value!r}"


def seconds(state: JobState) -> tuple[float, ...]:
    """How long each attempt ran."""
    return tuple(attempt.seconds for attempt in state.attempts)


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.name)
def test_a_fixture_has_only_what_the_services_own_model_has(path: Path) -> None:
    model = botocore.session.get_session().get_service_model("batch")
    detail = detail_of(path)
    assert list(strangers(detail, model.shape_for("JobDetail"), "job")) == []
    assert ("container" in detail) is path.name.startswith("container_")
    assert ("ecsProperties" in detail) is path.name.startswith("ecs_")


def test_an_ecs_job_tells_its_end_its_log_and_both_its_attempts() -> None:
    state = state_of("ecs_succeeded")
    assert (state.status, state.exit_code) == ("SUCCEEDED", 0)
    assert state.reason == "Essential container in task exited"
    assert state.log_stream == "seqdrop-fpga-genome/dragen/22222222a6611972e03e"
    assert seconds(state) == (60.5, 2100.206)
    first, last = state.attempts
    assert (first.exit_code, last.exit_code) == (None, 0)
    assert (first.ended, last.started) == ("2025-10-17T13:23:10.500Z", state.started)
    assert last.log_stream == state.log_stream
    assert last.host == state.host != first.host
    assert state.started == "2025-10-17T13:23:50.919Z"
    assert state.parameters["stage"] == "dragen"


def test_an_ecs_job_that_waits_or_runs_has_no_end() -> None:
    waits, runs = state_of("ecs_runnable"), state_of("ecs_running")
    assert (waits.status, waits.log_stream, waits.started) == ("RUNNABLE", "", "")
    assert (runs.status, runs.log_stream) == (
        "RUNNING", "seqdrop-fpga-genome/dragen/11111111a6611972e03e",
    )  # fmt: skip
    assert waits.exit_code is None
    assert runs.exit_code is None
    assert runs.ended == ""


def test_of_several_containers_the_essential_one_that_failed_by_itself_decides() -> None:
    state = state_of("ecs_failed")
    assert state.exit_code == 30, "not the router's 1, nor the meter's 137: it was ended with it"
    assert state.log_stream.startswith("seqdrop-fpga-genome/dragen/")
    assert classify(state) is FailureClass.HOST_FAILED


def test_an_essential_container_that_was_killed_for_its_memory_decides() -> None:
    detail = detail_of(next(path for path in FIXTURES if path.name.startswith("ecs_failed.")))
    meter = detail["ecsProperties"]["taskProperties"][0]["containers"][1]
    dragen = detail["ecsProperties"]["taskProperties"][0]["containers"][2]
    meter["reason"] = "OutOfMemoryError: Container killed due to memory usage"
    dragen["exitCode"] = 143
    state = read_state(detail)
    assert state.exit_code == 137
    assert state.reason.endswith("OutOfMemoryError: Container killed due to memory usage")


def test_a_task_that_never_started_has_a_reason_and_no_exit_code() -> None:
    state = state_of("ecs_not_started")
    assert state.exit_code is None
    assert state.reason.startswith("Task failed to start; CannotPullContainerError: ")
    assert seconds(state) == (0.0,)


def test_what_only_an_attempt_tells_is_read_there() -> None:
    detail = detail_of(next(path for path in FIXTURES if path.name.startswith("ecs_failed.")))
    for container in detail["ecsProperties"]["taskProperties"][0]["containers"]:
        for name in ("exitCode", "logStreamName"):
            del container[name]
    assert read_state(detail) == msgspec.structs.replace(state_of("ecs_failed"), told="")


def test_a_job_of_one_nameless_container_is_read_as_before() -> None:
    failed, succeeded = state_of("container_failed"), state_of("container_succeeded")
    assert (failed.status, failed.exit_code) == ("FAILED", 137)
    assert failed.reason == (
        "Essential container in task exited; OutOfMemoryError: Container killed due to memory usage"
    )
    assert len(failed.attempts) == 2
    assert failed.log_stream == "seqdrop-cpu/default/22222222a6611972e03e"
    assert (succeeded.exit_code, seconds(succeeded)) == (0, (300.206,))


@pytest.mark.parametrize("kind", ["cpu", "fpga-genome", "fpga-exome"])
def test_a_job_is_asked_for_in_its_definitions_shape(kind: str) -> None:
    client: Any = botocore.session.get_session().create_client("batch", region_name="us-east-1")
    size = [{"type": "VCPU", "value": "22"}, {"type": "MEMORY", "value": "240000"}]
    overrides: dict[str, Any] = {"containerOverrides": {"resourceRequirements": size}}
    if kind != "cpu":
        container = {"name": "dragen", "resourceRequirements": size}
        overrides = {"ecsPropertiesOverride": {"taskProperties": [{"containers": [container]}]}}
    expected = {
        "jobName": "n", "jobQueue": "q", "jobDefinition": "d", "parameters": {"stage": "s"},
        "timeout": {"attemptDurationSeconds": 60}, "tags": {}, "propagateTags": True, **overrides,
    }  # fmt: skip
    with Stubber(client) as stub:
        stub.add_response("submit_job", {"jobName": "n", "jobId": "7"}, expected)
        request = JobRequest("n", kind, "q", "d", {"stage": "s"}, 22, 240_000, 60, {})
        assert Batch(client).submit(request) == "7"


def test_whether_a_queue_has_jobs_is_read_and_who_asks_too_often_is_told_so() -> None:
    client: Any = botocore.session.get_session().create_client("batch", region_name="us-east-1")
    asked = {"jobQueue": "q", "jobStatus": "RUNNING"}
    none: list[Any] = []
    with Stubber(client) as stub:
        stub.add_response("list_jobs", {"jobSummaryList": none}, asked)
        assert not Batch(client).has("q", "RUNNING")
        stub.add_response("list_jobs", {"jobSummaryList": none, "nextToken": "more"}, asked)
        some = {"jobSummaryList": [{"jobId": "7", "jobName": "n"}]}
        stub.add_response("list_jobs", some, {**asked, "nextToken": "more"})
        assert Batch(client).has("q", "RUNNING")
        stub.add_client_error("list_jobs", "TooManyRequestsException")
        with pytest.raises(Transient, match="ListJobs of q"):
            Batch(client).has("q", "RUNNING")
        stub.add_client_error("list_jobs", "AccessDeniedException")
        with pytest.raises(ClientError):
            Batch(client).has("q", "RUNNING")


@pytest.mark.parametrize("name", DEFINITIONS)
def test_the_templates_definitions_have_the_shape_that_jobs_are_asked_for_in(name: str) -> None:
    definition = DEFINITIONS[name]
    kind = json.dumps(definition["JobDefinitionName"]).partition("${AWS::StackName}-")[2]
    if container_name(kind):
        (task,) = definition["EcsProperties"]["TaskProperties"]
        assert [each["Name"] for each in task["Containers"]] == [FPGA_CONTAINER]
        assert task["PidMode"] == "host"
        assert "ContainerProperties" not in definition
    else:
        assert "Name" not in definition["ContainerProperties"]
        assert "EcsProperties" not in definition


def fpga_sizes() -> Iterator[tuple[str, int, int]]:
    """Name, vCPUs and memory (MiB) of every stage on an FPGA queue."""
    library = Library(str(PROJECT / "pipelines"))
    pipelines = [library.pipeline(name) for name in library.pipeline_names()]
    for pipeline in [*pipelines, library.reference_indexes()]:
        for name, stage in pipeline.stages.items():
            if container_name(stage.queue):
                yield f"{pipeline.name}/{name}", stage.size.vcpus_of(0), stage.size.memory_mib.of(0)


@pytest.mark.parametrize(("name", "vcpus", "memory_mib"), [*fpga_sizes()])
def test_a_job_has_an_fpga_for_itself_by_its_size(name: str, vcpus: int, memory_mib: int) -> None:
    assert vcpus > F2_VCPUS / 2, "two such jobs would share the board"
    assert vcpus < F2_VCPUS
    # The host's agent and system keep a few per cent; a job of the very size is never placed.
    assert F2_MEMORY_MIB / 2 < memory_mib <= math.floor(F2_MEMORY_MIB * 0.95)
