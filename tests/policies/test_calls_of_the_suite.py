"""Every call that functions and jobs made in the suite, held against the template's policies.

These tests run last, and wait for those of other workers. Calls are recorded by `local.calls`, in
every runtime that the end-to-end and state machine tests start.
"""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

from local.calls import Call, read_calls
from local.permissions import Grant
from local.runtime import Runtime, RuntimeSettings
from tests.lab import LICENCE_SECRET
from tests.policies.deployed import Policies, deployed_policies, lasting_calls
from tests.policies.iam_tables import action_row

RESULTS, REFERENCES, UPLOADS, AUDIT = (
    f"arn:aws:s3:::seqdrop-{name}bucket" for name in ("results", "references", "uploads", "audit")
)
SQS = "arn:aws:sqs:us-east-1:123456789012"
STATES = "arn:aws:states:us-east-1:123456789012"
RUNS = f"{STATES}:execution:seqdrop-analyse-sample:*"
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/seqdrop-CatalogTable"
REPOSITORIES = "arn:aws:ecr:*:123456789012:repository/*"
PARTS_TAKEN_BACK = "boto3 takes back the parts of an upload that fails"
ONE_TYPE_IS_ENOUGH = {"states:DescribeExecution"}
"""IAM's table marks both types as required, but an execution is a standard or an express one."""
EXPLAINED = {
    **{
        f"{machine}StateMachineRole: logs:{action} on *":
            "Step Functions itself delivers the machine's log"
        for machine in ("AnalyseSample", "Reanalyse")
        for action in (
            "CreateLogDelivery", "DeleteLogDelivery", "DescribeLogGroups",
            "DescribeResourcePolicies", "GetLogDelivery", "ListLogDeliveries",
            "PutResourcePolicy", "UpdateLogDelivery",
        )
    },
    f"CopyAuditFunctionRole: s3:PutObject on {AUDIT}/*":
        "the table's stream is not played on this machine",
    f"CopyAuditFunctionRole: sqs:SendMessage on {SQS}:seqdrop-AuditDeadLetters":
        "Lambda itself sends what it could not hand on",
    **{
        f"ExecutionRole: ecr:{action} on {resource}":
            "there is no registry on this machine to pull images from"
        for action, resource in (
            ("BatchCheckLayerAvailability", REPOSITORIES), ("BatchGetImage", REPOSITORIES),
            ("GetAuthorizationToken", "*"), ("GetDownloadUrlForLayer", REPOSITORIES),
        )
    },
    f"FinishRunFunctionRole: dynamodb:DeleteItem on {TABLE}":
        "a new version of a pipeline may use fewer parts of a reference than the run before it",
    **{
        f"ReanalyseStateMachineRole: states:{action} on {STATES}:{resource}":
            "Step Functions itself starts the children of a map, and ends them with it"
        for action, resource in (
            ("StartExecution", "stateMachine:seqdrop-reanalyse"),
            ("DescribeExecution", "execution:seqdrop-reanalyse:*"),
            ("DescribeExecution", "execution:seqdrop-reanalyse/RunCohort:*"),
            ("StopExecution", "execution:seqdrop-reanalyse:*"),
            ("StopExecution", "execution:seqdrop-reanalyse/RunCohort:*"),
        )
    },
    "AskApprovalFunctionRole: states:SendTaskSuccess on *":
        "somebody approves in the moment in which the function is called again",
    f"EndRunFunctionRole: s3:GetObject on {RESULTS}/*":
        "a run that ended well in the moment in which its reanalysis was stopped",
    f"EndRunFunctionRole: s3:ListBucket on {RESULTS}":
        "as that: a comparison that is not there is 404, not 403",
    f"PlanReanalysisFunctionRole: s3:ListBucket on {UPLOADS}":
        "an upload that is gone is 404, not 403",
    "RecordFailureFunctionRole: batch:ListJobs on *":
        "a job whose id is not in the catalog yet: it is found by its name",
    f"ReanalyseSampleFunctionRole: dynamodb:DeleteItem on {TABLE}":
        "a new version of a pipeline may use fewer parts of a reference than the run before it",
    f"ReanalyseSampleFunctionRole: s3:ListBucket on {RESULTS}":
        "results that are gone are 404, which leaves the sample out, not 403",
    **{
        f"ReanalyseStateMachineRole: s3:{action} on {RESULTS}/reanalyses/*":
            "Step Functions writes the results of a large map in parts"
        for action in ("AbortMultipartUpload", "ListMultipartUploadParts")
    },
    f"SweepCatalogFunctionRole: states:DescribeExecution on {STATES}:execution:seqdrop-reanalyse:*":
        "a reanalysis whose end nobody was told of",
    f"ReanalyseSampleFunctionRole: states:StopExecution on {RUNS}":
        "a run that is claimed in the moment in which its reanalysis is stopped",
    f"SweepCatalogFunctionRole: states:StopExecution on {RUNS}":
        "the runs of a reanalysis whose end nobody was told of",
    f"SweepCatalogFunctionRole: states:StartExecution on {STATES}:stateMachine:seqdrop-reanalyse":
        "a reanalysis whose execution was never started",
    **{
        f"{role}: s3:ListBucket on {bucket}":
            "what is gone is 404, not 403: which kind of job meets that first is chance"
        for role, buckets in (
            ("ReadsJobRole", (UPLOADS, REFERENCES, RESULTS)),
            ("ResultsJobRole", (REFERENCES, RESULTS)), ("IndexJobRole", (REFERENCES,)),
        )
        for bucket in buckets
    },
    **{
        f"{role}: s3:AbortMultipartUpload on {resource}": PARTS_TAKEN_BACK
        for role, resource in (
            ("ReadsJobRole", f"{RESULTS}/*"),
            ("ResultsJobRole", f"{RESULTS}/*"),
            ("IndexJobRole", f"{REFERENCES}/*/indexes/*"),
            ("IndexJobRole", f"{REFERENCES}/*.failure.json"),
        )
    },
    **{
        f"{role}: s3:AbortMultipartUpload on {resource}": PARTS_TAKEN_BACK
        for role, resource in (
            ("NextflowJobRole", f"{RESULTS}/*"), ("NextflowTaskRole", f"{RESULTS}/_work/*/tasks/*"),
        )
    },
    **{
        f"NextflowJobRole: s3:ListBucket on {bucket}":
            "as other jobs: what is gone is 404, not 403"
        for bucket in (UPLOADS, REFERENCES)
    },
    "NextflowJobRole: logs:GetLogEvents on "
    "arn:aws:logs:us-east-1:123456789012:log-group:/aws/batch/seqdrop:*":
        "Nextflow itself looks for what a task that failed has said; its stand-in does not",
    "RecordJobEventFunctionRole: batch:TerminateJob on "
    "arn:aws:batch:us-east-1:123456789012:job/*":
        "a workflow's task that is told of after its run has ended",
    f"PollJobFunctionRole: dynamodb:Query on {TABLE}":
        "the tasks of a workflow whose head job's end is found by a poll",
    f"RecordJobEventFunctionRole: s3:ListBucket on {REFERENCES}":
        "an index whose job succeeded without results: 404, which fails the version, not 403",
    **{
        f"RegisterUploadFunctionRole: s3:{action} on {UPLOADS}/*":
            "what S3 keeps of an upload's parts tells the same bytes from others: asked for soon"
        for action in ("GetObjectAttributes", "GetObjectVersionAttributes")
    },
    f"SubmitJobFunctionRole: s3:ListBucket on {RESULTS}":
        "a plan that is not there: 404, which is tried again, not 403",
}  # fmt: skip
"""Grants that no test needs, and why they stay."""


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Policies:
    # With all that any test of the suite deploys.
    parameters = {"DragenLicenceSecretArn": LICENCE_SECRET}
    settings = RuntimeSettings(tmp_path_factory.mktemp("policies"), parameters=parameters)
    with Runtime(settings):
        return deployed_policies()


