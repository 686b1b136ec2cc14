"""IAM policies: what they grant."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

_READ = {"Sid", "Effect", "Action", "Resource", "Condition"}


class CannotRead(Exception):
    """A statement that the embedded account can't judge: a Deny, NotAction or NotResource."""


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
            raise CannotRead(
                f"role {role}: the embedded account knows Allow, Action and Resource, and can't "
                f"judge {statement}"
            )
        actions, resources = _list(statement["Action"]), _list(statement["Resource"])
        found += [Grant(role, action, resource) for action in actions for resource in resources]
    return found


def allowed(grants: Iterable[Grant], action: str, resource: str) -> bool:
    """Whether one of some grants allows an action on a resource."""
    return any(grant.allows(action, resource) for grant in grants)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
