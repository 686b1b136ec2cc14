"""The embedded account's IAM: who may do what, and what a caller is told who may not."""

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.calls import CALLS_FOLDER
from local.deploy import ACCOUNT, REGION
from local.permissions import CannotRead
from local.roles import (
    MACHINE,
    check_policies,
    function_key,
    job_key,
    role_of,
    roles,
    start_key,
)
from local.runtime import Runtime, RuntimeSettings
from seqdrop.aws.batch_detail import read_state
from seqdrop.domain.failure import FailureClass
from seqdrop.domain.job_end import classify

QUEUE = "seqdrop-cpu-routine"
SIZE = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "100"}]


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """Unrecorded: its calls are to be denied, and no policy of ours is to grant them."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv(CALLS_FOLDER, raising=False)
        with Runtime(RuntimeSettings(tmp_path_factory.mktemp("runtime"))) as runtime:
            yield runtime


def client(runtime: Runtime, who: str, service: str) -> Any:
    return boto3.client(  # type: ignore[call-overload]  # by name
        service, endpoint_url=runtime.url, region_name=REGION, aws_access_key_id=who,
        aws_secret_access_key="local", config=Config(retries={"total_max_attempts": 1}),
    )  # fmt: skip


SUBMITTER = function_key("seqdrop-submit-job")
REGISTRAR = function_key("seqdrop-register-upload")
CPU_JOB = job_key("seqdrop-cpu-reads")


def refusal(call: Any, **request: Any) -> tuple[str, int, str]:
    """Code, HTTP status and message of a call that is refused."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    answer = caught.value.response
    error, status = answer["Error"], answer["ResponseMetadata"]["HTTPStatusCode"]
    return error["Code"], status, error.get("Message", "")


def submit(runtime: Runtime, **more: Any) -> Any:
    return client(runtime, SUBMITTER, "batch").submit_job(
        jobName="one", jobQueue=QUEUE, jobDefinition="seqdrop-cpu-reads",
        containerOverrides={"command": ["true"], "resourceRequirements": SIZE}, **more,
    )  # fmt: skip


@pytest.fixture
def policy(runtime: Runtime) -> Iterator[Any]:
    """Replaces the submitting function's policy by a changed one, for one test."""
    role = role_of(SUBMITTER)
    iam = client(runtime, "local", "iam")
    name = iam.list_role_policies(RoleName=role)["PolicyNames"][0]
    document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    before = document if isinstance(document, dict) else json.loads(document.replace("'", '"'))

    def change(action: str, resource: str = "") -> None:
        """Takes an action away, or an action on one kind of resource."""
        statements = []
        for one in before["Statement"]:
            actions = one["Action"] if isinstance(one["Action"], list) else [one["Action"]]
            resources = one["Resource"] if isinstance(one["Resource"], list) else [one["Resource"]]
            for each in actions:
                left = [r for r in resources if each != action or (resource and resource not in r)]
                if left:
                    statements.append({"Effect": "Allow", "Action": each, "Resource": left})
        put({"Statement": statements})

    def put(new: dict[str, Any]) -> None:
        body = json.dumps({"Version": "2012-10-17", "Statement": new["Statement"]})
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=body)

    yield change
    put(before)


def test_a_tagged_job_is_submitted_with_the_template_s_policy(runtime: Runtime) -> None:
    assert submit(runtime, tags={"seqdrop-sample": "NA1"})["jobId"]


@pytest.mark.parametrize("action", ["batch:TagResource", "batch:SubmitJob"])
@pytest.mark.parametrize("resource", ["", ":job/", ":job-queue/", ":job-definition/"])
def test_a_tagged_job_is_denied_without_a_grant_on_all_that_it_touches(
    runtime: Runtime, policy: Any, action: str, resource: str
) -> None:
    policy(action, resource)
    code, status, message = refusal(submit, runtime=runtime, tags={"seqdrop-sample": "NA1"})
    assert (code, status) == ("AccessDeniedException", 403)
    assert f"to perform: {action} on resource: arn:aws:batch:" in message
    assert resource in message


