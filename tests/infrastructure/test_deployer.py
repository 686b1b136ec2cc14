"""The rights of who deploys, against the templates and AWS' published resource schemas."""

import json
from functools import cache
from pathlib import Path

import cfnlint
from samtranslator.yaml_helper import yaml_parse

from cli.deployment import BOOTSTRAP
from cli.doctor.deployer import MAKING, MAKING_WITH, actions_for
from infrastructure.expansion import expand
from tests.infrastructure.stack import deployed, made
from tests.policies.iam_tables import action_row

SCHEMAS = Path(cfnlint.__file__).parent / "data/schemas/resources"


def types() -> set[str]:
    """Every type of resource of both templates, whatever the conditions."""
    body = expand(yaml_parse(BOOTSTRAP.read_text("utf-8")))
    return {one["Type"] for one in [*deployed().values(), *body["Resources"].values()]}


@cache
def listed() -> dict[str, set[str]]:
    """What the handlers of AWS' schemas may call to make a resource, by its type."""
    found = {}
    for path in SCHEMAS.glob("*.json"):
        schema = json.loads(path.read_text("utf-8"))
        if schema.get("typeName") in MAKING:
            making = schema["handlers"]["create"]["permissions"]
            found[schema["typeName"]] = {action.lower() for action in making}
    return found


def test_every_type_that_is_made_has_its_actions_and_no_other_has() -> None:
    assert MAKING.keys() == types()


def test_every_action_is_one_that_aws_lists_for_the_type() -> None:
    assert listed().keys() == MAKING.keys()
    for kind, actions in MAKING.items():
        assert {action.lower() for action in actions} <= listed()[kind], kind


def test_what_makes_and_what_tags_a_type_is_never_left_out() -> None:
    """Stacks are tagged, so each resource is: a deployer who may not tag is told before."""
    verbs = (":create", ":register", ":publish")
    apart = {
        # for what the templates do not have: imports, replicas, lattices, tables of metadata
        "dynamodb:createtablereplica", "ec2:createvpcencryptioncontrol", "logs:createlogdelivery",
        "vpc-lattice:createservicenetworkvpcendpointassociation", "kms:creategrant",
        "eks:createaccessentry", "logs:createlogstream",
        "iam:createservicelinkedrole",  # asked about by itself, where the role is missing
        "s3:createbucketmetadatatableconfiguration", "s3tables:createnamespace",
        "s3tables:createtable", "s3tables:createtablebucket", "logs:createloggroup",
    }  # fmt: skip
    for kind, actions in MAKING.items():
        ours = {action.lower() for action in actions}
        making = {one for one in listed()[kind] if any(verb in one for verb in verbs)}
        assert making - ours <= apart, kind
        tagging = {one for one in listed()[kind] if one.endswith((":tagresource", ":tagqueue"))}
        assert tagging - {"s3:tagresource"} <= ours, kind


def test_what_iams_tables_make_an_action_depend_on_is_never_left_out() -> None:
    apart = {
        # for what the templates do not have: AMIs by parameters, capacity providers, versions
        "ssm:GetParameters", "lambda:PassCapacityProvider", "states:PublishStateMachineVersion",
    }  # fmt: skip
    with_properties = {action for some in MAKING_WITH.values() for action in some}
    for kind, actions in MAKING.items():
        for action in actions:
            row = action_row(action)
            assert row is not None, f"{kind}: IAM knows no {action}"
            assert row.dependent <= {*actions, *with_properties, *apart}, (kind, action)
    assert all(action_row(action) for action in with_properties)


def test_what_only_some_properties_need_is_asked_about_where_they_are() -> None:
    dns, lock = "route53:AssociateVPCWithHostedZone", "s3:PutBucketObjectLockConfiguration"
    for network, audit, wants in (
        ("false", "NONE", set()),
        ("true", "NONE", {dns}),
        ("false", "COMPLIANCE", {lock}),
    ):
        resources = made(CreateNetwork=network, AuditObjectLock=audit)
        actions, _ = actions_for(list(resources.values()), pushes=False)
        assert {dns, lock} & set(actions) == wants


def test_capacity_tags_are_no_right_that_our_hosts_need() -> None:
    """Batch asks for batch:SetCapacityTags only where a request has capacity tags."""
    environments = [r for r in deployed().values() if r["Type"] == "AWS::Batch::ComputeEnvironment"]
    assert environments
    for one in environments:
        resources = one["Properties"]["ComputeResources"]
        assert resources["Type"] in {"EC2", "SPOT"}
        assert "CapacityTags" not in resources


def test_actions_are_asked_about_once_and_pushing_only_where_something_is_pushed() -> None:
    some = [{"Type": "AWS::IAM::Role"}, {"Type": "AWS::IAM::Role"}, {"Type": "AWS::SQS::Queue"}]
    actions, unknown = actions_for(some, pushes=False)
    assert unknown == ()
    assert len(actions) == len(set(actions))
    assert "ecr:PutImage" not in actions
    assert "ecr:PutImage" in actions_for(some, pushes=True)[0]


def test_a_type_of_which_nobody_said_what_it_needs_is_told_apart() -> None:
    topics = [{"Type": "AWS::SNS::Topic"}, {"Type": "AWS::SNS::Topic"}]
    actions, unknown = actions_for([{"Type": "AWS::SQS::Queue"}, *topics], pushes=False)
    assert "sqs:CreateQueue" in actions
    assert unknown == ("AWS::SNS::Topic",)
