"""What became of a run: failure classes, costs, and a job's way forward."""

import itertools
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.assignment import Assignment, assigned_by_manifest
from seqdrop.domain.cost import (
    Prices,
    QueuePrice,
    VolumePrice,
    job_cost_usd,
    volumes_usd_per_hour,
)
from seqdrop.domain.expectation import ManifestVersion
from seqdrop.domain.failure import EXIT_CODES, FailureClass, classify
from seqdrop.domain.identity import AnalysisId, ObjectName
from seqdrop.domain.intake import Found
from seqdrop.domain.manifest import ExpectedFile
from seqdrop.domain.plan import StoredObject
from seqdrop.domain.records import JOB_ENDED, JOB_STATUSES, RunStatus, job_progress
from seqdrop.domain.upload import Upload, object_cause


@pytest.mark.parametrize(
    ("exit_code", "reason", "expected"),
    [
        (10, "Essential container in task exited", FailureClass.INPUT),
        (20, "Essential container in task exited", FailureClass.TOOL),
        (30, "Essential container in task exited", FailureClass.HOST),
        (31, "Essential container in task exited", FailureClass.TRANSFER),
        (40, "Essential container in task exited", FailureClass.PLAN),
        (1, "Essential container in task exited", FailureClass.TOOL),
        (137, "OutOfMemoryError: container killed", FailureClass.LOST),
        (-9, "", FailureClass.LOST),
        (None, "Host EC2 (instance i-0123) terminated.", FailureClass.LOST),
        (None, "Batch knows this job no more", FailureClass.LOST),
        (137, "Job attempt duration exceeded timeout", FailureClass.TIMEOUT),
        (None, "stopped: another stage of its run failed", FailureClass.STOPPED),
        (143, "stopped: another stage of its run failed; killed", FailureClass.STOPPED),
        (None, "Cancelled by user", FailureClass.STOPPED),
        (None, "Canceled by user", FailureClass.STOPPED),
        (
            None,
            "Canceled by JobStateTimeLimit action due to reason: "
            "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
            FailureClass.HOST,
        ),
        (
            None,
            "Canceled by JobStateTimeLimit action due to reason: "
            "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
            FailureClass.PLAN,
        ),
    ],
)
def test_an_ended_job_falls_into_one_class(
    exit_code: int | None, reason: str, expected: FailureClass
) -> None:
    assert classify(exit_code, reason) is expected


IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/seqdrop/cpu:1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # of its image
        ("CannotPullContainerError: Error response from daemon: manifest unknown", "plan"),
        (f"CannotPullContainerError: Error response from daemon: manifest for {IMAGE} not found: "
         "manifest unknown: Requested image not found", "plan"),
        ("CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to "
         f"resolve ref {IMAGE}: not found", "plan"),
        ("CannotPullContainerError: Error response from daemon: repository "
         "111122223333.dkr.ecr.us-east-1.amazonaws.com/seqdrop/cpu not found: name unknown: The "
         "repository with name 'seqdrop/cpu' does not exist", "plan"),
        ("CannotPullContainerError: pull image manifest has been retried 5 time(s): image "
         "Manifest does not contain descriptor matching platform 'linux/amd64'", "plan"),
        ("CannotPullContainerError: no matching manifest for linux/amd64 in the manifest list "
         "entries", "plan"),
        ("CannotPullContainerError: Error response from daemon: pull access denied for "
         "my-service, repository does not exist or may require 'docker login'", "plan"),
        ("CannotPullContainerError: ref pull has been retried 1 time(s): failed to resolve ref "
         f"{IMAGE}: pulling from host failed with status code: 403 Forbidden", "plan"),
        (f"CannotPullECRContainerError: Get https://{IMAGE}: no basic auth credentials", "plan"),
        # of the registry, the network and the host
        ("CannotPullContainerError: inspect image has been retried 5 time(s): httpReaderSeeker: "
         "failed open: unexpected status code Too Many Requests - Server message: You have "
         "reached your pull rate limit", "host"),
        ("CannotPullContainerError: dial tcp 52.217.233.242:443: i/o timeout", "host"),
        (f"CannotPullContainerError: failed to resolve ref {IMAGE}: failed to do request: Head: "
         "dial tcp 10.0.0.2:443: i/o timeout", "host"),
        ("CannotPullContainerError: Error response from daemon: Get https://x/v2/: net/http: "
         "request canceled while waiting for connection", "host"),
        ("CannotPullContainerError: context canceled", "host"),
        ("CannotPullContainerError: The task cannot pull 'x' from the Amazon ECR repository 'x'. "
         "There is a connection issue between the task and Amazon ECR.", "host"),
        ("CannotCreateContainerError: Error response from daemon: mkdir: no space left on device",
         "host"),
        ("CannotStartContainerError: Error response from daemon: OCI runtime create failed: "
         "cannot allocate memory", "host"),
        # of what the definition names
        ('CannotStartContainerError: Error response from daemon: exec: "seqdrop-runner": '
         "executable file not found in $PATH", "plan"),
        ("ResourceInitializationError: unable to pull secrets or registry auth: unable to "
         "retrieve secret from asm: AccessDeniedException: not authorized to perform", "plan"),
        ("ResourceInitializationError: unable to pull secrets or registry auth: "
         "ResourceNotFoundException: Secrets Manager can't find the specified secret", "plan"),
        ("ResourceInitializationError: failed to validate logger args: There is a connection "
         "issue between the task and Amazon CloudWatch.", "host"),
        # with the status of a request, which is 400 for a right and for a throttle alike
        ("CannotPullECRContainerError: AccessDeniedException: User: "
         "arn:aws:sts::1:assumed-role/x is "
         "not authorized to perform: ecr:GetAuthorizationToken on resource: * status code: 400",
         "plan"),
        ("CannotPullECRContainerError: ThrottlingException: Rate exceeded\n\tstatus code: 400, "
         "request id: 75567eb3-6abb-11e6-9d4c-cb4ccd1cee97", "host"),
        ("Fetching secret data from AWS Secrets Manager in region us-east-1: operation error "
         "Secrets Manager: GetSecretValue, https response error StatusCode: 400, RequestID: 1, api "
         "error ThrottlingException: Rate exceeded", "host"),
        ("CannotPullECRContainerError: operation error ECR: GetAuthorizationToken, https response "
         "error StatusCode: 400, RequestID: 1, api error SomethingElse: new", "lost"),
        ("CannotPullECRContainerError: RequestError: send request failed caused by: Post "
         '"https://api.ecr.us-west-2.amazonaws.com/": net/http: request canceled while waiting for '
         "connection (Client.Timeout exceeded while awaiting headers)", "host"),
        # of an image, as newer agents say it
        ("CannotPullContainerError: The task can't pull the image 'x' from Amazon Elastic "
         "Container "
         "Registry using the task execution role 'y'. To fix this, verify that the execution role "
         "permissions are correct. Status Code: 403. Response: 'not authorized to perform "
         "ecr:BatchGetImage'", "plan"),
        ("CannotPullContainerError: The task can't pull the image. Check whether the image exists. "
         "Response: 'manifest unknown'", "plan"),
        ("CannotPullContainerError: API error (404): repository x not found", "plan"),
        ("CannotPullContainerError: API error (500): Get https://x/v1/_ping: dial tcp: i/o timeout",
         "host"),
        ("CannotPullContainerError: ref pull has been retried 5 time(s): failed to copy: "
         "httpReadSeeker: failed open: unexpected status code https://x: 403 Forbidden", "plan"),
        ("CannotPullContainerError: Error response from daemon: Get https://x/v2/: dial "
         "tcp: lookup "
         "x on 10.0.0.2:53: no such host", "host"),
        ("CannotPullContainerError: Error response from daemon: received unexpected HTTP "
         "status: 503 "
         "Service Unavailable", "host"),
        # of secrets and roles on EC2
        ("Fetching secret data from AWS Secrets Manager in region us-east-1: secret x: "
         "ResourceNotFoundException: Secrets Manager can't find the specified secret.", "plan"),
        ("Fetching secret data from AWS Secrets Manager in region us-east-1: retrieved secret from "
         "Secrets Manager did not contain json key licence", "plan"),
        ("Fetching secret data from AWS Secrets Manager in region us-east-1: secret x: "
         "InvalidRequestException: You can't perform this operation on the secret because it was "
         "marked for deletion.", "plan"),
        ("Fetching secret data from AWS Secrets Manager in region us-east-1: secret x: "
         "RequestError: "
         "send request failed caused by: Post "
         "https://secretsmanager.us-east-1.amazonaws.com/: dial "
         "tcp: lookup secretsmanager.us-east-1.amazonaws.com: no such host", "host"),
        ("ECS was unable to assume the role 'arn:aws:iam::111122223333:role/x' that was "
         "provided for "
         "this task", "plan"),
        # of logs, devices and Docker
        ("CannotStartContainerError: Error response from daemon: failed to initialize logging "
         "driver: failed to create Cloudwatch log stream: ResourceNotFoundException: The specified "
         "log group does not exist.", "plan"),
        ("CannotStartContainerError: Error response from daemon: failed to initialize logging "
         "driver: failed to create Cloudwatch log stream: AccessDeniedException: User: x", "plan"),
        ("CannotStartContainerError: Error response from daemon: failed to initialize logging "
         "driver: failed to create Cloudwatch log stream: RequestError: send request "
         "failed\ncaused "
         "by: Post https://logs.us-east-2.amazonaws.com/: dial tcp 10.20.10.16:443: i/o timeout",
         "host"),
        ("CannotStartContainerError: Error response from daemon: error gathering device "
         "information "
         'while adding custom device "/dev/fpga0": no such file or directory', "host"),
        ("ContainerRuntimeTimeoutError: Could not transition to running; timed out after "
         "waiting 1m",
         "host"),
        ("CannotStopContainerError: failed sending SIGTERM to container: x", "host"),
        ("CannotCreateVolumeError: x", "host"),
        ("TaskFailedToStart: InternalError: x", "host"),
        ("CannotStartContainerError: failed to get container status: x", "lost"),
        ("CannotStartContainerError: Error response from daemon: OCI runtime create failed: "
         "container_linux.go:370: container init caused: Running hook #0:: error running "
         "hook: exit "
         "status 1", "lost"),
        ("HostResourceError: x", "lost"),
        # of what nobody has seen
        ("CannotPullContainerError: ref pull has been retried 1 time(s): number of layers and "
         "diffIDs don't match: 3 != 15", "lost"),
        ("CannotStartContainerError: something new", "lost"),
        ("BoardNotThereError: the moon is in the wrong house", "lost"),
        ("", "lost"),
    ],
)  # fmt: skip
def test_a_container_that_never_ran_is_whose_its_text_says(text: str, expected: str) -> None:
    assert classify(None, f"Task failed to start; {text}").value == expected


