"""What requests of boto3 need in IAM's words, and who is recorded."""

import contextlib
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local import authorization
from local.actions import Need
from local.calls import CALLS_FOLDER, Call, read_calls
from local.endpoint import Endpoint
from local.roles import function_key, job_key

REGION = "eu-west-1"
TABLE = f"arn:aws:dynamodb:{REGION}:123456789012:table/catalog"
QUEUE = f"arn:aws:sqs:{REGION}:123456789012:uploads"
MACHINE = f"arn:aws:states:{REGION}:123456789012:stateMachine:analyse"
EXECUTION = f"arn:aws:states:{REGION}:123456789012:execution:analyse:one"
BATCH = f"arn:aws:batch:{REGION}:123456789012"
KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}
WRITE = {"TableName": "catalog", "Key": KEY}
ONE = {"Bucket": "reads", "Key": "wes/a b+ü.gz"}
OBJECT = "arn:aws:s3:::reads/wes/a b+ü.gz"
Needs = Callable[..., set[Need]]
URL = "http://127.0.0.1/123456789012/uploads"


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("calls")


@pytest.fixture(scope="module")
def endpoint(record: Path) -> Iterator[Endpoint]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(CALLS_FOLDER, str(record))
        environment.setattr(authorization, "first_missing", lambda *_: None)
        yield from started(Endpoint(0))