@pytest.fixture(scope="module")
def calls(calls_folder: Path, good_ends: bool) -> set[Call]:
    found = lasting_calls(read_calls(calls_folder))
    if not found:
        pytest.skip("no end-to-end or state machine test was run")
    return found


def shown(grants: Iterable[Grant]) -> set[str]:
    """Grants as text, their roles by logical ids."""
    return {str(grant).removeprefix("seqdrop-") for grant in grants}


def test_no_function_or_job_needs_what_its_policy_does_not_grant(
    policies: Policies, calls: set[Call]
) -> None:
    assert [" ".join(call) for call in policies.denied(calls)] == []


def test_without_any_one_grant_something_would_be_denied(
    whole_suite: None, policies: Policies, calls: set[Call]
) -> None:
    """Each is taken away by itself; what nothing misses is granted for nothing, or twice."""
    assert sorted(shown(policies.needless(calls)) - EXPLAINED.keys()) == []


def test_each_explained_exception_is_still_granted(policies: Policies) -> None:
    assert sorted(EXPLAINED.keys() - shown(policies.grants)) == []


def test_calls_ask_about_resources_as_iam_s_tables_do(calls: set[Call]) -> None:
    """Every action is one of IAM's, on a type that it knows; and on each that it always wants."""
    unknown, missing = set(), set()
    asked: dict[tuple[str, str], set[str]] = defaultdict(set)
    for who, action, resource in calls:
        row = action_row(action)
        kinds = row.types_of(resource) if row else set()
        if not kinds:
            unknown.add(f"{who}: {action} on {resource}")
        asked[(who, action)] |= kinds
    for (who, action), kinds in asked.items():
        row = action_row(action)
        lacks = row.required - kinds if row and action not in ONE_TYPE_IS_ENOUGH else ()
        missing |= {f"{who}: {action} on a {kind}" for kind in lacks}
    assert sorted(unknown | missing) == []
