"""The failure table: what Batch, ECS, Docker and the runner say, and what is done about it.

Texts are those of AWS's pages, of the ECS agent's source, and of issues that people reported.
"""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.blocked import REMEDIES
from seqdrop.domain.failure import (
    EXIT_CODES,
    RULES,
    Action,
    FailureClass,
    StageFailure,
    read_failure,
)
from seqdrop.domain.hosts import most_memory_mib
from seqdrop.domain.identity import IndexOf, ReferenceId, RunId, StageOf
from seqdrop.domain.job_end import explain, may_be_by_hand
from seqdrop.domain.next_job import action_for, most_attempts, next_job
from seqdrop.domain.plan import encode
from seqdrop.domain.records import Attempt, Job, JobState
from tests.domain_support import job as job_of
from tests.infrastructure.stack import PROJECT

ALIGN = StageOf(RunId("NA1", "wgs", "abc", 1), "align")
ENDED, NOT_STARTED = "Essential container in task exited", "Task failed to start"
LIMIT = "Canceled by JobStateTimeLimit action due to reason: "
IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/seqdrop/cpu:1"
SPOT, ON_DEMAND, FPGA = "lab-cpu-routine", "lab-cpu-ondemand", "lab-fpga-genome-routine"


def end_of(
    reason: str,
    exit_code: int | None = None,
    *,
    queue: str = SPOT,
    attempts: tuple[float, ...] = (60.0,),
    left: StageFailure | None = None,
) -> tuple[FailureClass, str]:
    """Class and message of a job whose attempts ran so many seconds, and that ended so."""
    state = JobState(
        "id", "FAILED", reason, exit_code, created="2026-01-01T00:00:00.000Z",
        attempts=tuple(Attempt(seconds) for seconds in attempts),
    )  # fmt: skip
    return explain(job_of(ALIGN, queue=queue, memory_mib=4_096), state, left)


