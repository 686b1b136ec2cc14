"""The policies of a deployed stack, and names that are the same in each deployment of it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from moto.core import DEFAULT_ACCOUNT_ID
from moto.iam.models import iam_backends

from local.calls import Call
from local.permissions import Grant
from local.roles import grants_of_role, job_key, roles

_SUFFIX = re.compile(r"\b(seqdrop-[A-Za-z0-9]+)-[0-9A-Za-z]{12}(?![0-9A-Za-z-])")
"""CloudFormation ends the names that it makes up with twelve letters of chance."""


OF_TASKS = job_key("nf-")
"""How the access keys of workflows' tasks begin: Nextflow makes their definitions while it runs."""


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
        role = self.roles.get(OF_TASKS if who.startswith(OF_TASKS) else who)
        return [g for g in self.grants if g.role == role and g.allows(action, resource)]


def deployed_policies() -> Policies:
    """Those of the runtime that runs in this process."""
    who_has = roles()
    named = iam_backends[DEFAULT_ACCOUNT_ID]["aws"].roles.values()
    (of_tasks,) = [role.name for role in named if "-NextflowTaskRole-" in role.name]
    who_has[OF_TASKS] = of_tasks
    grants = (grant for role in set(who_has.values()) for grant in grants_of_role(role))
    return Policies(
        {lasting(who): lasting(role) for who, role in who_has.items()},
        frozenset(Grant(lasting(g.role), g.action, lasting(g.resource)) for g in grants),
    )
