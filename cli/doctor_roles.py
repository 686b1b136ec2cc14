"""Who may do what: who deploys, before there is a stack; and the stack's own roles, after."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from cli.account import Account
from cli.deployer import actions_for
from cli.facts import StackFacts
from cli.findings import Finding, Wanted, fail, ok, warn
from cli.grants import Grants, Place, grants_of
from cli.simulator import Denial, Question, Why

_LINKED_ROLES = {
    "batch": "AWSServiceRoleForBatch",
    "ecs": "AWSServiceRoleForECS",
    "autoscaling": "AWSServiceRoleForAutoScaling",
    "spot": "AWSServiceRoleForEC2Spot",
}
"""Service-linked roles by their services. Batch's own may make the other three: its policy
BatchServiceRolePolicy says so. Its own is made with the first compute environment, by the rights
of who deploys."""
_SHOWN = 4

_REMEDIES = {
    Why.ORGANISATION: "ask those who keep the organisation's policies to allow it in this account",
    Why.BOUNDARY: "ask those who set the permissions boundary to allow it there",
    Why.STATEMENT: "take it out of that policy, which is not of this template",
    Why.NOTHING: "someone changed the role by hand: CloudFormation's drift detection shows what; "
    "put back what the template has",
    Why.UNKNOWN: "look for yourself whether real calls meet that condition",
}


def check_roles(wanted: Wanted, account: Account) -> Iterator[Finding]:
    """May the deployer make what the templates have, or the stack's roles do what they must?"""
    missing = {
        service: role for service, role in _LINKED_ROLES.items() if not account.has_role(role)
    }
    yield _linked(missing)
    if wanted.stack is None:
        yield from _deployer(wanted, account, makes_batch_role="batch" in missing)
    else:
        yield from _stack_roles(wanted.stack, account)


def _linked(missing: dict[str, str]) -> Finding:
    if not missing:
        return ok("the service-linked roles of Batch, ECS, Auto Scaling and Spot are there")
    says = f"the account has no {', '.join(missing.values())} yet"
    if "spot" in missing:
        return warn(f"{says}: where Spot's is not made by itself, no Spot host starts", _MAKE_SPOT)
    return ok(f"{says}: made with the first compute environment")


_MAKE_SPOT = "once: aws iam create-service-linked-role --aws-service-name spot.amazonaws.com"


def _deployer(wanted: Wanted, account: Account, *, makes_batch_role: bool) -> Iterator[Finding]:
    number, arn = account.identity()
    if arn.endswith(":root"):
        yield warn("these are the root user's credentials", "deploy as a role")
        return
    if ":assumed-role/" in arn:
        arn = account.role_arn(arn.split("/")[1])
    questions = [Question(actions_for(wanted.resources, pushes=bool(wanted.built)))]
    if makes_batch_role:
        questions.append(_making_of_batch_role(arn.split(":")[1], number))
    denied = account.denials(arn, questions)
    sure = [one for one in denied if one.why is not Why.UNKNOWN]
    for why, some in _by_why(denied).items():
        yield warn(
            f"IAM's simulator, asked about all resources, would not let {arn} do "
            f"{', '.join(sorted({one.action for one in some}))}: {_named(why, some)}",
            "needed to deploy: ask for them, unless they are allowed on this stack's resources"
            if why is Why.NOTHING
            else _REMEDIES[why],
        )
    if not sure:
        yield ok(f"{arn} may deploy")


def _making_of_batch_role(partition: str, number: str) -> Question:
    role = "role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"
    return Question(
        ("iam:CreateServiceLinkedRole",),
        (f"arn:{partition}:iam::{number}:{role}",),
        {"iam:AWSServiceName": "batch.amazonaws.com"},
    )


def _stack_roles(stack: StackFacts, account: Account) -> Iterator[Finding]:
    number, arn = account.identity()
    place = Place(arn.split(":")[1], account.region, number)
    grants = grants_of(account.template(stack.name), stack, place)
    good = []
    for role in grants:
        denied = account.denials(account.role_arn(role.id), role.questions)
        yield from _denied(role, denied)
        for statement in role.left_out:
            yield warn(f"{role.role}: {statement}, so IAM was not asked", "look for yourself")
        if not denied:
            good.append(role)
    if good:
        count = sum(len(one.actions) for role in good for one in role.questions)
        yield ok(f"IAM lets {len(good)} of {len(grants)} roles do all that the template gives them "
                 f"({count} actions)")  # fmt: skip


def _denied(role: Grants, denied: Iterable[Denial]) -> Iterator[Finding]:
    for why, some in _by_why(denied).items():
        shown = [f"{one.action} on {one.resource}" for one in some[:_SHOWN]]
        more = f" and {len(some) - _SHOWN} more" if len(some) > _SHOWN else ""
        says = f"{role.role} ({role.id}) may not {', '.join(shown)}{more}: {_named(why, some)}"
        yield (warn if why is Why.UNKNOWN else fail)(says, _REMEDIES[why])


def _by_why(denied: Iterable[Denial]) -> dict[Why, list[Denial]]:
    found: dict[Why, list[Denial]] = defaultdict(list)
    for one in denied:
        found[one.why].append(one)
    return found


def _named(why: Why, some: list[Denial]) -> str:
    names = ", ".join(sorted({one.by for one in some} - {""}))
    return f"{why.value} ({names})" if names else why.value