@pytest.mark.parametrize(
    ("exit_code", "reason", "queue", "expected"),
    [
        (None, "Host EC2 (instance i-0123456789abcdef0) terminated.", SPOT, "SpotReclaimed"),
        (137, "Host EC2 (instance i-0123456789abcdef0) terminated.", SPOT, "SpotReclaimed"),
        # nobody reclaims what is not on Spot
        (None, "Host EC2 (instance i-0123456789abcdef0) terminated.", ON_DEMAND, "HostFailed"),
        (None, "Host EC2 (instance i-0123456789abcdef0) terminated.", FPGA, "HostFailed"),
        (None, "Host EC2 Terminated", SPOT, "SpotReclaimed"),
        (None, "Container instance deregistration forced by user", SPOT, "HostFailed"),
        (143, "ECS is performing maintenance on the underlying infrastructure hosting the task",
         SPOT, "HostFailed"),
        (30, ENDED, SPOT, "HostFailed"),
        (137, ENDED, SPOT, "HostFailed"),
        (143, ENDED, SPOT, "HostFailed"),
        (255, ENDED, SPOT, "HostFailed"),
        (-9, "", SPOT, "HostFailed"),
        (33, ENDED, FPGA, "BadBoard"),
        (34, ENDED, FPGA, "LicenceUnavailable"),
        (35, ENDED, FPGA, "LicenceExhausted"),
        (36, ENDED, SPOT, "OutOfMemory"),
        (137, f"{ENDED}; OutOfMemoryError: container killed due to memory usage", SPOT,
         "OutOfMemory"),
        (137, f"{ENDED}; OutOfMemoryError: Container killed due to memory usage", SPOT,
         "OutOfMemory"),
        (1, f"{ENDED}; OutOfMemoryError: Container killed due to memory usage", SPOT,
         "OutOfMemory"),
        (32, ENDED, SPOT, "DiskFull"),
        (10, ENDED, SPOT, "BadInput"),
        (20, ENDED, SPOT, "ToolFailed"),
        (1, ENDED, SPOT, "ToolFailed"),
        (127, ENDED, SPOT, "ToolFailed"),
        (139, ENDED, SPOT, "ToolFailed"),
        (7, "a text that nobody has seen", SPOT, "ToolFailed"),
        (137, "Job attempt duration exceeded timeout", SPOT, "TimedOut"),
        (None, f"{LIMIT}CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY", SPOT, "StuckInQueue"),
        (None, f"{LIMIT}MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT", SPOT, "StuckInQueue"),
        (None, f"{LIMIT}NEW_KIND:OF_REASON", SPOT, "StuckInQueue"),
        (None, "Cancelled by Seqdrop due to reason: NO_HOST - x", SPOT, "StuckInQueue"),
        (None, "Batch knows this job no more", SPOT, "JobVanished"),
        (None, "CannotInspectContainerError: Could not transition to inspecting", SPOT,
         "JobVanished"),  # it ran, and nobody knows how it ended
        (None, "stopped: another stage of its run failed", SPOT, "Stopped"),
        (143, "stopped: another stage of its run failed; killed", SPOT, "Stopped"),
        (None, "Terminated: by on-call", SPOT, "Stopped"),
        (None, "Moved by Seqdrop to priority urgent", SPOT, "Moved"),
        (143, "it was the wrong sample", SPOT, "Stopped"),
        (255, f"DockerStateError: x; {ENDED}", SPOT, "HostFailed"),
        (None, "Cancelled by user", SPOT, "Stopped"),
        (None, "Canceled by user", SPOT, "Stopped"),
        (31, ENDED, SPOT, "TransferFailed"),
        (40, ENDED, SPOT, "BadPlan"),
    ],
)  # fmt: skip
def test_a_job_that_ran_falls_into_one_class(
    exit_code: int | None, reason: str, queue: str, expected: str
) -> None:
    found, message = end_of(reason, exit_code, queue=queue)
    assert found == expected
    assert message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # of its image
        ("CannotPullContainerError: Error response from daemon: manifest unknown", "ImageMissing"),
        (f"CannotPullContainerError: Error response from daemon: manifest for {IMAGE} not found: "
         "manifest unknown: Requested image not found", "ImageMissing"),
        ("CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to "
         f"resolve ref {IMAGE}: not found", "ImageMissing"),
        ("CannotPullContainerError: Error response from daemon: repository "
         "111122223333.dkr.ecr.us-east-1.amazonaws.com/seqdrop/cpu not found: name unknown: The "
         "repository with name 'seqdrop/cpu' does not exist", "ImageMissing"),
        ("CannotPullContainerError: pull image manifest has been retried 5 time(s): image "
         "Manifest does not contain descriptor matching platform 'linux/amd64'", "ImageMissing"),
        ("CannotPullContainerError: no matching manifest for linux/amd64 in the manifest list "
         "entries", "ImageMissing"),
        ("CannotPullContainerError: Error response from daemon: pull access denied for "
         "my-service, repository does not exist or may require 'docker login'", "ImageMissing"),
        ("CannotPullContainerError: ref pull has been retried 1 time(s): failed to resolve ref "
         f"{IMAGE}: pulling from host failed with status code: 403 Forbidden", "BadPlan"),
        (f"CannotPullECRContainerError: Get https://{IMAGE}: no basic auth credentials", "BadPlan"),
        # of the registry, the network and the host
        ("CannotPullContainerError: inspect image has been retried 5 time(s): httpReaderSeeker: "
         "failed open: unexpected status code Too Many Requests - Server message: You have "
         "reached your pull rate limit", "NeverStarted"),
        ("CannotPullContainerError: dial tcp 52.217.233.242:443: i/o timeout", "NeverStarted"),
        (f"CannotPullContainerError: failed to resolve ref {IMAGE}: failed to do request: Head: "
         "dial tcp 10.0.0.2:443: i/o timeout", "NeverStarted"),
        ("CannotPullContainerError: Error response from daemon: Get https://x/v2/: net/http: "
         "request canceled while waiting for connection", "NeverStarted"),
        ("CannotPullContainerError: context canceled", "NeverStarted"),
        ("CannotPullContainerError: The task cannot pull 'x' from the Amazon ECR repository 'x'. "
         "There is a connection issue between the task and Amazon ECR.", "NeverStarted"),
        ("CannotCreateContainerError: Error response from daemon: mkdir: no space left on device",
         "NeverStarted"),
        ("CannotStartContainerError: Error response from daemon: OCI runtime create failed: "
         "cannot allocate memory", "NeverStarted"),
        # of what the definition names
        ('CannotStartContainerError: Error response from daemon: exec: "seqdrop-runner": '
         "executable file not found in $PATH", "BadPlan"),
        ("ResourceInitializationError: unable to pull secrets or registry auth: unable to "
         "retrieve secret from asm: AccessDeniedException: not authorized to perform", "BadPlan"),
        ("ResourceInitializationError: unable to pull secrets or registry auth: "
         "ResourceNotFoundException: Secrets Manager can't find the specified secret", "BadPlan"),
        ("ResourceInitializationError: failed to validate logger args: There is a connection "
         "issue between the task and Amazon CloudWatch.", "NeverStarted"),
        # with the status of a request, which is 400 for a right and for a throttle alike
        ("CannotPullECRContainerError: AccessDeniedException: User: "
         "arn:aws:sts::1:assumed-role/x is "
         "not authorized to perform: ecr:GetAuthorizationToken on resource: * status code: 400",
         "BadPlan"),
        ("CannotPullECRContainerError: ThrottlingException: Rate exceeded\n\tstatus code: 400, "
         "request id: 75567eb3-6abb-11e6-9d4c-cb4ccd1cee97", "NeverStarted"),
        ("Fetching secret data from AWS Secrets Manager in region us-east-1: operation error "
         "Secrets Manager: GetSecretValue, https response error StatusCode: 400, RequestID: 1, api "
         "error ThrottlingException: Rate exceeded", "NeverStarted"),
        ("CannotPullECRContainerError: operation error ECR: GetAuthorizationToken, https response "
         "error StatusCode: 400, RequestID: 1, api error SomethingElse: new", "NeverStarted"),
        ("CannotPullECRContainerError: RequestError: send request failed caused by: Post "
         '"https://api.ecr.us-west-2.amazonaws.com/": net/http: request canceled while waiting for '
         "connection (Client.Timeout exceeded while awaiting headers)", "NeverStarted"),
        # of an image, as newer agents say it
        ("CannotPullContainerError: The task can't pull the image 'x' from Amazon Elastic "
         "Container "
         "Registry using the task execution role 'y'. To fix this, verify that the execution role "
         "permissions are correct. Status Code: 403. Response: 'not authorized to perform "
         "ecr:BatchGetImage'", "BadPlan"),
        ("CannotPullContainerError: The task can't pull the image. Check whether the image exists. "
         "Response: 'manifest unknown'", "ImageMissing"),
        ("CannotPullContainerError: API error (404): repository x not found", "ImageMissing"),
        ("CannotPullContainerError: The task can’t pull the image. Check whether the image "
         "exists. Error response from daemon: pull access denied for some/nonsense, repository "
         "does not exist or may require 'docker login': denied: requested access to the resource "
         "is denied", "ImageMissing"),
        ("CannotPullContainerError: The task can’t pull the image. Check that the role has the "
         "permissions to pull images from the registry. Error response from daemon: pull access "
         "denied for x, repository does not exist or may require 'docker login': denied: User: "
         "arn:aws:sts::1:assumed-role/MyBrokenRole/xyz is not authorized to perform: "
         "ecr:BatchGetImage on resource: x", "BadPlan"),
        ("CannotPullContainerError: inactivity time exceeded timeout while pulling image",
         "NeverStarted"),
        ("CannotCreateContainerError: API error (500): devmapper: Thin Pool has 4350 free data "
         "blocks which is less than minimum required 4454 free data blocks.", "NeverStarted"),
        ("CannotStartContainerError: Error response from daemon: OCI runtime create failed: "
         "container_linux.go:380: starting container process caused: container init was "
         "OOM-killed (memory limit too low?): unknown", "OutOfMemory"),
        ("DockerTimeoutError: Could not transition to created; timed out after waiting 4m0s",
         "NeverStarted"),
        ("CgroupError: Agent could not create task's platform resources", "NeverStarted"),
        ("VolumeError: Agent could not create task's volume resources", "NeverStarted"),
        ("ResourceInitializationError: resource cannot be initialized for task x: y",
         "NeverStarted"),
        ("CannotPullContainerError: API error (500): Get https://x/v1/_ping: dial tcp: i/o timeout",
         "NeverStarted"),
        ("CannotPullContainerError: ref pull has been retried 5 time(s): failed to copy: "
         "httpReadSeeker: failed open: unexpected status code https://x: 403 Forbidden", "BadPlan"),
        ("CannotPullContainerError: Error response from daemon: Get https://x/v2/: dial "
         "tcp: lookup "
         "x on 10.0.0.2:53: no such host", "NeverStarted"),
        ("CannotPullContainerError: Error response from daemon: received unexpected HTTP "
         "status: 503 "
         "Service Unavailable", "NeverStarted"),
        # of secrets and roles on EC2
        ("Fetching secret data from AWS Secrets Manager in region us-east-1: secret x: "
         "ResourceNotFoundException: Secrets Manager can't find the specified secret.", "BadPlan"),
        ("Fetching secret data from AWS Secrets Manager in region us-east-1: retrieved secret from "
         "Secrets Manager did not contain json key licence", "BadPlan"),
        ("Fetching secret data from AWS Secrets Manager in region us-east-1: secret x: "
         "InvalidRequestException: You can't perform this operation on the secret because it was "
         "marked for deletion.", "BadPlan"),
        ("Fetching secret data from AWS Secrets Manager in region us-east-1: secret x: "
         "RequestError: "
         "send request failed caused by: Post "
         "https://secretsmanager.us-east-1.amazonaws.com/: dial "
         "tcp: lookup secretsmanager.us-east-1.amazonaws.com: no such host", "NeverStarted"),
        ("ECS was unable to assume the role 'arn:aws:iam::111122223333:role/x' that was "
         "provided for "
         "this task", "BadPlan"),
        # of logs, devices and Docker
        ("CannotStartContainerError: Error response from daemon: failed to initialize logging "
         "driver: failed to create Cloudwatch log stream: ResourceNotFoundException: The specified "
         "log group does not exist.", "BadPlan"),
        ("CannotStartContainerError: Error response from daemon: failed to initialize logging "
         "driver: failed to create Cloudwatch log stream: AccessDeniedException: User: x",
         "BadPlan"),
        ("CannotStartContainerError: Error response from daemon: failed to initialize logging "
         "driver: failed to create Cloudwatch log stream: RequestError: send request "
         "failed\ncaused "
         "by: Post https://logs.us-east-2.amazonaws.com/: dial tcp 10.20.10.16:443: i/o timeout",
         "NeverStarted"),
        ("CannotStartContainerError: Error response from daemon: error gathering device "
         "information "
         'while adding custom device "/dev/fpga0": no such file or directory', "NeverStarted"),
        ("ContainerRuntimeTimeoutError: Could not transition to running; timed out after "
         "waiting 1m",
         "NeverStarted"),
        ("CannotStopContainerError: failed sending SIGTERM to container: x", "NeverStarted"),
        ("CannotCreateVolumeError: x", "NeverStarted"),
        ("TaskFailedToStart: InternalError: x", "NeverStarted"),
        ("CannotStartContainerError: failed to get container status: x", "NeverStarted"),
        ("CannotStartContainerError: Error response from daemon: OCI runtime create failed: "
         "container_linux.go:370: container init caused: Running hook #0:: error running "
         "hook: exit "
         "status 1", "NeverStarted"),
        ("HostResourceError: x", "NeverStarted"),
        # of what nobody has seen
        ("CannotPullContainerError: ref pull has been retried 1 time(s): number of layers and "
         "diffIDs don't match: 3 != 15", "NeverStarted"),
        ("CannotStartContainerError: something new", "NeverStarted"),
        ("BoardNotThereError: the moon is in the wrong house", "NeverStarted"),
        ("", "NeverStarted"),
    ],
)  # fmt: skip
def test_a_container_that_never_ran_is_whose_its_text_says(text: str, expected: str) -> None:
    found, message = end_of(f"{NOT_STARTED}; {text}", attempts=(0.0,))
    assert found == expected
    assert text in message, "the text is kept whole"


