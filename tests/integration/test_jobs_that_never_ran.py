"""Jobs that end before, or beside, their program: what is said of them, and who tries again."""

from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.batch.retry import AttemptEnd, RetryStrategy
from seqdrop.aws.batch_detail import read_state
from seqdrop.domain.failure import StageFailure, classify
from seqdrop.domain.plan import encode
from tests.infrastructure.stack import of_type
from tests.run_support import Bench

NOT_STARTED, ENDED = "Task failed to start", "Essential container in task exited"
PULL = "CannotPullContainerError: "
IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/x:1"
DEFINITIONS = of_type("AWS::Batch::JobDefinition")


class End(NamedTuple):
    """How an attempt ends, and what is right."""

    status_reason: str
    reason: str
    exit_code: int | None
    failure: str
    again: bool


REPORTED = [  # texts from issues of nextflow, of other pipelines, and of the ECS agent
    End(NOT_STARTED, f"{PULL}pull image manifest has been retried 7 time(s): toomanyrequests: "
        "Rate exceeded", None, "host", True),
    End(NOT_STARTED, f"{PULL}failed to register layer: write /usr/lib/x.so: no space left on "
        "device", None, "host", True),
    End(NOT_STARTED, "DockerTimeoutError: Could not transition to created; timed out after "
        "waiting 4m0s", None, "host", True),
    End(NOT_STARTED, "CgroupError: Agent could not create task's platform resources",
        None, "host", True),
    End(NOT_STARTED, "ResourceInitializationError: unable to pull secrets or registry auth: i/o "
        "timeout", None, "host", True),
    End(NOT_STARTED, f"{PULL}manifest for {IMAGE} not found", None, "plan", False),
    End(NOT_STARTED, "CannotInspectContainerError: Could not transition to inspecting; timed out "
        "after waiting 30s", None, "host", True),
    End(ENDED,
        "OutOfMemoryError: Container killed due to memory usage", 137, "lost", False),
    End("Host EC2 (instance i-00000000000000000) terminated.", "", None, "lost", True),
]  # fmt: skip
numbered = pytest.mark.parametrize("end", REPORTED, ids=range(1, 10))

TEXTS = [  # of the same and other issues, in the very words
    ("CgroupError: Agent could not create task's platform resources", "host"),
    ("CannotInspectContainerError: Could not transition to inspecting; timed out after waiting 30s",
     "host"),
    ("DockerTimeoutError: Could not transition to created; timed out after waiting 4m0s", "host"),
    (f"{PULL}context canceled", "host"),
    (f"{PULL}write /var/lib/docker/tmp/GetImageBlob887491687: no space left on device", "host"),
    ("CannotPullECRContainerError: ThrottlingException: Rate exceeded\n\tstatus code: 400, request "
     "id: 75567eb3-6abb-11e6-9d4c-cb4ccd1cee97", "host"),
    ("Fetching secret data from AWS Secrets Manager in region us-east-1: secret "
     "arn:aws:secretsmanager:us-east-1:111122223333:secret:licence-1aBCDe: RequestError: send "
     "request failed caused by: Post https://secretsmanager.us-east-1.amazonaws.com/: dial tcp: "
     "lookup secretsmanager.us-east-1.amazonaws.com on 10.7.166.253:53: no such host", "host"),
    ("Fetching secret data from AWS Secrets Manager in region us-east-1: secret "
     "arn:aws:secretsmanager:us-east-1:111122223333:secret:licence-1aBCDe: AccessDeniedException: "
     "User: arn:aws:sts::111122223333:assumed-role/execution is not authorized", "plan"),
    ("CannotStartContainerError: Error response from daemon: failed to initialize logging driver: "
     "failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group "
     "does not exist.", "plan"),
    ("a text that nobody has seen", "lost"),
]  # fmt: skip
SHAPES = {  # the status reason and the container's reason
    "in the container": (NOT_STARTED, "{}"),
    "alone": ("{}", ""),
    "after the start": (f"{NOT_STARTED} - {{}}", ""),
    "after the end": (f"{ENDED} - {{}}", ""),
    "in the container after the end": (ENDED, "{}"),
}
shaped = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


def event_of(bench: Bench, end: End) -> dict[str, Any]:
    """Batch's event of a job whose last attempt ended so."""
    ended: dict[str, Any] = {"containerInstanceArn": "arn:host", "taskArn": "arn:task"}
    if end.reason:
        ended["reason"] = end.reason
    if end.exit_code is not None:
        ended["exitCode"] = end.exit_code
    attempt = {"container": ended, "statusReason": end.status_reason, "stoppedAt": 61_000}
    return bench.event(
        "FAILED", attempts=[attempt], container=ended, statusReason=end.status_reason,
        stoppedAt=61_000,
    )  # fmt: skip


@numbered
def test_the_class_and_the_words_of_a_job_are_what_batch_knows(submitted: Bench, end: End) -> None:
    event = event_of(submitted, end)
    assert submitted.cloud.deliver("record_job_event", event, event) == []
    job = submitted.job
    assert job.failure_class == end.failure
    assert (end.reason or end.status_reason) in job.message
    assert set(submitted.cloud.executions.answers) == {
        ("token", f"JobFailed: align: {job.message}")
    }


