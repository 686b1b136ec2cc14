"""What `seqdrop doctor` asks IAM's simulator, and what it makes of the answers."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from cli.doctor.simulator import Denial, Question, Simulator, Why
from tests.iam_support import ALL, FakeSimulator

REGION = "us-east-1"
ROLE = "arn:aws:iam::123456789012:role/jobs"
BUCKET = "arn:aws:s3:::results"


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Action": action, "Resource": resource, **more}]}


def deny(action: Any, **more: Any) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Deny", "Action": action, "Resource": "*", **more}]}


def denials(iam: FakeSimulator, *questions: Question) -> list[Denial]:
    return Simulator(iam, REGION).denials(ROLE, questions)


READS = Question(("s3:GetObject", "s3:PutObject"), (f"{BUCKET}/any", "arn:aws:s3:::other/any"))


@pytest.mark.parametrize("per_resource", [True, False])
def test_a_denial_is_of_one_action_on_one_resource(per_resource: bool) -> None:
    policies = {"jobs": {"own": allow("s3:GetObject", f"{BUCKET}/*")}}
    assert denials(FakeSimulator(policies, per_resource=per_resource), READS) == [
        Denial("s3:GetObject", "arn:aws:s3:::other/any", Why.NOTHING),
        Denial("s3:PutObject", "arn:aws:s3:::other/any", Why.NOTHING),
        Denial("s3:PutObject", f"{BUCKET}/any", Why.NOTHING),
    ]


def test_an_organisations_policy_is_told_from_the_roles_own() -> None:
    iam = FakeSimulator({"jobs": {"own": allow("s3:*")}}, organisation=(ALL, deny("s3:Put*")))
    found = denials(iam, READS)
    assert {(one.action, one.why) for one in found} == {("s3:PutObject", Why.ORGANISATION)}


def test_a_boundary_is_told_from_the_roles_own() -> None:
    boundaries = {"jobs": allow("s3:Get*")}
    iam = FakeSimulator({"jobs": {"own": allow("s3:*")}}, boundaries=boundaries)
    found = denials(iam, READS)
    assert {(one.action, one.why) for one in found} == {("s3:PutObject", Why.BOUNDARY)}


def test_a_policy_that_denies_is_named() -> None:
    iam = FakeSimulator({"jobs": {"own": allow("s3:*"), "by-hand": deny("s3:PutObject")}})
    found = denials(iam, READS)
    assert {(one.why, one.by) for one in found} == {(Why.STATEMENT, "by-hand")}


def test_a_policy_for_some_regions_or_for_tls_denies_nothing_that_is_in_them() -> None:
    """Organisations' usual policies: without the keys they would deny everything."""
    elsewhere = deny("*", Condition={"StringNotEquals": {"aws:RequestedRegion": [REGION]}})
    plain = deny("*", Condition={"Bool": {"aws:SecureTransport": "false"}})
    strangers = deny(
        "*", Condition={"StringNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}}
    )
    iam = FakeSimulator({"jobs": {"own": allow("s3:*")}}, (ALL, elsewhere, plain, strangers))
    assert denials(iam, READS) == []


def test_what_hangs_on_a_key_that_is_not_known_is_no_plain_no() -> None:
    tagged = deny("*", Condition={"StringNotEquals": {"aws:ResourceTag/lab": "yes"}})
    iam = FakeSimulator({"jobs": {"own": allow("s3:*")}}, (ALL, tagged))
    assert {(one.why, one.by) for one in denials(iam, READS)} == {
        (Why.UNKNOWN, "aws:ResourceTag/lab")
    }


def test_a_grant_under_a_condition_holds_with_the_conditions_value() -> None:
    condition = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    iam = FakeSimulator({"jobs": {"own": allow("kms:Decrypt", Condition=condition)}})
    question = Question(("kms:Decrypt",), ("*",), {"kms:ViaService": "s3.us-east-1.amazonaws.com"})
    assert denials(iam, question) == []
    assert [one.why for one in denials(iam, Question(("kms:Decrypt",)))] == [Why.UNKNOWN]


def test_actions_that_are_not_taken_together_are_asked_apart() -> None:
    apart = frozenset({"iam:PassRole", "s3:PutObjectLockConfiguration"})
    iam = FakeSimulator({"jobs": {"own": allow("s3:*")}}, apart=apart)
    actions = ("s3:GetObject", "iam:PassRole", "s3:PutObjectLockConfiguration", "s3:ListBucket")
    assert [one.action for one in denials(iam, Question(actions))] == ["iam:PassRole"]
    without_any = FakeSimulator({"jobs": {}}, apart=apart)
    assert {one.action for one in denials(without_any, Question(actions))} == set(actions)


def test_a_long_question_is_asked_in_parts_and_no_part_is_lost() -> None:
    actions = tuple(f"s3:Action{i}" for i in range(120))
    resources = tuple(f"arn:aws:s3:::bucket{i}" for i in range(45))
    found = denials(FakeSimulator({"jobs": {}}), Question(actions, resources))
    assert {(one.action, one.resource) for one in found} == {
        (action, resource) for action in actions for resource in resources
    }
    assert len(found) == len(actions) * len(resources)


def test_all_pages_of_an_answer_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """With botocore's own paginator, on the markers that AWS documents."""
    make: Any = boto3.client
    client = make("iam", aws_access_key_id="test", aws_secret_access_key="test")
    allowed = {"EvalActionName": "s3:GetObject", "EvalDecision": "allowed"}
    denied = {"EvalActionName": "s3:PutObject", "EvalDecision": "implicitDeny"}
    first = {"EvaluationResults": [allowed], "IsTruncated": True, "Marker": "next"}
    with Stubber(client) as stub:
        stub.add_response("simulate_principal_policy", first)
        stub.add_response("simulate_principal_policy", {"EvaluationResults": [denied]})
        found = Simulator(client, REGION).denials(ROLE, [READS])
        stub.assert_no_pending_responses()
    assert [(one.action, one.why) for one in found] == [("s3:PutObject", Why.NOTHING)]


def test_who_may_not_ask_is_told_so() -> None:
    make: Any = boto3.client
    client = make("iam", aws_access_key_id="test", aws_secret_access_key="test")
    with Stubber(client) as stub, pytest.raises(ClientError, match="AccessDenied"):
        stub.add_client_error("simulate_principal_policy", "AccessDenied")
        Simulator(client, REGION).denials(ROLE, [READS])