@given(st.sampled_from([10, 20, 30, 31, 40, 1, 127]), st.text(max_size=60))
def test_a_text_decides_nothing_where_the_program_itself_gave_a_code(code: int, text: str) -> None:
    said = f"{ENDED}; no space left on device {text}"
    if "outofmemory" not in said.lower():
        assert end_of(said, code)[0] is end_of(ENDED, code)[0]


@given(st.none() | st.integers(-64, 255), st.text(max_size=40), st.sampled_from([SPOT, FPGA]))
def test_any_end_of_a_job_has_a_class_and_a_line_that_moves_no_cursor(
    exit_code: int | None, reason: str, queue: str
) -> None:
    found, message = end_of(reason, exit_code, queue=queue)
    assert found in FailureClass
    assert all(c.isprintable() or c in "\n\t" for c in message)


def test_a_text_of_nobody_has_seen_claims_no_more_than_its_code_and_times_do() -> None:
    assert end_of("the moon is in the wrong house", 3)[0] == "ToolFailed"
    assert end_of("the moon is in the wrong house", attempts=(0.0,))[0] == "NeverStarted"
    assert end_of("the moon is in the wrong house")[0] == "JobVanished"


def test_control_characters_are_shown_as_text() -> None:
    _, message = end_of("\x1b[2Jgone\nsecond line", 3)
    assert message == "\\x1b[2Jgone\nsecond line, exit code 3"