@shaped
@pytest.mark.parametrize(("text", "failure"), TEXTS)
def test_a_text_is_of_one_class_wherever_batch_puts_it(
    shape: tuple[str, str], text: str, failure: str
) -> None:
    status_reason, reason = (part.format(text) for part in shape)
    detail = {
        "jobId": "1", "status": "FAILED", "statusReason": status_reason,
        "container": {"reason": reason} if reason else {},
    }  # fmt: skip
    state = read_state(detail)
    assert classify(state.exit_code, state.reason).value == failure
    assert text in state.reason


def tried_again(definition: str, exit_code: int | None, status_reason: str, reason: str) -> bool:
    """Whether Batch tries a job again by the template's rules."""
    strategy = DEFINITIONS[definition]["RetryStrategy"]
    rules = [
        {name[0].lower() + name[1:]: value for name, value in rule.items()}
        for rule in strategy["EvaluateOnExit"]
    ]
    asked = {"attempts": strategy["Attempts"], "evaluateOnExit": rules}
    end = AttemptEnd(exit_code, status_reason, reason or None)
    return RetryStrategy.from_request(asked).wants_another(end, 1)


every_definition = pytest.mark.parametrize("definition", DEFINITIONS)


@every_definition
@numbered
def test_batch_tries_again_where_that_may_help(definition: str, end: End) -> None:
    assert tried_again(definition, end.exit_code, end.status_reason, end.reason) is end.again


@every_definition
@shaped
@pytest.mark.parametrize("text", [text for text, _ in TEXTS])
def test_a_container_without_an_exit_code_is_tried_again_wherever_batch_puts_its_text(
    definition: str, shape: tuple[str, str], text: str
) -> None:
    status_reason, reason = (part.format(text) for part in shape)
    assert tried_again(definition, None, status_reason, reason)


@every_definition
@pytest.mark.parametrize("words", ["", "Error response from daemon: "])
def test_an_image_that_is_not_there_is_not_pulled_again(definition: str, words: str) -> None:
    text = f"{PULL}{words}manifest for {IMAGE} not found: manifest unknown"
    assert not tried_again(definition, None, NOT_STARTED, text)


@every_definition
@pytest.mark.parametrize(
    ("exit_code", "again"),
    [
        (10, False), (20, False), (40, False),  # the runner's own verdicts
        (30, True), (31, True),
        (1, False),  # a fault in the runner itself: hours later it would come again
        (127, False),  # no such program in the image
        (137, False),  # killed: most often for its memory
        (139, False), (143, False),
        (255, True),  # none of the runner's own, nor of a signal: the container was lost
    ],
)  # fmt: skip
def test_a_program_that_ended_is_tried_again_by_its_code(
    definition: str, exit_code: int, again: bool
) -> None:
    assert tried_again(definition, exit_code, ENDED, "") is again


@every_definition
@pytest.mark.parametrize("exit_code", [None, 137, 143])
def test_a_host_that_is_taken_away_costs_an_attempt_whatever_its_containers_said(
    definition: str, exit_code: int | None
) -> None:
    assert tried_again(definition, exit_code, REPORTED[8].status_reason, "")


@given(st.sampled_from(sorted(DEFINITIONS)), st.sampled_from([10, 20, 40]), st.text(max_size=80))
def test_no_text_makes_a_verdict_of_the_runner_be_tried_again(
    definition: str, exit_code: int, text: str
) -> None:
    assert not tried_again(definition, exit_code, ENDED, text)


def test_out_of_memory_names_what_the_stage_asks_for(submitted: Bench) -> None:
    submitted.cloud.deliver("record_job_event", event_of(submitted, REPORTED[7]))
    assert submitted.job.message == (
        "out of memory: its stage asks for 100 MiB (Essential container in "
        "task exited; OutOfMemoryError: Container killed due to memory usage, exit code 137)"
    )


def test_a_tool_that_was_killed_for_its_memory_under_a_live_runner_is_told_so(
    submitted: Bench,
) -> None:
    words = msgspec.convert(
        {"failure_class": "tool", "message": "bwa was killed by signal 9 (Killed)"}, StageFailure
    )
    submitted.put(f"{submitted.folder}align.failure.json", encode(words))
    submitted.cloud.deliver(
        "record_job_event", event_of(submitted, REPORTED[7]._replace(exit_code=20))
    )
    assert submitted.job.failure_class == "lost"
    assert submitted.job.message.startswith("out of memory: its stage asks for 100 MiB")
    assert submitted.job.message.endswith("; bwa was killed by signal 9 (Killed)")


def test_a_wrong_file_stays_the_files_fault_whatever_else_was_killed(submitted: Bench) -> None:
    words = msgspec.convert({"failure_class": "input", "message": "R2 is short"}, StageFailure)
    submitted.put(f"{submitted.folder}align.failure.json", encode(words))
    submitted.cloud.deliver(
        "record_job_event", event_of(submitted, REPORTED[7]._replace(exit_code=10))
    )
    assert (submitted.job.failure_class, submitted.job.message) == ("input", "R2 is short")
