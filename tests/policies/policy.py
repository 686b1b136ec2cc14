"""IAM policies: what they grant, and how recorded calls use it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from local.calls import Call

_READ = {"Sid", "Effect", "Action", "Resource", "Condition"}


class CannotRead(Exception):
    """A statement that this reader would judge wrongly."""


@dataclass(frozen=True, order=True)
class Grant:
    """One action that a role may do to what one pattern matches."""

    role: str
    action: str
    resource: str

    def allows(self, action: str, resource: str) -> bool:
        """Whether it allows an action (in any case of letters) on a resource (in its own)."""
        acted = _pattern(self.action.lower()).fullmatch(action.lower())
        return bool(acted and _pattern(self.resource).fullmatch(resource))

    def __str__(self) -> str:
        return f"{self.role}: {self.action} on {self.resource}"


@cache
def _pattern(text: str) -> re.Pattern[str]:
    """IAM's wildcards: `*` is any text, slashes and colons too, `?` any letter."""
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(c, re.escape(c)) for c in text), re.DOTALL)


def grants_of(role: str, document: Mapping[str, Any]) -> list[Grant]:
    """Every action of a policy with every resource of its statement.

    Conditions are taken as met: they narrow what is granted and are judged by reading.
    """
    found = []
    for statement in _list(document["Statement"]):
        if statement["Effect"] != "Allow" or not statement.keys() <= _READ:
            raise CannotRead(f"{role}: {statement}")
        actions, resources = _list(statement["Action"]), _list(statement["Resource"])
        found += [Grant(role, action, resource) for action in actions for resource in resources]
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@dataclass(frozen=True)
class Policies:
    """Who has which role, and what the roles grant."""

    roles: Mapping[str, str]
    grants: frozenset[Grant]

    def denied(self, calls: Iterable[Call]) -> list[Call]:
        """The calls that the caller's role does not allow."""
        return sorted(call for call in calls if not self._used(call))

    def unused(self, calls: Iterable[Call]) -> list[Grant]:
        """The grants, of roles that someone has, that no call needed."""
        used = {grant for call in calls for grant in self._used(call)}
        taken = set(self.roles.values())
        return sorted(grant for grant in self.grants - used if grant.role in taken)

    def _used(self, call: Call) -> list[Grant]:
        who, action, resource = call
        role = self.roles.get(who)
        return [g for g in self.grants if g.role == role and g.allows(action, resource)]