# The table itself


def test_every_class_has_a_rule_with_an_action_and_a_next_step() -> None:
    assert list(RULES) == list(FailureClass)
    for failure, rule in RULES.items():
        assert rule.means, failure
        assert rule.do, failure
        assert bool(rule.jobs) is rule.action.tries_again, failure


def test_exit_codes_tell_classes_apart() -> None:
    assert len(set(EXIT_CODES.values())) == len(EXIT_CODES)
    assert not {1, 2, 126, 127} & set(EXIT_CODES.values()), "any program may end so"
    assert max(EXIT_CODES.values()) < 128


def test_names_of_the_release_before_are_still_read() -> None:
    old = ["input", "tool", "host", "transfer", "plan", "timeout", "stopped", "lost"]
    assert [FailureClass(name) for name in old] == [
        "BadInput", "ToolFailed", "HostFailed", "TransferFailed", "BadPlan", "TimedOut",
        "Stopped", "HostFailed",
    ]  # fmt: skip
    assert read_failure(b'{"failure_class": "input", "message": "R2 is short"}') == StageFailure(
        FailureClass.BAD_INPUT, "R2 is short"
    )
    for nothing in (b"", b"[]", b'{"failure_class": "moon", "message": ""}', b"\xff"):
        assert read_failure(nothing) is None


