"""Who may do what: buckets, queues, keys, and the roles of functions, jobs and hosts."""

from collections.abc import Iterator
from typing import Any

import pytest

from runner.tools.nextflow_files import NOBODY
from seqdrop.domain.errors import SeqdropError
from seqdrop.domain.naming import check_sample_id
from seqdrop.domain.workflow import TAG, WORK
from tests.infrastructure.stack import (
    deployed,
    functions,
    made,
    made_of_type,
    of_type,
    refers_to,
    target_of,
)

BUCKETS = of_type("AWS::S3::Bucket")
KEY = {"KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1"}
ALL = {
    "EnableFpga": "true", "CreateNetwork": "true", "DragenLicenceSecretArn": "arn:x",
    "NextflowImage": "nextflow@sha256:x", **KEY,
}  # fmt: skip
EXPLAINED = {
    "ecr:GetAuthorizationToken": "a token is for all repositories",
    "batch:ListJobs": "knows no resources",
    "batch:DescribeJobs": "knows no resources",
    "batch:DescribeJobDefinitions": "knows no resources",
    "states:SendTaskSuccess": "tokens have no ARN",
    "states:SendTaskFailure": "tokens have no ARN",
}
"""Actions that may be done to everything, and why."""


@pytest.mark.parametrize("name", BUCKETS)
def test_every_bucket_is_versioned_closed_and_its_owners_alone(name: str) -> None:
    bucket = BUCKETS[name]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


@pytest.mark.parametrize("name", BUCKETS)
def test_every_bucket_is_encrypted_by_the_key_that_was_chosen(name: str) -> None:
    (plain,) = _encryption(made_of_type("AWS::S3::Bucket")[name])
    assert plain == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    (chosen,) = _encryption(made_of_type("AWS::S3::Bucket", **KEY)[name])
    assert chosen["BucketKeyEnabled"] is True
    assert chosen["ServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": {"Ref": "KmsKeyArn"},
    }


