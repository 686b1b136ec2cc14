"""IAM's policy simulator: which questions a role's policies, and those above it, say no to.

See https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

_APART = "require different authorization information"
"""What the simulator says of actions that it does not take in one call."""
_MOST_ACTIONS = 50
_MOST_RESOURCES = 20


class Why(StrEnum):
    """What denies an action."""

    ORGANISATION = "a policy of the organisation (SCP) forbids it"
    BOUNDARY = "the role's permissions boundary does not allow it"
    STATEMENT = "a statement of a policy denies it"
    NOTHING = "no policy allows it"
    UNKNOWN = "it depends on what only a real call has"
    """A condition asks for a key that the simulator was not given."""


@dataclass(frozen=True)
class Question:
    """May it do these, to each of these?"""

    actions: tuple[str, ...]
    resources: tuple[str, ...] = ("*",)
    context: Mapping[str, str] = field(default_factory=dict)
    """Values of condition keys."""


@dataclass(frozen=True, order=True)
class Denial:
    """One action that is denied on one resource."""

    action: str
    resource: str
    why: Why
    by: str = ""
    """The policy that denies, or the condition keys that were not known."""


class Simulator:
    """The simulator of one account, as calls from one region would be judged."""

    def __init__(self, iam: Any, region: str) -> None:
        self._iam = iam
        self._region = region

    def denials(self, arn: str, questions: Sequence[Question]) -> list[Denial]:
        """What a user or role may not do. Raises ClientError where nobody may ask."""
        known = {key: value for one in questions for key, value in one.context.items()}
        found = {
            denial
            for question in questions
            for some in _parts(question, {**known, **question.context})
            for denial in self._ask(arn, some)
        }
        return sorted(found)

    def _ask(self, arn: str, question: Question) -> Iterator[Denial]:
        """Asks in one call; in halves where the simulator wants some actions apart."""
        try:
            results = list(self._results(arn, question))
        except ClientError as error:
            if _APART not in error.response["Error"].get("Message", "") or not question.actions[1:]:
                raise
            middle = len(question.actions) // 2
            for actions in question.actions[:middle], question.actions[middle:]:
                half = Question(actions, question.resources, question.context)
                yield from self._ask(arn, half)
            return
        for result in results:
            yield from _denials(result)

    def _results(self, arn: str, question: Question) -> Iterator[Mapping[str, Any]]:
        pages = self._iam.get_paginator("simulate_principal_policy").paginate(
            PolicySourceArn=arn,
            ActionNames=list(question.actions),
            ResourceArns=list(question.resources),
            ContextEntries=self._context(arn, question),
        )
        for page in pages:
            yield from page["EvaluationResults"]

    def _context(self, arn: str, question: Question) -> list[dict[str, Any]]:
        """What the question gives, and what is true of every call.

        Policies of organisations often deny what is not in some region, or not by TLS: a key that
        is not given would make them deny all.
        """
        always = {
            "aws:RequestedRegion": self._region,
            "aws:PrincipalAccount": arn.split(":")[4],
            "aws:PrincipalArn": arn,
        }
        return [
            {"ContextKeyName": name, "ContextKeyValues": [value], "ContextKeyType": "string"}
            for name, value in {**always, **question.context}.items()
        ] + [
            {
                "ContextKeyName": "aws:SecureTransport",
                "ContextKeyValues": ["true"],
                "ContextKeyType": "boolean",
            }
        ]


def _parts(question: Question, context: Mapping[str, str]) -> Iterator[Question]:
    """A question in parts that are small enough for one call, with the context of all others.

    A key that is not given is reported as missing, even where it decided nothing.
    """
    actions, resources = question.actions, question.resources
    for i in range(0, len(actions), _MOST_ACTIONS):
        for j in range(0, len(resources), _MOST_RESOURCES):
            some = actions[i : i + _MOST_ACTIONS], resources[j : j + _MOST_RESOURCES]
            yield Question(*some, context)


def _denials(result: Mapping[str, Any]) -> Iterator[Denial]:
    """What a result denies: one for each resource, where it tells them apart.

    The decision of the result itself is the strictest of all its resources.
    """
    each = result.get("ResourceSpecificResults") or [
        {**result, "EvalResourceDecision": result["EvalDecision"]}
    ]
    for one in each:
        if one["EvalResourceDecision"] != "allowed":
            resource = str(one.get("EvalResourceName", "*"))
            yield Denial(str(result["EvalActionName"]), resource, *_why(result, one))


def _why(result: Mapping[str, Any], one: Mapping[str, Any]) -> tuple[Why, str]:
    missing = one.get("MissingContextValues") or result.get("MissingContextValues") or []
    if missing:
        return Why.UNKNOWN, ", ".join(sorted(missing))
    organisation = result.get("OrganizationsDecisionDetail", {})
    if organisation.get("AllowedByOrganizations") is False:
        return Why.ORGANISATION, ""
    detail = "PermissionsBoundaryDecisionDetail"
    boundary = one.get(detail) or result.get(detail) or {}
    if boundary.get("AllowedByPermissionsBoundary") is False:
        return Why.BOUNDARY, ""
    if one["EvalResourceDecision"] == "explicitDeny":
        matched = one.get("MatchedStatements") or result.get("MatchedStatements") or []
        names = {str(each.get("SourcePolicyId", "")) for each in matched}
        return Why.STATEMENT, ", ".join(sorted(names - {""}))
    return Why.NOTHING, ""