def test_the_page_of_failures_has_each_class_in_a_row_of_its_own() -> None:
    page = (PROJECT / "docs/failures.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| .+ \| .+ \| .+ \|$", page, re.MULTILINE)
    assert rows == list(FailureClass)
    for failure, code in EXIT_CODES.items():
        row = next(line for line in page.splitlines() if line.startswith(f"| `{failure}`"))
        assert str(code) in row, failure


# Whose words count


LEFT = StageFailure(FailureClass.TRANSFER_FAILED, "s3 did not answer", job_id="id", job_attempt=1)


def test_the_runner_s_words_count_for_the_attempt_that_ended_the_job() -> None:
    assert end_of(ENDED, 31, left=LEFT) == ("TransferFailed", "s3 did not answer")
    assert end_of(ENDED, 31, left=read_failure(encode(LEFT)))[1] == "s3 did not answer"


@pytest.mark.parametrize("attempts", [(60.0, 60.0), ()])
def test_the_words_of_another_attempt_or_job_do_not_count(attempts: tuple[float, ...]) -> None:
    assert end_of(f"Host EC2 gone; {ENDED}", 31, attempts=attempts, left=LEFT)[1] != LEFT.message
    other = StageFailure(FailureClass.TRANSFER_FAILED, "another job's", job_id="other")
    found, message = end_of(ENDED, 31, left=other)
    assert (found, message) == ("TransferFailed", f"{ENDED}, exit code 31")