def test_a_job_without_tags_needs_no_grant_to_tag(runtime: Runtime, policy: Any) -> None:
    policy("batch:TagResource")
    assert submit(runtime)["jobId"]


def test_each_protocol_tells_in_its_own_way_that_a_call_is_denied(runtime: Runtime) -> None:
    table = runtime.outputs["CatalogTable"]
    scan = client(runtime, REGISTRAR, "dynamodb").scan
    assert refusal(scan, TableName=table)[:2] == ("AccessDeniedException", 400)
    receive = client(runtime, REGISTRAR, "sqs").receive_message
    queue = runtime.outputs["UploadsQueueUrl"]
    assert refusal(receive, QueueUrl=queue)[:2] == ("AccessDeniedException", 400)
    machine = runtime.outputs["AnalyseSampleStateMachine"]
    describe = client(runtime, REGISTRAR, "stepfunctions").describe_state_machine
    assert refusal(describe, stateMachineArn=machine)[:2] == ("AccessDeniedException", 400)
    put = client(runtime, CPU_JOB, "s3").put_object
    uploads = {"Bucket": runtime.outputs["UploadsBucket"], "Key": "a", "Body": b"x"}
    code, status, message = refusal(put, **uploads)
    assert (code, status) == ("AccessDenied", 403)
    assert "s3:PutObject" in message


def test_who_may_not_list_is_not_told_that_an_object_is_gone(runtime: Runtime) -> None:
    results = {"Bucket": runtime.outputs["ResultsBucket"], "Key": "gone"}
    registrar, job = client(runtime, REGISTRAR, "s3"), client(runtime, CPU_JOB, "s3")
    assert refusal(job.head_object, **results)[1] == 404
    audit = client(runtime, function_key("seqdrop-ask-approval"), "s3")
    assert refusal(audit.head_object, **results)[1] == 403
    assert refusal(registrar.get_object, **results)[0] == "AccessDenied"


def test_a_caller_that_nobody_deployed_may_do_nothing(runtime: Runtime) -> None:
    stranger = client(runtime, function_key("stranger"), "sqs")
    assert refusal(stranger.list_queues)[0] == "AccessDeniedException"


def test_a_state_machine_invokes_its_own_functions_and_no_others(runtime: Runtime) -> None:
    analyse = next(key for key in roles() if key.startswith(f"{MACHINE}seqdrop-AnalyseSample"))
    invoke = client(runtime, analyse, "lambda").invoke
    code, status, message = refusal(invoke, FunctionName="seqdrop-register-upload", Payload=b"{}")
    assert (code, status) == ("AccessDeniedException", 403)
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:seqdrop-register-upload"
    assert f"lambda:InvokeFunction on resource: {arn}" in message


def test_a_container_whose_log_may_not_be_written_does_not_start(runtime: Runtime) -> None:
    iam, batch = client(runtime, "local", "iam"), client(runtime, "local", "batch")
    role = role_of(start_key("seqdrop-cpu-reads"))
    document = iam.get_role_policy(RoleName=role, PolicyName="starts-containers")["PolicyDocument"]
    iam.delete_role_policy(RoleName=role, PolicyName="starts-containers")
    try:
        job_id = submit(runtime)["jobId"]
        job = ended(batch, job_id)
    finally:
        body = document if isinstance(document, str) else json.dumps(document)
        iam.put_role_policy(
            RoleName=role, PolicyName="starts-containers", PolicyDocument=body.replace("'", '"')
        )
    assert (job["status"], job["statusReason"]) == ("FAILED", "Task failed to start")
    reason = job["container"]["reason"]
    assert "failed to initialize logging driver: failed to create Cloudwatch log stream" in reason
    assert read_state(job).reason.endswith(reason)
    assert classify(read_state(job)) is FailureClass.BAD_PLAN
    assert "logs:CreateLogStream on resource: arn:aws:logs:" in job["container"]["reason"]


