"""Rights: of whoever deploys, before there is a stack; of the stack's own roles, afterwards."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from cli.doctor.account import Account
from cli.doctor.deployer import actions_for
from cli.doctor.findings import Finding, Wanted, fail, ok, warn
from cli.doctor.grants import Grants, Location, grants_of
from cli.doctor.simulator import Denial, Question, Why
from cli.doctor.stack import DELETED_BY_HAND

_BATCH_ROLE = "AWSServiceRoleForBatch"
"""Made with the first compute environment, with the rights of whoever deploys."""
_SPOT_ROLE = "AWSServiceRoleForEC2Spot"
_LINKED_ROLES = (
    _BATCH_ROLE, "AWSServiceRoleForECS", "AWSServiceRoleForAutoScaling", _SPOT_ROLE,
)  # fmt: skip
"""Batch may make the other three by its own role: the policy BatchServiceRolePolicy says so."""
_SHOWN = 4

_REMEDIES = {
    Why.ORGANISATION: "ask those who keep the organisation's policies to allow it in this account",
    Why.BOUNDARY: "ask those who set the permissions boundary to allow it there",
    Why.STATEMENT: "ask those who keep that policy, which is not of this template",
    Why.NOTHING: "someone changed the role by hand: put back what CloudFormation's drift detection "
    "shows to be missing",
    Why.UNKNOWN: "look for yourself whether real calls meet that condition",
}


def check_linked_roles(_: Wanted, account: Account) -> Iterator[Finding]:
    """Are the service-linked roles there that Batch works with?"""
    missing = [role for role in _LINKED_ROLES if not account.has_role(role)]
    says = f"the account has no {', '.join(missing)} yet"
    if not missing:
        yield ok("the service-linked roles of Batch, ECS, Auto Scaling and Spot are there")
    elif _SPOT_ROLE in missing:
        yield warn(f"{says}: without Spot's, Spot hosts may not start", _MAKE_SPOT)
    else:
        yield ok(f"{says}: made with the first compute environment")


def check_deployer(wanted: Wanted, account: Account) -> Iterator[Finding]:
    """May the caller make what the templates have?"""
    if wanted.stack is not None:
        return
    number, arn = account.identity()
    if arn.endswith(":root"):
        yield warn("these are the root user's credentials", "deploy as a role")
        return
    if ":assumed-role/" in arn:
        arn = account.role_arn(arn.split("/")[1])
    actions, unknown_types = actions_for(wanted.resources, pushes=bool(wanted.built))
    for each in unknown_types:
        yield warn(f"not checked: which actions {each} needs", "add them to cli/doctor/deployer.py")
    questions = [Question(actions)]
    if not account.has_role(_BATCH_ROLE):
        questions.append(_making_of_batch_role(arn.split(":")[1], number))
    denied = account.denials(arn, questions)
    for why, some in _by_why(denied).items():
        yield warn(
            f"IAM's simulator, asked about all resources, would not let {arn} do "
            f"{', '.join(sorted({one.action for one in some}))}: {_named(why, some)}",
            "needed to deploy: ask for them, unless they are allowed on this stack's resources"
            if why is Why.NOTHING
            else _REMEDIES[why],
        )
    if not denied:
        yield ok(f"{arn} may deploy{' the rest' if unknown_types else ''}")


_MAKE_SPOT = "once: aws iam create-service-linked-role --aws-service-name spot.amazonaws.com"


def _making_of_batch_role(partition: str, number: str) -> Question:
    role = f"role/aws-service-role/batch.amazonaws.com/{_BATCH_ROLE}"
    return Question(
        ("iam:CreateServiceLinkedRole",),
        (f"arn:{partition}:iam::{number}:{role}",),
        {"iam:AWSServiceName": "batch.amazonaws.com"},
    )


def check_stack_roles(wanted: Wanted, account: Account) -> Iterator[Finding]:
    """May the stack's roles do all that its template gives them?"""
    stack = wanted.stack
    if stack is None:
        return
    number, arn = account.identity()
    here = Location(arn.split(":")[1], account.region, number)
    grants = grants_of(account.template(stack.name), stack, here)
    good = []
    for role in grants:
        if not account.has_role(role.role_name):
            yield fail(f"{role.logical_id} ({role.role_name}) is gone", DELETED_BY_HAND)
            continue
        denied = account.denials(account.role_arn(role.role_name), role.questions)
        yield from _denied(role, denied)
        for statement in role.left_out:
            yield warn(f"{role.logical_id}: {statement}, so IAM was not asked", "look for yourself")
        if not denied and not role.left_out:
            good.append(role)
    if good:
        count = sum(len(one.actions) for role in good for one in role.questions)
        yield ok(f"IAM lets {len(good)} of {len(grants)} roles do all that the template gives them "
                 f"({count} actions)")  # fmt: skip


def _denied(role: Grants, denied: Iterable[Denial]) -> Iterator[Finding]:
    for why, some in _by_why(denied).items():
        shown = [f"{one.action} on {one.resource}" for one in some[:_SHOWN]]
        more = f" and {len(some) - _SHOWN} more" if len(some) > _SHOWN else ""
        what = f"{', '.join(shown)}{more}: {_named(why, some)}"
        who = f"{role.logical_id} ({role.role_name})"
        if why is Why.UNKNOWN:
            yield warn(f"IAM can't tell whether {who} may {what}", _REMEDIES[why])
        else:
            yield fail(f"{who} may not {what}", _REMEDIES[why])


def _by_why(denied: Iterable[Denial]) -> dict[Why, list[Denial]]:
    found: dict[Why, list[Denial]] = defaultdict(list)
    for one in denied:
        found[one.why].append(one)
    return found


def _named(why: Why, some: list[Denial]) -> str:
    names = ", ".join(sorted({one.by for one in some} - {""}))
    return f"{why.value} ({names})" if names else why.value