@pytest.mark.parametrize(
    ("reason", "failure"),
    [
        ("stopped: its run was stopped", "Stopped"),
        ("stopped: OutOfMemoryError, he said", "Stopped"),
        ("stopped: it exceeded timeout", "Stopped"),
        ("Job attempt duration exceeded timeout", "TimedOut"),
        ("Host EC2 (instance i-0) terminated.", "SpotReclaimed"),
        ("Cancelled by Seqdrop due to reason: UNDETERMINED - why", "StuckInQueue"),
        (f"{LIMIT}MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT", "StuckInQueue"),
    ],
)
def test_what_ended_a_job_between_two_attempts_counts_and_not_the_attempt_before(
    reason: str, failure: str
) -> None:
    found, message = end_of(reason, 31, left=LEFT)
    assert found == failure
    assert "s3 did not answer" not in message


@pytest.mark.parametrize(
    "text",
    [
        "access denied by ethics board: sample withdrawn", "manifest unknown", "host unreachable",
        "Cancelled by Seqdrop due to reason: I do not need it any more", "no space left on device",
    ],
)  # fmt: skip
def test_a_person_s_text_decides_nothing_of_a_job_that_never_had_an_attempt(text: str) -> None:
    assert end_of(text, attempts=()) == ("Stopped", text)


@pytest.mark.parametrize(
    ("exit_code", "attempts", "otherwise"),
    [(137, (60.0,), "HostFailed"), (None, (), "NeverStarted")],
)
def test_batchs_word_on_who_ended_a_job_counts_over_how_it_looks(
    exit_code: int | None, attempts: tuple[float, ...], otherwise: str
) -> None:
    state = JobState(
        "id", "FAILED", "a text that nobody has seen", exit_code, created="2026-01-01T00:00Z",
        attempts=tuple(map(Attempt, attempts)),
    )  # fmt: skip
    job = job_of(ALIGN, queue=SPOT)
    told = {
        by_hand: explain(job, msgspec.structs.replace(state, by_hand=by_hand), None)[0]
        for by_hand in (None, True, False)
    }
    assert told == {None: "Stopped", True: "Stopped", False: otherwise}
    assert may_be_by_hand(state)


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("ECS was unable to assume the role 'arn:aws:iam::1:role/x' that was provided", "BadPlan"),
        ("Job attempt duration exceeded timeout", "TimedOut"),
        ("Host EC2 (instance i-1) terminated.", "SpotReclaimed"),
        ("Dependent Job failed", "NeverStarted"),
        ("CgroupError: Agent could not create task's platform resources", "NeverStarted"),
    ],
)
def test_what_batch_says_of_a_job_without_an_attempt_counts(text: str, failure: str) -> None:
    assert end_of(text, attempts=())[0] == failure


@pytest.mark.parametrize(
    ("code", "text", "failure"),
    [
        (128, "CannotStartContainerError: write /x: no space left on device", "NeverStarted"),
        (127, 'CannotStartContainerError: exec: "x": executable file not found in $PATH',
         "BadPlan"),
        (1, "something that nobody has seen", "NeverStarted"),
    ],
)  # fmt: skip
def test_a_container_that_did_not_start_is_judged_by_its_text_whatever_its_code(
    code: int, text: str, failure: str
) -> None:
    assert end_of(f"{NOT_STARTED}; {text}", code)[0] == failure


