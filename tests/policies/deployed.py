"""The policies of a deployed stack, and names that are the same in each deployment of it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from local.calls import Call
from local.permissions import Grant
from local.roles import grants_of_role, roles

_SUFFIX = re.compile(r"\b(seqdrop-[A-Za-z0-9]+)-[0-9A-Za-z]{12}(?![0-9A-Za-z-])")
"""CloudFormation ends the names that it makes up with twelve letters of chance."""


def lasting(text: str) -> str:
    """A name or an ARN as it is in every deployment."""
    return _SUFFIX.sub(r"\1", text)


def lasting_calls(calls: set[Call]) -> set[Call]:
    """Calls to many deployments, as if they were one."""
    return {(lasting(who), lasting(action), lasting(resource)) for who, action, resource in calls}


@dataclass(frozen=True)
class Policies:
    """Who has which role, and what the roles grant."""

    roles: Mapping[str, str]
    grants: frozenset[Grant]

    def denied(self, calls: Iterable[Call]) -> list[Call]:
        """The calls that the caller's role does not allow."""
        return sorted(call for call in calls if not self._used(call))

    def needless(self, calls: Iterable[Call]) -> list[Grant]:
        """The grants, of roles that someone has, without which no call would be denied."""
        needed = {used[0] for call in calls if len(used := self._used(call)) == 1}
        taken = set(self.roles.values())
        return sorted(grant for grant in self.grants - needed if grant.role in taken)

    def _used(self, call: Call) -> list[Grant]:
        who, action, resource = call
        role = self.roles.get(who)
        return [g for g in self.grants if g.role == role and g.allows(action, resource)]


def deployed_policies() -> Policies:
    """Those of the runtime that runs in this process."""
    who_has = roles()
    grants = (grant for role in set(who_has.values()) for grant in grants_of_role(role))
    return Policies(
        {lasting(who): lasting(role) for who, role in who_has.items()},
        frozenset(Grant(lasting(g.role), g.action, lasting(g.resource)) for g in grants),
    )
