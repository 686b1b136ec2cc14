"""What the real template grants to its roles, as questions to IAM."""

from typing import Any

import pytest

from cli.doctor.facts import Resource, StackFacts
from cli.doctor.grants import Grants, Location, grants_of
from tests.infrastructure.stack import deployed, made, transformed

HERE = Location("aws", "eu-west-2", "123456789012")
KEY = "arn:aws:kms:eu-west-2:123456789012:key/1"
SECRET = "arn:aws:secretsmanager:eu-west-2:123456789012:secret:dragen-AbCdEf"
EVERYTHING = {
    "EnableFpga": "true", "KmsKeyArn": KEY, "DragenLicences": "2",
    "DragenLicenceSecretArn": SECRET, "DragenLicenceKmsKeyArn": KEY.replace("key/1", "key/2"),
    "CpuImage": "image", "CreateNetwork": "true",
}  # fmt: skip
LEAST = {**EVERYTHING, "EnableFpga": "false", "KmsKeyArn": ""}
LEAST |= {"DragenLicenceSecretArn": "", "DragenLicenceKmsKeyArn": ""}
IDS = {
    "AWS::SQS::Queue": "https://sqs.eu-west-2.amazonaws.com/123456789012/{}",
    "AWS::Batch::ConsumableResource": "arn:aws:batch:eu-west-2:123456789012:consumable-resource/{}",
}


def stack(parameters: dict[str, str]) -> StackFacts:
    """A stack as CloudFormation would list it: each resource with an id of its type's form."""
    defaults = {n: str(p.get("Default", "")) for n, p in transformed()["Parameters"].items()}
    resources = tuple(
        Resource(name, one["Type"], IDS.get(one["Type"], "id-of-{}").format(name))
        for name, one in made(**parameters).items()
    )
    return StackFacts("lab", "CREATE_COMPLETE", defaults | parameters, {}, resources)


def grants(parameters: dict[str, str], here: Location = HERE) -> dict[str, Grants]:
    found = grants_of(transformed(), stack(parameters), here)
    return {one.logical_id: one for one in found}


def granted(role: Grants) -> set[tuple[str, str]]:
    return {(a, r) for one in role.questions for a in one.actions for r in one.resources}


@pytest.mark.parametrize("parameters", [EVERYTHING, LEAST], ids=["everything", "least"])
def test_every_statement_of_the_template_can_be_asked_about(parameters: dict[str, str]) -> None:
    found = grants(parameters)
    assert [one.left_out for one in found.values() if one.left_out] == []
    own = {n for n, r in made(**parameters).items() if r["Properties"].get("Policies")}
    assert found.keys() == {n for n in own if deployed()[n]["Type"] == "AWS::IAM::Role"}


def test_job_roles_are_asked_about_the_versions_that_they_read() -> None:
    asked = granted(grants(LEAST)["ReadsJobRole"])
    assert asked >= {
        ("s3:GetObjectVersion", "arn:aws:s3:::id-of-UploadsBucket/any"),
        ("s3:PutObject", "arn:aws:s3:::id-of-ResultsBucket/any"),
        ("s3:ListBucket", "arn:aws:s3:::id-of-UploadsBucket"),
    }
    assert ("s3:GetObject", "arn:aws:s3:::id-of-UploadsBucket/any") not in asked


def test_resources_are_named_as_iam_names_them() -> None:
    found = grants(EVERYTHING)
    here = "eu-west-2:123456789012"
    assert granted(found["RegisterUploadFunctionRole"]) >= {
        ("dynamodb:Query", f"arn:aws:dynamodb:{here}:table/id-of-CatalogTable"),
        ("sqs:SendMessage", f"arn:aws:sqs:{here}:UploadsQueue"),
        ("states:StartExecution", f"arn:aws:states:{here}:stateMachine:lab-analyse-sample"),
        ("states:StopExecution", f"arn:aws:states:{here}:execution:lab-analyse-sample:any"),
    }
    assert granted(found["ExecutionRole"]) >= {
        ("ecr:BatchGetImage", f"arn:aws:ecr:{here}:repository/any"),
        ("ecr:GetAuthorizationToken", "*"),
        ("logs:PutLogEvents", f"arn:aws:logs:{here}:log-group:id-of-JobLogGroup:any"),
        ("secretsmanager:GetSecretValue", SECRET),
    }
    assert granted(found["AnalyseSampleStateMachineRole"]) >= {
        ("lambda:InvokeFunction", f"arn:aws:lambda:{here}:function:id-of-PlanRunFunction")
    }


@pytest.mark.parametrize(
    ("partition", "region", "service"),
    [
        ("aws", "eu-west-2", "s3.eu-west-2.amazonaws.com"),
        ("aws-cn", "cn-north-1", "s3.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_a_key_is_asked_about_as_s3_uses_it(partition: str, region: str, service: str) -> None:
    found = grants(EVERYTHING, Location(partition, region, "123456789012"))
    (question,) = [one for one in found["ReadsJobRole"].questions if "kms:Decrypt" in one.actions]
    assert question.resources == (KEY,)
    assert question.context == {"kms:ViaService": service}
    assert not [q for q in grants(LEAST)["ReadsJobRole"].questions if "kms:Decrypt" in q.actions]


def statement(**changed: Any) -> dict[str, Any]:
    """A role's template. A key that is changed to None is not in its statement."""
    one = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"} | changed
    one = {key: value for key, value in one.items() if value is not None}
    policy = {"PolicyName": "p", "PolicyDocument": {"Statement": one}}
    role = {"Type": "AWS::IAM::Role", "Properties": {"Policies": [policy]}}
    return {"Resources": {"Role": role}}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"Condition": {"StringNotEquals": {"aws:RequestTag/lab": "x"}}}, "StringNotEquals"),
        ({"Resource": {"Fn::ImportValue": "x"}}, "Fn::ImportValue"),
        ({"Resource": {"Fn::GetAtt": ["Host", "Arn"]}}, "the ARN of Host"),
        ({"Resource": {"Ref": "Gone"}}, "the stack has no Gone"),
        (
            {"Resource": None, "NotResource": "*"},
            "s3:GetObject: the statement has NotResource or NotAction",
        ),
        (
            {"Action": None, "NotAction": ["s3:PutObject", "s3:List*"]},
            "all but s3:PutObject, s3:List*: the statement has NotResource or NotAction",
        ),
    ],
)
def test_a_statement_that_can_not_be_asked_about_is_told_and_not_guessed(
    changed: dict[str, Any], why: str
) -> None:
    resources = (
        Resource("Role", "AWS::IAM::Role", "role-1"),
        Resource("Host", "AWS::EC2::Host", "h"),
    )
    facts = StackFacts("lab", "CREATE_COMPLETE", {}, {}, resources)
    (found,) = grants_of(statement(**changed), facts, HERE)
    assert found.questions == ()
    assert why in found.left_out[0]


def test_what_a_policy_denies_is_not_asked_about() -> None:
    facts = StackFacts("lab", "", {}, {}, (Resource("Role", "AWS::IAM::Role", "role-1"),))
    (found,) = grants_of(statement(Effect="Deny"), facts, HERE)
    assert (found.questions, found.left_out) == ((), ())