def started(endpoint: Endpoint) -> Iterator[Endpoint]:
    endpoint.start()
    boto3.client(**account("local", "s3", endpoint)).create_bucket(
        Bucket="reads", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    boto3.client(**account("local", "s3", endpoint)).put_object(**ONE, Body=b"it is there")
    yield endpoint
    endpoint.stop()


def account(key: str, service: str, endpoint: Endpoint) -> dict[str, Any]:
    return {
        "service_name": service,
        "endpoint_url": endpoint.url,
        "region_name": REGION,
        "aws_access_key_id": key,
        "aws_secret_access_key": "local",
        "config": Config(retries={"total_max_attempts": 1}),
    }


@pytest.fixture
def needs(endpoint: Endpoint, record: Path) -> Needs:
    """What a call is recorded to need; most are answered with an error, which is no matter."""

    def ask(service: str, method: str, **request: Any) -> set[Need]:
        who = function_key(f"test-{uuid.uuid4()}")
        client: Any = boto3.client(**account(who, service, endpoint))
        with contextlib.suppress(ClientError):
            getattr(client, method)(**request)
        return {(action, resource) for by, action, resource in read_calls(record) if by == who}

    return ask


@pytest.mark.parametrize(
    ("method", "request_", "action", "resource"),
    [
        ("get_item", WRITE, "GetItem", TABLE),
        ("update_item", WRITE, "UpdateItem", TABLE),
        ("delete_item", {**WRITE, "ConditionExpression": "a = b"}, "DeleteItem", TABLE),
        ("put_item", {"TableName": TABLE, "Item": KEY}, "PutItem", TABLE),
        ("query", {"TableName": "catalog"}, "Query", TABLE),
        ("query", {"TableName": "catalog", "IndexName": "why"}, "Query", f"{TABLE}/index/why"),
        ("scan", {"TableName": "catalog"}, "Scan", TABLE),
        ("batch_get_item", {"RequestItems": {"catalog": {"Keys": [KEY]}}}, "BatchGetItem", TABLE),
        ("list_tables", {}, "ListTables", "*"),
    ],
)
def test_a_request_to_the_catalog_needs_its_action_on_the_table_or_index(
    needs: Needs, method: str, request_: dict[str, Any], action: str, resource: str
) -> None:
    found = needs("dynamodb", method, **request_)
    assert found == {(f"dynamodb:{action}", resource)}


def test_a_transaction_needs_the_action_of_each_of_its_items(needs: Needs) -> None:
    other = {"TableName": "other", "Key": KEY, "ConditionExpression": "a = b"}
    writes = [
        {"Put": {"TableName": "catalog", "Item": KEY}},
        {"Update": {**WRITE, "UpdateExpression": "SET a = b"}},
        {"Delete": WRITE},
        {"ConditionCheck": other},
    ]
    found = needs("dynamodb", "transact_write_items", TransactItems=writes)
    assert found == {
        ("dynamodb:PutItem", TABLE),
        ("dynamodb:UpdateItem", TABLE),
        ("dynamodb:DeleteItem", TABLE),
        ("dynamodb:ConditionCheckItem", TABLE.replace("catalog", "other")),
    }


THERE = {"Bucket": "reads", "Key": "there"}


@pytest.mark.parametrize(
    ("method", "request_", "action", "resource"),
    [
        ("put_object", {**ONE, "Body": b"x"}, "PutObject", OBJECT),
        ("put_object", {**THERE, "IfNoneMatch": "*"}, "PutObject", "arn:aws:s3:::reads/there"),
        ("get_object", ONE, "GetObject", OBJECT),
        ("head_object", {**ONE, "ChecksumMode": "ENABLED"}, "GetObject", OBJECT),
        ("delete_object", {**ONE, "VersionId": "v"}, "DeleteObjectVersion", OBJECT),
        (
            "list_objects_v2",
            {"Bucket": "reads", "Prefix": "a/"},
            "ListBucket",
            "arn:aws:s3:::reads",
        ),
        ("list_object_versions", {"Bucket": "reads"}, "ListBucketVersions", "arn:aws:s3:::reads"),
        ("head_bucket", {"Bucket": "reads"}, "ListBucket", "arn:aws:s3:::reads"),
    ],
)
def test_a_request_to_a_bucket_needs_its_action_on_the_object_or_bucket(
    needs: Needs, method: str, request_: dict[str, Any], action: str, resource: str
) -> None:
    assert needs("s3", method, **request_) == {(f"s3:{action}", resource)}


def test_attributes_need_the_right_to_read_the_object_too(endpoint: Endpoint, needs: Needs) -> None:
    boto3.client(**account("local", "s3", endpoint)).put_object(**ONE, Body=b"it is there")
    # Source: "Permissions" of GetObjectAttributes in the S3 API reference.
    asked = {**ONE, "ObjectAttributes": ["Checksum", "ObjectParts"]}
    assert needs("s3", "get_object_attributes", **asked) == {
        ("s3:GetObject", OBJECT),
        ("s3:GetObjectAttributes", OBJECT),
    }
    of_a_version = needs("s3", "get_object_attributes", **asked, VersionId="v")
    assert of_a_version >= {
        ("s3:GetObjectVersion", OBJECT),
        ("s3:GetObjectVersionAttributes", OBJECT),
    }
    assert ("s3:GetObject", OBJECT) not in of_a_version


def test_all_of_a_multipart_upload_needs_what_a_put_needs(endpoint: Endpoint, needs: Needs) -> None:
    client: Any = boto3.client(**account("local", "s3", endpoint))
    put = {("s3:PutObject", OBJECT)}
    assert needs("s3", "create_multipart_upload", **ONE) == put
    parts = {**ONE, "UploadId": client.create_multipart_upload(**ONE)["UploadId"]}
    assert needs("s3", "upload_part", **parts, PartNumber=1, Body=b"x") == put
    assert needs("s3", "list_parts", **parts) == {("s3:ListMultipartUploadParts", OBJECT)}
    part = {"PartNumber": 1, "ETag": client.list_parts(**parts)["Parts"][0]["ETag"]}
    done = {**parts, "MultipartUpload": {"Parts": [part]}}
    assert needs("s3", "complete_multipart_upload", **done) == put
    parts = {**ONE, "UploadId": client.create_multipart_upload(**ONE)["UploadId"]}
    assert needs("s3", "abort_multipart_upload", **parts) == {("s3:AbortMultipartUpload", OBJECT)}


@pytest.mark.parametrize("method", ["get_object", "head_object"])
def test_to_be_told_that_a_version_is_gone_needs_the_list_too(needs: Needs, method: str) -> None:
    version = {
        "Bucket": "reads",
        "Key": "gone",
        "VersionId": "00000000-0000-4000-8000-000000000000",
    }
    assert needs("s3", method, **version) == {
        ("s3:GetObjectVersion", "arn:aws:s3:::reads/gone"),
        ("s3:ListBucket", "arn:aws:s3:::reads"),
    }


def test_a_copy_needs_its_source_and_tags_need_an_action_of_their_own(needs: Needs) -> None:
    source = {"Bucket": "reads", "Key": "from", "VersionId": "v"}
    request = {"Bucket": "reads", "Key": "to", "CopySource": source, "Tagging": "a=b"}
    assert needs("s3", "copy_object", **request) == {
        ("s3:GetObjectVersion", "arn:aws:s3:::reads/from"),
        ("s3:PutObject", "arn:aws:s3:::reads/to"),
        ("s3:PutObjectTagging", "arn:aws:s3:::reads/to"),
    }


ENTRY = {"Id": "1", "MessageBody": "x"}
SUBMITTED = {"jobName": "j", "jobQueue": "q", "jobDefinition": "d:2", "tags": {"a": "b"}}


@pytest.mark.parametrize(
    ("service", "method", "request_", "expected"),
    [
        ("sqs", "send_message", {"QueueUrl": URL, "MessageBody": "x"}, {("SendMessage", QUEUE)}),
        (
            "sqs",
            "send_message_batch",
            {"QueueUrl": URL, "Entries": [ENTRY]},
            {("SendMessage", QUEUE)},
        ),
        ("sqs", "get_queue_url", {"QueueName": "uploads"}, {("GetQueueUrl", QUEUE)}),
        (
            "stepfunctions",
            "start_execution",
            {"stateMachineArn": MACHINE, "name": "one"},
            {("StartExecution", MACHINE)},
        ),
        (
            "stepfunctions",
            "stop_execution",
            {"executionArn": EXECUTION},
            {("StopExecution", EXECUTION)},
        ),
        (
            "stepfunctions",
            "send_task_success",
            {"taskToken": "t", "output": "{}"},
            {("SendTaskSuccess", "*")},
        ),
        (
            "batch",
            "submit_job",
            SUBMITTED,
            {
                (action, f"{BATCH}:{resource}")
                for action in ("SubmitJob", "TagResource")
                for resource in ("job/*", "job-queue/q", "job-definition/d:2")
            },
        ),
        ("batch", "describe_jobs", {"jobs": ["1"]}, {("DescribeJobs", "*")}),
        ("batch", "list_jobs", {"jobQueue": "q"}, {("ListJobs", "*")}),
        (
            "batch",
            "terminate_job",
            {"jobId": "1", "reason": "r"},
            {("TerminateJob", f"{BATCH}:job/1")},
        ),
    ],
)
def test_requests_to_queues_machines_and_batch_need_what_their_references_say(
    needs: Needs, service: str, method: str, request_: dict[str, Any], expected: set[Need]
) -> None:
    prefix = {"stepfunctions": "states"}.get(service, service)
    found = needs(service, method, **request_)
    assert found == {(f"{prefix}:{action}", resource) for action, resource in expected}


def test_a_request_that_is_not_known_needs_what_no_narrow_policy_grants(needs: Needs) -> None:
    assert needs("logs", "describe_log_groups") == {("logs:DescribeLogGroups", "*")}
    acl = needs("s3", "get_object_acl", Bucket="reads", Key="a")
    assert acl == {("s3:GET /reads/a?acl", "*")}


def test_functions_and_jobs_are_recorded_and_nobody_else_is(
    endpoint: Endpoint, record: Path
) -> None:
    for who in (function_key("known"), job_key("known"), "local", "somebody"):
        boto3.client(**account(who, "s3", endpoint)).list_objects_v2(Bucket="reads")
    wanted: set[Call] = {
        (f"{kind}.known", "s3:ListBucket", "arn:aws:s3:::reads") for kind in ("function", "job")
    }
    known = {call for call in read_calls(record) if "test-" not in call[0]}
    assert known == wanted


def test_nothing_is_recorded_where_nobody_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(CALLS_FOLDER, raising=False)
    monkeypatch.chdir(tmp_path)
    endpoint = Endpoint(0)
    endpoint.start()
    boto3.client(**account(function_key("known"), "s3", endpoint)).list_buckets()
    endpoint.stop()
    assert list(tmp_path.iterdir()) == []