def _encryption(bucket: dict[str, Any]) -> list[dict[str, Any]]:
    return list(bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"])


@pytest.mark.parametrize("name", BUCKETS)
def test_every_bucket_denies_plain_http_and_writes_of_others(name: str) -> None:
    policies = of_type("AWS::S3::BucketPolicy").values()
    (policy,) = (p for p in policies if target_of(p["Bucket"]) == name)
    statements = {s["Sid"]: s for s in policy["PolicyDocument"]["Statement"]}
    tls, foreign = statements["TlsOnly"], statements["NoWritesOfOtherAccounts"]
    assert (tls["Effect"], tls["Principal"], tls["Action"]) == ("Deny", "*", "s3:*")
    assert tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert refers_to(tls["Resource"]) == {name}
    assert len(tls["Resource"]) == 2  # the bucket, and what is in it
    assert (foreign["Effect"], foreign["Principal"]) == ("Deny", "*")
    assert {"s3:PutObject", "s3:DeleteObject"} <= set(foreign["Action"])
    account = foreign["Condition"]["StringNotEquals"]
    assert account == {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}


@pytest.mark.parametrize("name", of_type("AWS::SQS::Queue"))
def test_every_queue_denies_plain_http(name: str) -> None:
    (policy,) = (
        p for p in of_type("AWS::SQS::QueuePolicy").values() if name in refers_to(p["Queues"])
    )
    (denied,) = (s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Deny")
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_uploads_expire_only_by_choice_and_inputs_of_runs_as_late_as_all() -> None:
    def expiry(**given: str) -> list[dict[str, Any]]:
        rules = made_of_type("AWS::S3::Bucket", **given)["UploadsBucket"]["LifecycleConfiguration"]
        return [rule for rule in rules["Rules"] if "ExpirationInDays" in rule]

    assert expiry() == []
    (rule,) = expiry(UploadsExpireDays="365")
    days = {"Ref": "UploadsExpireDays"}
    assert rule["ExpirationInDays"] == days
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": days}


@pytest.mark.parametrize("name", BUCKETS)
def test_uploads_that_never_ended_cost_nothing_for_ever(name: str) -> None:
    aborts = [
        rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]
        for rule in made_of_type("AWS::S3::Bucket")[name]["LifecycleConfiguration"]["Rules"]
        if "AbortIncompleteMultipartUpload" in rule
    ]
    assert aborts == [{"Ref": "AbortMultipartDays"}]


def test_the_trails_copy_is_locked_by_choice() -> None:
    assert "ObjectLockConfiguration" not in made_of_type("AWS::S3::Bucket")["AuditBucket"]
    locked = made_of_type("AWS::S3::Bucket", AuditObjectLock="COMPLIANCE")["AuditBucket"]
    assert locked["ObjectLockEnabled"] is True
    assert locked["ObjectLockConfiguration"]["Rule"]["DefaultRetention"] == {
        "Mode": {"Ref": "AuditObjectLock"},
        "Days": {"Ref": "AuditRetentionDays"},
    }


def _statements() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of a role's own policies in a stack with everything, and whose it is."""
    for name, resource in made(**ALL).items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::IAM::Role":
            documents = [p["PolicyDocument"] for p in properties.get("Policies", [])]
        elif resource["Type"] == "AWS::IAM::Policy":
            documents = [properties["PolicyDocument"]]
        else:
            continue
        for document in documents:
            for statement in document["Statement"]:
                yield name, statement


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_what_may_be_done_to_everything_is_explained() -> None:
    found = {
        action
        for _, statement in _statements()
        if "*" in _list(statement["Resource"])
        for action in _list(statement["Action"])
        if not action.startswith("logs:")  # deliveries of the machine's own log have no ARN
    }
    assert found == EXPLAINED.keys()


def test_no_action_is_a_wildcard() -> None:
    for name, statement in _statements():
        assert [a for a in _list(statement["Action"]) if "*" in a] == [], name


def test_only_intake_reads_uploads_and_nothing_writes_them() -> None:
    readers, writers = set(), set()
    for name, statement in _statements():
        if "UploadsBucket" in refers_to(statement["Resource"]):
            actions = set(_list(statement["Action"]))
            reading = {
                f"s3:GetObject{what}" for what in ("", "Version", "Attributes", "VersionAttributes")
            }
            readers |= {name} if actions & reading else set()
            writers |= {name} if actions - reading - {"s3:ListBucket"} else set()
    planner = "PlanReanalysisFunctionRole"  # looks which files are archived: HEAD is GetObject
    jobs = {"ReadsJobRole", "NextflowJobRole"}
    assert readers == {"RegisterUploadFunctionRole", *jobs, planner}
    assert writers == set()


def test_only_the_copy_reaches_the_trails_copy_and_can_only_add() -> None:
    reach = [
        (name, _list(statement["Action"]))
        for name, statement in _statements()
        if "AuditBucket" in refers_to(statement["Resource"])
    ]
    assert reach == [("CopyAuditFunctionRole", ["s3:PutObject"])]


def test_a_job_writes_results_or_indexes_and_never_the_reference_itself() -> None:
    indexes = ["${ReferencesBucket.Arn}/*.failure.json", "${ReferencesBucket.Arn}/*/indexes/*"]
    results = ["${ResultsBucket.Arn}/*"]
    may_write = {"ReadsJobRole": results, "ResultsJobRole": results, "IndexJobRole": indexes}
    assert may_write == {role: sorted(_resources(role, "s3:PutObject")) for role in may_write}


def test_a_job_reads_what_its_kind_needs() -> None:
    references, results = "${ReferencesBucket.Arn}/*", "${ResultsBucket.Arn}/*"
    read = {
        role: (_resources(role, "s3:GetObjectVersion"), _resources(role, "s3:GetObject"))
        for role in ("ReadsJobRole", "ResultsJobRole", "IndexJobRole")
    }
    assert read == {
        "ReadsJobRole": (["${UploadsBucket.Arn}/*"], [references, results]),
        "ResultsJobRole": ([], [references, results]),
        "IndexJobRole": ([], [references]),
    }


def test_jobs_reach_nothing_but_s3() -> None:
    actions = {
        action
        for name, statement in _statements()
        if name.endswith("JobRole") and name != "NextflowJobRole"
        for action in _list(statement["Action"])
    }
    assert {action.partition(":")[0] for action in actions} == {"s3"}


def _resources(role: str, action: str) -> list[str]:
    """On which objects a role may do something."""
    return [
        resource["Fn::Sub"]
        for name, statement in _statements()
        if name == role and action in _list(statement["Action"])
        for resource in _list(statement["Resource"])
    ]


def test_hosts_have_aws_own_policy_for_them_and_nothing_else() -> None:
    """It lets them drain themselves (ecs:UpdateContainerInstancesState), as the ECS agent does."""
    role = made(**ALL)["HostRole"]["Properties"]
    policy = (
        "arn:${AWS::Partition}:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"
    )
    assert role["ManagedPolicyArns"] == [{"Fn::Sub": policy}]
    assert "Policies" not in role
    assert [name for name, _ in _statements() if name == "HostRole"] == []


def test_tasks_of_workflows_reach_work_folders_alone_and_write_no_reads_and_no_reference() -> None:
    granted = {
        (action, text)
        for name, statement in _statements()
        if name == "NextflowTaskRole"
        for action in _list(statement["Action"])
        for text in [
            one.get("Fn::Sub", one.get("Fn::GetAtt")) for one in _list(statement["Resource"])
        ]
        if action != "s3:ListBucket"
    }
    assert granted == {
        ("s3:GetObject", "${ResultsBucket.Arn}/_work/*"),
        ("s3:PutObject", "${ResultsBucket.Arn}/_work/*/tasks/*"),
        ("s3:AbortMultipartUpload", "${ResultsBucket.Arn}/_work/*/tasks/*"),
    }
    (listing,) = [
        statement
        for name, statement in _statements()
        if name == "NextflowTaskRole" and "s3:ListBucket" in _list(statement["Action"])
    ]
    assert listing["Condition"] == {"StringLike": {"s3:prefix": "_work/*"}}


def test_head_jobs_of_workflows_run_tasks_on_cpu_queues_as_the_role_of_tasks_and_no_other() -> None:
    statements = [one for name, one in _statements() if name == "NextflowJobRole"]

    def resources(action: str) -> list[Any]:
        (found,) = [one for one in statements if action in _list(one["Action"])]
        return _list(found["Resource"])

    submitted = [one["Fn::Sub"].partition("AccountId}:")[2] for one in resources("batch:SubmitJob")]
    assert submitted == ["job/*", "job-queue/${AWS::StackName}-cpu-*", "job-definition/nf-*"]
    (defined,) = resources("batch:RegisterJobDefinition")
    assert defined["Fn::Sub"].endswith(":job-definition/nf-*")
    assert resources("iam:PassRole") == [{"Fn::GetAtt": ["NextflowTaskRole", "Arn"]}]
    (passed,) = [one for one in statements if "iam:PassRole" in _list(one["Action"])]
    services = ["batch.amazonaws.com", "ecs-tasks.amazonaws.com"]
    assert passed["Condition"] == {"StringEquals": {"iam:PassedToService": services}}
    (register,) = [
        one for one in statements if "batch:RegisterJobDefinition" in _list(one["Action"])
    ]
    assert register["Condition"] == {
        "StringEquals": {"batch:User": NOBODY},
        "BoolIfExists": {"batch:Privileged": "false"},
    }
    (end,) = [one for one in statements if "batch:TerminateJob" in _list(one["Action"])]
    assert end["Condition"] == {"StringLike": {f"aws:ResourceTag/{TAG}": "*"}}
    assert resources("s3:DeleteObject") == [{"Fn::Sub": "${ResultsBucket.Arn}/_work/*"}]


def test_work_folders_expire_and_no_other_results_do() -> None:
    rules = made_of_type("AWS::S3::Bucket")["ResultsBucket"]["LifecycleConfiguration"]["Rules"]
    (rule,) = [rule for rule in rules if "ExpirationInDays" in rule]
    assert (rule["Prefix"], rule["ExpirationInDays"]) == (WORK, {"Ref": "WorkExpiresDays"})
    with pytest.raises(SeqdropError):
        check_sample_id(WORK.rstrip("/"))


def test_every_role_is_taken_by_the_service_that_it_is_for() -> None:
    services = set()
    for name, resource in deployed().items():
        if resource["Type"] == "AWS::IAM::Role":
            for statement in resource["Properties"]["AssumeRolePolicyDocument"]["Statement"]:
                (service,) = _list(statement["Principal"]["Service"])
                services.add(service)
                if service == "ecs-tasks.amazonaws.com":
                    assert "Condition" in statement, name
    assert services == {
        "lambda.amazonaws.com", "scheduler.amazonaws.com", "states.amazonaws.com",
        "ec2.amazonaws.com", "ecs-tasks.amazonaws.com",
    }  # fmt: skip


def test_whoever_reaches_a_bucket_may_use_its_key() -> None:
    resources = made(**ALL)
    (use,) = (r["Properties"] for r in resources.values() if r["Type"] == "AWS::IAM::Policy")
    reach = {
        name
        for name, statement in _statements()
        if {"s3:GetObject", "s3:PutObject"} & set(_list(statement["Action"]))
    }
    assert refers_to(use["Roles"]) == reach
    assert not made_of_type("AWS::IAM::Policy")


def test_no_function_holds_back_executions_that_a_new_account_has_not() -> None:
    for function in functions().values():
        assert "ReservedConcurrentExecutions" not in function