def test_whatever_else_was_killed_with_it_memory_is_the_cause() -> None:
    words = StageFailure(FailureClass.HOST_FAILED, "the process that checks R1 was killed")
    found, message = end_of(f"{ENDED}; OutOfMemoryError: Container killed", 30, left=words)
    assert found == "OutOfMemory"
    assert message.endswith("; the process that checks R1 was killed")


def test_memory_is_named_as_it_was_asked_for_and_no_more_is_claimed() -> None:
    found, message = end_of(f"{ENDED}; OutOfMemoryError: Container killed", 137)
    assert found == "OutOfMemory"
    assert message.startswith("out of memory: its stage asks for 4,096 MiB (Essential")


@pytest.mark.parametrize("code", REMEDIES)
def test_a_job_that_got_no_host_says_batchs_reason_and_the_remedy(code: str) -> None:
    found, message = end_of(f"Cancelled by Seqdrop due to reason: {code} - why", attempts=())
    assert found == "StuckInQueue"
    assert REMEDIES[code].do in message


# What follows


def after(job: Job, *failures: FailureClass) -> list[Action]:
    """What is done about each of a stage's failures, as its jobs follow one another."""
    actions = []
    for failure in failures:
        action = action_for(job, failure)
        actions.append(action)
        if action.tries_again:
            job = next_job(failed(job, failure, action), "token", "now", "routine")
    return actions


def failed(job: Job, failure: FailureClass, action: Action) -> Job:
    """The job with its end."""
    return msgspec.structs.replace(job, failure_class=failure, action=action, status="FAILED")


FIRST = job_of(
    ALIGN, name=ALIGN.run.job_name("align"), vcpus=8, memory_mib=16_000, most_memory_mib=60_000
)


@pytest.mark.parametrize("failure", FailureClass)
def test_a_class_is_tried_again_as_often_as_its_rule_says(failure: FailureClass) -> None:
    rule = RULES[failure]
    last = Action.FAIL if rule.action.tries_again else rule.action
    wanted = [*[rule.action] * rule.jobs, last]
    if failure is FailureClass.HOST_FAILED:
        wanted[-2] = Action.ON_DEMAND
    assert after(FIRST, *[failure] * (rule.jobs + 1)) == wanted


@given(st.lists(st.sampled_from(FailureClass), min_size=12, max_size=40))
def test_whatever_goes_wrong_a_stage_has_at_most_nine_jobs(failures: list[FailureClass]) -> None:
    job, jobs = FIRST, 1
    for failure in failures:
        action = action_for(job, failure)
        if not action.tries_again:
            break
        job = next_job(failed(job, failure, action), "token", "now", "routine")
        jobs += 1
        assert job.owner.number == jobs
        assert job.name == f"{FIRST.name}_{jobs}"
        assert FIRST.memory_mib <= job.memory_mib <= FIRST.most_memory_mib
    assert jobs <= 9


def followed(job: Job, failure: FailureClass) -> Job:
    """The job that follows on one that failed so."""
    return next_job(failed(job, failure, action_for(job, failure)), "token", "now", "routine")


def test_after_spot_a_job_goes_where_nobody_takes_hosts_away() -> None:
    job = followed(FIRST, FailureClass.SPOT_RECLAIMED)
    assert (job.queue, job.earlier) == (ON_DEMAND, ("SpotReclaimed",))
    assert followed(job, FailureClass.HOST_FAILED).queue == ON_DEMAND
    again = followed(FIRST, FailureClass.HOST_FAILED)
    assert again.queue == SPOT
    assert followed(again, FailureClass.HOST_FAILED).queue == ON_DEMAND