@given(st.sampled_from([10, 20, 30, 31, 40, 1, 127]), st.text(max_size=60))
def test_a_text_decides_nothing_where_the_program_itself_gave_a_code(code: int, text: str) -> None:
    said = f"Essential container in task exited; no space left on device {text}"
    if "outofmemory" not in said.lower() and "attempt duration" not in said.lower():
        assert classify(code, said) is classify(code, "Essential container in task exited")


@given(st.none() | st.integers(-64, 255), st.text(max_size=40))
def test_any_end_of_a_job_has_a_class(exit_code: int | None, reason: str) -> None:
    assert classify(exit_code, reason) in FailureClass


def test_exit_codes_tell_classes_apart_and_only_the_thirties_are_tried_again() -> None:
    assert len(set(EXIT_CODES.values())) == len(EXIT_CODES)
    tried_again = {failure for failure, code in EXIT_CODES.items() if 30 <= code < 40}
    assert tried_again == {FailureClass.HOST, FailureClass.TRANSFER}


PRICES = Prices(
    date(2026, 11, 28),
    {
        "cpu": QueuePrice(2.0, "vcpu", "test", host_vcpus=16),
        "fpga-genome": QueuePrice(2.0, "instance", "test"),
    },
    VolumePrice(0.08, 0.04, "test"),
)


