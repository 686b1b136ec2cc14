"""IAM's policy simulator as AWS documents it, over policies that a test gives.

A Deny counts most; what an organisation's policies and a boundary do not allow is not allowed
either (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

Document = Mapping[str, Any]
ALL = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@dataclass
class FakeSimulator:
    """An IAM client that knows SimulatePrincipalPolicy."""

    policies: Mapping[str, Mapping[str, Document]]
    """By role's name: its policies by their names."""
    organisation: Sequence[Document] = (ALL,)
    boundaries: Mapping[str, Document] = field(default_factory=dict)
    """By role's name."""
    apart: frozenset[str] = frozenset()
    """Actions that are not taken in one call with others."""
    page: int = 3
    """Results in a page of the answer."""
    per_resource: bool = True
    """Whether a result tells the resources apart, or is of one resource as it was before."""

    def get_paginator(self, name: str) -> "FakeSimulator":
        assert name == "simulate_principal_policy"
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        actions = asked["ActionNames"]
        if self.apart & set(actions) and len(actions) > 1:
            message = (
                f"Invalid Input Actions: {actions} require different authorization information"
            )
            error: Any = {"Error": {"Code": "InvalidInput", "Message": message}}
            raise ClientError(error, "SimulatePrincipalPolicy")
        results = list(self._results(asked))
        for i in range(0, len(results), self.page):
            yield {"EvaluationResults": results[i : i + self.page]}

    def _results(self, asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        role = asked["PolicySourceArn"].rpartition("/")[2]
        context = {
            one["ContextKeyName"].lower(): one["ContextKeyValues"][0]
            for one in asked["ContextEntries"]
        }
        for action in asked["ActionNames"]:
            each = [self._one(role, action, name, context) for name in asked["ResourceArns"]]
            if self.per_resource:
                yield {**_strictest(each), "ResourceSpecificResults": each}
            else:
                yield from ({**one, "EvalDecision": one["EvalResourceDecision"]} for one in each)

    def _one(
        self, role: str, action: str, resource: str, context: Mapping[str, str]
    ) -> dict[str, Any]:
        missing: set[str] = set()

        def judged(documents: Mapping[str, Document]) -> tuple[str, list[str]]:
            return _judged(documents, action, resource, context, missing)

        boundary = {"boundary": self.boundaries.get(role, ALL)}
        decision, matched = judged(self.policies[role])
        in_boundary = judged(boundary)[0] == "allowed"
        scps = {f"scp-{i}": one for i, one in enumerate(self.organisation)}
        in_organisation = judged(scps)[0] == "allowed"
        if decision == "allowed" and not (in_boundary and in_organisation):
            decision = "implicitDeny"
        return {
            "EvalActionName": action,
            "EvalResourceName": resource,
            "EvalResourceDecision": decision,
            "MatchedStatements": [{"SourcePolicyId": name} for name in matched],
            "MissingContextValues": sorted(missing),
            "OrganizationsDecisionDetail": {"AllowedByOrganizations": in_organisation},
            "PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": in_boundary},
        }


def _strictest(each: list[dict[str, Any]]) -> dict[str, Any]:
    order = ["explicitDeny", "implicitDeny", "allowed"]
    one = min(each, key=lambda result: order.index(result["EvalResourceDecision"]))
    return {**one, "EvalDecision": one["EvalResourceDecision"], "EvalResourceName": "*"}


def _judged(
    documents: Mapping[str, Document],
    action: str,
    resource: str,
    context: Mapping[str, str],
    missing: set[str],
) -> tuple[str, list[str]]:
    found: dict[str, list[str]] = {"Allow": [], "Deny": []}
    for name, document in documents.items():
        for statement in _list(document["Statement"]):
            if _is_about(statement, action, resource) and _met(statement, context, missing):
                found[statement["Effect"]].append(name)
    if found["Deny"]:
        return "explicitDeny", found["Deny"]
    return ("allowed" if found["Allow"] else "implicitDeny"), found["Allow"]


def _is_about(statement: Document, action: str, resource: str) -> bool:
    if "NotAction" in statement:
        named = not any(matches(one, action) for one in _list(statement["NotAction"]))
    else:
        named = any(matches(one, action) for one in _list(statement["Action"]))
    return named and any(matches(one, resource, case=True) for one in _list(statement["Resource"]))


def _met(statement: Document, context: Mapping[str, str], missing: set[str]) -> bool:
    """Whether all conditions are met; without its key a negative one is, a positive one is not."""
    met = True
    for operator, keys in statement.get("Condition", {}).items():
        for key, values in keys.items():
            given = context.get(key.lower())
            if given is None:
                missing.add(key)
            some = given is not None and any(matches(str(v), given) for v in _list(values))
            met &= some != ("Not" in operator)
    return met


def matches(pattern: str, text: str, *, case: bool = False) -> bool:
    """IAM's wildcards."""
    parts = {"*": ".*", "?": "."}
    expression = "".join(parts.get(c, re.escape(c)) for c in pattern)
    return bool(re.fullmatch(expression, text, re.DOTALL if case else re.DOTALL | re.IGNORECASE))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