def ended(batch: Any, job_id: str) -> dict[str, Any]:
    for _ in range(200):
        job: dict[str, Any] = batch.describe_jobs(jobs=[job_id])["jobs"][0]
        if job["status"] in ("SUCCEEDED", "FAILED"):
            return job
        time.sleep(0.05)
    raise AssertionError(job["status"])


def test_a_policy_that_can_not_be_judged_is_told_before_any_call(runtime: Runtime) -> None:
    check_policies()
    iam, role = client(runtime, "local", "iam"), role_of(SUBMITTER)
    deny = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    body = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    iam.put_role_policy(RoleName=role, PolicyName="more", PolicyDocument=body)
    try:
        with pytest.raises(CannotRead, match="SubmitJobFunctionRole"):
            check_policies()
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="more")


def test_a_person_may_do_everything(runtime: Runtime) -> None:
    assert client(runtime, "local", "sqs").list_queues()["QueueUrls"]


def raw(
    runtime: Runtime, method: str, target: str, body: bytes = b"x", **headers: str
) -> tuple[int, bytes]:
    """Status and body of a request as it is written."""
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(runtime.url).port, timeout=30)
    try:
        connection.request(method, target, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def signed_by(who: str, service: str) -> str:
    scope = f"Credential={who}/20260101/{REGION}/{service}/aws4_request"
    return f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_signature_in_the_url_counts_as_one_in_the_header(runtime: Runtime, version: str) -> None:
    s3: Any = boto3.client(
        "s3", endpoint_url=runtime.url, region_name=REGION, aws_access_key_id=CPU_JOB,
        aws_secret_access_key="local", config=Config(signature_version=version),
    )  # fmt: skip
    for bucket, expected in (("UploadsBucket", 403), ("ResultsBucket", 200)):
        where = {"Bucket": runtime.outputs[bucket], "Key": "a"}
        url = urlsplit(s3.generate_presigned_url("put_object", Params=where))
        assert raw(runtime, "PUT", f"{url.path}?{url.query}")[0] == expected, bucket


def test_a_bucket_may_stand_before_the_host_s_name(runtime: Runtime) -> None:
    results, uploads = (runtime.outputs[f"{name}Bucket"] for name in ("Results", "Uploads"))
    port, signature = urlsplit(runtime.url).port, signed_by(CPU_JOB, "s3")
    for bucket, path, expected in ((results, "/b/c", 200), (uploads, f"/{results}/c", 403)):
        host = f"{bucket}.localhost:{port}"
        assert raw(runtime, "PUT", path, Host=host, Authorization=signature)[0] == expected


@pytest.mark.parametrize(
    ("method", "more"),
    [
        ("get_bucket_encryption", {}),
        ("get_bucket_notification_configuration", {}),
        ("get_bucket_cors", {}),
        ("put_object", {"Key": "a", "Body": b"x", "ACL": "public-read"}),
    ],
)
def test_what_the_list_or_the_put_of_a_bucket_does_not_grant(
    runtime: Runtime, method: str, more: dict[str, Any]
) -> None:
    call = getattr(client(runtime, CPU_JOB, "s3"), method)
    assert refusal(call, Bucket=runtime.outputs["ResultsBucket"], **more)[0] == "AccessDenied"


def test_who_one_is_may_be_asked_by_everyone(runtime: Runtime) -> None:
    assert client(runtime, CPU_JOB, "sts").get_caller_identity()["Account"] == ACCOUNT


def test_a_request_that_makes_no_sense_is_refused_and_no_fault(runtime: Runtime) -> None:
    signature = signed_by(SUBMITTER, "batch")
    kind = {"Authorization": signature, "Content-Type": "application/json"}
    assert raw(runtime, "POST", "/v1/submitjob", b"no json", **kind)[0] == 403