@pytest.mark.parametrize(
    ("kind", "vcpus", "cost"),
    [
        # a quarter of (1,100 GiB x 0.08 + 2 x 125 MiB/s x 0.04) / 730
        ("cpu", 4, 8.0 + 98 / 730 / 4),
        ("cpu", 16, 32.0 + 98 / 730),
        ("cpu", 30, 60.0 + 98 / 730),  # of no host more than all
        ("fpga-genome", 22, 2.0 + 8 / 730),  # its root volume: scratch is the instance's own
    ],
)
def test_a_job_costs_its_hours_and_its_volumes_failed_attempts_included(
    kind: str, vcpus: int, cost: float
) -> None:
    found = job_cost_usd(PRICES, kind, vcpus, 1_000, [1_800, 0, 1_800])
    assert found == pytest.approx(cost, abs=1e-6)
    assert job_cost_usd(PRICES, kind, vcpus, 1_000, []) == 0


def test_scratch_costs_what_was_asked_for() -> None:
    small, large = (job_cost_usd(PRICES, "cpu", 16, gib, [3_600]) for gib in (200, 8_000))
    assert large - small == pytest.approx(7_800 * 0.08 / 730, abs=1e-5)
    assert volumes_usd_per_hour(PRICES.volumes, "cpu", 1_000) == pytest.approx(0.134, abs=1e-3)


def test_a_jobs_progress_grows_over_its_attempts() -> None:
    way = [(status, attempt) for attempt in range(10) for status in JOB_STATUSES[2:]]
    steps = [job_progress(status, attempt) for status, attempt in way]
    steps = [job_progress("SUBMITTING", 0), job_progress("SUBMITTED", 0), *steps]
    assert all(before < after for before, after in itertools.pairwise(steps))
    assert {job_progress(status, 10) for status in JOB_ENDED} == {max(*steps, 1_000)}


def test_only_claimed_and_running_runs_may_change() -> None:
    assert [status for status in RunStatus if status.live] == ["CLAIMED", "RUNNING"]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("0062E99A88DC407460", "0062E99A88DC407461"),
        ("FF", "0100"),
        ("", "01"),
    ],
)
def test_sequencers_compare_as_numbers_of_any_length(earlier: str, later: str) -> None:
    """They order the versions of one manifest, whatever the clocks say."""
    manifest = ObjectName("b", "x.manifest.json")
    first = ManifestVersion(manifest, "v1", sequencer=earlier, time="2026-03-02")
    second = ManifestVersion(manifest, "v2", sequencer=later, time="2026-03-01")
    assert first.order < second.order
    assert (second.counts_over(first), first.counts_over(second)) == (True, False)


def test_of_two_manifests_the_one_that_came_last_counts() -> None:
    """S3's sequencers say nothing across keys."""
    first = ManifestVersion(ObjectName("b", "z"), "v1", sequencer="FF", time="2026-03-01")
    second = ManifestVersion(ObjectName("b", "a"), "v1", sequencer="01", time="2026-03-02")
    assert (second.counts_over(first), first.counts_over(second)) == (True, False)


def test_an_objects_cause_tells_it_from_others_and_is_short() -> None:
    cause = object_cause(ObjectName("b", "x y;$(z)"))
    assert cause == object_cause(ObjectName("b", "x y;$(z)")) != object_cause(ObjectName("b", "x"))
    assert len(cause) < 40


def test_in_a_bucket_without_versions_the_content_tells_versions_apart() -> None:
    assert Upload("b", "k", "", "00", "etag").version == "etag"
    assert Found(StoredObject("b", "k", 1), "etag").version == "etag"
    assert Found(StoredObject("b", "k", 1, "v1"), "etag").version == "v1"


def test_a_manifest_places_a_file_without_looking_at_its_name() -> None:
    expected = ExpectedFile("b", "k", "Hm2", "wgs", "R2", "5", md5="0" * 32)
    assert assigned_by_manifest(expected) == Assignment(
        AnalysisId("Hm2", "wgs"), "R2", lane="5", md5="0" * 32, by="manifest"
    )
