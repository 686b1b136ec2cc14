"""Jobs that end before, or beside, their program: what is said of them, and who tries again."""

from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.batch.retry import AttemptEnd, RetryStrategy
from seqdrop.aws.batch_detail import read_state
from seqdrop.domain.failure import EXIT_CODES, FailureClass, StageFailure
from seqdrop.domain.job_end import classify
from seqdrop.domain.plan import encode
from tests.infrastructure.stack import of_type
from tests.run_support import Bench

NOT_STARTED, ENDED = "Task failed to start", "Essential container in task exited"
PULL = "CannotPullContainerError: "
IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/x:1"
DEFINITIONS = of_type("AWS::Batch::JobDefinition")


class End(NamedTuple):
    """How an attempt ends, and its class."""

    status_reason: str
    reason: str
    exit_code: int | None
    failure: str


REPORTED = [  # texts from issues of nextflow, of other pipelines, and of the ECS agent
    End(NOT_STARTED, f"{PULL}pull image manifest has been retried 7 time(s): toomanyrequests: "
        "Rate exceeded", None, "NeverStarted"),
    End(NOT_STARTED, f"{PULL}failed to register layer: write /usr/lib/x.so: no space left on "
        "device", None, "NeverStarted"),
    End(NOT_STARTED, "DockerTimeoutError: Could not transition to created; timed out after "
        "waiting 4m0s", None, "NeverStarted"),
    End(NOT_STARTED, "CgroupError: Agent could not create task's platform resources",
        None, "NeverStarted"),
    End(NOT_STARTED, "ResourceInitializationError: unable to pull secrets or registry auth: i/o "
        "timeout", None, "NeverStarted"),
    End(NOT_STARTED, f"{PULL}manifest for {IMAGE} not found", None, "ImageMissing"),
    End(NOT_STARTED, "CannotInspectContainerError: Could not transition to inspecting; timed out "
        "after waiting 30s", None, "NeverStarted"),
    End(ENDED,
        "OutOfMemoryError: Container killed due to memory usage", 137, "OutOfMemory"),
    End("Host EC2 (instance i-00000000000000000) terminated.", "", None, "SpotReclaimed"),
    End(ENDED, "", EXIT_CODES[FailureClass.SPOT_RECLAIMED], "SpotReclaimed"),
]  # fmt: skip
RECLAIMED = REPORTED[-1]
numbered = pytest.mark.parametrize("end", REPORTED, ids=range(1, 11))

TEXTS = [  # of the same and other issues, in the very words
    ("CgroupError: Agent could not create task's platform resources", "NeverStarted"),
    ("CannotInspectContainerError: Could not transition to inspecting; timed out after waiting 30s",
     "NeverStarted"),
    ("DockerTimeoutError: Could not transition to created; timed out after waiting 4m0s",
     "NeverStarted"),
    (f"{PULL}context canceled", "NeverStarted"),
    (f"{PULL}write /var/lib/docker/tmp/GetImageBlob887491687: no space left on device",
     "NeverStarted"),
    ("CannotPullECRContainerError: ThrottlingException: Rate exceeded\n\tstatus code: 400, request "
     "id: 75567eb3-6abb-11e6-9d4c-cb4ccd1cee97", "NeverStarted"),
    ("Fetching secret data from AWS Secrets Manager in region us-east-1: secret "
     "arn:aws:secretsmanager:us-east-1:111122223333:secret:licence-1aBCDe: RequestError: send "
     "request failed caused by: Post https://secretsmanager.us-east-1.amazonaws.com/: dial tcp: "
     "lookup secretsmanager.us-east-1.amazonaws.com on 10.7.166.253:53: no such host",
     "NeverStarted"),
    ("Fetching secret data from AWS Secrets Manager in region us-east-1: secret "
     "arn:aws:secretsmanager:us-east-1:111122223333:secret:licence-1aBCDe: AccessDeniedException: "
     "User: arn:aws:sts::111122223333:assumed-role/execution is not authorized", "BadPlan"),
    ("CannotStartContainerError: Error response from daemon: failed to initialize logging driver: "
     "failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group "
     "does not exist.", "BadPlan"),
    ("a text that nobody has seen", "NeverStarted"),
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
        ("token", f"{end.failure}: align: {job.message}")
    }


@shaped
@pytest.mark.parametrize(("text", "failure"), TEXTS)
def test_a_text_is_of_one_class_wherever_batch_puts_it(
    shape: tuple[str, str], text: str, failure: str
) -> None:
    status_reason, reason = (part.format(text) for part in shape)
    detail = {
        "jobId": "1", "status": "FAILED", "statusReason": status_reason, "attempts": [{}],
        "container": {"reason": reason} if reason else {},
    }  # fmt: skip
    state = read_state(detail)
    assert classify(state) == failure
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
def test_batch_itself_tries_again_only_where_the_host_is_gone(definition: str, end: End) -> None:
    again = tried_again(definition, end.exit_code, end.status_reason, end.reason)
    assert again is (end.failure == "SpotReclaimed")


@given(
    st.sampled_from(sorted(DEFINITIONS)), st.none() | st.integers(0, 255), st.text(max_size=80),
    st.text(max_size=80),
)  # fmt: skip
def test_no_other_end_is_tried_again_unseen(
    definition: str, exit_code: int | None, status_reason: str, reason: str
) -> None:
    if not status_reason.startswith("Host EC2") and exit_code != RECLAIMED.exit_code:
        assert not tried_again(definition, exit_code, status_reason, reason)


@every_definition
@pytest.mark.parametrize("exit_code", [None, 10, 137, 143])
def test_a_host_that_is_taken_away_costs_an_attempt_whatever_its_containers_said(
    definition: str, exit_code: int | None
) -> None:
    assert tried_again(definition, exit_code, REPORTED[8].status_reason, "")


def test_out_of_memory_names_what_the_stage_asks_for(submitted: Bench) -> None:
    submitted.cloud.deliver("record_job_event", event_of(submitted, REPORTED[7]))
    assert submitted.job.message == (
        "out of memory: its stage asks for 100 MiB (Essential container in "
        "task exited; OutOfMemoryError: Container killed due to memory usage, exit code 137)"
    )


def test_a_tool_that_was_killed_for_its_memory_under_a_live_runner_is_told_so(
    submitted: Bench,
) -> None:
    words = StageFailure(FailureClass.TOOL_FAILED, "bwa was killed by signal 9 (Killed)")
    submitted.put(f"{submitted.folder}align.failure.json", encode(words))
    submitted.cloud.deliver(
        "record_job_event", event_of(submitted, REPORTED[7]._replace(exit_code=20))
    )
    assert submitted.job.failure_class == "OutOfMemory"
    assert submitted.job.message.startswith("out of memory: its stage asks for 100 MiB")
    assert submitted.job.message.endswith("; bwa was killed by signal 9 (Killed)")


def test_a_wrong_file_stays_the_files_fault_whatever_else_was_killed(submitted: Bench) -> None:
    words = StageFailure(FailureClass.BAD_INPUT, "R2 is short")
    submitted.put(f"{submitted.folder}align.failure.json", encode(words))
    submitted.cloud.deliver(
        "record_job_event", event_of(submitted, REPORTED[7]._replace(exit_code=10))
    )
    assert (submitted.job.failure_class, submitted.job.message) == ("BadInput", "R2 is short")