def test_a_job_that_ran_out_of_memory_or_disk_is_larger_the_next_time() -> None:
    for failure in (FailureClass.OUT_OF_MEMORY, FailureClass.DISK_FULL):
        job = followed(FIRST, failure)
        assert (job.vcpus, job.memory_mib) == (8, 32_000)
    both = followed(job, FailureClass.OUT_OF_MEMORY)
    assert both.memory_mib == 60_000, "as much as a host has"
    job = job_of(ALIGN, memory_mib=60_000, most_memory_mib=60_000)
    assert action_for(job, FailureClass.DISK_FULL) is Action.FAIL


@pytest.mark.parametrize(
    ("queue", "types", "most"),
    [
        (SPOT, "m7i.4xlarge", 60_948), (SPOT, "m7i.4xlarge,r6i.8xlarge", 243_793),
        (ON_DEMAND, "m7i-flex.8xlarge", 121_896), (SPOT, "", 100), (FPGA, "r7i.8xlarge", 100),
        ("lab-fpga-eu-cpu-bulk", "m7i.4xlarge", 60_948),
    ],
)  # fmt: skip
def test_a_job_may_be_as_large_as_the_hosts_of_its_queue(queue: str, types: str, most: int) -> None:
    assert most_memory_mib(queue, types, 100) == most


def test_a_job_that_was_moved_follows_on_the_queue_of_its_run_s_priority() -> None:
    def moved(queue: str, priority: str) -> str:
        job = failed(job_of(ALIGN, queue=queue), FailureClass.MOVED, Action.MOVE)
        return next_job(job, "token", "now", priority).queue

    assert moved(SPOT, "urgent") == f"{SPOT.rpartition('-')[0]}-urgent"
    assert moved(FPGA, "bulk") == f"{FPGA.rpartition('-')[0]}-bulk"
    assert moved(ON_DEMAND, "urgent") == ON_DEMAND, "which has no priorities"
    other = failed(FIRST, FailureClass.HOST_FAILED, Action.AGAIN)
    assert next_job(other, "token", "now", "urgent").queue.endswith("-urgent"), "all that follow"


def test_a_job_that_was_moved_has_had_no_attempt() -> None:
    moved = failed(FIRST, FailureClass.MOVED, Action.MOVE)
    after = next_job(moved, "token", "now", "urgent")
    assert most_attempts([moved, after]) == 0
    lost = msgspec.structs.replace(
        failed(after, FailureClass.HOST_FAILED, Action.AGAIN), attempts=(Attempt(9.0),)
    )
    assert most_attempts([moved, lost, next_job(lost, "token", "now", "urgent")]) == 3


def test_how_many_attempts_a_stage_may_have_counts_those_to_follow() -> None:
    jobs = [FIRST]
    for action in (Action.AGAIN, Action.AGAIN, Action.FAIL):
        ended_ = failed(jobs[-1], FailureClass.HOST_FAILED, action)
        jobs[-1] = msgspec.structs.replace(ended_, attempts=(Attempt(9.0),))
        assert most_attempts(jobs) == 3
        if action.tries_again:
            jobs.append(next_job(jobs[-1], "token", "now", "routine"))
            assert most_attempts(jobs) == 3


@pytest.mark.parametrize("failure", FailureClass)
def test_an_index_is_tried_again_by_who_asks_for_it(failure: FailureClass) -> None:
    job = job_of(IndexOf(ReferenceId("tiny", "1"), "bwa"))
    assert action_for(job, failure) is Action.FAIL
    with pytest.raises(ValueError, match="nothing follows"):
        next_job(failed(job, failure, Action.AGAIN), "token", "now", "routine")


def test_no_other_stage_can_have_the_name_of_a_job_that_follows() -> None:
    run = RunId("S.1", "wgs", "abc", 2)
    assert run.job_name("align", 2) == "S_1-abc-2-align_2"
    assert run.job_name("align-2") != run.job_name("align", 2)
    assert len(RunId("x" * 128, "wgs", "abc", 1).job_name("align", 2)) == 128
